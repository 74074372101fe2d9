// Many messages, of which only a few are in memory.

import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import type { Message, Progress, SendResult } from "../src/index.ts";
import { connectTo, MESSAGE, messageTo } from "./support/client.ts";
import { nth, polite } from "./support/manners.ts";
import { type Peer, serve } from "./support/server.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

watchProcess();

const PIPELINING = { offers: ["PIPELINING"] };

/** Messages to n0, n1, …, and how many of them were asked for. */
function source(count: number): { taken: number; isClosed: boolean; messages(): Generator<Message> } {
  const state = {
    taken: 0,
    isClosed: false,
    *messages(): Generator<Message> {
      try {
        while (state.taken < count) yield messageTo(`n${state.taken++}`);
      } finally {
        state.isClosed = true;
      }
    },
  };
  return state;
}

async function read(results: AsyncIterable<SendResult>): Promise<SendResult[]> {
  const all: SendResult[] = [];
  for await (const result of results) all.push(result);
  return all;
}

/** A gate in front of a reply: what comes to it waits until it is opened. */
function gate(): { arrivals: number; open(): void; readonly answer: () => Promise<string> } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const state = {
    arrivals: 0,
    open,
    answer: async () => {
      state.arrivals++;
      await opened;
      return "250 2.0.0 queued";
    },
  };
  return state;
}

describe("the results", () => {
  test("are one for each message, with the message, its place and its receipt", async () => {
    const server = await serve(polite(PIPELINING));
    const { client } = connectTo(server);
    const { messages } = source(200);
    const results = await read(client.sendMany(messages()));
    expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, index) => index),
    );
    for (const result of results) {
      expect(result.message).toHaveProperty("to", `n${result.index}@example.org`);
      expect(result.ok && result.receipt.accepted).toEqual([`n${result.index}@example.org`]);
    }
    expect(server.messages).toHaveLength(200);
    expect(client.stats).toMatchObject({ sent: 200, underWay: 0, rejected: 0, failed: 0, unknown: 0 });
  });

  test("come in the order in which messages are done with", async () => {
    const slow = gate();
    const server = await serve(
      polite({ content: (peer, line) => (peer.index === 0 ? slow.answer() : line && "250 2.0.0 queued") }),
    );
    const { client } = connectTo(server, { maxConnections: 2 });
    const results = client.sendMany([messageTo("a"), messageTo("b")], { concurrency: 2 });
    const first = await results.next();
    slow.open();
    const second = await results.next();
    expect([first.value?.index, second.value?.index].sort()).toEqual([0, 1]);
    const late = server.peers[0]?.heard.includes("<a@example.org>") ? 0 : 1;
    expect(second.value?.index).toBe(late);
    expect(await results.next()).toEqual({ done: true, value: undefined });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test("tell of what failed too, and the others go on", async () => {
    const server = await serve(
      polite({ RCPT: (_, line) => (line.includes("nobody") ? "550 5.1.1 unknown" : "250 ok") }),
    );
    const { client } = connectTo(server);
    const trap = Object.defineProperty({ ...MESSAGE }, "subject", {
      enumerable: true,
      get: () => {
        throw new Error("the row is broken");
      },
    });
    const messages = [
      messageTo("a"),
      { ...MESSAGE, to: "no address" },
      messageTo("nobody"),
      trap,
      messageTo("b"),
    ];
    const results = await read(client.sendMany(messages));
    results.sort((a, b) => a.index - b.index);
    expect(results.map((result) => (result.ok ? "sent" : result.error.code))).toEqual([
      "sent",
      "invalid_message",
      "recipients_refused",
      "invalid_message",
      "sent",
    ]);
    const [, , , unread] = results;
    expect(unread).toHaveProperty("error.message", "message: could not be read: the row is broken");
    expect(client.stats).toMatchObject({ sent: 2, rejected: 1, failed: 2, unknown: 0 });
  });

  test("of messages that all fail before anything is sent come without a connection, and one by one", async () => {
    const { client, events } = connectTo({ port: 9 });
    const bad = Array.from({ length: 5_000 }, () => ({ ...MESSAGE, to: "no address" }));
    const results = await read(client.sendMany(bad));
    expect(results.map(({ index, ok }) => [index, ok])).toEqual(bad.map((_, index) => [index, false]));
    expect(events).toEqual([]);
  });

  test("may be asked for before there are any, and more often than there are messages", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const results = client.sendMany([messageTo("a"), messageTo("b")]);
    const steps = await Promise.all([results.next(), results.next(), results.next(), results.next()]);
    expect(steps.map(({ done }) => done ?? false)).toEqual([false, false, true, true]);
  });

  test("count for every message although the server hangs up again and again", async () => {
    let ends = 0;
    const queued: string[] = [];
    const server = await serve(
      polite({
        ...PIPELINING,
        content: async (peer) => {
          const message = peer.messages.at(-1) ?? "";
          ends++;
          if (ends % 50 === 0) {
            peer.reset();
            return undefined;
          }
          queued.push(/^Message-ID: (.*?)\r$/m.exec(message)?.[1] ?? "");
          if (ends % 25 === 0) {
            peer.reset();
            return undefined;
          }
          return "250 2.0.0 queued";
        },
      }),
    );
    const { client } = connectTo(server);
    const results = await read(client.sendMany(source(500).messages()));
    expect(results).toHaveLength(500);
    const sent = results.flatMap((result) => (result.ok ? [result.receipt.messageId] : []));
    const unknown = results.filter((result) => !result.ok && result.error.delivery === "unknown").length;
    expect(new Set(queued).size).toBe(queued.length);
    for (const messageId of sent) expect(queued).toContain(messageId);
    expect(queued.length).toBeLessThanOrEqual(sent.length + unknown);
    expect(unknown).toBeGreaterThan(0);
    expect(client.stats.unknown).toBe(unknown);
  });
});

describe("the source", () => {
  test("is asked for nothing before the first result is", async () => {
    const { client, events } = connectTo({ port: 9 });
    const one = source(3);
    client.sendMany(one.messages());
    await Promise.resolve();
    expect(one.taken).toBe(0);
    expect(events).toEqual([]);
  });

  test("is held back by messages under way", async () => {
    const slow = gate();
    const server = await serve(polite({ content: slow.answer }));
    const { client } = connectTo(server, { maxConnections: 2 });
    const one = source(100);
    const results = client.sendMany(one.messages(), { concurrency: 3 });
    const first = results.next();
    await until(() => slow.arrivals === 2);
    expect(one.taken).toBe(3);
    slow.open();
    await first;
    await results.return?.();
  });

  test("is held back by results that nobody reads", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const one = source(1_000);
    const results = client.sendMany(one.messages(), { concurrency: 4 });
    await results.next();
    await until(() => client.stats.underWay === 0 && client.stats.idle > 0);
    // One was read, four wait to be: with those that were under way meanwhile, not twice as many.
    expect(one.taken).toBeGreaterThanOrEqual(5);
    expect(one.taken).toBeLessThanOrEqual(9);
    await results.return?.();
  });

  test("may be asynchronous, and is asked for one message at a time", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    let asking = 0;
    let most = 0;
    let left = 20;
    const messages: AsyncIterable<Message> = {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          most = Math.max(most, ++asking);
          await new Promise((resolve) => setImmediate(resolve));
          asking--;
          return left-- > 0
            ? { done: false, value: messageTo(`n${left}`) }
            : { done: true, value: undefined };
        },
      }),
    };
    expect(await read(client.sendMany(messages))).toHaveLength(20);
    expect(most).toBe(1);
  });

  test.each(["synchronous", "asynchronous"])(
    "that fails, being %s, fails when all that it gave is told",
    async (kind) => {
      const server = await serve(polite());
      const { client } = connectTo(server);
      function* messages(): Generator<Message> {
        yield messageTo("a");
        yield messageTo("b");
        throw new RangeError("the table is gone");
      }
      async function* later(): AsyncGenerator<Message> {
        yield* messages();
      }
      const results = client.sendMany(kind === "synchronous" ? messages() : later());
      const told: SendResult[] = [];
      const reading = (async () => {
        for await (const result of results) told.push(result);
      })();
      await expect(reading).rejects.toThrow(RangeError);
      expect(told.map(({ ok }) => ok)).toEqual([true, true]);
      expect(await results.next()).toEqual({ done: true, value: undefined });
    },
  );

  test.each<[string, () => unknown]>([
    ["nothing", () => undefined],
    ["nothing, later", async () => undefined],
    [
      "what cannot be read",
      async () => ({
        get done() {
          throw new TypeError("no");
        },
      }),
    ],
    [
      "a promise that cannot be waited for",
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
        then: () => {
          throw new TypeError("no");
        },
      }),
    ],
  ])("that gives %s ends the loop with an error", async (_, next) => {
    const { client } = connectTo({ port: 9 });
    const results = client.sendMany({ [Symbol.asyncIterator]: () => ({ next }) } as never);
    await expect(results.next()).rejects.toThrow(TypeError);
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test("that gives nothing keeps nobody who waits, nor the signal, when the loop is left", async () => {
    const { client } = connectTo({ port: 9 });
    const { signal } = new AbortController();
    const never: AsyncIterable<Message> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
    };
    const results = client.sendMany(never, { signal });
    const next = results.next();
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    await results.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("is closed when the loop is left, and what is under way is waited for", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server, { maxConnections: 1 });
    const one = source(100);
    const seen: Progress[] = [];
    for await (const result of client.sendMany(one.messages(), {
      concurrency: 3,
      onProgress: (progress) => void seen.push(progress),
    })) {
      expect(result.ok).toBe(true);
      break;
    }
    expect(one.isClosed).toBe(true);
    expect(client.stats.underWay).toBe(0);
    expect(seen.at(-1)).toEqual({ sent: one.taken, failed: 0, unknown: 0, underWay: 0 });
    expect(server.messages).toHaveLength(one.taken);
  });

  test("that cannot be closed says so to whoever leaves the loop", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    async function* messages(): AsyncGenerator<Message> {
      try {
        for (;;) yield MESSAGE;
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is what such a source does.
        throw new RangeError("the cursor is stuck");
      }
    }
    const results = client.sendMany(messages(), { concurrency: 1 });
    await results.next();
    await until(() => server.messages.length === 2 && client.stats.underWay === 0);
    await expect(results.return?.()).rejects.toThrow("the cursor is stuck");
  });
});

describe("giving up", () => {
  test("ends what is under way, closes the source, and says so when all is told", async () => {
    const slow = gate();
    const server = await serve(polite({ content: slow.answer }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const one = source(100);
    const controller = new AbortController();
    const results = client.sendMany(one.messages(), { concurrency: 2, signal: controller.signal });
    const told: SendResult[] = [];
    const reading = (async () => {
      for await (const result of results) told.push(result);
    })();
    await until(() => slow.arrivals === 1);
    controller.abort();
    expect(await errorOf(reading)).toMatchObject({ code: "aborted", phase: "queue", delivery: "not-sent" });
    expect(told.map((result) => !result.ok && result.error.delivery).sort()).toEqual(["not-sent", "unknown"]);
    expect(one.isClosed).toBe(true);
    slow.open();
  });

  test("does not wait for a source that gives nothing", async () => {
    const { client } = connectTo({ port: 9 });
    const controller = new AbortController();
    const never: AsyncIterable<Message> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
    };
    const results = client.sendMany(never, { signal: controller.signal });
    const next = results.next();
    controller.abort();
    expect(await errorOf(next)).toMatchObject({ code: "aborted" });
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test("and an end by force while that is told: each message is told of once", async () => {
    const slow = gate();
    const server = await serve(polite({ content: slow.answer }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const controller = new AbortController();
    const left: number[] = [];
    const results = client.sendMany(source(100).messages(), {
      concurrency: 6,
      signal: controller.signal,
      onProgress: ({ underWay }) => {
        left.push(underWay);
        void client.close({ force: true });
      },
    });
    const reading = errorOf(read(results));
    await until(() => slow.arrivals === 1);
    controller.abort();
    expect(await reading).toMatchObject({ code: "aborted" });
    expect(left).toEqual([5, 4, 3, 2, 1, 0]);
    expect(client.stats).toMatchObject({ underWay: 0, failed: 5, unknown: 1 });
    slow.open();
  });

  test("before the beginning takes nothing", async () => {
    const { client } = connectTo({ port: 9 });
    const one = source(3);
    const results = client.sendMany(one.messages(), { signal: AbortSignal.abort() });
    expect(await errorOf(results.next())).toMatchObject({ code: "aborted" });
    expect(one.taken).toBe(0);
  });

  test("comes too late where everything has been taken", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const controller = new AbortController();
    const results = client.sendMany([messageTo("a"), messageTo("b")], { signal: controller.signal });
    await results.next();
    await until(() => client.stats.underWay === 0);
    controller.abort();
    expect((await results.next()).value?.ok).toBe(true);
    expect((await results.next()).done).toBe(true);
  });
});

describe("a client that is closed", () => {
  test("takes no messages, and says so like send", async () => {
    const { client } = connectTo({ port: 9 });
    await client.close();
    const one = source(3);
    expect(await errorOf(client.sendMany(one.messages()).next())).toMatchObject({ code: "client_closed" });
    expect(one.taken).toBe(0);
  });

  test("is closed once those under way are done with, and the source is told", async () => {
    const slow = gate();
    const server = await serve(polite({ content: slow.answer }));
    const { client } = connectTo(server, { maxConnections: 2 });
    const one = source(100);
    const told: SendResult[] = [];
    const reading = (async () => {
      for await (const result of client.sendMany(one.messages(), { concurrency: 2 })) told.push(result);
    })();
    await until(() => slow.arrivals === 2);
    const closing = client.close();
    slow.open();
    expect(await errorOf(reading)).toMatchObject({ code: "client_closed" });
    await closing;
    expect(told.map(({ ok }) => ok)).toEqual([true, true]);
    expect(one.isClosed).toBe(true);
    expect(one.taken).toBe(2);
  });
});

describe("progress", () => {
  test("is told once for each result, and adds up", async () => {
    const server = await serve(polite({ RCPT: nth(3, "550 5.1.1 unknown") }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const seen: Progress[] = [];
    const results = client.sendMany(source(5).messages(), {
      onProgress: (progress) => void seen.push(progress),
    });
    await read(results);
    expect(seen.map(({ sent, failed, unknown }) => sent + failed + unknown)).toEqual([1, 2, 3, 4, 5]);
    expect(seen.at(-1)).toEqual({ sent: 4, failed: 1, unknown: 0, underWay: 0 });
  });

  test("may fail to be heard", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const deaf = (): never => {
      throw new Error("not listening");
    };
    expect(await read(client.sendMany(source(3).messages(), { onProgress: deaf }))).toHaveLength(3);
    const late = async (): Promise<never> => deaf();
    expect(await read(client.sendMany(source(3).messages(), { onProgress: late as never }))).toHaveLength(3);
  });
});

describe("messages on one connection", () => {
  /** How many messages were written before the first of them was answered. */
  async function written(inFlight: number): Promise<number> {
    const slow = gate();
    const server = await serve(polite({ offers: ["PIPELINING", "CHUNKING"], content: slow.answer }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const reading = read(client.sendMany(source(20).messages(), { inFlight }));
    await until(() => slow.arrivals === 1);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    const count = ((server.peers[0] as Peer).heard.match(/^BDAT/gm) ?? []).length;
    slow.open();
    expect(await reading).toHaveLength(20);
    return count;
  }

  test("go one by one where one at a time was asked for", async () => {
    expect(await written(1)).toBe(1);
  });

  test("follow each other without waiting, one where nothing was asked for, and no more than was", async () => {
    expect(await written(2)).toBe(2);
    const many = await written(5);
    expect(many).toBeGreaterThanOrEqual(2);
    expect(many).toBeLessThanOrEqual(5);
  });

  test("are fewer behind one that was refused, and one more with each that is taken", async () => {
    const slow = gate();
    const verdicts = ["552 5.3.4 no", "250 2.0.0 queued", "250 2.0.0 queued"];
    const server = await serve(
      polite({ offers: ["PIPELINING", "CHUNKING"], content: () => verdicts.shift() ?? slow.answer() }),
    );
    const { client } = connectTo(server, { maxConnections: 1 });
    const reading = read(client.sendMany(source(30).messages(), { inFlight: 8 }));
    await until(() => slow.arrivals === 1);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    // Eight went out before the first was answered; five of them are under way still, and there may be four.
    expect(((server.peers[0] as Peer).heard.match(/^BDAT/gm) ?? []).length).toBe(8);
    slow.open();
    const results = await reading;
    expect(results.filter(({ ok }) => ok)).toHaveLength(29);
    expect(server.peers).toHaveLength(1);
  });
});

describe("what cannot be used", () => {
  test.each([
    ["messages", "text", "a string"],
    ["messages", { from: "a@b.example" }, "an object"],
    ["messages", null, "null"],
    ["messages", undefined, "missing"],
  ])("as %s is refused: %j", (option, given, what) => {
    const { client } = connectTo({ port: 9 });
    expect(() => client.sendMany(given as never)).toThrow(
      `${option}: is ${what}, not an iterable of messages`,
    );
  });

  test.each([
    [{ concurrency: 0 }, "concurrency"],
    [{ concurrency: 10_001 }, "concurrency"],
    [{ concurrency: "5" }, "concurrency"],
    [{ inFlight: 0 }, "inFlight"],
    [{ inFlight: 1_001 }, "inFlight"],
    [{ signal: {} }, "signal"],
    [{ onProgress: "x" }, "onProgress"],
    [{ concurency: 5 }, "options"],
    [5, "options"],
  ])("as options is refused: %j", (options, option) => {
    const { client } = connectTo({ port: 9 });
    expect(() => client.sendMany([], options as never)).toThrow(
      expect.objectContaining({ name: "ConfigError", option }),
    );
  });
});
