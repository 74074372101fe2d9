import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import { MessageError, ProtocolError, ReplyError } from "../../src/errors.ts";
import type { Dialogue } from "../../src/protocol/dialogue.ts";
import { opening } from "../../src/protocol/opening.ts";
import { type Outcome, type Transaction, transaction } from "../../src/protocol/transaction.ts";
import { play, playEach, playToError } from "../support/transcript.ts";

const CONTENT = "Subject: hi\r\n\r\n.dot\r\n";

function send(one: Partial<Transaction> = {}, times = 1) {
  return function* (): Dialogue<Outcome | undefined> {
    const extensions = yield* opening(
      { name: "client.example", security: "none", withheld: new Set() },
      { secure: false, trusted: false },
    );
    let outcome: Outcome | undefined;
    const to = ["bob@example.org", "carol@example.org", "dave@example.org"];
    for (let sent = 0; sent < times; sent++) {
      outcome = yield* transaction(
        { from: "alice@example.com", to, content: encodeUtf8(CONTENT), utf8: false, ...one },
        extensions,
      );
    }
    return outcome;
  };
}

const PIPELINED = `S: 220 mx.example
  C: EHLO client.example
  S: 250-mx.example
  S: 250 PIPELINING
  C: MAIL FROM:<alice@example.com>
  C: RCPT TO:<bob@example.org>
  C: RCPT TO:<carol@example.org>
  C: RCPT TO:<dave@example.org>
  C: DATA`;

const LOCK_STEP = `S: 220 mx.example
  C: EHLO client.example
  S: 250 mx.example
  C: MAIL FROM:<alice@example.com>`;

const MESSAGE = `C: Subject: hi
  C: 
  C: ..dot
  C: .`;

/** Mail data that is opened later; here nobody opens it. */
function streamed(size: number | undefined): Transaction["content"] {
  return {
    size,
    field: "attachments[0].content",
    open: () => {
      throw new Error("nobody asked for it");
    },
  };
}

describe("mail data that is opened later", () => {
  const turns = (size: number | undefined, extensions: ReadonlyMap<string, readonly string[]>) => {
    const content = streamed(size);
    const dialogue = transaction({ from: "a@x", to: ["b@x"], content, utf8: false }, extensions);
    const said: string[] = [];
    for (let step = dialogue.next([]); !step.done; ) {
      const turn = step.value;
      if (turn.kind === "content") return { said, turn, content };
      if (turn.kind === "commands") said.push(...turn.commands.map(({ line }) => line));
      step = dialogue.next([{ code: said.at(-1) === "DATA" ? 354 : 250, lines: [""] }]);
    }
    throw new Error("it came to nothing");
  };

  test("is announced with its size where that is known", () => {
    const { said, turn, content } = turns(1000, new Map([["SIZE", ["2000"]]]));
    expect(said[0]).toBe("MAIL FROM:<a@x> SIZE=1000");
    expect(turn).toMatchObject({ kind: "content", content });
  });

  test("is announced without a size where that is not known, and goes with the limit of the server", () => {
    const { said, turn } = turns(undefined, new Map([["SIZE", ["2000"]]]));
    expect(said[0]).toBe("MAIL FROM:<a@x>");
    expect(turn).toMatchObject({ kind: "content", limit: 2000 });
    expect(turns(undefined, new Map([["SIZE", ["0"]]])).turn).toMatchObject({ limit: undefined });
  });

  test("that is known to be too large is refused before MAIL", () => {
    expect(() => turns(2001, new Map([["SIZE", ["2000"]]]))).toThrow("it is 2001 octets long");
  });
});

describe("a body that is not ASCII", () => {
  const one: Transaction = {
    from: "a@x",
    to: ["b@x"],
    content: encodeUtf8("\r\nü\r\n"),
    utf8: false,
    eightBit: true,
  };
  const mail = (message: Transaction, ...keywords: readonly string[]): unknown => {
    const extensions = new Map(keywords.map((keyword) => [keyword, []]));
    const turn = transaction(message, extensions).next([]).value;
    return "kind" in turn && turn.kind === "commands" ? turn.commands[0]?.line : turn;
  };

  test("is announced where the server takes it, before SMTPUTF8", () => {
    expect(mail(one, "8BITMIME")).toBe("MAIL FROM:<a@x> BODY=8BITMIME");
    expect(mail({ ...one, utf8: true }, "SMTPUTF8", "8BITMIME")).toBe(
      "MAIL FROM:<a@x> BODY=8BITMIME SMTPUTF8",
    );
    expect(mail({ ...one, eightBit: false }, "8BITMIME")).toBe("MAIL FROM:<a@x>");
  });

  test("is refused where the server does not", () => {
    expect(() => mail(one)).toThrow("the server does not offer 8BITMIME (RFC 6152)");
  });

  test("is told of in the outcome", () => {
    const { value } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 8BITMIME
       C: MAIL FROM:<alice@example.com> BODY=8BITMIME
       S: 250 ok
       C: RCPT TO:<bob@example.org>
       S: 250 ok
       C: DATA
       S: 354 go
       C: Subject: hi
       C: 
       C: ..dot
       C: .
       S: 250 ok`,
      send({ eightBit: true, to: ["bob@example.org"] }),
    );
    expect(value?.used).toEqual(["8BITMIME"]);
  });
});

test("the work of a lock-step transaction grows no faster than its recipients", () => {
  const time = (recipients: number): number => {
    const to = Array.from({ length: recipients }, (_, index) => `r${index}@example.org`);
    const dialogue = transaction(
      { from: "alice@example.com", to, content: encodeUtf8(CONTENT), utf8: false },
      new Map(),
    );
    const started = performance.now();
    for (let step = dialogue.next([]); !step.done; ) {
      const isData = step.value.kind === "commands" && step.value.commands[0]?.verb === "DATA";
      step = dialogue.next([{ code: isData ? 354 : 250, lines: [""] }]);
    }
    return performance.now() - started;
  };
  const least = (recipients: number) => Math.min(...Array.from({ length: 5 }, () => time(recipients)));
  least(500);
  // Sixteen times the work, or 256 times if it grew as the square: between the two, whatever else the machine does.
  expect(least(16_000)).toBeLessThan(least(1_000) * 16 * 6 + 5);
});

/** The conversation up to the end of the mail data, with every recipient accepted. */
const SENT = `${PIPELINED}
  S: 250 Ok
  S: 250 Ok
  S: 250 Ok
  S: 250 Ok
  S: 354 go
  ${MESSAGE}`;

describe("a message goes out", () => {
  test("in three writes where PIPELINING is offered", () => {
    const { value, state } = play(
      `${PIPELINED}
       S: 250 2.1.0 Ok
       S: 250 2.1.5 Ok
       S: 251 2.1.5 will forward
       S: 252 2.1.5 cannot verify
       S: 354 go
       ${MESSAGE}
       S: 250 2.0.0 queued as 4711`,
      send(),
    );
    expect(state).toBe("ready");
    expect(value).toEqual({
      accepted: ["bob@example.org", "carol@example.org", "dave@example.org"],
      rejected: [],
      reply: { code: 250, enhancedStatus: "2.0.0", lines: ["2.0.0 queued as 4711"] },
      used: ["PIPELINING"],
    });
  });

  test("in lock-step where it is not", () => {
    const { value, state } = play(
      `${LOCK_STEP}
       S: 250 Ok
       C: RCPT TO:<bob@example.org>
       S: 250 Ok
       C: RCPT TO:<carol@example.org>
       S: 250 Ok
       C: RCPT TO:<dave@example.org>
       S: 250 Ok
       C: DATA
       S: 354 go
       ${MESSAGE}
       S: 250 Ok`,
      send(),
    );
    expect(state).toBe("ready");
    expect(value).toMatchObject({ rejected: [], used: [] });
  });

  test("and another after it, on the same session", () => {
    const one = `C: MAIL FROM:<alice@example.com>
      C: RCPT TO:<bob@example.org>
      C: DATA
      S: 250 Ok
      S: 250 Ok
      S: 354 go
      ${MESSAGE}
      S: 250 Ok`;
    const { state } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 PIPELINING
       ${one}
       ${one}`,
      send({ to: ["bob@example.org"] }, 2),
    );
    expect(state).toBe("ready");
  });

  test("with its size, where the server wants to know", () => {
    const { value } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 SIZE 1000
       C: MAIL FROM:<alice@example.com> SIZE=${CONTENT.length}
       S: 250 Ok
       C: RCPT TO:<bob@example.org>
       S: 250 Ok
       C: DATA
       S: 354 go
       ${MESSAGE}
       S: 250 Ok`,
      send({ to: ["bob@example.org"] }),
    );
    expect(value?.used).toEqual(["SIZE"]);
  });

  test("with SMTPUTF8, where an address needs it", () => {
    const { value } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 SMTPUTF8
       C: MAIL FROM:<alice@example.com> SMTPUTF8
       S: 250 Ok
       C: RCPT TO:<j\u00c3\u00bcrgen@example.org>
       S: 250 Ok
       C: DATA
       S: 354 go
       ${MESSAGE}
       S: 250 Ok`,
      send({ to: ["jürgen@example.org"], utf8: true }),
    );
    expect(value?.used).toEqual(["SMTPUTF8"]);
  });

  test("a group is bounded however many recipients there are", () => {
    const to = Array.from({ length: 1500 }, (_, index) => `r${index}@example.org`);
    const rcpt = (from: number, until: number) =>
      to
        .slice(from, until)
        .map((path) => `C: RCPT TO:<${path}>`)
        .join("\n");
    const ok = (count: number) => "S: 250 Ok\n".repeat(count);
    const { value } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 PIPELINING
       C: MAIL FROM:<alice@example.com>
       ${rcpt(0, 999)}
       ${ok(1000)}
       ${rcpt(999, 1500)}
       C: DATA
       ${ok(501)}
       S: 354 go
       ${MESSAGE}
       S: 250 Ok`,
      send({ to }),
    );
    expect(value?.accepted).toHaveLength(1500);
  });
});

describe("a refused recipient", () => {
  test("among accepted ones is told apart, and the others get the message", () => {
    const { value, state } = play(
      `${PIPELINED}
       S: 250 Ok
       S: 250 Ok
       S: 550 5.1.1 No such mailbox
       S: 451 4.2.1 Mailbox busy
       S: 354 go
       ${MESSAGE}
       S: 250 Ok`,
      send(),
    );
    expect(state).toBe("ready");
    expect(value?.accepted).toEqual(["bob@example.org"]);
    expect(value?.rejected).toEqual([
      {
        recipient: "carol@example.org",
        reply: { code: 550, enhancedStatus: "5.1.1", lines: ["5.1.1 No such mailbox"] },
      },
      {
        recipient: "dave@example.org",
        reply: { code: 451, enhancedStatus: "4.2.1", lines: ["4.2.1 Mailbox busy"] },
      },
    ]);
  });

  test("and every other, with DATA refused: the transaction is put back", () => {
    const { error, state } = play(
      `${PIPELINED}
       S: 250 Ok
       S: 550 5.1.1 No
       S: 451 4.2.1 Busy
       S: 550 5.1.1 No
       S: 554 5.5.1 no valid recipients
       C: RSET
       S: 250 Ok`,
      send(),
    );
    expect(state).toBe("ready");
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({
      code: "recipients_refused",
      phase: "rcpt",
      delivery: "rejected",
      retryable: true,
      reply: { code: 451 },
    });
    expect((error as ReplyError).rejected?.map(({ reply }) => reply.code)).toEqual([550, 451, 550]);
  });

  test("and every other, with DATA accepted: the server gets no content", () => {
    const { error, state } = play(
      `${PIPELINED}
       S: 250 Ok
       S: 550 No
       S: 550 No
       S: 550 No
       S: 354 go
       C: .
       S: 554 no recipients`,
      send(),
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({ code: "recipients_refused", delivery: "rejected", retryable: false });
  });

  test("who is the only one is named", () => {
    const { error } = play(
      `${LOCK_STEP}
       S: 250 Ok
       C: RCPT TO:<bob@example.org>
       S: 550 5.1.1 No
       C: RSET
       S: 250 Ok`,
      send({ to: ["bob@example.org"] }),
    );
    expect(error).toMatchObject({
      code: "recipients_refused",
      recipient: "bob@example.org",
      enhancedStatus: "5.1.1",
    });
  });

  test.each(["FIN", "S: 502 what?", "S: 354 go", "S: 421 bye", "S: garbage"])(
    "stays the reason when tidying up meets %s",
    (end) => {
      const { error, state } = play(
        `${LOCK_STEP}
         S: 250 Ok
         C: RCPT TO:<bob@example.org>
         S: 550 5.1.1 No
         C: RSET
         ${end}`,
        send({ to: ["bob@example.org"] }),
      );
      expect(state).not.toBe("ready");
      expect(error).toMatchObject({ code: "recipients_refused" });
    },
  );
});

describe("a refused message", () => {
  test("by its sender, pipelined: every reply is heard, and the session goes on", () => {
    const { error, state } = play(
      `${PIPELINED}
       S: 553 5.1.8 not you
       S: 503 5.5.1 need MAIL
       S: 503 5.5.1 need MAIL
       S: 503 5.5.1 need MAIL
       S: 503 5.5.1 need RCPT`,
      send(),
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({
      code: "sender_refused",
      phase: "mail",
      verb: "MAIL",
      enhancedStatus: "5.1.8",
    });
  });

  test("by its sender, in lock-step: nothing more is said", () => {
    const { error, state } = play(`${LOCK_STEP}\nS: 451 4.3.0 later`, send());
    expect(state).toBe("ready");
    expect(error).toMatchObject({ code: "sender_refused", delivery: "rejected", retryable: true });
  });

  test("at DATA", () => {
    const { error, state } = play(
      `${PIPELINED}
       S: 250 Ok
       S: 250 Ok
       S: 550 5.1.1 No
       S: 250 Ok
       S: 451 4.3.1 disk full
       C: RSET
       S: 250 Ok`,
      send(),
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({ code: "data_refused", phase: "data", retryable: true });
    expect((error as ReplyError).rejected?.map(({ recipient }) => recipient)).toEqual(["carol@example.org"]);
  });

  test("at its end", () => {
    const { error, state } = play(
      `${SENT}
       S: 550 5.7.1 spam`,
      send(),
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({
      code: "content_refused",
      phase: "end-of-data",
      delivery: "rejected",
      retryable: false,
    });
  });

  test("that is larger than the server takes is refused before MAIL, and the session goes on", () => {
    const { error, state } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 SIZE 5`,
      send(),
    );
    expect(state).toBe("ready");
    expect(error).toBeInstanceOf(MessageError);
    expect(error).toMatchObject({ code: "message_too_large", delivery: "not-sent" });
  });

  test.each(["0", "-1", "1e1", "abc", "99999999999999999999999", ""])("SIZE %s is no limit", (limit) => {
    const { error } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250-mx.example
       S: 250 SIZE ${limit}
       C: MAIL FROM:<alice@example.com> SIZE=${CONTENT.length}
       S: 550 no`,
      send(),
    );
    expect(error).toMatchObject({ code: "sender_refused" });
  });

  test("that needs SMTPUTF8 is refused before MAIL where it is not offered", () => {
    const { error, state } = play(
      `S: 220 mx.example
       C: EHLO client.example
       S: 250 mx.example`,
      send({ to: ["jürgen@example.org"], utf8: true }),
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({ code: "extension_required", delivery: "not-sent" });
  });
});

describe("a refusal stands although the server then goes away or astray", () => {
  test.each([
    ["421", "S: 421 bye"],
    ["the end of the connection", "FIN"],
    ["garbage", "S: garbage"],
  ])("every recipient, before %s at DATA", (_, end) => {
    const { error, state } = play(
      `${PIPELINED}
       S: 250 Ok
       S: 550 5.1.1 No
       S: 550 5.1.1 No
       S: 550 5.1.1 No
       ${end}`,
      send(),
    );
    expect(state).toBe("closed");
    expect(error).toMatchObject({ code: "recipients_refused", delivery: "rejected", retryable: false });
    expect((error as ReplyError).rejected).toHaveLength(3);
  });

  test("the sender, before replies that do not follow from it", () => {
    const { error } = play(
      `${PIPELINED}
       S: 550 5.7.1 not you
       S: 250 Ok`,
      send(),
    );
    expect(error).toMatchObject({ code: "sender_refused", delivery: "rejected" });
  });

  test("but one refused recipient among others that were not heard decides nothing", () => {
    const error = playToError(`${PIPELINED}\nS: 250 Ok\nS: 550 No\nFIN`, send());
    expect(error).toMatchObject({ code: "connection_lost", delivery: "not-sent", retryable: true });
  });
});

describe("a server that breaks the rules", () => {
  test("what follows the reply to the message in the same breath leaves its fate unknown", () => {
    const script = `${SENT}
      S: 250 queued
      S: 250 again`;
    const [whole, ...others] = playEach(script, send());
    expect(whole.error).toMatchObject({
      code: "unsolicited_reply",
      phase: "end-of-data",
      delivery: "unknown",
    });
    // Where it comes later the message has been reported already; the session ends all the same.
    for (const { value } of others) expect(value).toMatchObject({ reply: { code: 250 } });
    for (const { state } of [whole, ...others]) expect(state).toBe("closed");
  });

  test("what follows a refusal in the same breath does not undo it", () => {
    const { error, state } = play(
      `${SENT}
       S: 554 5.7.1 no
       S: 221 bye`,
      send(),
    );
    expect(error).toMatchObject({ code: "content_refused", delivery: "rejected" });
    expect(state).toBe("closed");
  });

  test.each(["250 ok", "220 go", "235 ok", "334 what", "299 x"])(
    "%s to DATA does not start the mail data",
    (reply) => {
      const error = playToError(
        `${LOCK_STEP}
       S: 250 Ok
       C: RCPT TO:<bob@example.org>
       S: 250 Ok
       C: DATA
       S: ${reply}`,
        send({ to: ["bob@example.org"] }),
      );
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({
        code: "unexpected_reply",
        phase: "data",
        delivery: "not-sent",
        retryable: false,
      });
    },
  );

  test("354 of several lines starts it all the same", () => {
    const { value } = play(
      `${LOCK_STEP}
       S: 250 Ok
       C: RCPT TO:<bob@example.org>
       S: 250 Ok
       C: DATA
       S: 354-go
       S: 354 ahead
       ${MESSAGE}
       S: 250 Ok`,
      send({ to: ["bob@example.org"] }),
    );
    expect(value).toMatchObject({ accepted: ["bob@example.org"] });
  });

  test.each(["354 go", "334 x", "399 x"])("%s to MAIL is not taken for a yes", (reply) => {
    expect(playToError(`${LOCK_STEP}\nS: ${reply}`, send())).toMatchObject({
      code: "unexpected_reply",
      phase: "mail",
      delivery: "not-sent",
    });
  });

  test("354 to RSET ends the session", () => {
    const { state } = play(
      `${LOCK_STEP}
       S: 250 Ok
       C: RCPT TO:<bob@example.org>
       S: 550 no
       C: RSET
       S: 354 go`,
      send({ to: ["bob@example.org"] }),
    );
    expect(state).toBe("closed");
  });

  test("354 to the end of data leaves the fate of the message unknown", () => {
    const error = playToError(
      `${SENT}
       S: 354 more?`,
      send(),
    );
    expect(error).toMatchObject({ code: "unexpected_reply", phase: "end-of-data", delivery: "unknown" });
  });

  test("replies to what has not been said yet are never success", () => {
    const outcomes = playEach(
      `${LOCK_STEP}
       S: 250 ok
       S: 250 ok
       S: 354 go
       S: 250 queued`,
      send({ to: ["bob@example.org"] }),
    );
    // Told at the second reply where they come together, at the fourth where they come one by one.
    for (const { error, state } of outcomes) {
      expect(error).toMatchObject({ code: "unsolicited_reply", delivery: "not-sent", retryable: false });
      expect(state).toBe("closed");
    }
  });

  test("an acceptance of mail data that has not been written is never success", () => {
    const script = `${PIPELINED}
      S: 250 ok
      S: 250 ok
      S: 250 ok
      S: 250 ok
      S: 354 go
      S: 250 queued`;
    for (const { error, state } of playEach(script, send())) {
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({ code: "unsolicited_reply", delivery: "not-sent", retryable: false });
      expect(state).toBe("closed");
    }
  });

  test.each(["250 que", "554 n"])(
    "nor is a reply (%s…) that began before the mail data was whole",
    (begun) => {
      const script = `${PIPELINED}
      S: 250 ok
      S: 250 ok
      S: 250 ok
      S: 250 ok
      S: 354 go
      S= ${JSON.stringify(begun)}
      ${MESSAGE}
      S: and the rest of it`;
      const [whole, perLine, octets] = playEach(script, send());
      // Whole, the 2 of 250 is seen before the mail data is written; piece by piece it is written at once.
      for (const { error, state } of [whole, perLine, octets]) {
        expect(error).toMatchObject({ code: "unsolicited_reply", retryable: false });
        expect(["unknown", "not-sent"]).toContain((error as ProtocolError).delivery);
        expect(state).toBe("closed");
      }
    },
  );
});

describe("a connection that ends", () => {
  const ACCEPTED = `${PIPELINED}
    S: 250 Ok
    S: 250 Ok
    S: 250 Ok
    S: 250 Ok`;

  test.each([
    ["before the greeting", "FIN", "greeting", "not-sent"],
    ["within the greeting", 'S= "220 mx"\nFIN', "greeting", "not-sent"],
    ["after MAIL", `${LOCK_STEP}\nFIN`, "mail", "not-sent"],
    ["within a group", `${PIPELINED}\nS: 250 Ok\nS: 250 Ok\nFIN`, "rcpt", "not-sent"],
    ["at DATA", `${ACCEPTED}\nFIN`, "data", "not-sent"],
    ["before the end of data was written", `${ACCEPTED}\nS: 354 go\nFIN`, "content", "not-sent"],
    ["after it", `${ACCEPTED}\nS: 354 go\n${MESSAGE}\nFIN`, "end-of-data", "unknown"],
    [
      "within the last reply",
      `${ACCEPTED}\nS: 354 go\n${MESSAGE}\nS= "250 que"\nFIN`,
      "end-of-data",
      "unknown",
    ],
    [
      "between the lines of the last reply",
      `${ACCEPTED}\nS: 354 go\n${MESSAGE}\nS: 250-queued\nFIN`,
      "end-of-data",
      "unknown",
    ],
  ])("%s", (_, script, phase, delivery) => {
    const error = playToError(script, send());
    expect(error).toMatchObject({
      code: "connection_lost",
      phase,
      delivery,
      retryable: delivery === "not-sent",
    });
  });

  test.each([
    ["as the greeting", "S: 421 4.3.2 too busy", "greeting", "not-sent"],
    ["to EHLO", "S: 220 mx.example\nC: EHLO client.example\nS: 421 bye", "ehlo", "not-sent"],
    ["to MAIL", `${LOCK_STEP}\nS: 421 bye`, "mail", "not-sent"],
    [
      "to the second of three recipients",
      `${PIPELINED}\nS: 250 Ok\nS: 250 Ok\nS: 421 bye`,
      "rcpt",
      "not-sent",
    ],
    ["to DATA", `${ACCEPTED}\nS: 421 bye`, "data", "not-sent"],
    ["while the mail data flows", `${ACCEPTED}\nS: 354 go\nS: 421 bye`, "content", "rejected"],
    ["to the end of data", `${ACCEPTED}\nS: 354 go\n${MESSAGE}\nS: 421 4.3.0 bye`, "end-of-data", "rejected"],
  ])("with 421 %s", (_, script, phase, delivery) => {
    const error = playToError(script, send());
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({
      code: "service_closing",
      phase,
      delivery,
      retryable: true,
      reply: { code: 421 },
    });
  });

  test("with 421 behind the reply that accepts the message: it is accepted", () => {
    const { value, error, state } = play(
      `${ACCEPTED}\nS: 354 go\n${MESSAGE}\nS: 250 queued\nS: 421 bye`,
      send(),
    );
    expect(error).toBeUndefined();
    expect(value).toMatchObject({ reply: { code: 250 } });
    expect(state).toBe("closed");
  });

  test.each(["550 5.7.1 stop", "452 4.3.1 full"])(
    "with %s while the mail data flows: that is the reason",
    (reply) => {
      const { error, state } = play(`${ACCEPTED}\nS: 354 go\nS: ${reply}`, send());
      expect(state).toBe("closed");
      expect(error).toMatchObject({
        code: "content_refused",
        delivery: "rejected",
        retryable: reply.startsWith("4"),
      });
    },
  );
});
