// What the user holds: a client that sends messages and says what became of each.

import { TimeLimit } from "./abort.ts";
import { ask } from "./asking.ts";
import { Bulk, readMessages, type SendResult } from "./bulk.ts";
import { noop, vrfy } from "./commands.ts";
import { composeToWait } from "./compose.ts";
import { Dispatch, type DispatchOptions, type Means, type Told } from "./dispatch.ts";
import { ConfigError, MessageError, type Reply, ReplyError, SmtpError } from "./errors.ts";
import { describeReply, reasonOf } from "./excerpt.ts";
import { readText } from "./input.ts";
import type { Message } from "./message.ts";
import type { Composition } from "./mime.ts";
import {
  type CloseOptions,
  readCloseOptions,
  readSendManyOptions,
  readSendOptions,
  type SendManyOptions,
  type SendOptions,
} from "./options/calls.ts";
import { type ResolvedOptions, resolveOptions, type SmtpClientOptions } from "./options.ts";
import { Pool, type PoolStats, USUAL_IN_FLIGHT } from "./pool.ts";
import type { Receipt } from "./receipt.ts";
import { once, type Runtime } from "./runtime.ts";
import { type MessageCounts, Tally } from "./tally.ts";

/** Counts what a client does now, and what it has done. */
export interface ClientStats extends PoolStats, MessageCounts {}

/** What is under way, and by what means: of the process, or of one invocation where none may touch another's. */
interface Office {
  readonly means: Means;
  readonly forced: AbortController;
  closing?: Promise<void>;
}

/** Is `SmtpClient` without its runtime: the doors hand it the way to connect. */
export class Client {
  readonly #options: ResolvedOptions;
  readonly #office: () => Office;
  #isClosed = false;

  constructor(options: string | URL | SmtpClientOptions, runtime: Runtime) {
    const resolved = resolveOptions(options, runtime);
    this.#options = resolved;
    this.#office = (runtime.perInvocation ?? once)(() => furnish(resolved));
  }

  /** How many connections and messages there are, by what they are doing. */
  get stats(): ClientStats {
    const { pool, tally } = this.#means;
    return { ...pool.stats, ...tally.counts };
  }

  /**
   * Sends one message and resolves once the server has taken responsibility for it (RFC 5321 §6.1), for at least
   * one of its recipients: `receipt.rejected` names the others.
   *
   * @throws MessageError before anything is sent, when the message cannot be sent as it stands; while it is sent, when
   *   a source fails, and then nobody gets it
   * @throws ReplyError when the server refuses the message, its sender, or every recipient
   * @throws AuthenticationError when it refuses the login, or the credentials would not be safe
   * @throws ProtocolError when it breaks the rules of SMTP
   * @throws TransportError when the network, TLS or time fails, or `signal` is aborted
   */
  send(message: Message, options?: SendOptions): Promise<Receipt> {
    try {
      const signal = readSendOptions(options);
      const composition = this.#compose(message);
      // Without an async function: of what waits, its frame would be the largest part.
      return new Promise<Receipt>((sent, failed) => {
        this.#dispatch(composition, { signal }, { sent, failed });
      }).catch(rethrow);
    } catch (error) {
      return Promise.reject(traced(error, this.send));
    }
  }

  /**
   * Sends any number of messages, of which only a few are in memory at a time: they are taken from `messages` as fast as
   * they are sent and the results are read. A message that fails is a result like any other, and ends nothing.
   *
   * Leaving the loop takes no more messages, and waits for those under way. What `messages` throws is thrown when all
   * that it gave has been told; so is the end of the client, or of `signal`, where there may be more messages.
   *
   * @throws ConfigError naming the option that cannot be used
   * @example
   * ```ts
   * const client = new SmtpClient("smtps://user:pass@smtp.example.com");
   * const subscribers = ["bob@example.org", "carol@example.org"];
   * const messages = subscribers.map((to) => ({ from: "news@example.com", to, subject: "News", text: "…" }));
   * for await (const result of client.sendMany(messages)) {
   *   if (!result.ok) console.log(result.index, result.error.delivery, result.error.message);
   * }
   * await client.close();
   * ```
   */
  sendMany(
    messages: Iterable<Message> | AsyncIterable<Message>,
    options?: SendManyOptions,
  ): AsyncIterableIterator<SendResult, undefined> {
    const open = readMessages(messages);
    const { concurrency, inFlight, signal, onProgress } = readSendManyOptions(options);
    return new Bulk(open, {
      concurrency: concurrency ?? this.#options.limits.maxConnections * (inFlight ?? USUAL_IN_FLIGHT),
      signal,
      onProgress,
      check: () => this.#refuseIfClosed(),
      send: (message, told) => {
        try {
          this.#dispatch(this.#compose(message), { signal, inFlight }, told);
        } catch (error) {
          told.failed(error);
        }
      },
    });
  }

  /**
   * Connects, secures the connection, logs in, and says goodbye. Nothing is sent.
   *
   * @throws what `send` throws for a connection that cannot be opened
   */
  async verify(options?: SendOptions): Promise<void> {
    try {
      await this.#call(options, async (signal) => {
        const connection = await this.#means.pool.open(signal);
        await connection.quit();
      });
    } catch (error) {
      throw traced(error, this.verify);
    }
  }

  /**
   * Asks the server about an address or a name (VRFY, RFC 5321 §3.5.1) and returns what it said, a refusal too: 250 and
   * 251 know it, 550, 551 and 553 do not. Most servers say 252 to whatever they are asked, which tells nothing, or do not
   * answer such questions at all; whether a message arrives is seen by sending it.
   */
  async vrfy(name: string, options?: SendOptions): Promise<Reply> {
    try {
      const command = vrfy(readText(name, "name"));
      return await this.#call(options, (signal) => ask(command, this.#means, signal));
    } catch (error) {
      throw traced(error, this.vrfy);
    }
  }

  /**
   * Sees whether the server is there (NOOP, RFC 5321 §4.1.1.9), over a connection that is open where there is one.
   *
   * @throws ReplyError when it refuses even that
   */
  async noop(options?: SendOptions): Promise<Reply> {
    try {
      const reply = await this.#call(options, (signal) => ask(noop(), this.#means, signal));
      if (reply.code < 400) return reply;
      throw new ReplyError(`the server refused to do nothing: ${describeReply(reply)}`, {
        code: "noop_refused",
        phase: "noop",
        verb: "NOOP",
        reply,
        delivery: "not-sent",
      });
    } catch (error) {
      throw traced(error, this.noop);
    }
  }

  /**
   * Takes no more messages, waits for those under way, and says goodbye on every connection. With `force` it waits for
   * nothing, also when it is called a second time.
   */
  close(options?: CloseOptions): Promise<void> {
    try {
      const isForced = readCloseOptions(options);
      this.#isClosed = true;
      const office = this.#office();
      office.closing ??= drain(office.means);
      if (!isForced) return office.closing;
      office.forced.abort(new ConfigError("client", "it was closed by force", { code: "client_closed" }));
      return office.means.pool.close({ force: true });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #means(): Means {
    return this.#office().means;
  }

  #compose(message: Message): Composition {
    this.#refuseIfClosed();
    try {
      return composeToWait(message);
    } catch (thrown) {
      // What is not ours is a getter's, or that of a Proxy: nothing has been sent yet.
      const error = thrown instanceof SmtpError ? thrown : unreadable(thrown);
      this.#means.tally.failed(error);
      throw error;
    }
  }

  /** Sends a message in the sight of those who follow it, where anybody does. */
  #dispatch(composition: Composition, options: DispatchOptions, told: Told): void {
    const { send } = this.#options.settings.trace;
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

  #refuseIfClosed(): void {
    if (!this.#isClosed) return;
    throw new ConfigError("client", "it is closed and takes no more messages", { code: "client_closed" });
  }

  /** Does what is no message, in the time that it has. */
  async #call<T>(options: SendOptions | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = readSendOptions(options);
    this.#refuseIfClosed();
    const { forced, tally, timeout } = this.#means;
    const limit = new TimeLimit(timeout, signal, forced);
    tally.begin();
    try {
      return await work(limit.signal);
    } finally {
      limit.clear();
      tally.end();
    }
  }
}

function furnish({ limits, rateLimit: limiter, retry, settings, signers, timeout }: ResolvedOptions): Office {
  const forced = new AbortController();
  const means: Means = {
    pool: new Pool(settings, limits, limiter),
    tally: new Tally(settings.trace.log),
    audience: settings.trace,
    forced: forced.signal,
    patience: settings.timeouts.content,
    onPartial: settings.onPartial,
    limiter,
    retry,
    signers,
    timeout,
  };
  return { means, forced };
}

async function drain({ pool, tally }: Means): Promise<void> {
  if (tally.underWay > 0) {
    await new Promise<void>((resolve) => {
      tally.onIdle = resolve;
    });
  }
  await pool.close();
}

function unreadable(cause: unknown): MessageError {
  return new MessageError("message", `could not be read: ${reasonOf(cause)}`, { cause });
}

/** Errors are born on the stack of a socket. Whoever awaits the call wants to know which of theirs it was. */
function traced(error: unknown, method: (...parameters: never[]) => unknown): unknown {
  if (error instanceof SmtpError) Error.captureStackTrace?.(error, method);
  return error;
}

/** One function for all messages: what is above it on the stack is whoever awaits. */
function rethrow(error: unknown): never {
  throw traced(error, rethrow);
}
