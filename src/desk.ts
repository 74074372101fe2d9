// Where the work of a client is done: its connections, its count of messages, and each message from its composition to
// what became of it. All that sends is reached from here, and loaded with the first thing that a client is asked to do.

import { TimeLimit } from "./abort.ts";
import { ask } from "./asking.ts";
import { Bulk, type SendResult } from "./bulk.ts";
import { noop, vrfy } from "./commands.ts";
import { composeToWait } from "./compose.ts";
import { Dispatch, type DispatchOptions, type Means, type Told } from "./dispatch.ts";
import { MessageError, type Reply, ReplyError, SmtpError } from "./errors.ts";
import { describeReply, reasonOf } from "./excerpt.ts";
import { logTo } from "./logger.ts";
import type { Message } from "./message.ts";
import type { Composition } from "./mime.ts";
import type { SendManySettings } from "./options/calls.ts";
import type { ResolvedOptions } from "./options.ts";
import { Pool, USUAL_IN_FLIGHT } from "./pool.ts";
import { gateOf } from "./rate-limit.ts";
import type { Receipt } from "./receipt.ts";
import { type ClientStats, Tally } from "./tally.ts";
import { gather } from "./trace.ts";

export class Desk {
  readonly #options: ResolvedOptions;
  readonly #pool: Pool;
  readonly #tally: Tally;
  readonly #means: Means;

  /** Whatever is under way fails when `forced` is aborted. */
  constructor(options: ResolvedOptions, forced: AbortSignal) {
    const { limits, listeners, rateLimit, retry, signers, timeout } = options;
    const { trace, logger, diagnostics } = listeners;
    const audience = gather(trace, logger && logTo(logger), diagnostics);
    const settings = { ...options.settings, trace: audience };
    const limiter = rateLimit && gateOf(rateLimit);
    this.#options = options;
    this.#pool = new Pool(settings, limits, limiter);
    this.#tally = new Tally(audience.log);
    this.#means = {
      pool: this.#pool,
      tally: this.#tally,
      audience,
      forced,
      patience: settings.timeouts.content,
      onPartial: settings.onPartial,
      limiter,
      retry,
      signers,
      timeout,
    };
  }

  get stats(): ClientStats {
    return { ...this.#pool.stats, ...this.#tally.counts };
  }

  /**
   * Throws where the message cannot be sent as it stands; all else is told by the promise. `since` is when the caller asked
   * for it, where that was not now.
   */
  send(message: Message, signal: AbortSignal | undefined, since?: number): Promise<Receipt> {
    const composition = this.#compose(message);
    // Without an async function: of what waits, its frame would be the largest part.
    return new Promise<Receipt>((sent, failed) => {
      this.#dispatch(composition, { signal, since }, { sent, failed });
    });
  }

  /** `check` throws where no more messages are taken. */
  sendMany(
    { open, concurrency, inFlight, signal, onProgress }: SendManySettings,
    check: () => void,
  ): AsyncIterableIterator<SendResult, undefined> {
    return new Bulk(open, {
      concurrency: concurrency ?? this.#options.limits.maxConnections * (inFlight ?? USUAL_IN_FLIGHT),
      signal,
      onProgress,
      check,
      send: (message, told) => {
        try {
          check();
          this.#dispatch(this.#compose(message), { signal, inFlight }, told);
        } catch (error) {
          told.failed(error);
        }
      },
    });
  }

  verify(caller: AbortSignal | undefined, since?: number): Promise<void> {
    return this.#within(caller, since, async (signal) => {
      const connection = await this.#pool.open(signal);
      await connection.quit();
    });
  }

  vrfy(name: string, caller: AbortSignal | undefined, since?: number): Promise<Reply> {
    const command = vrfy(name);
    return this.#within(caller, since, (signal) => ask(command, this.#means, signal));
  }

  async noop(caller: AbortSignal | undefined, since?: number): Promise<Reply> {
    const reply = await this.#within(caller, since, (signal) => ask(noop(), this.#means, signal));
    if (reply.code < 400) return reply;
    throw new ReplyError(`the server refused to do nothing: ${describeReply(reply)}`, {
      code: "noop_refused",
      phase: "noop",
      verb: "NOOP",
      reply,
      delivery: "not-sent",
    });
  }

  /** Waits for what is under way, and says goodbye. */
  async close(): Promise<void> {
    const { underWay } = this.#tally;
    if (underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#tally.onIdle = resolve;
      });
    }
    await this.#pool.close();
  }

  /** Waits for nothing. */
  abandon(): Promise<void> {
    return this.#pool.close({ force: true });
  }

  /** What becomes of a message that could not be read. */
  async refuse(thrown: unknown): Promise<never> {
    throw this.#counted(thrown);
  }

  #compose(message: Message): Composition {
    try {
      return composeToWait(message);
    } catch (thrown) {
      throw this.#counted(thrown);
    }
  }

  #counted(thrown: unknown): SmtpError {
    // What is not ours is a getter's, or that of a Proxy: nothing has been sent yet.
    const error = thrown instanceof SmtpError ? thrown : unreadable(thrown);
    this.#tally.failed(error);
    return error;
  }

  /** Sends a message in the sight of those who follow it, where anybody does. */
  #dispatch(composition: Composition, options: DispatchOptions, told: Told): void {
    const { send } = this.#means.audience;
    if (!send?.isHeard) {
      Dispatch.begin(composition, this.#means, options, told);
      return;
    }
    const { host, port } = this.#options.settings.target;
    const work = (): Promise<Receipt> =>
      new Promise((sent, failed) => Dispatch.begin(composition, this.#means, options, { sent, failed }));
    const { messageId, envelope } = composition;
    const context = { host, port, messageId, recipients: envelope.to.length };
    send.run(context, work, (receipt) => receipt).then(told.sent, told.failed);
  }

  /** Does what is no message, in the time that it has. */
  async #within<T>(
    caller: AbortSignal | undefined,
    since: number | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { forced, timeout } = this.#means;
    const limit = new TimeLimit(timeout, since ?? performance.now(), caller, forced);
    this.#tally.begin();
    try {
      return await work(limit.signal);
    } finally {
      limit.clear();
      this.#tally.end();
    }
  }
}

function unreadable(cause: unknown): MessageError {
  return new MessageError("message", `could not be read: ${reasonOf(cause)}`, { cause });
}
