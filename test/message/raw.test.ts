import { describe, expect, test } from "vitest";
import { finish } from "../../src/compose.ts";
import type { Message } from "../../src/message.ts";
import { composeWith } from "../../src/mime.ts";
import { compose, context, expectCanonical, parse, refusal } from "../support/compose.ts";

const ENVELOPE = { from: "bounce@example.com", to: ["b@example.org"] };
const HEADER =
  "From: a@example.com\r\nTo: c@example.org\r\nDate: Sun, 22 Nov 2026 07:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n";

function raw(content: unknown, more: object = {}): object {
  return { raw: content, envelope: ENVELOPE, ...more };
}

describe("a message given whole", () => {
  test("is sent as it stands, to whom the envelope says", async () => {
    const content = `${HEADER}Subject: Hi\r\nX-Folded: a\r\n\tb\r\n\r\nHello\r\n.\r\n`;
    for (const given of [content, new TextEncoder().encode(content), { content }]) {
      const composed = compose(raw(given));
      expectCanonical(composed);
      expect(composed.toString()).toBe(content);
      expect(composed).toMatchObject({
        envelope: ENVELOPE,
        messageId: "<1@example.com>",
        needs: { utf8: false, eightBit: false },
      });
      expect(await parse(composed)).toMatchObject({ subject: "Hi", to: [{ address: "c@example.org" }] });
    }
  });

  test("ends in one line end, which is added where it has none", () => {
    const endOf = (body: string) =>
      compose(raw(`${HEADER}\r\n${body}`))
        .toString()
        .slice(HEADER.length);
    expect(endOf("")).toBe("\r\n");
    expect(endOf("x")).toBe("\r\nx\r\n");
    expect(endOf("x\r\n")).toBe("\r\nx\r\n");
    expect(endOf("\r\n")).toBe("\r\n\r\n");
  });

  test("is a copy: what the caller changes afterwards is not sent", () => {
    const octets = new TextEncoder().encode(`${HEADER}\r\nHello\r\n`);
    const composition = composeWith(raw(octets) as Message, context());
    octets.fill(10);
    expect(finish(composition).toString()).toContain("Hello");
  });

  test("has its line ends made whole where that is asked for, and only then", () => {
    const given = `${HEADER.replaceAll("\r\n", "\n")}\n1\r2\n\r3\r\r\n4\r\n5`;
    expect(refusal(raw(given))).toMatchObject({ field: "raw", hint: expect.stringContaining("lineEnds") });
    expect(refusal(raw({ content: given, lineEnds: "crlf" })).field).toBe("raw.content");
    const composed = compose(raw({ content: given, lineEnds: "normalize" }));
    expectCanonical(composed);
    expect(composed.toString()).toBe(`${HEADER}\r\n1\r\n2\r\n\r\n3\r\n\r\n4\r\n5\r\n`);
    expectCanonical(compose(raw({ content: `${given}\n`, lineEnds: "normalize" })));
    expect(refusal(raw({ content: given, lineEnds: "lf" })).field).toBe("raw.lineEnds");
  });

  test("that was signed is refused with bare line ends too, for it would not be what was signed", () => {
    const signed = `DKIM-Signature: v=1; a=rsa-sha256; d=example.com\r\n${HEADER}\r\nHello\nWorld\r\n`;
    expect(refusal(raw(signed)).message).toContain("not part of a CRLF");
  });

  test("may have blanks around its Message-ID, as folding makes them", () => {
    const folded = HEADER.replace(" <1@example.com>", "\r\n \t<1@example.com>\t ");
    expect(compose(raw(`${folded}\r\nHello`)).messageId).toBe("<1@example.com>");
  });

  test.each(["Bcc", "bcc", "BCC", "Resent-Bcc"])(
    "with a field %s is refused, for it would be seen",
    (name) => {
      const error = refusal(raw(`${HEADER}${name}: secret@example.org\r\n\r\nHello`));
      expect(error).toMatchObject({ field: "raw", hint: expect.stringContaining("envelope.to") });
      expect(error.message).not.toContain("secret");
    },
  );

  test.each([
    ["nothing", ""],
    ["no header section", "\r\nHello\r\n"],
    ["no field", "Hello\r\n\r\nWorld"],
    ["no blank line", HEADER],
    ["no blank line before the body", `${HEADER}Hello\r\nWorld\r\n`],
    ["the line of a mailbox file before it", `From a@example.com Sun Nov 22\r\n${HEADER}\r\nHello`],
    ["a first line that is folded", ` x\r\n${HEADER}\r\nHello`],
    ["a blank folded line", `${HEADER}Subject: a\r\n \r\n b\r\n\r\nHello`],
    ["a field without a name", `${HEADER}: x\r\n\r\nHello`],
    ["a name with a space", `${HEADER}X A: x\r\n\r\nHello`],
    ["a name beyond ASCII", `${HEADER}Ünï: x\r\n\r\nHello`],
    ["a NUL", `${HEADER}\r\nHe\0llo`],
    ["a vertical tab in a field", `${HEADER}Subject: a\vBcc: e@x.example\r\n\r\nHello`],
    ["a bare LF in its header section", `${HEADER}Subject: a\nBcc: e@x.example\r\n\r\nHello`],
    ["a bare LF", `${HEADER}\r\nHello\nWorld`],
    ["a bare CR", `${HEADER}\r\nHello\rWorld`],
    ["a bare CR at its end", `${HEADER}\r\nHello\r`],
    ["a bare LF at its end", `${HEADER}\r\nHello\n`],
    ["an end of data with bare line ends", `${HEADER}\r\nHello\n.\nMAIL FROM:<e@x.example>\n`],
    ["a line of 999 octets", `${HEADER}\r\n${"x".repeat(999)}\r\n`],
    ["a last line of 999 octets", `${HEADER}\r\n${"x".repeat(999)}`],
    ["a field of 999 octets", `${HEADER}X: ${"x".repeat(996)}\r\n\r\n`],
    ["half of a surrogate pair", `${HEADER}\r\n\ud800`],
    ["no From", `${HEADER.replace("From", "X-From")}\r\nHello`],
    ["two From", `${HEADER}from: e@x.example\r\n\r\nHello`],
    ["no Date", `${HEADER.replace("Date", "X-Date")}\r\nHello`],
    ["no Message-ID", `${HEADER.replace("Message-ID", "X-ID")}\r\nHello`],
    ["a Message-ID that is none", `${HEADER.replace("<1@example.com>", "1")}\r\nHello`],
    [
      "a Message-ID with a no-break space",
      `${HEADER.replace("<1@example.com>", "<1@example.com>\u00a0")}\r\nHello`,
    ],
    ["a Message-ID with an em space", `${HEADER.replace("<1@", "\u2003<1@")}\r\nHello`],
    ["two identifiers", `${HEADER.replace("<1@example.com>", "<1@example.com> <2@example.com>")}\r\nHello`],
    ["two To", `${HEADER}To: e@x.example\r\n\r\nHello`],
    ["two Subject", `${HEADER}Subject: a\r\nsubject: b\r\n\r\nHello`],
    ["two Content-Type", `${HEADER}Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nHello`],
  ])("is refused with %s", (_, content) => {
    expect(refusal(raw(content)).field).toBe("raw");
  });

  test.each([5, null, [], { path: "/etc/passwd" }, { href: "http://169.254.169.254/" }, { content: 5 }, {}])(
    "is not read from %j",
    (content) => {
      expect(refusal(raw(content)).field).toMatch(/^raw(?:\.content)?$/);
    },
  );

  test.each(["from", "to", "bcc", "subject", "text", "attachments", "headers", "messageId", "flowed"])(
    "stands alone: %s is refused beside it",
    (key) => {
      expect(refusal(raw(`${HEADER}\r\nHello`, { [key]: "x" })).field).toBe(key);
    },
  );

  test.each([
    [undefined, "envelope.from"],
    [{ to: "b@example.org" }, "envelope.from"],
    [{ from: "a@example.com" }, "envelope.to"],
    [{ from: "a@example.com", to: [] }, "to"],
  ])("is not sent by the envelope %j", (envelope, field) => {
    expect(refusal({ raw: `${HEADER}\r\nHello`, envelope }).field).toBe(field);
  });

  test("may come from nowhere, as reports do", () => {
    const envelope = { from: "", to: "b@example.org" };
    expect(compose({ raw: `${HEADER}\r\nHello`, envelope }).envelope).toEqual({
      from: "",
      to: ["b@example.org"],
    });
  });

  test("with octets above 127 takes a server that does, where that is allowed", () => {
    const body = `${HEADER}\r\nGrüße`;
    expect(refusal(raw(body))).toMatchObject({ field: "raw", hint: expect.stringContaining("eightBit") });
    const composition = composeWith(raw(body, { eightBit: true }) as Message, context());
    expect(composition.needs).toEqual({ utf8: false, eightBit: true, binary: false });
    expect(composition.sevenBit).toBeUndefined();
    expect(compose(raw(`${HEADER}\r\nHello`, { eightBit: true })).needs).toEqual({
      utf8: false,
      eightBit: false,
      binary: false,
    });
    expect(compose(raw(`${HEADER}Subject: Grüße\r\n\r\nHello`)).needs).toEqual({
      utf8: true,
      eightBit: false,
      binary: false,
    });
    const latin1 = Uint8Array.from(`${HEADER}Subject: Grüße\r\n\r\n`, (character) => character.charCodeAt(0));
    expect(refusal(raw(latin1)).message).toContain("not UTF-8");
  });

  test("is checked in time that grows with it", () => {
    const work = (count: number): number => {
      const blanks = HEADER.replace("<1@", `${" ".repeat(900)}\r\n${" ".repeat(10)}<1@`);
      const content = `${blanks}${"X-A: b\r\n".repeat(count)} ${"c\r\n ".repeat(count)}d\r\n\r\n${"x\r\n".repeat(count)}`;
      let least = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 5; run++) {
        const begin = performance.now();
        compose(raw(content));
        least = Math.min(least, performance.now() - begin);
      }
      return least;
    };
    work(1000);
    expect(work(40_000)).toBeLessThan(work(20_000) * 4 + 20);
  });
});
