// A wire, within its time or not at all.

import type { Timeouts } from "./deadline.ts";
import { locate, SmtpError, TransportError } from "./errors.ts";
import type { Connect, Target, Wire } from "./transport/wire.ts";

export interface Dialling {
  readonly connect: Connect;
  readonly target: Omit<Target, "signal">;
  readonly timeouts: Timeouts;
}

/** Connects by `connect`. Whatever that does, this settles in time, and no wire is left open that nobody gets. */
export async function openWire({ connect, target, timeouts }: Dialling, signal?: AbortSignal): Promise<Wire> {
  const attempt = new AbortController();
  const aborted = (): SmtpError => locate(abortError(signal), "connect", "not-sent");
  const abort = (): void => attempt.abort(aborted());
  if (signal?.aborted) throw aborted();
  signal?.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => {
    attempt.abort(
      new TransportError(
        `no connection to ${target.host} on port ${target.port} within ${timeouts.connect} ms`,
        {
          code: "deadline",
          phase: "connect",
          transient: true,
          hint: "check host and port; timeouts.connect sets this limit",
        },
      ),
    );
  }, timeouts.connect);
  const wire = new Promise<Wire>((resolve) => resolve(connect({ ...target, signal: attempt.signal })));
  try {
    return await Promise.race([wire, rejectedBy(attempt.signal)]);
  } catch (error) {
    // A wire that comes up after all has nobody left to use it.
    wire.then(
      (late) => late.destroy(),
      () => {},
    );
    if (error instanceof SmtpError) throw error;
    throw new TransportError(`no connection to ${target.host} on port ${target.port}: ${String(error)}`, {
      code: "connection",
      phase: "connect",
      transient: true,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** What an aborted `signal` means: its own time limit, or the caller's wish. */
export function abortError(signal: AbortSignal | undefined): TransportError {
  const cause: unknown = signal?.reason;
  const isTimeout = cause instanceof Error && cause.name === "TimeoutError";
  return isTimeout
    ? new TransportError("the time given for the whole send is over", {
        code: "deadline",
        transient: true,
        cause,
      })
    : new TransportError("aborted by the caller", { code: "aborted", cause });
}
