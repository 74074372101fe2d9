// Which invocation of a Worker is running. What one has begun no other may wait for: a promise of one that has ended
// never settles, and its sockets, timers and signals are "I/O on behalf of a different request". No name tells them
// apart without a compatibility flag, but some objects know to whom they belong: the end of a WebSocketPair in every version,
// an AbortSignal in those before November 2026. In other runtimes all is one.

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
  const known: { readonly mark: Mark; readonly one: T }[] = [];
  return () => {
    const at = known.findIndex(({ mark }) => isOurs(mark));
    const [found] = at < 0 ? [] : known.splice(at, 1);
    if (found !== undefined) {
      known.unshift(found);
      return found.one;
    }
    const mark = makeMark();
    const one = make();
    known.unshift({ mark, one });
    if (known.length > MAX_INVOCATIONS) known.pop();
    return one;
  };
};

/** What nobody may look at but in the invocation that made it. */
interface Mark {
  readonly signal: AbortSignal;
  /** It is not accepted, and so opens nothing. */
  readonly socket: { readonly readyState: number } | undefined;
}

function makeMark(): Mark {
  const { WebSocketPair } = globalThis as {
    readonly WebSocketPair?: new () => { readonly 0: { readonly readyState: number } };
  };
  return { signal: new AbortController().signal, socket: WebSocketPair && new WebSocketPair()[0] };
}

function isOurs({ signal, socket }: Mark): boolean {
  try {
    return !signal.aborted && socket?.readyState !== CLOSED;
  } catch {
    return false;
  }
}

/** What a WebSocket never says that nobody closes; it is asked for the refusal that others get. */
const CLOSED = 3;

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
