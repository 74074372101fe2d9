// A stream in chunks (RFC 3030), seen from the session: which reply is to what, and what becomes of the message.

import { describe, expect, test } from "vitest";
import { encodeLatin1, encodeUtf8 } from "../../src/bytes.ts";
import { SmtpError } from "../../src/errors.ts";
import type { Dialogue } from "../../src/protocol/dialogue.ts";
import { parseExtensions } from "../../src/protocol/extensions.ts";
import { Session } from "../../src/protocol/session.ts";
import { CHUNK_WINDOW, type Outcome, transaction } from "../../src/protocol/transaction.ts";
import { mailData } from "../../src/protocol/transparency.ts";

interface Played {
  readonly value: Outcome | undefined;
  readonly error: SmtpError | undefined;
  readonly state: string;
  /** The verbs of the commands that were said behind the chunks. */
  readonly behind: readonly string[];
}

/**
 * Plays what follows the envelope: `>` hands over a chunk, `>>` the last; `FIN`; anything else are octets of the server,
 * given whole, and once more octet by octet.
 */
function play(...steps: readonly string[]): Played {
  const [whole, octets] = [once(steps, "whole"), once(steps, "octet by octet")];
  expect(summary(octets)).toEqual(summary(whole));
  return whole;
}

function once(steps: readonly string[], mode: "whole" | "octet by octet"): Played {
  const session = new Session();
  const said: string[] = [];
  let value: Outcome | undefined;
  let error: SmtpError | undefined;
  const perform = (effects: ReturnType<Session["receive"]>): void => {
    for (const effect of effects) {
      if (effect.do === "write") said.push(...effect.commands.map(({ verb }) => verb));
      else if (effect.do === "resolve") value = effect.value as Outcome;
      else if (effect.do === "reject") error = effect.error as SmtpError;
    }
  };
  const hear = (text: string): void => {
    for (const piece of mode === "whole" ? [text] : text) perform(session.receive(encodeLatin1(piece)));
  };
  perform(
    session.begin(
      (function* (): Dialogue<Outcome> {
        yield { kind: "greeting" };
        const [reply] = yield {
          kind: "commands",
          commands: [{ verb: "EHLO", line: "", shown: "", secrets: [] }],
        };
        if (reply === undefined) throw new Error("no reply");
        const content = { size: undefined, field: "x", open: () => expect.fail("nobody opens it") };
        return yield* transaction(
          { from: "a@x", to: ["b@x", "c@x"], content, utf8: false },
          parseExtensions(reply),
        );
      })(),
    ),
  );
  hear("220 x\r\n");
  hear("250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
  hear("250 ok\r\n250 ok\r\n550 no\r\n");
  expect(session.room).toBe(CHUNK_WINDOW);
  said.length = 0;
  for (const step of steps) {
    if (step === ">") session.chunkGoes("BDAT");
    else if (step === ">>") {
      session.chunkGoes("BDAT LAST");
      session.contentEnds();
      perform(session.contentLeft());
    } else if (step === "FIN") perform(session.ended());
    else hear(step);
  }
  expect(error === undefined || error instanceof SmtpError).toBe(true);
  return { value, error, state: session.state, behind: said };
}

function summary({ error, ...others }: Played): unknown {
  return { ...others, error: error && { ...error, message: error.message } };
}

const OK = "250 ok\r\n";
const BYE = "221 bye\r\n";

describe("a stream is accepted", () => {
  test("by the reply to its last chunk, and no earlier", () => {
    expect(play(">", OK, ">", OK)).toMatchObject({ value: undefined, error: undefined, state: "chunks" });
    const { value, state } = play(">", OK, ">>", "250 2.0.0 queued\r\n");
    expect(state).toBe("ready");
    expect(value).toMatchObject({
      accepted: ["b@x"],
      rejected: [{ recipient: "c@x" }],
      reply: { lines: ["2.0.0 queued"] },
      used: ["PIPELINING", "CHUNKING"],
    });
  });

  test("with several chunks on their way, whose replies come together or in parts", () => {
    expect(play(">", ">", ">>", OK, `${OK}250 queued\r\n`).value?.reply.lines).toEqual(["queued"]);
    expect(play(">", ">", "250 o", ">>", `k\r\n${OK}250 que`, "ued\r\n").value?.reply.lines).toEqual([
      "queued",
    ]);
  });

  test("in one chunk", () => {
    expect(play(">>", OK)).toMatchObject({ value: { reply: { code: 250 } }, state: "ready" });
  });
});

describe("a stream is refused", () => {
  const REFUSED = {
    code: "content_refused",
    verb: "BDAT",
    delivery: "rejected",
    retryable: false,
    reply: { code: 552 },
  };

  test("by the reply to a chunk: QUIT follows, whose reply shows that none was mistaken for another", () => {
    const { error, state, behind } = play(">", OK, ">", "552 full\r\n", BYE);
    expect(error).toMatchObject(REFUSED);
    expect({ state, behind }).toEqual({ state: "closed", behind: ["QUIT"] });
  });

  test("by the reply to the last", () => {
    const { error, state, behind } = play(">", OK, ">>", "552 full\r\n", BYE);
    expect(error).toMatchObject(REFUSED);
    expect({ state, behind }).toEqual({ state: "closed", behind: ["QUIT"] });
  });

  test.each([
    ["refused too", "554 no\r\n"],
    ["discarded with a yes", OK],
  ])("by the reply to a chunk, when others are on their way, which are %s", (_, reply) => {
    const { error, state, behind } = play(">", ">", ">", "552 full\r\n", reply, reply, BYE);
    expect(error).toMatchObject(REFUSED);
    expect({ state, behind }).toEqual({ state: "closed", behind: ["QUIT"] });
  });

  test("by the reply to a chunk, when the last is on its way, which is refused too", () => {
    expect(play(">", ">>", "552 full\r\n", "503 no\r\n", BYE)).toMatchObject({
      error: REFUSED,
      state: "closed",
    });
  });

  test.each(["FIN", "421 bye\r\n"])("and that stands when %s follows", (end) => {
    expect(play(">", ">", "552 full\r\n", end).error).toMatchObject(REFUSED);
    expect(play(">", ">>", "552 full\r\n", end).error).toMatchObject(REFUSED);
    expect(play(">", "552 full\r\n", end).error).toMatchObject(REFUSED);
  });

  test.each([OK, "what?\r\n"])("and that is in doubt when %s follows where the farewell should be", (end) => {
    expect(play(">", ">>", OK, "552 full\r\n", end)).toMatchObject({
      error: { name: "ProtocolError", delivery: "unknown" },
      state: "closed",
    });
  });

  test("between two chunks, unasked, and the session is over", () => {
    expect(play(">", OK, "552 full\r\n")).toMatchObject({ error: REFUSED, state: "closed", behind: [] });
    expect(play("552 full\r\n")).toMatchObject({ error: REFUSED, state: "closed", behind: [] });
  });

  test.each([
    ["between two chunks", [">", OK]],
    ["as the reply to a chunk", [">"]],
    ["as the reply to the last", [">", OK, ">>"]],
  ])("with 421 %s", (_, steps) => {
    expect(play(...steps, "421 bye\r\n")).toMatchObject({
      error: { code: "service_closing", delivery: "rejected", retryable: true },
      state: "closed",
    });
  });
});

describe("a connection that ends", () => {
  test.each([
    ["before the first chunk", [], "content", "not-sent"],
    ["behind a chunk", [">"], "content", "not-sent"],
    ["between two", [">", OK], "content", "not-sent"],
    ["with the last on its way", [">", ">>"], "content", "unknown"],
    ["behind the last", [">", OK, ">>"], "end-of-data", "unknown"],
    ["within the last reply", [">", OK, ">>", "250 o"], "end-of-data", "unknown"],
  ])("%s", (_, steps, phase, delivery) => {
    expect(play(...steps, "FIN").error).toMatchObject({ code: "connection_lost", phase, delivery });
  });
});

describe("a server that breaks the rules", () => {
  test("by taking the end of a message of which it refused a part: nobody knows what it took", () => {
    expect(play(">", ">>", "552 full\r\n", OK)).toMatchObject({
      error: { code: "unexpected_reply", phase: "end-of-data", delivery: "unknown", retryable: false },
      state: "closed",
    });
  });

  test.each([
    ["before the first chunk", []],
    ["between two chunks", [">", OK]],
  ])("by a yes that nobody asked for, %s", (_, steps) => {
    expect(play(...steps, OK)).toMatchObject({
      error: { code: "unsolicited_reply", delivery: "not-sent" },
      state: "closed",
    });
  });

  test("by a yes to a chunk that began before it", () => {
    for (const last of [">", ">>"]) {
      expect(play(">", OK, "25", last, "0 ok\r\n").error).toMatchObject({ code: "unsolicited_reply" });
    }
  });

  test.each(["354 go", "334 x"])("by %s to a chunk", (reply) => {
    expect(play(">", `${reply}\r\n`).error).toMatchObject({ code: "unexpected_reply", delivery: "not-sent" });
    expect(play(">>", `${reply}\r\n`).error).toMatchObject({ code: "unexpected_reply", delivery: "unknown" });
  });
});

test("counted mail data holds no bare line end either", () => {
  for (const content of ["x\ny\r\n", "x\ry\r\n", "x\r", "\n.\r\n"]) {
    expect(() => [...mailData(encodeUtf8(content), "count")]).toThrow("holds a bare");
  }
});
