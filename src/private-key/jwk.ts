// A private key as a JSON Web Key (RFC 7517, RFC 8037).

import { decodeBase64 } from "../bytes.ts";
import { element, integer, SEQUENCE } from "../der.ts";
import { fromSeed, type Pkcs8, readPkcs1 } from "./pkcs8.ts";
import { kindHint, type Purpose, refusal } from "./purpose.ts";

/** Is a private key as a JSON Web Key (RFC 7517): `kty` RSA, or OKP with the curve Ed25519. */
export interface PrivateJwk extends Partial<Readonly<Record<JwkText, string | undefined>>> {
  readonly key_ops?: readonly string[] | undefined;
}

type JwkText = "kty" | "crv" | "x" | "alg" | "use" | "kid" | (typeof RSA_NUMBERS)[number];

const RSA_NUMBERS = ["n", "e", "d", "p", "q", "dp", "dq", "qi"] as const;
/** Characters of one number: 16,384 bits. */
const MAX_NUMBER = 2731;

export function readJwk(value: object, purpose: Purpose): Pkcs8 {
  const own = (name: string): unknown =>
    Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
  const kty = own("kty");
  if (kty !== "RSA" && kty !== "OKP") {
    if (kty === undefined) throw refusal(purpose, "is an object without kty, which no JWK is");
    throw refusal(purpose, "is a JWK of another type", kindHint(purpose));
  }
  // What a key says of itself is not for us to overrule (RFC 7517 §4.2 to §4.4).
  const use = own("use") ?? "sig";
  const operations = own("key_ops") ?? ["sign"];
  const alg = own("alg") ?? (kty === "RSA" ? "RS256" : "EdDSA");
  if (use !== "sig" || !Array.isArray(operations) || !operations.includes("sign")) {
    throw refusal(purpose, 'is a JWK that is not for signing, by its "use" or "key_ops"');
  }
  if (kty === "RSA" ? alg !== "RS256" : alg !== "EdDSA" && alg !== "Ed25519") {
    throw refusal(purpose, 'is a JWK for another algorithm, by its "alg"');
  }
  const number = (name: string): Uint8Array => {
    const text = own(name);
    if (name === "d" && text === undefined) throw refusal(purpose, "is a public key: it has no d");
    const octets = typeof text === "string" ? decodeBase64Url(text) : undefined;
    if (octets === undefined) throw refusal(purpose, `is a JWK whose ${name} is not base64url`);
    return octets;
  };
  if (kty === "OKP") {
    if (own("crv") !== "Ed25519") {
      throw refusal(purpose, "is a JWK for another curve than Ed25519", kindHint(purpose));
    }
    return fromSeed(number("d"), purpose);
  }
  const numbers = RSA_NUMBERS.map((name) => integer(number(name)));
  return readPkcs1(element(SEQUENCE, integer(Uint8Array.of(0)), ...numbers), purpose);
}

/** RFC 4648 §5, without padding (RFC 7515 §2). */
function decodeBase64Url(text: string): Uint8Array | undefined {
  if (text.length > MAX_NUMBER || /[^A-Za-z0-9_-]/.test(text)) return undefined;
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return decodeBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, "="));
}
