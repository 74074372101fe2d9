// Logins for dialogues that are played without a clock: what the client computes is there at once.

import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import type { Digests, HashName } from "../../src/auth/mechanism.ts";
import { readAuth } from "../../src/options/auth.ts";
import type { Login } from "../../src/protocol/login.ts";

/** The digests of `node:crypto`, which are not those that the client uses. */
export const DIGESTS: Digests = {
  hash: (name, octets) => plain(createHash(algorithm(name)).update(octets).digest()),
  hmac: (name, key, octets) => plain(createHmac(algorithm(name), key).update(octets).digest()),
  pbkdf2: (name, { password, salt, iterations }) =>
    plain(pbkdf2Sync(password, salt, iterations, name === "SHA-1" ? 20 : 32, algorithm(name))),
};

function algorithm(name: HashName | "MD5"): string {
  return name.replace("-", "").toLowerCase();
}

function plain(octets: Buffer): Uint8Array {
  return new Uint8Array(octets);
}

/** What a client with these options of `auth` signs in with. */
export function loginWith(auth: object, given: Partial<Login> = {}): Login {
  const { credentials, mechanisms, channelBinding } = readAuth(auth, "auth");
  const place = { host: "mail.example", port: 587 };
  const chance = { digests: DIGESTS, nonce: () => "fyko+d2lbbFgONRv9qkxdawL" };
  return { credentials, mechanisms, channelBinding, ...place, ...chance, ...given };
}
