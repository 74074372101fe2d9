// The contract of a SASL mechanism (RFC 4422), and the choice of one from what the server offers.

import { login } from "./login.ts";
import { plain } from "./plain.ts";
import { xoauth2 } from "./xoauth2.ts";

/** Names a mechanism by its SASL name. */
export type MechanismName = "PLAIN" | "LOGIN" | "XOAUTH2";

export interface Credentials {
  readonly user: string;
  /** The password, for PLAIN and LOGIN. */
  readonly pass?: string;
  /** The OAuth access token, for XOAUTH2. */
  readonly accessToken?: string;
}

/**
 * Is half a conversation: yields what the client says and is resumed with the server's challenges. What it yields
 * first is the initial response, or `undefined` where the server speaks first. When it is over, every further
 * challenge is one too many.
 */
export type Exchange = Generator<Uint8Array | undefined, void, Uint8Array>;

export interface Mechanism {
  readonly name: MechanismName;
  /** What of the credentials must be masked in all that is shown. */
  readonly secret: (credentials: Credentials) => string | undefined;
  readonly exchange: (credentials: Credentials) => Exchange;
}

// In order of preference: PLAIN needs a turn less than LOGIN and has a specification.
const MECHANISMS: readonly Mechanism[] = [xoauth2, plain, login];

/** The names of all mechanisms, the preferred first. */
export const MECHANISM_NAMES: readonly MechanismName[] = MECHANISMS.map(({ name }) => name);

/** The mechanisms that these credentials can feed, the preferred first; `pinned` leaves only itself. */
export function usableMechanisms(credentials: Credentials, pinned?: MechanismName): readonly Mechanism[] {
  return MECHANISMS.filter(
    (mechanism) =>
      mechanism.secret(credentials) !== undefined && (pinned ?? mechanism.name) === mechanism.name,
  );
}
