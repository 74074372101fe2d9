// Connections, by what they are doing: what state a connection is in is which of these collections it sits in.

import { abortError } from "./connect.ts";
import { Connection, type ConnectionSettings } from "./connection.ts";
import { AuthenticationError, locate } from "./errors.ts";

export interface PoolLimits {
  readonly maxConnections: number;
  /** Milliseconds an idle connection is kept. */
  readonly idleTimeout: number;
}

/** What a borrower gets; `isReused` says that others were served over the connection before. */
export interface Loan {
  readonly connection: Connection;
  readonly isReused: boolean;
}

interface Waiter {
  readonly wantsFresh: boolean;
  serve(loan: Loan): void;
  refuse(error: unknown): void;
}

export class Pool {
  readonly #settings: ConnectionSettings;
  readonly #limits: PoolLimits;
  readonly #opening: Set<AbortController> = new Set();
  readonly #idle: Map<Connection, number> = new Map();
  readonly #busy: Set<Connection> = new Set();
  readonly #waiting: Set<Waiter> = new Set();
  #opened = 0;
  #reaper: ReturnType<typeof setTimeout> | undefined;
  #drained: (() => void) | undefined;

  constructor(settings: ConnectionSettings, limits: PoolLimits) {
    this.#settings = settings;
    this.#limits = limits;
  }

  /**
   * Borrows a connection: an idle one, or a new one, or the next that comes free; first come, first served.
   * `fresh` asks for one that has not been used before. Rejects when a connection cannot be opened.
   */
  acquire({
    signal,
    fresh = false,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly fresh?: boolean;
  }): Promise<Loan> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw locate(abortError(signal), "queue", "not-sent");
      const abort = (): void => {
        waiter.refuse(locate(abortError(signal), "queue", "not-sent"));
        this.#match();
      };
      const leave = (): void => {
        this.#waiting.delete(waiter);
        signal?.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        wantsFresh: fresh,
        serve: (loan) => {
          leave();
          resolve(loan);
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.add(waiter);
      this.#match();
    });
  }

  /** Gives a connection back; one that cannot carry another message is closed. */
  release(connection: Connection): void {
    this.#busy.delete(connection);
    if (connection.isReady) {
      connection.hold(false);
      this.#idle.set(connection, performance.now() + this.#limits.idleTimeout);
    } else {
      connection.destroy();
    }
    this.#match();
  }

  /** Opens a connection that is not the pool's. */
  open(signal?: AbortSignal): Promise<Connection> {
    return Connection.open(this.#settings, { id: ++this.#opened, signal });
  }

  /** Waits for all that was asked for, then closes what is left. */
  async drain(): Promise<void> {
    if (this.#waiting.size > 0 || this.#busy.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    clearTimeout(this.#reaper);
    for (const attempt of this.#opening) attempt.abort();
    await Promise.all([...this.#idle.keys()].map((connection) => this.#retire(connection)));
  }

  /** Brings those who wait together with what there is, and opens what is missing. */
  #match(): void {
    for (const waiter of this.#waiting) {
      const connection = this.#newestIdle();
      if (connection === undefined) break;
      if (waiter.wantsFresh) continue;
      this.#idle.delete(connection);
      this.#lend(waiter, { connection, isReused: true });
    }
    // Those who want a fresh connection are not kept from it by old ones that nobody uses.
    for (const connection of this.#idle.keys()) {
      if (this.#waiting.size === 0 || this.#size < this.#limits.maxConnections) break;
      void this.#retire(connection);
    }
    while (this.#opening.size < this.#waiting.size && this.#size < this.#limits.maxConnections)
      void this.#open();
    // Whoever was to be served gave up: nothing is connected that nobody waits for.
    if (this.#opening.size > this.#waiting.size) {
      for (const attempt of [...this.#opening].slice(this.#waiting.size)) attempt.abort();
    }
    this.#reap();
    if (this.#waiting.size === 0 && this.#busy.size === 0) this.#drained?.();
  }

  get #size(): number {
    return this.#opening.size + this.#idle.size + this.#busy.size;
  }

  /** The one used last: it is the likeliest to be alive, and the others may age. */
  #newestIdle(): Connection | undefined {
    return [...this.#idle.keys()].at(-1);
  }

  #lend(waiter: Waiter, loan: Loan): void {
    loan.connection.hold(true);
    this.#busy.add(loan.connection);
    waiter.serve(loan);
  }

  async #open(): Promise<void> {
    const attempt = new AbortController();
    this.#opening.add(attempt);
    try {
      const connection = await this.open(attempt.signal);
      this.#opening.delete(attempt);
      connection.onClosed = () => this.#forget(connection);
      const [waiter] = this.#waiting;
      if (waiter === undefined) this.release(connection);
      else this.#lend(waiter, { connection, isReused: false });
    } catch (error) {
      this.#opening.delete(attempt);
      if (!attempt.signal.aborted) this.#refuse(error);
    }
    this.#match();
  }

  /** Whoever waits longest is told that no connection could be opened; all are, if the login was refused. */
  #refuse(error: unknown): void {
    const [first] = this.#waiting;
    // Trying again for each of them would lock the account.
    const waiters =
      error instanceof AuthenticationError ? [...this.#waiting] : first === undefined ? [] : [first];
    for (const waiter of waiters) waiter.refuse(error);
  }

  #forget(connection: Connection): void {
    this.#idle.delete(connection);
    if (!this.#busy.has(connection)) this.#match();
  }

  async #retire(connection: Connection): Promise<void> {
    this.#idle.delete(connection);
    connection.hold(true);
    await connection.quit();
  }

  /** One timer for all idle connections, which does not keep the process alive. */
  #reap(): void {
    const [oldest] = this.#idle.values();
    if (oldest === undefined || this.#reaper !== undefined) return;
    const wait = Math.max(0, oldest - performance.now());
    const timer: { unref?(): void } | ReturnType<typeof setTimeout> = setTimeout(() => {
      this.#reaper = undefined;
      const now = performance.now();
      for (const [connection, expires] of this.#idle) if (expires <= now) void this.#retire(connection);
      this.#reap();
    }, wait);
    this.#reaper = timer as ReturnType<typeof setTimeout>;
    timer.unref?.();
  }
}
