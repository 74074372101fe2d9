import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLatin1, encodeUtf8, join } from "../../src/bytes.ts";
import { MessageError } from "../../src/errors.ts";
import { mailData, Transparency } from "../../src/protocol/transparency.ts";

/** What goes over the wire for `content` that comes in these pieces. */
function wire(pieces: readonly string[]): string {
  const transparency = new Transparency();
  const octets = pieces.map((piece) => transparency.block(encodeUtf8(piece)));
  return decodeLatin1(join([...octets, transparency.end()]));
}

/** What a server makes of mail data (RFC 5321 §4.5.2): its content, and what it reads as commands behind it. */
function received(data: string): { readonly content: string; readonly commands: string } {
  const end = data.startsWith(".\r\n") ? -2 : data.indexOf("\r\n.\r\n");
  const lines = data.slice(0, end + 2).split("\r\n");
  return {
    content: lines.map((line) => (line.startsWith(".") ? line.slice(1) : line)).join("\r\n"),
    commands: data.slice(end + 5),
  };
}

describe("dots", () => {
  test("a body that holds the end of data and commands arrives as one message", () => {
    const content = "x\r\n.\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<evil@x>\r\n";
    expect(wire([content])).toBe("x\r\n..\r\nMAIL FROM:<evil@x>\r\nRCPT TO:<evil@x>\r\n.\r\n");
    expect(received(wire([content]))).toEqual({ content, commands: "" });
  });

  test.each([".\r\n", ".first\r\n", "..\r\n", ".\r\n.\r\n"])(
    "a dot at the very start is doubled: %j",
    (content) => {
      expect(wire([content])).toBe(`${content.replace(/^\./gm, "..")}.\r\n`);
    },
  );

  test("a dot within a line is left alone", () => {
    expect(wire(["a.b.\r\n c.\r\n"])).toBe("a.b.\r\n c.\r\n.\r\n");
  });

  test("the same octets leave wherever the content is cut", () => {
    const content = "a\r\n.\r\n..\r\n\r\n.b\r\n.\r\n";
    const whole = wire([content]);
    for (let first = 0; first <= content.length; first++) {
      for (let second = first; second <= content.length; second++) {
        expect(wire([content.slice(0, first), content.slice(first, second), content.slice(second)])).toBe(
          whole,
        );
      }
    }
    expect(wire([...content])).toBe(whole);
    expect(wire([...content].flatMap((octet) => ["", octet, ""]))).toBe(whole);
  });

  test("whatever lines there are, the server has them as they were, and nothing behind them", () => {
    const line = fc.stringMatching(/^[.a ]{0,6}$/);
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), fc.integer({ min: 1, max: 9 }), (lines, size) => {
        const content = `${lines.join("\r\n")}\r\n`;
        const pieces = content.match(new RegExp(`[\\s\\S]{1,${size}}`, "g")) ?? [];
        expect(received(wire(pieces))).toEqual({ content, commands: "" });
      }),
    );
  });
});

test("octets of any kind, at any place in memory, leave as they are but for doubled dots, or do not leave", () => {
  const unit = fc.constantFrom("\r\n", "\r\n", ".", "a", " ", "\t", "\0", "ü", "字", "abcdefgh", "\r", "\n");
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 40 }), fc.nat(7), (units, offset) => {
      const content = units.join("");
      const memory = Buffer.from(`${"x".repeat(offset)}${content}`);
      const octets = memory.subarray(offset);
      const transparency = new Transparency();
      const leave = (): string => decodeLatin1(join([transparency.block(octets), transparency.end()]));
      if (/\r(?!\n)|(?<!\r)\n/.test(content)) return void expect(leave).toThrow(MessageError);
      const lines = octets.toString("latin1").split("\r\n");
      const doubled = lines.map((line) => (line.startsWith(".") ? `.${line}` : line)).join("\r\n");
      expect(leave()).toBe(`${doubled}${lines.at(-1) === "" ? "" : "\r\n"}.\r\n`);
    }),
    { numRuns: 500 },
  );
});

describe("the end of data", () => {
  test.each([
    ["content that ends its last line", "x\r\n", "x\r\n.\r\n"],
    ["content that does not", "x", "x\r\n.\r\n"],
    ["no content", "", ".\r\n"],
    ["one empty line", "\r\n", "\r\n.\r\n"],
    ["a last line that is a dot", "x\r\n.", "x\r\n..\r\n.\r\n"],
  ])("%s gets exactly one", (_, content, expected) => {
    expect(wire([content])).toBe(expected);
    expect(wire([...content])).toBe(expected);
  });
});

describe("bare line ends", () => {
  // The list of what some servers take for the end of data.
  test.each([
    "\n.\n",
    "\n.\r",
    "\r.\n",
    "\r.\r",
    "\n.\r\n",
    "\r.\r\n",
    "\r\n.\r\r\n",
    "\r\r\n.\r\r\n",
    "\r\n.\n",
  ])("%j does not leave", (sequence) => {
    const content = `x${sequence}MAIL FROM:<evil@x>\r\n`;
    expect(() => wire([content])).toThrow(MessageError);
    expect(() => wire([...content])).toThrow(MessageError);
  });

  test("content that ends in half a line end does not leave", () => {
    expect(() => wire(["x\r"])).toThrow(MessageError);
    expect(() => wire(["x\n"])).toThrow(MessageError);
  });
});

describe("blocks", () => {
  test("a small message is one block with its end", () => {
    const blocks = [...mailData(encodeUtf8("x\r\n"))];
    expect(blocks.map(({ octets, last }) => [decodeLatin1(octets), last])).toEqual([["x\r\n.\r\n", true]]);
  });

  test("no content is its end alone", () => {
    expect([...mailData(new Uint8Array(0))].map(({ octets }) => decodeLatin1(octets))).toEqual([".\r\n"]);
  });

  test.each([65_534, 65_536, 65_538, 131_072, 200_000])(
    "%i octets arrive whole, and the end is in the last block",
    (length) => {
      const content = `${"x".repeat(length - 2)}\r\n`;
      const blocks = [...mailData(encodeUtf8(content))];
      expect(decodeLatin1(join(blocks.map(({ octets }) => octets)))).toBe(`${content}.\r\n`);
      expect(blocks.map(({ last }) => last)).toEqual([
        ...Array(Math.ceil(length / 65_536) - 1).fill(false),
        true,
      ]);
      for (const { octets } of blocks) expect(octets.length).toBeLessThanOrEqual(65_536 + 3);
    },
  );
});
