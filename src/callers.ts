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
  readonly dialogue: Dialogue<unknown>;
  readonly caller: Caller<unknown>;
  readonly stopListening: (() => void) | undefined;
}

export class Callers {
  /**
   * In the order they came, which is nearly that in which they leave. Not a map: one that is filled and emptied all the
   * time leaves its tables behind, each of which keeps the next from the garbage collector, and all that was in it.
   */
  readonly #waiting: Waiting[] = [];
  #isTelling = false;

  get size(): number {
    return this.#waiting.length;
  }

  /** `giveUp` is called when the caller does not wait any more. */
  add<T>(
    dialogue: Dialogue<T>,
    caller: Caller<T>,
    { signal, giveUp }: { readonly signal: AbortSignal | undefined; readonly giveUp: () => void },
  ): void {
    const stopListening = signal && onAbort(signal, () => this.#hear(dialogue, giveUp));
    // What is given back to a caller is what their own dialogue came to.
    this.#waiting.push({ dialogue, caller: caller as Caller<unknown>, stopListening });
  }

  /**
   * Tells as `tell` does. It is told in the middle of what is said and heard: a caller who gives up from within it would
   * hear that not to be sent which is about to be, or has just been taken. That is looked at when all of it is done.
   */
  undivided<T>(tell: (event: T) => void): (event: T) => void {
    return (event) => {
      const before = this.#isTelling;
      this.#isTelling = true;
      tell(event);
      this.#isTelling = before;
    };
  }

  #hear(dialogue: Dialogue<unknown>, giveUp: () => void): void {
    if (this.#isTelling) queueMicrotask(() => this.#hear(dialogue, giveUp));
    else if (this.#waiting.some((one) => one.dialogue === dialogue)) giveUp();
  }

  /** Takes the caller of a dialogue, who hears of it no more than once. */
  take(dialogue: Dialogue<unknown>): Caller<unknown> | undefined {
    const at = this.#waiting.findIndex((one) => one.dialogue === dialogue);
    const [waiting] = at < 0 ? [] : this.#waiting.splice(at, 1);
    waiting?.stopListening?.();
    return waiting?.caller;
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
