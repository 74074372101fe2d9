// Connections, by what they are doing: what state a connection is in is which of these collections it sits in.

import { abortError, onAbort } from "./abort.ts";
import { Connection, type ConnectionSettings } from "./connection.ts";
import { AuthenticationError, copyOf } from "./errors.ts";

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

/** Whoever waits for a connection. Thousands may, so it is no more than it must be. */
interface Waiter {
  readonly serve: (loan: Loan) => void;
  readonly refuse: (error: unknown) => void;
  readonly wantsNew: boolean;
  stopListening?: () => void;
}

export class Pool {
  readonly #settings: ConnectionSettings;
  readonly #limits: PoolLimits;
  readonly #opening: Map<AbortController, Promise<void>> = new Map();
  readonly #idle: Map<Connection, number> = new Map();
  /** Those lent out, with how many borrow each: two where one message follows another. */
  readonly #busy: Map<Connection, number> = new Map();
  /** Those who wait for any connection, first come, first served. */
  readonly #waiting: Set<Waiter> = new Set();
  /** Those whose connection turned out to be dead: they have waited before, and want a new one. */
  readonly #retrying: Set<Waiter> = new Set();
  #opened = 0;
  #isClosed = false;
  #reaper: ReturnType<typeof setTimeout> | undefined;

  constructor(settings: ConnectionSettings, limits: PoolLimits) {
    this.#settings = settings;
    this.#limits = limits;
  }

  /** Lends an idle connection, where there is one and nobody is waiting for it. */
  take(): Loan | undefined {
    const connection = this.#newestIdle();
    if (connection === undefined) return undefined;
    this.#idle.delete(connection);
    return this.#lend(connection, "reused");
  }

  /**
   * Waits for a connection: a new one, or the next that comes free. `fresh` asks for one that has not been used before.
   * Rejects when a connection cannot be opened.
   */
  wait({ signal, fresh = false }: Wait): Promise<Loan> {
    return new Promise((serve, refuse) => {
      if (signal?.aborted) throw abortError(signal, "queue");
      const waiter: Waiter = { serve, refuse, wantsNew: fresh };
      if (signal !== undefined) waiter.stopListening = onAbort(signal, () => this.#abandon(waiter, signal));
      (fresh ? this.#retrying : this.#waiting).add(waiter);
      this.#match();
      for (const connection of this.#busy.keys()) this.#follow(connection);
    });
  }

  /** Gives a connection back, to whoever waits for one; one that cannot carry another message is closed. */
  release(connection: Connection): void {
    const others = (this.#busy.get(connection) ?? 1) - 1;
    if (others > 0) {
      this.#busy.set(connection, others);
      this.#follow(connection);
      return;
    }
    this.#busy.delete(connection);
    if (connection.isReady) {
      const [next] = this.#waiting;
      if (next !== undefined) {
        this.#dismiss(next).serve(this.#lend(connection, "reused"));
        return;
      }
      this.#rest(connection);
    } else {
      connection.destroy();
    }
    this.#match();
  }

  /** Opens a connection that is not the pool's. */
  open(signal?: AbortSignal): Promise<Connection> {
    return Connection.open(this.#settings, { id: ++this.#opened, signal });
  }

  /** Closes what is not in use, and whatever comes back from now on. Resolves when that is done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#reaper);
    for (const attempt of this.#opening.keys()) attempt.abort();
    await Promise.all([
      ...this.#opening.values(),
      ...[...this.#idle.keys()].map((connection) => this.#retire(connection)),
    ]);
  }

  /** Opens what those who wait are short of. */
  #match(): void {
    while (this.#opening.size < this.#waiting.size + this.#retrying.size) {
      // Who waits for a new connection is not kept from it by old ones that nobody uses, and that are likely dead too.
      if (this.#size >= this.#limits.maxConnections && !this.#discardIdle()) break;
      this.#open();
    }
    this.#reap();
  }

  /** Lends a connection to another whose message may follow, where more wait than connections are being opened for. */
  #follow(connection: Connection): void {
    const [next] = this.#waiting;
    if (next === undefined || this.#waiting.size <= this.#opening.size) return;
    if (this.#busy.get(connection) !== 1 || !connection.mayFollow) return;
    this.#dismiss(next).serve(this.#lend(connection, "reused"));
  }

  get #size(): number {
    return this.#opening.size + this.#idle.size + this.#busy.size;
  }

  /** The one used last: it is the likeliest to be alive, and the others may age. */
  #newestIdle(): Connection | undefined {
    let newest: Connection | undefined;
    for (const connection of this.#idle.keys()) newest = connection;
    return newest;
  }

  #discardIdle(): boolean {
    const [oldest] = this.#idle.keys();
    if (oldest === undefined) return false;
    this.#idle.delete(oldest);
    oldest.destroy();
    return true;
  }

  #lend(connection: Connection, state: "new" | "reused"): Loan {
    connection.hold(true);
    this.#busy.set(connection, (this.#busy.get(connection) ?? 0) + 1);
    return { connection, isReused: state === "reused" };
  }

  #rest(connection: Connection): void {
    if (this.#isClosed) {
      void this.#retire(connection);
      return;
    }
    connection.hold(false);
    this.#idle.set(connection, performance.now() + this.#limits.idleTimeout);
  }

  #open(): void {
    const attempt = new AbortController();
    this.#opening.set(
      attempt,
      this.open(attempt.signal).then(
        (connection) => {
          this.#opening.delete(attempt);
          connection.onClosed = () => this.#forget(connection);
          connection.onSent = () => this.#follow(connection);
          const [waiter] = [...this.#retrying, ...this.#waiting];
          if (waiter === undefined) this.#rest(connection);
          else this.#dismiss(waiter).serve(this.#lend(connection, "new"));
          this.#match();
        },
        (error) => {
          this.#opening.delete(attempt);
          if (!attempt.signal.aborted) this.#refuse(error);
          this.#match();
        },
      ),
    );
  }

  /** Whoever waits longest is told that no connection could be opened; all are, if the login was refused. */
  #refuse(error: unknown): void {
    const [first, ...others] = [...this.#retrying, ...this.#waiting];
    if (first !== undefined) this.#dismiss(first).refuse(error);
    // Trying again for each of them would lock the account.
    if (error instanceof AuthenticationError) {
      for (const waiter of others) this.#dismiss(waiter).refuse(copyOf(error));
    }
  }

  /** Somebody gave up: nothing more is connected than is waited for. */
  #abandon(waiter: Waiter, signal: AbortSignal): void {
    this.#dismiss(waiter).refuse(abortError(signal, this.#opening.size > 0 ? "connect" : "queue"));
    const surplus = this.#opening.size - this.#waiting.size - this.#retrying.size;
    if (surplus > 0) for (const attempt of [...this.#opening.keys()].slice(-surplus)) attempt.abort();
  }

  #dismiss(waiter: Waiter): Waiter {
    (waiter.wantsNew ? this.#retrying : this.#waiting).delete(waiter);
    waiter.stopListening?.();
    return waiter;
  }

  #forget(connection: Connection): void {
    if (this.#idle.delete(connection)) this.#match();
  }

  async #retire(connection: Connection): Promise<void> {
    this.#idle.delete(connection);
    connection.hold(true);
    await connection.quit();
  }

  /** One timer for all idle connections, which does not keep the process alive. */
  #reap(): void {
    const [oldest] = this.#idle.values();
    if (oldest === undefined || this.#reaper !== undefined || this.#isClosed) return;
    const timer: { unref?(): void } | ReturnType<typeof setTimeout> = setTimeout(
      () => {
        this.#reaper = undefined;
        const now = performance.now();
        for (const [connection, expires] of this.#idle) if (expires <= now) void this.#retire(connection);
        this.#reap();
      },
      Math.max(0, oldest - performance.now()),
    );
    this.#reaper = timer as ReturnType<typeof setTimeout>;
    timer.unref?.();
  }
}

interface Wait {
  readonly signal?: AbortSignal | undefined;
  readonly fresh?: boolean;
}
