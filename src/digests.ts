// What logins are proved by, computed by WebCrypto; and the chance that goes into them.

import type { Digests } from "./auth/mechanism.ts";
import { encodeBase64 } from "./bytes.ts";
import { ConfigError } from "./errors.ts";
import { once, type Runtime } from "./runtime.ts";

/** RFC 5802 §5.1 asks for chance that nobody can guess; as many octets as become base64 without padding. */
const NONCE_OCTETS = 24;

export function nonce(): string {
  return encodeBase64(crypto.getRandomValues(new Uint8Array(NONCE_OCTETS)));
}

export function digestsOf({ hmacMd5, perInvocation = once }: Runtime): Digests {
  // A server has the same salt the next time (RFC 5802 §5.1), and this is what a login spends its time on. Connections
  // that are opened together wait for one result, and later ones have it, whatever invocation of a Worker it was of.
  let known: { readonly of: string; readonly derived: Uint8Array } | undefined;
  const memory = perInvocation((): { last?: Derivation | undefined } => ({}));
  return {
    hash: async (name, octets) => new Uint8Array(await crypto.subtle.digest(name, octets as Octets)),
    hmac: async (name, key, octets) => {
      if (name !== "MD5") return hmac(name, key, octets);
      if (hmacMd5 !== undefined) return hmacMd5(key, octets);
      throw new ConfigError("auth.mechanism", "is CRAM-MD5, and this runtime has no MD5", { phase: "auth" });
    },
    pbkdf2: async (name, { password, salt, iterations }) => {
      const of = `${name} ${iterations} ${encodeBase64(salt)} ${encodeBase64(password)}`;
      if (known?.of === of) return known.derived;
      const here = memory();
      if (here.last?.of !== of)
        here.last = { of, derived: pbkdf2(name, password, { salt: salt as Octets, iterations }) };
      try {
        const derived = await here.last.derived;
        known = { of, derived };
        return derived;
      } catch (cause) {
        here.last = undefined;
        // Some runtimes compute 100,000 iterations at most, and where FIPS is asked for a salt may be too short.
        throw new ConfigError(
          "auth.mechanism",
          `needs PBKDF2 with ${iterations} iterations, which this runtime refuses`,
          { phase: "auth", hint: 'name a mechanism that does without, such as "PLAIN"', cause },
        );
      }
    },
  };
}

const BITS = { "SHA-1": 160, "SHA-256": 256 } as const;

type Octets = Uint8Array<ArrayBuffer>;

interface Derivation {
  readonly of: string;
  readonly derived: Promise<Uint8Array>;
}

async function hmac(hash: string, key: Uint8Array, octets: Uint8Array): Promise<Uint8Array> {
  const manner = { name: "HMAC", hash };
  const imported = await crypto.subtle.importKey("raw", key as Octets, manner, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, octets as Octets));
}

async function pbkdf2(
  hash: keyof typeof BITS,
  password: Uint8Array,
  { salt, iterations }: { readonly salt: Octets; readonly iterations: number },
): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey("raw", password as Octets, "PBKDF2", false, ["deriveBits"]);
  const manner = { name: "PBKDF2", hash, salt, iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(manner, key, BITS[hash]));
}
