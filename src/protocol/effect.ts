// What a session asks of whoever holds the wire, in the order in which it is to be done.

import type { Command } from "../commands.ts";
import type { Dialogue, Streamed, Turn } from "./dialogue.ts";

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
  | { readonly do: "work"; readonly dialogue: Dialogue<unknown>; readonly work: () => unknown }
  | { readonly do: "resolve"; readonly dialogue: Dialogue<unknown>; readonly value: unknown }
  | { readonly do: "reject"; readonly dialogue: Dialogue<unknown>; readonly error: unknown };

/** What is to be done for a turn. */
export function effectsOf(turn: Turn, dialogue: Dialogue<unknown>): readonly Effect[] {
  switch (turn.kind) {
    case "greeting":
      return [];
    case "commands":
      return [{ do: "write", commands: turn.commands, content: turn.content }];
    case "content":
      if (turn.content instanceof Uint8Array) return [{ do: "stream", content: turn.content }];
      return [{ do: "pump", content: turn.content, limit: turn.limit, isChunked: false }];
    case "chunks":
      return [{ do: "pump", content: turn.content, limit: turn.limit, isChunked: true }];
    case "tls":
      return [{ do: "upgrade" }];
    case "later":
      return [{ do: "work", dialogue, work: turn.work }];
  }
}
