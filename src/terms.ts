// What a message asks of the server beyond delivery, as it has been read. Every text is encoded: it goes into a command
// as it stands.

/** Nothing in it is asked by default: a message that asks for nothing has none. */
export interface Terms {
  readonly dsn: DsnTerms | undefined;
  /** REQUIRETLS (RFC 8689): on every hop. */
  readonly requireTls: boolean;
  /** MT-PRIORITY (RFC 6710): from -9 to 9. */
  readonly mtPriority: number | undefined;
  /** DELIVERBY (RFC 2852). */
  readonly deliverBy:
    | { readonly seconds: number; readonly mode: "R" | "N"; readonly trace: boolean }
    | undefined;
  /** FUTURERELEASE (RFC 4865): so many seconds, or until a time as `2026-01-05T12:00:00Z`. */
  readonly hold: { readonly field: "holdFor"; readonly seconds: number } | HoldUntil | undefined;
}

export interface HoldUntil {
  readonly field: "holdUntil";
  readonly time: string;
}

/** DSN (RFC 3461). */
export interface DsnTerms {
  /** The property of the message that asks for it. */
  readonly field: string;
  /** What MAIL says: RET and ENVID. */
  readonly mail: readonly string[];
  /** What RCPT says of a recipient who is not among `recipients`. */
  readonly rcpt: readonly string[];
  /** What RCPT says of a recipient, by the address in the envelope. */
  readonly recipients: ReadonlyMap<string, readonly string[]>;
}
