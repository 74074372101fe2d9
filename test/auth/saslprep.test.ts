import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { saslprep } from "../../src/auth/saslprep.ts";

describe("SASLprep", () => {
  test.each([
    ["I\u00adX", "IX", "a soft hyphen is not there"],
    ["user", "user", "ASCII stays"],
    ["USER", "USER", "case stays"],
    ["\u00aa", "a", "an ordinal indicator is its letter"],
    ["\u2168", "IX", "a Roman numeral is its letters"],
    ["\u00bd", "1\u20442", "a fraction is its digits"],
    ["\u00b4", " \u0301", "an accent alone stands on a space"],
    ["e\u0301", "\u00e9", "letter and accent are one"],
    ["\uff50\uff41\uff53\uff53", "pass", "wide letters are narrow"],
    ["a\u00a0b\u3000c\u200bd", "a b c d", "spaces of all kinds are the one of ASCII"],
    ["pass\u200dw\ufe0fo\u2060rd\ufeff", "password", "what is not seen is not there"],
    ["\u05d0\u05bf\u05d1", "\u05d0\u05bf\u05d1", "Hebrew letters with a mark between them"],
    ["\u06271\u0628", "\u06271\u0628", "Arabic letters with a digit between them"],
    ["\u{1f600}", "\u{1f600}", "an emoji, which Unicode 3.2 had not"],
    ["\u4f60\u597d", "\u4f60\u597d", "Chinese"],
  ])("%j becomes %j: %s", (text, prepared) => {
    expect(saslprep(text)).toBe(prepared);
  });

  test.each([
    ["\x07", "a control"],
    ["\x7f", "the last of ASCII's"],
    ["a\x85b", "one beyond ASCII"],
    ["\u200e", "a mark of direction"],
    ["a\u2028b", "a line separator"],
    ["\ue000", "a character of private use"],
    ["\u{10fffd}", "another of them"],
    ["\ufdd0", "no character"],
    ["\u{1ffff}", "no character beyond the first plane"],
    ["\ud800", "half of a pair"],
    ["\ufffd", "a replacement character"],
    ["\u2ff0", "a description of an ideograph"],
    ["\u{e0041}", "a tag"],
    ["\u06271", "what begins from right to left and ends in a digit"],
    ["1\u0627", "what ends from right to left and begins with a digit"],
    ["\u0627a\u0628", "a Latin letter among Arabic ones"],
    ["a\u0627", "a Latin letter before an Arabic one"],
    ["\u00ad\u200d", "nothing that is left"],
    ["", "nothing at all"],
  ])("%j is forbidden: %s", (text) => {
    expect(saslprep(text)).toBeUndefined();
  });

  test("a long text takes a time in proportion to its length", () => {
    const time = (length: number): number => {
      const text = "\u0627a\u00ad\u0301".repeat(length);
      const begun = performance.now();
      saslprep(text);
      return performance.now() - begun;
    };
    time(10_000);
    expect(time(40_000)).toBeLessThan(Math.max(16 * time(10_000), 100));
  });

  test("the characters of Unicode 3.2, alone and among Hebrew letters, become what Python's tables make of them", () => {
    const { error, status, stdout, stderr } = spawnSync("python3", [SCRIPT], {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    if (error !== undefined) return console.log(`not run: python3 cannot be run: ${error.message}`);
    expect(status, stderr).toBe(0);
    const prepared = JSON.parse(stdout) as [string, string | null, string | null][];
    expect(prepared.length).toBeGreaterThan(15_000);

    // Corrigendum 4 of Unicode: how they are normalised was a mistake.
    const corrected = ["\u{2f868}", "\u{2f874}", "\u{2f91f}", "\u{2f95f}", "\u{2f9bf}"];
    const alone = prepared.filter(([text, expected]) => (saslprep(text) ?? null) !== expected);
    expect(alone.map(([text]) => text)).toEqual(corrected);

    // Symbols, digits and punctuation of other scripts are let through, a few signs are not.
    const among = prepared.filter(
      ([text, , expected]) => (saslprep(`\u05d0${text}\u05d0`) ?? null) !== expected,
    );
    const letters = among.filter(([text]) => /[\p{L}\p{Nl}]/u.test(text) && !/\p{Lm}/u.test(text));
    expect(letters.map(([text]) => text)).toEqual(["\u2132"]);
    expect(among.length).toBeLessThan(900);
  });
});

const SCRIPT = fileURLToPath(new URL("../support/saslprep.py", import.meta.url));
