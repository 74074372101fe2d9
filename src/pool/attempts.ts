// Connections that are being opened.

import type { Connection } from "../connection.ts";

interface Outcome {
  readonly opened: (connection: Connection) => void;
  /** `error` is not given where the attempt was given up. */
  readonly failed: (error?: unknown) => void;
}

export class Attempts {
  readonly #open: (signal: AbortSignal) => Promise<Connection>;
  readonly #outcome: Outcome;
  readonly #underWay: Map<AbortController, Promise<void>> = new Map();

  constructor(open: (signal: AbortSignal) => Promise<Connection>, outcome: Outcome) {
    this.#open = open;
    this.#outcome = outcome;
  }

  get size(): number {
    return this.#underWay.size;
  }

  begin(): void {
    const attempt = new AbortController();
    const { signal } = attempt;
    // It counts from here on: whoever hears of it at once may want another.
    this.#underWay.set(attempt, Promise.resolve());
    const outcome = this.#open(signal).then(
      (connection) => {
        this.#underWay.delete(attempt);
        this.#outcome.opened(connection);
      },
      (error: unknown) => {
        this.#underWay.delete(attempt);
        if (signal.aborted) this.#outcome.failed();
        else this.#outcome.failed(error);
      },
    );
    this.#underWay.set(attempt, outcome);
  }

  /** Gives up the last of them, as many as are too many. */
  abort(surplus: number): void {
    if (surplus > 0) for (const attempt of [...this.#underWay.keys()].slice(-surplus)) attempt.abort();
  }

  /** Gives up all of them. */
  async end(): Promise<void> {
    this.abort(this.size);
    await Promise.all(this.#underWay.values());
  }
}
