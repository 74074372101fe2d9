// The caller's wish to stop, heard once for any number of messages.

import { locate, type Phase, SmtpError, TransportError } from "./errors.ts";

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

class Relay {
  readonly #signal: AbortSignal;
  readonly #hearers: Set<() => void> = new Set();
  readonly #tell = (): void => {
    for (const heard of [...this.#hearers]) heard();
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

/** What is reported of an aborted `signal`, and that nothing was sent unless the session knows better. */
export function abortError(signal: AbortSignal | undefined, phase: Phase): SmtpError {
  const cause: unknown = signal?.reason;
  if (cause instanceof SmtpError) return locate(cause, phase, "not-sent");
  const isTimeout = cause instanceof Error && cause.name === "TimeoutError";
  return isTimeout
    ? new TransportError("the time limit of the signal passed", {
        code: "deadline",
        phase,
        transient: true,
        cause,
      })
    : new TransportError("aborted by the caller", { code: "aborted", phase, cause });
}
