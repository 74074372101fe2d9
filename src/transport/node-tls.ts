// TLS on top of a stream: whom it is made with, what it is resumed from, and whether the other end is who it should be.

import type { Socket } from "node:net";
import type { ConnectionOptions, PeerCertificate, TLSSocket } from "node:tls";
import { TransportError } from "../errors.ts";
import { reasonOf } from "../excerpt.ts";
import { handshakeEvent } from "./node-certificate.ts";
import { tlsError } from "./node-errors.ts";
import type { VerifiedSession } from "./sessions.ts";
import type { Target } from "./wire.ts";

type Check = (name: string, certificate: PeerCertificate) => Error | undefined;

export interface Handshake {
  readonly socket: TLSSocket;
  /** Says what is wrong with the name in the certificate. */
  readonly check: Check;
  /** The session that was offered, for the server to go on with or not. */
  readonly offered: VerifiedSession | undefined;
  /** Sessions that came before it was known whether they may be kept. */
  readonly early: Uint8Array[];
}

export interface Modules {
  readonly net: typeof import("node:net");
  readonly tls: typeof import("node:tls");
}

/** Begins the handshake over `under`. */
export function begin({ net, tls }: Modules, under: Socket, target: Target): Handshake {
  const { servername, tls: options, sessions, tell } = target;
  const offered = sessions?.take(target);
  const check = guarded(options.checkServerIdentity ?? tls.checkServerIdentity);
  const socket = upgrade(tls.connect, {
    ...(options as ConnectionOptions),
    // Said in any case: what is not said is looked for on Object.prototype, where anybody may have put it.
    rejectUnauthorized: options.rejectUnauthorized ?? true,
    checkServerIdentity: check,
    session: offered?.session as ConnectionOptions["session"],
    socket: under,
    // Node verifies against `host` and sends `servername`; it derives neither from the socket that it is given,
    // and would verify against "localhost". An IP address is no server name (RFC 6066 §3).
    host: servername,
    ...(net.isIP(servername) === 0 && { servername }),
  });
  // Ahead of Node's own listener, which judges the certificate: of one that is refused nothing is left to be shown.
  if (tell !== undefined) socket.prependOnceListener("secure", () => tell(handshakeEvent(socket)));
  const early: Uint8Array[] = [];
  if (sessions !== undefined) socket.on("session", (session) => early.push(session));
  return { socket, check, offered, early };
}

/**
 * What is against the other end's being verified, now that the handshake is over, and thrown where it must be. Our own
 * check comes after the runtime's: some runtimes let a name pass that is not in the certificate.
 */
export function confirm({ socket, check, offered, early }: Handshake, target: Target): string | undefined {
  const { servername, tls: options, sessions } = target;
  socket.removeAllListeners("session");
  // No certificate is shown where a session goes on: the one that was checked when it began holds, for this very name.
  const isResumed = offered !== undefined && socket.isSessionReused();
  const doubt = !socket.authorized
    ? (socket.authorizationError ?? "the certificate was not verified")
    : isResumed
      ? undefined
      : check(servername, socket.getPeerCertificate());
  if (doubt !== undefined) {
    if (options.rejectUnauthorized === false) return reasonOf(doubt);
    throw tlsError(doubt instanceof Error ? doubt : new Error(doubt), target);
  }
  if (sessions !== undefined) {
    const verifiedAt = isResumed ? offered.verifiedAt : performance.now();
    for (const session of early) sessions.keep(session, target, verifiedAt);
    socket.on("session", (session) => sessions.keep(session, target, verifiedAt));
    // Before TLS 1.3 a session serves any number of times, and none comes in its place.
    if (isResumed && early.length === 0 && socket.getProtocol() !== "TLSv1.3") {
      sessions.keep(offered.session, target, verifiedAt);
    }
  }
  return undefined;
}

/** A check that refuses where one of the caller's throws: Node calls it where nobody would catch that. */
function guarded(check: (name: string, certificate: PeerCertificate) => unknown): Check {
  return (name, certificate) => {
    try {
      const doubt = check(name, certificate);
      if (doubt === undefined || doubt instanceof Error) return doubt;
      // A promise, perhaps, that says nothing in time, and must not be rejected unheard.
      Promise.resolve(doubt).catch(() => {});
      return new Error("tls.checkServerIdentity returned neither undefined nor an error");
    } catch (cause) {
      return cause instanceof Error ? cause : new Error("tls.checkServerIdentity threw", { cause });
    }
  };
}

/** tls.connect throws for an option that it cannot use. */
function upgrade(connect: (options: ConnectionOptions) => TLSSocket, options: ConnectionOptions): TLSSocket {
  try {
    return connect(options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TransportError(`TLS cannot be set up: ${reason}`, {
      code: "tls",
      phase: "tls",
      cause,
      hint: "check the options in tls",
    });
  }
}
