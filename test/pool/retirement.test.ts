// How long a connection is used: so many messages, so much time, and what a suspended machine makes of it.

import { describe, expect, test } from "vitest";
import type { Connection } from "../../src/connection.ts";
import { Member } from "../../src/pool/member.ts";
import { connectTo, MESSAGE, messageTo } from "../support/client.ts";
import { chance, movedClocks } from "../support/clock.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { gated, verbs } from "../support/verbs.ts";
import { until, watchProcess } from "../support/watch.ts";

watchProcess();

const MINUTE = 60_000;

describe("a connection that has carried its messages", () => {
  test("says QUIT, and the next message takes a new one", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server, { maxMessagesPerConnection: 2 });
    for (let left = 5; left > 0; left--) expect((await client.send(MESSAGE)).attempts).toBe(1);
    expect(server.peers.map(({ messages }) => messages.length)).toEqual([2, 2, 1]);
    await Promise.all(server.peers.slice(0, 2).map(({ closed }) => closed));
    expect(server.peers.map((peer) => verbs(peer).at(-1))).toEqual(["QUIT", "QUIT", "DATA"]);
  });

  test.each([
    ["one after the other", []],
    ["one behind the other", ["PIPELINING"]],
    ["one behind the other, in chunks", ["PIPELINING", "CHUNKING"]],
  ])("carries no more, though many wait: %s", async (_, offers) => {
    const server = await serve(polite({ offers }));
    const { client } = connectTo(server, { maxConnections: 2, maxMessagesPerConnection: 3 });
    const receipts = await Promise.all(Array.from({ length: 20 }, () => client.send(MESSAGE)));
    expect(receipts.every(({ attempts }) => attempts === 1)).toBe(true);
    expect(server.messages.length).toBe(20);
    expect(Math.max(...server.peers.map(({ messages }) => messages.length))).toBe(3);
  });

  test.each([
    ["LIMITS MAILMAX=2", 100, [2, 2, 1]],
    ["LIMITS MAILMAX=4", 3, [3, 2]],
  ])("carries as many as the server says it takes: %s", async (limits, most, counts) => {
    const server = await serve(polite({ offers: ["PIPELINING", limits] }));
    const { client } = connectTo(server, { maxConnections: 1, maxMessagesPerConnection: most });
    await Promise.all(Array.from({ length: 5 }, () => client.send(MESSAGE)));
    expect(server.peers.map(({ messages }) => messages.length)).toEqual(counts);
  });

  test("holds nobody up when its goodbye is not answered", async () => {
    const server = await serve(polite({ QUIT: (peer) => peer.silence() as Promise<never> }));
    const limits = { maxConnections: 1, maxMessagesPerConnection: 1 };
    const { client } = connectTo(server, { ...limits, timeouts: { quit: 400 } });
    const began = performance.now();
    await Promise.all([client.send(MESSAGE), client.send(MESSAGE), client.send(MESSAGE)]);
    expect(performance.now() - began).toBeLessThan(350);
    expect(server.peers.length).toBe(3);
    await client.close();
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});

describe("a connection that has grown old", () => {
  test("says QUIT while it is idle", async () => {
    const server = await serve(polite());
    const { client, happened } = connectTo(server, { maxConnectionAge: 30 });
    await client.send(MESSAGE);
    await happened("closed");
    expect(verbs(server.peers[0]).at(-1)).toBe("QUIT");
  });

  test("says QUIT when it comes back, though others wait for it", async () => {
    const clocks = movedClocks();
    const { gate, open, waiting } = gated();
    const server = await serve(polite({ content: gate }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const both = Promise.all([client.send(messageTo("one")), client.send(messageTo("two"))]);
    await until(() => waiting() === 1);
    clocks.monotonic += 12 * MINUTE;
    open();
    await until(() => waiting() === 1);
    open();
    expect((await both).map(({ attempts }) => attempts)).toEqual([1, 1]);
    expect(server.peers.length).toBe(2);
    expect(verbs(server.peers[0]).at(-1)).toBe("QUIT");
  });

  test.each([
    [0, 8.9 * MINUTE, 9.1 * MINUTE],
    [0.999_999, 10.9 * MINUTE, 11.1 * MINUTE],
  ])("is of an age that chance moves by a tenth (%d)", (drawn, young, old) => {
    const clocks = movedClocks();
    chance(drawn);
    const limits = { maxMessagesPerConnection: 5, maxConnectionAge: 10 * MINUTE, idleTimeout: 1 };
    const member = new Member({} as Connection, limits);
    clocks.monotonic = young;
    expect(member.isSpent).toBe(false);
    clocks.monotonic = old;
    expect(member.isSpent).toBe(true);
  });
});

describe("after the machine was suspended", () => {
  async function rested(idleTimeout: number) {
    const clocks = movedClocks();
    const { gate, open, waiting } = gated();
    const server = await serve(polite({ content: gate }));
    const watched = connectTo(server, { maxConnections: 3, idleTimeout });
    const sending = Promise.all([1, 2, 3].map(() => watched.client.send(MESSAGE)));
    await until(() => waiting() === 3);
    for (let left = 3; left > 0; left--) open();
    await sending;
    const send = async () => {
      const next = watched.client.send(MESSAGE);
      await until(() => waiting() === 1);
      open();
      return next;
    };
    return { ...watched, clocks, server, send };
  }

  test("no connection that was idle is used again, and none is waited for", async () => {
    const { client, clocks, send, server, happened } = await rested(30_000);
    clocks.wall += 60 * MINUTE;
    expect((await send()).attempts).toBe(1);
    expect(client.stats).toMatchObject({ idle: 1, opened: 4, closed: 3 });
    await happened("closed", 3);
    await Promise.all(server.peers.slice(0, 3).map(({ closed }) => closed));
    for (const peer of server.peers.slice(0, 3))
      expect(verbs(peer)).toEqual(["EHLO", "MAIL", "RCPT", "DATA"]);
  });

  test("the wall clock alone shows that the idle time has passed", async () => {
    const { clocks, send, server } = await rested(2_000);
    clocks.wall += 2_500;
    await send();
    expect(server.peers.length).toBe(4);
  });

  test("it counts although it was much shorter than the idle time", async () => {
    const { clocks, send, server } = await rested(60 * MINUTE);
    clocks.wall += 6_000;
    expect((await send()).attempts).toBe(1);
    expect(server.peers.length).toBe(4);
  });

  test.each([
    ["slept with us", { monotonic: 20_000, wall: 20_000 }],
    ["was set back", { monotonic: 0, wall: -60 * MINUTE }],
    ["was set forward a little", { monotonic: 0, wall: 4_000 }],
  ])("connections are used on where the wall clock %s", async (_, ahead) => {
    const { clocks, send, server } = await rested(30_000);
    Object.assign(clocks, ahead);
    expect((await send()).attempts).toBe(1);
    expect(server.peers.length).toBe(3);
  });

  test("a timer that comes late lends nothing that should have ended", async () => {
    const { clocks, send, server } = await rested(30_000);
    clocks.monotonic += 31_000;
    clocks.wall += 31_000;
    await send();
    expect(server.peers.length).toBe(4);
  });
});
