// What a session asks of whoever holds the wire, in the order in which it is to be done.

import type { Command } from "../commands.ts";
import type { Streamed } from "./dialogue.ts";

export type Effect =
  | {
      readonly do: "write";
      readonly commands: readonly Command[];
      readonly content: Uint8Array | undefined;
    }
  | { readonly do: "stream"; readonly content: Uint8Array }
  | {
      readonly do: "pump";
      readonly content: Streamed;
      readonly limit: number | undefined;
      /** It goes in chunks, of which each gets a reply. */
      readonly isChunked: boolean;
    }
  | { readonly do: "upgrade" }
  | { readonly do: "resolve"; readonly value: unknown }
  | { readonly do: "reject"; readonly error: unknown };
