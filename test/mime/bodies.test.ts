import { describe, expect, test } from "vitest";
import { finish } from "../../src/compose.ts";
import type { Message } from "../../src/message.ts";
import { composeWith } from "../../src/mime.ts";
import { BASE, compose, context, expectCanonical, parse, refusal } from "../support/compose.ts";

const EVENT = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n";

describe("a calendar object", () => {
  test("is a form of the message, and a file", async () => {
    const composed = compose({ ...BASE, text: "Lunch?", calendar: { content: EVENT } });
    expectCanonical(composed);
    expect(composed.toString()).toContain("Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n");
    expect(composed.toString()).toContain(
      "Content-Type: application/ics\r\nContent-Disposition: attachment; filename=invite.ics\r\n",
    );
    const { attachments } = await parse(composed);
    expect(attachments.map(({ mimeType, filename, method }) => [mimeType, filename, method])).toEqual([
      ["text/calendar", null, "REQUEST"],
      ["application/ics", "invite.ics", undefined],
    ]);
    expect(composed.toString().replaceAll("\r\n", "")).toContain(Buffer.from(EVENT).toString("base64"));
  });

  test("may be named, and of no method", () => {
    const text = compose({
      ...BASE,
      calendar: { content: "BEGIN:VCALENDAR\nEND:VCALENDAR", filename: "lunch.ics" },
    }).toString();
    expect(text).toContain("Content-Type: text/calendar; charset=utf-8\r\n");
    expect(text).toContain("filename=lunch.ics");
  });

  test.each([
    ["with parameters", "METHOD;X-A=1:CANCEL", "; charset=utf-8; method=CANCEL\r\n"],
    ["in lower case", "method:cancel", "; charset=utf-8; method=CANCEL\r\n"],
    ["folded in its name", "METH\r\n OD:CANCEL", "; charset=utf-8; method=CANCEL\r\n"],
    ["folded in its value", "METHOD:CAN\n\tCEL", "; charset=utf-8; method=CANCEL\r\n"],
    ["not at all, but in a comment", "COMMENT:a\u2028METHOD:CANCEL", "; charset=utf-8\r\n"],
    ["not at all, but in a folded line", "COMMENT:a\r\n METHOD:CANCEL", "; charset=utf-8\r\n"],
  ])("says its method %s", (_, line, end) => {
    const content = EVENT.replace("METHOD:REQUEST", line);
    expect(compose({ ...BASE, calendar: { content } }).toString()).toContain(
      `Content-Type: text/calendar${end}`,
    );
  });

  test.each([
    ["method", { content: EVENT, method: "CANCEL" }],
    ["method", { content: EVENT, method: "request" }],
    ["method", { content: EVENT, method: "REQUEST\r\nX: y" }],
    ["method", { content: EVENT, method: "REQUEST; x=y" }],
    ["method", { content: EVENT, method: 5 }],
    ["method", { content: EVENT.replace("REQUEST", "DANCE") }],
    ["method", { content: "BEGIN:VCALENDAR\nEND:VCALENDAR", method: "REQUEST" }],
    ["method", { content: EVENT.replace("METHOD:", "METHOD;X-A=1:"), method: "CANCEL" }],
    ["method", { content: EVENT.replace("METHOD:", "METH\r\n OD;X-A=1;X-B=2:DANCE;") }],
    ["method", { content: EVENT.replace("METHOD:", "COMMENT:a\u2028METHOD:"), method: "REQUEST" }],
    ["method", { content: EVENT.replace("REQUEST", "REQUEST\u00a0") }],
    ["filename", { content: EVENT, filename: "a.ics\r\nX: y" }],
    ["filename", { content: EVENT, filename: "../a.ics" }],
    ["content", { content: "Lunch" }],
    ["content", { content: "BEGIN:VCALENDAR\n\ud800" }],
    ["content", {}],
  ])("is refused for its %s: %j", (key, calendar) => {
    expect(refusal({ ...BASE, calendar }).field).toBe(`calendar.${key}`);
  });
});

describe("further forms of a message", () => {
  test("are text in its lines, or octets as they are", async () => {
    const composed = compose({
      ...BASE,
      text: "x",
      alternatives: [
        { contentType: "text/markdown; variant=CommonMark", content: "# Grüße an alle\r# Ende" },
        { contentType: "application/json", content: '{"a":\n1}' },
        { contentType: "application/octet-stream", content: Uint8Array.of(0, 255) },
      ],
    });
    expectCanonical(composed);
    expect(composed.toString()).toContain(
      "Content-Type: text/markdown; charset=utf-8; variant=CommonMark\r\nContent-Transfer-Encoding: quoted-printable\r\n",
    );
    const read = (await parse(composed)).attachments.map(({ content }) => [
      ...new Uint8Array(content as ArrayBuffer),
    ]);
    expect(read.slice(-2)).toEqual([[...new TextEncoder().encode('{"a":\n1}')], [0, 255]]);
  });

  test.each([
    ["contentType", { content: "x" }],
    ["contentType", { contentType: "text/plain", content: "x" }],
    ["contentType", { contentType: "TEXT/HTML", content: "x" }],
    ["contentType", { contentType: "text/x-amp-html", content: "x" }],
    ["contentType", { contentType: "text/calendar; method=REQUEST", content: "x" }],
    ["contentType", { contentType: "message/rfc822", content: "x" }],
    ["contentType", { contentType: "multipart/mixed; boundary=x", content: "x" }],
    ["contentType", { contentType: "text/x\r\nX: y", content: "x" }],
    ["contentType", { contentType: "text/x; a\r\nb=c", content: "x" }],
    ["contentType", { contentType: "text/x; charset=latin1", content: "x" }],
    ["contentType", { contentType: "text/x; name=a", content: "x" }],
    ["content", { contentType: "text/x" }],
    ["content", { contentType: "text/x", content: "\ud800" }],
    ["content", { contentType: "text/x", content: {} }],
  ])("are refused for their %s: %j", (key, alternative) => {
    expect(refusal({ ...BASE, alternatives: [alternative] }).field).toBe(`alternatives[0].${key}`);
  });

  test("are bounded", () => {
    const alternatives = Array.from({ length: 21 }, () => ({ contentType: "text/x", content: "x" }));
    expect(refusal({ ...BASE, alternatives }).field).toBe("alternatives");
  });

  test.each(["amp", "watchHtml"])("that few readers show need another: %s", (key) => {
    expect(refusal({ ...BASE, [key]: "x" }).field).toBe(key);
    expect(compose({ ...BASE, [key]: "x", text: "y" }).toString()).toContain("multipart/alternative");
  });
});

describe("8bit text", () => {
  const TEXT = "Greetings to Jürgen";

  test("goes as it is where that is allowed, with everything around it labelled so", async () => {
    const composed = compose({
      ...BASE,
      text: TEXT,
      html: "x",
      attachments: [{ content: "x" }],
      eightBit: true,
    });
    expectCanonical(composed);
    expect(composed.needs).toEqual({ utf8: false, eightBit: true, binary: false });
    expect(composed.toString()).toContain(`8bit\r\n\r\n${TEXT}\r\n`);
    expect(composed.toString().match(/Content-Transfer-Encoding: \w+/g)).toEqual(
      ["8bit", "8bit", "8bit", "7bit", "base64"].map((name) => `Content-Transfer-Encoding: ${name}`),
    );
    expect((await parse(composed)).text?.trimEnd()).toBe(TEXT);
  });

  test.each([
    ["not allowed", { text: TEXT }, "quoted-printable"],
    ["not wished", { text: TEXT, eightBit: false }, "quoted-printable"],
    ["ASCII", { text: "x", eightBit: true }, "7bit"],
    ["not of short lines", { text: "ü".repeat(500), eightBit: true }, "base64"],
    ["not without NUL", { text: "ü\0", eightBit: true }, "base64"],
  ])("that is %s is encoded as ever", (_, message, encoding) => {
    const composed = compose({ ...BASE, ...message });
    expectCanonical(composed);
    expect(composed.needs).toEqual({ utf8: false, eightBit: false, binary: false });
    expect(composed.toString()).toContain(`Content-Transfer-Encoding: ${encoding}\r\n`);
  });

  test("is encoded for a server that does not take it, in the same message", () => {
    const message = { ...BASE, text: TEXT, html: "<p>ü</p>", eightBit: true } as Message;
    const eightBit = composeWith(message, context());
    const sevenBit = eightBit.sevenBit?.();
    if (sevenBit === undefined) throw new Error("there is none");
    expect(sevenBit).toMatchObject({
      messageId: eightBit.messageId,
      needs: { utf8: false, eightBit: false },
    });
    expect(sevenBit.sevenBit).toBeUndefined();
    const [before, after] = [finish(eightBit), finish(sevenBit)];
    expectCanonical(after);
    const skeleton = (text: string) => text.match(/^(?:Date|Message-ID|--=_|Content-Type|\sboundary).*$/gm);
    expect(skeleton(after.toString())).toEqual(skeleton(before.toString()));
    expect(finish(composeWith({ ...message, eightBit: false } as Message, context())).toString()).toBe(
      after.toString(),
    );
  });
});

describe("an attached message", () => {
  const attach = (content: unknown, more = {}) => ({
    ...BASE,
    ...more,
    attachments: [{ filename: "mail.eml", content, contentType: "message/rfc822" }],
  });
  const MESSAGE = "From: x@example.org\r\nSubject: Inner\r\n\r\nHello\r\n";

  test("is attached as it stands, unencoded", async () => {
    const composed = compose(attach(MESSAGE));
    expectCanonical(composed);
    expect(composed.toString()).toContain(
      `Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=mail.eml\r\nContent-Transfer-Encoding: 7bit\r\n\r\n${MESSAGE}\r\n--`,
    );
    const { attachments } = await parse(composed);
    expect(attachments).toMatchObject([{ mimeType: "message/rfc822", filename: "mail.eml" }]);
  });

  test("is what was checked, whatever the caller writes to it afterwards", () => {
    const octets = new TextEncoder().encode(MESSAGE);
    const composition = composeWith(attach(octets) as Message, context());
    octets.fill(10);
    expect(finish(composition).toString()).toContain(MESSAGE);
  });

  test("with octets above 127 takes a server with 8BITMIME, and is never encoded", () => {
    const inner = attach(`${MESSAGE}ü\r\n`);
    expect(refusal(inner)).toMatchObject({
      field: "attachments[0].content",
      hint: expect.stringContaining("application/octet-stream"),
    });
    const composition = composeWith({ ...inner, eightBit: true } as Message, context());
    expect(composition.needs.eightBit).toBe(true);
    expect(composition.sevenBit).toBeUndefined();
  });

  test("may be an ArrayBuffer, and base64, but nothing that comes later", () => {
    const octets = new TextEncoder().encode(MESSAGE);
    expect(compose(attach(octets.buffer)).toString()).toContain(`\r\n\r\n${MESSAGE}\r\n--`);
    const encoded = {
      ...attach(""),
      attachments: [{ ...attach(octets).attachments[0], content: btoa(MESSAGE), encoding: "base64" }],
    };
    expect(compose(encoded).toString()).toContain(`\r\n\r\n${MESSAGE}\r\n--`);
    for (const content of [new Blob([MESSAGE]), [MESSAGE]]) {
      expect(refusal(attach(content))).toMatchObject({
        field: "attachments[0].content",
        hint: expect.stringContaining("in memory"),
      });
    }
    expect(
      refusal({ ...BASE, attachments: [{ ...attach(MESSAGE).attachments[0], length: 3 }] }).message,
    ).toContain("octets long, not 3");
  });

  test.each(["Bcc", "BCC", "resent-bcc"])("with a field %s is refused, for it would be seen", (name) => {
    const error = refusal(attach(`${name}: secret@example.org\r\n${MESSAGE}`));
    expect(error).toMatchObject({
      field: "attachments[0].content",
      hint: expect.stringContaining("take it out"),
    });
    expect(error.message).not.toContain("secret");
  });

  test.each([
    ["Hello"],
    ["Hello\r\n\r\n"],
    [""],
    ["\r\nHello"],
    ["Subject: x\r\nHello\r\n"],
    ["Subject: x\n\nHello"],
    ["Subject: x\r\n\r\nHello\rX"],
    ["Subject: x\r\n\r\nHello\0"],
    [`Subject: x\r\n\r\n${"x".repeat(999)}`],
    ["Subject: ü\r\n\r\nHello"],
    ["From x@example.org Sun Nov 22\r\nSubject: x\r\n\r\nHello"],
    [" Subject: x\r\n\r\nHello"],
    ["Subject: x\r\n \r\n\r\nHello"],
    [Uint8Array.of(0x41, 0x3a, 0xff, 13, 10, 13, 10)],
    ["Subject: \ud800\r\n\r\n"],
    [undefined],
    [{}],
  ])("is refused where it is not one: %j", (content) => {
    expect(refusal(attach(content)).field).toBe("attachments[0].content");
  });
});

test("parts of a message are no deeper than the message needs: a caller cannot nest them", () => {
  const nested = Array.from({ length: 10_000 }).reduce<string>(
    (inner) => `multipart/mixed; x="${inner.slice(0, 100)}"`,
    "text/plain",
  );
  expect(refusal({ ...BASE, attachments: [{ content: "x", contentType: nested }] }).field).toBe(
    "attachments[0].contentType",
  );
  let message = "Subject: x\r\n\r\nx";
  for (let depth = 0; depth < 1000; depth++) message = `Content-Type: message/rfc822\r\n\r\n${message}`;
  const attachments = [{ content: message, contentType: "message/rfc822" }];
  expectCanonical(compose({ ...BASE, attachments }));
});
