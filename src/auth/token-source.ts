// Where access tokens come from, as a client sees it. The sources themselves are not imported from here: a client that is
// given none has none in its bundle.

import { ConfigError } from "../errors.ts";
import { describe } from "../input.ts";
import type { Eventually } from "./mechanism.ts";

/** Says what a token is wanted for. */
export interface TokenRequest {
  /** Who signs in with it. */
  readonly user: string;
  /** Why: there was none yet, the last has expired or is about to, or the server refused it. */
  readonly reason: "first" | "expired" | "rejected";
  /** Is aborted when the time for it is over, or nobody waits for it any more. */
  readonly signal: AbortSignal;
}

/** Is a token with its lifetime, where that is known: one of the two. A token without is asked for again after 5 minutes. */
export interface AccessToken {
  readonly accessToken: string;
  /** Seconds from now on, as `expires_in` has it (RFC 6749 §5.1). */
  readonly expiresIn?: number | undefined;
  /** A moment, or milliseconds since 1970. */
  readonly expiresAt?: Date | number | undefined;
}

/** Gets an access token. A client asks once for all that wait, keeps the answer, and asks again when that expires. */
export type TokenSource = (request: TokenRequest) => Eventually<string | AccessToken>;

export function readTokenSource(value: unknown, option: string): TokenSource {
  if (typeof value === "function") return value as TokenSource;
  throw new ConfigError(option, `is ${describe(value)}, not a function that gets a token`, {
    hint: "refreshTokenGrant(), clientCredentialsGrant() and serviceAccountGrant() make one: see pennypost/oauth2",
  });
}
