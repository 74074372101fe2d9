// Keys as PKCS #8 (RFC 5958), which every WebCrypto reads. They are looked at here, at once, for WebCrypto says no only
// later.

import { encodeHex } from "../bytes.ts";
import {
  element,
  elementsOf,
  elementsWithin,
  INTEGER,
  integer,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "../der.ts";
import { checkRsaBits, damaged, type KeyKind, kindHint, type Purpose, refusal } from "./purpose.ts";

/** A key that has been looked at. */
export interface Pkcs8 {
  readonly kind: KeyKind;
  readonly octets: Uint8Array;
}

const ED25519_OCTETS = 32;

const OID_RSA = "2a864886f70d010101";
const OID_ED25519 = "2b6570";
/** The others that a program may be given by mistake. */
const OTHER_ALGORITHMS: Readonly<Record<string, string>> = {
  "2a864886f70d01010a": "an RSA key for PSS only",
  "2a8648ce3d0201": "an elliptic-curve key",
  "2a8648ce380401": "a DSA key",
  "2b6571": "an Ed448 key",
  "2b656e": "an X25519 key",
};

/** RFC 5958. Attributes and a public key behind the private one are let go. */
export function readPkcs8(octets: Uint8Array, purpose: Purpose): Pkcs8 {
  const [version, algorithm, key] = elementsWithin(octets, SEQUENCE) ?? [];
  if (version?.tag !== INTEGER || algorithm?.tag !== SEQUENCE || key?.tag !== OCTET_STRING)
    throw damaged(purpose);
  const [oid] = elementsOf(algorithm.value) ?? [];
  if (oid?.tag !== OBJECT_IDENTIFIER) throw damaged(purpose);
  const name = encodeHex(oid.value);
  if (name === OID_RSA) return readPkcs1(key.value, purpose);
  if (name !== OID_ED25519) {
    throw refusal(
      purpose,
      `is ${OTHER_ALGORITHMS[name] ?? "a key for another algorithm"}`,
      kindHint(purpose),
    );
  }
  const [seed, ...rest] = elementsOf(key.value) ?? [];
  if (seed?.tag !== OCTET_STRING || rest.length > 0) throw damaged(purpose);
  return fromSeed(seed.value, purpose);
}

/** RFC 8017 A.1.2: the version, the modulus, and seven numbers more. */
export function readPkcs1(octets: Uint8Array, purpose: Purpose): Pkcs8 {
  const numbers = elementsWithin(octets, SEQUENCE) ?? [];
  const modulus = numbers[1];
  if (modulus === undefined || numbers.length < 9 || numbers.some(({ tag }) => tag !== INTEGER))
    throw damaged(purpose);
  checkRsaBits(bitLength(modulus.value), purpose);
  if (!belongTogether(numbers.map(({ value }) => BigInt(`0x0${encodeHex(value)}`)))) throw damaged(purpose);
  return { kind: "rsa", octets: pkcs8(OID_RSA, octets, NULL) };
}

/** RFC 8410 §7. */
export function fromSeed(seed: Uint8Array, purpose: Purpose): Pkcs8 {
  if (!purpose.kinds.includes("ed25519")) throw refusal(purpose, "is an Ed25519 key", kindHint(purpose));
  if (seed.length !== ED25519_OCTETS) throw damaged(purpose);
  return { kind: "ed25519", octets: pkcs8(OID_ED25519, element(OCTET_STRING, seed)) };
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

const NULL: Uint8Array = /* @__PURE__ */ Uint8Array.of(0x05, 0);

function pkcs8(oid: string, key: Uint8Array, ...parameters: readonly Uint8Array[]): Uint8Array {
  const name = Uint8Array.from(oid.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  const algorithm = element(SEQUENCE, element(OBJECT_IDENTIFIER, name), ...parameters);
  return element(SEQUENCE, integer(Uint8Array.of(0)), algorithm, element(OCTET_STRING, key));
}

function bitLength(number: Uint8Array): number {
  const first = number.findIndex((octet) => octet !== 0);
  return first < 0 ? 0 : (number.length - first) * 8 - Math.clz32(number[first] ?? 0) + 24;
}
