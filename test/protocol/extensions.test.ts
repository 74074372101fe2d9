import { expect, test } from "vitest";
import { parseExtensions } from "../../src/protocol/extensions.ts";

test("a keyword that is repeated adds its parameters up", () => {
  const extensions = parseExtensions({
    code: 250,
    lines: ["mx", "AUTH PLAIN", "auth=LOGIN", "AUTH  XOAUTH2 "],
  });
  expect(extensions.get("AUTH")).toEqual(["PLAIN", "LOGIN", "XOAUTH2"]);
});

test.each(["", " STARTTLS", "-STARTTLS", "_X", "ST\u0130", "\u017fTARTTLS"])(
  "a line that begins with no keyword is none: %j",
  (line) => {
    expect(parseExtensions({ code: 250, lines: ["mx", line] }).size).toBe(0);
  },
);

test("a hostile reply takes work in proportion to its length", () => {
  const time = (lines: number): number => {
    const reply = { code: 250, lines: ["mx", ...Array<string>(lines).fill(`X ${"a ".repeat(60)}`)] };
    const started = performance.now();
    parseExtensions(reply);
    return performance.now() - started;
  };
  const least = (lines: number) => Math.min(...Array.from({ length: 5 }, () => time(lines)));
  least(100);
  expect(least(1000)).toBeLessThan(least(250) * 4 * 3 + 5);
});
