// How many messages a client has under way, and what became of the others.

import { SmtpError } from "./errors.ts";
import type { PoolStats } from "./pool/stats.ts";
import type { Receipt } from "./receipt.ts";
import type { Log } from "./trace.ts";

/** Counts the messages of a client, since it was made. */
export interface MessageCounts {
  /** Not settled yet: being prepared, waiting, or on their way. */
  readonly underWay: number;
  /** Taken by the server, for one recipient at least. */
  readonly sent: number;
  /** Refused by the server. */
  readonly rejected: number;
  /** Not sent for any other reason. */
  readonly failed: number;
  /** Sent, perhaps: no answer came. */
  readonly unknown: number;
}

/** Counts what a client does now, and what it has done. */
export interface ClientStats extends PoolStats, MessageCounts {}

/** Keeps count, and tells the log. */
export class Tally {
  readonly #log: Log | undefined;
  #underWay = 0;
  #sent = 0;
  #rejected = 0;
  #failed = 0;
  #unknown = 0;
  /** Is called whenever nothing is under way any more. */
  onIdle: () => void = () => {};

  constructor(log: Log | undefined) {
    this.#log = log;
  }

  get counts(): MessageCounts {
    return {
      underWay: this.#underWay,
      sent: this.#sent,
      rejected: this.#rejected,
      failed: this.#failed,
      unknown: this.#unknown,
    };
  }

  get underWay(): number {
    return this.#underWay;
  }

  begin(): void {
    this.#underWay++;
  }

  end(): void {
    if (--this.#underWay === 0) this.onIdle();
  }

  sent(receipt: Receipt): void {
    this.#sent++;
    this.#log?.sent(receipt);
  }

  failed(error: unknown, messageId?: string): void {
    const delivery = error instanceof SmtpError ? error.delivery : "not-sent";
    if (delivery === "unknown") this.#unknown++;
    else if (delivery === "rejected") this.#rejected++;
    else this.#failed++;
    this.#log?.failed(error, messageId);
  }
}
