import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { flowText } from "../../src/mime/flowed.ts";
import { BASE, compose, expectCanonical, parse } from "../support/compose.ts";

/** What a reader makes of flowed lines that are no quotes (RFC 3676 §4). */
function unflow(text: string): string {
  let read = "";
  const lines = text.split("\n");
  lines.forEach((line, at) => {
    const unstuffed = line.startsWith(" ") ? line.slice(1) : line;
    const isFlowed = unstuffed.endsWith(" ") && unstuffed !== "-- ";
    read += unstuffed + (isFlowed || at === lines.length - 1 ? "" : "\n");
  });
  return read;
}

describe("flowed text", () => {
  test.each([
    ["", ""],
    ["short", "short"],
    ["a \nb  \n", "a\nb\n"],
    ["a\r\nb\rc", "a\nb\nc"],
    ["-- \nPenny", "-- \nPenny"],
    [" indented", "  indented"],
    ["From me", " From me"],
    ["> quoted  ", "> quoted"],
    [`> ${"word ".repeat(30)}end`, `> ${"word ".repeat(30)}end`],
    ["word ".repeat(16).trim(), `${"word ".repeat(15)}\nword`],
    [`${"x".repeat(100)} y`, `${"x".repeat(100)} \ny`],
    [`${"word ".repeat(15)}From here on`, `${"word ".repeat(15)}\n From here on`],
    [`${"word ".repeat(15)}>here`, `${"word ".repeat(15)}\n >here`],
    [`-- ${"x".repeat(90)} y`, `-- ${"x".repeat(90)} \ny`],
  ])("%j becomes %j", (text, flowed) => {
    expect(flowText(text)).toBe(flowed);
  });

  test("has lines of 78 characters at most, where it has spaces, and reads back as it was", () => {
    const word = fc.oneof(fc.constantFrom("From", "--", ">", "a", ""), fc.string({ maxLength: 30 }));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        const text = words
          .join(" ")
          .replace(/[\r\n]/g, "")
          .replace(/ +$/, "");
        const flowed = flowText(text);
        if (!text.startsWith(">")) {
          expect(unflow(flowed)).toBe(text);
          for (const line of flowed.split("\n")) expect(line.length).toBeLessThanOrEqual(78);
        }
      }),
    );
  });

  test("is labelled so, in whatever encoding it goes", async () => {
    const text = `${"Wörter ".repeat(40)}Ende\n\n-- \nPenny`;
    const composed = compose({ ...BASE, text, html: "x", flowed: true });
    expectCanonical(composed);
    expect(composed.toString()).toContain("Content-Type: text/plain; charset=utf-8; format=flowed\r\n");
    expect((await parse(composed)).text?.trimEnd()).toBe(text);
    expect(compose({ ...BASE, text: "x", flowed: false }).toString()).not.toContain("flowed");
  });

  test("takes twice the work for twice the length, and no more", () => {
    const work = (count: number): number => {
      const text = `${" ".repeat(count)}x ${"word ".repeat(count)}${"y".repeat(count)}`;
      let least = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 5; run++) {
        const begin = performance.now();
        flowText(text);
        least = Math.min(least, performance.now() - begin);
      }
      return least;
    };
    work(1000);
    expect(work(160_000)).toBeLessThan(work(80_000) * 4 + 20);
  });
});
