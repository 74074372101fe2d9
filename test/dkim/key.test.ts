import { generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readSigningKey } from "../../src/dkim/key.ts";
import { Sha256 } from "../../src/dkim/sha256.ts";
import { signatureOf } from "../../src/dkim/sign.ts";
import { ConfigError } from "../../src/errors.ts";

const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ED25519 = generateKeyPairSync("ed25519");
const octets = Buffer.from("what is to be signed");

type PemType = "pkcs8" | "pkcs1" | "sec1";

function pem(key: KeyObject, type: PemType = "pkcs8"): string {
  return key.export({ type: type as "pkcs8", format: "pem" }).toString();
}

async function expectSigns(value: unknown, publicKey: KeyObject): Promise<void> {
  const key = readSigningKey(value);
  const signature = await signatureOf(key, octets);
  const isValid =
    publicKey.asymmetricKeyType === "rsa"
      ? verify("sha256", octets, publicKey, signature)
      : verify(null, new Sha256().update(octets).digest(), publicKey, signature);
  expect(isValid).toBe(true);
  expect(key.algorithm).toBe(`${publicKey.asymmetricKeyType}-sha256`);
}

/** What is said of a value that is no key; it never holds any of the value. */
function refusal(value: unknown): string {
  try {
    readSigningKey(value);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ option: "privateKey", code: "invalid_option", hint: expect.any(String) });
    expectSilent(inspect(error, { depth: 9, showHidden: true }), value);
    return (error as Error).message;
  }
  throw new Error("the key was taken");
}

function expectSilent(said: string, value: unknown): void {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  for (const [piece] of text.matchAll(/[A-Za-z0-9+/_-]{24,}/g))
    expect(said).not.toContain(piece.slice(0, 24));
}

describe("a private key", () => {
  test.each([
    ["PKCS #8", pem(RSA.privateKey)],
    ["PKCS #1", pem(RSA.privateKey, "pkcs1")],
    ["PKCS #8 with CRLF", pem(RSA.privateKey).replaceAll("\n", "\r\n")],
    ["PKCS #8 with text before and behind it", `Bag Attributes\n  x: y\n${pem(RSA.privateKey)}\nthe end\n`],
    ["PKCS #8 on lines that are indented", pem(RSA.privateKey).replaceAll("\n", "\n    ")],
  ])("of RSA signs from PEM: %s", async (_, text) => {
    await expectSigns(text, RSA.publicKey);
  });

  test("of Ed25519 signs from PEM", async () => {
    await expectSigns(pem(ED25519.privateKey), ED25519.publicKey);
  });

  test("of Ed25519 signs where its public half is kept with it (RFC 5958)", async () => {
    const { x = "", d = "" } = ED25519.privateKey.export({ format: "jwk" });
    const [seed, point] = [Buffer.from(d, "base64url"), Buffer.from(x, "base64url")];
    const der = Buffer.concat([Buffer.from("3051020101300506032b657004220420", "hex"), seed]);
    const whole = Buffer.concat([der, Buffer.from("812100", "hex"), point]).toString("base64");
    await expectSigns(`-----BEGIN PRIVATE KEY-----\n${whole}\n-----END PRIVATE KEY-----`, ED25519.publicKey);
  });

  test("signs from a JWK, whatever else that holds", async () => {
    const rsa = RSA.privateKey.export({ format: "jwk" });
    await expectSigns(rsa, RSA.publicKey);
    await expectSigns(
      { ...rsa, alg: "RS256", use: "sig", key_ops: ["sign"], kid: "1", x5c: [] },
      RSA.publicKey,
    );
    await expectSigns(ED25519.privateKey.export({ format: "jwk" }), ED25519.publicKey);
  });

  test("signs from a CryptoKey that cannot be exported", async () => {
    const pkcs8 = RSA.privateKey.export({ type: "pkcs8", format: "der" });
    const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    await expectSigns(await crypto.subtle.importKey("pkcs8", pkcs8, rsa, false, ["sign"]), RSA.publicKey);
    const seed = ED25519.privateKey.export({ type: "pkcs8", format: "der" });
    const key = await crypto.subtle.importKey("pkcs8", seed, { name: "Ed25519" }, false, ["sign"]);
    await expectSigns(key, ED25519.publicKey);
  });

  test("of 1024 bits signs, and one of 1023 or 512 does not, for verifiers refuse it", () => {
    const of = (modulusLength: number): KeyObject => generateKeyPairSync("rsa", { modulusLength }).privateKey;
    expect(readSigningKey(pem(of(1024))).algorithm).toBe("rsa-sha256");
    for (const bits of [512, 1023]) {
      const key = of(bits);
      for (const form of [pem(key), pem(key, "pkcs1"), key.export({ format: "jwk" })]) {
        expect(refusal(form)).toBe(
          `privateKey: is an RSA key of ${bits} bits; verifiers refuse what is signed with less than 1024 (RFC 8301 §3.2)`,
        );
      }
    }
  });
});

describe("what cannot sign is refused at once:", () => {
  const locked = { format: "pem", cipher: "aes-128-cbc", passphrase: "secret" } as const;
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const body = pem(RSA.privateKey).split("\n").slice(1, -2).join("\n");
  const block = (label: string, content: string): string =>
    `-----BEGIN ${label}-----\n${content}\n-----END ${label}-----\n`;
  const derBlock = (octets: Uint8Array): string =>
    block("PRIVATE KEY", Buffer.from(octets).toString("base64"));
  const der = RSA.privateKey.export({ type: "pkcs8", format: "der" });

  test.each<[what: string, value: unknown, message: string]>([
    ["an encrypted key", RSA.privateKey.export({ type: "pkcs8", ...locked }), "is encrypted"],
    ["one in the older form", RSA.privateKey.export({ type: "pkcs1", ...locked }), "is encrypted"],
    ["an elliptic-curve key", pem(ec.privateKey), "is an elliptic-curve key"],
    ["one in the older form", pem(ec.privateKey, "sec1"), "is an elliptic-curve key"],
    [
      "a DSA key",
      pem(generateKeyPairSync("dsa", { modulusLength: 1024, divisorLength: 160 }).privateKey),
      "is a DSA key",
    ],
    ["an Ed448 key", pem(generateKeyPairSync("ed448").privateKey), "is an Ed448 key"],
    ["an X25519 key", pem(generateKeyPairSync("x25519").privateKey), "is an X25519 key"],
    [
      "an RSA-PSS key",
      pem(generateKeyPairSync("rsa-pss", { modulusLength: 1024 }).privateKey),
      "for PSS only",
    ],
    [
      "a key for an algorithm nobody knows",
      derBlock(Buffer.from(der.toString("hex").replace("2a864886f70d010101", "2a864886f70d010199"), "hex")),
      "another algorithm",
    ],
    ["a public key", RSA.publicKey.export({ type: "spki", format: "pem" }), "is a public key"],
    ["one in the older form", RSA.publicKey.export({ type: "pkcs1", format: "pem" }), "is a public key"],
    ["a certificate", block("CERTIFICATE", body), "is a certificate"],
    ["a key of OpenSSH", block("OPENSSH PRIVATE KEY", body), "is a key of OpenSSH"],
    ["something else in PEM", block("PKCS7", body), "is not a private key"],
    ["no PEM", "secret", "is not PEM"],
    ["the path of a file", "./keys/dkim-private-key-of-example.pem", "is not PEM"],
    ["base64 without its first line", body, "is not PEM"],
    ["nothing", "", "is not PEM"],
    ["PEM without its last line", pem(RSA.privateKey).slice(0, -30), "is cut off"],
    ["PEM with a first line that does not end", "-----BEGIN PRIVATE KEY", "is cut off"],
    ["PEM with \\n for its line ends", pem(RSA.privateKey).replaceAll("\n", "\\n"), "is not base64"],
    ["PEM with a line that is missing", block("PRIVATE KEY", body.slice(65)), "is damaged"],
    ["PEM with nothing in it", block("PRIVATE KEY", ""), "is damaged"],
    ["PEM that is far too long", " ".repeat(40_000) + pem(RSA.privateKey), "is longer than 32768 characters"],
    ["PKCS #1 that says it is PKCS #8", pem(RSA.privateKey, "pkcs1").replaceAll("RSA ", ""), "is damaged"],
    ["DER with an octet behind it", derBlock(Buffer.concat([der, Buffer.of(0)])), "is damaged"],
    ["DER that is cut", derBlock(der.subarray(0, -1)), "is damaged"],
    ["octets", der, "is a Uint8Array, not a key"],
    ["a number", 5, "is a number, not a key"],
    ["null", null, "is null, not a key"],
    ["undefined", undefined, "is missing, not a key"],
    ["an object", {}, "is an object without kty"],
    ["a pair of keys", { privateKey: pem(RSA.privateKey) }, "is an object without kty"],
    ["a KeyObject", RSA.privateKey, "is an object without kty"],
    ["an inherited JWK", Object.create(RSA.privateKey.export({ format: "jwk" })), "is an object without kty"],
    ["a public JWK of RSA", RSA.publicKey.export({ format: "jwk" }), "is a public key"],
    ["a public JWK of Ed25519", ED25519.publicKey.export({ format: "jwk" }), "is a public key"],
    ["a JWK of an elliptic curve", ec.privateKey.export({ format: "jwk" }), "is a JWK of another type"],
    ["a symmetric JWK", { kty: "oct", k: "c2VjcmV0" }, "is a JWK of another type"],
    [
      "a JWK of another curve",
      { ...ED25519.privateKey.export({ format: "jwk" }), crv: "X25519" },
      "another curve",
    ],
    ["a JWK of Ed25519 that is cut", { kty: "OKP", crv: "Ed25519", d: "nWGxne_9WmC6hEr0kuws" }, "is damaged"],
    [
      "a JWK without a prime",
      { ...RSA.privateKey.export({ format: "jwk" }), p: undefined },
      "p is not base64url",
    ],
    ["a JWK in base64", { ...RSA.privateKey.export({ format: "jwk" }), q: "a+/=" }, "q is not base64url"],
    ["a JWK for encryption", { ...RSA.privateKey.export({ format: "jwk" }), use: "enc" }, "not for signing"],
    [
      "a JWK for decryption",
      { ...RSA.privateKey.export({ format: "jwk" }), key_ops: ["decrypt"] },
      "not for signing",
    ],
    [
      "a JWK for another hash",
      { ...RSA.privateKey.export({ format: "jwk" }), alg: "RS512" },
      "another algorithm",
    ],
  ])("%s", (_, value, message) => {
    expect(refusal(value)).toContain(message);
  });

  test("a CryptoKey for something else", async () => {
    const rsa = (name: string, hash: string, uses: ("sign" | "verify" | "decrypt" | "encrypt")[]) =>
      crypto.subtle.generateKey(
        { name, hash, modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1) },
        false,
        uses,
      );
    const pkcs1 = await rsa("RSASSA-PKCS1-v1_5", "SHA-256", ["sign", "verify"]);
    expect(readSigningKey(pkcs1.privateKey).algorithm).toBe("rsa-sha256");
    expect(refusal(pkcs1.publicKey)).toContain("is a public key");
    const sha1 = await rsa("RSASSA-PKCS1-v1_5", "SHA-1", ["sign", "verify"]);
    const pss = await rsa("RSA-PSS", "SHA-256", ["sign", "verify"]);
    const oaep = await rsa("RSA-OAEP", "SHA-256", ["encrypt", "decrypt"]);
    expect(refusal(sha1.privateKey)).toContain("another algorithm");
    expect(refusal(pss.privateKey)).toContain("another algorithm");
    expect(refusal(oaep.privateKey)).toContain('no usage "sign"');
  });
});

describe("a key that the runtime refuses", () => {
  afterEach(() => void vi.restoreAllMocks());

  test("signs nothing, now or later, and stays unsaid", async () => {
    const text = String(RSA.privateKey.export({ type: "pkcs8", format: "pem" }));
    const key = readSigningKey(text);
    vi.spyOn(crypto.subtle, "importKey").mockRejectedValue(new Error("not here"));
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await key.sign(octets).then(
        () => expect.unreachable(),
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ option: "privateKey" });
      expectSilent(inspect(error, { depth: 9, showHidden: true }), text);
    }
  });
});

describe("numbers that do not belong together", () => {
  const jwk = (): Record<string, unknown> =>
    generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ format: "jwk" });

  test.each([
    ["the modulus of another key", () => ({ n: jwk().n })],
    ["no exponent", () => ({ e: "" })],
    ["an even exponent", () => ({ e: "AQAA" })],
    ["the private exponent of another key", () => ({ d: jwk().d })],
    ["a prime of another key", () => ({ p: jwk().p })],
    ["a remainder of another key", () => ({ dp: jwk().dp })],
    ["an inverse of another key", () => ({ qi: jwk().qi })],
    ["a prime that is none", () => ({ p: jwk().n, q: "AQ" })],
  ])("are refused at once: %s", (_, wrong) => {
    const key = { ...jwk(), ...wrong() };
    expect(refusal(key)).toContain("is damaged");
  });
});
