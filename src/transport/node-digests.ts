// MD5, which WebCrypto has not, for the one mechanism that still asks for it.

import { ConfigError } from "../errors.ts";

/** HMAC with MD5 (RFC 2104) by node:crypto. */
export async function hmacMd5(key: Uint8Array, octets: Uint8Array): Promise<Uint8Array> {
  const { createHmac } = await import("node:crypto");
  try {
    return new Uint8Array(createHmac("md5", key).update(octets).digest());
  } catch (cause) {
    throw new ConfigError("auth.mechanism", "is CRAM-MD5, and this runtime forbids MD5", {
      phase: "auth",
      hint: "OpenSSL does where FIPS is asked of it: name another mechanism",
      cause,
    });
  }
}
