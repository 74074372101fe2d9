// Connections that are kept although nobody waits for them.

import { describe, expect, test } from "vitest";
import { Alarm } from "../../src/alarm.ts";
import { connectNode } from "../../src/transport/node.ts";
import type { Connect, Wire } from "../../src/transport/wire.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { chance, movedClocks } from "../support/clock.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { gated, verbs } from "../support/verbs.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

async function turns(): Promise<void> {
  for (let left = 20; left > 0; left--) await new Promise((resolve) => setImmediate(resolve));
}

describe("connections that are kept", () => {
  test("are opened once the first is, and not before the client is used", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server, { minConnections: 3 });
    await turns();
    expect(server.peers.length).toBe(0);
    await client.send(MESSAGE);
    await until(() => client.stats.idle === 3);
    expect(client.stats).toMatchObject({ opening: 0, opened: 3, closed: 0 });
  });

  test("outlive the idle time, and the others do not", async () => {
    const server = await serve(polite());
    const { client, happened } = connectTo(server, { minConnections: 1, maxConnections: 3, idleTimeout: 40 });
    await Promise.all([client.send(MESSAGE), client.send(MESSAGE), client.send(MESSAGE)]);
    await happened("closed", 2);
    expect(client.stats).toMatchObject({ idle: 1, opened: 3, closed: 2 });
    expect(server.peers.filter((peer) => verbs(peer).at(-1) === "QUIT").length).toBe(2);
    const began = performance.now();
    await until(() => performance.now() - began > 100);
    expect(client.stats).toMatchObject({ idle: 1, opened: 3, closed: 2 });
  });

  test("are replaced when they grow old", async () => {
    const server = await serve(polite());
    const { client, happened } = connectTo(server, { minConnections: 1, maxConnectionAge: 40 });
    await client.send(MESSAGE);
    await happened("closed", 2);
    expect(server.peers.slice(0, 2).map((peer) => verbs(peer).at(-1))).toEqual(["QUIT", "QUIT"]);
    expect(server.peers.length).toBeGreaterThan(2);
  });

  test("are replaced when they die, with pauses that grow, and never in a hurry", async () => {
    chance(0);
    const born: number[] = [];
    const server = await serve(
      polite({
        EHLO: (peer) => {
          born.push(performance.now());
          if (peer.index > 0) setImmediate(() => peer.reset());
          return "250 test.example";
        },
      }),
    );
    const { client } = connectTo(server, { minConnections: 2 });
    await client.send(MESSAGE);
    await until(() => born.length === 5);
    const pauses = born.map((at, index) => at - (born[index - 1] ?? at)).slice(2);
    for (const pause of pauses) expect(pause).toBeGreaterThan(230);
    // The message that was taken meanwhile made the next pause a first one again, but did not end the one that was.
    expect(pauses.at(-1)).toBeGreaterThan(480);
    expect((await client.send(MESSAGE)).attempts).toBe(1);
  });

  test("are not asked for again once a login was refused, until somebody's is taken", async () => {
    const clocks = movedClocks();
    const server = await serve(
      polite({
        offers: ["AUTH PLAIN"],
        AUTH: (peer) => (peer.index === 0 ? "235 ok" : "535 5.7.8 no"),
      }),
    );
    const { client } = connectTo(server, { minConnections: 3, auth: { user: "alice", pass: "x" } });
    await client.send(MESSAGE);
    await until(() => client.stats.opening === 0 && server.peers.length === 3);
    clocks.monotonic += 25_000;
    await client.send(MESSAGE);
    await turns();
    expect(server.peers.length).toBe(3);
    expect(client.stats).toMatchObject({ opening: 0, idle: 1 });
  });

  test("keep nothing alive, and one that carries a message does", async () => {
    const held = new Map<Wire, boolean>();
    const connect: Connect = async (target) => {
      const wire = await connectNode(target);
      const hold = wire.hold.bind(wire);
      held.set(wire, true);
      return Object.assign(wire, {
        hold: (active: boolean) => {
          held.set(wire, active);
          hold(active);
        },
      });
    };
    const { gate, open, waiting } = gated();
    const server = await serve(polite({ content: gate }));
    const { client } = connectTo(server, { minConnections: 4, connect });
    const sending = client.send(MESSAGE);
    await until(() => waiting() === 1 && client.stats.idle === 3);
    expect([...held.values()]).toEqual([true, false, false, false]);
    open();
    await sending;
    expect([...held.values()]).toEqual([false, false, false, false]);
  });

  test("wait for their time by timers that keep nothing alive", () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    const alarms = [false, true].map((holds) => new Alarm(() => {}, { holds }));
    for (const alarm of alarms) alarm.set(performance.now() + 60_000);
    expect(timers()).toBe(before + 1);
    for (const alarm of alarms) alarm.clear();
    expect(timers()).toBe(before);
  });

  test("are no reason to try on where nobody can be reached", async () => {
    let attempts = 0;
    const { client } = connectTo(
      { port: 9 },
      {
        minConnections: 3,
        connect: () => {
          attempts++;
          return Promise.reject(new Error("no route"));
        },
      },
    );
    await errorOf(client.send(MESSAGE));
    await turns();
    expect(attempts).toBe(1);
  });
});
