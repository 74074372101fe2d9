// Who waits for what is under way on a connection.

import { onAbort } from "./abort.ts";
import type { Dialogue } from "./protocol/dialogue.ts";
import type { Effect } from "./protocol/effect.ts";

/** Is told, once, what a dialogue came to. */
export interface Caller<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

interface Waiting {
  readonly caller: Caller<unknown>;
  readonly stopListening: (() => void) | undefined;
}

export class Callers {
  readonly #waiting: Map<Dialogue<unknown>, Waiting> = new Map();

  get size(): number {
    return this.#waiting.size;
  }

  /** `giveUp` is called when the caller does not wait any more. */
  add<T>(
    dialogue: Dialogue<T>,
    caller: Caller<T>,
    { signal, giveUp }: { readonly signal: AbortSignal | undefined; readonly giveUp: () => void },
  ): void {
    const stopListening = signal && onAbort(signal, giveUp);
    // The map pairs each dialogue with the caller it was begun for: what is given back to them is what it came to.
    this.#waiting.set(dialogue, { caller: caller as Caller<unknown>, stopListening });
  }

  /** Takes the caller of a dialogue, who hears of it no more than once. */
  take(dialogue: Dialogue<unknown>): Caller<unknown> | undefined {
    const waiting = this.#waiting.get(dialogue);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(dialogue);
    waiting.stopListening?.();
    return waiting.caller;
  }
}

export type Settlement = Extract<Effect, { readonly do: "resolve" | "reject" }>;

/** A caller, and what they are to be told. */
export interface Settled {
  readonly caller: Caller<unknown>;
  readonly effect: Settlement;
}

export function settle({ caller, effect }: Settled): void {
  if (effect.do === "resolve") caller.resolve(effect.value);
  else caller.reject(effect.error);
}
