// The caller's wish to stop, heard once for any number of messages, and the time that a call has.

import { type Phase, TransportError } from "./errors.ts";

const relays: WeakMap<AbortSignal, Relay> = new WeakMap();

/**
 * Calls `heard` when `signal` is aborted, until the function returned is called. One listener serves all messages
 * that share a signal: a thousand would be taken for a leak, and each is searched for when it is removed.
 */
export function onAbort(signal: AbortSignal | undefined, heard: () => void): () => void {
  if (signal === undefined) return () => {};
  const relay = relays.get(signal) ?? new Relay(signal);
  relay.add(heard);
  return () => relay.delete(heard);
}

/** Calls `heard` once: with the first of `signals` that is aborted, or has been. */
export function onFirstAbort(
  signals: readonly (AbortSignal | undefined)[],
  heard: (signal: AbortSignal | undefined) => void,
): () => void {
  const aborted = signals.find((signal) => signal?.aborted);
  if (aborted !== undefined) {
    heard(aborted);
    return () => {};
  }
  const stop = (): void => {
    for (const stopListening of stops) stopListening();
  };
  const stops = signals.map((signal) =>
    onAbort(signal, () => {
      stop();
      heard(signal);
    }),
  );
  return stop;
}

class Relay {
  readonly #signal: AbortSignal;
  readonly #hearers: Set<() => void> = new Set();
  readonly #tell = (): void => {
    // Those who hear it may have others stop listening: whoever has been told already must not be told twice.
    for (const heard of [...this.#hearers]) if (this.#hearers.has(heard)) heard();
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  add(heard: () => void): void {
    if (this.#hearers.size === 0) {
      this.#signal.addEventListener("abort", this.#tell);
      relays.set(this.#signal, this);
    }
    this.#hearers.add(heard);
  }

  delete(heard: () => void): void {
    this.#hearers.delete(heard);
    if (this.#hearers.size > 0) return;
    this.#signal.removeEventListener("abort", this.#tell);
    relays.delete(this.#signal);
  }
}

/**
 * A signal that is aborted after a time, in milliseconds, if there is one, or with others. Not `AbortSignal.any`: Node 20
 * may collect the time limit while it is waited for.
 */
export class TimeLimit {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #stopListening: () => void;

  /** The time runs from `since`, a time of `performance.now()`. */
  constructor(limit: number | undefined, since: number, ...signals: readonly (AbortSignal | undefined)[]) {
    this.#stopListening = onFirstAbort(signals, (signal) => this.#controller.abort(signal?.reason));
    if (limit === undefined) return;
    const left = limit - (performance.now() - since);
    this.#timer = setTimeout(() => this.#controller.abort(new LimitPassed(limit)), left);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#stopListening();
  }
}

/** Our own reason to abort. A caller's reason may be anything, an error of this library too, and is left as it is. */
class LimitPassed {
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }
}

/** What is reported of an aborted `signal`, and that nothing was sent unless the session knows better. */
export function abortError(signal: AbortSignal | undefined, phase: Phase): TransportError {
  const cause: unknown = signal?.reason;
  if (cause instanceof LimitPassed) {
    return new TransportError(`the call took longer than ${cause.limit} ms in all`, {
      code: "deadline",
      phase,
      transient: true,
      hint: "timeout sets this limit",
    });
  }
  if (cause instanceof Error && cause.name === "TimeoutError") {
    return new TransportError("the time limit of the signal passed", {
      code: "deadline",
      phase,
      transient: true,
      cause,
    });
  }
  return new TransportError("aborted by the caller", { code: "aborted", phase, cause });
}
