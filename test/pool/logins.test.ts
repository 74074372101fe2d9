// Logins that fail on our side, and what that means for those who wait: nobody is kept waiting, or told another's fate.

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { later, type Mechanism } from "../../src/auth/mechanism.ts";
import { encodeUtf8 } from "../../src/bytes.ts";
import { ConfigError, ProtocolError, TransportError } from "../../src/errors.ts";
import type { AuthOptions } from "../../src/options/auth.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { gated } from "../support/verbs.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

function custom(exchange: Mechanism["exchange"]): AuthOptions {
  return { user: "alice", custom: { name: "X-OWN", exchange } };
}

const OFFER = { offers: ["AUTH X-OWN"] };

describe("a mechanism of the caller's own", () => {
  test("that waits for what takes its time signs in, and messages go out", async () => {
    const server = await serve(
      polite({
        ...OFFER,
        AUTH: async (peer) => {
          await peer.say("334 MTIz");
          return (await peer.line()) === "MzIx" ? "235 2.7.0 welcome" : "535 5.7.8 no";
        },
      }),
    );
    const auth = custom(function* () {
      const challenge = yield undefined;
      const answer = yield* later(() => new Promise<string>((resolve) => setImmediate(resolve, "321")));
      expect(challenge).toEqual(encodeUtf8("123"));
      yield encodeUtf8(answer);
    });
    const { client } = connectTo(server, { auth });
    await client.send(MESSAGE);
    expect(server.heard).toContain("AUTH X-OWN\r\nMzIx\r\n");
  });

  test("that fails tells all who wait, each with an error of their own, and logs in no more than once a connection", async () => {
    const server = await serve(polite(OFFER));
    const cause = new Error("no ticket");
    const auth = custom(function* () {
      yield* later(() => Promise.reject(cause));
    });
    const { client } = connectTo(server, { auth, maxConnections: 2 });
    const errors = await Promise.all(Array.from({ length: 50 }, () => errorOf(client.send(MESSAGE))));
    for (const error of errors) {
      expect(error).toBeInstanceOf(ConfigError);
      expect(error).toMatchObject({ phase: "auth", delivery: "not-sent", retryable: false, cause });
    }
    expect(new Set(errors).size).toBe(50);
    expect(server.peers.length).toBeLessThanOrEqual(2);
    expect(server.heard).not.toContain("AUTH");
  });

  test("that never comes to an end is given up in time", async () => {
    const server = await serve(polite(OFFER));
    const auth = custom(function* () {
      yield* later(() => new Promise<never>(() => {}));
    });
    const { client } = connectTo(server, { auth, timeouts: { command: 40 } });
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: "deadline", phase: "auth", delivery: "not-sent" });
    expect(error.message).toContain("the login took longer than 40 ms");
    await server.peers[0]?.closed;
  });

  test("is left alone when the caller gives up, whatever comes of it then", async () => {
    const server = await serve(polite(OFFER));
    let finish: (value?: undefined) => void = () => {};
    const work = new Promise<undefined>((resolve) => {
      finish = resolve;
    });
    let isAsked = false;
    const auth = custom(function* () {
      isAsked = true;
      yield* later(() => work);
      yield encodeUtf8("late");
    });
    const { client } = connectTo(server, { auth });
    const stop = new AbortController();
    const sending = errorOf(client.send(MESSAGE, { signal: stop.signal }));
    await until(() => isAsked);
    stop.abort();
    expect(await sending).toMatchObject({ code: "aborted", delivery: "not-sent" });
    finish();
    await server.peers[0]?.closed;
    expect(server.heard).not.toContain("AUTH");
  });
});

describe("a challenge that no mechanism knows", () => {
  test("is told to all who wait", async () => {
    const server = await serve(
      polite({
        offers: ["AUTH PLAIN"],
        AUTH: async (peer) => {
          await peer.say("334 !!!");
          await peer.line();
          return "501 5.5.2 broken off";
        },
      }),
    );
    const { client } = connectTo(server, { auth: { user: "alice", pass: "open sesame" }, maxConnections: 2 });
    const errors = await Promise.all(Array.from({ length: 50 }, () => errorOf(client.send(MESSAGE))));
    for (const error of errors) {
      expect(error).toBeInstanceOf(ProtocolError);
      expect(error).toMatchObject({ code: "invalid_challenge", phase: "auth", delivery: "not-sent" });
    }
    expect(new Set(errors).size).toBe(50);
    expect(server.peers.length).toBeLessThanOrEqual(2);
  });
});

describe("a login that fails while another connection works", () => {
  test("is not tried for each of those who wait: they go over the one that works", async () => {
    // No pause passes, however slow this machine is.
    const clock = vi.spyOn(performance, "now").mockReturnValue(performance.now());
    onTestFinished(() => clock.mockRestore());
    let isRight = true;
    const server = await serve(
      polite({ offers: ["AUTH PLAIN"], AUTH: () => (isRight ? "235 ok" : "535 5.7.8 no") }),
    );
    const auth = { user: "alice", pass: "open sesame" };
    const { client } = connectTo(server, { auth, maxConnections: 4 });
    await client.send(MESSAGE);
    isRight = false;
    const results = [];
    for await (const { ok } of client.sendMany(Array.from({ length: 90 }, () => MESSAGE))) results.push(ok);
    expect(results).toEqual(Array(90).fill(true));
    expect(server.peers.length).toBeLessThanOrEqual(4);
  });

  test("is told to those who are left when that one has ended", async () => {
    const { gate, open, waiting } = gated();
    let isRight = true;
    const server = await serve(
      polite({
        offers: ["AUTH PLAIN"],
        AUTH: () => (isRight ? "235 ok" : "535 5.7.8 no"),
        content: gate,
      }),
    );
    const auth = { user: "alice", pass: "open sesame" };
    const { client } = connectTo(server, { auth, maxConnections: 2, maxMessagesPerConnection: 1 });
    const first = client.send(MESSAGE);
    await until(() => waiting() === 1);
    isRight = false;
    const second = errorOf(client.send(MESSAGE));
    await until(() => server.peers.length === 2 && client.stats.opening === 0);
    expect(client.stats).toMatchObject({ busy: 1, waiting: 1 });
    open();
    await first;
    expect(await second).toMatchObject({ code: "authentication_refused", delivery: "not-sent" });
    expect(client.stats).toMatchObject({ waiting: 0, opening: 0 });
  });
});
