// A wire, within its time or not at all.

import { abortError, onAbort } from "./abort.ts";
import type { Timeouts } from "./deadline.ts";
import { ConfigError, SmtpError, TransportError } from "./errors.ts";
import { optionsOf, placeOf } from "./transport/place.ts";
import type { Connect, Target, Wire } from "./transport/wire.ts";

export interface Dialling {
  readonly connect: Connect;
  readonly target: Omit<Target, "signal">;
  readonly timeouts: Timeouts;
}

/** Connects by `connect`. Whatever that does, this settles in time, and no wire is left open that nobody gets. */
export async function openWire({ connect, target, timeouts }: Dialling, signal?: AbortSignal): Promise<Wire> {
  const attempt = new AbortController();
  if (signal?.aborted) throw abortError(signal, "connect");
  const stopListening = onAbort(signal, () => attempt.abort(abortError(signal, "connect")));
  const timer = setTimeout(() => {
    attempt.abort(
      new TransportError(`no connection to ${placeOf(target)} within ${timeouts.connect} ms`, {
        code: "deadline",
        phase: "connect",
        transient: true,
        hint: `check ${optionsOf(target)}; timeouts.connect sets this limit`,
      }),
    );
  }, timeouts.connect);
  const wire = new Promise<Wire>((resolve) => resolve(connect({ ...target, signal: attempt.signal })));
  try {
    return asWire(await Promise.race([wire, rejectedBy(attempt.signal)]));
  } catch (error) {
    // A wire that comes up after all has nobody left to use it.
    wire.then((late) => asWire(late).destroy()).catch(() => {});
    if (error instanceof SmtpError) throw error;
    throw new TransportError(`no connection to ${placeOf(target)}: ${String(error)}`, {
      code: "connection",
      phase: "connect",
      transient: true,
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    stopListening();
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

const VERBS = ["read", "write", "startTls", "hold", "close", "destroy"] as const;

/** What the caller's own `connect` returned, if that is a wire. */
function asWire(wire: Wire): Wire {
  const missing = VERBS.find((verb) => typeof (wire as Partial<Wire> | undefined)?.[verb] !== "function");
  if (missing === undefined) return wire;
  throw new ConfigError("connect", `returned no wire: it has no ${missing}()`);
}

/** RFC 5321 §4.1.3: who has no domain name to give names the address of their end of the connection. */
export function addressLiteral(address = "127.0.0.1"): string {
  const [plain = address] = address.split("%");
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1];
  return plain.includes(":") && mapped === undefined ? `[IPv6:${plain}]` : `[${mapped ?? plain}]`;
}
