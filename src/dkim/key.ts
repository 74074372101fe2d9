// Private keys, in whatever they are kept in: each form comes to PKCS #8, which every WebCrypto reads, and is looked
// at here, at once, for WebCrypto says no only later. What is wrong is told; nothing of a key ever is.

import { decodeBase64, encodeHex } from "../bytes.ts";
import { ConfigError } from "../errors.ts";
import { describe } from "../input.ts";
import {
  element,
  elementsOf,
  elementsWithin,
  INTEGER,
  integer,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "./der.ts";
import { Sha256 } from "./sha256.ts";

/** Is a `CryptoKey` of WebCrypto, as far as it is looked at. */
export interface PrivateCryptoKey {
  readonly type: string;
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/** Is a private key as a JSON Web Key (RFC 7517): `kty` RSA, or OKP with the curve Ed25519. */
export interface PrivateJwk extends Partial<Readonly<Record<JwkText, string | undefined>>> {
  readonly key_ops?: readonly string[] | undefined;
}

type JwkText = "kty" | "crv" | "x" | "alg" | "use" | "kid" | (typeof RSA_NUMBERS)[number];

/** What signs: a key that has been looked at, and is handed to WebCrypto when it is first needed. */
export interface SigningKey {
  /** As `a=` names it. */
  readonly algorithm: "rsa-sha256" | "ed25519-sha256";
  sign(octets: Uint8Array): Promise<Uint8Array>;
}

type CryptoKey = Parameters<typeof crypto.subtle.sign>[1];

const OPTION = "privateKey";
/** RFC 8301 §3.2: verifiers must refuse less. */
const MIN_RSA_BITS = 1024;
/** Characters of PEM; a key of 16,384 bits has 13,000. */
const MAX_PEM = 32_768;
/** Characters of one number of a JWK: 16,384 bits. */
const MAX_JWK_NUMBER = 2731;
const ED25519_OCTETS = 32;

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const ED25519 = { name: "Ed25519" };

const FORMS = "give the text of a PEM file, a JWK or a CryptoKey";
const MAKE_RSA = "make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048";
const MAKE_ANY = `DKIM takes RSA and Ed25519; ${MAKE_RSA}`;

/** Reads a private key; throws a `ConfigError` where it cannot sign. */
export function readPrivateKey(value: unknown): SigningKey {
  if (typeof value === "string") return readPem(value);
  // By its tag: the class is not a global of every runtime. What only looks like one is refused when it is to sign.
  if (Object.prototype.toString.call(value) === "[object CryptoKey]")
    return readCryptoKey(value as CryptoKey);
  if (typeof value === "object" && value !== null && !ArrayBuffer.isView(value)) return readJwk(value);
  throw refusal(`is ${describe(value)}, not a key`);
}

function refusal(message: string, hint: string = FORMS): ConfigError {
  return new ConfigError(OPTION, message, { hint });
}

function readCryptoKey(key: CryptoKey): SigningKey {
  const { name, hash, modulusLength } = key.algorithm as {
    readonly name: string;
    readonly hash?: { readonly name: string };
    readonly modulusLength?: number;
  };
  if (key.type !== "private") throw refusal(`is a ${key.type} key; a private one signs`);
  if (!key.usages.includes("sign")) throw refusal('has no usage "sign"', 'import it with ["sign"]');
  if (name === ED25519.name) return ed25519(() => Promise.resolve(key));
  if (name !== RSA.name || hash?.name !== RSA.hash) {
    throw refusal(
      "is a CryptoKey for another algorithm",
      `import it for ${RSA.name} with SHA-256, or for Ed25519`,
    );
  }
  checkRsaBits(modulusLength ?? 0);
  return rsa(() => Promise.resolve(key));
}

const BEGIN = "-----BEGIN ";
const DASHES = "-----";
const DECRYPT = "decrypt it with: openssl pkey -in encrypted.pem -out key.pem";

/** What a PEM file holds that is no key of ours, by a word of its first line. */
const STRANGERS: readonly (readonly [word: string, message: string, hint: string])[] = [
  ["ENCRYPTED", "is encrypted", DECRYPT],
  [
    "PUBLIC",
    "is a public key; it belongs into the DNS",
    "the private key begins with -----BEGIN PRIVATE KEY-----",
  ],
  ["CERTIFICATE", "is a certificate", "the private key begins with -----BEGIN PRIVATE KEY-----"],
  ["EC ", "is an elliptic-curve key", MAKE_ANY],
  ["DSA ", "is a DSA key", MAKE_ANY],
  ["OPENSSH", "is a key of OpenSSH", "convert it with: ssh-keygen -p -m PEM -f key"],
];

/** RFC 7468. What stands before the first line is explanation. */
function readPem(text: string): SigningKey {
  if (text.length > MAX_PEM) throw refusal(`is longer than ${MAX_PEM} characters, which no key is`);
  const begin = text.indexOf(BEGIN);
  if (begin < 0) {
    throw refusal("is not PEM: there is no -----BEGIN in it", "give the content of the file, not its path");
  }
  const from = begin + BEGIN.length;
  const label = text.slice(from, text.indexOf(DASHES, from));
  for (const [word, message, hint] of STRANGERS) if (label.includes(word)) throw refusal(message, hint);
  const end = text.indexOf(`-----END ${label}-----`, from);
  if (end < 0) throw refusal("is cut off: its -----END is missing");
  const content = text.slice(from + label.length + DASHES.length, end);
  // RFC 1421 §4.6.1.1: how OpenSSL says it in the older form.
  if (content.includes("ENCRYPTED")) throw refusal("is encrypted", DECRYPT);
  const octets = decodeBase64(content.replace(/[ \t\n\r]/g, ""));
  if (octets === undefined) {
    throw refusal(
      "is not base64 between its first and last line",
      "a line end is a line end, not a \\ and an n",
    );
  }
  if (label === "PRIVATE KEY") return readPkcs8(octets);
  if (label === "RSA PRIVATE KEY") return readPkcs1(octets);
  throw refusal("is not a private key");
}

const OID_RSA = "2a864886f70d010101";
const OID_ED25519 = "2b6570";
/** The others that a program may be given by mistake. */
const OTHER_ALGORITHMS: Readonly<Record<string, string>> = {
  "2a864886f70d01010a": "an RSA key for PSS only, which DKIM does not use",
  "2a8648ce3d0201": "an elliptic-curve key",
  "2a8648ce380401": "a DSA key",
  "2b6571": "an Ed448 key",
  "2b656e": "an X25519 key",
};

/** RFC 5958. Attributes and a public key behind the private one are let go. */
function readPkcs8(octets: Uint8Array): SigningKey {
  const [version, algorithm, key] = elementsWithin(octets, SEQUENCE) ?? [];
  if (version?.tag !== INTEGER || algorithm?.tag !== SEQUENCE || key?.tag !== OCTET_STRING) throw damaged();
  const [oid] = elementsOf(algorithm.value) ?? [];
  if (oid?.tag !== OBJECT_IDENTIFIER) throw damaged();
  const name = encodeHex(oid.value);
  if (name === OID_RSA) return readPkcs1(key.value);
  if (name !== OID_ED25519) {
    throw refusal(`is ${OTHER_ALGORITHMS[name] ?? "a key for another algorithm"}`, MAKE_ANY);
  }
  const [seed, ...rest] = elementsOf(key.value) ?? [];
  if (seed?.tag !== OCTET_STRING || rest.length > 0) throw damaged();
  return fromSeed(seed.value);
}

/** RFC 8017 A.1.2: the version, the modulus, and seven numbers more. */
function readPkcs1(octets: Uint8Array): SigningKey {
  const numbers = elementsWithin(octets, SEQUENCE) ?? [];
  const modulus = numbers[1];
  if (modulus === undefined || numbers.length < 9 || numbers.some(({ tag }) => tag !== INTEGER))
    throw damaged();
  checkRsaBits(bitLength(modulus.value));
  if (!belongTogether(numbers.map(({ value }) => BigInt(`0x0${encodeHex(value)}`)))) throw damaged();
  return rsa(importing(pkcs8(OID_RSA, octets, NULL), RSA));
}

/** Whether the numbers make a key. A runtime may sign with any, and nobody could verify that. */
function belongTogether([
  ,
  n = 0n,
  e = 0n,
  d = 0n,
  p = 0n,
  q = 0n,
  dp,
  dq,
  qi = 0n,
]: readonly bigint[]): boolean {
  if (p < 3n || q < 3n || e < 3n || p * q !== n) return false;
  const isInverse = (e * d) % (p - 1n) === 1n && (e * d) % (q - 1n) === 1n;
  return isInverse && dp === d % (p - 1n) && dq === d % (q - 1n) && (qi * q) % p === 1n;
}

const RSA_NUMBERS = ["n", "e", "d", "p", "q", "dp", "dq", "qi"] as const;

function readJwk(value: object): SigningKey {
  const own = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  const kty = own("kty");
  if (kty !== "RSA" && kty !== "OKP") {
    if (kty === undefined) throw refusal("is an object without kty, which no JWK is");
    throw refusal("is a JWK of another type", MAKE_ANY);
  }
  // What a key says of itself is not for us to overrule (RFC 7517 §4.2 to §4.4).
  const use = own("use") ?? "sig";
  const operations = own("key_ops") ?? ["sign"];
  const alg = own("alg") ?? (kty === "RSA" ? "RS256" : "EdDSA");
  if (use !== "sig" || !Array.isArray(operations) || !operations.includes("sign")) {
    throw refusal('is a JWK that is not for signing, by its "use" or "key_ops"');
  }
  if (kty === "RSA" ? alg !== "RS256" : alg !== "EdDSA" && alg !== "Ed25519") {
    throw refusal('is a JWK for another algorithm, by its "alg"');
  }
  const number = (name: string): Uint8Array => {
    const text = own(name);
    if (name === "d" && text === undefined) throw refusal("is a public key: it has no d");
    const octets = typeof text === "string" ? decodeBase64Url(text) : undefined;
    if (octets === undefined) throw refusal(`is a JWK whose ${name} is not base64url`);
    return octets;
  };
  if (kty === "OKP") {
    if (own("crv") !== "Ed25519") throw refusal("is a JWK for another curve than Ed25519", MAKE_ANY);
    return fromSeed(number("d"));
  }
  return readPkcs1(
    element(SEQUENCE, integer(Uint8Array.of(0)), ...RSA_NUMBERS.map((name) => integer(number(name)))),
  );
}

/** RFC 4648 §5, without padding (RFC 7515 §2). */
function decodeBase64Url(text: string): Uint8Array | undefined {
  if (text.length > MAX_JWK_NUMBER || /[^A-Za-z0-9_-]/.test(text)) return undefined;
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return decodeBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, "="));
}

function fromSeed(seed: Uint8Array): SigningKey {
  if (seed.length !== ED25519_OCTETS) throw damaged();
  return ed25519(importing(pkcs8(OID_ED25519, element(OCTET_STRING, seed)), ED25519));
}

const NULL: Uint8Array = /* @__PURE__ */ Uint8Array.of(0x05, 0);

function pkcs8(oid: string, key: Uint8Array, ...parameters: readonly Uint8Array[]): Uint8Array {
  const name = Uint8Array.from(oid.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  const algorithm = element(SEQUENCE, element(OBJECT_IDENTIFIER, name), ...parameters);
  return element(SEQUENCE, integer(Uint8Array.of(0)), algorithm, element(OCTET_STRING, key));
}

/** Imports a key when it is first asked for, and once. */
function importing(octets: Uint8Array, algorithm: { readonly name: string }): () => Promise<CryptoKey> {
  let key: Promise<CryptoKey> | undefined;
  return () => {
    key ??= crypto.subtle.importKey("pkcs8", octets, algorithm, false, ["sign"]);
    return key;
  };
}

function rsa(key: () => Promise<CryptoKey>): SigningKey {
  return { algorithm: "rsa-sha256", sign: (octets) => signWith(RSA.name, key, octets) };
}

/** RFC 8463 §3: what Ed25519 signs is the SHA-256 of what is to be signed. */
function ed25519(key: () => Promise<CryptoKey>): SigningKey {
  return {
    algorithm: "ed25519-sha256",
    sign: (octets) => signWith(ED25519.name, key, new Sha256().update(octets).digest()),
  };
}

async function signWith(
  name: string,
  key: () => Promise<CryptoKey>,
  octets: Uint8Array,
): Promise<Uint8Array> {
  try {
    return new Uint8Array(await crypto.subtle.sign(name, await key(), octets));
  } catch (cause) {
    throw new ConfigError(OPTION, "is refused by the runtime", { hint: FORMS, cause });
  }
}

function checkRsaBits(bits: number): void {
  if (bits >= MIN_RSA_BITS) return;
  throw refusal(
    `is an RSA key of ${bits} bits; verifiers refuse what is signed with less than ${MIN_RSA_BITS} (RFC 8301 §3.2)`,
    MAKE_RSA,
  );
}

function bitLength(number: Uint8Array): number {
  const first = number.findIndex((octet) => octet !== 0);
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24;
}

function damaged(): ConfigError {
  return refusal("is damaged, or not what it says it is");
}
