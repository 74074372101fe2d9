import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Sha256 } from "../../src/dkim/sha256.ts";

function hex(...chunks: readonly Uint8Array[]): string {
  const hash = new Sha256();
  for (const chunk of chunks) hash.update(chunk);
  return Buffer.from(hash.digest()).toString("hex");
}

describe("SHA-256", () => {
  test.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ])("of the examples of FIPS 180-4 is what it says (%#)", (text, digest) => {
    expect(hex(Buffer.from(text))).toBe(digest);
  });

  test("is that of the runtime for every length around a block", () => {
    for (let length = 0; length < 200; length++) {
      const octets = Buffer.from(Array.from({ length }, (_, at) => (at * 167) % 256));
      expect(hex(octets), String(length)).toBe(createHash("sha256").update(octets).digest("hex"));
    }
  });

  test("is that of the runtime for any octets, however they are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), (chunks) => {
        expect(hex(...chunks)).toBe(createHash("sha256").update(Buffer.concat(chunks)).digest("hex"));
      }),
    );
  });
});
