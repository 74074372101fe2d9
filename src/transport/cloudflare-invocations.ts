// Which invocation of a Worker is running. What one has opened no other may touch: "Cannot perform I/O on behalf of a
// different request". No name tells them apart without a compatibility flag, but an AbortSignal knows to whom it belongs.

import type { PerInvocation } from "../runtime.ts";

/**
 * How many invocations are remembered, of those that run at the same time or have ended: that one has ended is told to
 * nobody. One that is forgotten while it runs opens its connections anew. A new one is looked for among all of them, and
 * each costs 12 microseconds, for a refusal is an exception; whoever asks again is found first.
 */
const MAX_INVOCATIONS = 32;

/** Makes one for each invocation. In the global scope, where none runs, the runtime lets nobody have a signal. */
export const perInvocation: PerInvocation = <T>(make: () => T) => {
  const known: { readonly mark: AbortController; readonly one: T }[] = [];
  return () => {
    const at = known.findIndex(({ mark }) => isOurs(mark));
    const [found] = at < 0 ? [] : known.splice(at, 1);
    if (found !== undefined) {
      known.unshift(found);
      return found.one;
    }
    const mark = new AbortController();
    const one = make();
    known.unshift({ mark, one });
    if (known.length > MAX_INVOCATIONS) known.pop();
    return one;
  };
};

function isOurs(mark: AbortController): boolean {
  try {
    return !mark.signal.aborted;
  } catch {
    return false;
  }
}
