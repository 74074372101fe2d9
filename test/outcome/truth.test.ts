// Single cases beside the matrix: what a server says last, what it says too late, and what one message leaves to the next.

import { describe, expect, test } from "vitest";
import { type Attachment, AuthenticationError, attachment, ReplyError, type Wire } from "../../src/index.ts";
import { makeCertificates } from "../support/certificates.ts";
import { connectTo, MESSAGE, messageTo } from "../support/client.ts";
import { type Answer, type Manners, nth, polite } from "../support/manners.ts";
import { serve } from "../support/server.ts";
import { errorOf, watchProcess } from "../support/watch.ts";

watchProcess();

describe("what a server says before it leaves is told", () => {
  test.each<[string, Manners, string]>([
    ["the greeting", { greeting: lastWords("554 5.3.2 closed") }, "greeting_refused"],
    ["EHLO", { EHLO: lastWords("554 5.3.2 closed") }, "ehlo_refused"],
    ["MAIL", { MAIL: lastWords("554 5.7.1 not you") }, "sender_refused"],
    ["RCPT", { RCPT: lastWords("554 5.7.1 not them") }, "recipients_refused"],
    ["DATA", { DATA: lastWords("554 5.7.1 not that") }, "data_refused"],
    ["the message", { content: lastWords("554 5.7.1 not that") }, "content_refused"],
  ])("in reply to %s", async (_, manners, code) => {
    const server = await serve(polite(manners));
    const { client } = connectTo(server);
    const error = await errorOf(client.send(MESSAGE));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code, reply: { code: 554 } });
    expect(error.delivery).not.toBe("unknown");
  });

  test("amid mail data that still flows, which then breaks off", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          peer.pause();
          await peer.say("552 5.3.4 too big");
          peer.reset();
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const large = { ...MESSAGE, text: `${"x".repeat(70)}\n`.repeat(115_000) };
    expect(await errorOf(client.send(large))).toMatchObject({
      code: "content_refused",
      delivery: "rejected",
      reply: { code: 552 },
    });
  });
});

describe("a reply that comes when its time is over belongs to nobody", () => {
  test.each<[string, Manners, string]>([
    ["MAIL", { MAIL: belated() }, "not-sent"],
    ["RCPT", { RCPT: belated() }, "not-sent"],
    ["the message", { content: belated() }, "unknown"],
  ])("in reply to %s", async (_, manners, delivery) => {
    const server = await serve(polite(manners));
    const { client } = connectTo(server, { timeouts: { command: 60, endOfData: 60 } });
    expect(await errorOf(client.send(messageTo("first")))).toMatchObject({ code: "deadline", delivery });
    expect((await client.send(messageTo("second"))).accepted).toEqual(["second@example.org"]);
    expect(server.peers.length).toBe(2);
  });
});

describe("a goodbye inside TLS", () => {
  test.each(["without the end of TLS", "with words in the clear behind it"])(
    "%s fails nothing",
    async (how) => {
      const { ca, good } = await makeCertificates();
      const server = await serve(
        polite({
          QUIT: (peer) => {
            if (how.includes("words")) peer.socket.write("221 2.0.0 bye, in the clear\r\n");
            peer.socket.end();
            return undefined;
          },
        }),
        { tls: good },
      );
      const { client } = connectTo(server, { security: "tls", tls: { ca } });
      expect((await client.send(MESSAGE)).accepted).toEqual(["bob@example.org"]);
      await client.close();
      await server.peers[0]?.closed;
    },
  );
});

test("a wire that ends, and ends again whenever it is asked, is left at once", async () => {
  let reads = 0;
  const wire: Wire = {
    secure: false,
    verified: false,
    read: async () => {
      reads++;
      return undefined;
    },
    write: () => undefined,
    startTls: async () => {},
    hold: () => {},
    close: () => {},
    destroy: () => {},
  };
  const { client } = connectTo({ port: 1 }, { connect: async () => wire });
  expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "connection_lost", phase: "greeting" });
  expect(reads).toBe(1);
});

describe("one message leaves nothing to the next", () => {
  const offers = ["PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8"];

  test("neither its parameters nor its recipients", async () => {
    const server = await serve(polite({ offers }));
    const { client } = connectTo(server, { maxConnections: 1 });
    await client.send({ ...MESSAGE, to: ["jürgen@example.org", "bob@example.org"] });
    await client.send(messageTo("carol"));
    const [first, second] = (server.peers[0]?.lines ?? []).filter((line) => line.startsWith("MAIL"));
    expect(first).toContain(" SMTPUTF8");
    expect(second).not.toContain("SMTPUTF8");
    expect(second).toContain(`SIZE=${server.messages[1]?.length}`);
    expect(server.messages[1]).toContain("To: carol@example.org\r\n");
    expect(server.messages[1]).not.toContain("bob");
  });

  test.each<[string, readonly Attachment[]]>([
    ["throws when it is opened", [attachment.stream(() => fail())]],
    [
      "throws when it is read",
      [
        attachment.stream(async function* () {
          yield "x".repeat(100_000);
          fail();
        }),
      ],
    ],
  ])("not even its failure, where its source %s", async (_, attachments) => {
    const server = await serve(polite({ offers }));
    const { client } = connectTo(server, { maxConnections: 1 });
    const [first, second, third] = await Promise.allSettled([
      client.send({ ...MESSAGE, attachments }),
      client.send(messageTo("second")),
      client.send(messageTo("third")),
    ]);
    expect(first).toMatchObject({
      status: "rejected",
      reason: { code: "source_failed", delivery: "not-sent" },
    });
    expect([second?.status, third?.status]).toEqual(["fulfilled", "fulfilled"]);
    expect(server.messages.length).toBe(2);
  });
});

describe("where nobody is to get a message unless all do", () => {
  const ways = [[], ["PIPELINING"], ["CHUNKING"], ["PIPELINING", "CHUNKING"]];
  test.each(ways.map((offers) => [offers.join(" and ") || "neither extension", offers] as const))(
    "one refused recipient leaves the others without so much as an empty one, with %s",
    async (_, offers) => {
      const server = await serve(polite({ offers, RCPT: nth(2, "550 5.1.1 no such user") }));
      const { client } = connectTo(server, { onPartial: "abort" });
      const to = ["a@example.org", "b@example.org", "c@example.org"];
      const error = await errorOf(client.send({ ...MESSAGE, to }));
      expect(error).toMatchObject({ code: "recipients_refused", delivery: "rejected" });
      expect((error as ReplyError).rejected?.map(({ recipient }) => recipient)).toEqual(["b@example.org"]);
      await client.send(messageTo("next"));
      expect(server.messages.length).toBe(1);
      expect(server.messages[0]).toContain("To: next@example.org\r\n");
      expect(server.peers.length).toBe(1);
    },
  );
});

describe("what a server says is told as it was said", () => {
  test("of each recipient, for now or for good", async () => {
    const replies = ["250 ok", "452 4.5.3 too many", "551 5.1.6 gone", "251 will forward", "450 4.2.1 busy"];
    let at = 0;
    const server = await serve(polite({ RCPT: () => replies[at++] }));
    const { client } = connectTo(server);
    const to = ["a", "b", "c", "d", "e"].map((name) => `${name}@example.org`);
    const receipt = await client.send({ ...MESSAGE, to });
    expect(receipt.accepted).toEqual(["a@example.org", "d@example.org"]);
    expect(receipt.rejected.map(({ recipient, reply }) => [recipient, reply.code])).toEqual([
      ["b@example.org", 452],
      ["c@example.org", 551],
      ["e@example.org", 450],
    ]);
  });

  test("and the Message-ID stays ours, whatever it says of one", async () => {
    const reply = `250 2.0.0 Ok: queued as <${"a".repeat(400)}@evil.example>`;
    const server = await serve(polite({ content: reply }));
    const { client } = connectTo(server);
    const receipt = await client.send({ ...MESSAGE, messageId: "<mine@example.com>" });
    expect(receipt.messageId).toBe("<mine@example.com>");
    expect(receipt.reply.lines).toEqual([reply.slice(4)]);
  });

  test("with nothing in the error's text that would draw on a terminal or fill a screen", async () => {
    const said = [`550-\u001b[2J<script>\u202e`, ...Array<string>(900).fill("550-no, no, no"), "550 no"];
    const server = await serve(polite({ MAIL: async (peer) => void (await peer.say(...said)) }));
    const { client } = connectTo(server);
    const error = await errorOf(client.send(MESSAGE));
    expect(error.message).toMatch(/^[\x20-\x7e…]{1,1000}$/);
    expect((error as ReplyError).reply.lines.length).toBe(902);
    expect((error as ReplyError).reply.lines[0]).toContain("\u001b[2J<script>");
  });

  test("also of a login: more than a word with 235, and markup with 535", async () => {
    const welcome: Manners = {
      offers: ["AUTH PLAIN"],
      AUTH: nth(1, "235-welcome\n235 back", "535 <b>no</b>"),
    };
    let replies: readonly string[] = [];
    const server = await serve((peer) =>
      polite(peer.index === 0 ? welcome : { ...welcome, AUTH: "535 <b>no</b>" })(peer),
    );
    const options = { auth: { user: "alice", pass: "open sesame" } };
    const first = connectTo(server, {
      ...options,
      trace: (event) => {
        if (event.kind === "reply" && event.reply.code === 235) replies = event.reply.lines;
      },
    });
    await first.client.send(MESSAGE);
    expect(replies).toEqual(["welcome", "back"]);
    const error = await errorOf(connectTo(server, options).client.send(MESSAGE));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ reply: { code: 535, lines: ["<b>no</b>"] } });
  });
});

/** Says it and leaves, in the same breath. */
function lastWords(reply: string): Answer {
  return async (peer) => {
    await peer.say(reply);
    peer.end();
    return undefined;
  };
}

/** Answers the first time when the client has given it up, and from then on in time. */
function belated(): Answer {
  return nth(1, async (peer) => {
    await peer.closed;
    return "250 2.0.0 too late";
  });
}

function fail(): never {
  throw new Error("there is nothing");
}
