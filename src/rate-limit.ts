// How many messages may begin in a stretch of time, over all connections of a client.

import { abortError, onFirstAbort } from "./abort.ts";
import { Alarm } from "./alarm.ts";
import { TransportError } from "./errors.ts";
import { Link, Queue } from "./queue.ts";

/** Says when a message may begin. One that several machines share can be given as `rateLimit`. */
export interface RateLimiter {
  /**
   * Is asked once for each attempt to send a message, before it waits for a connection; resolves when the message may
   * go, or returns nothing where it may at once. If it throws, the message is not sent. `signal` is the message's.
   */
  acquire(signal?: AbortSignal): Promise<void> | void;
}

/** A limiter that hears what became of each permit: whoever has acquired one then takes a connection, or gives up. */
export interface RateGate extends RateLimiter {
  /** `forced` is aborted where nobody is to wait any more, whatever `signal` says. */
  acquire(signal?: AbortSignal, forced?: AbortSignal): Promise<void> | void;
  /** The message has its connection, and begins now. */
  used(): void;
  /** It will not begin: the permit is another's. */
  unused(): void;
}

/** Is how many messages may begin in any stretch of so much time. */
export interface Rate {
  /** How many. */
  readonly messages: number;
  /** Milliseconds. */
  readonly per: number;
}

/** What the caller said. */
export type Limit = Rate | { readonly acquire: (signal?: AbortSignal) => unknown };

export function gateOf(limit: Limit): RateGate {
  return isRate(limit) ? new RateLimit(limit) : new ForeignLimit(limit.acquire);
}

/** By what is its own: a method that was slipped into every object must not lift a limit. */
function isRate(limit: Limit): limit is Rate {
  return Object.hasOwn(limit, "messages");
}

/**
 * Never more than `messages` begin in any stretch of `per` milliseconds, wherever it starts: a permit comes back that
 * long after its message began. A bucket that fills at a steady rate would let twice as many through in one.
 */
export class RateLimit implements RateGate {
  readonly #rate: Rate;
  /** When the last messages began: a ring, the oldest at `#oldest`. */
  readonly #begun: Float64Array;
  #oldest = 0;
  #recent = 0;
  /** Permits of messages that have not begun: they still wait for a connection. */
  #granted = 0;
  readonly #waiting = new Queue<Turn>();
  /** Messages wait for it, so it keeps the process alive. */
  readonly #alarm = new Alarm(() => this.#grant(), { holds: true });

  constructor(rate: Rate) {
    this.#rate = rate;
    this.#begun = new Float64Array(rate.messages);
  }

  acquire(signal?: AbortSignal, forced?: AbortSignal): Promise<void> | void {
    if (this.#waiting.size === 0 && this.#hasPermit) {
      this.#granted++;
      return;
    }
    return new Promise((go, refuse) => {
      const turn = new Turn(go);
      this.#waiting.add(turn);
      turn.stopListening = onFirstAbort([signal, forced], (aborted) => {
        this.#waiting.delete(turn);
        if (this.#waiting.size === 0) this.#alarm.clear();
        refuse(abortError(aborted, "queue"));
      });
      this.#grant();
    });
  }

  used(): void {
    this.#granted--;
    this.#begun[(this.#oldest + this.#recent++) % this.#rate.messages] = performance.now();
    // Where all permits were granted and none had begun, nobody knew when the next would come back.
    if (this.#waiting.size > 0) this.#grant();
  }

  unused(): void {
    this.#granted--;
    this.#grant();
  }

  get #hasPermit(): boolean {
    const { messages } = this.#rate;
    if (this.#recent > 0 && this.#recent + this.#granted === messages) {
      const now = performance.now();
      while (this.#recent > 0 && this.#nextAt <= now) {
        this.#oldest = (this.#oldest + 1) % messages;
        this.#recent--;
      }
    }
    return this.#recent + this.#granted < messages;
  }

  /** When the oldest message that counts no longer does. */
  get #nextAt(): number {
    return (this.#begun[this.#oldest] ?? 0) + this.#rate.per;
  }

  #grant(): void {
    for (let first = this.#waiting.first; first !== undefined; first = this.#waiting.first) {
      if (!this.#hasPermit) {
        if (this.#recent > 0) this.#alarm.set(this.#nextAt);
        return;
      }
      this.#granted++;
      this.#waiting.delete(first);
      first.stopListening();
      first.go();
    }
    this.#alarm.clear();
  }
}

/** A message that waits for its permit. */
class Turn extends Link<Turn> {
  readonly go: () => void;
  stopListening: () => void = () => {};

  constructor(go: () => void) {
    super();
    this.go = go;
  }
}

/** A limiter of the caller's: its faults are told as what they are, and a message can be given up whatever it does. */
class ForeignLimit implements RateGate {
  readonly #acquire: (signal?: AbortSignal) => unknown;

  constructor(acquire: (signal?: AbortSignal) => unknown) {
    this.#acquire = acquire;
  }

  acquire(signal?: AbortSignal, forced?: AbortSignal): Promise<void> | void {
    let permit: unknown;
    try {
      permit = this.#acquire(signal);
    } catch (error) {
      throw failed(error, signal);
    }
    if (permit === undefined) return;
    return new Promise((go, refuse) => {
      const stopListening = onFirstAbort([signal, forced], (aborted) => refuse(abortError(aborted, "queue")));
      Promise.resolve(permit)
        .then(
          () => go(),
          (error: unknown) => refuse(failed(error, signal)),
        )
        .finally(stopListening);
    });
  }

  used(): void {}

  unused(): void {}
}

function failed(cause: unknown, signal: AbortSignal | undefined): TransportError {
  if (signal?.aborted) return abortError(signal, "queue");
  return new TransportError("rateLimit.acquire failed", {
    code: "rate_limit_failed",
    phase: "queue",
    transient: true,
    hint: "the cause is what it threw: the message waited for its permit, and nothing was sent",
    cause,
  });
}
