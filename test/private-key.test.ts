import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject, verify } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test, vi } from "vitest";
import { ConfigError } from "../src/errors.ts";
import { isLocked, type Purpose, readLockedKey, readPrivateKey } from "../src/private-key.ts";

const PURPOSE: Purpose = {
  option: "privateKey",
  kinds: ["rsa"],
  minBits: 2048,
  weak: "too weak",
  takes: "an RSA key signs",
  locked: "give its passphrase",
};
const PASSPHRASE = "opëns the lock";
const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ED25519 = generateKeyPairSync("ed25519");
const octets = Buffer.from("what is to be signed");

function plain({ privateKey }: { privateKey: KeyObject }, type: "pkcs8" | "pkcs1" = "pkcs8"): string {
  return privateKey.export({ type: type as "pkcs8", format: "pem" }).toString();
}

/** What OpenSSL makes of the key. */
function openssl(how: readonly string[], of = plain(RSA)): string {
  const args = [...how, "-passout", `pass:${PASSPHRASE}`];
  return execFileSync("openssl", args, { input: of, encoding: "utf8", stdio: ["pipe", "pipe", "ignore"] });
}

const lock = (...how: readonly string[]): string => openssl(["pkcs8", "-topk8", ...how]);

async function refusalOf(work: () => unknown): Promise<ConfigError> {
  const error = await (async () => work())().then(
    () => expect.unreachable("the key was taken"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  const said = inspect(error, { depth: 9, showHidden: true });
  expect(said).not.toContain(PASSPHRASE);
  return error as ConfigError;
}

describe("a key under a passphrase", () => {
  test.each([
    ["AES-256 and SHA-256, as OpenSSL does by itself", []],
    ["AES-128 and SHA-1", ["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"]],
    ["AES-192 and SHA-384", ["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA384"]],
    ["AES-256 and SHA-512", ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA512", "-iter", "100000"]],
  ])("signs: %s", async (_, how) => {
    const key = readLockedKey({ key: lock(...how), passphrase: PASSPHRASE }, PURPOSE);
    expect(verify("sha256", octets, RSA.publicKey, await key.sign(octets))).toBe(true);
  });

  test("signs where Node locked it, and is unlocked once", async () => {
    const cipher = { format: "pem", cipher: "aes-256-cbc", passphrase: PASSPHRASE } as const;
    const text = String(RSA.privateKey.export({ type: "pkcs8", ...cipher }));
    const key = readLockedKey({ key: text, passphrase: PASSPHRASE }, PURPOSE);
    const spy = vi.spyOn(crypto.subtle, "deriveKey");
    await Promise.all([key.sign(octets), key.sign(octets)]);
    expect(verify("sha256", octets, RSA.publicKey, await key.sign(octets))).toBe(true);
    expect(spy).toHaveBeenCalledTimes(1);
    spy.mockRestore();
  });

  test("does not open to another passphrase, whatever that makes of it", async () => {
    const text = lock("-iter", "1");
    for (let attempt = 0; attempt < 600; attempt++) {
      const key = readLockedKey({ key: text, passphrase: `wrong ${attempt}` }, PURPOSE);
      const error = await refusalOf(() => key.sign(octets));
      expect(error.message).toBe("privateKey.passphrase: does not unlock the key");
      expect(error.hint).toContain("openssl pkey");
    }
  });

  test("says what is wrong with the key when it is open", async () => {
    const weak = openssl(["pkcs8", "-topk8"], plain(generateKeyPairSync("rsa", { modulusLength: 1024 })));
    const ed25519 = openssl(["pkcs8", "-topk8"], plain(ED25519));
    const open = (key: string) => () => readLockedKey({ key, passphrase: PASSPHRASE }, PURPOSE).sign(octets);
    expect((await refusalOf(open(weak))).message).toBe(
      "privateKey.key: is an RSA key of 1024 bits; too weak",
    );
    expect((await refusalOf(open(ed25519))).message).toBe("privateKey.key: is an Ed25519 key");
  });

  test("is not unlocked where the runtime has no such cipher", async () => {
    const key = readLockedKey({ key: lock(), passphrase: PASSPHRASE }, PURPOSE);
    vi.spyOn(crypto.subtle, "deriveKey").mockRejectedValueOnce(new Error("not here"));
    const error = await refusalOf(() => key.sign(octets));
    expect(error.message).toBe("privateKey.key: cannot be unlocked by this runtime");
    vi.restoreAllMocks();
  });
});

describe("what cannot be unlocked is refused at once, and how to convert it is said:", () => {
  const convert = /openssl pkcs8 -topk8 -v2 aes-256-cbc/;
  const locked =
    (key: string): (() => unknown) =>
    () =>
      readLockedKey({ key, passphrase: PASSPHRASE }, PURPOSE);

  test.each([
    ["scrypt", ["-scrypt"], "in another way than PBES2 with PBKDF2 and AES-CBC"],
    ["triple DES", ["-v2", "des3"], "in another way than PBES2 with PBKDF2 and AES-CBC"],
    ["PBES1", ["-v1", "PBE-SHA1-3DES"], "in another way than PBES2 with PBKDF2 and AES-CBC"],
    ["Camellia", ["-v2", "camellia-256-cbc"], "in another way than PBES2 with PBKDF2 and AES-CBC"],
    ["twenty million iterations", ["-iter", "10"], "takes more than 10000000 iterations to unlock"],
  ])("%s", async (name, how, message) => {
    const raised = Buffer.from("0201" + "0a", "hex");
    const der = Buffer.from(lock(...how).replaceAll(/-----.*-----|\n/g, ""), "base64");
    const at = name === "twenty million iterations" ? der.indexOf(raised) : -1;
    // The count of iterations says 10: three octets more, and every length around it.
    const key = at < 0 ? lock(...how) : pemOf(grown(der, at, Buffer.from("02040131" + "2d00", "hex")));
    const error = await refusalOf(locked(key));
    expect(error).toMatchObject({ option: "privateKey.key", hint: expect.stringMatching(convert) });
    expect(error.message).toContain(message);
  });

  test("the older form of OpenSSL", async () => {
    const text = openssl(["rsa", "-traditional", "-aes128"]);
    expect(text).toContain("Proc-Type: 4,ENCRYPTED");
    const error = await refusalOf(locked(text));
    expect(error).toMatchObject({ message: "privateKey.key: is encrypted in a form of old" });
    expect(error.hint).toMatch(convert);
  });

  test("no passphrase, an empty one, and one for a key that has none", async () => {
    const text = lock();
    const of = (value: unknown) => refusalOf(() => readLockedKey(value, PURPOSE));
    expect((await of({ key: text })).message).toBe("privateKey.passphrase: is missing, not a string");
    expect((await of({ key: text, passphrase: "" })).message).toBe("privateKey.passphrase: is empty");
    expect((await of({ key: plain(RSA), passphrase: PASSPHRASE })).message).toBe(
      "privateKey.passphrase: is given, and the key is not encrypted",
    );
    expect((await of({ passphrase: PASSPHRASE })).message).toBe("privateKey.key: is missing, not a string");
    const error = await refusalOf(() => readPrivateKey(text, PURPOSE));
    expect(error).toMatchObject({ message: "privateKey: is encrypted", hint: "give its passphrase" });
  });

  test("one that is cut", async () => {
    const der = Buffer.from(lock().replaceAll(/-----.*-----|\n/g, ""), "base64");
    for (const length of [0, 1, 20, 60, 90, der.length - 1]) {
      const error = await refusalOf(locked(pemOf(der.subarray(0, length))));
      expect(error.message).toBe("privateKey.key: is damaged, or not what it says it is");
    }
  });
});

test("a key is refused where its purpose has no use for it", async () => {
  const of = (value: unknown) => refusalOf(() => readPrivateKey(value, PURPOSE));
  expect(await of(plain(ED25519))).toMatchObject({
    message: "privateKey: is an Ed25519 key",
    hint: expect.stringContaining(`${PURPOSE.takes}; make one with: openssl genpkey`),
  });
  expect((await of(ED25519.privateKey.export({ format: "jwk" }))).message).toBe(
    "privateKey: is an Ed25519 key",
  );
  const seed = ED25519.privateKey.export({ type: "pkcs8", format: "der" });
  expect(await of(await crypto.subtle.importKey("pkcs8", seed, "Ed25519", false, ["sign"]))).toMatchObject({
    message: "privateKey: is a CryptoKey for another algorithm",
    hint: "import it for RSASSA-PKCS1-v1_5 with SHA-256",
  });
  const [ec] = [generateKeyPairSync("ec", { namedCurve: "P-256" })];
  expect(await of(plain(ec))).toMatchObject({
    message: "privateKey: is an elliptic-curve key",
    hint: expect.stringContaining(`${PURPOSE.takes}; make one with: openssl genpkey`),
  });
});

test("a key with its passphrase is told from a JWK", () => {
  expect(isLocked({ key: "" })).toBe(true);
  expect(isLocked({ passphrase: "" })).toBe(true);
  expect(isLocked(RSA.privateKey.export({ format: "jwk" }))).toBe(false);
  expect(isLocked("text")).toBe(false);
});

function pemOf(der: Uint8Array): string {
  const label = "ENCRYPTED PRIVATE KEY";
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString("base64")}\n-----END ${label}-----\n`;
}

/** DER with the three octets at `at` replaced, and the lengths of all that holds them set right. */
function grown(der: Buffer, at: number, by: Buffer): Buffer {
  const whole = Buffer.concat([der.subarray(0, at), by, der.subarray(at + 3)]);
  const added = by.length - 3;
  for (let from = 0; from < at; ) {
    const long = (der[from + 1] ?? 0) & 0x80 ? (der[from + 1] ?? 0) & 0x7f : 0;
    const length = long > 0 ? der.readUIntBE(from + 2, long) : (der[from + 1] ?? 0);
    const start = from + 2 + long;
    if (start + length <= at) {
      from = start + length;
      continue;
    }
    if (long > 0) whole.writeUIntBE(length + added, from + 2, long);
    else whole[from + 1] = length + added;
    from = start;
  }
  return whole;
}
