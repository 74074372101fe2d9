// Many messages, of which only a few are in memory: taken from their source as fast as they are sent and their results
// are read, and no faster.

import { abortError, onAbort } from "./abort.ts";
import type { Told } from "./dispatch.ts";
import { SmtpError } from "./errors.ts";
import type { Message } from "./message.ts";
import type { MessageSource, Progress } from "./options/calls.ts";
import type { Receipt } from "./receipt.ts";
import { undisturbed } from "./trace.ts";

/** Tells what became of one message of many. */
export type SendResult = {
  /** Which message of the source it was, from 0. */
  readonly index: number;
  readonly message: Message;
} & (
  | { readonly ok: true; readonly receipt: Receipt }
  /** What `send` would have thrown. */
  | { readonly ok: false; readonly error: SmtpError }
);

export interface BulkSettings {
  readonly concurrency: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => unknown) | undefined;
  /** Sends one; what it throws is what became of it. */
  readonly send: (message: Message, told: Told) => void;
  /** Throws where no more messages are taken. */
  readonly check: () => void;
}

type Step = IteratorResult<SendResult, undefined>;

interface Reader {
  resolve(step: Step): void;
  reject(error: unknown): void;
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** The results, in the order in which the messages were done with. */
export class Bulk implements AsyncIterableIterator<SendResult, undefined> {
  readonly #settings: BulkSettings;
  readonly #open: () => MessageSource;
  /** Where the messages come from, for as long as there may be more. */
  #source: MessageSource | undefined;
  #isAsking = false;
  #isFilling = false;
  #index = 0;
  #underWay = 0;
  #sent = 0;
  #failed = 0;
  #unknown = 0;
  /** Results that nobody has asked for yet: never more than may be under way, twice. */
  readonly #results: SendResult[] = [];
  /** Those who have asked when there was none. */
  readonly #readers: Reader[] = [];
  /** No message is taken any more; `error` is why, where there might have been more. */
  #ending: { error?: unknown } | undefined;
  /** The source is closing. */
  #closing: Promise<unknown> | undefined;
  #onIdle: () => void = () => {};
  #stopListening: () => void = () => {};

  constructor(open: () => MessageSource, settings: BulkSettings) {
    this.#open = open;
    this.#settings = settings;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next result. No message is taken before the first is asked for. */
  next(): Promise<Step> {
    const result = this.#results.shift();
    if (result !== undefined) {
      this.#fill();
      return Promise.resolve({ done: false, value: result });
    }
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
      this.#fill();
    });
  }

  /** Takes no more messages, and waits for those under way. Their results are not read any more. */
  async return(): Promise<IteratorReturnResult<undefined>> {
    const isAsking = this.#isAsking;
    this.#end({});
    this.#finish();
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    this.#results.length = 0;
    // A source that is asked for a message closes when it has given it, if ever.
    if (!isAsking) await this.#closing;
    return END;
  }

  /** Takes messages for as long as there is room for them, and for their results. */
  #fill(): void {
    const { concurrency, check } = this.#settings;
    // Messages that fail at once come back here before the loop is over.
    if (this.#isFilling) return;
    this.#isFilling = true;
    try {
      while (this.#ending === undefined && !this.#isAsking && this.#underWay < concurrency) {
        if (this.#results.length >= concurrency) break;
        check();
        this.#source ??= this.#begin();
        this.#ask(this.#source);
      }
    } catch (error) {
      this.#end({ error });
    } finally {
      this.#isFilling = false;
    }
    this.#finish();
  }

  #begin(): MessageSource {
    const { signal } = this.#settings;
    if (signal?.aborted) throw abortError(signal, "queue");
    this.#stopListening = onAbort(signal, () => {
      this.#end({ error: abortError(signal, "queue") });
      this.#finish();
    });
    return this.#open();
  }

  #ask(source: MessageSource): void {
    let step: ReturnType<MessageSource["next"]>;
    try {
      step = source.next();
    } catch (error) {
      this.#source = undefined;
      throw error;
    }
    if (!("then" in step)) {
      this.#take(step);
      return;
    }
    this.#isAsking = true;
    Promise.resolve(step)
      .then((later) => {
        this.#isAsking = false;
        this.#take(later);
      })
      // What it came to may be no step at all.
      .catch((error: unknown) => {
        this.#isAsking = false;
        this.#source = undefined;
        this.#end({ error });
      })
      .then(() => this.#fill());
  }

  #take({ done, value: message }: IteratorResult<Message, unknown>): void {
    if (done === true) {
      this.#source = undefined;
      this.#end({});
      return;
    }
    // Whoever broke off has not waited for it.
    if (this.#ending !== undefined) return;
    const index = this.#index++;
    this.#underWay++;
    this.#settings.send(message as Message, {
      sent: (receipt) => {
        this.#sent++;
        this.#done({ index, message: message as Message, ok: true, receipt });
      },
      failed: (error) => {
        const isUnknown = error instanceof SmtpError && error.delivery === "unknown";
        if (isUnknown) this.#unknown++;
        else this.#failed++;
        this.#done({ index, message: message as Message, ok: false, error: error as SmtpError });
      },
    });
  }

  #done(result: SendResult): void {
    this.#underWay--;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#results.push(result);
    else reader.resolve({ done: false, value: result });
    const { onProgress } = this.#settings;
    if (onProgress !== undefined) {
      const progress = {
        sent: this.#sent,
        failed: this.#failed,
        unknown: this.#unknown,
        underWay: this.#underWay,
      };
      undisturbed(() => onProgress(progress));
    }
    this.#fill();
  }

  /** Takes no more messages. */
  #end(ending: { error?: unknown }): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    const source = this.#source;
    this.#source = undefined;
    if (source === undefined) return;
    this.#closing = (async () => source.return?.())();
    this.#closing.catch(() => {});
  }

  /** Tells those who wait for a result that there are no more. */
  #finish(): void {
    const ending = this.#ending;
    if (ending === undefined || this.#underWay > 0) return;
    this.#stopListening();
    this.#onIdle();
    for (let reader = this.#readers.shift(); reader !== undefined; reader = this.#readers.shift()) {
      if (!("error" in ending)) {
        reader.resolve(END);
        continue;
      }
      // Told once: whoever goes on reading is at the end.
      reader.reject(ending.error);
      delete ending.error;
    }
  }
}
