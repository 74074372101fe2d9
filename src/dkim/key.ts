// The key that signs, and what it goes by in a signature.

import { DECRYPT, MAKE_RSA, type Purpose, readPrivateKey } from "../private-key.ts";
import { Sha256 } from "./sha256.ts";

export interface SigningKey {
  /** As `a=` names it. */
  readonly algorithm: "rsa-sha256" | "ed25519-sha256";
  sign(octets: Uint8Array): Promise<Uint8Array>;
}

const PURPOSE: Purpose = {
  option: "privateKey",
  kinds: ["rsa", "ed25519"],
  minBits: 1024,
  weak: "verifiers refuse what is signed with less than 1024 (RFC 8301 §3.2)",
  hint: `DKIM takes RSA and Ed25519; ${MAKE_RSA}`,
  locked: DECRYPT,
};

/** Reads a private key; throws a `ConfigError` where it cannot sign. */
export function readSigningKey(value: unknown): SigningKey {
  const key = readPrivateKey(value, PURPOSE);
  if (key.kind === "rsa") return { algorithm: "rsa-sha256", sign: (octets) => key.sign(octets) };
  // RFC 8463 §3: what Ed25519 signs is the SHA-256 of what is to be signed.
  const sign = (octets: Uint8Array): Promise<Uint8Array> => key.sign(new Sha256().update(octets).digest());
  return { algorithm: "ed25519-sha256", sign };
}
