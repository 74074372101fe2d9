// The key that signs, and what it goes by in a signature.

import { DECRYPT, type Purpose, readPrivateKey } from "../private-key.ts";

export interface SigningKey {
  /** As `a=` names it. */
  readonly algorithm: "rsa-sha256" | "ed25519-sha256";
  /** Signs what its algorithm takes: for Ed25519 that is a digest. */
  sign(octets: Uint8Array): Promise<Uint8Array>;
}

const PURPOSE: Purpose = {
  option: "privateKey",
  kinds: ["rsa", "ed25519"],
  minBits: 1024,
  weak: "verifiers refuse what is signed with less than 1024 (RFC 8301 §3.2)",
  takes: "DKIM takes RSA and Ed25519",
  locked: DECRYPT,
};

/** Reads a private key; throws a `ConfigError` where it cannot sign. */
export function readSigningKey(value: unknown): SigningKey {
  const key = readPrivateKey(value, PURPOSE);
  return { algorithm: `${key.kind}-sha256`, sign: (octets) => key.sign(octets) };
}
