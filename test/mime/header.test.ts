import { describe, expect, test } from "vitest";
import type { ParsedMailbox } from "../../src/address.ts";
import { resolveMailbox } from "../../src/address.ts";
import { encodeWords } from "../../src/mime/encoded-word.ts";
import { literalField, mailboxField, structuredField, unstructuredField } from "../../src/mime/header.ts";

function linesOf(field: string): string[] {
  expect(field.endsWith("\r\n")).toBe(true);
  return field.slice(0, -2).split("\r\n");
}

function unfold(field: string): string {
  return linesOf(field).join("");
}

describe("a field of free text", () => {
  test("is one line where it is short", () => {
    expect(unstructuredField("Subject", "Hello, world", "subject")).toBe("Subject: Hello, world\r\n");
    expect(unstructuredField("Subject", "", "subject")).toBe("Subject:\r\n");
    expect(unstructuredField("X-Two", "two  blanks", "x")).toBe("X-Two: two  blanks\r\n");
  });

  test("is folded before a blank, and unfolds to what it was", () => {
    for (const value of [
      "word ".repeat(400).trim(),
      `${"a".repeat(70)}   ${"b".repeat(70)}  c`,
      `{"to": ["a"], "x": "${"y".repeat(900)}"}`,
      "x".repeat(900),
    ]) {
      const field = unstructuredField("X-Long", value, "x");
      expect(unfold(field)).toBe(`X-Long: ${value}`);
      const [first = "", ...rest] = linesOf(field);
      expect(first).toMatch(/^X-Long:/);
      for (const line of rest) expect(line).toMatch(/^ .*[^ ]/);
      expect(field).not.toContain("=?");
    }
    const words = linesOf(unstructuredField("X-Long", "word ".repeat(400).trim(), "x"));
    expect(Math.max(...words.map((line) => line.length))).toBeLessThanOrEqual(76);
  });

  test("without a place to fold is encoded, in lines of 76", () => {
    const lines = linesOf(unstructuredField("Subject", "x".repeat(5000), "subject"));
    expect(lines.length).toBeGreaterThan(60);
    for (const line of lines) {
      expect(line.length).toBeLessThanOrEqual(76);
      expect(line).toMatch(/^(Subject:)? =\?utf-8\?Q\?x+\?=$/);
    }
    expect(lines.join("").match(/x/g)).toHaveLength(5000);
  });

  test("that is a thousand blanks before a word makes no blank line", () => {
    const lines = linesOf(unstructuredField("X-A", `a${" ".repeat(2000)}b`, "x"));
    for (const line of lines) expect(line.trim()).not.toBe("");
  });

  test("that has a run of blanks of any length makes no blank line, and reads back", () => {
    for (let length = 1; length < 1100; length++) {
      for (const value of [`a${" ".repeat(length)}b`, `${"x".repeat(length)} ${" ".repeat(length)}b c`]) {
        const field = unstructuredField("X-A", value, "x");
        for (const line of linesOf(field)) expect(line.trim()).not.toBe("");
        if (!field.includes("=?")) expect(unfold(field)).toBe(`X-A: ${value}`);
      }
    }
  });

  test.each([" leading", "trailing ", "=?utf-8?q?x?=", "a =? b", "\u0085", "\u2028", "ü"])(
    "is encoded where it would read otherwise: %j",
    (value) => {
      expect(unstructuredField("Subject", value, "subject")).toMatch(
        /^Subject: =\?utf-8\?[QB]\?[!-~]+\?=\r\n$/,
      );
    },
  );

  test("has a line of its own for a name that leaves no room", () => {
    const name = `X-${"n".repeat(70)}`;
    const [first, second] = linesOf(unstructuredField(name, "ü", "x"));
    expect([first, second]).toEqual([`${name}:`, " =?utf-8?B?w7w=?="]);
  });
});

describe("a field that machines read", () => {
  test.each(["", " ", "a ", " a", `a${" ".repeat(70)}`, " ".repeat(74)])(
    "is refused with blanks at an end: %j",
    (value) => {
      expect(() => literalField("List-X", value, "x")).toThrow(/^x: is empty, or has blanks around it/);
    },
  );

  test("has no blank line, however many blanks are in it", () => {
    for (let length = 1; length < 990; length++) {
      const field = literalField("List-X", `a${" ".repeat(length)}b`, "x");
      for (const line of linesOf(field)) expect(line.trim()).not.toBe("");
      expect(unfold(field)).toBe(`List-X: a${" ".repeat(length)}b`);
    }
  });
});

describe("a field of mailboxes", () => {
  const field = (...inputs: (string | { name: string; address: string })[]) =>
    mailboxField(
      "To",
      inputs.map((input) => resolveMailbox(input, "to")),
      "to",
    );

  test("writes a name as atoms, in quotes, or in bare encoded-words", () => {
    expect(field("Alice Example <a@b.c>")).toBe("To: Alice Example <a@b.c>\r\n");
    expect(field("J. Doe <a@b.c>")).toBe('To: "J. Doe" <a@b.c>\r\n');
    expect(field({ name: 'a"b\\', address: "a@b.c" })).toBe('To: "a\\"b\\\\" <a@b.c>\r\n');
    expect(field({ name: " a  b ", address: "a@b.c" })).toBe('To: " a  b " <a@b.c>\r\n');
    expect(field("Zoë <a@b.c>")).toBe("To: =?utf-8?Q?Zo=C3=AB?= <a@b.c>\r\n");
    expect(field("北京 <a@b.c>")).toBe("To: =?utf-8?B?5YyX5Lqs?= <a@b.c>\r\n");
    expect(field({ name: "=?x?q?y?=", address: "a@b.c" })).toMatch(
      /^To: =\?utf-8\?[QB]\?[!-~]+\?= <a@b.c>\r\n$/,
    );
  });

  test("is left out where there are none", () => {
    expect(field()).toBe("");
  });

  test("is folded between mailboxes, and between the words of a long name", () => {
    const lines = linesOf(field(...Array.from({ length: 50 }, (_, at) => `user${at}@example.org`)));
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(76);
    for (const line of linesOf(field({ name: "é".repeat(500), address: "a@b.c" }, "x@y.z"))) {
      expect(line.length).toBeLessThanOrEqual(76);
    }
  });

  test("refuses to emit what got past every earlier check", () => {
    const forged: ParsedMailbox = {
      name: undefined,
      localPart: "a",
      domain: "b",
      address: "a@b\r\nBcc: evil@x.example",
      utf8: false,
    };
    expect(() => mailboxField("To", [forged], "to")).toThrow(/^to: would put a control/);
    expect(() => mailboxField("To", [{ ...forged, utf8: true }], "to")).toThrow(/^to: would put a control/);
    expect(() => mailboxField("To", [{ ...forged, address: "ü@b" }], "to")).toThrow(
      /^to: would put a control/,
    );
    expect(() => structuredField("Date", ["x".repeat(999)], "date")).toThrow(/998 octets/);
  });
});

describe("encoded-words", () => {
  test("are at most 75 characters, and the first as short as asked", () => {
    for (const text of ["é".repeat(300), "漢".repeat(300), "😀".repeat(300), "a é 漢 😀 ".repeat(60)]) {
      for (const room of [24, 25, 26, 27, 50, 75]) {
        const words = encodeWords(text, room);
        expect(words[0]?.length).toBeLessThanOrEqual(room);
        for (const word of words) expect(word.length).toBeLessThanOrEqual(75);
      }
    }
  });

  test("hold whole characters each", () => {
    for (const word of encodeWords("é漢😀".repeat(100), 40)) {
      const [, encoding, data = ""] = /^=\?utf-8\?([BQ])\?([^?]+)\?=$/.exec(word) ?? [];
      expect(encoding).toBe("B");
      expect(() =>
        new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(data, "base64")),
      ).not.toThrow();
    }
    for (const word of encodeWords("abcdefghijk é ".repeat(100), 40)) {
      expect(word).toMatch(/^=\?utf-8\?Q\?(?:[a-z_]|=C3=A9)+\?=$/);
    }
  });
});
