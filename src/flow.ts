// Octets that are not there yet: a file, a stream, whatever is opened when the message is on its way. Here it is held
// to what it said of itself, and a source that fails never looks like one that ended.

import { encodeUtf8 } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import { reasonOf } from "./excerpt.ts";
import { describe } from "./input.ts";

/** How a source is read. It is made for one message, so that what it finds out belongs to that message. */
export interface Opening {
  /** Whether it may be opened again, for the same octets: to be measured, signed, or sent once more. */
  readonly isReopenable: boolean;
  /** How many octets there will be, where that is known without looking. */
  readonly length?: number | undefined;
  /** What the caller has handed over, and nobody else is to read: a stream in two places is a stream in neither. */
  readonly stream?: object;
  /** Called when the message has been taken, whatever becomes of it: from here on the source is ours to close. */
  take?(): void;
  /** Finds out how many octets there will be, where looking tells: the size of a file. */
  measure?(): Promise<number>;
  open(): Pieces | Promise<Pieces>;
  /** Lets go of what was open when it was given, and will not be read. */
  dismiss?(): unknown;
}

/** What is open: the part of an iterator that is used. A piece is text or octets, and valid until the next is asked for. */
export interface Pieces {
  next(): IteratorResult<unknown, unknown> | Promise<IteratorResult<unknown, unknown>>;
  return?(): unknown;
}

/** Octets piece by piece. `return` may be called at any time, and does not wait. */
export interface Octets extends AsyncIterableIterator<Uint8Array, undefined> {
  return(): Promise<IteratorReturnResult<undefined>>;
}

/** How many pieces without an octet may follow each other: who gives nothing for ever would keep the process busy. */
const MAX_EMPTY_PIECES = 10_000;

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The streams that belong to a message already. */
const taken: WeakSet<object> = new WeakSet();

/** The octets of one source, for one message. */
export class Flow {
  /** The property of the message it was given as, for errors. */
  readonly field: string;
  /** Whether its octets go as they are, and not as base64. */
  readonly isBinary: boolean;
  readonly #opening: Opening;
  #length: number | undefined;
  #isTaken = false;
  #wasOpened = false;

  constructor(
    opening: Opening,
    field: string,
    declared?: number,
    { isBinary = false }: { readonly isBinary?: boolean | undefined } = {},
  ) {
    this.field = field;
    this.isBinary = isBinary;
    this.#opening = opening;
    this.#length = declared;
    if (opening.length !== undefined) this.#agree(opening.length);
  }

  /** How many octets there will be, as far as that is known. More or fewer are an error when they come. */
  get length(): number | undefined {
    return this.#length;
  }

  get isReopenable(): boolean {
    return this.#opening.isReopenable;
  }

  /** Whether it can be opened now: it has not been, or may be again. */
  get canOpen(): boolean {
    return this.isReopenable || !this.#wasOpened;
  }

  /** Makes it the message's own. */
  take(): void {
    const { stream } = this.#opening;
    if (stream !== undefined) {
      if (taken.has(stream)) throw this.#spent();
      taken.add(stream);
    }
    this.#isTaken = true;
    this.#opening.take?.();
  }

  /** Learns its length, where looking tells; what is not there is found out now. */
  async measure(): Promise<void> {
    let length: number | undefined;
    try {
      length = await this.#opening.measure?.();
    } catch (error) {
      throw this.#failure(error);
    }
    if (length !== undefined) this.#agree(length);
  }

  /**
   * Opens it when the first octets are asked for. What is returned can be closed while they are waited for, which the
   * iterator of a generator cannot; a request that is under way then fails.
   */
  open(): Octets {
    if (!this.canOpen) throw this.#spent();
    this.#wasOpened = true;
    const encoder = new PieceEncoder(this.field);
    let pieces: Pieces | undefined;
    let hasBegun = false;
    let isClosed = false;
    let hasEnded = false;
    let count = 0;
    const close = (): void => {
      if (isClosed) return;
      isClosed = true;
      // What nobody has begun to read is still as it was given.
      quietly(() => (hasBegun ? pieces?.return?.() : this.#opening.dismiss?.()));
    };
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (hasEnded) return END;
      try {
        if (isClosed) throw this.#error("was closed");
        if (pieces === undefined) {
          hasBegun = true;
          const opened = await this.#opening.open();
          pieces = opened;
          if (isClosed) quietly(() => opened.return?.());
        }
        for (let empty = 0; empty < MAX_EMPTY_PIECES; empty++) {
          if (isClosed) throw this.#error("was closed");
          const { done, value } = await pieces.next();
          if (isClosed) throw this.#error("was closed");
          const octets = done ? encoder.end() : encoder.encode(value);
          count += octets.length;
          const expected = this.#length ?? count;
          if (count > expected) throw this.#error(`gave more than its ${expected} octets`);
          if (done) {
            if (count < expected) throw this.#error(`ended after ${count} of its ${expected} octets`);
            // If it is opened again, it is to be the same.
            this.#length = count;
            isClosed = true;
            hasEnded = true;
            return END;
          }
          if (octets.length > 0) return { done: false, value: octets };
        }
        throw this.#error(`gave ${MAX_EMPTY_PIECES} pieces without an octet`);
      } catch (error) {
        close();
        throw this.#failure(error);
      }
    };
    return {
      next,
      return: async () => {
        close();
        return END;
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  /** Lets go of it, if it is the message's own and was not opened: who opened it has closed it. */
  dismiss(): void {
    if (this.#isTaken && !this.#wasOpened) quietly(() => this.#opening.dismiss?.());
  }

  #agree(length: number): void {
    if (this.#length !== undefined && this.#length !== length) {
      throw this.#error(`is ${length} octets long, not ${this.#length}`);
    }
    this.#length = length;
  }

  #spent(): MessageError {
    return this.#error("is a stream that was read before, or is given twice", {
      hint: "a stream can be read once; attachment.stream() takes a function that opens another",
    });
  }

  #error(what: string, details: { readonly hint?: string; readonly cause?: unknown } = {}): MessageError {
    return ownError(new MessageError(this.field, what, { code: "source_failed", ...details }));
  }

  /** Whatever the source threw, as an error that names it. */
  #failure(cause: unknown): MessageError {
    if (cause instanceof MessageError && own.has(cause)) return cause;
    return this.#error(`could not be read: ${reasonOf(cause)}`, { cause });
  }
}

/** The errors that say what is wrong with a source already. A source may throw anything, also what looks like one. */
const own: WeakSet<MessageError> = new WeakSet();

function ownError(error: MessageError): MessageError {
  own.add(error);
  return error;
}

/** What is reported of a source that takes too long. */
export function stalled(field: string, patience: number): MessageError {
  return new MessageError(field, `took longer than ${patience} ms for 64 KiB`, {
    code: "source_failed",
    hint: "timeouts.content sets this limit",
  });
}

const NOTHING = /* @__PURE__ */ new Uint8Array(0);

/** The octets of pieces. A pair of surrogates may be cut in two between pieces of text. */
class PieceEncoder {
  readonly #field: string;
  #half = "";

  constructor(field: string) {
    this.#field = field;
  }

  encode(piece: unknown): Uint8Array {
    if (typeof piece === "string") {
      const text = this.#half + piece;
      const end = text.length - (HIGH_SURROGATE.test(text.slice(-1)) ? 1 : 0);
      this.#half = text.slice(end);
      const whole = text.slice(0, end);
      this.#check(whole);
      return encodeUtf8(whole);
    }
    this.end();
    if (piece instanceof Uint8Array) return piece;
    throw this.#wrong(`gave ${describe(piece)} where a Uint8Array or a string is due`);
  }

  end(): Uint8Array {
    this.#check(this.#half);
    return NOTHING;
  }

  #check(text: string): void {
    if (!text.isWellFormed()) throw this.#wrong("holds half of a surrogate pair, which is not a character");
  }

  #wrong(what: string): MessageError {
    return ownError(new MessageError(this.#field, what));
  }
}

const HIGH_SURROGATE = /[\ud800-\udbff]/;

/** Closes something. It has failed or is not needed, so that nothing depends on how that goes. */
function quietly(close: () => unknown): void {
  void (async () => close())().catch(() => {});
}
