// One client, scripted servers, real sockets: messages in chunks, whole or broken off, and what is said of each.

import { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import type { Message } from "../../src/index.ts";
import type { Source } from "../../src/source.ts";
import { attachment } from "../../src/sources.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { first, type Manners, polite } from "../support/manners.ts";
import { type Peer, type Script, type Server, serve } from "../support/server.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

const BOTH = ["PIPELINING", "CHUNKING"];
const CONTENT = Buffer.from(Uint8Array.from({ length: 400_000 }, (_, at) => at * 7 + (at >> 8)));

/** Longer than what rides with its envelope. */
const TEXT = `${"x".repeat(70)}\r\n`.repeat(5_000);
const LARGE: Message = { ...MESSAGE, text: TEXT };

describe("a message in memory", () => {
  test("is one write with its envelope, and one turn", async () => {
    const server = await serve(polite({ offers: BOTH }));
    const { client, events } = connectTo(server);
    await client.send(MESSAGE);
    const from = events.length;
    const receipt = await client.send({ ...MESSAGE, text: ".\r\n..x\r\n." });
    const told = events.slice(from).map((event) => {
      if (event.kind === "command") return event.line.replace(/\d+/, "n");
      return event.kind === "reply" ? event.reply.code : event.kind;
    });
    expect(told).toEqual([
      "MAIL FROM:<alice@example.com>",
      "RCPT TO:<bob@example.org>",
      "BDAT n LAST",
      "content",
      250,
      250,
      250,
    ]);
    expect(receipt.extensions).toEqual(["PIPELINING", "CHUNKING"]);
    expect(server.messages[1]?.endsWith("\r\n\r\n.\r\n..x\r\n.\r\n")).toBe(true);
    expect(server.heard).not.toContain("DATA\r\n");
  });

  test("refused may have been taken where nothing comes to QUIT in time: the reply may have been to something else", async () => {
    const silent = async (peer: Peer): Promise<undefined> => {
      await peer.silence();
    };
    const server = await serve(polite({ offers: BOTH, content: "451 later", QUIT: silent }));
    const { client } = connectTo(server, { timeouts: { command: 100 } });
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "content_refused",
      delivery: "unknown",
      retryable: false,
    });
  });

  test("that is long waits for its envelope, and arrives whole", async () => {
    for (const offers of [BOTH, ["CHUNKING"]]) {
      const server = await serve(polite({ offers }));
      const { client, events } = connectTo(server);
      await client.send(LARGE);
      expect(server.messages[0]?.endsWith(`\r\n\r\n${TEXT}`)).toBe(true);
      const bdat = events.findIndex((event) => event.kind === "command" && event.line.startsWith("BDAT"));
      expect(events.slice(0, bdat).filter(({ kind }) => kind === "reply").length).toBe(4);
    }
  });

  test("goes through DATA where the user has it so", async () => {
    const server = await serve(polite({ offers: BOTH }));
    const { client } = connectTo(server, { extensions: { chunking: false } });
    expect((await client.send(MESSAGE)).extensions).toEqual(["PIPELINING"]);
    expect(server.heard).not.toContain("BDAT");
  });

  test("that is refused ends the connection, and the next message takes another", async () => {
    let times = 0;
    const server = await serve(
      polite({ offers: BOTH, content: () => (++times === 1 ? "552 5.3.4 too large" : "250 queued") }),
    );
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "content_refused",
      delivery: "rejected",
      reply: { code: 552 },
    });
    await client.send(MESSAGE);
    expect(server.peers.map(({ lines }) => lines.map((line) => line.split(" ")[0]).join(" "))).toEqual([
      "EHLO MAIL RCPT BDAT QUIT",
      "EHLO MAIL RCPT BDAT",
    ]);
  });

  test("that is refused midway ends the connection, and that reply is told", async () => {
    const server = await serve(refusingMidway(polite({ offers: BOTH }), "552 5.3.4 too large"));
    const { client } = connectTo(server);
    const huge = { ...MESSAGE, attachments: [{ content: new Uint8Array(20_000_000) }] };
    expect(await errorOf(client.send(huge))).toMatchObject({
      code: "content_refused",
      delivery: "rejected",
      reply: { code: 552 },
    });
    expect(server.messages).toEqual([]);
  });

  test("that a server stops reading ends in time", async () => {
    const server = await serve(
      polite({
        offers: BOTH,
        RCPT: async (peer) => {
          peer.pause();
          return "250 ok";
        },
      }),
    );
    const { client } = connectTo(server, { timeouts: { content: 100 } });
    const attachments = [{ content: new Uint8Array(20_000_000) }];
    expect(await errorOf(client.send({ ...MESSAGE, attachments }))).toMatchObject({
      code: "deadline",
      phase: "content",
      delivery: "not-sent",
    });
  });

  test("that nobody is to get: the connection serves the next, and says nothing of the first to anybody", async () => {
    let times = 0;
    const server = await serve(polite({ offers: BOTH, RCPT: () => (++times === 1 ? "550 no" : "250 ok") }));
    const { client } = connectTo(server);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({ code: "recipients_refused" });
    await client.send({ ...MESSAGE, subject: "second" });
    expect(server.peers.length).toBe(1);
    expect(server.messages.length).toBe(1);
    expect(server.messages[0]).toContain("Subject: second");
  });
});

describe("a connection that has been silent", () => {
  test("is asked for the envelope first, so that one that is dead is replaced", async () => {
    const dying: Script = async (peer) => {
      let messages = 0;
      await polite({
        offers: BOTH,
        MAIL: () => {
          if (++messages === 1) return "250 ok";
          peer.reset();
          return undefined;
        },
      })(peer).catch(() => {});
    };
    const server = await serve(first(dying, polite({ offers: BOTH })));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    const now = performance.now();
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now + 6_000);
    try {
      const receipt = await client.send(MESSAGE);
      expect(receipt.attempts).toBe(2);
    } finally {
      clock.mockRestore();
    }
    expect(server.peers[0]?.heard.match(/BDAT/g)?.length).toBe(1);
    expect(server.messages.length).toBe(2);
  });

  test("and that died right behind a message leaves the fate of the next unknown, which is not sent again", async () => {
    const dying: Script = async (peer) => {
      let messages = 0;
      await polite({
        offers: BOTH,
        MAIL: () => {
          if (++messages === 1) return "250 ok";
          peer.reset();
          return undefined;
        },
      })(peer).catch(() => {});
    };
    const server = await serve(first(dying, polite({ offers: BOTH })));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    expect(await errorOf(client.send(MESSAGE))).toMatchObject({
      code: "connection_lost",
      delivery: "unknown",
      retryable: false,
    });
    expect(server.messages.length).toBe(1);
  });
});

describe("a stream", () => {
  test.each([
    ["pipelined", BOTH],
    ["in lock-step", ["CHUNKING"]],
  ])("arrives whole, %s, in chunks of a block at most", async (_, offers) => {
    const server = await serve(polite({ offers }));
    const { client, events } = connectTo(server);
    for (let round = 0; round < 2; round++) {
      const receipt = await client.send(withContent(Readable.from(pieces())));
      expect(receipt.extensions).toContain("CHUNKING");
      expect(decode(server.messages.at(-1)).equals(CONTENT)).toBe(true);
    }
    expect(server.peers.length).toBe(1);
    const chunks = linesOf(server).filter((line) => line.startsWith("BDAT"));
    for (const line of chunks) expect(Number(line.split(" ")[1])).toBeLessThanOrEqual(65_536);
    expect(chunks.filter((line) => line.endsWith(" LAST")).length).toBe(2);
    expect(linesOf(server)).not.toContain("DATA");
    const counted = events.flatMap((event) => (event.kind === "content" ? [event.octets] : []));
    expect(counted).toEqual(server.messages.map(({ length }) => length));
  });

  test("of nothing arrives as an attachment of nothing", async () => {
    const server = await serve(polite({ offers: BOTH }));
    await connectTo(server).client.send(withContent(Readable.from([])));
    expect(decode(server.messages[0]).length).toBe(0);
  });

  test("is no further ahead of the replies than its window", async () => {
    let most = 0;
    let answered = 0;
    const server = await serve(async (peer) => {
      await polite({
        offers: BOTH,
        BDAT: async () => {
          // Once nothing more comes, the client waits for this reply.
          for (let heard = -1; heard !== peer.octets; ) {
            heard = peer.octets;
            for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
          }
          const said = peer.heard.match(/BDAT \d+/g)?.length ?? 0;
          most = Math.max(most, said - answered);
          answered++;
          return "250 go on";
        },
      })(peer);
    });
    const { client } = connectTo(server);
    const twice = Buffer.concat([CONTENT, CONTENT]);
    await client.send(withContent(Readable.from([twice])));
    expect(decode(server.messages[0]).equals(twice)).toBe(true);
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(8);
  });

  test("goes chunk by chunk where PIPELINING is not offered", async () => {
    const server = await serve(polite({ offers: ["CHUNKING"] }));
    const { client, events } = connectTo(server);
    await client.send(withContent(Readable.from(pieces())));
    const told = events.flatMap((event) => {
      if (event.kind === "command") return event.line.startsWith("BDAT") ? ["chunk"] : [];
      return event.kind === "reply" ? ["reply"] : [];
    });
    const chunks = told.slice(told.indexOf("chunk"));
    expect(chunks).toEqual(chunks.map((_, at) => (at % 2 === 0 ? "chunk" : "reply")));
  });

  test.each([
    ["at once", failing([])],
    ["midway", failing(pieces())],
    ["behind its last octet", failing([CONTENT])],
  ])("that fails %s never becomes a message, and ends the connection", async (_, source) => {
    for (const offers of [BOTH, ["CHUNKING"]]) {
      const server = await serve(polite({ offers }));
      const { client } = connectTo(server);
      const error = await errorOf(client.send(withContent(attachment.stream(() => source()).content)));
      expect(error).toMatchObject({
        field: "attachments[0].content",
        phase: "content",
        delivery: "not-sent",
      });
      await (await server.peer(0)).closed;
      expect(server.heard).not.toContain("LAST");
      expect(server.messages).toEqual([]);
      await client.send(MESSAGE);
      expect(server.peers.length).toBe(2);
    }
  });

  test.each([
    ["more", CONTENT.length - 1],
    ["less", CONTENT.length + 1],
  ])("that gives %s than was said never becomes a message", async (_, length) => {
    const server = await serve(polite({ offers: BOTH }));
    const { client } = connectTo(server);
    const attachments = [{ content: Readable.from(pieces()), length }];
    expect(await errorOf(client.send({ ...MESSAGE, attachments }))).toMatchObject({
      field: "attachments[0].content",
      delivery: "not-sent",
    });
    await (await server.peer(0)).closed;
    expect(server.messages).toEqual([]);
  });

  test("that gives nothing ends in time, as its own fault", async () => {
    const server = await serve(polite({ offers: BOTH }));
    const { client } = connectTo(server, { timeouts: { content: 50 } });
    const stream = new Readable({ read() {} });
    expect(await errorOf(client.send(withContent(stream)))).toMatchObject({
      code: "source_failed",
      message: "attachments[0].content: took longer than 50 ms for 64 KiB",
      delivery: "not-sent",
    });
    await until(() => stream.destroyed);
  });

  test("whose chunks are not answered ends in time, as the server's fault", async () => {
    const server = await serve(polite({ offers: BOTH, BDAT: () => undefined }));
    const { client } = connectTo(server, { timeouts: { content: 50 } });
    const { source, state } = endless();
    expect(await errorOf(client.send(withContent(source)))).toMatchObject({
      code: "deadline",
      phase: "content",
      delivery: "not-sent",
    });
    await until(() => state.isClosed);
  });

  test("that passes the limit of the server is not finished", async () => {
    const server = await serve(polite({ offers: [...BOTH, "SIZE 100000"] }));
    const { client } = connectTo(server);
    const { source, state } = endless();
    expect(await errorOf(client.send(withContent(source)))).toMatchObject({
      code: "message_too_large",
      phase: "content",
      delivery: "not-sent",
    });
    await (await server.peer(0)).closed;
    expect(server.messages).toEqual([]);
    await until(() => state.isClosed);
  });

  test("is not read where nobody would get it", async () => {
    for (const refusing of [{ MAIL: "550 no" }, { RCPT: "550 no" }]) {
      const server = await serve(polite({ offers: BOTH, ...refusing }));
      const { client } = connectTo(server);
      const stream = Readable.from(pieces());
      await errorOf(client.send(withContent(stream)));
      await until(() => stream.destroyed);
      expect(server.heard).not.toContain("BDAT");
    }
  });

  test.each([
    ["pipelined, stops there, and the connection ends", BOTH, "QUIT"],
    ["in lock-step, stops there; the connection serves the next", ["CHUNKING"], "RSET"],
  ])("of which a chunk is refused, %s", async (_, offers, behind) => {
    let chunks = 0;
    const server = await serve(
      polite({ offers, BDAT: () => (++chunks === 2 ? "552 5.3.4 too much" : "250 go on") }),
    );
    const { client } = connectTo(server);
    const { source, state } = endless();
    expect(await errorOf(client.send(withContent(source)))).toMatchObject({
      code: "content_refused",
      verb: "BDAT",
      delivery: "rejected",
      retryable: false,
      reply: { code: 552 },
    });
    await until(() => state.isClosed);
    await client.send(withContent(Readable.from(pieces())));
    expect(server.peers.length).toBe(behind === "QUIT" ? 2 : 1);
    expect(server.messages.length).toBe(1);
    expect(decode(server.messages[0]).equals(CONTENT)).toBe(true);
    const verbs = linesOf(server).map((line) => line.split(" ")[0]);
    // What was on its way when the refusal came is bounded by the window.
    expect(verbs.indexOf(behind) - verbs.indexOf("BDAT")).toBeLessThanOrEqual(offers === BOTH ? 10 : 2);
    expect(verbs[verbs.indexOf(behind) + 1]).toBe(behind === "QUIT" ? "EHLO" : "MAIL");
  });

  test("of which a chunk is refused while it is waited for: what it gives later belongs to nobody", async () => {
    const server = await serve(
      polite({ offers: BOTH, BDAT: (_, line) => (line.startsWith("BDAT 6") ? "552 no" : "250 ok") }),
    );
    const { client } = connectTo(server);
    let give: (piece: Uint8Array) => void = () => {};
    const later = new Promise<Uint8Array>((resolve) => (give = resolve));
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield CONTENT;
      yield await later;
    }
    expect(await errorOf(client.send(withContent(slow())))).toMatchObject({ delivery: "rejected" });
    async function* next(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("new");
      give(CONTENT);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.send(withContent(next()));
    expect(decode(server.messages[0]).toString()).toBe("new");
  });
});

/** Every place where a server may break off, and what may be said of the message then. */
describe("whatever happens, and wherever, what is said of the message is true", () => {
  const faults: Readonly<Record<string, (peer: Peer) => string | undefined>> = {
    "a FIN": (peer) => {
      peer.end();
      return undefined;
    },
    "a RST": (peer) => {
      peer.reset();
      return undefined;
    },
    silence: () => undefined,
    "421": (peer) => {
      void peer.say("421 4.3.2 bye").then(
        () => peer.end(),
        () => {},
      );
      return undefined;
    },
    "452": () => "452 4.3.1 full",
    "554": () => "554 5.7.1 no",
    "354": () => "354 go",
    garbage: () => "what?",
    "a reply too many": () => "250 ok\n250 ok",
    "mixed codes": () => "250-ok\n550 no",
  };
  const places = ["MAIL", "RCPT", "BDAT", "content", "RSET"] as const;
  const kinds: Readonly<Record<string, () => Message>> = {
    "a short message": () => MESSAGE,
    "a long message": () => LARGE,
    "a stream": () => withContent(Readable.from(pieces())),
  };
  const cases = Object.keys(faults).flatMap((fault) =>
    places.flatMap((place) =>
      Object.keys(kinds).flatMap((kind) =>
        [BOTH, ["CHUNKING"]].map((offers) => [fault, place, kind, offers.join(" + ")] as const),
      ),
    ),
  );

  test.each(cases)("%s at %s, %s, %s", async (fault, place, kind, offers) => {
    let done = 0;
    const manners: Manners = {
      offers: offers.split(" + "),
      ...(place === "RSET" && { content: "554 no" }),
      [place]: faults[fault],
    };
    const server = await serve(async (peer) => {
      await polite({
        ...manners,
        content: async (_, line) => {
          const how = manners.content ?? "250 queued";
          const words = typeof how === "string" ? how : await how(peer, line);
          // Who goes without a word may have taken it.
          if (words === undefined ? fault !== "421" : words.startsWith("250 ")) done++;
          return words;
        },
      })(peer);
    });
    const { client } = connectTo(server, {
      timeouts: { command: 80, content: 80, endOfData: 80 },
    });
    const outcome = await client.send(kinds[kind]?.() ?? MESSAGE).then(
      () => "accepted",
      (error) => error.delivery as string,
    );
    if (outcome === "accepted") expect(done).toBe(1);
    else if (outcome !== "unknown") expect([outcome, done]).toEqual([outcome, 0]);
    expect(["accepted", "unknown", "rejected", "not-sent"]).toContain(outcome);
    if (place === "MAIL" && kind !== "a short message") expect(outcome).not.toBe("unknown");
  });
});

function refusingMidway(script: Script, reply: string): Script {
  return async (peer) => {
    void (async () => {
      while (!peer.heard.includes(" LAST\r\n") || peer.octets < 200_000) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      peer.pause();
      await peer.say(reply);
    })();
    await script(peer);
  };
}

function withContent(content: Source): Message {
  return { ...MESSAGE, attachments: [{ content }] };
}

function linesOf({ peers }: Server): readonly string[] {
  return peers.flatMap(({ lines }) => lines);
}

/** The octets of the only attachment. */
function decode(message = ""): Buffer {
  const body = message.slice(message.indexOf("\r\n\r\n", message.indexOf("base64")) + 4);
  return Buffer.from((body.split("\r\n--")[0] ?? "").replaceAll("\r\n", ""), "base64");
}

function pieces(): Uint8Array[] {
  return Array.from({ length: 10 }, (_, at) => CONTENT.subarray(at * 40_000, (at + 1) * 40_000));
}

function failing(given: readonly Uint8Array[]): () => AsyncGenerator<Uint8Array> {
  return async function* () {
    yield* given;
    throw new Error("broken");
  };
}

function endless(): { source: AsyncGenerator<Uint8Array>; state: { isClosed: boolean } } {
  const state = { isClosed: false };
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(10_000);
    } finally {
      state.isClosed = true;
    }
  }
  return { source: source(), state };
}
