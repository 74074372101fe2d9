// Those who wait for a connection, first come, first served.

import { abortError, onAbort } from "../abort.ts";
import { TransportError } from "../errors.ts";
import { Queue } from "../queue.ts";
import type { RateGate } from "../rate-limit.ts";
import type { Waiter } from "./waiter.ts";

export class Line {
  readonly #gate: RateGate | undefined;
  /** Those who take any connection. */
  readonly #waiting: Queue<Waiter> = new Queue();
  /** Those whose connection turned out to be dead: they have waited before, and want a new one. */
  readonly #retrying: Queue<Waiter> = new Queue();

  constructor(gate: RateGate | undefined) {
    this.#gate = gate;
  }

  get size(): number {
    return this.#waiting.size + this.#retrying.size;
  }

  /** Who is served with a new connection. */
  get first(): Waiter | undefined {
    return this.#retrying.first ?? this.#waiting.first;
  }

  /** Who is served with one that others have used. */
  get firstForAny(): Waiter | undefined {
    return this.#waiting.first;
  }

  add(waiter: Waiter, abandoned: (waiter: Waiter, signal: AbortSignal) => void): void {
    const { signal } = waiter;
    if (signal?.aborted) {
      this.refuse(waiter, abortError(signal, "queue"));
      return;
    }
    if (signal !== undefined) waiter.stopListening = onAbort(signal, () => abandoned(waiter, signal));
    (waiter.fresh ? this.#retrying : this.#waiting).add(waiter);
  }

  /** While none may be opened, a connection that comes back from others is as good as a new one. */
  acceptAny(): void {
    this.#waiting.admit(this.#retrying);
  }

  leave(waiter: Waiter): void {
    waiter.queue?.delete(waiter);
    waiter.stopListening?.();
    waiter.stopListening = undefined;
  }

  refuse(waiter: Waiter, error: unknown): void {
    this.leave(waiter);
    this.#gate?.unused();
    waiter.refuse(error);
  }

  /** Refuses all who wait now, each with an error of their own, and none that comes because of it. */
  refuseAll(error: () => unknown): void {
    for (let left = this.size; left > 0 && this.first !== undefined; left--) this.refuse(this.first, error());
  }
}

/** What is told of a client that is closed. */
export function closedError(): TransportError {
  return new TransportError("the client was closed", { code: "aborted", phase: "queue" });
}
