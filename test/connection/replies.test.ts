// One client, one connection, real sockets: what the server may reply, and in how many pieces.

// One client, one connection, real sockets: what the server may reply, and in how many pieces.

import { beforeAll, describe, expect, test } from "vitest";
import { ReplyError, type Wire } from "../../src/index.ts";
import { connectNode } from "../../src/transport/node.ts";
import { type Certificates, makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { polite, takeTime } from "../support/manners.ts";
import { type Script, serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});

const USER = { user: "alice", pass: "open sesame" };
const THREE = { ...MESSAGE, to: ["one@example.org", "two@example.org", "three@example.org"] };

/** Nobody was told who we are or who writes to whom. */
function expectNothingSaid(heard: string): void {
  expect(heard).not.toMatch(/^(?:AUTH|MAIL|RCPT|DATA)/im);
}

describe("replies in any number of pieces", () => {
  test("a session goes the same way when each octet comes in a segment of its own", async () => {
    const say = async (peer: Parameters<Script>[0], text: string): Promise<void> => {
      await peer.drip(text.replaceAll("\n", "\r\n"));
    };
    const server = await serve(async (peer) => {
      await say(peer, "220-test.example\n220 ESMTP\n");
      await peer.line();
      await say(peer, "250-test.example\n250-PIPELINING\n250 AUTH PLAIN\n");
      await peer.line();
      await say(peer, "235 2.7.0 welcome\n");
      for (let left = 3; left > 0; left--) await peer.line();
      await say(peer, "250 2.1.0 ok\n250 2.1.5 ok\n354 go\n");
      await peer.data();
      await say(peer, "250-2.0.0 queued\n250 2.0.0 as 42\n");
      await peer.line();
      await say(peer, "221 bye\n");
    });
    const { client } = connectTo(server, { auth: USER });
    const receipt = await client.send(MESSAGE);
    expect(receipt).toMatchObject({
      accepted: ["bob@example.org"],
      rejected: [],
      reply: { code: 250, enhancedStatus: "2.0.0", lines: ["2.0.0 queued", "2.0.0 as 42"] },
      extensions: ["PIPELINING"],
      attempts: 1,
    });
    await client.close();
    expect(server.peers[0]?.lines.map((line) => line.split(" ")[0])).toEqual([
      "EHLO",
      "AUTH",
      "MAIL",
      "RCPT",
      "DATA",
      "QUIT",
    ]);
  });

  test("an EHLO reply that breaks between STARTTLS and AUTH is still one reply: TLS first, then AUTH", async () => {
    const server = await serve(
      polite({
        identity: certificates.good,
        offersInside: ["AUTH PLAIN"],
        EHLO: async (peer) => {
          if (peer.secure) return "250-test.example\n250 AUTH PLAIN";
          await peer.send("250-test.example\r\n250-STARTTLS\r\n");
          for (let turns = 10; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
          await peer.send("250 AUTH PLAIN\r\n");
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { security: "opportunistic", auth: USER });
    await client.send(MESSAGE);
    const said = server.peers[0]?.lines.map((line) => line.split(" ")[0]) ?? [];
    expect(said.slice(0, 4)).toEqual(["EHLO", "STARTTLS", "EHLO", "AUTH"]);
  });

  test("replies that come in one piece are paired with the commands of their group, one each", async () => {
    const server = await serve(
      polite({
        offers: ["PIPELINING"],
        MAIL: async (peer) => {
          for (let left = 3; left > 0; left--) await peer.line();
          await peer.line();
          await peer.say("250 sender", "250 one", "550 5.1.1 no two", "451 4.2.1 not now", "354 go");
          await peer.data();
          return "250 queued";
        },
      }),
    );
    const { client } = connectTo(server);
    const receipt = await client.send(THREE);
    expect(receipt.accepted).toEqual(["one@example.org"]);
    expect(receipt.rejected).toEqual([
      {
        recipient: "two@example.org",
        reply: { code: 550, enhancedStatus: "5.1.1", lines: ["5.1.1 no two"] },
      },
      {
        recipient: "three@example.org",
        reply: { code: 451, enhancedStatus: "4.2.1", lines: ["4.2.1 not now"] },
      },
    ]);
  });
});

describe("a server that never stops", () => {
  test("a line without end is cut off after a few kilobytes, and the connection with it", async () => {
    const piece = "2".repeat(16 * 1024);
    const server = await serve(async (peer) => {
      await peer.say("220 test.example");
      await peer.line();
      await peer.send("250-");
      for (;;) await peer.send(piece);
    });
    const before = process.memoryUsage().arrayBuffers;
    const { client } = connectTo(server);
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({
      code: "reply_too_long",
      phase: "ehlo",
      delivery: "not-sent",
      retryable: false,
    });
    await server.peers[0]?.closed;
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024);
    expectNothingSaid(server.heard);
  });

  test("a reply of endless lines is cut off", async () => {
    const lines = "250-x\r\n".repeat(1000);
    const server = await serve(async (peer) => {
      await peer.say("220 test.example");
      await peer.line();
      for (;;) await peer.send(lines);
    });
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "reply_too_long", phase: "ehlo" });
    await server.peers[0]?.closed;
    expectNothingSaid(server.heard);
  });

  test.each([
    ["octets", "x"],
    ["lines", "220-still here\r\n"],
  ])("%s that drip in for ever do not put the deadline off", async (_, drop) => {
    const server = await serve(async (peer) => {
      await peer.send("220-");
      if (drop !== "x") await peer.say("hello");
      for (;;) {
        await peer.send(drop);
        await takeTime(5);
      }
    });
    const { client } = connectTo(server, { timeouts: { greeting: 60 } });
    const started = performance.now();
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toMatchObject({ code: "deadline", phase: "greeting" });
    expect(performance.now() - started).toBeLessThan(1_000);
    await server.peers[0]?.closed;
  });

  test("challenges without end are broken off", async () => {
    const server = await serve(
      polite({
        offers: ["AUTH LOGIN"],
        AUTH: async (peer) => {
          for (let left = 50; left > 0; left--) {
            await peer.say("334 VXNlcm5hbWU6");
            if ((await peer.line()) === "*") return "501 ok";
          }
          return "235 no";
        },
      }),
    );
    const { client } = connectTo(server, { auth: USER });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "invalid_challenge", phase: "auth" });
    expect(server.peers[0]?.lines.length).toBeLessThan(8);
  });
});

describe("replies that nobody waits for", () => {
  test.each([[[]], [["PIPELINING"]]])(
    "a success told before a message of 8 MB was sent is never believed (offered: %j)",
    async (offers) => {
      const server = await serve(
        polite({
          offers,
          MAIL: async (peer) => {
            await peer.say("250 ok", "250 ok", "354 go", "250 queued");
            await peer.silence();
            return undefined;
          },
        }),
      );
      const { client } = connectTo(server);
      const error = await errorOf(
        client.send({ ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(115_000) }),
      );
      expect(error).toMatchObject({ code: "unsolicited_reply", delivery: "not-sent", retryable: false });
      await server.peers[0]?.closed;
      expect(server.messages).toEqual([]);
      expect(server.heard.length).toBeLessThan(8_000_000);
    },
  );

  test("a success told while the mail data still flows is not believed", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.pause();
          await peer.say("250 queued");
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const error = await errorOf(
      client.send({ ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(230_000) }),
    );
    expect(error).toMatchObject({ code: "unsolicited_reply", phase: "content", delivery: "not-sent" });
  });

  test("a reply cannot count before the octets that it answers have left", async () => {
    const server = await serve(polite());
    let stuck: () => void = () => {};
    const isStuck = new Promise<void>((resolve) => {
      stuck = resolve;
    });
    // A wire whose buffer is full when the mail data comes, and which hears of success all the same.
    const { client } = connectTo(server, {
      timeouts: { endOfData: 200, content: 200 },
      connect: async (target) => {
        const wire = await connectNode(target);
        return override(wire, {
          write: (octets) => {
            if (!new TextDecoder().decode(octets).includes("\r\n.\r\n")) return wire.write(octets);
            stuck();
            return new Promise(() => {});
          },
          read: () =>
            Promise.race([wire.read(), isStuck.then(() => new TextEncoder().encode("250 queued\r\n"))]),
        });
      },
    });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ retryable: false });
    expect(server.messages).toEqual([]);
  });

  test("a refusal while the mail data flows ends the message and the connection, and is what is reported", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          await peer.say("552 5.3.4 too big");
          await peer.silence();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const error = await errorOf(
      client.send({ ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(115_000) }),
    );
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "content_refused", delivery: "rejected", retryable: false });
    await server.peers[0]?.closed;
  });

  test("what a server says to an idle connection ends it, and is nobody's error", async () => {
    let whenServed: () => void = () => {};
    const served = new Promise<void>((resolve) => {
      whenServed = resolve;
    });
    const server = await serve(async (peer) => {
      if (peer.index === 0) void served.then(() => peer.say("250 by the way"));
      await polite()(peer);
    });
    const { client, happened } = connectTo(server);
    await client.send(MESSAGE);
    whenServed();
    await happened("closed");
    expect(await client.send(MESSAGE)).toMatchObject({ attempts: 1 });
    expect(server.peers.length).toBe(2);
  });
});

/** A wire with some of its methods replaced. */
function override(wire: Wire, methods: Partial<Wire>): Wire {
  return new Proxy(wire, {
    get(target, key) {
      if (Object.hasOwn(methods, key)) return methods[key as keyof Wire];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
