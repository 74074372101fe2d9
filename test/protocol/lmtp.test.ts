// Mail data that every recipient gets a reply to (RFC 2033), and messages that all of their recipients are to get.

import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import type { ReplyError, SmtpError } from "../../src/errors.ts";
import type { Dialogue } from "../../src/protocol/dialogue.ts";
import { opening } from "../../src/protocol/opening.ts";
import { type Outcome, type TransactionOptions, transaction } from "../../src/protocol/transaction.ts";
import { play, playEach, playToError } from "../support/transcript.ts";

const TO = ["bob@example.org", "carol@example.org", "dave@example.org"];

function send({ to = TO, ...options }: TransactionOptions & { readonly to?: readonly string[] }) {
  return function* (): Dialogue<Outcome> {
    const { protocol } = options;
    const extensions = yield* opening(
      { name: "client.example", security: "none", protocol, withheld: new Set() },
      { secure: false, trusted: false },
    );
    const content = encodeUtf8("Subject: hi\r\n\r\n.dot\r\n");
    return yield* transaction({ from: "alice@example.com", to, content, utf8: false }, extensions, options);
  };
}

const ENVELOPE = `C: MAIL FROM:<alice@example.com>
  C: RCPT TO:<bob@example.org>
  C: RCPT TO:<carol@example.org>
  C: RCPT TO:<dave@example.org>`;

const MESSAGE = `C: Subject: hi
  C: 
  C: ..dot
  C: .`;

describe("through LMTP", () => {
  const lmtp = send({ protocol: "lmtp" });

  const OPENED = `S: 220 mx.example
    C: LHLO client.example
    S: 250-mx.example
    S: 250-CHUNKING
    S: 250 PIPELINING
    ${ENVELOPE}
    C: DATA`;

  test("each recipient that was accepted gets a reply, in their order", () => {
    const { value, state } = play(
      `${OPENED}
       S: 250 ok
       S: 250 ok
       S: 550 5.1.1 no
       S: 250 ok
       S: 354 go
       ${MESSAGE}
       S: 452 4.2.2 full
       S: 250 2.0.0 <dave@example.org> saved`,
      lmtp,
    );
    expect(state).toBe("ready");
    expect(value).toMatchObject({
      accepted: ["dave@example.org"],
      rejected: [
        { recipient: "carol@example.org", reply: { code: 550 } },
        { recipient: "bob@example.org", reply: { code: 452 } },
      ],
      reply: { code: 250, lines: ["2.0.0 <dave@example.org> saved"] },
      used: ["PIPELINING"],
    });
  });

  test("refused for every recipient, the message is rejected and the session goes on", () => {
    const { error, state } = play(
      `${OPENED}
       ${"S: 250 ok\n".repeat(4)}S: 354 go
       ${MESSAGE}
       S: 552 5.2.2 full
       S: 452 4.2.2 full
       S: 552 5.2.2 full`,
      lmtp,
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({ code: "content_refused", delivery: "rejected" });
    // As with recipients: what may be taken later speaks for all.
    expect(error).toMatchObject({ reply: { code: 452 }, retryable: true });
    expect((error as ReplyError).rejected?.map(({ recipient }) => recipient)).toEqual(TO);
  });

  test("with one recipient there is one reply", () => {
    const { value } = play(
      `S: 220 mx.example
       C: LHLO client.example
       S: 250 mx.example
       C: MAIL FROM:<alice@example.com>
       S: 250 ok
       C: RCPT TO:<bob@example.org>
       S: 250 ok
       C: DATA
       S: 354 go
       ${MESSAGE}
       S: 250 saved`,
      send({ protocol: "lmtp", to: TO.slice(0, 1) }),
    );
    expect(value).toMatchObject({ accepted: ["bob@example.org"], rejected: [] });
  });

  test("LHLO refused is not tried as HELO", () => {
    const error = playToError("S: 220 mx.example\nC: LHLO client.example\nS: 500 what?", lmtp);
    expect(error).toMatchObject({ code: "ehlo_refused", verb: "LHLO", delivery: "not-sent" });
  });

  test("354 where nobody was accepted ends the session: it would wait for replies that nobody owes", () => {
    const { error, state } = play(
      `${OPENED}
       S: 250 ok
       ${"S: 550 no\n".repeat(3)}S: 354 go`,
      lmtp,
    );
    expect(state).toBe("data");
    expect(error).toMatchObject({ code: "recipients_refused", delivery: "rejected" });
  });

  test.each([
    ["FIN", "FIN", "connection_lost"],
    ["421", "S: 421 bye", "service_closing"],
    ["garbage", "S: what?", "invalid_reply"],
    ["354", "S: 354 go", "unexpected_reply"],
  ])("%s between the replies: some have the message, and the others perhaps", (_, end, code) => {
    const error = playToError(
      `${OPENED}
       ${"S: 250 ok\n".repeat(4)}S: 354 go
       ${MESSAGE}
       S: 250 saved
       S: 550 no
       ${end}`,
      lmtp,
    ) as SmtpError;
    expect(error).toMatchObject({ code, delivery: "unknown", retryable: false, phase: "end-of-data" });
    expect(error.accepted).toEqual(["bob@example.org"]);
  });

  test.each([
    ["FIN", "FIN"],
    ["421", "S: 421 bye"],
  ])("%s before the first of them leaves all in the dark", (_, end) => {
    const error = playToError(
      `${OPENED}
       ${"S: 250 ok\n".repeat(4)}S: 354 go
       ${MESSAGE}
       ${end}`,
      lmtp,
    );
    expect(error).toMatchObject({ delivery: "unknown", retryable: false });
    expect(error.accepted).toBeUndefined();
  });

  test("a reply too many behind the last leaves the fate of the message unknown", () => {
    const [whole, ...others] = playEach(
      `${OPENED}
       ${"S: 250 ok\n".repeat(4)}S: 354 go
       ${MESSAGE}
       ${"S: 250 saved\n".repeat(4)}`,
      lmtp,
    );
    expect(whole.error).toMatchObject({ code: "unsolicited_reply", delivery: "unknown" });
    for (const { state, value } of others) {
      expect(state).toBe("closed");
      expect(value?.accepted).toEqual(TO);
    }
  });
});

describe("a message that all are to get, or nobody", () => {
  const together = send({ onPartial: "abort" });

  const OPENED = (extension: string): string => `S: 220 mx.example
    C: EHLO client.example
    S: 250-mx.example
    S: 250-${extension}
    S: 250 PIPELINING
    ${ENVELOPE}`;

  test.each([
    ["through DATA", "X", `C: DATA\nS: 354 go\n${MESSAGE}`],
    ["in a chunk", "CHUNKING", "C: BDAT 21 LAST\nC: Subject: hi\nC: \nC: .dot"],
  ])("is sent %s when every recipient has been accepted", (_, extension, content) => {
    const { value } = play(
      `${OPENED(extension)}
       ${"S: 250 ok\n".repeat(4)}${content}
       S: 250 queued`,
      together,
    );
    expect(value).toMatchObject({ accepted: TO, rejected: [] });
  });

  test.each(["X", "CHUNKING"])("is put back where one is refused (%s)", (extension) => {
    const { error, state } = play(
      `${OPENED(extension)}
       S: 250 ok
       S: 250 ok
       S: 450 4.2.1 later
       S: 250 ok
       C: RSET
       S: 250 ok`,
      together,
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({
      code: "recipients_refused",
      delivery: "rejected",
      retryable: true,
      recipient: "carol@example.org",
      message: "the server refused a recipient, and all were to get the message: 450 4.2.1 later",
    });
  });

  test("stays refused where the server hangs up behind the refusal", () => {
    const script = `${OPENED("X")}\n${"S: 250 ok\n".repeat(2)}S: 550 no\nFIN`;
    expect(playToError(script, together)).toMatchObject({ code: "recipients_refused", delivery: "rejected" });
  });

  test("waits for no more where there is one recipient", () => {
    const { value } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 PIPELINING
       C: MAIL FROM:<alice@example.com>
       C: RCPT TO:<bob@example.org>
       C: DATA
       S: 250 ok
       S: 250 ok
       S: 354 go
       ${MESSAGE}
       S: 250 queued`,
      send({ onPartial: "abort", to: TO.slice(0, 1) }),
    );
    expect(value?.accepted).toEqual(["bob@example.org"]);
  });

  test("in lock-step, no DATA is said behind the refusal", () => {
    const { error } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250 mx.example
       C: MAIL FROM:<alice@example.com>
       S: 250 ok
       C: RCPT TO:<bob@example.org>
       S: 550 no
       C: RCPT TO:<carol@example.org>
       S: 250 ok
       C: RCPT TO:<dave@example.org>
       S: 250 ok
       C: RSET
       S: 250 ok`,
      together,
    );
    expect(error).toMatchObject({ code: "recipients_refused", delivery: "rejected" });
  });
});
