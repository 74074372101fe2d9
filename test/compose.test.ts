// Messages whose content is opened while they are read: the same octets as from memory, signed where that is asked for.

import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Attachment } from "../src/attachment.ts";
import { composeMessage, composeStream } from "../src/compose.ts";
import { createDkimSigner, type DkimOptions } from "../src/dkim.ts";
import type { Flow } from "../src/flow.ts";
import type { Message } from "../src/message.ts";
import { MAX_KEPT, prepare } from "../src/prepare.ts";
import type { DkimSigner } from "../src/signer.ts";
import { resolveSource, type Source } from "../src/source.ts";
import { attachment } from "../src/sources.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

watchProcess();

const BASE: Message = {
  from: "alice@example.com",
  to: "bob@example.org",
  subject: "Hello",
  text: "Hello, Bob.",
  date: new Date(0),
  messageId: "<1@example.com>",
};

describe("a message with sources to open", () => {
  const ways: readonly (readonly [string, (pieces: readonly Uint8Array[]) => Source])[] = [
    ["an array", (pieces) => pieces],
    ["a generator", (pieces) => pieces.values()],
    ["an async generator", (pieces) => later(pieces)],
    ["a Blob", (pieces) => new Blob(pieces as never)],
    ["a web stream", (pieces) => webStream(pieces)],
    ["a Node stream", (pieces) => Readable.from(pieces)],
    ["a function that opens a stream", (pieces) => attachment.stream(async () => webStream(pieces)).content],
  ];

  test.each(ways)("has the same octets as one in memory, however it is cut: %s", async (_, make) => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(70_000).map((size) => new Uint8Array(size)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (pieces) => {
        const streamed = await composeStream({ ...BASE, attachments: [{ content: make(pieces) }] });
        const inMemory = composeMessage({ ...BASE, attachments: [{ content: Buffer.concat(pieces) }] });
        const octets = await streamed.toUint8Array();
        expect(comparable(octets)).toBe(comparable(inMemory.content));
        if (streamed.size !== undefined) expect(octets.length).toBe(streamed.size);
      }),
      { numRuns: 15 },
    );
  });

  test("has the same octets as one in memory, however its text is cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), fc.array(fc.nat(40)), async (text, sizes) => {
        let at = 0;
        const pieces = sizes.map((size) => {
          at += size;
          return text.slice(at - size, at);
        });
        pieces.push(text.slice(at));
        const contents = [pieces.values(), Buffer.from(text)];
        const [streamed, inMemory] = await Promise.all(
          contents.map(async (content) => {
            const message = await composeStream({ ...BASE, attachments: [{ content }] });
            return comparable(await message.toUint8Array());
          }),
        );
        expect(streamed).toBe(inMemory);
      }),
      { numRuns: 50 },
    );
  });

  test("has its sources in their places, among those in memory", async () => {
    const contents = ["first", "second", "third", "fourth"];
    const attachments = (asSource: (text: string, at: number) => Source): Attachment[] =>
      contents.map((text, at) => ({ filename: `${at}.bin`, content: asSource(text, at) }));
    const streamed = await composeStream({
      ...BASE,
      attachments: attachments((text, at) => (at % 2 ? new Blob([text]) : Buffer.from(text))),
    });
    const inMemory = composeMessage({ ...BASE, attachments: attachments((text) => Buffer.from(text)) });
    expect(comparable(await streamed.toUint8Array())).toBe(comparable(inMemory.content));
    expect(streamed.size).toBe(inMemory.size);
  });

  test("is the message of composeMessage where all of it is in memory", async () => {
    const { toUint8Array, ...message } = await composeStream(BASE);
    const inMemory = composeMessage(BASE);
    expect(message).toMatchObject({
      envelope: inMemory.envelope,
      messageId: inMemory.messageId,
      size: inMemory.size,
      needs: inMemory.needs,
    });
    expect(await toUint8Array()).toEqual(inMemory.content);
    expect(await toUint8Array(), "once more").toEqual(inMemory.content);
  });

  test("can be read again where its sources can be opened again, and says so where not", async () => {
    const again = await composeStream({ ...BASE, attachments: [{ content: new Blob(["x"]) }] });
    expect(await again.toUint8Array()).toEqual(await again.toUint8Array());
    const once = await composeStream({ ...BASE, attachments: [{ content: new Blob(["x"]).stream() }] });
    await once.toUint8Array();
    expect(await errorOf(once.toUint8Array())).toMatchObject({
      field: "attachments[0].content",
      code: "source_failed",
    });
  });

  test("does not have the same stream twice", async () => {
    const stream = Readable.from(["x"]);
    const error = await errorOf(
      composeStream({ ...BASE, attachments: [{ content: stream }, { content: stream }] }),
    );
    expect(error).toMatchObject({ field: "attachments[1].content", code: "source_failed" });
    await until(() => stream.destroyed);
  });

  test("does not take the stream of another away", async () => {
    const stream = Readable.from(["x"]);
    const first = await composeStream({ ...BASE, attachments: [{ content: stream }] });
    await errorOf(composeStream({ ...BASE, attachments: [{ content: stream }] }));
    expect(Buffer.from(await first.toUint8Array()).toString()).toContain("eA==");
  });

  test("is not the message that it was when it was changed meanwhile", async () => {
    const message = { ...BASE, subject: "before", attachments: [{ content: new Blob(["x"]) }] };
    const composed = await composeStream(message);
    message.subject = "after";
    message.attachments.pop();
    const text = Buffer.from(await composed.toUint8Array()).toString();
    expect(text).toContain("Subject: before");
    expect(text).toContain("eA==");
  });

  test("comes in blocks that are worth a write, and not too large for a wire", async () => {
    const attachments = [
      { content: Array.from({ length: 500 }, () => new Uint8Array(1000)) },
      { content: new Uint8Array(500_000) },
      { content: new Blob(["x"]) },
    ];
    const { content } = await composeStream({ ...BASE, text: "x\r\n".repeat(100_000), attachments });
    const sizes: number[] = [];
    for await (const octets of content) sizes.push(octets.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(66_000);
    expect(sizes.filter((size) => size < 30_000).length).toBeLessThan(4);
  });

  test("reads a source no further than it is read itself", async () => {
    let given = 0;
    function* endless(): Generator<Uint8Array> {
      for (;;) {
        given += 1000;
        yield new Uint8Array(1000);
      }
    }
    const { content } = await composeStream({ ...BASE, attachments: [{ content: endless() }] });
    let read = 0;
    for await (const octets of content) {
      read += octets.length;
      expect(given).toBeLessThan(read + 60_000);
      if (read > 1_000_000) break;
    }
  });

  test("fails where a source does, wherever that is, and closes the others", async () => {
    for (const position of [0, 1, 100, 200_000]) {
      let closed = 0;
      async function* failing(): AsyncGenerator<Uint8Array> {
        try {
          if (position > 0) yield new Uint8Array(position);
          throw new Error("broken");
        } finally {
          closed++;
        }
      }
      const attachments = [{ content: new Blob(["x"]) }, { content: failing() }];
      const message = await composeStream({ ...BASE, attachments });
      expect(await errorOf(message.toUint8Array())).toMatchObject({
        field: "attachments[1].content",
        code: "source_failed",
        message: "attachments[1].content: could not be read: broken",
      });
      expect(closed).toBe(1);
    }
  });

  test("takes no option that there is not", async () => {
    expect((await errorOf(composeStream(BASE, { dkmi: [] } as never))).message).toContain(
      'has no property "dkmi"',
    );
    expect((await errorOf(composeStream(BASE, { dkim: {} } as never))).message).toContain("not a signer");
  });
});

describe("many attachments", () => {
  test("of the same memory take time in proportion to their number", () => {
    const content = new Uint8Array(65_536);
    const time = (count: number): number => {
      const message = { ...BASE, attachments: Array.from({ length: count }, () => ({ content })) };
      const started = performance.now();
      expect(composeMessage(message).size).toBeGreaterThan(count * 65_536);
      return performance.now() - started;
    };
    time(100);
    expect(time(1000)).toBeLessThan(40 * time(100) + 50);
  });

  test("of a mebibyte each, a thousand of them, are not all in memory", async () => {
    const blob = new Blob([new Uint8Array(1_048_576)]);
    const attachments = Array.from({ length: 1000 }, () => ({ content: blob }));
    const { content, size } = await composeStream({ ...BASE, attachments });
    expect(size).toBeGreaterThan(1_400_000_000);
    const start = process.memoryUsage().arrayBuffers;
    let read = 0;
    for await (const octets of content) {
      read += octets.length;
      if (read > 100_000_000) break;
    }
    expect(process.memoryUsage().arrayBuffers - start).toBeLessThan(64_000_000);
  });
});

describe("a signature", () => {
  test.each([
    ["in memory", () => "x"],
    ["in a Blob", () => new Blob(["x".repeat(200_000)])],
    ["in a stream", () => Readable.from(["x".repeat(200_000)])],
  ])("is over the message as it is sent, and stands before it: %s", async (_, make) => {
    const one = signer();
    const message = await composeStream({ ...BASE, attachments: [{ content: make() }] }, { dkim: one });
    const text = await textOf(await message.toUint8Array());
    expect(one.signed.length).toBe(1);
    expect(text).toBe(`DKIM-Signature: n=1\r\n${one.signed[0]}`);
    expect(message.size).toBe(text.length);
  });

  test("is one for each signer, over the same octets", async () => {
    const [one, two] = [signer(), signer()];
    for (const content of ["x", new Blob(["x"]), Readable.from(["x"])]) {
      const message = await composeStream({ ...BASE, attachments: [{ content }] }, { dkim: [one, two] });
      expect((await textOf(await message.toUint8Array())).match(/^DKIM-Signature/gm)?.length).toBe(2);
    }
    expect(one.signed).toEqual(two.signed);
  });

  test("is made by a signer of ours", async () => {
    const keys = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const { privateKey } = keys as unknown as { readonly privateKey: DkimOptions["privateKey"] };
    const dkim = createDkimSigner({ domain: "example.com", selector: "s", privateKey });
    const message = await composeStream({ ...BASE, attachments: [{ content: new Blob(["x"]) }] }, { dkim });
    expect(await textOf(await message.toUint8Array())).toMatch(/^DKIM-Signature: v=1; a=ed25519-sha256;/);
  });

  test.each([
    ["throws", () => Promise.reject(new Error("no key"))],
    [
      "throws at once",
      () => {
        throw new Error("no key");
      },
    ],
    ["gives nothing", async () => ""],
    ["gives something else", async () => 5],
    ["gives no whole line", async () => "DKIM-Signature: x"],
    ["gives a line that ends in LF", async () => "DKIM-Signature: x\n"],
    ["gives another field", async () => "Subject: x\r\n"],
    ["gives a field too many", async () => "DKIM-Signature: x\r\nSubject: x\r\n"],
    ["ends the header section", async () => "DKIM-Signature: x\r\n\r\n"],
    ["throws what cannot be shown", () => Promise.reject(Object.create(null))],
  ])("that fails is an error, and the message is never without it: it %s", async (_, sign) => {
    for (const content of ["x", new Blob(["x"])]) {
      const dkim = [signer(), { sign }] as never;
      const message = composeStream({ ...BASE, attachments: [{ content }] }, { dkim });
      expect((await errorOf(message)).code).toBe("signing_failed");
    }
  });

  test("that is waited for too long is an error, also once its source has been read", async () => {
    const never = new Promise<string>(() => {});
    const reads = async (content: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> => {
      if (!(content instanceof Uint8Array)) for await (const _ of content);
      return never;
    };
    const part = {
      envelope: { from: "", to: [] },
      messageId: "<1@x>",
      terms: undefined,
      sevenBit: undefined,
    };
    const needs = { utf8: false, eightBit: false, binary: false };
    for (const chunks of [["x\r\n"], [flowOf(new Blob(["x"]))]]) {
      const prepared = prepare({ ...part, needs, chunks }, { signers: [{ sign: reads }], patience: 20 });
      expect(await errorOf(prepared)).toMatchObject({
        code: "signing_failed",
        message: "message: could not be signed: the signer took longer than 20 ms",
      });
    }
  });

  test("by who stops reading leaves nothing open", async () => {
    const stream = new Readable({ read: () => stream.push("x") });
    const sign = async (content: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> => {
      if (!(content instanceof Uint8Array)) await content[Symbol.asyncIterator]().next();
      return "DKIM-Signature: x\r\n";
    };
    const made = attachment.stream(() => stream);
    const composed = await composeStream({ ...BASE, attachments: [made] }, { dkim: { sign } });
    await until(() => stream.destroyed);
    composed.close();
  });

  test("of a source that fails is the error of the source", async () => {
    async function* failing(): AsyncGenerator<string> {
      yield "x";
      throw new Error("broken");
    }
    const sources = [failing(), attachment.stream(failing).content];
    for (const content of sources) {
      const error = await errorOf(composeStream({ ...BASE, attachments: [{ content }] }, { dkim: signer() }));
      expect(error).toMatchObject({ field: "attachments[0].content", code: "source_failed" });
    }
  });

  test("of a stream that is too long to be kept is an error that says what to do", async () => {
    let given = 0;
    let isClosed = false;
    function* endless(): Generator<Uint8Array> {
      const piece = new Uint8Array(1_000_000);
      try {
        for (;;) {
          given += piece.length;
          yield piece;
        }
      } finally {
        isClosed = true;
      }
    }
    const message = composeStream({ ...BASE, attachments: [{ content: endless() }] }, { dkim: signer() });
    expect(await errorOf(message)).toMatchObject({
      field: "attachments[0].content",
      code: "source_failed",
      hint: expect.stringContaining(`${MAX_KEPT} octets can be kept`),
    });
    expect(given).toBeLessThan(MAX_KEPT);
    await until(() => isClosed);
  });

  test("is over what needs no conversion on the way, where there is a choice", async () => {
    const one = signer();
    const part = { envelope: { from: "", to: [] }, messageId: "<1@x>", terms: undefined };
    const needs = { utf8: false, eightBit: false, binary: false };
    const sevenBit = { ...part, needs, chunks: ["=C3=BC\r\n"], sevenBit: undefined };
    const composition = {
      ...part,
      needs: { ...needs, eightBit: true },
      chunks: ["ü\r\n"],
      sevenBit: () => sevenBit,
    };
    const signed = await prepare(composition, { signers: [one], patience: 1000 });
    expect(one.signed).toEqual(["=C3=BC\r\n"]);
    expect(signed).toMatchObject({ needs });
    expect(signed.sevenBit).toBeUndefined();
  });
});

describe("the sources of a message that is composed", () => {
  const streams = (): readonly [Readable, Readable] => [endless(), endless()];
  const compose = (...contents: readonly Readable[]) =>
    composeStream({ ...BASE, attachments: contents.map((content) => ({ content })) });

  test("are closed when the iteration is left, those behind it too", async () => {
    const [first, second] = streams();
    for await (const _ of (await compose(first, second)).content) break;
    await until(() => first.destroyed && second.destroyed);
  });

  test("are closed when one of them fails", async () => {
    const [first, second] = streams();
    first.destroy(new Error("broken"));
    const composed = await compose(first, second);
    expect((await errorOf(composed.toUint8Array())).code).toBe("source_failed");
    await until(() => second.destroyed);
  });

  test("are closed when the iteration is left before it begins, and when there is none", async () => {
    const [first, second] = streams();
    const iterator = (await compose(first)).content[Symbol.asyncIterator]();
    await iterator.return?.();
    (await compose(second)).close();
    await until(() => first.destroyed && second.destroyed);
  });

  test("are not shared with who reads them: a block may be written to", async () => {
    const composed = await composeStream(BASE, { dkim: signer() });
    const before = Uint8Array.from(await composed.toUint8Array());
    for await (const block of composed.content) block.fill(0);
    expect(await composed.toUint8Array()).toEqual(before);
  });

  function endless(): Readable {
    return new Readable({
      read() {
        this.push("x".repeat(1000));
      },
    });
  }
});

describe("preparing a message", () => {
  test("ends where a source gives nothing for too long, and closes it", async () => {
    const stream = new Readable({ read() {} });
    const composition = compositionOf(stream);
    const error = await errorOf(
      prepare(composition, { signers: [{ sign: async () => "x\r\n" }], patience: 20 }),
    );
    expect(error).toMatchObject({
      field: "attachments[0].content",
      message: "attachments[0].content: took longer than 20 ms for 64 KiB",
      code: "source_failed",
      delivery: "not-sent",
    });
    await until(() => stream.destroyed);
  });

  test("ends where the caller gives up, before and meanwhile", async () => {
    for (const when of ["before", "meanwhile"]) {
      const stream = new Readable({ read() {} });
      const controller = new AbortController();
      if (when === "before") controller.abort();
      const signers = [{ sign: async () => "DKIM-Signature: x\r\n" }];
      const prepared = errorOf(
        prepare(compositionOf(stream), { signers, patience: 4_000, signal: controller.signal }),
      );
      setImmediate(() => controller.abort());
      expect(await prepared).toMatchObject({ code: "aborted", delivery: "not-sent" });
      await until(() => stream.destroyed);
    }
  });

  test("reads nothing more when it has ended so", async () => {
    let opened = 0;
    const content = attachment.stream(() => {
      opened++;
      return ["x"];
    }).content;
    let sign: (field: string) => void = () => {};
    const slow = {
      sign: () =>
        new Promise<string>((resolve) => {
          sign = resolve;
        }),
    };
    const controller = new AbortController();
    const second = { sign: async (octets: unknown) => textOf(octets as AsyncIterable<Uint8Array>) };
    const { signal } = controller;
    const prepared = errorOf(
      prepare(compositionOf(content), { signers: [slow, second], patience: 4_000, signal }),
    );
    setImmediate(() => controller.abort());
    await prepared;
    sign("x\r\n");
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(opened).toBe(0);
  });

  function compositionOf(content: Source): Parameters<typeof prepare>[0] {
    const part = { envelope: { from: "", to: [] }, messageId: "<1@x>", terms: undefined };
    const needs = { utf8: false, eightBit: false, binary: false };
    return { ...part, needs, chunks: [flowOf(content)], sevenBit: undefined };
  }
});

function flowOf(content: Source): Flow {
  const source = resolveSource(content, "attachments[0].content");
  if (source.kind === "memory") throw new Error("it is in memory");
  return source.flow;
}

/** The octets without what is random. */
function comparable(octets: Uint8Array): string {
  return Buffer.from(octets)
    .toString("latin1")
    .replace(/=_[0-9a-f]{32}_/g, "=_boundary_");
}

async function textOf(content: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  if (content instanceof Uint8Array) return Buffer.from(content).toString("latin1");
  let text = "";
  for await (const octets of content) text += Buffer.from(octets).toString("latin1");
  return text;
}

async function* later(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield piece;
}

function webStream(pieces: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
}

function signer(): DkimSigner & { readonly signed: string[] } {
  const signed: string[] = [];
  return {
    signed,
    sign: async (content) => {
      signed.push(await textOf(content));
      return `DKIM-Signature: n=${signed.length}\r\n`;
    },
  };
}
