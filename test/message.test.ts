import { describe, expect, test } from "vitest";
import { type Message, type ResolvedContent, resolveMessage } from "../src/message.ts";
import { BASE, refusal, resolve } from "./support/resolve.ts";

describe("the envelope", () => {
  test("is the author, and every recipient once", () => {
    const { envelope } = resolve({
      from: "Author <a@example.com>",
      to: ["b@example.org", "B <b@EXAMPLE.org>", "B@example.org"],
      cc: { name: "C", address: "c@example.org" },
      bcc: ["b@example.org", "d@example.org"],
    });
    expect(envelope).toEqual({
      from: "a@example.com",
      to: ["b@example.org", "B@example.org", "c@example.org", "d@example.org"],
    });
  });

  test("comes from the sender where there is one", () => {
    expect(resolve({ ...BASE, sender: "s@example.net" }).envelope.from).toBe("s@example.net");
  });

  test("is what the message says it is, in either half", () => {
    const from = resolve({ ...BASE, envelope: { from: "bounce@example.net" } }).envelope;
    expect(from).toEqual({ from: "bounce@example.net", to: ["b@example.org"] });
    const to = resolve({ from: "a@example.com", envelope: { to: ["x@e.f", "x@E.F"] } }).envelope;
    expect(to).toEqual({ from: "a@example.com", to: ["x@e.f"] });
    expect(resolve({ ...BASE, envelope: { to: "x@e.f" } }).envelope.to).toEqual(["x@e.f"]);
  });

  test("holds the blind recipients, and nothing else of what was read does", () => {
    const { envelope, ...rest } = resolve({ ...BASE, bcc: "secret@example.org" });
    expect(envelope.to).toContain("secret@example.org");
    expect(JSON.stringify(rest)).not.toContain("secret");
  });

  test.each([
    [{ from: "a@b.c" }],
    [{ from: "a@b.c", to: [] }],
    [{ from: "a@b.c", to: [], cc: [], bcc: [] }],
    [{ from: "a@b.c", to: undefined }],
    [{ from: "a@b.c", to: "d@e.f", envelope: { to: [] } }],
  ])("is not made without recipients: %j", (message) => {
    expect(refusal(message)).toMatchObject({ code: "no_recipients", field: "to" });
  });

  test.each([
    [{ ...BASE, envelope: { from: " " } }, "envelope.from"],
    [{ ...BASE, envelope: { to: "" } }, "envelope.to"],
    [{ ...BASE, envelope: { from: "N <a@b.c>" } }, "envelope.from"],
    [{ ...BASE, envelope: { from: null } }, "envelope.from"],
    [{ ...BASE, envelope: { to: ["a@b.c", "x y"] } }, "envelope.to[1]"],
    [{ ...BASE, envelope: { to: [["a@b.c"]] } }, "envelope.to[0]"],
    [{ ...BASE, envelope: { to: ["a@b.c"], size: "1\r\nRCPT TO:<x>" } }, "envelope"],
    [{ ...BASE, envelope: "a@b.c" }, "envelope"],
    [{ ...BASE, envelope: null }, "envelope"],
  ])("is refused where it is not one: %j", (message, field) => {
    expect(refusal(message).field).toBe(field);
  });

  test("comes from nowhere only where that is asked for", () => {
    expect(resolve({ ...BASE, envelope: { from: "" } }).envelope.from).toBe("");
    expect(refusal({ ...BASE, from: "" }).field).toBe("from");
    expect(refusal({ ...BASE, sender: "" }).field).toBe("sender");
  });

  test("is all there is to know of the recipients where they are undisclosed", () => {
    const to = "undisclosed-recipients:;";
    const resolved = resolve({ from: "a@b.c", to, bcc: "d@e.f" });
    expect(resolved).toMatchObject({ isUndisclosed: true, to: [], envelope: { to: ["d@e.f"] } });
    expect(refusal({ from: "a@b.c", to })).toMatchObject({ code: "no_recipients" });
    expect(refusal({ from: "a@b.c", to: [to, "d@e.f"] }).field).toBe("to[0]");
    expect(refusal({ from: "a@b.c", cc: to, bcc: "d@e.f" }).field).toBe("cc");
  });

  test("is bounded", () => {
    const many = Array.from({ length: 100_001 }, (_, at) => `u${at}@example.org`);
    expect(refusal({ from: "a@b.c", to: many }).message).toContain("at most 100000");
    expect(refusal({ from: "a@b.c", to: many.slice(0, 60_000), cc: many.slice(50_000, 100_001) }).field).toBe(
      "to",
    );
  });
});

describe("a line break in an address", () => {
  const INJECTION = "a@b.c>\r\nRCPT TO:<evil@x.example";
  test.each([
    ["from", { ...BASE, from: INJECTION }],
    ["sender", { ...BASE, sender: INJECTION }],
    ["replyTo", { ...BASE, replyTo: INJECTION }],
    ["to", { ...BASE, to: INJECTION }],
    ["cc[1]", { ...BASE, cc: ["c@d.e", INJECTION] }],
    ["bcc", { ...BASE, bcc: INJECTION }],
    ["bcc.address", { ...BASE, bcc: { address: INJECTION } }],
    ["envelope.from", { ...BASE, envelope: { from: INJECTION } }],
    ["envelope.to[0]", { ...BASE, envelope: { to: [INJECTION] } }],
  ])("is refused in %s", (field, message) => {
    const error = refusal(message);
    expect(error.field).toBe(field);
    expect(error.message).toContain("control character U+000D");
  });
});

describe("a message of the wrong shape", () => {
  test.each([
    [undefined, "message"],
    [null, "message"],
    ["text", "message"],
    [[], "message"],
    [{ to: "b@c.d" }, "from"],
    [{ ...BASE, from: ["a@b.c"] }, "from"],
    [{ ...BASE, to: 5 }, "to"],
    [{ ...BASE, to: null }, "to"],
    [{ ...BASE, to: [null] }, "to[0]"],
    [{ ...BASE, to: [undefined] }, "to[0]"],
    [{ ...BASE, to: [["a@b.c"]] }, "to[0]"],
    [{ ...BASE, to: ["a@b.c,evil@x.example"] }, "to[0]"],
    [{ ...BASE, to: { address: "" } }, "to.address"],
    [{ ...BASE, subject: {} }, "subject"],
    [{ ...BASE, text: new Uint8Array(1) }, "text"],
    [{ ...BASE, text: { path: "/etc/passwd" } }, "text"],
    [{ ...BASE, html: { href: "http://169.254.169.254/" } }, "html"],
    [{ ...BASE, html: Symbol("x") }, "html"],
    [{ ...BASE, text: "a\ud800" }, "text"],
    [{ ...BASE, date: "2026-11-22" }, "date"],
    [{ ...BASE, date: new Date(Number.NaN) }, "date"],
    [{ ...BASE, date: new Date(8.64e15) }, "date"],
    [{ ...BASE, date: new Date(-8.64e15) }, "date"],
    [{ ...BASE, amp: 5, text: "x" }, "amp"],
    [{ ...BASE, watchHtml: {}, text: "x" }, "watchHtml"],
    [{ ...BASE, alternatives: {} }, "alternatives"],
    [{ ...BASE, alternatives: [5] }, "alternatives[0]"],
    [
      { ...BASE, alternatives: [{ contentType: "text/x", content: { path: "/etc/passwd" } }] },
      "alternatives[0].content",
    ],
    [{ ...BASE, calendar: "BEGIN:VCALENDAR\n" }, "calendar"],
    [{ ...BASE, calendar: { content: { href: "file:///" } } }, "calendar.content"],
    [{ ...BASE, eightBit: "yes" }, "eightBit"],
    [{ ...BASE, flowed: 1 }, "flowed"],
    [{ ...BASE, inReplyTo: {} }, "inReplyTo"],
    [{ ...BASE, references: [5] }, "references[0]"],
    [{ ...BASE, keywords: "a" }, "keywords"],
    [{ ...BASE, comments: {} }, "comments"],
    [{ ...BASE, comments: ["a", 5] }, "comments[1]"],
    [{ ...BASE, list: "https://example.com" }, "list"],
    [{ ...BASE, priority: 1 }, "priority"],
    [{ ...BASE, autoSubmitted: true }, "autoSubmitted"],
    [{ ...BASE, otp: "123456" }, "otp"],
    [{ ...BASE, attachments: {} }, "attachments"],
    [{ ...BASE, headers: [] }, "headers"],
  ])("is refused by the path of the field: %j", (message, field) => {
    expect(refusal(message).field).toBe(field);
  });

  test.each([
    ["headers", new Map([["X-A", "1"]]), "is a Map"],
    ["headers", new Headers({ "X-A": "1" }), "is a Headers"],
    ["headers", new URLSearchParams("X-A=1"), "is a URLSearchParams"],
    ["headers", new Map(), "is a Map"],
    ["headers", "X-A: 1", "is a string"],
    ["list", new Map([["id", "news.example.com"]]), "is a Map"],
    ["headers", { "X-A": "1", [Symbol.iterator]: () => [].values() }, "is an iterable object"],
    ["list", Promise.resolve({ id: "news.example.com" }), "is a Promise"],
    ["otp", new Date(), "is a Date"],
    ["envelope", new Set(["a@b.c"]), "is a Set"],
    ["calendar", new Blob(["BEGIN:VCALENDAR"]), "is a Blob"],
  ])("whose %s is %o loses none of it in silence", (field, value, words) => {
    expect(refusal({ ...BASE, [field]: value })).toMatchObject({
      field,
      message: expect.stringContaining(`${words}, not an object`),
    });
  });

  test("that is one as a whole is refused too, and one of a class of the caller's is read", () => {
    expect(refusal(new Map(Object.entries(BASE))).message).toBe("message: is a Map, not an object");
    class Mail {
      readonly from = "a@example.com";
      readonly to = "b@example.org";
      get [Symbol.toStringTag]() {
        return "Mail\r\n";
      }
    }
    expect(resolve(new Mail()).envelope.to).toEqual(["b@example.org"]);
    expect(resolve(Object.assign(Object.create(null), BASE)).envelope.to).toEqual(["b@example.org"]);
    class Nothing extends Mail {
      declare from: never;
    }
    const nothing = Object.create(Nothing.prototype) as object;
    expect(refusal(nothing).message).not.toMatch(/[\r\n]/);
  });

  test("is told what is of no use to it: flowed without text", () => {
    expect(refusal({ ...BASE, html: "x", flowed: true }).field).toBe("flowed");
    expect(resolve({ ...BASE, html: "x", flowed: false }).bodies).toHaveLength(1);
    expect(resolve({ ...BASE, text: "", flowed: true }).bodies).toMatchObject([{ isFlowed: true }]);
  });

  test.each([
    ["subject", { subject: "x".repeat(100_001) }],
    ["comments", { comments: "x".repeat(100_001) }],
    ["comments[1]", { comments: ["x", "x".repeat(100_001)] }],
    ["comments", { comments: Array.from({ length: 101 }, () => "x") }],
    ["keywords[0]", { keywords: ["x".repeat(1001)] }],
    ["list.id.name", { list: { id: { name: "x".repeat(1001), id: "news.example.com" } } }],
  ])("is refused where it is longer than anybody reads: %s", (field, message) => {
    expect(refusal({ ...BASE, ...message })).toMatchObject({
      field,
      message: expect.stringMatching(/is longer than \d+ characters|at most 100 /),
    });
  });

  test("may be as long as that", () => {
    const text = "x".repeat(100_000);
    expect(resolve({ ...BASE, subject: text, comments: [text] }).subject).toBe(text);
  });

  test.each([
    ["attachment", "attachments"],
    ["replyto", "replyTo"],
    ["reply_to", "replyTo"],
    ["Subject", "subject"],
    ["txt", "text"],
  ])("with the unknown property %s is told of %s", (key, near) => {
    expect(refusal({ ...BASE, [key]: "x" }).message).toContain(`is "${near}" meant?`);
  });

  test("with an unknown property that resembles none is told what there is", () => {
    expect(refusal({ ...BASE, urgency: "high" })).toMatchObject({
      hint: expect.stringContaining("replyTo"),
    });
  });
});

describe("what the caller holds", () => {
  test("counts only where it is its own: nothing is inherited", () => {
    expect(refusal(Object.create({ ...BASE })).field).toBe("from");
    const poisoned = JSON.parse('{"from":"a@b.c","to":"d@e.f","__proto__":{"bcc":"evil@x.example"}}');
    expect(refusal(poisoned).message).toContain("__proto__");
    const assigned = Object.assign({}, poisoned);
    expect(resolve(assigned).envelope.to).toEqual(["d@e.f"]);
  });

  test("is not added to by a polluted Object.prototype", () => {
    const polluted = Object.prototype as unknown as Record<string, unknown>;
    const pollution = {
      bcc: "evil@x.example",
      sender: "evil@x.example",
      to: ["evil@x.example"],
      from: "evil@x.example",
      name: "Evil",
      attachments: [{ content: "evil" }],
      headers: { "X-Evil": "1" },
      raw: "evil",
      amp: "evil",
      alternatives: [{ contentType: "text/evil", content: "evil" }],
      calendar: { content: "evil" },
      list: { id: "evil.example" },
      keywords: ["evil"],
      priority: "high",
      eightBit: true,
      flowed: true,
      encoding: "base64",
      length: 1,
      filename: "evil",
      contentType: "text/evil",
      cid: "evil",
      utf8: true,
      envelope: { to: "evil@x.example" },
    };
    const clean = resolve({ ...BASE, to: { address: "b@example.org" } });
    let read: ResolvedContent | undefined;
    try {
      for (const [key, value] of Object.entries(pollution)) polluted[key] = value;
      read = resolve({ from: "a@example.com", to: { address: "b@example.org" } });
      expect(() => resolve({ from: "a@example.com" })).toThrow("no recipients");
    } finally {
      for (const key of Object.keys(pollution)) delete polluted[key];
    }
    expect(read).toEqual(clean);
  });

  test("is read once, so that it cannot answer differently the second time", () => {
    let reads = 0;
    const message = {
      from: "a@b.c",
      get to() {
        return reads++ === 0 ? "d@e.f" : "evil@x.example\r\n";
      },
    };
    expect(resolve(message).envelope.to).toEqual(["d@e.f"]);
    expect(reads).toBe(1);
  });

  test("is read once inside too, in every object that a message is made of", () => {
    const reads = new Map<string, number>();
    const once = (path: string, values: Record<string, unknown>): object =>
      new Proxy(values, {
        getOwnPropertyDescriptor: (target, key) => Object.getOwnPropertyDescriptor(target, key),
        get: (target, key) => {
          const name = `${path}.${String(key)}`;
          reads.set(name, (reads.get(name) ?? 0) + 1);
          return Reflect.get(target, key);
        },
      });
    const fields = {
      otp: once("otp", { code: "1", origin: "https://a.example" }),
      list: once("list", {
        id: once("id", { id: "a.example" }),
        help: once("help", { url: "https://a.example" }),
      }),
      calendar: once("calendar", { content: "BEGIN:VCALENDAR\n", filename: "a.ics" }),
      alternatives: [once("alternative", { contentType: "text/x", content: "x" })],
      attachments: [
        once("attachment", { filename: "a", content: "x", headers: once("headers", { "X-A": "1" }) }),
      ],
      headers: once("headers", { "X-B": "1" }),
      envelope: once("envelope", { from: "a@b.c" }),
    };
    resolve({ ...BASE, ...fields });
    expect([...reads].filter(([, count]) => count !== 1)).toEqual([]);
    expect(reads.size).toBe(16);
    reads.clear();
    const header = "From: a@b.c\r\nDate: x\r\nMessage-ID: <a@b>\r\n\r\n";
    const raw = once("raw", { content: header, lineEnds: "crlf" });
    resolveMessage({ raw, envelope: { from: "a@b.c", to: "d@e.f" } } as unknown as Message);
    expect([...reads.values()]).toEqual([1, 1]);
  });

  test("is never written to, and may change afterwards", () => {
    const headers = Object.freeze({ "X-A": Object.freeze(["1"]) });
    const to = ["d@e.f"];
    const message = Object.freeze({ from: Object.freeze({ address: "a@b.c" }), to, headers });
    const resolved = resolve(message);
    to.push("late@x.example");
    expect(resolved.envelope.to).toEqual(["d@e.f"]);
  });
});

describe("a custom header", () => {
  test("is read with one value or several", () => {
    expect(resolve({ ...BASE, headers: { "X-A": "1", "X-B": ["2", "3"], "X-C": [] } }).fields).toEqual([
      { name: "X-A", value: "1", path: 'headers["X-A"]' },
      { name: "X-B", value: "2", path: 'headers["X-B"][0]' },
      { name: "X-B", value: "3", path: 'headers["X-B"][1]' },
    ]);
  });

  test.each([
    ["From", "from"],
    ["TO", "to"],
    ["cc", "cc"],
    ["Bcc", "bcc"],
    ["Sender", "sender"],
    ["Reply-To", "replyTo"],
    ["Subject", "subject"],
    ["Date", "date"],
    ["Message-Id", "messageId"],
    ["In-Reply-To", "inReplyTo"],
    ["references", "references"],
    ["OTP-Token", "otp"],
    ["Keywords", "keywords"],
    ["Comments", "comments"],
    ["AUTO-submitted", "autoSubmitted"],
    ["Importance", "priority"],
    ["Priority", "priority"],
    ["X-Priority", "priority"],
    ["X-MSMail-Priority", "priority"],
    ["List-ID", "list"],
    ["List-Unsubscribe", "list"],
    ["list-unsubscribe-post", "list"],
    ["List-Help", "list"],
    ["List-Subscribe", "list"],
    ["List-Post", "list"],
    ["List-Owner", "list"],
    ["List-Archive", "list"],
  ])("%s is refused in favour of the property %s", (name, property) => {
    expect(refusal({ ...BASE, headers: { [name]: "x" } }).hint).toContain(`"${property}"`);
  });

  test.each([
    "MIME-Version",
    "Content-Type",
    "content-transfer-encoding",
    "Resent-Bcc",
    "Resent-From",
    "Received",
    "Return-Path",
    "Content-Language",
    "Apparently-To",
    "DKIM-Signature",
    "Authentication-Results",
    "ARC-Seal",
    "arc-message-signature",
  ])("%s is refused, because it is not the caller's", (name) => {
    expect(refusal({ ...BASE, headers: { [name]: "x" } })).toMatchObject({
      field: `headers["${name}"]`,
      hint: expect.stringContaining("signer or the servers"),
    });
  });

  test.each(["List-Software", "list-x", "Disposition-Notification-To"])("%s is there once", (name) => {
    expect(resolve({ ...BASE, headers: { [name]: "x" } }).fields).toHaveLength(1);
    expect(refusal({ ...BASE, headers: { [name]: ["x", "y"] } }).message).toContain("more than once");
    expect(refusal({ ...BASE, headers: { [name]: "x", [name.toUpperCase()]: "y" } }).field).toBe(
      `headers["${name.toUpperCase()}"]`,
    );
  });

  test("of another program stays as it is", () => {
    const headers = {
      Precedence: "bulk",
      "X-Auto-Response-Suppress": "All",
      "Feedback-ID": "a:b",
      Organization: "x",
    };
    expect(resolve({ ...BASE, headers }).fields).toHaveLength(4);
  });

  test.each([5, null, {}, [5], [["x"]], undefined])("cannot have the value %j", (value) => {
    expect(refusal({ ...BASE, headers: { "X-A": value } }).field).toContain('headers["X-A"]');
  });

  test("may have a name that objects inherit", () => {
    const headers = JSON.parse('{"__proto__":"1","constructor":"2","toString":"3"}');
    expect(resolve({ ...BASE, headers }).fields.map(({ name }) => name)).toEqual([
      "__proto__",
      "constructor",
      "toString",
    ]);
  });
});

describe("a given Message-ID", () => {
  test.each(["<a@b>", "<1.2.3@example.org>", "<x@[127.0.0.1]>"])("%s is kept", (messageId) => {
    expect(resolve({ ...BASE, messageId }).messageId).toBe(messageId);
  });

  test.each([
    "a@b",
    "<a>",
    "<@b>",
    "<a@>",
    "<a@b@c>",
    "<a b@c>",
    "<a@b>\r\nBcc: e@x.example",
    "<a@b> <c@d>",
    "<a@[><evil@x.example>]>",
    "<a@[<]>",
    "<ü@b>",
    `<${"a".repeat(250)}@b>`,
    "",
  ])("%j is refused", (messageId) => {
    expect(refusal({ ...BASE, messageId }).field).toBe("messageId");
  });
});

test("the work of reading a list of recipients grows with the list", () => {
  const work = (count: number): number => {
    const to = Array.from({ length: count }, (_, at) => `Name ${at} <user${at}@example${at % 9}.org>`);
    let least = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 5; run++) {
      const begin = performance.now();
      resolve({ from: "a@b.c", to });
      least = Math.min(least, performance.now() - begin);
    }
    return least;
  };
  work(2000);
  expect(work(16_000)).toBeLessThan(work(8_000) * 4 + 20);
});
