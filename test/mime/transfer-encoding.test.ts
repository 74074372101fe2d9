import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Chunk, decodeLatin1, join } from "../../src/bytes.ts";
import { encodeBase64Lines, encodeText, type TransferEncoding } from "../../src/mime/transfer-encoding.ts";

/** Octets that differ from their neighbours, so that a lost or moved one shows. */
function octetsOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8)) & 255);
}

function textOf(body: Chunk): string {
  return decodeLatin1(join([body]));
}

/** Written for the test from RFC 2045 §6.7, which makes it a second opinion. */
function decodeQuotedPrintable(text: string): string {
  const octets: number[] = [];
  for (const piece of text.replaceAll("=\r\n", "").matchAll(/=([0-9A-F]{2})|([\t\r\n -<>-~])/g)) {
    octets.push(piece[1] === undefined ? (piece[2] as string).charCodeAt(0) : Number.parseInt(piece[1], 16));
  }
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(octets));
}

function decode(encoding: TransferEncoding, body: string): string {
  if (encoding === "7bit") return body;
  if (encoding === "quoted-printable") return decodeQuotedPrintable(body);
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
    Buffer.from(body.replaceAll("\r\n", ""), "base64"),
  );
}

describe("base64", () => {
  test("is exact for every length, in lines of 76, without a line end after the last", () => {
    // Around 57 a line is full, around 57 × 1024 a block.
    const block = 57 * 1024;
    const lengths = [
      ...Array(201).keys(),
      block - 1,
      block,
      block + 1,
      block + 57,
      2 * block,
      3 * block + 58,
    ];
    for (const length of lengths) {
      const octets = octetsOf(length);
      const lines =
        Buffer.from(octets)
          .toString("base64")
          .match(/.{1,76}/g) ?? [];
      expect(textOf(encodeBase64Lines(octets))).toBe(lines.join("\r\n"));
    }
  });

  test("of octets that are gone, fewer or said to be more is refused, not filled with what stood there", () => {
    class Longer extends Uint8Array {
      override get length(): number {
        return 1000;
      }
    }
    const gone = octetsOf(200_000);
    const fewer = new Uint8Array(
      Reflect.construct(ArrayBuffer, [200_000, { maxByteLength: 200_000 }]) as ArrayBuffer,
    );
    const pieces = [gone, fewer, new Longer(10)].map((octets) => encodeBase64Lines(octets));
    structuredClone(gone.buffer, { transfer: [gone.buffer as ArrayBuffer] });
    (fewer.buffer as ArrayBuffer & { resize(length: number): void }).resize(100);
    for (const piece of pieces) expect(() => join([piece])).toThrow("became longer or shorter");
  });

  test("reads a view of a larger buffer as what it shows", () => {
    expect(textOf(encodeBase64Lines(octetsOf(100).subarray(3, 6)))).toBe(
      Buffer.from(octetsOf(100).subarray(3, 6)).toString("base64"),
    );
  });
});

describe("text", () => {
  test.each<[string, string, TransferEncoding]>([
    ["of ASCII", "x\ny", "7bit"],
    ["with a line of 998 characters", `${"x".repeat(998)}\n${"y".repeat(998)}`, "7bit"],
    ["with a line of 999 characters", `x\n${"x".repeat(999)}\ny`, "quoted-printable"],
    ["with a last line of 5,000 characters", `x\n${"x".repeat(5000)}`, "quoted-printable"],
    ["with a few letters beyond ASCII", "Grüße aus der schönen Stadt, in der es regnet", "quoted-printable"],
    ["of another script", "您的验证码是一二三四五六", "base64"],
    ["with a NUL", "a\0b", "base64"],
    ["with a NUL and letters beyond ASCII", "Grüße aus der schönen Stadt\0", "base64"],
  ])("%s goes as it should", (_, text, encoding) => {
    const encoded = encodeText(text);
    expect(encoded.encoding).toBe(encoding);
    expect(decode(encoding, textOf(encoded.body))).toBe(text.replaceAll("\n", "\r\n"));
  });

  test("in quoted-printable keeps its blanks at line ends, its equals signs and its lines of 76", () => {
    const text = `ü \nü\t\na=b =\n${"x".repeat(75)}=\n${"é".repeat(5)}${"y".repeat(200)} `;
    const { encoding, body } = encodeText(text);
    expect(encoding).toBe("quoted-printable");
    expect(textOf(body).split("\r\n")).toEqual([
      "=C3=BC=20",
      "=C3=BC=09",
      "a=3Db =3D",
      `${"x".repeat(75)}=`,
      "=3D",
      `${"=C3=A9".repeat(5)}${"y".repeat(45)}=`,
      `${"y".repeat(75)}=`,
      `${"y".repeat(75)}=`,
      "yyyyy=20",
    ]);
  });

  test("takes the smaller of the two encodings", () => {
    for (let share = 0; share <= 40; share++) {
      const text = `é${"ab =".repeat(40 - share)}${"é".repeat(share)}`.repeat(20);
      const { encoding, body } = encodeText(text);
      const base64 = encodeBase64Lines(new TextEncoder().encode(text)).length;
      expect(encoding === "base64").toBe(textOf(body).length >= base64 && encoding !== "quoted-printable");
      expect(textOf(body).length).toBeLessThanOrEqual(base64);
    }
  });

  test("of any kind decodes to itself with CRLF line ends, in ASCII lines that pass everywhere", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        "\r",
        "\n",
        "\r\n",
        " ",
        "\t",
        "=",
        ".",
        "From ",
        "\n.\r",
        "x".repeat(80),
        "y".repeat(999),
        "ü",
      ),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        const { encoding, body } = encodeText(text);
        const encoded = textOf(body);
        expect(decode(encoding, encoded)).toBe(text.replace(/\r\n|\r|\n/g, "\r\n"));
        expect(encoded.replaceAll("\r\n", "")).not.toMatch(/[\r\n\0\u0080-\uffff]/);
        for (const line of encoded.split("\r\n")) {
          expect(line.length).toBeLessThanOrEqual(encoding === "7bit" ? 998 : 76);
          if (encoding === "quoted-printable") expect(line).not.toMatch(/[ \t]$|=[0-9A-F]?$(?<!=)/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
