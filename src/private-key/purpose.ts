// What a key is wanted for; and how it is said that one is of no use. Nothing of a key is ever shown.

import { ConfigError } from "../errors.ts";

/** The kinds of keys that there is a use for. */
export type KeyKind = "rsa" | "ed25519";

/** What a key is wanted for, which decides whether one will do. */
export interface Purpose {
  /** The option that it is given in. */
  readonly option: string;
  readonly kinds: readonly KeyKind[];
  /** Fewer bits of RSA are refused. */
  readonly minBits: number;
  /** Why they are. */
  readonly weak: string;
  /** Which keys are taken, for a hint about one of another kind. */
  readonly takes: string;
  /** What to do about one under a passphrase, where none is given. */
  readonly locked: string;
}

const MAKE_RSA = "make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048";
export const DECRYPT = "decrypt it with: openssl pkey -in encrypted.pem -out key.pem";
const FORMS = "give the text of a PEM file, a JWK or a CryptoKey";

export function refusal({ option }: Purpose, message: string, hint: string = FORMS): ConfigError {
  return new ConfigError(option, message, { hint });
}

export function damaged(purpose: Purpose): ConfigError {
  return refusal(purpose, "is damaged, or not what it says it is");
}

/** What to do about a key of another kind. */
export function kindHint({ takes }: Purpose): string {
  return `${takes}; ${MAKE_RSA}`;
}

/** Refuses an RSA key that is too short. */
export function checkRsaBits(bits: number, purpose: Purpose): void {
  if (bits < purpose.minBits)
    throw refusal(purpose, `is an RSA key of ${bits} bits; ${purpose.weak}`, MAKE_RSA);
}
