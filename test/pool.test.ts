// Connections by what they do: how many there are, who gets which, and when they end.

import { describe, expect, test } from "vitest";
import { connectTo, MESSAGE, messageTo } from "./support/client.ts";
import { type Answer, first, nth, polite, takeTime } from "./support/manners.ts";
import { type Peer, type Server, serve } from "./support/server.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

watchProcess();

function dead(peer: Peer): string | undefined {
  peer.reset();
  return undefined;
}

/** The recipients in the order in which the server heard of them. */
function recipients(server: Server): readonly string[] {
  return server.peers
    .flatMap((peer) => peer.lines)
    .filter((line) => line.startsWith("RCPT"))
    .map((line) => line.slice("RCPT TO:<".length, line.indexOf("@")));
}

function verbs(peer: Peer | undefined): readonly string[] {
  return peer?.lines.map((line) => line.split(" ", 1)[0] ?? "") ?? [];
}

/** A server that holds each message back until it is told to go on. */
function gated(): { gate: () => Promise<string>; open: () => void; waiting: () => number } {
  const held: (() => void)[] = [];
  return {
    gate: () => new Promise((resolve) => held.push(() => resolve("250 queued"))),
    open: () => held.shift()?.(),
    waiting: () => held.length,
  };
}

describe("reuse", () => {
  test("the next message goes over the same connection, with neither greeting nor EHLO", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    for (let left = 3; left > 0; left--) expect((await client.send(MESSAGE)).attempts).toBe(1);
    expect(server.peers.length).toBe(1);
    expect(verbs(server.peers[0])).toEqual(["EHLO", ...Array(3).fill(["MAIL", "RCPT", "DATA"]).flat()]);
    expect(server.messages.length).toBe(3);
  });

  test("a login is said once for a connection", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"] }));
    const { client } = connectTo(server, { auth: { user: "alice", pass: "open sesame" } });
    await client.send(MESSAGE);
    await client.send(MESSAGE);
    expect(verbs(server.peers[0]).filter((verb) => verb === "AUTH").length).toBe(1);
  });

  test.each([
    ["recipient", { RCPT: nth(1, "550 5.1.1 no such user") }, ["MAIL", "RCPT", "RSET"]],
    ["message (to DATA)", { DATA: undefined, RCPT: "250 ok" }, ["MAIL", "RCPT", "DATA"]],
    ["sender", { MAIL: nth(1, "550 5.7.1 not you") }, ["MAIL"]],
  ] as const)("a refused %s leaves the connection fit for the next message", async (what, manners, said) => {
    let refusals = what.startsWith("message") ? 1 : 0;
    const server = await serve(
      polite({
        ...("MAIL" in manners && { MAIL: manners.MAIL }),
        ...("RCPT" in manners && { RCPT: manners.RCPT }),
        DATA: async (peer) => {
          if (refusals-- > 0) return "554 5.6.0 not this one";
          await peer.say("354 go");
          await peer.data();
          return "250 queued";
        },
      }),
    );
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ delivery: "rejected", retryable: false });
    expect(await client.send(MESSAGE)).toMatchObject({ attempts: 1 });
    expect(server.peers.length).toBe(1);
    const heard = verbs(server.peers[0]);
    expect(heard.slice(1, 1 + said.length)).toEqual(said);
    expect(heard.slice(-3)).toEqual(["MAIL", "RCPT", "DATA"]);
    // RFC 5321 §4.1.1.5: a transaction that has begun is ended before another one begins.
    if (what.startsWith("message")) expect(heard).toContain("RSET");
  });

  test("a message refused after the dot leaves the connection fit for the next", async () => {
    const server = await serve(polite({ content: nth(1, "554 5.7.1 spam", "250 queued") }));
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "content_refused",
      delivery: "rejected",
    });
    await client.send(MESSAGE);
    expect(server.peers.length).toBe(1);
  });
});

describe("an idle connection that ends", () => {
  test.each(["end", "reset"] as const)(
    "(by %s) is nobody's error, and the next message takes a new one",
    async (how) => {
      const server = await serve(polite());
      const { client, happened } = connectTo(server);
      await client.send(MESSAGE);
      server.peers[0]?.[how]();
      await happened("closed");
      expect((await client.send(MESSAGE)).attempts).toBe(1);
      expect(server.peers.length).toBe(2);
    },
  );

  test("ends with QUIT when it has been idle long enough", async () => {
    const server = await serve(polite());
    const { client, happened } = connectTo(server, { idleTimeout: 30 });
    await client.send(MESSAGE);
    await happened("closed");
    expect(verbs(server.peers[0]).at(-1)).toBe("QUIT");
    await client.send(MESSAGE);
    expect(server.peers.length).toBe(2);
  });

  test("is not ended while it works, however short the limit", async () => {
    const server = await serve(
      polite({
        content: async () => {
          await takeTime(60);
          return "250 queued";
        },
      }),
    );
    const { client } = connectTo(server, { idleTimeout: 20 });
    expect((await client.send(MESSAGE)).attempts).toBe(1);
  });
});

describe("a connection that turns out to be dead", () => {
  const endings: [string, Answer][] = [
    [
      "FIN",
      (peer): undefined => {
        peer.end();
      },
    ],
    ["RST", dead],
    ["421", "421 4.4.2 too late"],
  ];

  test.each(endings)("at MAIL (%s), after it served others, is replaced once", async (_, end) => {
    const server = await serve(first(polite({ MAIL: nth(2, end) }), polite()));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    expect((await client.send(MESSAGE)).attempts).toBe(2);
    expect(server.peers.length).toBe(2);
    expect(server.messages.length).toBe(2);
  });

  test("is replaced once and not twice", async () => {
    const server = await serve(first(polite({ MAIL: nth(2, dead) }), polite({ MAIL: dead })));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "connection_lost",
      phase: "mail",
      delivery: "not-sent",
      retryable: true,
    });
    expect(server.peers.length).toBe(2);
  });

  test("is replaced by a new one and not by another that is idle", async () => {
    const server: Server = await serve(
      polite({
        MAIL: (peer: Peer): string | undefined => {
          const isFirst = verbs(peer).filter((verb) => verb === "MAIL").length === 1;
          return isFirst || peer.index > 1 ? "250 ok" : dead(peer);
        },
      }),
    );
    const { client } = connectTo(server, { maxConnections: 2 });
    await Promise.all([client.send(MESSAGE), client.send(MESSAGE)]);
    expect(server.peers.length).toBe(2);
    expect((await client.send(MESSAGE)).attempts).toBe(2);
    expect(server.messages.length).toBe(3);
  });

  test("after the dot is not replaced", async () => {
    const server = await serve(polite({ content: nth(2, dead, "250 queued") }));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ delivery: "unknown", retryable: false });
    expect(server.peers.length).toBe(1);
  });

  test("does not send its message to the end of the queue", async () => {
    const server = await serve(first(polite({ MAIL: nth(2, dead) }), polite()));
    const { client } = connectTo(server, { maxConnections: 1 });
    const names = ["a", "b", "c", "d", "e"];
    const receipts = await Promise.all(names.map((name) => client.send(messageTo(name))));
    expect(receipts.map(({ attempts }) => attempts)).toEqual([1, 2, 1, 1, 1]);
    expect(recipients(server)).toEqual(names);
    expect(server.peers.length).toBe(2);
  });
});

describe("many at once", () => {
  test("twenty messages go over two connections, in the order in which they were given", async () => {
    let busy = 0;
    let most = 0;
    const server = await serve(
      polite({
        MAIL: () => {
          most = Math.max(most, ++busy);
          return "250 ok";
        },
        content: () => {
          busy--;
          return "250 queued";
        },
      }),
    );
    const { client } = connectTo(server, { maxConnections: 2 });
    const names = Array.from({ length: 20 }, (_, at) => `n${at}`);
    const done: string[] = [];
    const receipts = await Promise.all(
      names.map(async (name) => {
        const receipt = await client.send(messageTo(name));
        done.push(name);
        return receipt;
      }),
    );
    expect(server.peers.length).toBe(2);
    expect(most).toBe(2);
    expect(new Set(receipts.flatMap(({ accepted }) => accepted)).size).toBe(20);
    expect(server.messages.length).toBe(20);
    // Two of them run side by side, so each is at most one place from where it was in the queue.
    for (const [at, name] of done.entries())
      expect(Math.abs(names.indexOf(name) - at)).toBeLessThanOrEqual(1);
  });

  test("one connection serves its queue strictly in order", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server, { maxConnections: 1 });
    const names = Array.from({ length: 8 }, (_, at) => `n${at}`);
    await Promise.all(names.map((name) => client.send(messageTo(name))));
    expect(recipients(server)).toEqual(names);
    expect(server.peers.length).toBe(1);
  });

  test("a connection that is being made is kept, though another came free before it was needed", async () => {
    const { gate, open, waiting } = gated();
    let greet: () => void = () => {};
    const greeted = new Promise<void>((resolve) => {
      greet = resolve;
    });
    const server = await serve(
      first(
        polite({ content: gate }),
        polite({
          greeting: async () => {
            await greeted;
            return "220 at last";
          },
        }),
      ),
    );
    const { client } = connectTo(server, { maxConnections: 2 });
    const one = client.send(messageTo("one"));
    await until(() => waiting() === 1);
    const two = client.send(messageTo("two"));
    await server.peer(1);
    open();
    await one;
    await until(() => waiting() === 1);
    open();
    await two;
    greet();
    const [three, four] = [client.send(messageTo("three")), client.send(messageTo("four"))];
    await until(() => waiting() === 1);
    open();
    await Promise.all([three, four]);
    expect(server.peers.length).toBe(2);
  });

  test("one signal for many messages makes the runtime warn of nothing", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 30 }, () => client.send(MESSAGE, { signal })));
    expect(server.messages.length).toBe(30);
  });

  test("a message that is given up in the queue leaves it, and the others keep their places", async () => {
    const { gate, open, waiting } = gated();
    const server = await serve(polite({ content: gate }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const controller = new AbortController();
    const one = client.send(messageTo("one"));
    await until(() => waiting() === 1);
    const two = errorOf(client.send(messageTo("two"), { signal: controller.signal }));
    const three = client.send(messageTo("three"));
    controller.abort();
    expect(await two).toMatchObject({
      code: "aborted",
      phase: "queue",
      delivery: "not-sent",
      retryable: false,
    });
    open();
    await one;
    await until(() => waiting() === 1);
    open();
    await three;
    expect(recipients(server)).toEqual(["one", "three"]);
  });

  test("a message that waits longer than its time leaves the queue", async () => {
    const { gate, open, waiting } = gated();
    const server = await serve(polite({ content: gate }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const one = client.send(messageTo("one"));
    await until(() => waiting() === 1);
    const two = errorOf(client.send(messageTo("two"), { signal: AbortSignal.timeout(40) }));
    expect(await two).toMatchObject({
      code: "deadline",
      phase: "queue",
      delivery: "not-sent",
      retryable: true,
    });
    open();
    await one;
    expect(recipients(server)).toEqual(["one"]);
  });

  test("a login that is refused is not tried again for each that waits", async () => {
    const server = await serve(polite({ offers: ["AUTH PLAIN"], AUTH: "535 5.7.8 no" }));
    const { client } = connectTo(server, { maxConnections: 1, auth: { user: "alice", pass: "x" } });
    const errors = await Promise.all(Array.from({ length: 5 }, () => errorOf(client.send(MESSAGE))));
    expect(errors.map(({ code }) => code)).toEqual(Array(5).fill("authentication_refused"));
    expect(server.peers.length).toBe(1);
    // Each caller may write to the error it got, and each has a stack that names its call.
    expect(new Set(errors).size).toBe(5);
  });

  test("a connection that cannot be made fails one message for each attempt", async () => {
    let attempts = 0;
    const { client } = connectTo(
      { port: 9 },
      {
        maxConnections: 1,
        connect: () => {
          attempts++;
          return Promise.reject(new Error("no route"));
        },
      },
    );
    const errors = await Promise.all([1, 2, 3].map(() => errorOf(client.send(MESSAGE))));
    expect(attempts).toBe(3);
    for (const error of errors) {
      expect(error).toMatchObject({
        code: "connection",
        phase: "connect",
        retryable: true,
        delivery: "not-sent",
      });
      expect(error.message).toContain("no route");
    }
  });
});

describe("close", () => {
  test("lets the messages under way and in the queue go, then says goodbye on every connection", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server, { maxConnections: 2 });
    let settled = 0;
    const sending = Array.from({ length: 6 }, () => client.send(MESSAGE).finally(() => settled++));
    await client.close();
    expect(settled).toBe(6);
    await Promise.all(sending);
    expect(server.messages.length).toBe(6);
    for (const peer of server.peers) {
      expect(verbs(peer).at(-1)).toBe("QUIT");
      await peer.closed;
    }
  });

  test("may be called twice, and on a client that sent nothing", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    await Promise.all([client.close(), client.close()]);
    await client.close();
    expect(server.peers.length).toBe(0);
  });

  test("is followed by no more messages", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    await client.close();
    const expected = { code: "client_closed", delivery: "not-sent", retryable: false };
    expect(await errorOf(client.send(MESSAGE))).toMatchObject(expected);
    expect(await errorOf(client.verify())).toMatchObject(expected);
    expect(server.peers.length).toBe(0);
  });

  test("is what await using does", async () => {
    const server = await serve(polite());
    {
      await using client = connectTo(server).client;
      await client.send(MESSAGE);
    }
    await server.peers[0]?.closed;
    expect(verbs(server.peers[0]).at(-1)).toBe("QUIT");
  });

  test("waits for a message that has to be sent again, and leaves no connection behind", async () => {
    let die: () => void = () => {};
    const dying = new Promise<void>((resolve) => {
      die = resolve;
    });
    const server = await serve(
      first(
        polite({
          MAIL: nth(2, async (peer) => {
            await dying;
            return dead(peer);
          }),
        }),
        polite(),
      ),
    );
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    let isSent = false;
    const sending = client.send(MESSAGE).then((receipt) => {
      isSent = true;
      return receipt;
    });
    await until(() => verbs(server.peers[0]).filter((verb) => verb === "MAIL").length === 2);
    const closing = client.close();
    die();
    await closing;
    const wasSent = isSent;
    expect((await sending).attempts).toBe(2);
    expect(wasSent).toBe(true);
    await until(() => verbs(server.peers[1]).at(-1) === "QUIT");
  });

  test("leaves nobody waiting when the only message is given up", async () => {
    const server = await serve(polite({ greeting: (peer) => peer.silence() as Promise<never> }));
    const { client } = connectTo(server);
    const controller = new AbortController();
    const sending = errorOf(client.send(MESSAGE, { signal: controller.signal }));
    await server.peer(0);
    const closing = client.close();
    controller.abort();
    await closing;
    expect(await sending).toMatchObject({ code: "aborted" });
    await server.peers[0]?.closed;
  });
});
