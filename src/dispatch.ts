// One message on its way: over as many connections as it takes to find one that works, and in as many transactions as
// the server's limits ask for. What waits is this object and nothing else: thousands may.

import { abortError, TimeLimit } from "./abort.ts";
import type { Connection } from "./connection.ts";
import { contentOf } from "./content.ts";
import { ReplyError, SmtpError, spent } from "./errors.ts";
import type { Composition } from "./mime.ts";
import { type Loan, type Pool, Waiter } from "./pool.ts";
import { dismiss, isReady, prepare } from "./prepare.ts";
import type { Outcome, Transaction } from "./protocol/transaction.ts";
import type { RateGate } from "./rate-limit.ts";
import { type Parts, partsOf, type Receipt } from "./receipt.ts";
import {
  canSendAgain,
  isRepeatable,
  isStale,
  OPEN_AGAIN,
  pauseAfter,
  type RetryPolicy,
  sleep,
} from "./retry.ts";
import type { DkimSigner } from "./signer.ts";
import type { Tally } from "./tally.ts";
import { type Audience, telling } from "./trace.ts";

/** What the messages of a client have in common. */
export interface Means {
  readonly pool: Pool;
  readonly limiter: RateGate | undefined;
  readonly retry: RetryPolicy;
  readonly signers: readonly DkimSigner[];
  /** How long a source may give nothing, in milliseconds. */
  readonly patience: number;
  /** Milliseconds for one message in all. */
  readonly timeout: number | undefined;
  /** Whether some recipients may get a message that others do not. */
  readonly onPartial: "deliver" | "abort";
  readonly tally: Tally;
  readonly audience: Audience;
  /** Is aborted when the client is closed by force. */
  readonly forced: AbortSignal;
}

/** Is told, once, what became of a message. */
export interface Told {
  sent(receipt: Receipt): void;
  failed(error: unknown): void;
}

export interface DispatchOptions {
  /** When the caller asked for it, where that was not now: a time of `performance.now()`. */
  readonly since?: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** How many messages may be under way on the connection of this one; the usual number where it is not said. */
  readonly inFlight?: number | undefined;
}

export class Dispatch extends Waiter {
  readonly #means: Means;
  readonly #told: Told;
  readonly #limit: TimeLimit | undefined;
  readonly #started: number;
  #composition: Composition;
  #acquired = 0;
  #attempts = 1;
  #loan: Loan | undefined;
  /** It is being handed to its connection. */
  #isBeginning = false;
  /** What came of it so far, where the server takes it for some at a time. */
  #parts: Parts | undefined;

  /** Sends a message. Nothing is thrown: whatever happens is told. */
  static begin(composition: Composition, means: Means, options: DispatchOptions, told: Told): void {
    const { timeout } = means;
    const { signal, since = performance.now() } = options;
    const limit = timeout === undefined ? undefined : new TimeLimit(timeout, since, signal);
    new Dispatch(composition, means, { ...options, since }, told, limit).#begin();
  }

  private constructor(
    composition: Composition,
    means: Means,
    { signal, inFlight, since }: DispatchOptions & { readonly since: number },
    told: Told,
    limit: TimeLimit | undefined,
  ) {
    super({ signal: limit?.signal ?? signal, inFlight });
    this.#composition = composition;
    this.#means = means;
    this.#told = told;
    this.#limit = limit;
    this.#started = since;
  }

  /** Sends it, or the next part of it, over a connection. */
  serve(loan: Loan): void {
    this.#loan = loan;
    if (this.#parts === undefined) this.#acquired = performance.now();
    let transaction: Transaction;
    try {
      if (this.signal?.aborted) throw abortError(this.signal, "queue");
      transaction = this.#transaction(loan.connection);
    } catch (error) {
      this.#rejectSoon(error);
      return;
    }
    this.#isBeginning = true;
    loan.connection.deliver(transaction, this, this.signal);
    this.#isBeginning = false;
  }

  refuse(error: unknown): void {
    this.#stumble(error);
  }

  #begin(): void {
    const { forced, signers, patience, tally } = this.#means;
    tally.begin();
    if (isReady(this.#composition, signers)) {
      this.#queue();
      return;
    }
    prepare(this.#composition, { signers, patience, signal: this.signal, forced }).then(
      (composition) => {
        this.#composition = composition;
        this.#queue();
      },
      (error: unknown) => this.#conclude(error),
    );
  }

  /** Waits for its permit, and then for a connection. */
  #queue(): void {
    const { forced, limiter, pool } = this.#means;
    let permit: Promise<void> | void;
    try {
      permit = limiter?.acquire(this.signal, forced);
    } catch (error) {
      this.#stumble(error);
      return;
    }
    if (permit === undefined) pool.enqueue(this);
    else
      permit.then(
        () => pool.enqueue(this),
        (error: unknown) => this.#stumble(error),
      );
  }

  /** The server took it, or the next part of it. */
  resolve(outcome: Outcome): void {
    this.#release();
    const parts = this.#parts;
    if (parts === undefined) {
      this.#tell(outcome);
      return;
    }
    parts.add(outcome);
    this.#goOn(parts);
  }

  /** An attempt failed over a connection. */
  reject(error: unknown): void {
    if (this.#isBeginning) this.#rejectSoon(error);
    else this.#stumble(error, this.#release(error));
  }

  /** Not at once: the connection goes to the next, which may fail in the same way, and so on through the queue. */
  #rejectSoon(error: unknown): void {
    queueMicrotask(() => this.reject(error));
  }

  #release(error?: unknown): Loan | undefined {
    const loan = this.#loan;
    this.#loan = undefined;
    if (loan !== undefined) this.#means.pool.release(loan.connection, error);
    return loan;
  }

  /** The message as this server can take it: 8bit where it offers that, and to as many as it takes at a time. */
  #transaction(connection: Connection): Transaction {
    const composition = this.#composition;
    const isTooWide = composition.needs.eightBit && !connection.offers("8BITMIME");
    const fitted = isTooWide ? (composition.sevenBit?.() ?? composition) : composition;
    const { envelope, needs, terms } = fitted;
    // One by one: spread, they cost a twentieth of a message's time.
    const { utf8, eightBit, binary } = needs;
    const to = this.#recipients(connection);
    return { utf8, eightBit, binary, terms, from: envelope.from, to, content: contentOf(fitted) };
  }

  #recipients({ limits }: Connection): readonly string[] {
    if (limits !== undefined) this.#parts ??= partsOf(this.#composition, limits, this.#means.onPartial);
    return this.#parts?.next(limits ?? {}) ?? this.#composition.envelope.to;
  }

  /** A part has been judged: the next is due, or all of it is known. */
  #goOn({ isWhole, outcome }: Parts): void {
    this.fresh = false;
    if (!isWhole) this.#queue();
    else if (outcome !== undefined) this.#tell(outcome);
  }

  /** An attempt failed: over a connection, or because none could be had. */
  #stumble(error: unknown, loan?: Loan): void {
    const { audience, forced, retry } = this.#means;
    const parts = this.#parts;
    let fault = error;
    if (parts !== undefined && error instanceof ReplyError && error.code === "recipients_refused") {
      parts.refuse(error, "part");
      if (!parts.isWhole || parts.outcome !== undefined) {
        this.#goOn(parts);
        return;
      }
      fault = parts.refusal(error);
    }
    const attempt = { number: this.#attempts, isReused: loan?.isReused === true };
    const isOver = this.signal?.aborted || forced.aborted || !canSendAgain(this.#composition);
    let pause: number | undefined;
    try {
      pause = isOver ? undefined : pauseAfter(fault, attempt, retry);
    } catch (thrown) {
      fault = thrown;
    }
    if (pause === undefined || !(fault instanceof SmtpError)) {
      this.#conclude(fault, loan);
      return;
    }
    this.#attempts++;
    this.fresh = isStale(fault, attempt);
    const tell = telling(audience, loan?.connection.id ?? 0);
    const { messageId } = this.#composition;
    tell?.({ kind: "retry", messageId, attempt: this.#attempts, delay: pause, code: fault.code });
    this.#tryAgain(pause);
  }

  #tryAgain(pause: number): void {
    const { forced } = this.#means;
    // Where nobody has it yet it begins from the beginning; else it is for the others.
    if (this.#parts?.outcome === undefined) this.#parts = undefined;
    if (pause === 0) this.#queue();
    else
      sleep(pause, [this.signal, forced]).then(
        () => this.#queue(),
        (reason: unknown) => this.#conclude(reason),
      );
  }

  /** There will be no other attempt. */
  #conclude(error: unknown, loan?: Loan): void {
    const parts = this.#parts;
    // Refused, all of it, by replies: the server did not take the message for those who are left.
    const isRefusal = loan !== undefined && error instanceof ReplyError && error.delivery !== "unknown";
    if (parts?.outcome !== undefined && isRefusal) {
      parts.refuse(error, "rest");
      this.#tell(parts.outcome);
    } else {
      this.#fail(parts?.failure(error) ?? error);
    }
  }

  #tell({ accepted, rejected, reply, used }: Outcome): void {
    const { envelope, messageId } = this.#composition;
    const ended = performance.now();
    const receipt: Receipt = {
      messageId,
      envelope,
      accepted,
      rejected,
      reply,
      extensions: used,
      attempts: this.#attempts,
      timings: {
        acquire: this.#acquired - this.#started,
        transaction: ended - this.#acquired,
        total: ended - this.#started,
      },
    };
    this.#end();
    this.#means.tally.sent(receipt);
    this.#told.sent(receipt);
    this.#means.tally.end();
  }

  #fail(error: unknown): void {
    this.#end();
    const isSpent = error instanceof SmtpError && !isRepeatable(this.#composition);
    const reason = isSpent ? spent(error, OPEN_AGAIN) : error;
    this.#means.tally.failed(reason);
    this.#told.failed(reason);
    this.#means.tally.end();
  }

  #end(): void {
    this.#limit?.clear();
    dismiss(this.#composition);
  }
}
