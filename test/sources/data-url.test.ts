import { describe, expect, test } from "vitest";
import { composeMessage } from "../../src/compose.ts";
import { attachment } from "../../src/sources.ts";

describe("a data: URL", () => {
  test.each([
    ["data:image/png;base64,AAEC", "image/png", "\x00\x01\x02"],
    ["DATA:text/html;charset=utf-8;BASE64,PGI+", "text/html;charset=utf-8", "<b>"],
    ["data:text/plain,a%20b%2C%00%fF", "text/plain", "a b,\x00\xff"],
    ["data:,hello", "text/plain;charset=US-ASCII", "hello"],
    ["data:;charset=utf-8,%C3%BC", "text/plain;charset=utf-8", "\xc3\xbc"],
    ["data:;base64,", "text/plain;charset=US-ASCII", ""],
    ['data:image/svg+xml,<svg%20a="b"/>', "image/svg+xml", '<svg a="b"/>'],
    ["data:text/plain,a,b;base64,c", "text/plain", "a,b;base64,c"],
  ])("%s is attached as what it says it is", (url, contentType, text) => {
    const given = attachment.dataUrl(url);
    expect(given.contentType).toBe(contentType);
    expect(Buffer.from(given.content as Uint8Array).toString("latin1")).toBe(text);
    expect(given.filename).toBeUndefined();
    expect(
      composeMessage({ from: "a@example.com", to: "b@example.org", attachments: [given] }).size,
    ).toBeGreaterThan(1);
  });

  test("is attached as its details say", () => {
    const details = { filename: "x.txt", contentType: "text/csv" };
    expect(attachment.dataUrl("data:,x", details)).toMatchObject(details);
  });

  test.each([
    ["https://example.com/", "is not a data: URL"],
    ["data:text/plain", "has no comma"],
    [`data:${"x".repeat(600)},`, "has no comma within 500 characters"],
    ["data:;base64,AA", "is not base64"],
    ["data:;base64,AB==", "is not base64"],
    ["data:;base64,AA==\n", "is not base64"],
    ["data:;base64,AA%3D%3D", "is not base64"],
    ["data:,%", "is not percent-encoded"],
    ["data:,%4", "is not percent-encoded"],
    ["data:,%zz", "is not percent-encoded"],
    ["data:,%+1", "is not percent-encoded"],
    ["data:,a b", "is not percent-encoded"],
    ["data:,a\nb", "is not percent-encoded"],
    ["data:,ü", "is not percent-encoded"],
    ["data:,a#b", "is not percent-encoded"],
    [5, "is a number, not a string"],
  ])("%j is refused: it %s", (url, complaint) => {
    expect(() => attachment.dataUrl(url as string)).toThrow(complaint);
  });

  test("is not shown in an error", () => {
    for (const url of ["data:text/plain,se cret", "data:;base64,secret!", "secret"]) {
      expect(() => attachment.dataUrl(url)).toThrow(expect.not.stringContaining("cret"));
    }
  });

  test("of 50 MB is refused without a look at it", () => {
    const url = `data:image/png;base64,${"A".repeat(50_000_000)}`;
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 5; round++) {
      const started = performance.now();
      expect(() => attachment.dataUrl(url)).toThrow("is longer than 16777216 characters");
      best = Math.min(best, performance.now() - started);
    }
    expect(best).toBeLessThan(20);
  });

  test.each([
    ["base64", (length: number) => `data:;base64,${"A".repeat(length)}`],
    ["base64 that fails at its end", (length: number) => `data:;base64,${"A".repeat(length - 1)}!`],
    ["text", (length: number) => `data:,${"a".repeat(length)}`],
    ["escapes", (length: number) => `data:,${"%41".repeat(length / 3)}`],
    ["a media type without an end", (length: number) => `data:${";a=b".repeat(length / 4)}`],
    ["commas", (length: number) => `data:${",".repeat(length)}`],
  ])("takes time in proportion to its length: %s", (_, make) => {
    const time = (length: number): number => {
      const url = make(length);
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 8; round++) {
        const started = performance.now();
        try {
          attachment.dataUrl(url);
        } catch {
          // What is refused has to be refused in time.
        }
        best = Math.min(best, performance.now() - started);
      }
      return best;
    };
    time(240_000);
    expect(time(960_000)).toBeLessThan(8 * time(240_000) + 10);
  });
});
