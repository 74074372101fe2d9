// One client, one connection, real sockets: deadlines, and callers who give up.

// One client, one connection, real sockets: deadlines, and callers who give up.

import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { Phase, SmtpClientOptions } from "../../src/index.ts";
import { connectNode } from "../../src/transport/node.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { type Manners, nth, polite, takeTime } from "../support/manners.ts";
import { type Script, serve } from "../support/server.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

const USER = { user: "alice", pass: "open sesame" };
const THREE = { ...MESSAGE, to: ["one@example.org", "two@example.org", "three@example.org"] };

describe("deadlines", () => {
  const quiet = async (peer: Parameters<Script>[0]): Promise<undefined> => {
    await peer.silence();
  };
  const LARGE = { ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(230_000) };

  test.each<[string, Manners, SmtpClientOptions["timeouts"], Phase, string]>([
    ["greeting", { greeting: quiet }, { greeting: 40 }, "greeting", "not-sent"],
    ["EHLO", { EHLO: quiet }, { command: 40 }, "ehlo", "not-sent"],
    ["STARTTLS", { offers: ["STARTTLS"], STARTTLS: quiet }, { command: 40 }, "starttls", "not-sent"],
    [
      "handshake",
      {
        offers: ["STARTTLS"],
        STARTTLS: async (peer) => {
          await peer.say("220 go");
          return quiet(peer);
        },
      },
      { tls: 40 },
      "tls",
      "not-sent",
    ],
    ["AUTH", { offers: ["AUTH PLAIN"], AUTH: quiet }, { command: 40 }, "auth", "not-sent"],
    ["MAIL", { MAIL: quiet }, { command: 40 }, "mail", "not-sent"],
    ["RCPT", { RCPT: nth(2, quiet) }, { command: 40 }, "rcpt", "not-sent"],
    ["DATA", { DATA: quiet }, { data: 40 }, "data", "not-sent"],
    ["end of data", { content: quiet }, { endOfData: 40 }, "end-of-data", "unknown"],
  ])(
    "a server that is silent after %s is left when its time is over",
    async (_, manners, timeouts, phase, delivery) => {
      const server = await serve(polite(manners));
      const { client } = connectTo(server, { timeouts: timeouts ?? {}, ...loginFor(manners) });
      const error = await errorOf(client.send(THREE));
      const [name] = Object.keys(timeouts ?? {});
      expect(error).toMatchObject({ code: "deadline", phase, delivery, retryable: delivery === "not-sent" });
      expect(error.hint).toContain(`timeouts.${name}`);
      expect(error.message).toContain("40 ms");
      await server.peers[0]?.closed;
      expect(server.peers.length).toBe(1);
    },
  );

  test("a server that stops reading in the middle of the mail data is left when its time is over", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.pause();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { timeouts: { content: 100 } });
    const error = await errorOf(client.send(LARGE));
    expect(error).toMatchObject({
      code: "deadline",
      phase: "content",
      delivery: "not-sent",
      retryable: true,
    });
    expect(error.hint).toContain("timeouts.content");
  });

  test("a connection that never comes about is given up when its time is over", async () => {
    const { client } = connectTo(
      { port: 9 },
      { connect: () => new Promise(() => {}), timeouts: { connect: 40 } },
    );
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({
      code: "deadline",
      phase: "connect",
      delivery: "not-sent",
      retryable: true,
    });
    expect(error.hint).toContain("timeouts.connect");
  });

  test("the handshake of implicit TLS is part of connecting", async () => {
    const server = await serve((peer) => peer.silence());
    const { client } = connectTo(server, { security: "tls", timeouts: { connect: 80 } });
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({ code: "deadline", phase: "connect", delivery: "not-sent" });
    await server.peers[0]?.closed;
  });

  test("a wire that comes up after it was given up is closed", async () => {
    const server = await serve((peer) => peer.silence());
    let late: () => void = () => {};
    const { client } = connectTo(server, {
      timeouts: { connect: 30 },
      connect: async ({ signal: _, ...target }) => {
        await new Promise<void>((resolve) => {
          late = resolve;
        });
        return connectNode({ ...target, signal: new AbortController().signal });
      },
    });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "deadline", phase: "connect" });
    late();
    await (await server.peer(0)).closed;
  });

  test("a goodbye that nobody answers is not waited for long, and fails nothing", async () => {
    const server = await serve(polite({ QUIT: quiet }));
    const { client } = connectTo(server, { timeouts: { quit: 40 } });
    await client.send(MESSAGE);
    await client.close();
    await server.peers[0]?.closed;
  });

  test("each reply has the whole of its time: three slow recipients are not one that is late", async () => {
    const slow = async (): Promise<string> => {
      await takeTime(60);
      return "250 ok";
    };
    const server = await serve(polite({ MAIL: slow, RCPT: slow }));
    const { client } = connectTo(server, { timeouts: { command: 150 } });
    expect((await client.send(THREE)).accepted.length).toBe(3);
  });

  test("timeout is for the whole send, however quick each reply is", async () => {
    const server = await serve(
      polite({
        RCPT: async () => {
          await takeTime(40);
          return "250 ok";
        },
      }),
    );
    const { client } = connectTo(server, { timeout: 100 });
    const error = await errorOf(client.send(THREE));
    expect(error).toMatchObject({ code: "deadline", phase: "rcpt", delivery: "not-sent", retryable: true });
    expect(error.hint).toContain("timeout");
  });

  test("timeout still counts when the caller gave a signal too, and when memory was collected meanwhile", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const server = await serve(polite({ greeting: quiet }));
    const { client } = connectTo(server, { timeout: 80, timeouts: { greeting: 1_500 } });
    const sending = errorOf(client.send(MESSAGE, { signal: new AbortController().signal }));
    await server.peer(0);
    const collector = setInterval(collect, 10);
    const error = await sending;
    clearInterval(collector);
    expect(error.message).not.toContain("1500 ms");
    expect(error).toMatchObject({ code: "deadline" });
  });
});

describe("a caller who gives up", () => {
  test("may give any reason, an error of this library too, and gets it back as it was", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const reason = await errorOf(client.send({ ...MESSAGE, to: [] }));
    const before = { ...reason };
    const error = await errorOf(client.send(MESSAGE, { signal: AbortSignal.abort(reason) }));
    expect(error).toMatchObject({ code: "aborted", delivery: "not-sent" });
    expect(error.cause).toBe(reason);
    expect({ ...reason }).toEqual(before);
  });

  const hush = async (peer: Parameters<Script>[0]): Promise<undefined> => {
    await peer.silence();
  };

  test("before the call nothing is connected", async () => {
    const server = await serve(polite());
    const { client, events } = connectTo(server);
    const cause = new Error("changed my mind");
    const error = await errorOf(client.send(MESSAGE, { signal: AbortSignal.abort(cause) }));
    expect(error).toMatchObject({ code: "aborted", delivery: "not-sent", retryable: false, cause });
    expect(await errorOf(client.verify({ signal: AbortSignal.abort(cause) }))).toMatchObject({
      code: "aborted",
      phase: "connect",
      cause,
    });
    expect(events).toEqual([]);
    expect(server.peers.length).toBe(0);
  });

  test("while connecting the attempt is given up as well", async () => {
    const controller = new AbortController();
    let attempt: AbortSignal | undefined;
    const { client } = connectTo(
      { port: 9 },
      {
        connect: ({ signal }) => {
          attempt = signal;
          setImmediate(() => controller.abort());
          return new Promise(() => {});
        },
      },
    );
    const error = await errorOf(client.send(MESSAGE, { signal: controller.signal }));
    expect(error).toMatchObject({ code: "aborted", delivery: "not-sent" });
    expect(["queue", "connect"]).toContain(error.phase);
    expect(attempt?.aborted).toBe(true);
  });

  test("a check that is given up while connecting says so", async () => {
    const controller = new AbortController();
    const { client } = connectTo(
      { port: 9 },
      {
        connect: () => {
          setImmediate(() => controller.abort());
          return new Promise(() => {});
        },
      },
    );
    expect(await errorOf(client.verify({ signal: controller.signal }))).toMatchObject({
      code: "aborted",
      phase: "connect",
      delivery: "not-sent",
    });
  });

  test.each<[string, Manners]>([
    ["greeting", { greeting: hush }],
    ["EHLO", { EHLO: hush }],
    ["AUTH", { offers: ["AUTH PLAIN"], AUTH: hush }],
  ])("while the session opens (%s) the connection goes with it", async (_, manners) => {
    const server = await serve(polite(manners));
    const controller = new AbortController();
    const { client } = connectTo(server, { ...loginFor(manners) });
    const sending = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    const peer = await server.peer(0);
    await until(
      () => peer.lines.length >= (manners.greeting !== undefined ? 0 : manners.AUTH !== undefined ? 2 : 1),
    );
    controller.abort();
    expect(await sending).toMatchObject({ code: "aborted", delivery: "not-sent", retryable: false });
    await peer.closed;
  });

  test.each<[string, Manners, Phase, string]>([
    ["MAIL", { MAIL: hush }, "mail", "not-sent"],
    ["RCPT", { RCPT: hush }, "rcpt", "not-sent"],
    ["DATA", { DATA: hush }, "data", "not-sent"],
    ["the dot", { content: hush }, "end-of-data", "unknown"],
  ])("after %s the error says what may have become of the message", async (_, manners, phase, delivery) => {
    const server = await serve(polite(manners));
    const controller = new AbortController();
    const { client } = connectTo(server);
    const sending = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    const peer = await server.peer(0);
    const last = phase === "end-of-data" ? "DATA" : phase.toUpperCase();
    await until(
      () =>
        peer.lines.at(-1)?.startsWith(last) === true && (phase !== "end-of-data" || peer.messages.length > 0),
    );
    controller.abort();
    expect(await sending).toMatchObject({ code: "aborted", phase, delivery, retryable: false });
    await peer.closed;
    expect(server.peers.length).toBe(1);
  });

  test("in the middle of the mail data nothing was sent", async () => {
    const controller = new AbortController();
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.pause();
          controller.abort();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const large = { ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(230_000) };
    expect(await errorOf(client.send(large, { signal: controller.signal }))).toMatchObject({
      code: "aborted",
      phase: "content",
      delivery: "not-sent",
    });
  });

  test("from within the trace is heard at any moment", async () => {
    for (const kind of ["connected", "reply", "command"] as const) {
      const server = await serve(polite());
      const controller = new AbortController();
      const { client } = connectTo(server, {
        trace: (event) => {
          if (event.kind === kind) controller.abort();
        },
      });
      expect(await errorOf(client.verify({ signal: controller.signal })), kind).toMatchObject({
        code: "aborted",
      });
      await server.peers[0]?.closed;
    }
  });

  test("a signal that outlives its send is listened to no more", async () => {
    const server = await serve(polite({ MAIL: nth(2, "550 no") }));
    const { client } = connectTo(server);
    const { signal } = new AbortController();
    await client.send(MESSAGE, { signal });
    await errorOf(client.send(MESSAGE, { signal }));
    await client.verify({ signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

/** Credentials for a server that is asked for them. */
function loginFor({ offers = [] }: Manners): SmtpClientOptions {
  return offers.includes("AUTH PLAIN") || offers.includes("STARTTLS") ? { auth: USER } : {};
}
