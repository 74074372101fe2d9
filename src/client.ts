// What the user holds: a client that sends messages and says what became of each.

import { abortError, TimeLimit } from "./abort.ts";
import { join } from "./bytes.ts";
import { composeToWait } from "./compose.ts";
import { Content, flowsOf, isInMemory } from "./content.ts";
import { ConfigError, type RejectedRecipient, type Reply, SmtpError, spent } from "./errors.ts";
import { describe, type Keys, readObject } from "./input.ts";
import type { Envelope, Message } from "./message.ts";
import type { Composition } from "./mime.ts";
import { type ResolvedOptions, resolveOptions, type SmtpClientOptions } from "./options.ts";
import { type Loan, Pool } from "./pool.ts";
import { dismiss, isReady, prepare } from "./prepare.ts";
import type { Outcome } from "./protocol/transaction.ts";
import type { Connect } from "./transport/wire.ts";

/** Records one message that the server took responsibility for. */
export interface Receipt {
  /** The Message-ID, with its angle brackets. */
  readonly messageId: string;
  readonly envelope: Envelope;
  /** The recipients that the server accepted, at least one. */
  readonly accepted: readonly string[];
  /** Those that it refused, each with the reply. */
  readonly rejected: readonly RejectedRecipient[];
  /** The reply to the end of the mail data. */
  readonly reply: Reply;
  /** The extensions that were used for it, by their EHLO keywords. */
  readonly extensions: readonly string[];
  /** How many connections it took: 2 where a reused one turned out to be dead before anything was sent. */
  readonly attempts: number;
  /** Milliseconds. */
  readonly timings: {
    /** Until there was a connection to send it over. */
    readonly acquire: number;
    /** From MAIL to the reply to the end of the mail data. */
    readonly transaction: number;
    readonly total: number;
  };
}

export interface SendOptions {
  /** Gives up. What is reported then says whether the message may have been sent. */
  readonly signal?: AbortSignal;
}

/** Is `SmtpClient` without its runtime: the doors hand it the way to connect. */
export class Client {
  readonly #options: ResolvedOptions;
  readonly #pool: Pool;
  #underWay = 0;
  #done: () => void = () => {};
  #closing: Promise<void> | undefined;

  constructor(options: string | URL | SmtpClientOptions, connect: Connect) {
    this.#options = resolveOptions(options, connect);
    this.#pool = new Pool(this.#options.settings, this.#options.limits);
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
  async send(message: Message, options?: SendOptions): Promise<Receipt> {
    let task: Task | undefined;
    try {
      task = this.#begin(options);
      return await this.#send(message, task.signal);
    } catch (error) {
      throw traced(error, this.send);
    } finally {
      this.#end(task);
    }
  }

  /**
   * Connects, secures the connection, logs in, and says goodbye. Nothing is sent.
   *
   * @throws what `send` throws for a connection that cannot be opened
   */
  async verify(options?: SendOptions): Promise<void> {
    let task: Task | undefined;
    try {
      task = this.#begin(options);
      const connection = await this.#pool.open(task.signal);
      await connection.quit();
    } catch (error) {
      throw traced(error, this.verify);
    } finally {
      this.#end(task);
    }
  }

  /** Waits for the messages under way, says goodbye on every connection, and takes no more messages. */
  close(): Promise<void> {
    this.#closing ??= this.#drain();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(message: Message, signal: AbortSignal | undefined): Promise<Receipt> {
    const started = performance.now();
    const { settings, signers } = this.#options;
    let composition = composeToWait(message);
    if (!isReady(composition, signers)) {
      composition = await prepare(composition, { signers, patience: settings.timeouts.content, signal });
    }
    const { envelope, messageId } = composition;
    try {
      for (let attempts = 1; ; attempts++) {
        const loan =
          (attempts === 1 ? this.#pool.take() : undefined) ??
          (await this.#pool.wait({ signal, fresh: attempts > 1 }));
        const acquired = performance.now();
        try {
          if (signal?.aborted) throw abortError(signal, "queue");
          const { chunks, needs } = fitting(composition, loan);
          const outcome: Outcome = await loan.connection.deliver(
            {
              from: envelope.from,
              to: envelope.to,
              content: isInMemory(chunks) ? join(chunks) : new Content(chunks),
              utf8: needs.utf8,
              eightBit: needs.eightBit,
            },
            signal,
          );
          const ended = performance.now();
          return {
            messageId,
            envelope,
            accepted: outcome.accepted,
            rejected: outcome.rejected,
            reply: outcome.reply,
            extensions: outcome.used,
            attempts,
            timings: { acquire: acquired - started, transaction: ended - acquired, total: ended - started },
          };
        } catch (error) {
          if (attempts > 1 || !isStale(error, loan) || !canSendAgain(composition)) throw error;
        } finally {
          this.#pool.release(loan.connection);
        }
      }
    } catch (error) {
      throw error instanceof SmtpError && !isRepeatable(composition) ? spent(error, OPEN_AGAIN) : error;
    } finally {
      dismiss(composition);
    }
  }

  async #drain(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        this.#done = resolve;
      });
    }
    await this.#pool.close();
  }

  /** Counts a call as under way, and gives it the time it has. */
  #begin(options: SendOptions | undefined): Task {
    const signal = readSignal(options);
    if (this.#closing !== undefined) {
      throw new ConfigError("client", "it is closed and takes no more messages", { code: "client_closed" });
    }
    const { timeout } = this.#options;
    this.#underWay++;
    return timeout === undefined ? { signal } : new TimeLimit(timeout, signal);
  }

  #end(task: Task | undefined): void {
    if (task === undefined) return;
    task.clear?.();
    if (--this.#underWay === 0) this.#done();
  }
}

/** A call under way: what may stop it, and what to do when it is over. */
interface Task {
  readonly signal: AbortSignal | undefined;
  clear?(): void;
}

const SEND_OPTIONS: Keys<keyof SendOptions> = { signal: undefined };

function readSignal(options: SendOptions | undefined): AbortSignal | undefined {
  if (options === undefined) return undefined;
  const { signal } = readObject(options, SEND_OPTIONS, "", { fault: ConfigError, whole: "options" });
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw new ConfigError("signal", `is ${describe(signal)}, not an AbortSignal`);
}

/** The message as this server can take it: 8bit where it offers that. */
function fitting(composition: Composition, { connection }: Loan): Composition {
  if (!composition.needs.eightBit || connection.offers("8BITMIME")) return composition;
  return composition.sevenBit?.() ?? composition;
}

function canSendAgain({ chunks }: Composition): boolean {
  return flowsOf(chunks).every(({ canOpen }) => canOpen);
}

/** Whether the same message can be given once more: what is in it is there still. */
function isRepeatable({ chunks }: Composition): boolean {
  return flowsOf(chunks).every(({ isReopenable }) => isReopenable);
}

const OPEN_AGAIN =
  "a stream in the message has been read: send another message, or use attachment.stream() for what can be opened again";

/** A connection that served others and died, or was dismissed, before this message was sent: a new one may do. */
function isStale(error: unknown, { isReused }: Loan): boolean {
  if (!isReused || !(error instanceof SmtpError) || error.delivery !== "not-sent") return false;
  return error.code === "connection_lost" || error.code === "service_closing";
}

/** Errors are born on the stack of a socket. Whoever awaits the call wants to know which of theirs it was. */
function traced(error: unknown, method: (...parameters: never[]) => unknown): unknown {
  if (error instanceof SmtpError) Error.captureStackTrace?.(error, method);
  return error;
}
