// What a connection is told: where it leads, how long it may take, and who wants to hear of it.

import type { TokenSource } from "./auth/token-source.ts";
import type { Timeouts } from "./deadline.ts";
import type { OpeningOptions } from "./protocol/opening.ts";
import type { Audience } from "./trace.ts";
import type { Connect, Target } from "./transport/wire.ts";

export interface ConnectionSettings {
  readonly connect: Connect;
  readonly target: Omit<Target, "signal">;
  readonly opening: Omit<OpeningOptions, "name">;
  /** Where the access token for the login comes from, where it is not given. */
  readonly tokenSource: TokenSource | undefined;
  /** What EHLO calls us; the address of our end of the wire where it is not given. */
  readonly name: string | undefined;
  /** Credentials may travel although the wire is not verified TLS. */
  readonly insecureAllowed: boolean;
  readonly onPartial: "deliver" | "abort";
  readonly timeouts: Timeouts;
  readonly trace: Audience;
}
