// A message in chunks (RFC 3030): what is in memory, in one; the conversation word for word.

import { describe, expect, test } from "vitest";
import { encodeUtf8 } from "../../src/bytes.ts";
import type { ReplyError } from "../../src/errors.ts";
import type { Dialogue } from "../../src/protocol/dialogue.ts";
import { opening } from "../../src/protocol/opening.ts";
import {
  MAX_COMMAND_GROUP,
  MAX_RIDING_COMMANDS,
  MAX_RIDING_CONTENT,
  type Outcome,
  type Transaction,
  transaction,
} from "../../src/protocol/transaction.ts";
import { play, playEach, playToError } from "../support/transcript.ts";

const CONTENT = "Subject: hi\r\n\r\n.dot\r\n";

function send(one: Partial<Transaction> & { withheld?: readonly string[] } = {}, times = 1) {
  return function* (): Dialogue<Outcome | undefined> {
    const extensions = yield* opening(
      { name: "client.example", security: "none", withheld: new Set(one.withheld) },
      { secure: false, trusted: false },
    );
    let outcome: Outcome | undefined;
    for (let sent = 0; sent < times; sent++) {
      outcome = yield* transaction(
        {
          from: "alice@example.com",
          to: ["bob@example.org", "carol@example.org"],
          content: encodeUtf8(CONTENT),
          utf8: false,
          ...one,
        },
        extensions,
      );
    }
    return outcome;
  };
}

const HELLO = `S: 220 mx.example
  C: EHLO client.example
  S: 250-mx.example`;

const ENVELOPE = `C: MAIL FROM:<alice@example.com>
  C: RCPT TO:<bob@example.org>
  C: RCPT TO:<carol@example.org>`;

const MESSAGE = `C: BDAT ${CONTENT.length} LAST
  C: Subject: hi
  C: 
  C: .dot`;

/** Everything in one write. */
const PIPELINED = `${HELLO}
  S: 250-PIPELINING
  S: 250 CHUNKING
  ${ENVELOPE}
  ${MESSAGE}`;

const ok = (count: number): string => "S: 250 ok\n".repeat(count);

const LOCK_STEP = `${HELLO}
  S: 250 CHUNKING
  C: MAIL FROM:<alice@example.com>
  S: 250 ok
  C: RCPT TO:<bob@example.org>
  S: 250 ok
  C: RCPT TO:<carol@example.org>`;

describe("a message in memory goes out", () => {
  test("in one write with its envelope, its dots as they are", () => {
    const { value, state } = play(
      `${PIPELINED}
       S: 250 2.1.0 ok
       S: 250 2.1.5 ok
       S: 250 2.1.5 ok
       S: 250 2.0.0 queued`,
      send(),
    );
    expect(state).toBe("ready");
    expect(value).toEqual({
      accepted: ["bob@example.org", "carol@example.org"],
      rejected: [],
      reply: { code: 250, enhancedStatus: "2.0.0", lines: ["2.0.0 queued"] },
      used: ["PIPELINING", "CHUNKING"],
    });
  });

  test("and another after it, on the same session", () => {
    const replies = "S: 250 ok\n".repeat(4);
    const { state } = play(
      `${PIPELINED}
       ${replies}
       ${ENVELOPE}
       ${MESSAGE}
       ${replies}`,
      send({}, 2),
    );
    expect(state).toBe("ready");
  });

  test("in lock-step where PIPELINING is not offered, in one chunk behind the last recipient", () => {
    const { value, state } = play(
      `${LOCK_STEP}
       S: 250 ok
       ${MESSAGE}
       S: 250 queued`,
      send(),
    );
    expect(state).toBe("ready");
    expect(value).toMatchObject({ rejected: [], used: ["CHUNKING"] });
  });

  test("through DATA where the user switched chunks off", () => {
    const { value } = play(
      `${HELLO}
       S: 250-PIPELINING
       S: 250 CHUNKING
       ${ENVELOPE}
       C: DATA
       S: 250 ok
       S: 250 ok
       S: 250 ok
       S: 354 go
       C: Subject: hi
       C: 
       C: ..dot
       C: .
       S: 250 ok`,
      send({ withheld: ["CHUNKING"] }),
    );
    expect(value?.used).toEqual(["PIPELINING"]);
  });

  test("through DATA where BINARYMIME is offered and CHUNKING is not", () => {
    const { value } = play(
      `${HELLO}
       S: 250-PIPELINING
       S: 250 BINARYMIME
       ${ENVELOPE}
       C: DATA
       S: 250 ok
       S: 250 ok
       S: 250 ok
       S: 354 go
       C: Subject: hi
       C: 
       C: ..dot
       C: .
       S: 250 ok`,
      send(),
    );
    expect(value?.used).toEqual(["PIPELINING"]);
  });

  test("with the line end that it lacks, and counted with it", () => {
    const { value } = play(
      `${HELLO}
       S: 250-PIPELINING
       S: 250 CHUNKING
       ${ENVELOPE}
       C: BDAT 6 LAST
       C: x
       C: y
       S: 250 ok
       S: 250 ok
       S: 250 ok
       S: 250 ok`,
      send({ content: encodeUtf8("x\r\ny") }),
    );
    expect(value).toMatchObject({ reply: { code: 250 } });
  });

  test("as a chunk of no octets where there are none", () => {
    const { value } = play(
      `${HELLO}
       S: 250-PIPELINING
       S: 250 CHUNKING
       ${ENVELOPE}
       C: BDAT 0 LAST
       S: 250 ok
       S: 250 ok
       S: 250 ok
       S: 250 ok`,
      send({ content: new Uint8Array(0) }),
    );
    expect(value).toMatchObject({ reply: { code: 250 } });
  });

  test("behind the last group where there are many recipients", () => {
    const to = Array.from({ length: MAX_COMMAND_GROUP + 1 }, (_, index) => `r${index}@example.org`);
    const rcpt = (from: number, until?: number) =>
      to
        .slice(from, until)
        .map((path) => `C: RCPT TO:<${path}>`)
        .join("\n");
    const { value } = play(
      `${HELLO}
       S: 250-PIPELINING
       S: 250 CHUNKING
       C: MAIL FROM:<alice@example.com>
       ${rcpt(0, MAX_COMMAND_GROUP - 1)}
       ${"S: 250 ok\n".repeat(MAX_COMMAND_GROUP)}
       ${rcpt(MAX_COMMAND_GROUP - 1)}
       ${MESSAGE}
       ${"S: 250 ok\n".repeat(3)}`,
      send({ to }),
    );
    expect(value?.accepted).toHaveLength(to.length);
  });

  test("behind the replies to the envelope where these are more than a server may keep to itself", () => {
    const to = Array.from({ length: MAX_RIDING_COMMANDS }, (_, index) => `r${index}@example.org`);
    const rcpt = to.map((path) => `C: RCPT TO:<${path}>`).join("\n");
    const { value } = play(
      `${HELLO}
       S: 250-PIPELINING
       S: 250 CHUNKING
       C: MAIL FROM:<alice@example.com>
       ${rcpt}
       ${ok(MAX_RIDING_COMMANDS + 1)}
       ${MESSAGE}
       ${ok(1)}`,
      send({ to }),
    );
    expect(value?.accepted).toHaveLength(to.length);
  });

  test("with the parameters that it has without chunks", () => {
    const { value } = play(
      `${HELLO}
       S: 250-CHUNKING
       S: 250-SIZE 1000
       S: 250-8BITMIME
       S: 250 SMTPUTF8
       C: MAIL FROM:<alice@example.com> SIZE=${CONTENT.length} BODY=8BITMIME SMTPUTF8
       S: 250 ok
       C: RCPT TO:<bob@example.org>
       S: 250 ok
       ${MESSAGE}
       S: 250 ok`,
      send({ to: ["bob@example.org"], utf8: true, eightBit: true }),
    );
    expect(value?.used).toEqual(["CHUNKING", "SIZE", "8BITMIME", "SMTPUTF8"]);
  });
});

describe("a message in memory waits for the replies to its envelope", () => {
  const extensions = new Map([
    ["PIPELINING", []],
    ["CHUNKING", []],
  ]);
  const groups = (length: number, manner?: "step by step"): readonly string[] => {
    const content = new Uint8Array(length).fill(0x20);
    content.set([0x0d, 0x0a], length - 2);
    const one = { from: "a@x", to: ["b@x"], content, utf8: false };
    const dialogue = transaction(one, extensions, manner && { manner });
    const said: string[] = [];
    for (let step = dialogue.next([]); !step.done; ) {
      if (step.value.kind !== "commands") throw new Error(`unexpected: ${step.value.kind}`);
      const { commands } = step.value;
      said.push(commands.map(({ line }) => line).join(", "));
      step = dialogue.next(commands.map(() => ({ code: 250, lines: [""] })));
    }
    return said;
  };

  test("where it is longer than a block", () => {
    expect(groups(MAX_RIDING_CONTENT)).toEqual([
      `MAIL FROM:<a@x>, RCPT TO:<b@x>, BDAT ${MAX_RIDING_CONTENT} LAST`,
    ]);
    expect(groups(MAX_RIDING_CONTENT + 1)).toEqual([
      "MAIL FROM:<a@x>, RCPT TO:<b@x>",
      `BDAT ${MAX_RIDING_CONTENT + 1} LAST`,
    ]);
  });

  test("where the server may be gone", () => {
    expect(groups(10, "step by step")).toEqual(["MAIL FROM:<a@x>, RCPT TO:<b@x>", "BDAT 10 LAST"]);
  });
});

describe("a refused recipient", () => {
  test("among accepted ones is told apart, and the others get the message", () => {
    const { value, state } = play(
      `${PIPELINED}
       S: 250 ok
       S: 550 5.1.1 no such mailbox
       S: 250 ok
       S: 250 queued`,
      send(),
    );
    expect(state).toBe("ready");
    expect(value).toMatchObject({
      accepted: ["carol@example.org"],
      rejected: [{ recipient: "bob@example.org", reply: { code: 550 } }],
    });
  });

  test.each(["503 5.5.1 no valid recipients", "554 5.5.1 no valid recipients", "451 4.3.0 no"])(
    "and every other, with the chunk refused (%s): the transaction is put back",
    (reply) => {
      const { error, state } = play(
        `${PIPELINED}
         S: 250 ok
         S: 550 5.1.1 no
         S: 451 4.2.1 busy
         S: ${reply}
         C: RSET
         S: 250 ok`,
        send(),
      );
      expect(state).toBe("ready");
      expect(error).toMatchObject({
        code: "recipients_refused",
        phase: "rcpt",
        verb: "RCPT",
        delivery: "rejected",
        retryable: true,
        reply: { code: 451 },
      });
      expect((error as ReplyError).rejected).toHaveLength(2);
    },
  );

  test("and every other in lock-step: no chunk is sent", () => {
    const { error, state } = play(
      `${HELLO}
       S: 250 CHUNKING
       C: MAIL FROM:<alice@example.com>
       S: 250 ok
       C: RCPT TO:<bob@example.org>
       S: 550 no
       C: RCPT TO:<carol@example.org>
       S: 550 no
       C: RSET
       S: 250 ok`,
      send(),
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({ code: "recipients_refused" });
  });

  test.each(["S: 421 bye", "FIN"])(
    "stays the reason where every one is refused and the reply to the chunk is %s",
    (end) => {
      const { error, state } = play(
        `${PIPELINED}
         S: 250 ok
         S: 550 no
         S: 550 no
         ${end}`,
        send(),
      );
      expect(state).toBe("closed");
      expect(error).toMatchObject({ code: "recipients_refused", delivery: "rejected" });
    },
  );
});

test.each(["S: garbage", "S: 354 go"])(
  "every one refused, and then %s: nothing tells which reply is about what",
  (end) => {
    const { error, state } = play(
      `${PIPELINED}
       S: 250 ok
       S: 550 no
       S: 550 no
       ${end}`,
      send(),
    );
    expect(state).toBe("closed");
    expect(error).toMatchObject({ name: "ProtocolError", delivery: "unknown" });
  },
);

describe("a refused message", () => {
  test("by its sender: every reply is heard, and the session goes on", () => {
    const { error, state } = play(
      `${PIPELINED}
       S: 553 5.1.8 not you
       S: 503 5.5.1 need MAIL
       S: 503 5.5.1 need MAIL
       S: 503 5.5.1 need MAIL`,
      send(),
    );
    expect(state).toBe("ready");
    expect(error).toMatchObject({ code: "sender_refused", phase: "mail", delivery: "rejected" });
  });

  test.each([
    ["552 5.3.4 too large", false],
    ["451 4.3.0 later", true],
  ])("in memory (%s) is rejected", (reply, retryable) => {
    for (const script of [PIPELINED, LOCK_STEP]) {
      const isPipelined = script === PIPELINED;
      const { error, state } = play(
        `${script}
         ${isPipelined ? "S: 250 ok\nS: 250 ok\nS: 250 ok" : `S: 250 ok\n${MESSAGE}`}
         S: ${reply}
         ${isPipelined ? "C: QUIT\nS: 221 bye" : "C: RSET\nS: 250 ok"}`,
        send(),
      );
      // One reply among many is believed when that to QUIT comes where it should.
      expect(state).toBe(isPipelined ? "closed" : "ready");
      expect(error).toMatchObject({
        code: "content_refused",
        phase: "end-of-data",
        verb: "BDAT",
        delivery: "rejected",
        retryable,
      });
    }
  });

  test.each(["S: 250 queued", "S: 250 ok\nS: 221 bye", "S: 354 go", "S: garbage"])(
    "may have been taken where %s comes instead of the farewell",
    (end) => {
      const { error, state } = play(`${PIPELINED}\n${ok(3)}S: 554 no\nC: QUIT\n${end}`, send());
      expect(state).toBe("closed");
      expect(error).toMatchObject({ name: "ProtocolError", phase: "end-of-data", delivery: "unknown" });
    },
  );

  test.each(["FIN", "S: 502 what?", "S: 354 go", "S: 421 bye", "S: garbage"])(
    "stays refused when tidying up in lock-step meets %s",
    (end) => {
      const script = `${LOCK_STEP}\nS: 250 ok\n${MESSAGE}\nS: 554 no\nC: RSET\n${end}`;
      expect(playToError(script, send())).toMatchObject({ code: "content_refused", delivery: "rejected" });
    },
  );

  test.each(["FIN", "S: 502 what?", "S: 421 bye"])("stays refused when the farewell is %s", (end) => {
    const { error } = play(
      `${PIPELINED}
         S: 250 ok
         S: 250 ok
         S: 250 ok
         S: 554 no
         C: QUIT
         ${end}`,
      send(),
    );
    expect(error).toMatchObject({ code: "content_refused", delivery: "rejected" });
  });
});

describe("a connection that ends", () => {
  test.each([
    ["before any reply, everything having been said", `${PIPELINED}\nFIN`, "mail", "unknown"],
    ["within the envelope's replies", `${PIPELINED}\n${ok(2)}FIN`, "rcpt", "unknown"],
    ["before the reply to the chunk", `${PIPELINED}\n${ok(3)}FIN`, "end-of-data", "unknown"],
    ["within that reply", `${PIPELINED}\n${ok(3)}S= "250 que"\nFIN`, "end-of-data", "unknown"],
    ["in lock-step, before the chunk", `${LOCK_STEP}\nFIN`, "rcpt", "not-sent"],
    ["in lock-step, behind it", `${LOCK_STEP}\n${ok(1)}${MESSAGE}\nFIN`, "end-of-data", "unknown"],
  ])("%s", (_, script, phase, delivery) => {
    expect(playToError(script, send())).toMatchObject({
      code: "connection_lost",
      phase,
      delivery,
      retryable: delivery === "not-sent",
    });
  });

  test.each([
    ["to MAIL", `${PIPELINED}\nS: 421 bye\nFIN`, "mail", "not-sent"],
    ["to a recipient", `${PIPELINED}\n${ok(2)}S: 421 bye\nFIN`, "rcpt", "not-sent"],
    ["to MAIL, and refusals behind it", `${PIPELINED}\nS: 421 bye\nS: 503 no\nFIN`, "mail", "not-sent"],
    ["to the chunk", `${PIPELINED}\n${ok(3)}S: 421 bye`, "end-of-data", "rejected"],
  ])("with 421 %s", (_, script, phase, delivery) => {
    expect(playToError(script, send())).toMatchObject({
      code: "service_closing",
      phase,
      delivery,
      retryable: true,
    });
  });

  test("with 421 behind the reply that accepts the message: it is accepted", () => {
    const { value, state } = play(`${PIPELINED}\n${ok(4)}S: 421 bye`, send());
    expect(value).toMatchObject({ reply: { code: 250 } });
    expect(state).toBe("closed");
  });
});

describe("a server that breaks the rules", () => {
  test.each(["354 go", "334 what"])("%s is no reply to a chunk", (reply) => {
    const error = playToError(`${PIPELINED}\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: ${reply}`, send());
    expect(error).toMatchObject({ code: "unexpected_reply", phase: "end-of-data", delivery: "unknown" });
  });

  test("a reply too many leaves the fate of the message unknown, where it comes in the same breath", () => {
    const [whole, ...others] = playEach(`${PIPELINED}\n${"S: 250 ok\n".repeat(5)}`, send());
    expect(whole.error).toMatchObject({ code: "unsolicited_reply", delivery: "unknown" });
    for (const { value } of others) expect(value).toMatchObject({ reply: { code: 250 } });
    for (const { state } of [whole, ...others]) expect(state).toBe("closed");
  });

  test("an acceptance of a chunk that has not been written is never success", () => {
    for (const { error, state } of playEach(`${LOCK_STEP}\nS: 250 ok\nS: 250 queued`, send())) {
      expect(error).toMatchObject({ code: "unsolicited_reply", delivery: "not-sent", retryable: false });
      expect(state).toBe("closed");
    }
  });

  test.each(["250 que", "554 n"])("nor is a reply (%s…) that began before it", (begun) => {
    const script = `${LOCK_STEP}
      S: 250 ok
      S= ${JSON.stringify(begun)}
      ${MESSAGE}
      S: and the rest of it`;
    for (const { error, state } of playEach(script, send())) {
      expect(error).toMatchObject({ code: "unsolicited_reply", retryable: false });
      expect(state).toBe("closed");
    }
  });

  test.each([
    ["takes the message after all", "250 ok\nS: 250 queued"],
    ["takes a recipient", "250 ok"],
    ["says what is no reply", "what?"],
    ["refuses, and then takes the message", "503 no\nS: 250 queued"],
  ])("421 from a server that %s leaves the fate of the message unknown", (_, said) => {
    for (const heard of [0, 1, 2]) {
      const { error, state } = play(`${PIPELINED}\n${ok(heard)}S: 421 bye\nS: ${said}`, send());
      expect(state).toBe("closed");
      expect(error).toMatchObject({ code: "service_closing", delivery: "unknown", retryable: false });
    }
  });

  test("every recipient refused and the message taken all the same leaves its fate unknown", () => {
    const { error, state } = play(`${PIPELINED}\nS: 250 ok\nS: 550 no\nS: 550 no\nS: 250 queued`, send());
    expect(state).toBe("closed");
    expect(error).toMatchObject({ code: "unexpected_reply", delivery: "unknown", retryable: false });
  });

  test("a refusal that nobody asked for, ahead of the replies, leaves the fate of the message unknown", () => {
    const { error, state } = play(`${PIPELINED}\nS: 451 what?\n${ok(3)}S: 250 queued`, send());
    expect(state).toBe("closed");
    expect(error).toMatchObject({ code: "unexpected_reply", delivery: "unknown", retryable: false });
  });

  test("a sender refused and the message taken all the same leaves its fate unknown", () => {
    const { error, state } = play(
      `${PIPELINED}
       S: 553 not you
       S: 503 need MAIL
       S: 503 need MAIL
       S: 250 queued`,
      send(),
    );
    expect(state).toBe("closed");
    expect(error).toMatchObject({ code: "unexpected_reply", delivery: "unknown", retryable: false });
  });
});

test("what was offered before STARTTLS is forgotten behind it", () => {
  const { value } = play(
    `S: 220 mx.example
     C: EHLO client.example
     S: 250-mx.example
     S: 250-STARTTLS
     S: 250 CHUNKING
     C: STARTTLS
     S: 220 go
     TLS
     C: EHLO client.example
     S: 250 mx.example
     C: MAIL FROM:<alice@example.com>
     S: 250 ok
     C: RCPT TO:<bob@example.org>
     S: 250 ok
     C: DATA
     S: 354 go
     C: x
     C: .
     S: 250 ok`,
    function* (channel) {
      const extensions = yield* opening(
        { name: "client.example", security: "starttls", withheld: new Set() },
        channel,
      );
      const content = encodeUtf8("x\r\n");
      return yield* transaction(
        { from: "alice@example.com", to: ["bob@example.org"], content, utf8: false },
        extensions,
      );
    },
  );
  expect(value?.used).toEqual([]);
});
