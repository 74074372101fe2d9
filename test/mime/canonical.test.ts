import { describe, expect, test } from "vitest";
import { decodeText } from "../../src/bytes.ts";
import { canonicalText } from "../../src/mime/canonical.ts";
import { encodeQuotedPrintable } from "../../src/mime/quoted-printable.ts";

/** Every string of `length` characters of the alphabet. */
function* wordsOf(alphabet: readonly string[], length: number): Generator<string> {
  for (let n = 0; n < alphabet.length ** length; n++) {
    let word = "";
    for (let at = 0, rest = n; at < length; at++, rest = Math.floor(rest / alphabet.length)) {
      word += alphabet[rest % alphabet.length] ?? "";
    }
    yield word;
  }
}

describe("canonical text", () => {
  // Octets are looked at in fours, so that a fault may depend on where in four something stands.
  test.each([0, 1, 2, 3])("has CRLF for every line end, wherever it stands, behind %i letters", (before) => {
    for (const length of [0, 1, 2, 3, 4, 5, 6]) {
      for (const word of wordsOf(["a", "\r", "\n", "é"], length)) {
        const text = "b".repeat(before) + word;
        const canonical = text.replace(/\r\n|\r|\n/g, "\r\n");
        const lines = canonical.split("\r\n").map((line) => new TextEncoder().encode(line).length);
        const { octets, ...told } = canonicalText(text);
        expect(decodeText(octets)).toBe(canonical);
        expect(told).toEqual({
          units: canonical.length,
          hasNul: false,
          longestLine: Math.max(...lines),
        });
      }
    }
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7])("tells of a NUL behind %i letters", (before) => {
    expect(canonicalText(`${"b".repeat(before)}\0ccc`).hasNul).toBe(true);
    expect(canonicalText(`${"b".repeat(before)}\t\x01\x7fccc`).hasNul).toBe(false);
  });

  test("of a text larger than what shares memory is the same", () => {
    const text = "line of text\n".repeat(40_000);
    const { octets, units, longestLine } = canonicalText(text);
    expect(decodeText(octets)).toBe(text.replaceAll("\n", "\r\n"));
    expect([units, longestLine]).toEqual([40_000 * 14, 12]);
  });
});

describe("quoted-printable", () => {
  /** Written for the test from RFC 2045 §6.7, an octet at a time. */
  function reference(text: string): string {
    return text
      .split("\r\n")
      .map((line) => {
        let out = "";
        let column = 0;
        const octets = [...new TextEncoder().encode(line)];
        octets.forEach((octet, at) => {
          const isBlank = octet === 0x20 || octet === 0x09;
          const isLiteral = isBlank ? at < octets.length - 1 : octet > 0x20 && octet < 0x7f && octet !== 0x3d;
          const unit = isLiteral
            ? String.fromCharCode(octet)
            : `=${octet.toString(16).toUpperCase().padStart(2, "0")}`;
          if (column + unit.length > 75) {
            out += "=\r\n";
            column = 0;
          }
          out += unit;
          column += unit.length;
        });
        return out;
      })
      .join("\r\n");
  }

  function encode(text: string, limit = 10 * text.length + 10): string | undefined {
    const encoded = encodeQuotedPrintable(canonicalText(text).octets, limit);
    return encoded === undefined ? undefined : decodeText(encoded);
  }

  test.each(["", "b", "bb", "bbb", "c".repeat(69), "c".repeat(72), "c".repeat(75)])(
    "escapes what it must wherever it stands, behind %j",
    (before) => {
      for (const length of [0, 1, 4, 5]) {
        for (const word of wordsOf(["a", " ", "=", "\r\n", "é"], length)) {
          expect(encode(before + word)).toBe(reference(before + word));
        }
      }
    },
  );

  test("of a text that would be too long is none", () => {
    const text = "éa".repeat(100);
    const length = reference(text).length;
    expect(encode(text, length)).toBe(reference(text));
    expect(encode(text, length - 1)).toBeUndefined();
    expect(encode(text, 0)).toBeUndefined();
  });
});
