import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CanonicalBody, type Canonicalization } from "../../src/dkim/body.ts";
import { relaxedBody, simpleBody } from "./verifier.ts";

function canonical(how: Canonicalization, ...chunks: readonly string[]): string {
  const written: Buffer[] = [];
  const body = new CanonicalBody(how, (octets) => written.push(Buffer.from(octets)));
  for (const chunk of chunks) body.push(Buffer.from(chunk, "latin1"));
  body.end();
  return Buffer.concat(written).toString("latin1");
}

describe("a body", () => {
  test.each([
    // RFC 6376 §3.4.5
    ["the example of the RFC", " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"],
    ["nothing at all", "", "\r\n", ""],
    ["one line end", "\r\n", "\r\n", ""],
    ["line ends only", "\r\n\r\n\r\n", "\r\n", ""],
    ["white space only", " \t\r\n\t\r\n", " \t\r\n\t\r\n", ""],
    ["white space only, without a line end", " \t", " \t\r\n", ""],
    ["no line end at its end", "a\r\nb", "a\r\nb\r\n", "a\r\nb\r\n"],
    ["white space at its end", "a \t ", "a \t \r\n", "a\r\n"],
    [
      "lines of white space between others",
      "a\r\n \r\n\t\r\nb\r\n",
      "a\r\n \r\n\t\r\nb\r\n",
      "a\r\n\r\n\r\nb\r\n",
    ],
    ["lines of white space at its end", "a\r\n\r\n \r\n", "a\r\n\r\n \r\n", "a\r\n"],
    [
      "white space that begins a line",
      "\t\ta\r\n  b\r\n c\r\n",
      "\t\ta\r\n  b\r\n c\r\n",
      " a\r\n b\r\n c\r\n",
    ],
    ["line ends before anything else", "\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"],
    ["a tab for a space", "a\tb\r\n", "a\tb\r\n", "a b\r\n"],
  ])("of %s has its canonical forms", (_, body, simple, relaxed) => {
    expect(canonical("simple", body)).toBe(simple);
    expect(canonical("relaxed", body)).toBe(relaxed);
  });

  test("keeps what is white space elsewhere: no-break spaces, line separators, form feeds", () => {
    const body = "a\u00a0\u00a0\r\n\u0085 \u00e2\u0080\u00a8\u00e2\u0080\u00a8\r\n\f\f\v\v\0\0\r\n";
    expect(canonical("relaxed", body)).toBe(body);
    expect(canonical("simple", body)).toBe(body);
  });

  const pieces = fc.constantFrom("a", "bc", " ", "\t", "\r\n", "\r\n\r\n", "  ", "\u00a0", "\f", "\0", ".");
  const text = fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(""));

  test("has the same canonical forms wherever it is cut", () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(80), { maxLength: 6 }), (body, places) => {
        const cuts = [0, ...places.sort((a, b) => a - b), body.length];
        const chunks = cuts.map((from, at) => body.slice(from, cuts[at + 1] ?? body.length));
        for (const [how, expected] of [
          ["simple", simpleBody(body)],
          ["relaxed", relaxedBody(body)],
        ] as const) {
          expect(canonical(how, body)).toBe(expected);
          expect(canonical(how, ...chunks)).toBe(expected);
          expect(canonical(how, ...body)).toBe(expected);
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["a bare line feed", ["a\nb"], "line feed"],
    ["a line feed first", ["\na"], "line feed"],
    ["two line feeds behind a CR", ["a\r\n\nb"], "line feed"],
    ["a bare CR", ["a\rb"], "carriage return"],
    ["a CR twice", ["a\r\r\n"], "carriage return"],
    ["a CR and a space", ["a\r \n"], "carriage return"],
    ["a CR at its end", ["a\r"], "carriage return"],
    ["a CR at the end of a chunk", ["a\r", "b\r\n"], "carriage return"],
    ["a line feed that begins a chunk", ["a", "\nb"], "line feed"],
  ])("with %s is refused", (_, chunks, which) => {
    for (const how of ["simple", "relaxed"] as const) {
      expect(() => canonical(how, ...chunks)).toThrow(`content: the message holds a bare ${which}`);
    }
  });

  test.each([
    ["line ends", "\r\n"],
    ["blanks", " "],
    ["lines of blanks", " \t\r\n"],
    ["lines", "a  b\r\n"],
    ["indented lines", "a\r\n    "],
  ])("of a hundred thousand %s takes no longer for each of them than a short one", (_, piece) => {
    const time = (count: number): number => {
      const octets = Buffer.from(piece.repeat(count));
      const runs = Array.from({ length: 3 }, () => {
        const started = performance.now();
        const body = new CanonicalBody("relaxed", () => {});
        body.push(octets);
        body.push(Buffer.from("x"));
        body.end();
        return performance.now() - started;
      });
      return Math.min(...runs);
    };
    time(25_000);
    // Four times as much; sixteen times as long would be quadratic.
    const ratios = [1, 2, 3].map(() => time(100_000) / Math.max(time(25_000), 0.5));
    expect(Math.min(...ratios)).toBeLessThan(12);
  });

  test("that is line ends is counted, and not held", () => {
    const sizes: number[] = [];
    const body = new CanonicalBody("simple", (octets) => sizes.push(octets.length));
    for (let at = 0; at < 1000; at++) body.push(Buffer.from("\r\n".repeat(100)));
    expect(sizes).toEqual([]);
    body.push(Buffer.from("x"));
    body.end();
    expect(sizes.reduce((sum, size) => sum + size)).toBe(200_003);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024);
  });
});
