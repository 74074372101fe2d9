// Which invocation of a Worker is running. What one has opened no other may touch: "Cannot perform I/O on behalf of a
// different request". No name tells them apart without a compatibility flag, but an AbortSignal knows to whom it belongs.

import type { PerInvocation } from "../runtime.ts";

/**
 * How many invocations are remembered, of those that run at the same time or have ended: that one has ended is told to
 * nobody. One that is forgotten while it runs opens its connections anew. Each is asked in turn, and an answer costs
 * microseconds.
 */
const MAX_INVOCATIONS = 16;

/** Makes one for each invocation. In the global scope, where none runs, the runtime lets nobody have a signal. */
export const perInvocation: PerInvocation = <T>(make: () => T) => {
  const known: { readonly mark: AbortController; readonly one: T }[] = [];
  return () => {
    const found = known.find(({ mark }) => isOurs(mark));
    if (found !== undefined) return found.one;
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
