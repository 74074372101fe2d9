import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatMailbox, type Mailbox, parseMailboxList } from "../../src/address.ts";
import { MessageError } from "../../src/errors.ts";

function refusal(text: unknown): MessageError {
  try {
    parseMailboxList(text as string);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(text)}`);
}

const A = { address: "a@b.example" };
const C = { address: "c@d.example" };

describe("a list of mailboxes", () => {
  test.each<[string, Mailbox[]]>([
    ["a@b.example", [A]],
    ["a@b.example,c@d.example", [A, C]],
    ["  a@b.example ,  c@d.example ", [A, C]],
    ["<a@b.example>, C <c@d.example>", [A, { name: "C", ...C }]],
    ['"Doe, Jane" <a@b.example>, c@d.example', [{ name: "Doe, Jane", ...A }, C]],
    ['"a \\", b" <a@b.example>,c@d.example', [{ name: 'a ", b', ...A }, C]],
    ['"x,y;z:"@b.example, c@d.example', [{ address: '"x,y;z:"@b.example' }, C]],
    ['N <"x,<(y>"@b.example>, c@d.example', [{ name: "N", address: '"x,<(y>"@b.example' }, C]],
    ['"Smiley :-) (at work)" <a@b.example>', [{ name: "Smiley :-) (at work)", ...A }]],
    ["a@[IPv6:2001:db8::1], c@d.example", [{ address: "a@[IPv6:2001:db8::1]" }, C]],
    ["N <a@[IPv6:2001:db8::1]>,c@d.example", [{ name: "N", address: "a@[IPv6:2001:db8::1]" }, C]],
    [
      "北京 <a@b.example>, x@bücher.example",
      [{ name: "北京", ...A }, { address: "x@xn--bcher-kva.example" }],
    ],
    ["=?utf-8?q?a=2C_b?= <a@b.example>", [{ name: "=?utf-8?q?a=2C_b?=", ...A }]],
    ["a@b.example, a@b.example", [A, A]],
  ])("is read from %j", (text, mailboxes) => {
    expect(parseMailboxList(text)).toEqual(mailboxes);
  });

  test.each<[string, Mailbox[]]>([
    ["undisclosed-recipients:;", []],
    ["Undisclosed recipients : ; ", []],
    ["Team:a@b.example;", [A]],
    ["Team: a@b.example, C <c@d.example>;", [A, { name: "C", ...C }]],
    ["a@b.example, Team: c@d.example;", [A, C]],
    ["Team: a@b.example;, c@d.example", [A, C]],
    ["Team: a@b.example ; , Nobody:;,c@d.example", [A, C]],
    ['"Team: (one), two;" : a@b.example;', [A]],
    ["The A. Team: a@b.example;", [A]],
    ["Team: a@[IPv6:2001:db8::1];", [{ address: "a@[IPv6:2001:db8::1]" }]],
  ])("is read with the members of its groups among the others: %j", (text, mailboxes) => {
    expect(parseMailboxList(text)).toEqual(mailboxes);
  });

  test.each([
    ["", "is empty"],
    ["   ", "is empty"],
    [",", "comma too many"],
    ["a@b.example,", "comma too many"],
    [",a@b.example", "comma too many"],
    ["a@b.example,,c@d.example", "comma too many"],
    ["a@b.example, , c@d.example", "comma too many"],
    ["Team: a@b.example,;", "comma too many"],
    ["Team: ,a@b.example;", "comma too many"],
    ["Team:;,", "comma too many"],
    ["a@b.example; c@d.example", "ends no group"],
    ["a@b.example;", "ends no group"],
    ["Team: a@b.example", "not closed"],
    ["Team:", "not closed"],
    ["Team: a@b.example, c@d.example", "not closed"],
    ["Team:; c@d.example", "no comma after a group"],
    ["Team:;;", "no comma after a group"],
    ["Team:; Other:;", "no comma after a group"],
    ["g: h: a@b.example;;", "group within a group"],
    ["FirstName :: Company <a@b.example>", "group within a group"],
    [": a@b.example;", "without a name"],
    ["a@b.example: c@d.example;", "unquoted @"],
    ['"Team" x: a@b.example;', 'unquoted "'],
    ["user@good.example(x)evil.example", "comment"],
    ["(evil@x.example) <a@b.example>", "comment"],
    ["user@x.example(a(b)c), c@d.example", "comment"],
    ["a@b.example, (c@d.example)", "comment"],
    ['"a@b.example', "not closed"],
    ["a@b.example, c@[IPv6:::1", "not closed"],
    ["<@relay.example:a@b.example>", "unquoted <"],
    ["a@b.example\r\n, c@d.example", "U+000D"],
    ["a@b.example\n", "U+000A"],
    ["a@b.example,\tc@d.example", "U+0009"],
    [["a@b.example"], "is an array"],
    [undefined, "is missing"],
    [{ address: "a@b.example" }, "is an object"],
  ])("is not read from %j, and the error says so", (text, words) => {
    const error = refusal(text);
    expect(error.field).toBe("mailboxes");
    expect(error.message).toContain(words);
  });

  test.each([
    ["a@b.example, c d@e.example", 1],
    ["a@b.example, Doe, Jane <c@d.example>", 1],
    ["Team: a@b.example, c@d.example, x;", 2],
    ["a@b.example c@d.example", 0],
    ["<a@b.example, c@d.example>", 0],
    ['a"x,y"@b.example', 0],
    ['"a" <a@b.example> "b", c@d.example', 0],
    ["Name [x] <a@b.example>", 0],
    ["a@b.example, root", 1],
    ["a@b.example, c@d.example\u00a0", 1],
    ["a@evil.example@good.example", 0],
  ])("is not read from %j, and the error names the mailbox that is none", (text, at) => {
    expect(refusal(text).field).toBe(`mailboxes[${at}]`);
  });

  test("divided by semicolons is told what divides", () => {
    expect(refusal("a@b.example; c@d.example").hint).toContain("divided by commas");
  });
});

test("a list of 100,000 mailboxes is read, and a longer one is not", () => {
  const most = "a@b.example,".repeat(99_999);
  expect(parseMailboxList(`${most}a@b.example`)).toHaveLength(100_000);
  expect(refusal(`${most}a@b.example,a@b.example`).message).toContain("more than 100000 mailboxes");
  expect(refusal(" ".repeat(10_000_001)).message).toContain("longer than 10000000 characters");
});

test("a list of any mailboxes, alone and in groups, reads back as they were", () => {
  const name = fc.string({
    unit: fc.constantFrom(
      "a",
      "É",
      "例",
      " ",
      ",",
      ";",
      ":",
      '"',
      "\\",
      "(",
      ")",
      "<",
      ">",
      "[",
      "]",
      "@",
      ".",
    ),
    maxLength: 12,
  });
  const address = fc.constantFrom(
    "a@b.example",
    "ü@d.example",
    '"x, y; z: <("@b.example',
    '"\\\\\\""@b.example',
    "a@[IPv6:2001:db8::1]",
    "a@[192.0.2.1]",
  );
  const mailbox = fc.record({ name, address });
  const chunk = fc.record({
    isGroup: fc.boolean(),
    members: fc.array(mailbox, { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(chunk, { minLength: 1, maxLength: 5 }), (chunks) => {
      const text = chunks.map(({ isGroup, members }) => {
        const list = members.map(formatMailbox).join(", ");
        return isGroup ? `"A: group;" : ${list};` : list;
      });
      const expected = chunks.flatMap(({ members }) =>
        members.map((one) => (one.name === "" ? { address: one.address } : one)),
      );
      expect(parseMailboxList(text.join(","))).toEqual(expected);
    }),
  );
});

test("hostile text of any length is refused in time that does not grow faster than the text", () => {
  const hostile = [
    "x@",
    "a(x)b,",
    "g: ",
    "g:;,",
    "g:a@b.c;,",
    '"\\',
    '"",',
    "[],",
    "[",
    "<",
    "a.",
    "a@b.c,",
    "a@b.c, ",
    "@",
    ":",
    ";",
    ",",
    "ü",
    " ",
    "a ",
  ];
  const work = (repeats: number): number => {
    let least = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 5; run++) {
      const begin = performance.now();
      for (const piece of hostile) {
        const text = piece.repeat(repeats);
        for (const input of [text, `${text}x`, `"${text}"`, `g:${text}`, `${text};`]) {
          try {
            parseMailboxList(input);
          } catch {}
        }
      }
      least = Math.min(least, performance.now() - begin);
    }
    return least;
  };
  work(1000);
  expect(work(20_000)).toBeLessThan(work(10_000) * 4 + 20);
});

test("a group in a group in a group is refused at the second", () => {
  const deep = Array.from({ length: 10_000 }, (_, at) => `g${at}: `).join("");
  expect(refusal(`${deep}a@b.example${";".repeat(10_000)}`).message).toContain("group within a group");
});
