// Many messages at once, and many connections: fair, cheap, and each told the truth.

import { describe, expect, test } from "vitest";
import type { SmtpError } from "../../src/errors.ts";
import { resolveOptions } from "../../src/options.ts";
import { type Loan, Pool, Waiter } from "../../src/pool.ts";
import { gather } from "../../src/trace.ts";
import { connectNode } from "../../src/transport/node.ts";
import { connectTo, MESSAGE, messageTo } from "../support/client.ts";
import { movedClocks } from "../support/clock.ts";
import { first, polite } from "../support/manners.ts";
import { type Peer, serve } from "../support/server.ts";
import { gated, verbs } from "../support/verbs.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

class Note extends Waiter {
  readonly told: unknown[];

  constructor(told: unknown[], signal?: AbortSignal) {
    super({ signal });
    this.told = told;
  }

  serve(loan: Loan): void {
    this.told.push(loan);
  }

  refuse(error: unknown): void {
    this.told.push(error);
  }
}

/** A pool whose connections are never made. */
function stuck(): Pool {
  const connect = (): Promise<never> => new Promise(() => {});
  const { settings, limits } = resolveOptions({ host: "mail.example", connect }, { connect: connectNode });
  return new Pool({ ...settings, trace: gather(undefined, undefined, undefined) }, limits);
}

describe("ten thousand that wait", () => {
  const MANY = 10_000;

  test("are served in their order, however many leave from the middle", async () => {
    const pool = stuck();
    const order: number[] = [];
    const controller = new AbortController();
    const given: unknown[] = [];
    class Numbered extends Note {
      readonly number: number;

      constructor(number: number) {
        super([], number % 3 === 1 ? controller.signal : undefined);
        this.number = number;
      }
      override refuse(error: unknown): void {
        if (this.number % 3 === 1) given.push(error);
        else order.push(this.number);
      }
    }
    for (let number = 0; number < MANY; number++) pool.enqueue(new Numbered(number));
    expect(pool.stats).toMatchObject({ waiting: MANY, opening: 5 });
    controller.abort();
    expect(given.length).toBe(3_333);
    expect(given[0]).toMatchObject({ code: "aborted", phase: "connect", delivery: "not-sent" });
    void pool.close({ force: true });
    expect(order.length).toBe(MANY - 3_333);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(pool.stats.waiting).toBe(0);
  });

  test("cost little more than they are, and the queue is as quick as a short one", () => {
    const time = (count: number): number => {
      const pool = stuck();
      const told: unknown[] = [];
      const began = performance.now();
      for (let left = count; left > 0; left--) pool.enqueue(new Note(told));
      void pool.close({ force: true });
      expect(told.length).toBe(count);
      return performance.now() - began;
    };
    time(MANY / 4);
    const [short, long] = [time(MANY / 4), time(MANY)];
    // Each is told by an error with a stack: that is what takes the time. In a queue that is searched it were 16 times.
    expect(long).toBeLessThan(Math.max(short, 5) * 10);
  });
});

describe("hundreds of messages", () => {
  test("go over a few connections, each once, in order, where every fortieth ends the connection", async () => {
    let taken = 0;
    const server = await serve(
      polite({
        offers: ["PIPELINING", "CHUNKING"],
        MAIL: (peer) => {
          if (++taken % 40 !== 0) return "250 ok";
          peer.reset();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { maxConnections: 3 });
    const names = Array.from({ length: 300 }, (_, at) => `n${at}`);
    const outcomes = await Promise.all(
      names.map((name) =>
        client.send(messageTo(name)).then(
          () => "sent",
          (error: SmtpError) => error.delivery,
        ),
      ),
    );
    for (const [at, name] of names.entries()) {
      const copies = server.messages.filter(
        (message) => message.includes(`<${name}@`) || message.includes(` ${name}@`),
      );
      const outcome = outcomes[at];
      if (outcome === "sent") expect(copies.length, name).toBe(1);
      else if (outcome === "unknown") expect(copies.length, name).toBeLessThanOrEqual(1);
      else expect(copies.length, name).toBe(0);
    }
    expect(outcomes.filter((outcome) => outcome === "sent").length).toBeGreaterThan(280);
    expect(client.stats).toMatchObject({ waiting: 0, busy: 0, opening: 0 });
  });
});

describe("thousands of messages over one connection", () => {
  const LASTING = { maxConnections: 1, maxMessagesPerConnection: 100_000 };

  test("fail one by one where the server cannot take any, and none is lost", async () => {
    const server = await serve(polite({ offers: ["SIZE 10"] }));
    const { client } = connectTo(server, LASTING);
    const errors = await Promise.all(Array.from({ length: 5_000 }, () => errorOf(client.send(MESSAGE))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["message_too_large"]));
    expect(client.stats).toMatchObject({ underWay: 0, failed: 5_000, opened: 1, closed: 0 });
  });

  test("follow each other, a thousand at a time", async () => {
    const server = await serve(polite({ offers: ["PIPELINING", "CHUNKING"] }));
    const { client } = connectTo(server, LASTING);
    const messages = Array.from({ length: 4_000 }, () => MESSAGE);
    let sent = 0;
    for await (const { ok } of client.sendMany(messages, { concurrency: 4_000, inFlight: 1_000 }))
      if (ok) sent++;
    expect(sent).toBe(4_000);
    expect(server.messages.length).toBe(4_000);
  });
});

describe("a server that drops every connection", () => {
  test("is tried once for each message, and each is told so", async () => {
    const server = await serve(
      polite({
        MAIL: (peer) => {
          peer.reset();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const errors = await Promise.all(Array.from({ length: 40 }, () => errorOf(client.send(MESSAGE))));
    for (const error of errors) {
      expect(error).toMatchObject({ code: "connection_lost", delivery: "not-sent", retryable: true });
    }
    expect(server.peers.length).toBe(40);
  });
});

describe("five connections that are idle", () => {
  async function five(script = polite) {
    const { gate, open, waiting } = gated();
    const server = await serve(script({ content: gate }));
    const watched = connectTo(server);
    const sending = Promise.all([1, 2, 3, 4, 5].map(() => watched.client.send(MESSAGE)));
    await until(() => waiting() === 5);
    for (let left = 5; left > 0; left--) open();
    await sending;
    expect(watched.client.stats).toMatchObject({ idle: 5, busy: 0, opened: 5, closed: 0 });
    return { ...watched, server, open, waiting };
  }

  test.each<[string, (peer: Peer) => unknown]>([
    ["FIN", (peer) => peer.end()],
    ["RST", (peer) => peer.reset()],
    ["421", (peer) => peer.say("421 4.4.2 idle for too long").then(() => peer.end())],
    ["421 without hanging up", (peer) => peer.say("421 4.3.2 going down")],
  ])("and end (%s) are gone at once, and are nobody's error", async (_, end) => {
    const { client, happened, open, server, waiting } = await five();
    for (const peer of server.peers) end(peer);
    await happened("closed", 5);
    expect(client.stats).toMatchObject({ idle: 0, opened: 5, closed: 5, allowed: 5 });
    const next = client.send(MESSAGE);
    await until(() => waiting() === 1);
    open();
    expect((await next).attempts).toBe(1);
    expect(server.peers.length).toBe(6);
  });

  test("are those of one client: another with another login has its own", async () => {
    const logins: string[] = [];
    const server = await serve(
      polite({
        offers: ["AUTH PLAIN"],
        AUTH: (peer, line) => {
          logins.push(
            `${peer.index} ${
              Buffer.from(line.split(" ")[2] ?? "", "base64")
                .toString()
                .split("\0")[1]
            }`,
          );
          return "235 ok";
        },
      }),
    );
    const alice = connectTo(server, { auth: { user: "alice", pass: "a" } }).client;
    const bob = connectTo(server, { auth: { user: "bob", pass: "b" } }).client;
    for (const client of [alice, bob, alice, bob]) await client.send(MESSAGE);
    expect(logins).toEqual(["0 alice", "1 bob"]);
    expect(server.peers.map(({ messages }) => messages.length)).toEqual([2, 2]);
  });
});

describe("messages sent by whoever hears of the first connection", () => {
  test("wait for it: there are no more than there may be", async () => {
    const server = await serve(polite());
    const sending: Promise<unknown>[] = [];
    const { client } = connectTo(server, {
      maxConnections: 1,
      trace: ({ kind }) => {
        if (kind === "connecting" && sending.length < 5) sending.push(client.send(MESSAGE));
      },
    });
    sending.push(client.send(MESSAGE));
    await until(() => client.stats.sent === sending.length);
    expect(server.peers.length).toBe(1);
  });
});

describe("a login that is refused", () => {
  test("is tried no more often than there were connections being opened, and all fail", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"], AUTH: "535 5.7.8 no" }));
    const { client } = connectTo(server, { maxConnections: 3, auth: { user: "alice", pass: "x" } });
    const errors = await Promise.all(Array.from({ length: 200 }, () => errorOf(client.send(MESSAGE))));
    expect(new Set(errors.map(({ code }) => code))).toEqual(new Set(["authentication_refused"]));
    await until(() => client.stats.opening === 0);
    expect(server.peers.length).toBeLessThanOrEqual(3);
    expect(client.stats).toMatchObject({ opened: 0, waiting: 0 });
  });
});

describe("a login that was refused a moment ago", () => {
  test("is not asked for again by those who come then: each is told the same, at once", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"], AUTH: "535 5.7.8 no" }));
    const { client } = connectTo(server, { maxConnections: 2, auth: { user: "alice", pass: "x" } });
    const errors: SmtpError[] = [];
    for await (const result of client.sendMany(Array.from({ length: 400 }, () => MESSAGE))) {
      if (!result.ok) errors.push(result.error);
    }
    expect(errors.map(({ code }) => code)).toEqual(
      Array.from({ length: 400 }, () => "authentication_refused"),
    );
    expect(new Set(errors).size).toBe(400);
    expect(server.peers.length).toBeLessThanOrEqual(2);
  });

  test("is asked for again when a while has passed, and pauses end with one that is taken", async () => {
    const ahead = movedClocks();
    let isRight = false;
    const server = await serve(
      polite({ offers: ["AUTH PLAIN"], AUTH: () => (isRight ? "235 ok" : "535 5.7.8 no") }),
    );
    const { client } = connectTo(server, { maxConnections: 1, auth: { user: "alice", pass: "x" } });
    expect((await errorOf(client.send(MESSAGE))).code).toBe("authentication_refused");
    isRight = true;
    expect((await errorOf(client.send(MESSAGE))).code).toBe("authentication_refused");
    expect(server.peers.length).toBe(1);
    ahead.monotonic += 1_000;
    await client.send(MESSAGE);
    expect(server.peers.length).toBe(2);
  });
});

describe("close by force", () => {
  test("refuses who waits, ends what is under way, and says of each what is true", async () => {
    const { gate, waiting } = gated();
    const server = await serve(polite({ content: gate }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const sending = ["one", "two", "three"].map((name) => errorOf(client.send(messageTo(name))));
    await until(() => waiting() === 1);
    const closing = client.close({ force: true });
    const errors = await Promise.all(sending);
    expect(errors.map(({ delivery }) => delivery)).toEqual(["unknown", "not-sent", "not-sent"]);
    expect(errors.map(({ code }) => code)).toEqual(["aborted", "aborted", "aborted"]);
    expect(errors[1]).toMatchObject({ phase: "queue", retryable: false });
    await closing;
    await server.peers[0]?.closed;
    expect(server.peers.length).toBe(1);
    expect(client.stats).toMatchObject({ opening: 0, idle: 0, busy: 0, waiting: 0, opened: 1, closed: 1 });
  });

  test("ends a close that waits, and may be said twice", async () => {
    const { gate, waiting } = gated();
    const server = await serve(polite({ content: gate }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const sending = errorOf(client.send(MESSAGE));
    await until(() => waiting() === 1);
    const closing = client.close();
    await Promise.all([client.close({ force: true }), client.close({ force: true }), closing]);
    expect(await sending).toMatchObject({ code: "aborted", delivery: "unknown" });
    await client.close();
  });

  test("gives up connections that are being made, and makes no new ones", async () => {
    const server = await serve(polite({ greeting: (peer) => peer.silence() as Promise<never> }));
    const { client } = connectTo(server, { maxConnections: 2 });
    const sending = [1, 2, 3].map(() => errorOf(client.send(MESSAGE)));
    await server.peer(1);
    await client.close({ force: true });
    expect((await Promise.all(sending)).map(({ delivery }) => delivery)).toEqual(Array(3).fill("not-sent"));
    await Promise.all(server.peers.map(({ closed }) => closed));
    expect(server.peers.length).toBe(2);
  });

  test("waits for no goodbye", async () => {
    const server = await serve(polite({ QUIT: (peer) => peer.silence() as Promise<never> }));
    const { client } = connectTo(server, { timeouts: { quit: 3_000 } });
    await client.send(MESSAGE);
    const began = performance.now();
    await client.close({ force: true });
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  test("is not needed for a connection that is retried: a message that lost its own is refused", async () => {
    const { gate, waiting } = gated();
    const server = await serve(first(polite({ content: gate }), polite()));
    const { client } = connectTo(server, { maxConnections: 1 });
    const both = [errorOf(client.send(messageTo("one"))), errorOf(client.send(messageTo("two")))];
    await until(() => waiting() === 1);
    await client.close({ force: true });
    await Promise.all(both);
    expect(server.peers.length).toBe(1);
    expect(verbs(server.peers[0]).filter((verb) => verb === "MAIL").length).toBe(1);
  });
});
