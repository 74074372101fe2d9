// What is begun again, what never is, and for how long is waited in between.

import { describe, expect, test } from "vitest";
import { attachment, type RetryOptions, type TraceEvent } from "../src/index.ts";
import { readRetry } from "../src/options/retry.ts";
import { connectTo, MESSAGE } from "./support/client.ts";
import { first, nth, polite, takeTime } from "./support/manners.ts";
import { type Script, type Server, serve } from "./support/server.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

watchProcess();

const SOON = { initial: 1, max: 2 };

/** Hangs up where it should greet, so many times. */
function absent(times: number, then: Script): Script {
  return async (peer) => {
    if (peer.index >= times) await then(peer);
    else peer.end();
  };
}

function begun(server: Server): number {
  return server.heard.match(/^MAIL/gm)?.length ?? 0;
}

function messageIds(server: Server): Set<string | undefined> {
  return new Set(server.messages.map((message) => /^Message-ID: (.*?)\r$/m.exec(message)?.[1]));
}

describe("a reused connection that turns out to be dead", () => {
  const dying = (): Script =>
    first(
      polite({
        MAIL: nth(2, (peer) => {
          peer.reset();
          return undefined;
        }),
      }),
      polite(),
    );

  test("is replaced, once, where nothing else was asked for", async () => {
    const server = await serve(dying());
    const { client, events } = connectTo(server);
    await client.send(MESSAGE);
    const receipt = await client.send(MESSAGE);
    expect(receipt.attempts).toBe(2);
    expect(server.messages).toHaveLength(2);
    expect(events.filter(({ kind }) => kind === "retry")).toMatchObject([
      { attempt: 2, delay: 0, code: "connection_lost", messageId: receipt.messageId },
    ]);
  });

  test("is not where it was said that nothing is", async () => {
    const server = await serve(dying());
    const { client } = connectTo(server, { retry: false });
    await client.send(MESSAGE);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "connection_lost",
      delivery: "not-sent",
      retryable: true,
    });
    expect(server.messages).toHaveLength(1);
  });

  test("is replaced at once, however long the pauses are", async () => {
    const server = await serve(dying());
    const { client } = connectTo(server, { retry: { backoff: { initial: 60_000 } } });
    await client.send(MESSAGE);
    expect((await client.send(MESSAGE)).attempts).toBe(2);
  });
});

describe("a connection that cannot be had", () => {
  test("is not asked for again where nothing was said", async () => {
    const server = await serve(absent(1, polite()));
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "connection_lost", retryable: true });
  });

  test("is asked for as often as was said, and the receipt tells", async () => {
    const server = await serve(absent(2, polite()));
    const seen: (TraceEvent & { kind: "retry" })[] = [];
    const { client } = connectTo(server, {
      retry: { attempts: 3, backoff: SOON },
      trace: (event) => event.kind === "retry" && seen.push(event),
    });
    const receipt = await client.send(MESSAGE);
    expect(receipt.attempts).toBe(3);
    expect(seen.map(({ attempt }) => attempt)).toEqual([2, 3]);
    expect(server.messages).toHaveLength(1);
  });

  test("is no more, and the last error is told", async () => {
    const server = await serve(absent(9, polite()));
    const { client } = connectTo(server, { retry: { attempts: 3, backoff: SOON } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "connection_lost", phase: "greeting" });
    expect(server.peers).toHaveLength(3);
  });
});

describe("a refusal for now", () => {
  test.each([
    ["MAIL", { MAIL: nth(1, "451 4.3.0 later") }],
    ["RCPT", { RCPT: nth(1, "450 4.2.1 greylisted") }],
    ["DATA", { DATA: nth(1, "451 4.3.0 later") }],
    ["the message", { content: nth(1, "451 4.3.0 later") }],
  ])(
    "of %s is told, with the reply, and nothing is sent again behind the caller's back",
    async (_, manners) => {
      const server = await serve(polite(manners));
      const { client } = connectTo(server, { retry: { attempts: 5, backoff: SOON } });
      const error = await errorOf(client.send(MESSAGE));
      expect(error).toMatchObject({ name: "ReplyError", delivery: "rejected", retryable: true });
      expect(begun(server)).toBe(1);
    },
  );

  test.each([
    ["MAIL", { MAIL: nth(1, "451 4.3.0 later") }],
    ["RCPT", { RCPT: nth(1, "450 4.2.1 greylisted") }],
    ["the message", { content: nth(1, "451 4.3.0 later") }],
  ])("of %s is tried again where that was asked for, under the same Message-ID", async (_, manners) => {
    const server = await serve(polite(manners));
    const { client } = connectTo(server, { retry: { transient: true, backoff: SOON } });
    const receipt = await client.send(MESSAGE);
    expect(receipt.attempts).toBe(2);
    expect(begun(server)).toBe(2);
    expect([...messageIds(server)]).toEqual([receipt.messageId]);
  });

  test("ends with the last of them", async () => {
    const server = await serve(polite({ RCPT: "450 4.2.1 greylisted" }));
    const { client } = connectTo(server, { retry: { attempts: 4, transient: true, backoff: SOON } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "recipients_refused",
      delivery: "rejected",
    });
    expect(begun(server)).toBe(4);
    expect(client.stats).toMatchObject({ rejected: 1, sent: 0 });
  });

  test("of one recipient among others is data", async () => {
    const server = await serve(polite({ RCPT: nth(1, "450 4.2.1 greylisted") }));
    const { client } = connectTo(server, { retry: { transient: true, backoff: SOON } });
    const receipt = await client.send({ ...MESSAGE, to: ["a@example.org", "b@example.org"] });
    expect(receipt).toMatchObject({
      accepted: ["b@example.org"],
      rejected: [{ recipient: "a@example.org", reply: { code: 450 } }],
      attempts: 1,
    });
  });
});

describe("nothing makes it begin again", () => {
  const MOST: RetryOptions = { attempts: 10, transient: true, backoff: SOON };

  test("once the end of the message was written", async () => {
    const server = await serve(
      polite({
        content: (peer) => {
          peer.reset();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { retry: MOST });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ delivery: "unknown", retryable: false });
    expect(server.messages).toHaveLength(1);
    expect(server.peers).toHaveLength(1);
    expect(client.stats).toMatchObject({ unknown: 1, failed: 0 });
  });

  test.each([
    ["a refusal for good", { content: "554 5.6.0 no" }, "content_refused"],
    ["a broken rule", { MAIL: "999 what" }, "invalid_reply"],
  ])("after %s", async (_, manners, code) => {
    const server = await serve(polite(manners));
    const { client } = connectTo(server, { retry: MOST });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code });
    expect(begun(server)).toBe(1);
  });

  test("after a refused login, for now or for good", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"], AUTH: "454 4.7.0 later" }));
    const { client } = connectTo(server, { retry: MOST, auth: { user: "alice", pass: "x" } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ name: "AuthenticationError" });
    expect(server.peers).toHaveLength(1);
  });

  test("after a fault of the message", async () => {
    const server = await serve(polite({ offers: ["SIZE 10"] }));
    const { client } = connectTo(server, { retry: MOST });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "message_too_large" });
    expect(server.peers).toHaveLength(1);
  });

  test("of a stream that was read", async () => {
    const server = await serve(polite({ content: "451 4.3.0 later" }));
    const { client } = connectTo(server, { retry: MOST });
    let opened = 0;
    async function* once(): AsyncGenerator<Uint8Array> {
      opened++;
      yield new Uint8Array(10);
    }
    const message = { ...MESSAGE, attachments: [{ filename: "a.bin", content: once() }] };
    expect(await errorOf(client.send(message))).toMatchObject({ code: "content_refused", retryable: false });
    expect(opened).toBe(1);
    expect(begun(server)).toBe(1);
  });

  test("but of one that can be opened again, and of one that nobody has read yet", async () => {
    const server = await serve(
      polite({ content: nth(1, "451 4.3.0 later"), MAIL: nth(3, "451 4.3.0 later") }),
    );
    const { client } = connectTo(server, { retry: MOST });
    let opened = 0;
    async function* stream(): AsyncGenerator<Uint8Array> {
      opened++;
      yield new Uint8Array(10);
    }
    const again = { ...MESSAGE, attachments: [attachment.stream(() => stream(), { filename: "a.bin" })] };
    expect((await client.send(again)).attempts).toBe(2);
    expect(opened).toBe(2);
    const once = { ...MESSAGE, attachments: [{ filename: "a.bin", content: stream() }] };
    expect((await client.send(once)).attempts).toBe(2);
    expect(opened).toBe(3);
  });
});

describe("the pause", () => {
  const down = { retry: { attempts: 3, backoff: { initial: 60_000 } } };

  test("is given up with the message", async () => {
    const server = await serve(absent(9, polite()));
    const { client, happened } = connectTo(server, down);
    const controller = new AbortController();
    const sending = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    await happened("retry");
    controller.abort();
    expect(await sending).toMatchObject({ code: "aborted", phase: "queue", delivery: "not-sent" });
  });

  test("is none where whoever hears of it gives up at once", async () => {
    const server = await serve(absent(9, polite()));
    const controller = new AbortController();
    const trace = ({ kind }: TraceEvent): void => {
      if (kind === "retry") controller.abort();
    };
    const { client } = connectTo(server, { ...down, trace });
    expect(await errorOf(client.send(MESSAGE, { signal: controller.signal }))).toMatchObject({
      code: "aborted",
      phase: "queue",
    });
  });

  test("counts for the time that the call has", async () => {
    const server = await serve(absent(9, polite()));
    const { client } = connectTo(server, { ...down, timeout: 80 });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "deadline", phase: "queue" });
  });

  test("ends when the client is closed by force, and is waited for where it is only closed", async () => {
    const server = await serve(absent(9, polite()));
    const { client, happened } = connectTo(server, down);
    const sending = errorOf(client.send(MESSAGE));
    await happened("retry");
    let isClosed = false;
    const closing = client.close().then(() => {
      isClosed = true;
    });
    await takeTime(20);
    expect(isClosed).toBe(false);
    await client.close({ force: true });
    expect(await sending).toMatchObject({ code: "aborted", delivery: "not-sent" });
    await closing;
  });

  test("is what a function says, which is told how many attempts there were", async () => {
    const server = await serve(absent(2, polite()));
    const told: number[] = [];
    const { client, events } = connectTo(server, {
      retry: { attempts: 5, backoff: (attempts) => told.push(attempts) },
    });
    expect((await client.send(MESSAGE)).attempts).toBe(3);
    expect(told).toEqual([1, 2]);
    expect(events.flatMap((event) => (event.kind === "retry" ? [event.delay] : []))).toEqual([1, 2]);
  });

  test.each([
    ["NaN", () => Number.NaN, "returned NaN, not milliseconds"],
    ["less than nothing", () => -1, "returned -1, not milliseconds"],
    ["a promise", async () => 5, "returned a Promise, not milliseconds"],
    [
      "an exception",
      () => {
        throw new Error("no idea");
      },
      "failed: no idea",
    ],
  ])("that a function makes %s of ends the message, which was not sent", async (_, backoff, what) => {
    const server = await serve(absent(9, polite()));
    const { client } = connectTo(server, { retry: { backoff: backoff as () => number } });
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({ name: "ConfigError", option: "retry.backoff", delivery: "not-sent" });
    expect(error.message).toContain(what);
    expect(server.peers).toHaveLength(1);
  });

  test("grows, up to a limit, and a part of it is left to chance", () => {
    const { pause } = readRetry({ backoff: { initial: 100, max: 1_000, factor: 3, jitter: 0.2 } }, "retry");
    for (const [attempts, longest] of [
      [1, 100],
      [2, 300],
      [3, 900],
      [4, 1_000],
      [9, 1_000],
    ] as const) {
      const pauses = Array.from({ length: 50 }, () => pause(attempts));
      expect(Math.max(...pauses)).toBeLessThanOrEqual(longest);
      expect(Math.min(...pauses)).toBeGreaterThanOrEqual(0.8 * longest);
      expect(new Set(pauses).size).toBeGreaterThan(1);
    }
    const even = readRetry({ backoff: { initial: 100, jitter: 0 } }, "retry").pause;
    expect([1, 2, 3, 20].map(even)).toEqual([100, 200, 400, 60_000]);
  });
});

describe("a client closed by force", () => {
  test("tells each message what may have become of it, waits for nothing, and opens nothing any more", async () => {
    const server = await serve(polite({ content: (peer) => peer.silence() as Promise<never> }));
    const { client } = connectTo(server, { maxConnections: 1, retry: { attempts: 5, backoff: SOON } });
    const first = errorOf(client.send(MESSAGE));
    const second = errorOf(client.send(MESSAGE));
    await until(() => server.messages.length === 1);
    expect(client.stats).toMatchObject({ busy: 1, underWay: 2 });
    await client.close({ force: true });
    expect(await first).toMatchObject({ delivery: "unknown" });
    expect(await second).toMatchObject({ delivery: "not-sent" });
    await client.close({ force: true });
    await client.close();
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "client_closed" });
    expect(server.peers).toHaveLength(1);
    expect(client.stats).toMatchObject({
      busy: 0,
      idle: 0,
      opening: 0,
      waiting: 0,
      underWay: 0,
      unknown: 1,
      failed: 1,
    });
  });

  test("waits for no other call either", async () => {
    const server = await serve((peer) => peer.silence());
    const { signal } = new AbortController();
    for (const [options, said] of [
      [{}, undefined],
      [{ timeout: 60_000 }, undefined],
      [{}, { signal }],
    ] as const) {
      const { client } = connectTo(server, options);
      const calls = [client.verify(said), client.noop(said), client.vrfy("bob", said)].map(errorOf);
      await until(() => client.stats.opening > 0);
      await client.close({ force: true });
      for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: "aborted" });
    }
  });

  test("waits for no message that is being made ready", async () => {
    const { client } = connectTo({ port: 9 }, { dkim: { sign: () => new Promise(() => {}) } });
    const sending = errorOf(client.send(MESSAGE));
    await client.close({ force: true });
    expect(await sending).toMatchObject({ code: "aborted", phase: "message", delivery: "not-sent" });
  });

  test("says so where it is told nonsense", async () => {
    const { client } = connectTo({ port: 9 });
    expect(await errorOf(client.close({ force: "yes" } as never))).toMatchObject({ option: "force" });
    expect(await errorOf(client.close({ froce: true } as never))).toMatchObject({ name: "ConfigError" });
  });
});

describe("the option", () => {
  test.each([
    [true, "retry"],
    [5, "retry"],
    [null, "retry"],
    [{ attempt: 2 }, "retry"],
    [{ attempts: 0 }, "retry.attempts"],
    [{ attempts: 11 }, "retry.attempts"],
    [{ attempts: 1.5 }, "retry.attempts"],
    [{ transient: "yes" }, "retry.transient"],
    [{ backoff: 5 }, "retry.backoff"],
    [{ backoff: { initial: 0 } }, "retry.backoff.initial"],
    [{ backoff: { max: 86_400_001 } }, "retry.backoff.max"],
    [{ backoff: { initial: 10, max: 5 } }, "retry.backoff.max"],
    [{ backoff: { factor: 0.5 } }, "retry.backoff.factor"],
    [{ backoff: { factor: Number.NaN } }, "retry.backoff.factor"],
    [{ backoff: { jitter: 2 } }, "retry.backoff.jitter"],
    [{ backoff: { delay: 5 } }, "retry.backoff"],
  ])("%j is refused", (retry, option) => {
    expect(() => readRetry(retry, "retry")).toThrow(expect.objectContaining({ name: "ConfigError", option }));
  });
});
