// Keys under a passphrase: PKCS #8 encrypted by PBES2 (RFC 5958 §3, RFC 8018 §6.2), as OpenSSL writes it since 1.1.0.

import { encodeHex, encodeUtf8 } from "../bytes.ts";
import {
  type Element,
  elementsOf,
  elementsWithin,
  INTEGER,
  OBJECT_IDENTIFIER,
  OCTET_STRING,
  SEQUENCE,
} from "../der.ts";
import { damaged, type Purpose, refusal } from "./purpose.ts";

const PBES2 = "2a864886f70d01050d";
const PBKDF2 = "2a864886f70d01050c";
/** RFC 8018 B.1: what PBKDF2 is made of. */
const HASHES: Readonly<Record<string, string>> = {
  "2a864886f70d0207": "SHA-1",
  "2a864886f70d0209": "SHA-256",
  "2a864886f70d020a": "SHA-384",
  "2a864886f70d020b": "SHA-512",
};
/** RFC 8018 B.2: AES-CBC, by the bits of its key. */
const AES: Readonly<Record<string, number>> = {
  "608648016503040102": 128,
  "608648016503040116": 192,
  "60864801650304012a": 256,
};

/** Some seconds of work; OpenSSL takes 2048, and those who take more some hundred thousand. */
const MAX_ITERATIONS = 10_000_000;

export const CONVERT = "convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in old.pem -out key.pem";

/** Reads how a key is locked. What is returned unlocks it; nothing comes of it where the passphrase is wrong. */
export function readLocked(
  octets: Uint8Array,
  passphrase: string,
  purpose: Purpose,
): () => Promise<Uint8Array | undefined> {
  const [scheme, locked] = elementsWithin(octets, SEQUENCE) ?? [];
  if (scheme?.tag !== SEQUENCE || locked?.tag !== OCTET_STRING) throw damaged(purpose);
  const [derivation, cipher] = parametersOf(scheme, PBES2, purpose);
  const [salt, iterations, ...rest] = parametersOf(derivation, PBKDF2, purpose);
  const { name: aes, parameters: iv } = algorithmOf(cipher, purpose);
  const bits = AES[aes];
  // RFC 8018 A.2: the length of the key may stand before the function, and says nothing new.
  const prf = rest.find(({ tag }) => tag === SEQUENCE);
  const hash = prf === undefined ? "SHA-1" : HASHES[algorithmOf(prf, purpose).name];
  if (bits === undefined || hash === undefined) throw unknownScheme(purpose);
  if (salt?.tag !== OCTET_STRING || iterations?.tag !== INTEGER || iv?.tag !== OCTET_STRING)
    throw damaged(purpose);
  const count = Number(`0x0${encodeHex(iterations.value)}`);
  if (!(count >= 1 && count <= MAX_ITERATIONS)) {
    throw refusal(purpose, `takes more than ${MAX_ITERATIONS} iterations to unlock`, CONVERT);
  }
  const manner = { name: "PBKDF2", hash, salt: salt.value, iterations: count };
  return async () => {
    const { subtle } = crypto;
    const secret = await subtle.importKey("raw", encodeUtf8(passphrase), "PBKDF2", false, ["deriveKey"]);
    const key = await subtle.deriveKey(manner, secret, { name: "AES-CBC", length: bits }, false, ["decrypt"]);
    // What a wrong passphrase makes of it ends in no padding, or once in some hundred times in what looks like one.
    const plain = await subtle
      .decrypt({ name: "AES-CBC", iv: iv.value }, key, locked.value)
      .catch(() => undefined);
    const unlocked = plain && new Uint8Array(plain);
    return unlocked && elementsWithin(unlocked, SEQUENCE) && unlocked;
  };
}

/** The elements in the parameters of an algorithm, which must be the one of that name. */
function parametersOf(algorithm: Element | undefined, name: string, purpose: Purpose): readonly Element[] {
  const found = algorithmOf(algorithm, purpose);
  if (found.name !== name) throw unknownScheme(purpose);
  const elements = found.parameters?.tag === SEQUENCE ? elementsOf(found.parameters.value) : undefined;
  if (elements === undefined) throw damaged(purpose);
  return elements;
}

/** RFC 5280 §4.1.1.2. */
function algorithmOf(
  algorithm: Element | undefined,
  purpose: Purpose,
): { readonly name: string; readonly parameters: Element | undefined } {
  const [oid, parameters] = (algorithm?.tag === SEQUENCE && elementsOf(algorithm.value)) || [];
  if (oid?.tag !== OBJECT_IDENTIFIER) throw damaged(purpose);
  return { name: encodeHex(oid.value), parameters };
}

function unknownScheme(purpose: Purpose): Error {
  return refusal(purpose, "is encrypted in another way than PBES2 with PBKDF2 and AES-CBC", CONVERT);
}
