// A real Postfix that bears little: every message is accounted for all the same.
import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test, vi } from "vitest";
import {
  attachment,
  type Message,
  type ReplyError,
  type SendResult,
  SmtpClient,
  type TraceEvent,
} from "../../src/index.ts";
import { errorOf } from "../support/watch.ts";
import { copiesOf, deliveredCopies, storedFiles } from "./maildir.ts";
import { at, maildir, plain } from "./postfix.ts";
import { shortMessage } from "./sample.ts";
import { witness } from "./witness.ts";

const saw = witness("postfix");

describe("hundreds of messages in flight", () => {
  test.each([
    ["DATA", { chunking: false }],
    ["BDAT", {}],
    ["DATA in lock-step", { pipelining: false, chunking: false }],
  ] as const)("arrive once each, those that are refused not at all: %s", async (way, extensions) => {
    await using client = new SmtpClient({
      ...plain,
      extensions,
      maxConnections: 3,
      maxMessagesPerConnection: 40,
    });
    const COUNT = 300;
    const subject = (index: number): string => `flood ${way} ${index};`;
    const messages = function* (): Generator<Message> {
      for (let index = 0; index < COUNT; index++) {
        yield {
          ...shortMessage(subject(index)),
          to: [index % 25 === 0 ? "reject@example.test" : "bob@example.test"],
        };
      }
    };
    const results: SendResult[] = [];
    for await (const result of client.sendMany(messages(), { inFlight: 20 })) results.push(result);
    expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
      Array.from({ length: COUNT }, (_, at) => at),
    );
    for (const { ok, index } of results) expect(ok, subject(index)).toBe(index % 25 !== 0);
    const sent = results.flatMap((result) => (result.ok ? [result] : []));
    const copies = await stored(`Subject: flood ${way} `, sent.length);
    for (const { index, receipt } of sent) {
      const [copy = ""] = copies.filter((one) => one.includes(`Subject: ${subject(index)}`));
      expect(copy).toContain(receipt.messageId);
    }
    const { opened } = client.stats;
    expect(opened).toBeGreaterThanOrEqual(8);
    saw(
      `${COUNT} messages, 20 in flight on each of 3 connections, ${way}`,
      sent[0]?.receipt.reply,
      `${copies.length} delivered once each, ${COUNT - sent.length} refused; ${opened} connections of at most 40 messages`,
    );
  });
});

describe("a server that takes two connections of a client", () => {
  test("gets all messages over those", async () => {
    const refusals: ReplyError["reply"][] = [];
    const trace = (event: TraceEvent): void => {
      if (event.kind === "reply" && event.reply.code === 421) refusals.push(event.reply);
    };
    await using client = new SmtpClient({ ...at("crowded"), maxConnections: 6, trace });
    const receipts = await Promise.all(
      Array.from({ length: 60 }, (_, index) => client.send(shortMessage(`crowd ${index};`))),
    );
    const { opened, sent, failed } = client.stats;
    expect({ sent, failed }).toEqual({ sent: 60, failed: 0 });
    expect(refusals.length).toBeGreaterThan(0);
    for (const { messageId } of receipts) await deliveredCopies(maildir, messageId, ["bob@example.test"]);
    saw(
      "two connections at most",
      refusals[0],
      `60 messages delivered; ${refusals.length} connections refused, ${opened} opened`,
    );
  });

  test("and says so to whoever has none", async () => {
    const held = await Promise.all([crowd(), crowd()]);
    try {
      await using client = new SmtpClient(at("crowded"));
      const error = await errorOf(client.send(shortMessage("not let in")));
      expect(error).toMatchObject({
        code: "service_closing",
        phase: "greeting",
        delivery: "not-sent",
        retryable: true,
      });
      expect(error).toMatchObject({ reply: { code: 421, enhancedStatus: "4.7.0" } });
      saw("no connection left", (error as ReplyError).reply, "not-sent, retryable");
    } finally {
      for (const socket of held) socket.destroy();
    }
  });
});

// They wait more than they work, each at a listener of its own or on a connection of its own: at the same time.
describe.concurrent("a server that takes ten messages of a client at a time", () => {
  test("gets no more where the client keeps to that, and refuses none", async () => {
    await using client = new SmtpClient({ ...at("paced"), rateLimit: { messages: 10, per: 2_500 } });
    const receipts = await Promise.all(
      Array.from({ length: 20 }, (_, index) => client.send(shortMessage(`paced ${index};`))),
    );
    expect(receipts.every(({ attempts }) => attempts === 1)).toBe(true);
    saw("ten messages at a time", receipts.at(-1)?.reply, "20 within a rateLimit, none refused");
  });

  test("refuses one too many for now, and takes it when it is sent again", async () => {
    const eager = new SmtpClient(at("busy"));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 25 }, (_, index) => eager.send(shortMessage(`once ${index};`))),
    );
    await eager.close();
    const refused = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason as ReplyError] : [],
    );
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) {
      expect(error).toMatchObject({
        code: "sender_refused",
        phase: "mail",
        delivery: "rejected",
        retryable: true,
      });
      expect(error).toMatchObject({ reply: { code: 450, enhancedStatus: "4.7.1" } });
    }
    const backoff = { initial: 500, max: 1_000 };
    await using client = new SmtpClient({ ...at("busy"), retry: { attempts: 10, transient: true, backoff } });
    const receipts = await Promise.all(
      Array.from({ length: 15 }, (_, index) => client.send(shortMessage(`again ${index};`))),
    );
    for (const { messageId } of receipts) await deliveredCopies(maildir, messageId, ["bob@example.test"]);
    const attempts = Math.max(...receipts.map((receipt) => receipt.attempts));
    expect(attempts).toBeGreaterThan(1);
    await stored("Subject: once ", outcomes.length - refused.length);
    saw(
      "messages at a time",
      refused[0]?.reply,
      `${refused.length} of 25 refused and not delivered; with retry 15 delivered once each, after up to ${attempts} attempts`,
    );
  });
});

describe.concurrent("421 in the middle of a session", () => {
  test.each([
    ["DATA", { chunking: false }],
    ["BDAT", {}],
    ["BDAT in lock-step", { pipelining: false }],
  ] as const)("ends the message that caused it, and no other: %s", async (way, extensions) => {
    const dismissals: ReplyError["reply"][] = [];
    const trace = (event: TraceEvent): void => {
      if (event.kind === "reply" && event.reply.code === 421) dismissals.push(event.reply);
    };
    await using client = new SmtpClient({ ...at("strict"), extensions, maxConnections: 1, trace });
    // 550, and twice 454 where mail is not relayed: the next command is one too many.
    const mistakes = ["reject@example.test", "bob@elsewhere.example", "carol@elsewhere.example"];
    const subjects = ["first", "culprit", "third", "fourth", "fifth"].map((name) => `${name}, ${way};`);
    const outcomes = await Promise.allSettled(
      subjects.map((subject) => {
        const refused = subject.startsWith("culprit") ? mistakes : [];
        return client.send({ ...shortMessage(subject), to: [...refused, "bob@example.test"] });
      }),
    );
    const failed = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(failed).toMatchObject([{ code: "service_closing", phase: "rcpt", delivery: "not-sent" }]);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") {
        await deliveredCopies(maildir, outcome.value.messageId, ["bob@example.test"]);
      } else {
        expect(await copiesOf(maildir, `Subject: ${subjects[index]}`)).toEqual([]);
      }
    }
    saw(
      `three mistakes, ${way}`,
      dismissals[0],
      `the message that made them: not-sent, the ${outcomes.length - failed.length} around it delivered once each; ${dismissals.length} connections dismissed`,
    );
  });

  test("while nothing is sent is nobody's error", async () => {
    const end = ending();
    await using client = new SmtpClient({ ...at("hasty"), trace: end.trace });
    const first = await client.send(shortMessage("before the silence"));
    await end.reached;
    const second = await client.send(shortMessage("after the silence"));
    expect([first.attempts, second.attempts, client.stats.opened]).toEqual([1, 1, 2]);
    await deliveredCopies(maildir, second.messageId, ["bob@example.test"]);
    saw(
      "two seconds of silence between messages",
      second.reply,
      "delivered over a new connection, at the first attempt",
    );
  });

  test.each([
    ["DATA", { chunking: false }, "a stream", false],
    ["BDAT", {}, "a stream", false],
    ["BDAT", {}, "a stream that can be opened again", true],
  ] as const)(
    "while the content stalls: nobody has the message: %s, %s",
    async (way, extensions, kind, retryable) => {
      const end = ending();
      await using client = new SmtpClient({ ...at("hasty"), extensions, trace: end.trace });
      const open = async function* () {
        yield new Uint8Array(200_000);
        await end.reached;
      };
      const details = { filename: "slow.bin" };
      const file = retryable ? attachment.stream(open, details) : { ...details, content: open() };
      const subject = `stalled, ${way}, ${kind};`;
      const error = await errorOf(client.send({ ...shortMessage(subject), attachments: [file] }));
      expect(error).toMatchObject({
        code: "service_closing",
        phase: "content",
        delivery: "rejected",
        retryable,
      });
      expect(error).toMatchObject({ reply: { code: 421, enhancedStatus: "4.4.2" } });
      const next = await client.send(shortMessage("after the stall"));
      await deliveredCopies(maildir, next.messageId, ["bob@example.test"]);
      expect(await copiesOf(maildir, `Subject: ${subject}`)).toEqual([]);
      const again = retryable ? "" : "not ";
      saw(
        `two seconds of silence within ${kind}, ${way}`,
        (error as ReplyError).reply,
        `rejected, ${again}retryable; nobody has it`,
      );
    },
  );
});

/** The messages with `text` in them, once there are `count`. */
async function stored(text: string, count: number): Promise<string[]> {
  return vi.waitFor(
    async () => {
      const found = (await storedFiles(maildir)).filter((octets) => octets.includes(text));
      expect(found).toHaveLength(count);
      return found.map((octets) => octets.toString("latin1"));
    },
    { timeout: 8_000, interval: 50 },
  );
}

/** The end of a client's first connection. */
function ending(): { readonly reached: Promise<void>; readonly trace: (event: TraceEvent) => void } {
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return { reached, trace: ({ kind }) => void (kind === "closed" && reach()) };
}

/** One connection that does nothing, once it has been greeted. */
async function crowd() {
  const socket = connect(at("crowded").port, "127.0.0.1");
  await once(socket, "data");
  return socket;
}
