// One client, one connection, real sockets: how a session ends before we end it.

import { describe, expect, test } from "vitest";
import type { Phase, SmtpClientOptions } from "../../src/index.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { type Manners, nth, polite } from "../support/manners.ts";
import { type Script, serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

const USER = { user: "alice", pass: "open sesame" };
const THREE = { ...MESSAGE, to: ["one@example.org", "two@example.org", "three@example.org"] };

describe("421: the server shuts down", () => {
  const BYE = "421 4.3.2 shutting down";

  test.each<[string, Manners, Phase, string]>([
    ["as a greeting", { greeting: BYE }, "greeting", "GREETING"],
    ["to EHLO", { EHLO: BYE }, "ehlo", "EHLO"],
    ["to STARTTLS", { offers: ["STARTTLS"], STARTTLS: BYE }, "starttls", "STARTTLS"],
    ["to AUTH", { offers: ["AUTH PLAIN"], AUTH: BYE }, "auth", "AUTH"],
    ["to MAIL", { MAIL: BYE }, "mail", "MAIL"],
    ["to the second RCPT of three", { RCPT: nth(2, BYE) }, "rcpt", "RCPT"],
    ["to DATA", { DATA: BYE }, "data", "DATA"],
  ])("%s it ends the session, and nothing was sent", async (_, manners, phase, verb) => {
    const server = await serve(polite(manners));
    const { client } = connectTo(server, { ...loginFor(manners), security: "opportunistic" });
    const error = await errorOf(client.send(THREE));
    expect(error).toMatchObject({
      code: "service_closing",
      phase,
      verb,
      delivery: "not-sent",
      retryable: true,
      enhancedStatus: "4.3.2",
      reply: { code: 421 },
    });
    expect(server.peers.length).toBe(1);
    await server.peers[0]?.closed;
    expect(server.peers[0]?.lines).not.toContain("RSET");
  });

  test("in the middle of the mail data it ends the session, and the message was refused", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          await peer.say(BYE);
          await peer.silence();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const error = await errorOf(
      client.send({ ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(115_000) }),
    );
    expect(error).toMatchObject({ code: "service_closing", phase: "content", retryable: true });
    expect(error.delivery).not.toBe("unknown");
    await server.peers[0]?.closed;
  });

  test("after the dot it is the reply to the message: refused, for now", async () => {
    const server = await serve(polite({ content: BYE }));
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "service_closing",
      phase: "end-of-data",
      delivery: "rejected",
      retryable: true,
    });
    expect(server.peers.length).toBe(1);
    await server.peers[0]?.closed;
  });

  test("to RSET it ends the session, and the refusal before it is what is reported", async () => {
    const server = await serve(polite({ RCPT: "550 5.1.1 no such user", RSET: BYE }));
    const { client, happened } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "recipients_refused",
      delivery: "rejected",
    });
    await happened("closed");
  });

  test("to QUIT it is as good as any goodbye", async () => {
    const server = await serve(polite({ QUIT: BYE }));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    await client.close();
  });

  test("behind the reply to the message it takes nothing back", async () => {
    const server = await serve(polite({ content: `250 2.0.0 queued\n${BYE}` }));
    const { client, happened } = connectTo(server);
    expect(await client.send(MESSAGE)).toMatchObject({ reply: { code: 250 } });
    await happened("closed");
  });

  test("while idle it is nobody's error, and the next message takes a new connection", async () => {
    const server = await serve(
      polite({
        content: (peer) => {
          if (peer.index === 0) setImmediate(() => void peer.say(BYE).then(() => peer.end()));
          return "250 queued";
        },
      }),
    );
    const { client, happened } = connectTo(server);
    await client.send(MESSAGE);
    await happened("closed");
    expect(await client.send(MESSAGE)).toMatchObject({ attempts: 1 });
    expect(server.peers.length).toBe(2);
  });
});

describe("a server that leaves", () => {
  const leaves = (how: "end" | "reset") => (peer: Parameters<Script>[0]) => {
    peer[how]();
    return undefined;
  };

  test.each(["end", "reset"] as const)(
    "after the dot (%s) nobody knows, and nothing is tried again",
    async (how) => {
      const server = await serve(polite({ content: nth(2, leaves(how), "250 queued") }));
      const { client } = connectTo(server);
      await client.send(MESSAGE);
      const error = await errorOf(client.send(MESSAGE));
      expect(error).toMatchObject({
        code: "connection_lost",
        phase: "end-of-data",
        delivery: "unknown",
        retryable: false,
      });
      expect(server.peers.length).toBe(1);
      expect(server.messages.length).toBe(2);
    },
  );

  test("in the middle of its reply to the message nobody knows either", async () => {
    const server = await serve(
      polite({
        content: async (peer) => {
          await peer.send("250-2.0.0 que");
          peer.end();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "connection_lost",
      delivery: "unknown",
    });
  });

  test.each<[string, Manners, Phase]>([
    ["at once", { greeting: leaves("end") }, "greeting"],
    ["after EHLO", { EHLO: leaves("reset") }, "ehlo"],
    ["after MAIL", { MAIL: leaves("end") }, "mail"],
    ["after RCPT", { RCPT: leaves("reset") }, "rcpt"],
    ["after DATA", { DATA: leaves("end") }, "data"],
  ])("%s on a new connection is an error, and nothing was sent", async (_, manners, phase) => {
    const server = await serve(polite(manners));
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "connection_lost",
      phase,
      delivery: "not-sent",
      retryable: true,
    });
    expect(server.peers.length).toBe(1);
  });

  test("in the middle of the mail data has not got the message", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.reset();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const large = { ...MESSAGE, text: "x".repeat(70).concat("\n").repeat(230_000) };
    expect(await errorOf(client.send(large))).toMatchObject({
      code: "connection_lost",
      phase: "content",
      delivery: "not-sent",
    });
  });
});

/** Credentials for a server that is asked for them. */
function loginFor({ offers = [] }: Manners): SmtpClientOptions {
  return offers.includes("AUTH PLAIN") || offers.includes("STARTTLS") ? { auth: USER } : {};
}
