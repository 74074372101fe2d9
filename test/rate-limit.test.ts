// How many messages begin in a stretch of time.

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readRateLimit } from "../src/options/rate-limit.ts";
import { gateOf, RateLimit } from "../src/rate-limit.ts";
import { connectTo, MESSAGE, messageTo } from "./support/client.ts";
import { polite } from "./support/manners.ts";
import { serve } from "./support/server.ts";
import { gated } from "./support/verbs.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

/** The most times that lie in any stretch of `per`. */
function most(times: readonly number[], per: number): number {
  return Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + per).length));
}

describe("a limit", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("lets as many begin at once as it allows, without a promise", () => {
    const limit = new RateLimit({ messages: 3, per: 1_000 });
    const permits = [1, 2, 3].map(() => limit.acquire());
    expect(permits).toEqual([undefined, undefined, undefined]);
    expect(limit.acquire()).toBeInstanceOf(Promise);
  });

  test.each([
    [3, 1_000],
    [1, 100],
    [10, 7],
  ])("never lets more than %d begin in any %d ms, wherever they start", async (messages, per) => {
    const limit = new RateLimit({ messages, per });
    const times: number[] = [];
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return seed % below;
    };
    const sending: Promise<void>[] = [];
    for (let left = 60; left > 0; left--) {
      // Some come together, some after a while, and some have to wait for their connection.
      await vi.advanceTimersByTimeAsync(next(3) === 0 ? next(per * 2) : 0);
      const patience = next(4) === 0 ? next(per * 3) : 0;
      sending.push(
        (async () => {
          await limit.acquire();
          if (patience > 0) await new Promise((resolve) => setTimeout(resolve, patience));
          times.push(performance.now());
          limit.used();
        })(),
      );
    }
    await vi.advanceTimersByTimeAsync(per * 200);
    await Promise.all(sending);
    expect(times.length).toBe(60);
    expect(most(times, per)).toBeLessThanOrEqual(messages);
  });

  test("wastes no time: the next begins when the first no longer counts", async () => {
    const limit = new RateLimit({ messages: 2, per: 1_000 });
    const began = performance.now();
    const times: number[] = [];
    for (let left = 5; left > 0; left--) {
      await vi.advanceTimersByTimeAsync(100);
      void (async () => {
        await limit.acquire();
        limit.used();
        times.push(performance.now() - began);
      })();
    }
    await vi.advanceTimersByTimeAsync(5_000);
    expect(times).toEqual([100, 200, 1_100, 1_200, 2_100]);
  });

  test("is first come, first served, and whoever gives up is passed over", async () => {
    const limit = new RateLimit({ messages: 1, per: 100 });
    const order: string[] = [];
    const controller = new AbortController();
    const send = async (name: string, signal?: AbortSignal): Promise<void> => {
      await limit.acquire(signal);
      limit.used();
      order.push(name);
    };
    const all = [send("a"), send("b")];
    const given = errorOf(send("c", controller.signal));
    all.push(send("d"));
    controller.abort();
    expect(await given).toMatchObject({ code: "aborted", phase: "queue", delivery: "not-sent" });
    await vi.advanceTimersByTimeAsync(250);
    await Promise.all(all);
    expect(order).toEqual(["a", "b", "d"]);
  });

  test("gives a permit that was not used to the next at once", async () => {
    const limit = new RateLimit({ messages: 1, per: 1_000 });
    limit.acquire();
    const next = limit.acquire();
    limit.unused();
    await next;
  });

  test("has one timer however many wait, and none when nobody does", async () => {
    const limit = new RateLimit({ messages: 1, per: 1_000 });
    const controller = new AbortController();
    limit.acquire();
    limit.used();
    expect(vi.getTimerCount()).toBe(0);
    const waiting = Array.from({ length: 100 }, () =>
      errorOf(limit.acquire(controller.signal) as Promise<void>),
    );
    expect(vi.getTimerCount()).toBe(1);
    controller.abort();
    await Promise.all(waiting);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("lets go of all when nobody is to wait any more, so that nothing keeps the process alive", async () => {
    const limit = new RateLimit({ messages: 1, per: 3_600_000 });
    const { signal } = new AbortController();
    const forced = new AbortController();
    limit.acquire();
    limit.used();
    const waiting = [signal, undefined].map((one) =>
      errorOf(limit.acquire(one, forced.signal) as Promise<void>),
    );
    forced.abort();
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "aborted" });
    expect(vi.getTimerCount()).toBe(0);
    expect(await errorOf(limit.acquire(signal, forced.signal) as Promise<void>)).toMatchObject({
      code: "aborted",
    });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("a client with a limit", () => {
  watchProcess();

  test("holds it over all its connections", async () => {
    const times: number[] = [];
    const server = await serve(
      polite({
        MAIL: () => {
          times.push(performance.now());
          return "250 ok";
        },
      }),
    );
    const per = 160;
    const { client } = connectTo(server, { maxConnections: 4, rateLimit: { messages: 5, per } });
    await Promise.all(Array.from({ length: 13 }, () => client.send(MESSAGE)));
    expect(times.length).toBe(13);
    // The server hears of a message a moment after it began, and on a machine that is busy a long one.
    expect(most(times, per / 2)).toBeLessThanOrEqual(5);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(1.5 * per);
  });

  test("counts when messages begin, and not when they are allowed to: what waits for a connection begins no burst", async () => {
    const times: number[] = [];
    const { gate, open, waiting } = gated();
    const server = await serve(
      polite({
        MAIL: () => {
          times.push(performance.now());
          return "250 ok";
        },
        content: gate,
      }),
    );
    const per = 100;
    const { client } = connectTo(server, { maxConnections: 1, rateLimit: { messages: 2, per } });
    const all = Promise.all(["a", "b", "c", "d", "e"].map((name) => client.send(messageTo(name))));
    await until(() => waiting() === 1);
    const [began = 0] = times;
    await until(() => performance.now() - began > 3 * per);
    for (let left = 5; left > 0; left--) {
      open();
      if (left > 1) await until(() => waiting() === 1);
    }
    await all;
    expect(most(times, per / 2)).toBeLessThanOrEqual(2);
  });

  test("asks again for a second attempt", async () => {
    let asked = 0;
    const server = await serve((peer) =>
      polite({
        MAIL: () => {
          if (peer.index > 0 || peer.messages.length === 0) return "250 ok";
          peer.reset();
          return undefined;
        },
      })(peer),
    );
    const { client } = connectTo(server, {
      rateLimit: {
        acquire: () => {
          asked++;
        },
      },
    });
    await client.send(MESSAGE);
    expect((await client.send(MESSAGE)).attempts).toBe(2);
    expect(asked).toBe(3);
  });

  test("gives up a message that waits when its signal says so, and sends the others", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server, { rateLimit: { messages: 1, per: 60 } });
    const controller = new AbortController();
    const one = client.send(messageTo("one"));
    const two = errorOf(client.send(messageTo("two"), { signal: controller.signal }));
    const three = client.send(messageTo("three"));
    controller.abort();
    expect(await two).toMatchObject({ code: "aborted", phase: "queue", delivery: "not-sent" });
    await Promise.all([one, three]);
    expect(server.messages.length).toBe(2);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("no redis");
      },
    ],
    ["is rejected", () => Promise.reject(new Error("no redis"))],
  ])("sends nothing where the limiter of the caller %s, and says why", async (_, acquire) => {
    const server = await serve(polite());
    const { client } = connectTo(server, { rateLimit: { acquire } });
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({
      code: "rate_limit_failed",
      phase: "queue",
      delivery: "not-sent",
      retryable: true,
    });
    expect(error.cause).toMatchObject({ message: "no redis" });
    expect(server.peers.length).toBe(0);
  });

  test("can be told by an object of the caller's class, and a message be given up whatever that does", async () => {
    class Shared {
      asked: (AbortSignal | undefined)[] = [];
      acquire(signal?: AbortSignal): Promise<void> {
        this.asked.push(signal);
        return this.asked.length === 1 ? Promise.resolve() : new Promise(() => {});
      }
    }
    const server = await serve(polite());
    const shared = new Shared();
    const { client } = connectTo(server, { rateLimit: shared });
    await client.send(MESSAGE);
    const controller = new AbortController();
    const second = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    await until(() => shared.asked.length === 2);
    controller.abort();
    expect(await second).toMatchObject({ code: "aborted", phase: "queue", delivery: "not-sent" });
    expect(shared.asked[1]).toBe(controller.signal);
  });

  test("is not stuck by messages that could not be sent", async () => {
    let attempts = 0;
    const { client } = connectTo(
      { port: 9 },
      {
        rateLimit: { messages: 1, per: 60_000 },
        connect: () => {
          attempts++;
          return Promise.reject(new Error("no route"));
        },
      },
    );
    // None of them began, so none of them counts.
    for (let left = 3; left > 0; left--)
      expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "connection" });
    expect(attempts).toBe(3);
  });
});

test("a limit stays one where every object has been given a method", () => {
  const prototype = Object.prototype as { acquire?: unknown };
  prototype.acquire = () => {};
  try {
    expect(gateOf(readRateLimit({ messages: 1, per: 1000 }, "rateLimit"))).toBeInstanceOf(RateLimit);
  } finally {
    delete prototype.acquire;
  }
});
