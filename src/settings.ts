// What a connection is told: where it leads, how long it may take, and who wants to hear of it.

import type { Timeouts } from "./deadline.ts";
import type { Reply } from "./errors.ts";
import type { OpeningOptions } from "./protocol/opening.ts";
import type { Connect, Target } from "./transport/wire.ts";

/** Tells what happens on a connection, as it happens. Secrets are masked, mail data is counted and not shown. */
export type TraceEvent = { readonly connection: number } & (
  | { readonly kind: "connected"; readonly host: string; readonly port: number; readonly secure: boolean }
  | { readonly kind: "secured"; readonly version: string | undefined; readonly verified: boolean }
  | { readonly kind: "command"; readonly line: string }
  | { readonly kind: "reply"; readonly reply: Reply }
  | { readonly kind: "content"; readonly octets: number }
  | { readonly kind: "closed" }
);

export interface ConnectionSettings {
  readonly connect: Connect;
  readonly target: Omit<Target, "signal">;
  readonly opening: Omit<OpeningOptions, "name">;
  /** What EHLO calls us; the address of our end of the wire where it is not given. */
  readonly name: string | undefined;
  /** Credentials may travel although the wire is not verified TLS. */
  readonly insecureAllowed: boolean;
  readonly timeouts: Timeouts;
  readonly trace: ((event: TraceEvent) => void) | undefined;
}
