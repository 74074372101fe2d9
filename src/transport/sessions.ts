// What TLS remembers of a client's connections, so that the next begins with less: no certificate is sent, checked or
// paid for again.

/** Sessions to keep: a connection of TLS 1.3 brings two, and each serves one connection. */
const MAX_SESSIONS = 8;
/**
 * Milliseconds that a session is offered for. A resumed one trusts the certificate of the first: one that expired or
 * was withdrawn meanwhile is found out after an hour at the latest.
 */
const MAX_AGE = 3_600_000;

/** What a session holds for: the name that was looked for, and by `tls` whom we trust and what we show of ourselves. */
export interface Parties {
  readonly servername: string;
  readonly tls: object;
}

/** Holds the TLS sessions of one client. */
export class TlsSessions {
  readonly #kept: (VerifiedSession & Parties)[] = [];

  /**
   * The newest session with these, which is not given out again: one that comes twice gives the client away
   * (RFC 8446 §C.4). A `connect` of the caller's own may change both in its target, and no certificate would be seen then.
   */
  take({ servername, tls }: Parties): VerifiedSession | undefined {
    const at = this.#kept.findLastIndex((one) => one.servername === servername && one.tls === tls);
    const [newest] = at < 0 ? [] : this.#kept.splice(at, 1);
    if (newest === undefined || performance.now() - newest.verifiedAt < MAX_AGE) return newest;
    this.clear();
    return undefined;
  }

  /**
   * Keeps a session whose certificate was verified, just now or, where it was resumed, at `verifiedAt`. One of a
   * handshake that was not verified is never kept: resuming it would show no certificate to check.
   */
  keep(session: Uint8Array, { servername, tls }: Parties, verifiedAt: number = performance.now()): void {
    this.#kept.push({ session, verifiedAt, servername, tls });
    if (this.#kept.length > MAX_SESSIONS) this.#kept.shift();
  }

  clear(): void {
    this.#kept.length = 0;
  }
}

export interface VerifiedSession {
  readonly session: Uint8Array;
  readonly verifiedAt: number;
}
