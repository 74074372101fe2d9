import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composeMessage } from "../src/compose.ts";
import type { Message } from "../src/message.ts";
import { BASE, compose, expectCanonical, fieldsOf, parse, refusal } from "./support/compose.ts";

describe("a field that machines read", () => {
  const field = (name: string, value: string): string => {
    const composed = compose({ ...BASE, headers: { [name]: value } });
    expectCanonical(composed);
    return composed.toString();
  };

  test.each([
    ["List-Software", "<https://example.com/?a=?b>"],
    ["List-X", Array.from({ length: 40 }, (_, at) => `<https://example.com/${at}>`).join(", ")],
  ])("%s is not encoded, only folded", (name, value) => {
    const text = field(name, value).replaceAll("\r\n ", " ");
    expect(text).toContain(`\r\n${name}: ${value}\r\n`);
  });

  test("is refused where it would have to be encoded", () => {
    expect(refusal({ ...BASE, headers: { "List-X": "<ü@example.com>" } }).message).toContain("RFC 2047 §5");
    expect(refusal({ ...BASE, headers: { "List-X": `<https://${"x".repeat(998)}>` } }).field).toBe(
      'headers["List-X"]',
    );
    expect(refusal({ ...BASE, headers: { "List-X": "<a@b.example>\r\nBcc: e@x.example" } }).field).toBe(
      'headers["List-X"]',
    );
  });

  test.each(["List-X", "list-software", "Disposition-Notification-To"])("%s is there once", (name) => {
    expect(refusal({ ...BASE, headers: { [name]: ["<a@b.example>", "<c@d.example>"] } }).message).toContain(
      "once",
    );
    expect(
      refusal({ ...BASE, headers: { [name]: "<a@b.example>", [name.toUpperCase()]: "<c@d.example>" } })
        .message,
    ).toContain("once");
  });
});

test("words before one that fills a line do not make the line too long", () => {
  const composed = compose({ ...BASE, subject: "word ".repeat(10) + "x".repeat(960) });
  expectCanonical(composed);
});

test("text is not labelled with a charset that it is not in", () => {
  const attach = (contentType: string, content: string | Uint8Array) => ({
    ...BASE,
    attachments: [{ content, contentType }],
  });
  expect(refusal(attach("text/csv; charset=iso-8859-1", "é")).field).toBe("attachments[0].contentType");
  expect(refusal(attach("text/csv; charset=us-ascii", "é")).field).toBe("attachments[0].contentType");
  expect(compose(attach("text/csv; charset=us-ascii", "e")).toString()).toContain(
    "text/csv; charset=us-ascii\r\n",
  );
  expect(compose(attach("text/csv; charset=UTF-8", "é")).toString()).toContain("text/csv; charset=UTF-8\r\n");
  expect(compose(attach("text/csv; charset=iso-8859-1", Uint8Array.of(0xe9))).toString()).toContain(
    "iso-8859-1",
  );
});

/** Any text a header takes: well formed, without C0 and DEL; and without U+FEFF, which readers leave out. */
const headerText = fc
  .string({ unit: "binary", maxLength: 120 })
  .filter((text) => !/[\x00-\x1f\x7f\ufeff]/.test(text));

describe("a message of text", () => {
  test("is its header section, a blank line and its lines", () => {
    const composed = compose({
      from: "Penny <penny@example.com>",
      sender: "system@example.com",
      replyTo: "help@example.com",
      to: ["b@example.org", { name: "C, D", address: "c@example.org" }],
      cc: "d@example.org",
      bcc: "e@example.org",
      subject: "Your code",
      text: "Your code is 123456.\n\nBye",
      headers: { "X-Kind": "code" },
    });
    expect(composed.toString().split("\r\n")).toEqual([
      "Date: Sun, 22 Nov 2026 07:00:00 +0000",
      "From: Penny <penny@example.com>",
      "Sender: system@example.com",
      "Reply-To: help@example.com",
      'To: b@example.org, "C, D" <c@example.org>',
      "Cc: d@example.org",
      "Subject: Your code",
      "Message-ID: <00000000000000000000000000000000@example.com>",
      "X-Kind: code",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: 7bit",
      "",
      "Your code is 123456.",
      "",
      "Bye",
      "",
    ]);
    expect(composed.envelope).toEqual({
      from: "system@example.com",
      to: ["b@example.org", "c@example.org", "d@example.org", "e@example.org"],
    });
    expect(composed.messageId).toBe("<00000000000000000000000000000000@example.com>");
    expect(composed.needs).toEqual({ utf8: false, eightBit: false, binary: false });
    expectCanonical(composed);
  });

  test("ends in exactly one line end, whatever its text ends in", () => {
    const endOf = (text: string) =>
      compose({ ...BASE, text })
        .toString()
        .split("\r\n\r\n")
        .slice(1)
        .join("\r\n\r\n");
    expect(["x", "x\n", "x\r", "x\r\n"].map(endOf)).toEqual(["x\r\n", "x\r\n", "x\r\n", "x\r\n"]);
    expect(compose({ ...BASE, text: "" }).toString()).toMatch(/7bit\r\n\r\n$/);
    expect(compose(BASE).toString()).toMatch(/7bit\r\n\r\n$/);
    expect(compose({ ...BASE, text: "\n" }).toString()).toMatch(/7bit\r\n\r\n\r\n$/);
  });

  test("takes a CRLF, an LF and a CR for the end of a line, and nothing else", async () => {
    const composed = compose({ ...BASE, text: "1\r2\n3\r\n4\r\r\n5\n\r6\u20287" });
    expectCanonical(composed);
    expect((await parse(composed)).text).toBe("1\n2\n3\n4\n\n5\n\n6\u20287\n");
  });

  test("keeps a dot at the start of a line: transparency is another layer", () => {
    expect(compose({ ...BASE, text: "x\n.\n..y" }).toString()).toContain("\r\n\r\nx\r\n.\r\n..y\r\n");
  });

  test("keeps every well-formed character", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 400 }), async (given) => {
        // U+FEFF at the start is a byte order mark to a reader, which leaves it out.
        const text = given.replace(/\r\n?/g, "\n").replace(/^\ufeff+/, "");
        const composed = compose({ ...BASE, text, html: text });
        expectCanonical(composed);
        const email = await parse(composed);
        // A reader counts the line end before a delimiter as the text's, unless the text was encoded.
        for (const read of [email.text, email.html]) {
          expect([text, `${text}\n`]).toContain(read?.replaceAll("\r\n", "\n") ?? "");
        }
      }),
    );
  });
});

describe("the header section", () => {
  test.each([
    ["subject", { ...BASE, subject: "hi\r\nBcc: e@x.example\r\n\r\nbody" }],
    ["subject", { ...BASE, subject: "hi\nBcc: e@x.example" }],
    ["subject", { ...BASE, subject: "hi\rBcc: e@x.example" }],
    ["subject", { ...BASE, subject: "a\0b" }],
    ["subject", { ...BASE, subject: "ü\r\nBcc: e@x.example" }],
    ["subject", { ...BASE, subject: "a\ud800b" }],
    ['headers["X-A"]', { ...BASE, headers: { "X-A": "a\r\nBcc: e@x.example" } }],
    ['headers["X-A"][1]', { ...BASE, headers: { "X-A": ["a", "a\nBcc: e@x.example"] } }],
    ['headers["X-A"]', { ...BASE, headers: { "X-A": "a\rb" } }],
    ['headers["X-A"]', { ...BASE, headers: { "X-A": "a\0b" } }],
    ['headers["X-A"]', { ...BASE, headers: { "X-A": "a\r\n b" } }],
  ])("refuses a line break or a control character in %s", (field, message) => {
    expect(refusal(message).field).toBe(field);
  });

  test.each(["X-A: b\r\nBcc: e", "X A", "X:", "", "Ünï", "X\t", "X\0", "x".repeat(75)])(
    "refuses a field named %j",
    (name) => {
      const error = refusal({ ...BASE, headers: { [name]: "x" } });
      expect(error.field).toMatch(/^headers\["[^\x00-\x1f\x7f]*"\]$/);
      expect(error.message).toContain("field name");
    },
  );

  test("never names the blind recipients", () => {
    const composed = compose({ from: "a@example.com", bcc: ["secret@example.org", "S <other@example.org>"] });
    expect(composed.envelope.to).toEqual(["secret@example.org", "other@example.org"]);
    expect(composed.toString()).not.toMatch(/secret|other|bcc|^to:/im);
  });

  test("says who the author is in a way that reads back as one mailbox, and that one", async () => {
    const hostile = [
      "Evil <ceo@bank.example>",
      'a@b.c" <x@y.example',
      'x" <evil@x.example>, "',
      "a\\",
      "a;b:c,d",
      " x ",
      ".",
    ];
    for (const name of hostile) {
      const { from } = await parse(compose({ ...BASE, from: { name, address: "a@example.com" } }));
      expect(from).toMatchObject({ name: name.trim(), address: "a@example.com" });
    }
  });

  test("never holds an encoded-word in quotes, and writes text that looks like one so that it reads as it stands", async () => {
    const name = "=?utf-8?q?x?=";
    const composed = compose({ ...BASE, from: { name, address: "a@b.c" }, subject: name });
    expect(composed.toString()).not.toContain(`"=?`);
    expect(composed.toString()).not.toContain(name);
    expect(await parse(composed)).toMatchObject({ subject: name, from: { name } });
  });

  test("keeps any subject, display name and custom value", async () => {
    await fc.assert(
      fc.asyncProperty(headerText, headerText, headerText, async (subject, given, value) => {
        const name = given.replace(/[\u0080-\u009f\u2028\u2029]/g, "").trim();
        const composed = compose({
          from: { name, address: "a@example.com" },
          to: [{ name, address: "b@example.org" }, "c@example.org", { name, address: "d@example.org" }],
          subject,
          headers: { "X-Value": value },
        });
        expectCanonical(composed);
        const email = await parse(composed);
        expect(email.from).toMatchObject({ name, address: "a@example.com" });
        expect(email.to?.map(({ address }) => address)).toEqual([
          "b@example.org",
          "c@example.org",
          "d@example.org",
        ]);
        expect(email.to?.map((mailbox) => mailbox.name)).toEqual([name, "", name]);
        expect(email.subject ?? "").toBe(subject);
      }),
    );
  });

  test("has a Date of four-digit year in UTC, for now or as given", () => {
    const dateOf = (date?: Date) => fieldsOf(compose(date === undefined ? BASE : { ...BASE, date }))[0];
    expect(dateOf()).toBe("Date: Sun, 22 Nov 2026 07:00:00 +0000");
    expect(dateOf(new Date("2024-02-29T23:59:59+02:00"))).toBe("Date: Thu, 29 Feb 2024 21:59:59 +0000");
    expect(dateOf(new Date("2026-01-05T00:00:00Z"))).toBe("Date: Mon, 05 Jan 2026 00:00:00 +0000");
  });

  test("has a Message-ID of 128 random bits at the domain of the author", () => {
    const message = { ...BASE, from: "a@bücher.example" } as Message;
    const ids = new Set(Array.from({ length: 500 }, () => composeMessage(message).messageId));
    expect(ids.size).toBe(500);
    for (const id of ids) expect(id).toMatch(/^<[0-9a-f]{32}@xn--bcher-kva\.example>$/);
    expect(compose({ ...BASE, messageId: "<x@y>" }).messageId).toBe("<x@y>");
  });

  test("holds a UTF-8 address as it is, and says that the server must know SMTPUTF8", () => {
    const composed = compose({ ...BASE, to: "Jürgen <jürgen@example.org>" });
    expect(composed.needs).toEqual({ utf8: true, eightBit: false, binary: false });
    expect(fieldsOf(composed)).toContain("To: =?utf-8?Q?J=C3=BCrgen?= <jürgen@example.org>");
    expectCanonical(composed);
    expect(compose({ ...BASE, bcc: "jürgen@example.org" }).needs.utf8).toBe(true);
    expect(compose({ ...BASE, envelope: { from: "jürgen@example.org" } }).needs.utf8).toBe(true);
    expect(compose({ ...BASE, replyTo: "jürgen@example.org" }).needs.utf8).toBe(true);
    expect(compose(BASE).needs.utf8).toBe(false);
    expect(compose({ ...BASE, cc: "x@bücher.example" }).needs.utf8).toBe(false);
  });

  test("takes twice the work for twice the length, and no more", () => {
    const work = (count: number): number => {
      const message = {
        ...BASE,
        to: Array.from({ length: count / 4 }, (_, at) => `Ünï <u${at}@example.org>`),
        subject: "word ".repeat(count),
        headers: { "X-A": "x".repeat(count * 4), "X-B": "  ü".repeat(count) },
      };
      let least = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 5; run++) {
        const begin = performance.now();
        compose(message);
        least = Math.min(least, performance.now() - begin);
      }
      return least;
    };
    work(1000);
    expect(work(16_000)).toBeLessThan(work(8_000) * 4 + 20);
  });
});

test("a polluted Object.prototype changes nothing of what is composed", () => {
  const polluted = Object.prototype as unknown as Record<string, unknown>;
  const pollution = {
    ...{ isFlowed: true, phrases: ["evil"], before: [{ name: "X-A" }], isUndisclosed: true, eightBit: true },
    ...{ message: { octets: new Uint8Array(9) }, fields: [{ name: "X-Evil", value: "1" }], kind: "raw" },
    ...{ normalize: true, stem: "evil", boundary: () => "evil", length: 1, encoding: "base64", raw: "evil" },
    ...{ inReplyTo: "<evil@x.example>", list: {}, calendar: {}, amp: "evil", keywords: ["evil"] },
  };
  const message = {
    ...BASE,
    text: `Grüße ${"word ".repeat(40)}`,
    headers: { "X-A": "1", "X-B": ["2"] },
    attachments: [{ content: "x", filename: "é.pdf", headers: { "X-C": "1" } }],
  };
  const clean = compose(message).toString();
  let composed = "";
  try {
    for (const [key, value] of Object.entries(pollution)) polluted[key] = value;
    composed = compose(message).toString();
  } finally {
    for (const key of Object.keys(pollution)) delete polluted[key];
  }
  expect(composed).toBe(clean);
});

test("the content is a copy: what the caller changes afterwards is not sent", () => {
  const octets = new Uint8Array([1, 2, 3]);
  const composed = compose({ ...BASE, attachments: [{ content: octets }] });
  const before = composed.toString();
  octets.fill(0);
  expect(composed.toString()).toBe(before);
});
