// Private keys, in whatever they are kept in: each form comes to PKCS #8. The only door to private-key/. What is wrong is
// told; nothing of a key ever is.

import { ConfigError } from "./errors.ts";
import { describe, type Keys } from "./input.ts";
import { kept } from "./invocations.ts";
import { read, readSecret } from "./options/checks.ts";
import { readJwk } from "./private-key/jwk.ts";
import { CONVERT, readLocked } from "./private-key/locked.ts";
import { readPem } from "./private-key/pem.ts";
import { type Pkcs8, readPkcs1, readPkcs8 } from "./private-key/pkcs8.ts";
import { checkRsaBits, type KeyKind, kindHint, type Purpose, refusal } from "./private-key/purpose.ts";

export type { PrivateJwk } from "./private-key/jwk.ts";
export { DECRYPT, type Purpose } from "./private-key/purpose.ts";

/** Is a `CryptoKey` of WebCrypto, as far as it is looked at. */
export interface PrivateCryptoKey {
  readonly type: string;
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/** Is a private key under a passphrase: the text of a PEM file, PKCS #8 encrypted by PBES2 with AES. */
export interface LockedKey {
  readonly key: string;
  readonly passphrase: string;
}

/** What signs. WebCrypto gets the key when it is first needed. */
export interface PrivateKey {
  readonly kind: KeyKind;
  /** By PKCS #1 v1.5 with SHA-256, or Ed25519. Rejects with a `ConfigError` where the runtime refuses the key. */
  sign(octets: Uint8Array): Promise<Uint8Array>;
}

type CryptoKey = Parameters<typeof crypto.subtle.sign>[1];

const ALGORITHMS = {
  rsa: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ed25519: { name: "Ed25519" },
} as const;

const NAMES = { rsa: "RSASSA-PKCS1-v1_5 with SHA-256", ed25519: "Ed25519" } as const;

/** Reads a private key; throws a `ConfigError` where it is of no use for that. */
export function readPrivateKey(value: unknown, purpose: Purpose): PrivateKey {
  if (typeof value === "string") {
    const { label, octets } = readPem(value, purpose, purpose.locked);
    if (label === "ENCRYPTED PRIVATE KEY") throw refusal(purpose, "is encrypted", purpose.locked);
    return fromPkcs8(
      label === "PRIVATE KEY" ? readPkcs8(octets, purpose) : readPkcs1(octets, purpose),
      purpose,
    );
  }
  // By its tag: the class is not a global of every runtime. What only looks like one is refused when it is to sign.
  if (Object.prototype.toString.call(value) === "[object CryptoKey]")
    return readCryptoKey(value as CryptoKey, purpose);
  if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value))
    return fromPkcs8(readJwk(value, purpose), purpose);
  throw refusal(purpose, `is ${describe(value)}, not a key`);
}

const LOCKED: Keys<keyof LockedKey> = { key: undefined, passphrase: undefined };

/** Whether a key is given with the passphrase that it is under. */
export function isLocked(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    (Object.hasOwn(value, "key") || Object.hasOwn(value, "passphrase"))
  );
}

/**
 * Reads an RSA key that is under a passphrase. That it is the right one, and what kind of key there is, shows when it is
 * first to sign.
 */
export function readLockedKey(value: unknown, { option, ...others }: Purpose): Pick<PrivateKey, "sign"> {
  const { key, passphrase } = read(value, LOCKED, option);
  const purpose: Purpose = { option: `${option}.key`, ...others };
  if (typeof key !== "string") throw refusal(purpose, `is ${describe(key)}, not a string`);
  const { label, octets } = readPem(key, purpose, CONVERT);
  const secret = readSecret(passphrase, `${option}.passphrase`);
  if (label !== "ENCRYPTED PRIVATE KEY") {
    throw new ConfigError(`${option}.passphrase`, "is given, and the key is not encrypted", {
      hint: `give the key itself as ${option}`,
    });
  }
  const unlock = readLocked(octets, secret, purpose);
  const unlocked = kept(async () => {
    const plain = await unlock().catch((cause: unknown) => {
      throw new ConfigError(purpose.option, "cannot be unlocked by this runtime", { hint: CONVERT, cause });
    });
    if (plain !== undefined) return fromPkcs8(readPkcs8(plain, purpose), purpose);
    throw new ConfigError(`${option}.passphrase`, "does not unlock the key", {
      hint: "the one that does satisfies: openssl pkey -in key.pem -noout",
    });
  });
  return { sign: async (input) => (await unlocked()).sign(input) };
}

function readCryptoKey(key: CryptoKey, purpose: Purpose): PrivateKey {
  const { name, hash, modulusLength } = key.algorithm as {
    readonly name: string;
    readonly hash?: { readonly name: string };
    readonly modulusLength?: number;
  };
  if (key.type !== "private") throw refusal(purpose, `is a ${key.type} key; a private one signs`);
  if (!key.usages.includes("sign")) throw refusal(purpose, 'has no usage "sign"', 'import it with ["sign"]');
  const kind = purpose.kinds.find((one) => ALGORITHMS[one].name === name);
  if (kind === undefined || (kind === "rsa" && hash?.name !== ALGORITHMS.rsa.hash)) {
    throw refusal(
      purpose,
      "is a CryptoKey for another algorithm",
      `import it for ${purpose.kinds.map((one) => NAMES[one]).join(" or ")}`,
    );
  }
  if (kind === "rsa") checkRsaBits(modulusLength ?? 0, purpose);
  return signer(kind, () => Promise.resolve(key), purpose);
}

function fromPkcs8({ kind, octets }: Pkcs8, purpose: Purpose): PrivateKey {
  const importing = kept(() =>
    crypto.subtle.importKey("pkcs8", octets as Uint8Array<ArrayBuffer>, ALGORITHMS[kind], false, ["sign"]),
  );
  return signer(kind, importing, purpose);
}

function signer(kind: KeyKind, key: () => Promise<CryptoKey>, purpose: Purpose): PrivateKey {
  const { name } = ALGORITHMS[kind];
  return {
    kind,
    async sign(octets) {
      try {
        return new Uint8Array(await crypto.subtle.sign(name, await key(), octets as Uint8Array<ArrayBuffer>));
      } catch (cause) {
        throw new ConfigError(purpose.option, "is refused by the runtime", {
          hint: kindHint(purpose),
          cause,
        });
      }
    },
  };
}
