// Where the octets of a body part come from: memory, or something that is opened when they are needed.

import { encodeUtf8 } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import { Flow, type Opening } from "./flow.ts";
import { describe, refuseHalfPairs } from "./input.ts";
import { OpenedLater } from "./opened-later.ts";

export type { OpenedLater } from "./opened-later.ts";

/**
 * Is what the content of an attachment may be given as: text, which is sent as UTF-8, octets, a `Blob` or `File`, a web
 * or Node stream, or anything that can be iterated over for text and octets. What is not in memory is opened when the
 * message is sent, read once, never ahead of the server, and closed whatever happens: from the moment the message has
 * passed the checks a stream belongs to it. Files and URLs are opened by `attachment.file` and `attachment.url` only.
 */
export type Source =
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>
  | Iterable<string | Uint8Array>
  | OpenedLater;

/** A source that has been checked. Text is in memory by its nature, and known to be UTF-8. */
export type ResolvedSource =
  | { readonly kind: "memory"; readonly octets: Uint8Array; readonly isText: boolean }
  | { readonly kind: "flow"; readonly flow: Flow };

/**
 * Reads a source; nothing is opened and octets are not copied. `length` is how many there must be; `isBinary`, whether
 * they go unencoded.
 */
export function resolveSource(
  value: unknown,
  field: string,
  { length, isBinary }: { readonly length?: number | undefined; readonly isBinary?: boolean } = {},
): ResolvedSource {
  const octets = octetsOf(value, field);
  if (octets === undefined) {
    return { kind: "flow", flow: new Flow(openingOf(value, field), field, length, { isBinary }) };
  }
  if (length !== undefined && octets.length !== length) {
    throw new MessageError(field, `is ${octets.length} octets long, not ${length}`);
  }
  return { kind: "memory", octets, isText: typeof value === "string" };
}

function octetsOf(value: unknown, field: string): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") {
    refuseHalfPairs(value, field);
    return encodeUtf8(value);
  }
  if (!(value instanceof ArrayBuffer)) return undefined;
  try {
    return new Uint8Array(value);
  } catch (cause) {
    throw new MessageError(field, "is an ArrayBuffer that was handed to somebody else", { cause });
  }
}

/** What streams and iterables have, some of it. A message that came as JSON holds no functions. */
type Readable = Partial<
  Record<
    "getReader" | "destroy" | "return" | "on" | typeof Symbol.asyncIterator | typeof Symbol.iterator,
    unknown
  >
> & { readonly locked?: unknown; readonly readableDidRead?: unknown };

function openingOf(value: unknown, field: string): Opening {
  if (typeof value === "object" && value !== null) {
    const opening = OpenedLater.begin(value, field);
    if (opening !== undefined) return opening;
    if (value instanceof Blob) {
      return { isReopenable: true, length: value.size, open: () => openWebStream(value.stream()) };
    }
    // Views of other widths have the octets in the order of the machine, and iterate over numbers.
    if (ArrayBuffer.isView(value)) {
      throw new MessageError(field, `is a ${value.constructor.name}, not a Uint8Array`, {
        hint: "write new Uint8Array(view.buffer, view.byteOffset, view.byteLength)",
      });
    }
    const readable: Readable = value;
    if (readable.locked === true || readable.readableDidRead === true) {
      throw new MessageError(field, "is a stream that somebody else has begun to read");
    }
    if (typeof readable.getReader === "function") return webStream(value as ReadableStream<unknown>);
    if (typeof readable[Symbol.asyncIterator] === "function") {
      return iterable(value, () => (value as AsyncIterable<unknown>)[Symbol.asyncIterator]());
    }
    if (typeof readable[Symbol.iterator] === "function") {
      return iterable(value, () => (value as Iterable<unknown>)[Symbol.iterator]());
    }
  }
  throw new MessageError(field, `is ${describe(value)}, not a string, octets or a stream`, {
    hint: "attachment.file() makes a source that will read the file, attachment.url() one for a URL",
  });
}

function webStream(stream: ReadableStream<unknown>): Opening {
  return {
    isReopenable: false,
    stream,
    open: () => openWebStream(stream),
    dismiss: () => stream.cancel(),
  };
}

function openWebStream(stream: ReadableStream<unknown>): ReturnType<Opening["open"]> {
  const reader = stream.getReader();
  return { next: () => reader.read(), return: () => reader.cancel() };
}

function iterable(value: object, iterate: () => Iterator<unknown> | AsyncIterator<unknown>): Opening {
  // An array begins anew each time; nothing else can be relied on to.
  if (Array.isArray(value)) return { isReopenable: true, open: iterate };
  const { on, destroy } = value as Readable;
  if (typeof on !== "function" || typeof destroy !== "function") {
    const giveBack = (value as Readable).return;
    const dismiss = (): unknown => typeof giveBack === "function" && giveBack.call(value);
    return { isReopenable: false, stream: value, open: iterate, dismiss };
  }
  // A stream of Node's. Its iterator would wait for the next octets before it closed anything, and an error that comes
  // while nobody reads it would end the process.
  const close = (): unknown => destroy.call(value);
  return {
    isReopenable: false,
    stream: value,
    take: () => on.call(value, "error", () => {}),
    open: () => {
      const iterator = iterate();
      return { next: () => iterator.next(), return: close };
    },
    dismiss: close,
  };
}
