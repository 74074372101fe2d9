// What MAIL and RCPT say of a message to a server that offers this and that.

import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { MessageError } from "../../src/errors.ts";
import { type Message, resolveMessage } from "../../src/message.ts";
import { type Extensions, parseExtensions, usableOver, withhold } from "../../src/protocol/extensions.ts";
import { type Transaction, type TransactionOptions, transaction } from "../../src/protocol/transaction.ts";

const CONTENT = encodeUtf8("Subject: hi\r\n\r\n.dot\r\n");
const TO = ["bob@example.org", "carol@example.org"];

function offering(...lines: readonly string[]): Extensions {
  return parseExtensions({ code: 250, lines: ["mx.example", ...lines] });
}

/** The transaction of a message that says this of itself. */
function asking(more: object, needs: Partial<Transaction> = {}): Transaction {
  const message = { from: "alice@example.com", to: TO, text: "Hi", ...more } as Message;
  const { envelope, terms } = resolveMessage(message);
  return { ...envelope, content: CONTENT, utf8: false, terms, ...needs };
}

/** What is said before mail data, and which extensions the receipt names in the end. */
function conversation(one: Transaction, extensions: Extensions): { said: string[]; used: readonly string[] } {
  const dialogue = transaction(one, extensions);
  const said: string[] = [];
  let step = dialogue.next([]);
  while (!step.done) {
    const turn = step.value;
    const lines = turn.kind === "commands" ? turn.commands.map(({ line }) => line) : [turn.kind];
    said.push(...lines);
    step = dialogue.next(lines.map((line) => ({ code: line === "DATA" ? 354 : 250, lines: ["ok"] })));
  }
  return { said, used: step.value.used };
}

function refusalOf(one: Transaction, extensions: Extensions, options?: TransactionOptions): MessageError {
  try {
    transaction(one, extensions, options).next([]);
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error("it was begun");
}

describe("a message that asks for more than delivery", () => {
  const EVERYTHING = offering(
    ...["SIZE 1000", "DSN", "REQUIRETLS", "MT-PRIORITY MIXER", "DELIVERBY 240", "8BITMIME", "SMTPUTF8"],
    "FUTURERELEASE 86400 2026-12-31T00:00:00Z",
  );

  test("says so, and its receipt tells what was used", () => {
    const one = asking(
      {
        dsn: { ret: "headers", envid: "a 1", notify: ["success"] },
        requireTls: true,
        mtPriority: -3,
        deliverBy: { within: 600, mode: "return", trace: true },
        holdFor: 3600,
        envelope: { to: [...TO, { address: "dave@example.org", notify: "never", orcpt: "d@example.net" }] },
      },
      { utf8: true, eightBit: true },
    );
    expect(conversation(one, EVERYTHING)).toEqual({
      said: [
        "MAIL FROM:<alice@example.com> SIZE=21 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+201 REQUIRETLS " +
          "MT-PRIORITY=-3 BY=600;RT HOLDFOR=3600",
        "RCPT TO:<bob@example.org> NOTIFY=SUCCESS",
        "RCPT TO:<carol@example.org> NOTIFY=SUCCESS",
        "RCPT TO:<dave@example.org> NOTIFY=NEVER ORCPT=rfc822;d@example.net",
        "DATA",
        "content",
      ],
      used: [
        ...["SIZE", "8BITMIME", "SMTPUTF8", "DSN", "REQUIRETLS", "MT-PRIORITY", "DELIVERBY"],
        "FUTURERELEASE",
      ],
    });
  });

  test("says nothing where it asks for nothing, whatever is on offer", () => {
    expect(conversation(asking({}), EVERYTHING)).toEqual({
      said: [
        "MAIL FROM:<alice@example.com> SIZE=21",
        ...TO.map((one) => `RCPT TO:<${one}>`),
        "DATA",
        "content",
      ],
      used: ["SIZE"],
    });
  });

  test.each([
    ["DSN", "dsn", { dsn: { notify: "never" } }],
    [
      "DSN",
      "dsn",
      { dsn: { envid: "x" }, envelope: { to: [{ address: "b@example.org", notify: "never" }] } },
    ],
    [
      "DSN",
      "envelope.to[1].notify",
      { envelope: { to: [...TO, { address: TO[1], notify: "never" }].slice(1) } },
    ],
    [
      "DSN",
      "envelope.to[0].orcpt",
      { envelope: { to: [{ address: "b@example.org", orcpt: "b@example.org" }] } },
    ],
    ["REQUIRETLS", "requireTls", { requireTls: true }],
    ["MT-PRIORITY", "mtPriority", { mtPriority: 0 }],
    ["DELIVERBY", "deliverBy", { deliverBy: { within: 60, mode: "notify" } }],
    ["FUTURERELEASE", "holdFor", { holdFor: 60 }],
    ["FUTURERELEASE", "holdUntil", { holdUntil: new Date("2026-12-24T17:00:00Z") }],
  ])("is refused before MAIL without %s, which %s needs", (keyword, field, more) => {
    for (const extensions of [offering("SIZE"), withhold(EVERYTHING, new Set([keyword]))]) {
      const error = refusalOf(asking(more), extensions);
      expect(error).toMatchObject({ code: "extension_required", field, phase: "mail", delivery: "not-sent" });
      expect(error.message).toContain(`does not offer ${keyword}`);
      expect(error.hint).toContain(keyword);
    }
    expect(conversation(asking(more), EVERYTHING).used).toContain(keyword);
  });

  test("is asked of every server over TLS with a certificate that verifies only", () => {
    const one = asking({ requireTls: true });
    for (const [secure, verified] of [
      [true, true],
      [true, false],
      [false, true],
      [false, false],
    ] as const) {
      const extensions = usableOver({ secure, verified }, EVERYTHING);
      expect(extensions.has("DSN")).toBe(true);
      if (secure && verified) expect(conversation(one, extensions).said[0]).toContain(" REQUIRETLS");
      else expect(refusalOf(one, extensions).message).toContain("a certificate that verifies (RFC 8689)");
    }
  });
});

describe("the limits of a server", () => {
  const by = (within: number, mode: string, offer: string) =>
    [asking({ deliverBy: { within, mode } }), offering(offer)] as const;

  test.each([
    ["DELIVERBY", 1],
    ["DELIVERBY 240", 240],
    ["DELIVERBY 240,x=y", 240],
    ["DELIVERBY ,x", 1],
    ["DELIVERBY -5", 1],
    ["DELIVERBY 1e9", 1],
    ["DELIVERBY 0x100", 1],
    ["DELIVERBY 9999999999", 1],
  ])("%j has messages returned after %i seconds at the soonest", (offer, least) => {
    expect(conversation(...by(least, "return", offer)).said[0]).toContain(` BY=${least};R`);
    expect(conversation(...by(1, "notify", offer)).said[0]).toContain(" BY=1;N");
    if (least === 1) return;
    expect(refusalOf(...by(least - 1, "return", offer))).toMatchObject({
      field: "deliverBy.within",
      phase: "mail",
      delivery: "not-sent",
      message: expect.stringContaining("the server takes 240 at least"),
    });
  });

  const LATEST = "2026-12-24T17:00:00Z";
  test.each([
    ["FUTURERELEASE 3600 2026-12-24T17:00:00Z", 3600, LATEST],
    ["FUTURERELEASE 3600 2026-12-24T17:00:00.5Z", 3600, LATEST],
    ["FUTURERELEASE 3600", 3600, undefined],
    ["FUTURERELEASE", undefined, undefined],
    ["FUTURERELEASE 0 tomorrow", undefined, undefined],
    ["FUTURERELEASE -1 2026-12-24T17:00:00+01:00", undefined, undefined],
    ["FUTURERELEASE 1e3 2026-12-24", undefined, undefined],
  ])("%j keeps messages for %s seconds, until %s", (offer, seconds, time) => {
    const extensions = offering(offer);
    const held = (more: object) => conversation(asking(more), extensions).said[0];
    const at = new Date(LATEST);
    const later = new Date(at.getTime() + 1000);
    expect(held({ holdFor: seconds ?? 999_999_999 })).toMatch(/ HOLDFOR=\d+$/);
    expect(held({ holdUntil: time === undefined ? later : at })).toMatch(/ HOLDUNTIL=2026-12-24T17:00:0\dZ$/);
    if (seconds !== undefined) {
      expect(refusalOf(asking({ holdFor: seconds + 1 }), extensions)).toMatchObject({
        field: "holdFor",
        message: "holdFor: is 3601 seconds; the server takes 3600 at most",
      });
    }
    if (time !== undefined) {
      expect(refusalOf(asking({ holdUntil: later }), extensions)).toMatchObject({
        field: "holdUntil",
        phase: "mail",
        message: "holdUntil: is 2026-12-24T17:00:01Z; the server takes 2026-12-24T17:00:00Z at the latest",
      });
    }
  });

  test("on the size of a message hold before MAIL, to the octet", () => {
    const size = CONTENT.length;
    expect(conversation(asking({}), offering(`SIZE ${size}`)).said[0]).toBe(
      `MAIL FROM:<alice@example.com> SIZE=${size}`,
    );
    expect(refusalOf(asking({}), offering(`SIZE ${size - 1}`))).toMatchObject({
      code: "message_too_large",
      phase: "mail",
      delivery: "not-sent",
    });
  });

  test.each([
    "SIZE -1",
    "SIZE 1e1",
    "SIZE 99999999999999999999",
    "SIZE 0",
    "SIZE abc",
    "SIZE 0x5",
    "SIZE +1",
    "SIZE",
  ])("on the size are none where it says %j", (offer) => {
    expect(conversation(asking({}), offering(offer)).said[0]).toContain(` SIZE=${CONTENT.length}`);
  });
});

describe("a message with an attachment that goes unencoded", () => {
  const streamed = {
    size: 3,
    field: "attachments[0].content",
    isBinary: true,
    open: () => {
      throw new Error("nobody asked for it");
    },
  };
  const one = asking({}, { binary: true, eightBit: true, content: streamed });

  test("goes in chunks to a server that takes it", () => {
    const { said, used } = conversation(one, offering("CHUNKING", "BINARYMIME", "8BITMIME"));
    expect(said).toEqual([
      "MAIL FROM:<alice@example.com> BODY=BINARYMIME",
      ...TO.map((recipient) => `RCPT TO:<${recipient}>`),
      "chunks",
    ]);
    expect(used).toEqual(["CHUNKING", "BINARYMIME"]);
  });

  test.each([
    ["BINARYMIME", ["CHUNKING", "8BITMIME"]],
    ["CHUNKING", ["BINARYMIME", "8BITMIME"]],
    ["BINARYMIME", []],
  ])("is refused before MAIL without %s", (keyword, offers) => {
    const error = refusalOf(one, offering(...offers));
    expect(error).toMatchObject({ code: "extension_required", field: "attachments", phase: "mail" });
    expect(error.message).toContain(`does not offer ${keyword}`);
  });

  test("is refused before MAIL where LMTP is spoken, which takes no chunks", () => {
    const error = refusalOf(one, offering("CHUNKING", "BINARYMIME"), { protocol: "lmtp" });
    expect(error).toMatchObject({ code: "extension_required", field: "attachments", phase: "mail" });
    expect(error.message).toContain("LMTP");
  });
});

test("an enhanced status is told of where it is on offer, and was read", () => {
  const used = (offer: string, text: string) => {
    const dialogue = transaction(asking({}), offering(offer));
    for (let step = dialogue.next([]); ; ) {
      if (step.done) return step.value.used;
      const turn = step.value;
      const said = turn.kind === "commands" ? turn.commands : [undefined];
      step = dialogue.next(
        said.map((command) => ({
          code: command?.verb === "DATA" ? 354 : 250,
          ...(text.startsWith("2.") && { enhancedStatus: "2.0.0" }),
          lines: [text],
        })),
      );
    }
  };
  expect(used("ENHANCEDSTATUSCODES", "2.0.0 ok")).toEqual(["ENHANCEDSTATUSCODES"]);
  expect(used("ENHANCEDSTATUSCODES", "ok")).toEqual([]);
  expect(used("X", "2.0.0 ok")).toEqual([]);
});
