import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BASE64_BLOCK } from "../../src/bytes.ts";
import { Base64Lines } from "../../src/mime/base64-lines.ts";
import { base64Length } from "../../src/mime/transfer-encoding.ts";

describe("base64 of octets that come piece by piece", () => {
  test("is the same for every way to cut them, in lines of 76 characters", () => {
    const sizes = fc.oneof(
      fc.nat(200),
      fc.constantFrom(
        0,
        1,
        56,
        57,
        58,
        114,
        BASE64_BLOCK - 1,
        BASE64_BLOCK,
        BASE64_BLOCK + 1,
        BASE64_BLOCK * 2,
      ),
    );
    fc.assert(
      fc.property(fc.array(sizes, { maxLength: 6 }), (pieces) => {
        const octets = Uint8Array.from(
          { length: pieces.reduce((sum, size) => sum + size, 0) },
          (_, at) => at * 31,
        );
        let at = 0;
        const encoded = encode(
          pieces.map((size) => {
            at += size;
            return octets.subarray(at - size, at);
          }),
        );
        const lines =
          Buffer.from(octets)
            .toString("base64")
            .match(/.{1,76}/g) ?? [];
        expect(encoded).toBe(lines.join("\r\n"));
        expect(base64Length(octets.length)).toBe(encoded.length);
      }),
      { numRuns: 60 },
    );
  });

  test("leaves blocks that are worth a write, however small the pieces are", () => {
    const lines = new Base64Lines();
    let blocks = 0;
    for (let piece = 0; piece < BASE64_BLOCK * 3; piece++) {
      for (const block of lines.push(Uint8Array.of(piece))) {
        blocks++;
        expect(block.length).toBeGreaterThan(60_000);
      }
    }
    expect(blocks).toBe(3);
    expect(lines.end().length).toBe(0);
  });

  test("keeps nothing of a piece, whose memory may be used again", () => {
    const lines = new Base64Lines();
    const piece = new Uint8Array(100).fill(7);
    expect([...lines.push(piece)]).toEqual([]);
    piece.fill(9);
    expect(Buffer.from(text(lines.end()), "base64")).toEqual(Buffer.alloc(100, 7));
  });
});

function encode(pieces: readonly Uint8Array[]): string {
  const lines = new Base64Lines();
  let encoded = "";
  for (const piece of pieces) for (const block of lines.push(piece)) encoded += text(block);
  return encoded + text(lines.end());
}

function text(octets: Uint8Array): string {
  return Buffer.from(octets).toString("latin1");
}
