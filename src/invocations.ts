// Which invocation of a Worker is running. What one has begun no other may wait for: a promise of one that has ended
// never settles, and its sockets, timers and signals are "I/O on behalf of a different request". No name tells them
// apart without a compatibility flag, but an AbortSignal knows to whom it belongs. In other runtimes all is one.

/** Makes one for each invocation; the function returned gives the one of that which is running. */
export type PerInvocation = <T>(make: () => T) => () => T;

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

/**
 * Does something when its outcome is first asked for, and keeps it. The outcome is everybody's; who asks before it is
 * there waits with the others of their invocation, and fails with them.
 */
export function kept<T extends object>(work: () => Promise<T>): () => Promise<T> {
  let outcome: T | undefined;
  const underWay = perInvocation((): { promise?: Promise<T> } => ({}));
  return async () => {
    if (outcome !== undefined) return outcome;
    const here = underWay();
    here.promise ??= work();
    outcome = await here.promise;
    return outcome;
  };
}
