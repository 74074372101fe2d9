// Content that is opened while the server waits for it, over real sockets: it arrives whole, or the message does not.

import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Message } from "../../src/index.ts";
import type { Source } from "../../src/source.ts";
import { attachment } from "../../src/sources.ts";
import { connectTo, MESSAGE } from "../support/client.ts";
import { first, polite } from "../support/manners.ts";
import { type Peer, type Server, serve } from "../support/server.ts";
import { errorOf, until, watchProcess } from "../support/watch.ts";

watchProcess();

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pennypost-"));
  path = join(folder, "large.bin");
  writeFileSync(path, CONTENT);
});
afterAll(() => rmSync(folder, { recursive: true }));

const CONTENT = Buffer.from(Uint8Array.from({ length: 300_000 }, (_, at) => at * 7 + (at >> 8)));
const FIELD = "attachments[0].content";

/** Ways to give the same content. */
const WAYS: readonly (readonly [string, () => Source, known: boolean])[] = [
  ["octets", () => CONTENT, true],
  ["a Blob", () => new Blob([CONTENT]), true],
  ["a file", () => attachment.file(path).content, true],
  ["a web stream", () => new Blob([CONTENT]).stream(), false],
  ["a Node stream", () => Readable.from(pieces(CONTENT)), false],
  ["an async generator", () => later(pieces(CONTENT)), false],
  ["an array", () => pieces(CONTENT), false],
  ["a function that opens one", () => attachment.stream(() => later(pieces(CONTENT))).content, false],
  [
    "a URL",
    () => attachment.url("https://x.example/", {}, { fetch: async () => new Response(CONTENT) }).content,
    false,
  ],
];

describe("content arrives whole", () => {
  test.each(WAYS)("as %s, and its size is said where it is known", async (_, make, isKnown) => {
    const server = await serve(polite({ offers: ["PIPELINING", "SIZE 1000000"] }));
    const { client, events } = connectTo(server);
    const receipt = await client.send(withContent(make()));
    expect(contentOf(server).equals(CONTENT)).toBe(true);
    expect(receipt.extensions.includes("SIZE")).toBe(isKnown);
    const size = server.messages[0]?.length;
    expect(server.heard.includes(` SIZE=${size}\r\n`)).toBe(isKnown);
    expect(events.find(({ kind }) => kind === "content")).toMatchObject({ octets: size });
    expect(server.messages[0]?.endsWith("--\r\n")).toBe(true);
  });

  test("as several sources of every kind in one message, and the connection serves the next", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    for (let round = 0; round < 2; round++) {
      const attachments = WAYS.map(([, make]) => ({ content: make() }));
      await client.send({ ...MESSAGE, attachments });
    }
    expect(server.peers.length).toBe(1);
    for (const message of server.messages) {
      const bodies = message.split("\r\n--").filter((part) => part.includes("base64"));
      expect(bodies.length).toBe(WAYS.length);
      for (const body of bodies) expect(decode(body).equals(CONTENT)).toBe(true);
    }
  });

  test("as nothing at all", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    await client.send(withContent(new Blob([])));
    await client.send(withContent(Readable.from([])));
    expect(server.messages.map((message) => decode(message).length)).toEqual([0, 0]);
  });

  test("with lines of text that begin with dots around it", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const text = ".\r\n..x\r\n.";
    await client.send({ ...withContent(new Blob([CONTENT])), text });
    expect(server.messages[0]).toContain(`\r\n\r\n${text}\r\n--`);
    expect(contentOf(server).equals(CONTENT)).toBe(true);
  });
});

describe("a source that fails", () => {
  const failures: readonly (readonly [string, () => Source, number | undefined, string])[] = [
    ["before its first octet", () => failing([]), undefined, "broken"],
    ["midway", () => failing(pieces(CONTENT)), undefined, "broken"],
    ["behind its last octet", () => failing([CONTENT]), CONTENT.length, "broken"],
    ["in a Node stream", () => Readable.from(failing([CONTENT])), undefined, "broken"],
    [
      "by ending early",
      () => later([CONTENT]),
      CONTENT.length + 1,
      "ended after 300000 of its 300001 octets",
    ],
    ["by ending before it began", () => later([]), 1, "ended after 0 of its 1 octets"],
    ["by not ending", () => later([CONTENT, CONTENT]), CONTENT.length, "more than its 300000 octets"],
    ["by giving something else", () => later([CONTENT, 5 as never]), undefined, "gave a number"],
  ];

  test.each(failures)("%s ends the connection and never the message", async (_, make, length, complaint) => {
    const server = await serve(polite({ offers: ["PIPELINING"] }));
    const { client, events } = connectTo(server);
    const attachments = [{ content: make(), ...(length !== undefined && { length }) }];
    const error = await errorOf(client.send({ ...MESSAGE, attachments }));
    expect(error).toMatchObject({ field: FIELD, phase: "content", delivery: "not-sent", retryable: false });
    expect(error.message).toContain(complaint);
    await (await server.peer(0)).closed;
    expect(server.messages).toEqual([]);
    expect(server.heard).not.toContain("\r\n.\r\n");
    expect(events.filter(({ kind }) => kind === "content" || kind === "closed")).toMatchObject([
      { kind: "closed" },
    ]);
    // The next message has a connection of its own.
    await client.send(MESSAGE);
    expect(server.peers.length).toBe(2);
  });

  test("because it is not there is an error before a connection is asked for", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    const missing = attachment.file(join(folder, "nowhere"));
    const error = await errorOf(client.send({ ...MESSAGE, attachments: [missing] }));
    expect(error).toMatchObject({
      field: FIELD,
      code: "source_failed",
      phase: "message",
      delivery: "not-sent",
    });
    expect(server.peers.length).toBe(0);
  });
});

describe("a source that gives nothing", () => {
  test.each([
    ["never begins", () => new Readable({ read() {} })],
    ["begins and does not end", () => stuckAfter(pieces(CONTENT))],
  ])("and %s ends in time, as its own fault, and is closed", async (_, make) => {
    const server = await serve(polite());
    const { client } = connectTo(server, { timeouts: { content: 50 } });
    const stream = make();
    const error = await errorOf(client.send(withContent(stream)));
    expect(error).toMatchObject({
      field: FIELD,
      message: `${FIELD}: took longer than 50 ms for 64 KiB`,
      code: "source_failed",
      phase: "content",
      delivery: "not-sent",
      hint: "timeouts.content sets this limit",
    });
    await until(() => stream.destroyed);
    await (await server.peer(0)).closed;
    expect(server.messages).toEqual([]);
  });

  test("cannot be waited out by a server that reads nothing: that is the server's fault", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          peer.pause();
          await peer.say("354 go");
          await peer.closed;
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server, { timeouts: { content: 100 } });
    const error = await errorOf(client.send(withContent(endless().source)));
    expect(error).toMatchObject({
      name: "TransportError",
      code: "deadline",
      phase: "content",
      delivery: "not-sent",
    });
  });
});

describe("a source is closed", () => {
  test("when the server refuses the message midway, whose reply is told", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          await peer.say("552 5.3.4 too much");
          await peer.closed;
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const { source, state } = endless();
    const error = await errorOf(client.send(withContent(source)));
    expect(error).toMatchObject({ name: "ReplyError", delivery: "rejected", reply: { code: 552 } });
    await until(() => state.isClosed);
  });

  test("when the server refuses while the source is waited for", async () => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.say("554 5.3.0 no");
          await peer.closed;
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const stream = new Readable({ read() {} });
    expect(await errorOf(client.send(withContent(stream)))).toMatchObject({ delivery: "rejected" });
    await until(() => stream.destroyed);
  });

  test("when the caller gives up while it is read, or waited for", async () => {
    const server = await serve(polite());
    for (const make of [() => Readable.from(endless().source), () => new Readable({ read() {} })]) {
      const { client, happened } = connectTo(server);
      const stream = make();
      const controller = new AbortController();
      const sent = errorOf(client.send(withContent(stream), { signal: controller.signal }));
      await happened("reply", 5);
      controller.abort();
      expect(await sent).toMatchObject({ code: "aborted", phase: "content", delivery: "not-sent" });
      await until(() => stream.destroyed);
    }
    expect(server.messages).toEqual([]);
  });

  test.each([
    ["closes the connection", (peer: Peer) => peer.end()],
    ["resets it", (peer: Peer) => peer.reset()],
  ])("when the server %s", async (_, leave) => {
    const server = await serve(
      polite({
        DATA: async (peer) => {
          await peer.say("354 go");
          await peer.take(100_000);
          leave(peer);
          await peer.closed;
          return undefined;
        },
      }),
    );
    const { client } = connectTo(server);
    const { source, state } = endless();
    const error = await errorOf(client.send(withContent(source)));
    expect(error).toMatchObject({ code: "connection_lost", delivery: "not-sent" });
    await until(() => state.isClosed);
  });

  test.each([
    ["there is no connection", polite({ greeting: "554 no" })],
    ["the sender is refused", polite({ MAIL: "550 no" })],
    ["every recipient is refused", polite({ offers: ["PIPELINING"], RCPT: "550 no", DATA: "554 none" })],
    ["DATA is refused", polite({ DATA: "451 later" })],
  ])("unread when %s, and a file was not opened", async (_, script) => {
    const server = await serve(script);
    const { client } = connectTo(server);
    const stream = new Readable({
      read() {
        this.emit("read");
      },
    });
    let reads = 0;
    stream.on("read", () => reads++);
    const attachments = [attachment.file(path), { content: stream }];
    await errorOf(client.send({ ...MESSAGE, attachments }));
    await until(() => stream.destroyed);
    expect(reads).toBe(0);
    expect(openFiles()).toBe(0);
  });

  test("when a file is sent, and when it is not", async () => {
    const server = await serve(polite());
    const { client } = connectTo(server);
    await client.send({ ...MESSAGE, attachments: [attachment.file(path)] });
    await until(() => openFiles() === 0);
    const attachments = [attachment.file(path), { content: failing([]) }];
    await errorOf(client.send({ ...MESSAGE, attachments }));
    await until(() => openFiles() === 0);
    expect(server.messages.length).toBe(1);
  });
});

describe("a server that reads slowly", () => {
  test("has a source read no further than it takes", async () => {
    let resume: () => void = () => {};
    const server = await serve(
      polite({
        DATA: async (peer) => {
          peer.pause();
          await peer.say("354 go");
          resume = () => peer.resume();
          await peer.silence();
          return undefined;
        },
      }),
    );
    const { client, happened } = connectTo(server);
    const { source, state } = endless();
    const controller = new AbortController();
    const sent = errorOf(client.send(withContent(source), { signal: controller.signal }));
    await happened("reply", 5);
    // Until nothing more is taken: what the kernels hold for both sides is full.
    for (let last = -1; last !== state.given; ) {
      last = state.given;
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    const peer = await server.peer(0);
    expect(state.given).toBeGreaterThan(0);
    const stopped = state.given;
    expect(stopped).toBeLessThan(30_000_000);
    resume();
    await until(() => peer.octets > stopped);
    // What was given and has not arrived is with the wire, but for a few blocks.
    controller.abort();
    await sent;
    await until(() => state.isClosed);
  });
});

describe("a limit of the server", () => {
  test("that is known to be passed is an error before MAIL", async () => {
    const server = await serve(polite({ offers: ["SIZE 100000"] }));
    const { client } = connectTo(server);
    const error = await errorOf(client.send({ ...MESSAGE, attachments: [attachment.file(path)] }));
    expect(error).toMatchObject({ code: "message_too_large", phase: "mail", delivery: "not-sent" });
    expect(server.heard).not.toContain("MAIL");
    expect(openFiles()).toBe(0);
  });

  test("that is passed on the way ends the connection and never the message", async () => {
    const server = await serve(polite({ offers: ["SIZE 100000"] }));
    const { client } = connectTo(server);
    const { source, state } = endless();
    const error = await errorOf(client.send(withContent(source)));
    expect(error).toMatchObject({ code: "message_too_large", phase: "content", delivery: "not-sent" });
    expect(error.message).toContain("100000 octets");
    await (await server.peer(0)).closed;
    expect(server.peers[0]?.octets).toBeLessThan(101_000);
    expect(server.messages).toEqual([]);
    await until(() => state.isClosed);
  });

  test("that is not passed is no hindrance", async () => {
    const server = await serve(polite({ offers: ["SIZE 1000000"] }));
    const { client } = connectTo(server);
    await client.send(withContent(later([CONTENT])));
    expect(contentOf(server).equals(CONTENT)).toBe(true);
  });
});

describe("a reused connection that is dead", () => {
  const dying = (when: "MAIL" | "content") =>
    first(async (peer) => {
      let messages = 0;
      await polite({
        MAIL: () => {
          if (++messages < 2 || when !== "MAIL") return "250 ok";
          peer.reset();
          return undefined;
        },
        DATA: async () => {
          await peer.say("354 go");
          if (messages < 2) {
            await peer.data();
            return "250 queued";
          }
          await peer.take(100_000);
          peer.reset();
          return undefined;
        },
      })(peer).catch(() => {});
    }, polite());

  test("is replaced with the same stream, where that was not opened", async () => {
    const server = await serve(dying("MAIL"));
    const { client } = connectTo(server);
    await client.send(MESSAGE);
    const receipt = await client.send(withContent(later([CONTENT])));
    expect(receipt.attempts).toBe(2);
    expect(contentOf(server).equals(CONTENT)).toBe(true);
  });

  test("is replaced where the source can be opened again, and not where it cannot", async () => {
    for (const attempts of [2, 1]) {
      const server = await serve(dying("content"));
      const { client } = connectTo(server);
      await client.send(MESSAGE);
      async function* held(): AsyncGenerator<Uint8Array> {
        yield CONTENT;
        await (await server.peer(0)).closed;
        yield CONTENT;
      }
      const sent = client.send(withContent(attempts === 2 ? attachment.stream(held).content : held()));
      if (attempts === 2) expect((await sent).attempts).toBe(2);
      else expect(await errorOf(sent)).toMatchObject({ code: "connection_lost", delivery: "not-sent" });
      expect(server.peers.length).toBe(attempts);
    }
  });
});

describe("whether the same message may be sent again", () => {
  test.each([
    ["a stream", () => Readable.from(["x"]), false],
    ["a function that opens one", () => attachment.stream(() => Readable.from(["x"])).content, true],
    ["octets", () => CONTENT, true],
  ] as const)("is told of one with %s", async (_, make, retryable) => {
    const server = await serve(polite({ MAIL: "451 4.3.0 later" }));
    const { client } = connectTo(server);
    const error = await errorOf(client.send(withContent(make())));
    expect(error).toMatchObject({ code: "sender_refused", delivery: "rejected", retryable });
    if (!retryable) expect(error).toMatchObject({ hint: expect.stringContaining("attachment.stream()") });
  });
});

describe("a message in 8bit", () => {
  const message: Message = { ...MESSAGE, text: "Many greetings, Jürgen, and a good day.", eightBit: true };

  test("goes as it is to a server that takes it, and encoded to one that does not", async () => {
    const takes = await serve(polite({ offers: ["8BITMIME"] }));
    const receipt = await connectTo(takes).client.send(message);
    expect(receipt.extensions).toContain("8BITMIME");
    expect(takes.heard).toContain("BODY=8BITMIME\r\n");
    expect(Buffer.from(takes.messages[0] ?? "", "latin1").toString()).toContain(
      "\r\n\r\nMany greetings, Jürgen,",
    );
    const takesNot = await serve(polite());
    expect((await connectTo(takesNot).client.send(message)).extensions).not.toContain("8BITMIME");
    expect(takesNot.heard).not.toContain("BODY=");
    expect(takesNot.messages[0]).toContain("J=C3=BCrgen");
  });

  test("has its sources in both forms", async () => {
    for (const offers of [["8BITMIME"], []]) {
      const server = await serve(polite({ offers }));
      await connectTo(server).client.send({ ...message, attachments: [{ content: later([CONTENT]) }] });
      expect(contentOf(server).equals(CONTENT)).toBe(true);
      expect(server.heard.includes("BODY=8BITMIME")).toBe(offers.length > 0);
    }
  });
});

describe("signing", () => {
  const signer = { sign: async () => "DKIM-Signature: v=1\r\n" };

  test("puts a signature before each message, and counts it", async () => {
    const server = await serve(polite({ offers: ["SIZE"] }));
    const { client } = connectTo(server, { dkim: signer });
    for (const content of ["x", new Blob(["x"]), later(["x"])]) await client.send(withContent(content));
    await client.send(MESSAGE);
    expect(server.messages.length).toBe(4);
    for (const message of server.messages) {
      expect(message.startsWith("DKIM-Signature: v=1\r\nDate: ")).toBe(true);
      expect(server.heard).toContain(` SIZE=${message.length}\r\n`);
    }
  });

  test("that fails sends nothing, and connects to nobody", async () => {
    const server = await serve(polite());
    const sign = async (): Promise<string> => {
      throw new Error("no key");
    };
    const { client } = connectTo(server, { dkim: [signer, { sign }] });
    for (const message of [MESSAGE, withContent(new Blob(["x"]))]) {
      expect(await errorOf(client.send(message))).toMatchObject({
        code: "signing_failed",
        delivery: "not-sent",
      });
    }
    expect(server.peers.length).toBe(0);
  });

  test.each([[{}], ["key"], [[{}]], [{ privateKey: "x" }], [null]])("is not asked of %j", async (dkim) => {
    const server = await serve(polite());
    expect(() => connectTo(server, { dkim: dkim as never })).toThrow("dkim: is");
  });
});

function withContent(content: Source): Message {
  return { ...MESSAGE, attachments: [{ content }] };
}

function contentOf(server: Server): Buffer {
  return decode(server.messages.at(-1) ?? "");
}

/** The octets of the only attachment. */
function decode(message: string): Buffer {
  const body = message.slice(message.indexOf("\r\n\r\n", message.indexOf("base64")) + 4);
  return Buffer.from((body.split("\r\n--")[0] ?? "").replaceAll("\r\n", ""), "base64");
}

function pieces(octets: Uint8Array): Uint8Array[] {
  return Array.from({ length: 10 }, (_, at) => octets.subarray(at * 30_000, (at + 1) * 30_000));
}

async function* later<T>(given: readonly T[]): AsyncGenerator<T> {
  for (const piece of given) yield piece;
}

async function* failing(given: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* given;
  throw new Error("broken");
}

/** A Node stream that stops behind these pieces. */
function stuckAfter(given: readonly Uint8Array[]): Readable {
  const left = [...given];
  return new Readable({
    read() {
      const piece = left.shift();
      if (piece !== undefined) this.push(piece);
    },
  });
}

function endless(): { source: AsyncGenerator<Uint8Array>; state: { given: number; isClosed: boolean } } {
  const state = { given: 0, isClosed: false };
  async function* source(): AsyncGenerator<Uint8Array> {
    const piece = new Uint8Array(10_000);
    try {
      for (;;) {
        state.given += piece.length;
        yield piece;
      }
    } finally {
      state.isClosed = true;
    }
  }
  return { source: source(), state };
}

/** How many files of the test this process has open. */
function openFiles(): number {
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;
}
