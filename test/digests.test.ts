import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { decodeBase64, encodeUtf8 } from "../src/bytes.ts";
import { digestsOf, nonce } from "../src/digests.ts";
import { ConfigError } from "../src/errors.ts";
import type { Runtime } from "../src/runtime.ts";
import { hmacMd5 } from "../src/transport/node-digests.ts";
import { errorOf } from "./support/watch.ts";

const RUNTIME: Runtime = { connect: () => Promise.reject(new Error("nothing is connected here")), hmacMd5 };
const HASHES = [
  ["SHA-1", "sha1", 20],
  ["SHA-256", "sha256", 32],
] as const;
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(HASHES)("%s", (name, algorithm, length) => {
  const digests = digestsOf(RUNTIME);

  test.each([0, 1, 63, 64, 65, 1000])("of %i octets is what node:crypto computes", async (octets) => {
    const text = randomBytes(octets);
    const key = randomBytes(Math.max(octets, 1));
    expect(hex(await digests.hash(name, text))).toBe(createHash(algorithm).update(text).digest("hex"));
    expect(hex(await digests.hmac(name, key, text))).toBe(
      createHmac(algorithm, key).update(text).digest("hex"),
    );
  });

  test.each([1, 2, 4096, 10_000])(
    "derives with %i iterations what node:crypto derives",
    async (iterations) => {
      const [password, salt] = [randomBytes(17), randomBytes(16)];
      const derived = await digests.pbkdf2(name, { password, salt, iterations });
      expect(hex(derived)).toBe(pbkdf2Sync(password, salt, iterations, length, algorithm).toString("hex"));
    },
  );
});

describe("PBKDF2", () => {
  test.each([
    // RFC 6070 §2: those of its vectors that are as long as the hash.
    ["password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"],
    ["password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"],
    ["password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"],
  ])("of %j, %j and %i is that of RFC 6070", async (password, salt, iterations, expected) => {
    const options = { password: encodeUtf8(password), salt: encodeUtf8(salt), iterations };
    expect(hex(await digestsOf(RUNTIME).pbkdf2("SHA-1", options))).toBe(expected);
  });

  test("is computed once for logins that are alike, also at the same time, and anew for any that is not", async () => {
    const derive = vi.spyOn(crypto.subtle, "deriveBits");
    const { pbkdf2 } = digestsOf(RUNTIME);
    const options = { password: encodeUtf8("pencil"), salt: encodeUtf8("salt"), iterations: 4096 };
    const alike = await Promise.all([pbkdf2("SHA-256", options), pbkdf2("SHA-256", { ...options })]);
    alike.push(await pbkdf2("SHA-256", { ...options, salt: encodeUtf8("salt") }));
    expect(derive).toHaveBeenCalledTimes(1);
    expect(new Set(alike.map(hex)).size).toBe(1);

    const others = [
      await pbkdf2("SHA-256", { ...options, password: encodeUtf8("pencils") }),
      await pbkdf2("SHA-256", { ...options, salt: encodeUtf8("salts") }),
      await pbkdf2("SHA-256", { ...options, iterations: 4097 }),
      (await pbkdf2("SHA-1", options)).slice(),
      await pbkdf2("SHA-256", options),
    ];
    expect(derive).toHaveBeenCalledTimes(6);
    expect(new Set(others.map(hex)).size).toBe(5);
    await digestsOf(RUNTIME).pbkdf2("SHA-256", options);
    expect(derive).toHaveBeenCalledTimes(7);
  });

  test("that the runtime refuses is told as what to change, to each who waits, and tried anew", async () => {
    const derive = vi.spyOn(crypto.subtle, "deriveBits").mockImplementation(async () => {
      throw new DOMException("iteration counts above 100000 are not supported", "NotSupportedError");
    });
    const { pbkdf2 } = digestsOf(RUNTIME);
    const options = { password: encodeUtf8("s3cret"), salt: encodeUtf8("salt"), iterations: 200_000 };
    const derived = async (): Promise<unknown> => pbkdf2("SHA-256", options);
    const errors = await Promise.all([errorOf(derived()), errorOf(derived())]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ option: "auth.mechanism", phase: "auth", delivery: "not-sent" });
      expect(error.message).toContain("200000 iterations");
      expect(inspect(error, { depth: 9 })).not.toContain("s3cret");
    }
    expect(errors[0]).not.toBe(errors[1]);
    derive.mockRestore();
    expect(await derived()).toHaveLength(32);
  });
});

describe("HMAC with MD5", () => {
  test.each([1, 16, 64, 65, 300])("and a key of %i octets is what node:crypto computes", async (length) => {
    const [key, text] = [randomBytes(length), randomBytes(50)];
    const digest = await digestsOf(RUNTIME).hmac("MD5", key, text);
    expect(digest.constructor).toBe(Uint8Array);
    expect(hex(digest)).toBe(createHmac("md5", key).update(text).digest("hex"));
  });

  test("where the runtime has none is told as the option that asks for it", async () => {
    const { hmac } = digestsOf({ connect: RUNTIME.connect });
    const error = await errorOf(Promise.resolve(hmac("MD5", new Uint8Array(4), new Uint8Array(4))));
    expect(error).toMatchObject({ name: "ConfigError", option: "auth.mechanism", phase: "auth" });
  });

  test("where the runtime forbids it is told so", async () => {
    vi.resetModules();
    vi.doMock("node:crypto", () => ({
      createHmac: () => {
        throw Object.assign(new Error("digital envelope routines::unsupported"), {
          code: "ERR_OSSL_EVP_UNSUPPORTED",
        });
      },
    }));
    const forbidden = await import("../src/transport/node-digests.ts");
    const error: unknown = await forbidden.hmacMd5(encodeUtf8("s3cret"), new Uint8Array(4)).catch((e) => e);
    vi.doUnmock("node:crypto");
    expect(error).toMatchObject({ name: "ConfigError", option: "auth.mechanism", phase: "auth" });
    expect(inspect(error, { depth: 9 })).not.toContain("s3cret");
  });
});

describe("the nonce", () => {
  test("is another each time, 24 octets of chance, and nothing that SCRAM could not say", () => {
    const nonces = Array.from({ length: 100 }, nonce);
    expect(new Set(nonces).size).toBe(100);
    for (const one of nonces) {
      expect(one).toMatch(/^[A-Za-z0-9+/]{32}$/);
      expect(decodeBase64(one)).toHaveLength(24);
    }
  });
});
