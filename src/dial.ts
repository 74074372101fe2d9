// A wire, and those who listen told of it; and what an opening may know of one.

import { type Dialling, openWire } from "./connect.ts";
import type { SmtpError } from "./errors.ts";
import type { WorkOutcome } from "./protocol/dialogue.ts";
import type { Channel, Login } from "./protocol/login.ts";
import type { Tell } from "./trace.ts";
import type { Wire } from "./transport/wire.ts";

/** One that wants a connection, and what that is to be called. */
export interface Call {
  readonly id: number;
  readonly signal?: AbortSignal | undefined;
  /** What it signs in with, where that is a token that must be got first. */
  readonly accessToken?: string | undefined;
}

export async function dial(
  dialling: Dialling,
  { tell, signal }: { readonly tell: Tell | undefined; readonly signal: AbortSignal | undefined },
): Promise<Wire> {
  const { host, port, path } = dialling.target;
  const place = { host, port, ...(path !== undefined && { path }) };
  tell?.({ kind: "connecting", ...place });
  let isOver = false;
  // What is heard of an attempt that was given up is of no interest any more.
  const observed = tell && {
    ...dialling.target,
    tell: (event: Parameters<Tell>[0]) => isOver || tell(event),
  };
  const wire = await openWire(observed ? { ...dialling, target: observed } : dialling, signal).catch(
    (error: SmtpError) => {
      isOver = true;
      tell?.({ kind: "closed", phase: error.phase, code: error.code });
      throw error;
    },
  );
  tell?.({ kind: "connected", ...place, secure: wire.secure });
  if (wire.secure) tell?.(securedEvent(wire));
  return wire;
}

/** What there is to tell of TLS that has come about. */
export function securedEvent({
  tlsVersion: version,
  verified,
  resumed = false,
  doubt,
}: Wire): Parameters<Tell>[0] {
  return { kind: "secured", version, verified, resumed, ...(doubt !== undefined && { doubt }) };
}

/** The wire as the opening sees it, while it changes; `insecureAllowed`: credentials may travel without verified TLS. */
export function channelOver(wire: Wire, insecureAllowed: boolean): Channel {
  const bind: Channel["bind"] = (type) => wire.channelBinding?.(type);
  return {
    get bind() {
      return wire.secure && wire.channelBinding !== undefined ? bind : undefined;
    },
    get secure() {
      return wire.secure;
    },
    get trusted() {
      return (wire.secure && wire.verified) || insecureAllowed;
    },
  };
}

/** The login with the token that was got for it. */
export function withToken(login: Login | undefined, accessToken: string | undefined): Login | undefined {
  if (login === undefined || accessToken === undefined) return login;
  return { ...login, credentials: { ...login.credentials, accessToken } };
}

/** What becomes of something that a dialogue waits for. */
export async function outcomeOf(work: () => unknown): Promise<WorkOutcome> {
  try {
    return { value: await work() };
  } catch (error) {
    return { error };
  }
}
