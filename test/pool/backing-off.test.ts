// What the pool makes of a server that has too much, or that breaks under what it is told.

import { describe, expect, test } from "vitest";
import { ProtocolError, ReplyError, type SmtpError, TransportError } from "../../src/errors.ts";
import { Backoff } from "../../src/pool/backoff.ts";
import { isTooMuch, Pace } from "../../src/pool/pace.ts";
import { connectTo, MESSAGE, messageTo } from "../support/client.ts";
import { chance, movedClocks } from "../support/clock.ts";
import { first, nth, polite } from "../support/manners.ts";
import { type Peer, type Script, serve } from "../support/server.ts";
import { gated, verbs } from "../support/verbs.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

function refusal(code: number, enhancedStatus?: string): ReplyError {
  const reply = { code, lines: ["no"], ...(enhancedStatus !== undefined && { enhancedStatus }) };
  return new ReplyError("no", { code: "service_closing", phase: "mail", verb: "MAIL", reply });
}

/** A server that takes `limit` connections at a time, and says 421 to the others. */
function taking(limit: number, others: Script = polite()): Script & { refused: () => number } {
  let open = 0;
  let refused = 0;
  const script = async (peer: Peer): Promise<void> => {
    if (open >= limit) {
      refused++;
      await peer.say("421 4.3.2 too many connections");
      peer.end();
      return;
    }
    open++;
    void peer.closed.then(() => open--);
    await others(peer);
  };
  return Object.assign(script, { refused: () => refused });
}

describe("a server that takes fewer connections than we may have", () => {
  test("gets every message over those, and nobody hears of it", async () => {
    const clocks = movedClocks();
    const script = taking(2);
    const server = await serve(script);
    const { client } = connectTo(server, { maxConnections: 5 });
    const sending = Promise.all(Array.from({ length: 15 }, () => client.send(MESSAGE)));
    await until(() => script.refused() === 3);
    // However slow this machine is, the pause is not over before the messages are sent.
    clocks.monotonic -= 60_000;
    expect((await sending).map(({ attempts }) => attempts)).toEqual(Array(15).fill(1));
    expect(server.messages.length).toBe(15);
    // All that were refused at once are one piece of news.
    expect(client.stats.allowed).toBe(3);
    expect(server.peers.length).toBe(5);
  });

  test("is asked for one more only when a run of messages went well, and after a pause", async () => {
    const clocks = movedClocks();
    const refused: number[] = [];
    const content = (): string => {
      refused.push(script.refused());
      if (refused.length === 10) clocks.monotonic += 1_000;
      return "250 queued";
    };
    const script = taking(2, polite({ content }));
    const server = await serve(script);
    const { client } = connectTo(server, { maxConnections: 3 });
    await Promise.all(Array.from({ length: 36 }, () => client.send(MESSAGE)));
    expect(server.messages.length).toBe(36);
    expect(refused.slice(5, 20)).toEqual(Array(15).fill(1));
    await until(() => client.stats.allowed === 2);
    expect(script.refused()).toBe(2);
  });

  test("tells one message for each attempt where it takes none at all, and the others wait for the pause", async () => {
    chance(0);
    const server = await serve(first(polite({ greeting: "421 4.7.0 too many, later" }), polite()));
    const { client } = connectTo(server, { maxConnections: 1 });
    const [one, two] = [errorOf(client.send(messageTo("one"))), client.send(messageTo("two"))];
    expect(await one).toMatchObject({ delivery: "not-sent", retryable: true, reply: { code: 421 } });
    const refusedAt = performance.now();
    expect(client.stats).toMatchObject({ waiting: 1, opening: 0 });
    expect((await two).attempts).toBe(1);
    expect(performance.now() - refusedAt).toBeGreaterThan(230);
  });

  test("is not waited for by anybody who has given up", async () => {
    chance(0.999);
    const server = await serve(polite({ greeting: "421 4.7.0 too many, later" }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const controller = new AbortController();
    const one = errorOf(client.send(MESSAGE));
    const two = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    await one;
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    controller.abort();
    expect(await two).toMatchObject({ code: "aborted", phase: "queue" });
    expect(timers()).toBe(before - 1);
  });

  test("gets fewer at a time after a 421 within a session, and those that are too many end in good order", async () => {
    const { gate, open, waiting } = gated();
    let isFull = false;
    const server = await serve(
      polite({
        content: async (peer) => {
          const verdict = await gate();
          return isFull && peer.index === 0 ? "421 4.3.2 too much" : verdict;
        },
      }),
    );
    const { client } = connectTo(server, { maxConnections: 4 });
    const sending = Array.from({ length: 4 }, () => client.send(MESSAGE).catch((error: unknown) => error));
    await until(() => waiting() === 4);
    isFull = true;
    for (let left = 4; left > 0; left--) open();
    const outcomes = await Promise.all(sending);
    expect(outcomes.filter((outcome) => outcome instanceof Error)).toMatchObject([
      { code: "service_closing" },
    ]);
    await until(() => client.stats.closing === 0);
    expect(client.stats).toMatchObject({ allowed: 2, idle: 2, busy: 0, opened: 4, closed: 2 });
    expect(server.peers.filter((peer) => verbs(peer).at(-1) === "QUIT").length).toBe(1);
  });

  test("serves a message whose connection was dead over one that works, where it takes no new one", async () => {
    const { gate, open, waiting } = gated();
    const server = await serve((peer) => {
      if (peer.index > 1) return polite({ greeting: "421 4.3.2 too many" })(peer);
      const MAIL = nth(2, () => {
        if (peer.index === 0) return "250 ok";
        peer.reset();
        return undefined;
      });
      return polite({ MAIL, content: gate })(peer);
    });
    const { client } = connectTo(server, { maxConnections: 3 });
    const both = [client.send(MESSAGE), client.send(MESSAGE)];
    await until(() => waiting() === 2);
    for (let left = 2; left > 0; left--) open();
    await Promise.all(both);
    const again = [client.send(messageTo("one")), client.send(messageTo("two"))];
    await until(() => server.peers.length === 3 && client.stats.opening === 0 && waiting() === 1);
    open();
    await until(() => waiting() === 1);
    open();
    expect((await Promise.all(again)).map(({ attempts }) => attempts).sort()).toEqual([1, 2]);
    expect(server.messages.length).toBe(4);
  });
});

describe("a refusal asks for less", () => {
  test.each([
    [421, undefined],
    [421, "4.3.2"],
    [421, "4.7.0"],
    [450, "4.7.1"],
    [451, "4.3.2"],
    [454, "4.7.0"],
  ])("with %d %s", (code, status) => {
    expect(isTooMuch(refusal(code, status))).toBe(true);
  });

  test.each([
    [421, "4.4.2"],
    [450, "4.2.1"],
    [452, "4.3.1"],
    [451, "4.30.2"],
    [550, "5.7.1"],
    [554, "5.3.2"],
    [450, undefined],
  ])("but not with %d %s", (code, status) => {
    expect(isTooMuch(refusal(code, status))).toBe(false);
  });

  test("but no other error does", () => {
    expect(isTooMuch(new TransportError("lost", { code: "connection_lost" }))).toBe(false);
    expect(isTooMuch(new ProtocolError("odd", { code: "invalid_reply" }))).toBe(false);
    expect(isTooMuch(new Error("421"))).toBe(false);
    expect(isTooMuch(undefined)).toBe(false);
  });
});

describe("the pace", () => {
  test("is half of what there was, and never less than one", () => {
    const clocks = movedClocks();
    const pace = new Pace(10);
    const allowed = [7, 3, 3, 1, 1].map((connections) => {
      clocks.monotonic += 60_000;
      pace.cut(connections);
      return pace.allowed;
    });
    expect(allowed).toEqual([4, 2, 1, 1, 1]);
  });

  test("is cut once for what was refused together", () => {
    const pace = new Pace(8);
    for (let left = 8; left > 0; left--) pace.cut(left);
    expect(pace.allowed).toBe(4);
  });

  test("grows by one after twenty successes, to what it was, and then a pause begins small again", () => {
    const clocks = movedClocks();
    chance(0);
    const pace = new Pace(4);
    pace.cut(3);
    expect(pace.allowed).toBe(2);
    const run = (): boolean[] => Array.from({ length: 20 }, () => pace.succeeded());
    expect(run()).toEqual([...Array(19).fill(false), true]);
    expect(pace.allowed).toBe(3);
    run();
    expect(pace.allowed).toBe(4);
    expect(run()).toEqual(Array(20).fill(false));
    clocks.monotonic += 60_000;
    pace.cut(3);
    expect(pace.resumesAt - performance.now()).toBeLessThanOrEqual(250);
  });

  test.each([
    [0, [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]],
    [0.999_999_999, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
  ])("pauses twice as long each time, to a limit, by chance up to half shorter (%d)", (drawn, pauses) => {
    const clocks = movedClocks();
    chance(drawn);
    const backoff = new Backoff();
    const seen = pauses.map(() => {
      const began = performance.now();
      expect(backoff.begin()).toBe(true);
      expect(backoff.begin()).toBe(false);
      const pause = backoff.until - began;
      clocks.monotonic += 31_000;
      return Math.round(pause);
    });
    for (const [at, pause] of pauses.entries()) expect(Math.abs((seen[at] ?? 0) - pause)).toBeLessThan(20);
  });
});

describe("a server that breaks under pipelining", () => {
  const OFFERS = ["PIPELINING", "CHUNKING"];

  test("is spoken to in lock-step over the connections that follow, and the old ones are used no more", async () => {
    const { gate, open, waiting } = gated();
    const server = await serve((peer) => {
      const content = peer.index === 0 ? "250 queued\n250 and once more" : gate;
      return polite({ offers: OFFERS, content })(peer);
    });
    const { client, events } = connectTo(server, { maxConnections: 2 });
    const pair = [client.send(messageTo("one")).catch(() => {}), client.send(messageTo("two"))];
    await until(() => waiting() === 1);
    await until(() => server.peers[0]?.hasEnded === true || client.stats.closed === 1);
    open();
    await Promise.all(pair);
    const before = events.length;
    const next = [3, 4].map((name) => client.send(messageTo(`n${name}`)));
    await until(() => waiting() === 1);
    open();
    await until(() => waiting() === 1);
    open();
    await Promise.all(next);
    expect(server.peers.slice(0, 2).map(({ messages }) => messages.length)).toEqual([1, 1]);
    const said = events.slice(before).filter(({ connection }) => connection > 2);
    for (const [at, { kind }] of said.entries()) {
      // EHLO is answered before MAIL is said, MAIL before RCPT…
      if (kind === "command") expect(said[at + 1]?.kind).toBe("reply");
    }
    expect(server.peers.slice(2).flatMap((peer) => verbs(peer))).not.toContain("BDAT");
  });

  test.each([
    ["in chunks", OFFERS],
    ["through DATA", ["PIPELINING"]],
  ])(
    "and one that hangs up behind its second message loses what rode behind it once, and not again: %s",
    async (_, offers) => {
      const server = await serve((peer) => {
        let messages = 0;
        return polite({
          offers,
          content: async () => {
            if (++messages < 2) return "250 queued";
            await peer.say("250 queued");
            peer.end();
            return undefined;
          },
        })(peer);
      });
      const { client } = connectTo(server, { maxConnections: 1 });
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, () =>
          client.send(MESSAGE).then(
            () => "sent",
            ({ delivery }: SmtpError) => delivery,
          ),
        ),
      );
      const sent = outcomes.filter((outcome) => outcome === "sent");
      expect(sent.length).toBe(server.messages.length);
      // Two were under way when the first connection ended; none is lost on those that follow.
      expect(sent.length).toBeGreaterThanOrEqual(10);
    },
  );
});
