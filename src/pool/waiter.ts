// Whoever waits for a connection. Thousands may, so it is no more than it must be.

import type { Connection } from "../connection.ts";
import { Link } from "../queue.ts";

/** What a borrower gets. */
export interface Loan {
  readonly connection: Connection;
  /** Others were served over the connection before, or it was idle: it may turn out to be dead. */
  readonly isReused: boolean;
}

/** How many messages are under way on one connection where nothing else is asked for: one, and one that follows it. */
export const USUAL_IN_FLIGHT = 2;

/** A message that wants a connection. A client's own record of the message may be one: then waiting costs nothing more. */
export abstract class Waiter extends Link<Waiter> {
  /** Gives up; phase `queue`, or `connect` where a connection is being opened. */
  readonly signal: AbortSignal | undefined;
  /** Asks for a connection that has not been used before. */
  fresh: boolean;
  /** How many messages may be under way on the connection, with this one. */
  readonly inFlight: number;
  /** The pool's: takes back that it listens to `signal`. */
  stopListening: (() => void) | undefined = undefined;

  constructor({ signal, fresh = false, inFlight = USUAL_IN_FLIGHT }: Wait = {}) {
    super();
    this.signal = signal;
    this.fresh = fresh;
    this.inFlight = inFlight;
  }

  /** Is called once: here is a connection, which has to be given back. It may be called before `enqueue` returns. */
  abstract serve(loan: Loan): void;
  /** Or this is, once: there will be none. */
  abstract refuse(error: unknown): void;
}

export interface Wait {
  readonly signal?: AbortSignal | undefined;
  readonly fresh?: boolean;
  readonly inFlight?: number | undefined;
}

/** One who waits by a promise. */
export class PromisedLoan extends Waiter {
  readonly serve: (loan: Loan) => void;
  readonly refuse: (error: unknown) => void;

  constructor(wait: Wait, serve: (loan: Loan) => void, refuse: (error: unknown) => void) {
    super(wait);
    this.serve = serve;
    this.refuse = refuse;
  }
}
