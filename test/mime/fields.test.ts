import { describe, expect, test } from "vitest";
import { BASE, compose, expectCanonical, fieldsOf, parse, refusal } from "../support/compose.ts";

/** The fields of a message that those of every message do not tell. */
function fields(message: object): string[] {
  const composed = compose({ ...BASE, ...message });
  expectCanonical(composed);
  return fieldsOf(composed).filter(
    (field) => !/^(?:Date|From|To|Message-ID|MIME-Version|Content-.*):/.test(field),
  );
}

const INJECTION = "x\r\nBcc: e@x.example";

describe("a thread", () => {
  test("is told by the messages before", () => {
    expect(fields({ inReplyTo: "<a@b.example>", references: ["<c@d.example>", "<a@b.example>"] })).toEqual([
      "In-Reply-To: <a@b.example>",
      "References: <c@d.example> <a@b.example>",
    ]);
    expect(fields({ references: "<c@d.example> <a@b.example>" })).toEqual([
      "References: <c@d.example> <a@b.example>",
    ]);
    expect(fields({ inReplyTo: ["<a@b.example>", "<c@d.example>"] })).toEqual([
      "In-Reply-To: <a@b.example> <c@d.example>",
    ]);
  });

  test("may have messages whose identifiers are of an odd make, which are repeated as they are", () => {
    for (const id of ["<a>", "<a@b@c>", "<a..b@c>", "<=?utf-8?q?a?=@b>", "<a@[127.0.0.1]>", '<"a"@b>']) {
      expect(fields({ inReplyTo: id })).toEqual([`In-Reply-To: ${id}`]);
    }
  });

  test.each([
    `<a@b.example>\r\nBcc: e@x.example`,
    "<a@b.example>\n",
    "<a@b.example><c@d.example>",
    "<a@b.example>  <c@d.example>",
    "<a b@c.example>",
    "a@b.example",
    "<>",
    "<ü@b.example>",
    "<a>b@c.example>",
    `<${"a".repeat(250)}>`,
    "",
    [],
    [["<a@b.example>"]],
    ["<a@b.example> <c@d.example>"],
    null,
  ])("is not told by %j", (value) => {
    expect(refusal({ ...BASE, inReplyTo: value }).field).toMatch(/^inReplyTo(?:\[0\])?$/);
    expect(refusal({ ...BASE, references: value }).field).toMatch(/^references(?:\[0\])?$/);
  });

  test("is bounded, and folded", () => {
    const ids = (count: number) => Array.from({ length: count }, (_, at) => `<${at}@example.com>`);
    expect(fields({ references: ids(1000) })).toEqual([`References: ${ids(1000).join(" ")}`]);
    expect(refusal({ ...BASE, references: ids(100_000) }).message).toContain("at most 1000");
    expect(refusal({ ...BASE, references: ids(100_000).join(" ") }).message).toContain("at most 1000");
  });
});

describe("a list", () => {
  test("says what it is, and how to leave it by one click", () => {
    expect(
      fields({
        list: {
          id: { name: "Nachrichten für alle", id: "news.example.com" },
          oneClick: "https://example.com/u?t=a1",
          unsubscribe: ["mailto:leave@example.com?subject=leave", "MAILTO:go@example.com"],
          subscribe: "https://example.com/join",
          help: { url: "mailto:help@example.com", comment: "People answer" },
          post: "NO",
          owner: "mailto:owner@example.com",
          archive: "https://example.com/archive",
        },
      }),
    ).toEqual([
      "List-Id: =?utf-8?Q?Nachrichten_f=C3=BCr_alle?= <news.example.com>",
      "List-Unsubscribe: <https://example.com/u?t=a1>, <mailto:leave@example.com?subject=leave>, <MAILTO:go@example.com>",
      "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
      "List-Help: <mailto:help@example.com> (People answer)",
      "List-Subscribe: <https://example.com/join>",
      "List-Post: NO",
      "List-Owner: <mailto:owner@example.com>",
      "List-Archive: <https://example.com/archive>",
    ]);
  });

  test.each([
    ["news.example.com", "List-Id: <news.example.com>"],
    ["Our News <news.example.com>", "List-Id: Our News <news.example.com>"],
    [{ id: "news.example.com" }, "List-Id: <news.example.com>"],
    [
      { name: 'A "quoted", name', id: "news.example.com" },
      'List-Id: "A \\"quoted\\", name" <news.example.com>',
    ],
  ])("is identified by %j", (id, field) => {
    expect(fields({ list: { id } })).toEqual([field]);
  });

  test.each([
    ["id", "news"],
    ["id", "news.example.com>"],
    ["id", "News <news.example.com> x"],
    ["id", 'x" <news.example.com>'],
    ["id", "nëws.example.com"],
    ["id", `${"a".repeat(250)}.example`],
    ["id", ""],
    ["id", 5],
    ["id", { name: "x" }],
    ["id", { name: INJECTION, id: "news.example.com" }],
    ["id", INJECTION],
    ["unsubscribe", "https://a.example>,<mailto:e@x.example"],
    ["unsubscribe", "https://a.example, mailto:e@x.example"],
    ["unsubscribe", "https://a.example/(x"],
    ["unsubscribe", "https://a.example/ x"],
    ["unsubscribe", "https://ä.example"],
    ["unsubscribe", "https://a.example/\r\nBcc: e@x.example"],
    ["unsubscribe", "javascript:alert(1)"],
    ["unsubscribe", "mailto:"],
    ["unsubscribe", "file:///etc/passwd"],
    ["unsubscribe", "e@x.example"],
    ["unsubscribe", "NO"],
    ["unsubscribe", ""],
    ["unsubscribe", []],
    ["unsubscribe", null],
    ["unsubscribe", [["https://a.example"]]],
    ["unsubscribe", { url: "https://a.example", comment: INJECTION }],
    ["unsubscribe", { url: "https://a.example", comment: "ü" }],
    ["unsubscribe", { href: "https://a.example" }],
    ["unsubscribe", Array.from({ length: 21 }, () => "https://a.example")],
    ["unsubscribe", `https://a.example/${"x".repeat(990)}`],
    ["unsubscribe", { url: "https://a.example", comment: "=?utf-8?q?b=29_=3Chttps://x.example=3E?=" }],
    ["oneClick", "http://a.example"],
    ["oneClick", "https://"],
    ["oneClick", "mailto:e@x.example"],
    ["oneClick", true],
    ["post", "no"],
    ["unsubscrib", "https://a.example"],
  ])("has no %s of %j", (key, value) => {
    expect(refusal({ ...BASE, list: { [key]: value } }).field).toMatch(/^list/);
  });

  test("has comments that end where they should", () => {
    expect(fields({ list: { help: { url: "https://a.example", comment: 'a) <b>, (c \\ "d' } } })).toEqual([
      'List-Help: <https://a.example> (a\\) <b>, \\(c \\\\ "d)',
    ]);
  });

  test.each([
    ["list.unsubscribe", "https://a.example/leave"],
    ["list.unsubscribe", "HTTP://a.example/leave"],
    ["list.unsubscribe[1]", ["mailto:leave@a.example", "https://a.example"]],
    ["list.unsubscribe[0].url", [{ url: "http://a.example", comment: "x" }]],
  ])("is left by one URL where that is one click: %s may not be %j", (field, unsubscribe) => {
    expect(refusal({ ...BASE, list: { oneClick: "https://a.example/u", unsubscribe } })).toMatchObject({
      field,
      hint: expect.stringContaining("give a mailto:"),
    });
    expect(fields({ list: { unsubscribe } })).toHaveLength(1);
  });

  test("has URLs that fit on a line, and the one that does not is named", () => {
    const url = (length: number) => `https://a.example/${"x".repeat(length - 18)}`;
    expect(fields({ list: { oneClick: url(977), unsubscribe: ["mailto:a@b.example"] } })).toHaveLength(2);
    expect(refusal({ ...BASE, list: { oneClick: url(978) } }).field).toBe("list.oneClick");
    expect(refusal({ ...BASE, list: { unsubscribe: ["mailto:a@b.example", url(978)] } }).field).toBe(
      "list.unsubscribe[1]",
    );
    expect(refusal({ ...BASE, list: { help: { url: url(978) } } }).field).toBe("list.help.url");
  });

  test("is said once, by its property, and what else begins so by a header", () => {
    const headers = { "List-Software": "penny" };
    expect(fields({ headers, list: { id: "news.example.com" } })).toEqual([
      "List-Id: <news.example.com>",
      "List-Software: penny",
    ]);
    const typed = { "list-unsubscribe": "<https://b.example>" };
    expect(refusal({ ...BASE, headers: typed })).toMatchObject({
      field: 'headers["list-unsubscribe"]',
      hint: expect.stringContaining('"list"'),
    });
  });
});

describe("what else a message says of itself", () => {
  test.each([
    ["high", ["X-Priority: 1", "Importance: high"]],
    ["normal", ["X-Priority: 3", "Importance: normal"]],
    ["low", ["X-Priority: 5", "Importance: low"]],
  ])("is its priority: %s", (priority, written) => {
    expect(fields({ priority })).toEqual(written);
  });

  test.each(["auto-generated", "auto-replied", "auto-notified", "no"])(
    "is that a program sent it: %s",
    (autoSubmitted) => {
      expect(fields({ autoSubmitted })).toEqual([`Auto-Submitted: ${autoSubmitted}`]);
    },
  );

  test.each([
    ["priority", "urgent"],
    ["priority", "toString"],
    ["priority", ""],
    ["autoSubmitted", "yes"],
    ["autoSubmitted", `no\r\nBcc: e@x.example`],
    ["comments", INJECTION],
    ["keywords", []],
    ["keywords[1]", ["a", ""]],
    ["keywords[0]", [INJECTION]],
    ["keywords", Array.from({ length: 101 }, () => "a")],
  ])("is not a %s of %j", (field, value) => {
    const [key = ""] = field.split("[");
    expect(refusal({ ...BASE, [key]: value }).field).toBe(field);
  });

  test("is what it is about, and a remark", () => {
    expect(
      fields({ comments: "Remarks for Jürgen", keywords: ["code", "one-time, code", "Überweisung", "a b"] }),
    ).toEqual([
      "Comments: =?utf-8?Q?Remarks_for_J=C3=BCrgen?=",
      'Keywords: code, "one-time, code", =?utf-8?Q?=C3=9Cberweisung?= , a b',
    ]);
  });

  test("is said once", () => {
    expect(refusal({ ...BASE, priority: "high", headers: { "X-Priority": "1" } }).field).toBe(
      'headers["X-Priority"]',
    );
    expect(refusal({ ...BASE, autoSubmitted: "no", headers: { "AUTO-Submitted": "no" } }).field).toBe(
      'headers["AUTO-Submitted"]',
    );
    expect(fields({ comments: ["a", "ü"] })).toEqual(["Comments: a", "Comments: =?utf-8?B?w7w=?="]);
  });
});

describe("a one-time code", () => {
  const otp = (code: unknown, origin: unknown) => ({ ...BASE, otp: { code, origin } });

  test.each([
    ["123456", "https://example.com", '"123456"; origin="https://example.com"'],
    ["12 34", "https://example.com:8443", '"12 34"; origin="https://example.com:8443"'],
    ['a"b\\c', "https://xn--bcher-kva.example", '"a\\"b\\\\c"; origin="https://xn--bcher-kva.example"'],
    ["1", "http://localhost:3000", '"1"; origin="http://localhost:3000"'],
    ["1", "http://app.localhost", '"1"; origin="http://app.localhost"'],
    ["1", "http://127.0.0.1", '"1"; origin="http://127.0.0.1"'],
    ["1", "https://[2001:db8::1]", '"1"; origin="https://[2001:db8::1]"'],
    ["=?utf-8?q?1?=", "https://example.com", '"=?utf-8?q?1?="; origin="https://example.com"'],
  ])("%s for %s is bound to its origin", (code, origin, value) => {
    expect(fields(otp(code, origin))).toEqual([`OTP-Token: ${value}`]);
  });

  test.each(["", 123456, "１２３", "12\r\n34", "1\t2", "1".repeat(101), undefined])("is not %j", (code) => {
    const error = refusal(otp(code, "https://example.com"));
    expect(error.field).toBe("otp.code");
  });

  test.each([
    "http://example.com",
    "http://localhost.example.com",
    "https://example.com/",
    "https://example.com/login",
    "https://Example.com",
    "https://example.com:443",
    "https://user@example.com",
    "https://bücher.example",
    "https://exa\tmple.com",
    "https://example.com\r\nBcc: e@x.example",
    'https://a"b.example',
    "https://a{b}.example",
    "https://0x7f.1",
    "https://",
    "example.com",
    "ftp://example.com",
    5,
    undefined,
  ])("is not bound to %j", (origin) => {
    expect(refusal(otp("123456", origin)).field).toBe("otp.origin");
  });

  test("is never named in an error", () => {
    expect(refusal(otp("geheim-ü", "https://example.com")).message).not.toContain("geheim");
  });
});

test("a field of undisclosed recipients says no more than that", async () => {
  const composed = compose({
    from: "a@example.com",
    to: "undisclosed-recipients:;",
    bcc: "secret@example.org",
  });
  expect(fieldsOf(composed)).toContain("To: undisclosed-recipients:;");
  expect(composed.toString()).not.toMatch(/secret|bcc/i);
  expect(composed.envelope.to).toEqual(["secret@example.org"]);
  expect((await parse(composed)).to).toMatchObject([{ name: "undisclosed-recipients", group: [] }]);
});

test("a message of every field has each once, and reads back", async () => {
  const composed = compose({
    ...BASE,
    sender: "s@example.com",
    replyTo: "r@example.com",
    cc: "c@example.org",
    subject: "x",
    inReplyTo: "<a@b.example>",
    references: "<a@b.example>",
    comments: "x",
    keywords: ["x"],
    list: { id: "news.example.com", oneClick: "https://example.com/u" },
    priority: "high",
    autoSubmitted: "auto-generated",
    otp: { code: "123456", origin: "https://example.com" },
    headers: { "X-A": "1" },
    text: "x",
  });
  expectCanonical(composed);
  const names = fieldsOf(composed).map((field) => field.split(":")[0]?.toLowerCase());
  expect(new Set(names).size).toBe(names.length);
  expect(names).not.toContain("x-mailer");
  expect(names).not.toContain("user-agent");
  const email = await parse(composed);
  expect(email).toMatchObject({ inReplyTo: "<a@b.example>", references: "<a@b.example>" });
});
