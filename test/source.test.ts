// What content may be given as, and what a source is held to.

import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { MessageError } from "../src/errors.ts";
import { Flow, type Opening } from "../src/flow.ts";
import { OpenedLater } from "../src/opened-later.ts";
import { type ResolvedSource, resolveSource, type Source } from "../src/source.ts";
import { attachment } from "../src/sources.ts";
import { errorOf, until, watchProcess } from "./support/watch.ts";

watchProcess();

const FIELD = "attachments[0].content";

describe("a source in memory", () => {
  test.each([
    ["text", "Grüße", true],
    ["octets", new TextEncoder().encode("Grüße"), false],
    ["a Buffer", Buffer.from("Grüße"), false],
    ["an ArrayBuffer", new TextEncoder().encode("Grüße").buffer, false],
  ])("is %s", (_, value, isText) => {
    const source = resolveSource(value, FIELD);
    expect(source).toMatchObject({ kind: "memory", isText });
    if (source.kind === "memory") expect(Buffer.from(source.octets).toString()).toBe("Grüße");
  });

  test("is not copied", () => {
    const octets = Uint8Array.of(1, 2, 3);
    expect(resolveSource(octets, FIELD)).toMatchObject({ octets });
  });

  test("has the length that was declared, or is refused", () => {
    expect(resolveSource("ü", FIELD, { length: 2 }).kind).toBe("memory");
    expect(refusal("ü", 1).message).toBe(`${FIELD}: is 2 octets long, not 1`);
  });

  test("is refused where its memory was handed to somebody else", () => {
    const { buffer } = new Uint8Array(4);
    structuredClone(buffer, { transfer: [buffer] });
    expect(refusal(buffer).message).toContain("handed to somebody else");
  });
});

describe("what is no source is refused, and not opened:", () => {
  test.each([
    ["a path in an object", { path: "/etc/passwd" }],
    ["a URL in an object", { href: "http://169.254.169.254/" }],
    ["what JSON has of a Buffer", JSON.parse(JSON.stringify(Buffer.from("x")))],
    ["a path by __proto__", JSON.parse('{"__proto__":{"path":"/etc/passwd"}}')],
    ["an object with the properties of ours", { begin: "x", content: { path: "/etc/passwd" } }],
    ["a URL", new URL("file:///etc/passwd")],
    ["a number", 5],
    ["null", null],
    ["a symbol", Symbol("x")],
    ["a function that would make one", async function* () {}],
  ])("%s", (_, value) => {
    expect(refusal(value)).toMatchObject({ field: FIELD, code: "invalid_message", delivery: "not-sent" });
  });

  test("an object that inherits from ours", () => {
    const ours = new OpenedLater(() => opening([]));
    expect(refusal(Object.create(ours)).field).toBe(FIELD);
    expect(refusal({ ...ours }).field).toBe(FIELD);
  });

  test("a polluted prototype changes nothing", () => {
    Object.assign(Object.prototype, { path: "/etc/passwd", href: "file:///etc/passwd", stream: "x" });
    try {
      expect(refusal({}).field).toBe(FIELD);
      expect(resolveSource("x", FIELD).kind).toBe("memory");
    } finally {
      for (const key of ["path", "href", "stream"]) Reflect.deleteProperty(Object.prototype, key);
    }
  });

  test("a view whose octets depend on the machine, with the way to say which they are", () => {
    expect(refusal(Uint16Array.of(1))).toMatchObject({
      message: `${FIELD}: is a Uint16Array, not a Uint8Array`,
      hint: "write new Uint8Array(view.buffer, view.byteOffset, view.byteLength)",
    });
    expect(refusal(new DataView(new ArrayBuffer(2))).message).toContain("is a DataView");
  });

  test("a web stream that somebody else reads", () => {
    const stream = new Blob(["x"]).stream();
    stream.getReader();
    expect(refusal(stream).message).toContain("somebody else has begun to read");
  });

  test("a Node stream that somebody else has begun to read", async () => {
    const stream = Readable.from(["x", "y"]);
    for await (const _ of stream) break;
    expect(refusal(stream).message).toContain("somebody else has begun to read");
  });
});

describe("a source that is opened", () => {
  test.each([
    ["a Blob", () => new Blob(["ab", "c"])],
    ["a File", () => new File(["ab", "c"], "x")],
    ["a web stream of octets", () => new Blob(["abc"]).stream()],
    ["a web stream of text", () => new Blob(["abc"]).stream().pipeThrough(new TextDecoderStream())],
    ["a Node stream of octets", () => Readable.from([Buffer.from("ab"), Buffer.from("c")])],
    ["a Node stream of text", () => Readable.from(["ab", "c"])],
    ["an async generator", () => generate("ab", Uint8Array.of(0x63))],
    ["a generator", () => ["ab", "c"].values()],
    ["a set", () => new Set(["ab", "c"])],
    ["an array of octets and text", () => [Uint8Array.of(0x61, 0x62), "c"]],
    ["what was made to be opened later", () => new OpenedLater(() => opening(["ab", "c"]))],
  ])("may be %s", async (_, make) => {
    expect(await read(flowOf(make()))).toBe("abc");
  });

  test("is opened when its first octets are asked for, and not before", async () => {
    let opened = 0;
    const flow = new Flow({ ...opening(["x"]), open: () => [String(++opened)].values() }, FIELD);
    flow.take();
    await flow.measure();
    const octets = flow.open();
    expect(opened).toBe(0);
    await octets.next();
    expect(opened).toBe(1);
  });

  test("keeps a pair of surrogates together that was cut between two pieces", async () => {
    const [high = "", low = ""] = "😀".split("");
    expect(await read(flowOf([`a${high}`, low, high, "", low, "b"]))).toBe("a😀😀b");
  });

  test.each([
    ["followed by nothing", ["a\ud83d"]],
    ["followed by another character", ["a\ud83d", "b"]],
    ["followed by octets", ["\ud83d", Uint8Array.of(0x62)]],
    ["without its first", ["a", "\ude00"]],
  ])("refuses half of a pair of surrogates, %s", async (_, pieces) => {
    expect(await errorOf(read(flowOf(pieces)))).toMatchObject({ field: FIELD, code: "invalid_message" });
  });

  test.each([
    ["a number", 5, "a number"],
    ["an object", { path: "/etc/passwd" }, "an object"],
    ["null", null, "null"],
    ["a view of another kind", Uint16Array.of(1), "a Uint16Array"],
  ])("refuses a piece that is %s, and closes", async (_, piece, name) => {
    const { source, state } = watched([Uint8Array.of(1), piece]);
    expect(await errorOf(read(flowOf(source)))).toMatchObject({
      field: FIELD,
      message: `${FIELD}: gave ${name} where a Uint8Array or a string is due`,
    });
    expect(state.closed).toBe(1);
  });

  test("refuses a web stream of objects, and cancels it", async () => {
    let cancelled = false;
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue({ a: 1 }),
      cancel: () => {
        cancelled = true;
      },
    });
    expect((await errorOf(read(flowOf(stream)))).message).toContain("gave an object");
    expect(cancelled).toBe(true);
  });

  test("says what a failing source said, keeps it as the cause, and closes", async () => {
    const cause = new Error("the disk\x1b[31m broke");
    const stream = new Readable({ read() {} });
    const flow = flowOf(stream);
    const outcome = errorOf(read(flow));
    stream.destroy(cause);
    expect(await outcome).toMatchObject({
      message: `${FIELD}: could not be read: the disk\\u{1b}[31m broke`,
      code: "source_failed",
      delivery: "not-sent",
      cause,
    });
  });

  test("ends with more octets than were declared: an error, and closed", async () => {
    const { source, state } = watched(["ab", "cd"]);
    const flow = flowOf(source, 3);
    expect(await errorOf(read(flow))).toMatchObject({
      message: `${FIELD}: gave more than its 3 octets`,
      code: "source_failed",
    });
    expect(state.closed).toBe(1);
  });

  test("ends with fewer octets than were declared: an error", async () => {
    expect((await errorOf(read(flowOf(["ab"].values(), 3)))).message).toBe(
      `${FIELD}: ended after 2 of its 3 octets`,
    );
    expect((await errorOf(read(flowOf([].values(), 1)))).message).toContain("ended after 0 of its 1 octets");
    expect(await read(flowOf(["ab", "c"].values(), 3))).toBe("abc");
  });

  test("has the length that was declared, or is refused where it is known", () => {
    expect(flowOf(new Blob(["abc"])).length).toBe(3);
    expect(flowOf(new Blob(["abc"]), 3).length).toBe(3);
    expect(() => flowOf(new Blob(["abc"]), 4)).toThrow("is 3 octets long, not 4");
  });

  test("that gives nothing for ever does not keep the process busy for ever", async () => {
    function* nothing(): Generator<string> {
      for (;;) yield "";
    }
    expect((await errorOf(read(flowOf(nothing())))).message).toContain("pieces without an octet");
  });

  test("may be read once where it is a stream, also by another message", async () => {
    const stream = new Blob(["abc"]).stream();
    const flow = flowOf(stream);
    flow.take();
    expect(await read(flow)).toBe("abc");
    expect(flow.canOpen).toBe(false);
    expect(() => flow.open()).toThrow("read before");
    const second = new Blob(["abc"]).stream();
    flowOf(second).take();
    expect(() => flowOf(second).take()).toThrow("given twice");
  });

  test("may be read again where it is a Blob or an array", async () => {
    for (const value of [new Blob(["abc"]), ["a", "bc"]]) {
      const flow = flowOf(value);
      expect(flow.isReopenable).toBe(true);
      expect(await read(flow)).toBe("abc");
      expect(await read(flow)).toBe("abc");
    }
  });
});

describe("closing", () => {
  test("an iterator that is not read to its end is returned", async () => {
    const { source, state } = watched(["a", "b"]);
    for await (const _ of flowOf(source).open()) break;
    await until(() => state.closed === 1);
  });

  test("a Node stream is destroyed while its next octets are waited for", async () => {
    const stream = new Readable({ read() {} });
    await closesWhileWaiting(flowOf(stream), () => stream.destroyed);
  });

  test("a web stream is cancelled while its next octets are waited for", async () => {
    let cancelled = false;
    const stream = new ReadableStream({
      cancel: () => {
        cancelled = true;
      },
    });
    await closesWhileWaiting(flowOf(stream), () => cancelled);
  });

  test("what is opened after all is closed at once", async () => {
    let closed = 0;
    let open: (pieces: ReturnType<Opening["open"]>) => void = () => {};
    const flow = new Flow(
      {
        isReopenable: false,
        open: () =>
          new Promise((resolve) => {
            open = resolve;
          }),
      },
      FIELD,
    );
    const octets = flow.open();
    const next = errorOf(octets.next());
    await octets.return();
    open({ next: () => ({ done: false, value: "x" }), return: () => closed++ });
    await next;
    expect(closed).toBe(1);
  });

  test("a source that cannot be closed changes nothing", async () => {
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false, value: "x" }),
        return: () => Promise.reject(new Error("no")),
      }),
    };
    for await (const _ of flowOf(source).open()) break;
  });

  test("streams that are not going to be read are let go of, and others are left alone", async () => {
    const node = new Readable({ read() {} });
    let cancelled = false;
    const web = new ReadableStream({
      cancel: () => {
        cancelled = true;
      },
    });
    const { source, state } = watched(["x"]);
    const flows = [node, web, source].map((value) => flowOf(value));
    for (const flow of flows) flow.dismiss();
    expect([node.destroyed, cancelled, state.closed]).toEqual([false, false, 0]);
    for (const flow of flows) flow.take();
    for (const flow of flows) flow.dismiss();
    await until(() => node.destroyed && cancelled);
  });

  test("an error of a Node stream that waits to be read is told by the message, and by nobody else", async () => {
    const stream = new Readable({ read() {} });
    const flow = flowOf(stream);
    flow.take();
    stream.destroy(new Error("no such file"));
    await until(() => stream.errored !== null);
    expect((await errorOf(read(flow))).message).toContain("no such file");
  });

  async function closesWhileWaiting(flow: Flow, isClosed: () => boolean): Promise<void> {
    const octets = flow.open();
    const next = errorOf(octets.next());
    await Promise.resolve();
    await octets.return();
    expect((await next).message).toContain(FIELD);
    await until(isClosed);
    // What was closed has not ended: a message that took it for its end would be complete.
    expect((await errorOf(octets.next())).message).toContain("was closed");
  }

  test("what was given and nobody has begun to read is let go of", async () => {
    const stream = new Readable({ read() {} });
    await flowOf(stream).open().return();
    await until(() => stream.destroyed);
  });

  test("a stream that comes after all, when its message is given up, is closed", async () => {
    const stream = new Readable({ read() {} });
    let give: ((source: Source) => void) | undefined;
    const made = attachment.stream(
      () =>
        new Promise<Source>((resolve) => {
          give = resolve;
        }),
    );
    const octets = flowOf(made.content).open();
    const next = errorOf(octets.next());
    await until(() => give !== undefined);
    await octets.return();
    give?.(stream);
    await next;
    await until(() => stream.destroyed);
  });
});

describe("a source that is opened again", () => {
  test("must be as long as it was", async () => {
    let length = 1000;
    const flow = flowOf(attachment.stream(() => "x".repeat(length)).content);
    expect(await read(flow)).toHaveLength(1000);
    expect(flow.length).toBe(1000);
    length = 2000;
    expect((await errorOf(read(flow))).message).toContain("gave more than its 1000 octets");
    length = 10;
    expect((await errorOf(read(flow))).message).toContain("ended after 10 of its 1000 octets");
  });
});

describe("whatever a source throws", () => {
  test.each([
    ["nothing with a prototype", Object.create(null)],
    ["an error whose message is no text", Object.assign(new Error(), { message: Symbol("x") })],
    ["what cannot be shown", { toString: () => expect.fail("no") }],
    ["an error that looks like ours", Object.freeze(new MessageError(FIELD, "x"))],
    ["nothing", undefined],
  ])("is told as its failure: %s", async (_, thrown) => {
    const flow = flowOf(
      (function* () {
        yield "a";
        throw thrown;
      })(),
    );
    const error = await errorOf(read(flow));
    expect(error).toMatchObject({ code: "source_failed", field: FIELD, cause: thrown });
    expect(Object.isFrozen(error)).toBe(false);
  });
});

function refusal(value: unknown, length?: number): MessageError {
  try {
    resolveSource(value, FIELD, { length });
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
  throw new Error("it should be refused");
}

function flowOf(value: unknown, length?: number): Flow {
  const source: ResolvedSource = resolveSource(value, FIELD, { length });
  if (source.kind === "memory") throw new Error("it is in memory");
  return source.flow;
}

function opening(pieces: readonly unknown[]): Opening {
  return { isReopenable: true, open: () => pieces.values() };
}

async function read(flow: Flow): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const octets of flow.open()) pieces.push(octets.slice());
  return Buffer.concat(pieces).toString();
}

async function* generate(...pieces: readonly unknown[]): AsyncGenerator<unknown> {
  yield* pieces;
}

/** An async generator that says whether it was closed. */
function watched(pieces: readonly unknown[]): { source: AsyncIterable<unknown>; state: { closed: number } } {
  const state = { closed: 0 };
  async function* source(): AsyncGenerator<unknown> {
    try {
      yield* pieces;
    } finally {
      state.closed++;
    }
  }
  return { source: source(), state };
}
