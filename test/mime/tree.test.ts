import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { resolveMessage } from "../../src/message.ts";
import { partOf } from "../../src/mime/tree.ts";
import { BASE, compose, expectCanonical, parse, refusal } from "../support/compose.ts";

describe("the tree of parts", () => {
  const typesOf = (message: object) =>
    [
      ...compose({ ...BASE, ...message })
        .toString()
        .matchAll(/^Content-Type: ([^;\r]+)/gm),
    ].map(([, type]) => type);
  const file = { filename: "a.pdf", content: "x" };
  const image = { filename: "l.png", content: "x", cid: "logo" };
  const html = '<img src="cid:logo">';
  const calendar = { content: "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n" };

  test.each([
    [{}, ["text/plain"]],
    [{ text: "x" }, ["text/plain"]],
    [{ html: "x" }, ["text/html"]],
    [{ text: "x", html: "y" }, ["multipart/alternative", "text/plain", "text/html"]],
    [{ html, attachments: [image] }, ["multipart/related", "text/html", "image/png"]],
    [
      { text: "x", html, attachments: [image] },
      ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"],
    ],
    [{ text: "x", attachments: [file] }, ["multipart/mixed", "text/plain", "application/pdf"]],
    [{ attachments: [file] }, ["multipart/mixed", "application/pdf"]],
    [
      { text: "x", html, attachments: [file, image] },
      [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
      ],
    ],
    [
      { text: "x", html, attachments: [{ ...image, cid: "other" }] },
      ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "image/png"],
    ],
    [{ alternatives: [{ contentType: "text/markdown", content: "x" }] }, ["text/markdown"]],
    [{ calendar }, ["multipart/mixed", "text/calendar", "application/ics"]],
    [
      {
        calendar,
        html,
        alternatives: [{ contentType: "text/markdown", content: "x" }],
        amp: "x",
        watchHtml: "x",
        text: "x",
        attachments: [image, file],
      },
      [
        ...["multipart/mixed", "multipart/alternative", "text/plain", "text/watch-html", "text/x-amp-html"],
        ...["text/markdown", "multipart/related", "text/html", "image/png", "text/calendar"],
        ...["application/pdf", "application/ics"],
      ],
    ],
  ])("is no deeper than it has to be: %j", (message, types) => {
    expect(typesOf(message)).toEqual(types);
  });

  test("reads back whole", async () => {
    const octets = Uint8Array.from({ length: 1000 }, (_, at) => at & 255);
    const composed = compose({
      ...BASE,
      text: "Grüße",
      html: '<p>Grüße <img src="cid:logo"></p>',
      attachments: [
        { filename: "a.bin", content: octets },
        { filename: "l.png", content: octets.subarray(3, 7), cid: "logo" },
        {
          filename: "n.csv",
          content: "ä\nb",
          contentType: "text/csv; header=present",
          disposition: "inline",
        },
      ],
    });
    expectCanonical(composed);
    const email = await parse(composed);
    expect(email.text).toBe("Grüße");
    expect(email.html?.trimEnd()).toBe('<p>Grüße <img src="cid:logo"></p>');
    const read = email.attachments.map((attachment) => ({
      ...attachment,
      content: [...new Uint8Array(attachment.content as ArrayBuffer)],
    }));
    expect(read).toMatchObject([
      {
        filename: "l.png",
        mimeType: "image/png",
        disposition: "inline",
        contentId: "<logo>",
        content: [3, 4, 5, 6],
      },
      {
        filename: "a.bin",
        mimeType: "application/octet-stream",
        disposition: "attachment",
        content: [...octets],
      },
      { filename: "n.csv", mimeType: "text/csv", disposition: "inline" },
    ]);
    expect(new TextDecoder().decode(Uint8Array.from(read[2]?.content ?? []))).toBe("ä\nb");
    expect(composed.toString()).toContain("Content-Type: text/csv; header=present; charset=utf-8");
  });

  test("is divided by boundaries of 128 random bits, all of them different", () => {
    const composed = compose({ ...BASE, text: "x", html, attachments: [image, file] });
    const boundaries = [...composed.toString().matchAll(/boundary="([^"]+)"/g)].map(
      ([, boundary]) => boundary,
    );
    expect(new Set(boundaries).size).toBe(3);
    for (const boundary of boundaries) expect(boundary).toMatch(/^=_[0-9a-f]{32}_\d$/);
    expect(composed.messageId).not.toContain(boundaries[0]?.slice(2, 34));
  });
});

describe("the fields of an attachment", () => {
  test("are those it is given, beside its own", () => {
    const headers = { "Content-Description": "Übersicht für alle", "X-Id": ["1", "2"] };
    const composed = compose({ ...BASE, attachments: [{ filename: "a.pdf", content: "x", headers }] });
    expectCanonical(composed);
    expect(composed.toString()).toContain(
      "Content-Disposition: attachment; filename=a.pdf\r\nContent-Description: =?utf-8?Q?=C3=9Cbersicht_f=C3=BCr_alle?=\r\nX-Id: 1\r\nX-Id: 2\r\n",
    );
  });

  test.each(["x\r\nBcc: e@x.example", "x\ny", "x\0"])("hold no line break and no NUL: %j", (value) => {
    const attachments = [{ content: "x", headers: { "X-A": value } }];
    expect(refusal({ ...BASE, attachments }).field).toBe('attachments[0].headers["X-A"]');
  });
});

describe("an image that the HTML shows", () => {
  const typeOf = (html: string, cid: string) =>
    /^Content-Type: ([^;\r]+)/m.exec(
      compose({ ...BASE, html, attachments: [{ content: "x", cid }] }).toString(),
    )?.[1];

  test.each([
    ['<img src="cid:logo">', "logo"],
    ["<img src=cid:logo>", "logo"],
    ["<p style=\"background: url('cid:logo')\">", "logo"],
    ['<p style="background: url(cid:logo)">', "logo"],
    ['<p style="background: url(&quot;cid:logo&quot;)">', "logo"],
    ["<img src='cid:a'title='cid:logo'>", "logo"],
    ["<img src='cid:a&amp;b'>", "a&b"],
    ['<img src="cid:a\'b&c">', "a'b&c"],
    ['<img src="cid:logo10"><img src="cid:logo">', "logo"],
    ["cid:cid:cid:logo", "logo"],
    [`<img src="cid:${"%41".repeat(250)}">`, "A".repeat(250)],
    [`<img src="cid:${"&amp;".repeat(250)}">`, "&".repeat(250)],
    ['<img src="cid:logo@example.com">', "logo@example.com"],
    ['<img src="cid:logo%40example.com">', "logo@example.com"],
    ['<img src="CID:a&amp;b%25c%2B">', "a&b%c+"],
    ['<img src="cid:a%41">', "a%41"],
  ])("is related to it: %s", (html, cid) => {
    expect(typeOf(html, cid)).toBe("multipart/related");
  });

  test.each([
    ["<p>logo</p>", "logo"],
    ['<img src="cid:logo10">', "logo"],
    ['<img src="cid:logo.png">', "logo"],
    ['<img src="cid:logo@example.com">', "logo"],
    ['<img src="acid:">', "logo"],
  ])("and one that it does not show is attached: %s", (html, cid) => {
    expect(typeOf(html, cid)).toBe("multipart/mixed");
  });

  test("is found in time that grows with the HTML alone, whatever the HTML is", () => {
    const attachments = Array.from({ length: 1000 }, (_, at) => ({ content: "", cid: `x${at}` }));
    const resolved = resolveMessage({ ...BASE, html: "x", attachments });
    if (resolved.kind !== "content") throw new Error("raw");
    for (const unit of ["cid:", "cid:'", "cid:&", "cid:%41%42", 'cid:a"', "x", "cid:a&amp;", "c", "%41"]) {
      const work = (length: number): number => {
        const html = unit.repeat(length / unit.length);
        const begin = performance.now();
        partOf({ ...resolved, bodies: [], html }, { boundary: () => "x", eightBit: false });
        return performance.now() - begin;
      };
      work(50_000);
      // What other processes do lengthens one of the two now and then, and never each time.
      const ratios: number[] = [];
      do ratios.push(work(400_000) / (work(200_000) + 5));
      while (Math.min(...ratios) >= 4 && ratios.length < 8);
      expect(Math.min(...ratios), unit).toBeLessThan(4);
    }
  });

  test("and one that it does not show is not lost", async () => {
    const composed = compose({ ...BASE, html: "<p>", attachments: [{ content: "x", cid: "logo" }] });
    expect((await parse(composed)).attachments[0]).toMatchObject({ contentId: "<logo>" });
  });

  test("is never looked for on the disk or the network", async () => {
    const html =
      '<img src="../../etc/passwd"><img src="file:///etc/passwd"><img src="http://169.254.169.254/">';
    const email = await parse(compose({ ...BASE, html }));
    expect(email.html?.trimEnd()).toBe(html);
    expect(email.attachments).toEqual([]);
  });
});

/** Any text a header takes: well formed, without C0 and DEL; and without U+FEFF, which readers leave out. */
const headerText = fc
  .string({ unit: "binary", maxLength: 120 })
  .filter((text) => !/[\x00-\x1f\x7f\ufeff]/.test(text));

describe("the name of an attachment", () => {
  test("that only some file system cannot have is the business of who saves it, and kept", async () => {
    for (const filename of ["CON", "a.", "a ", "a:b", "-x"]) {
      const { attachments } = await parse(compose({ ...BASE, attachments: [{ content: "x", filename }] }));
      expect(attachments[0]?.filename).toBe(filename);
    }
  });

  test("beyond ASCII is there in ASCII too, where readers look last", async () => {
    const header = (filename: string, contentType?: string) =>
      compose({
        ...BASE,
        attachments: [{ content: "x", filename, ...(contentType === undefined ? {} : { contentType }) }],
      })
        .toString()
        .replaceAll("\r\n ", " ");
    expect(header("résumé 漢字 😀.pdf")).toContain(
      "Content-Type: application/pdf; name=\"r_sum_ __ _.pdf\"\r\nContent-Disposition: attachment; filename*0*=utf-8''r%C3%A9sum%C3%A9%20",
    );
    expect(header("a b.pdf")).not.toContain("name=a");
    expect(header("é ")).not.toMatch(/; name=/);
  });

  test("gains the header no line, and the attachment no second name", async () => {
    expect(refusal({ ...BASE, attachments: [{ content: "", filename: 'a".txt\r\nX-Inj: 1' }] }).field).toBe(
      "attachments[0].filename",
    );
    for (const filename of ['a"; filename="evil.exe', 'a"b', "a;b=c", "a'b'c", "100%25", "a b.txt"]) {
      const { attachments } = await parse(compose({ ...BASE, attachments: [{ content: "x", filename }] }));
      expect(attachments.map((attachment) => attachment.filename)).toEqual([filename]);
    }
  });

  test("is kept in any script", async () => {
    const names = headerText.filter(
      (name) =>
        !/[/\\\u0080-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(name) &&
        !/^\.{0,2}$/.test(name) &&
        name === name.trim() &&
        new TextEncoder().encode(name).length <= 255,
    );
    await fc.assert(
      fc.asyncProperty(names, async (filename) => {
        const composed = compose({ ...BASE, attachments: [{ content: "x", filename }] });
        expectCanonical(composed);
        expect((await parse(composed)).attachments[0]?.filename).toBe(filename);
      }),
    );
  });
});
