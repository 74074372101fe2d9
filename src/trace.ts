// What happens, told to whoever listens. Nobody who listens can change it, and where nobody does, nothing is made up
// to be told.

import type { ErrorCode, Phase, RejectedRecipient, Reply } from "./errors.ts";

/** Tells what happens on a connection, as it happens. Secrets are masked, mail data is counted and not shown. */
export type TraceEvent = {
  /** Which connection of the client it is, counted from 1; 0 where none could be had. */
  readonly connection: number;
  /** When it happened, in milliseconds of `performance.now()`. */
  readonly at: number;
} & (
  | ({ readonly kind: "connecting" } & Place)
  /** The name has been looked up. Where that failed there is no address, and `code` says why, such as `ENOTFOUND`. */
  | {
      readonly kind: "lookup";
      readonly host: string;
      readonly addresses: readonly string[];
      readonly code?: string | undefined;
    }
  /**
   * One of the addresses is tried, and then it is connected or has failed: `code` says why, such as `ECONNREFUSED`;
   * `ETIMEDOUT` where the next was tried in its place. One that has not answered when the time is over stays begun.
   */
  | {
      readonly kind: "attempt";
      readonly address: string;
      readonly port: number;
      readonly state: "begun" | "connected" | "failed";
      readonly code?: string | undefined;
    }
  | ({ readonly kind: "connected"; readonly secure: boolean } & Place)
  /**
   * TLS has been agreed on, and the server has shown its certificate, which nobody has judged yet. There is none where
   * the session of an earlier connection goes on.
   */
  | {
      readonly kind: "handshake";
      readonly version: string | undefined;
      /** By its name in the registry of IANA, such as `TLS_AES_128_GCM_SHA256`. */
      readonly cipher: string | undefined;
      readonly certificate: CertificateDetails | undefined;
    }
  /**
   * TLS is in place: after `connected` where it began with the first octet, else after STARTTLS. `resumed`: it goes on
   * with the session of an earlier connection. `doubt`: why it is not verified, where that is allowed.
   */
  | {
      readonly kind: "secured";
      readonly version: string | undefined;
      readonly verified: boolean;
      readonly resumed: boolean;
      readonly doubt?: string | undefined;
    }
  | { readonly kind: "command"; readonly line: string }
  | { readonly kind: "reply"; readonly reply: Reply }
  /** All of the mail data of a message is written; `octets` before transparency. */
  | { readonly kind: "content"; readonly octets: number }
  /** A message is sent once more: `attempt` is the one to come, in `delay` milliseconds, `code` why the last failed. */
  | {
      readonly kind: "retry";
      readonly messageId: string;
      readonly attempt: number;
      readonly delay: number;
      readonly code: ErrorCode;
    }
  /**
   * The connection is over, or could not be opened: what was waited for then, and what went wrong. Where nothing was
   * waited for, nothing did.
   */
  | { readonly kind: "closed"; readonly phase: Phase; readonly code: ErrorCode | undefined }
);

/** Where a connection leads to. */
interface Place {
  readonly host: string;
  /** 0 where there is a `path`. */
  readonly port: number;
  /** The Unix socket, where it is one. */
  readonly path?: string;
}

/** Is what a certificate says of itself: whether any of it is true is another question. Control characters are escaped. */
export interface CertificateDetails {
  /** Such as `O=Example, CN=smtp.example.com`. */
  readonly subject: string;
  readonly issuer: string;
  /** The host names and IP addresses that it is for; at most 100. */
  readonly names: readonly string[];
  /** The first and the last moment of its life (ISO 8601). */
  readonly validFrom: string | undefined;
  readonly validTo: string | undefined;
}

export type Listener = (event: TraceEvent) => void;

/** What happens on one connection; its number and the time are added. */
export type Tell = (event: DistributiveOmit<TraceEvent, "connection" | "at">) => void;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A piece of work that tools of the whole process can follow from its beginning to its end. */
export interface Span {
  /** Whether anybody follows it at this moment. */
  readonly isHeard: boolean;
  /** Does the work; shows `context` before and after, then with the `error` or what `resultOf` makes of the result. */
  run<T>(context: object, work: () => Promise<T>, resultOf: (value: T) => unknown): Promise<T>;
}

/** What a runtime offers so that tools can listen to every client of a process. */
export interface Diagnostics {
  readonly connect: Span;
  readonly send: Span;
  /** Whoever has subscribed by now; `undefined` where nobody has. */
  listener(): Listener | undefined;
}

/** Hears of connections as far as it wants to, and what became of each message. */
export interface Log {
  readonly listener: Listener | undefined;
  sent(receipt: Sent): void;
  failed(error: unknown, messageId?: string): void;
}

/** What a log is told of a receipt. */
export interface Sent {
  readonly messageId: string;
  readonly accepted: readonly string[];
  readonly rejected: readonly RejectedRecipient[];
  readonly reply: Reply;
}

/** All who may listen to a client. */
export interface Audience {
  /** Whoever listens at this moment, in one; `undefined` where nobody does. */
  listener(): Listener | undefined;
  readonly log: Log | undefined;
  readonly connect: Span | undefined;
  readonly send: Span | undefined;
}

/** Brings together those who listen from the beginning, and those who may come and go. */
export function gather(
  trace: ((event: TraceEvent) => unknown) | undefined,
  log: Log | undefined,
  diagnostics: Diagnostics | undefined,
): Audience {
  const constant = both(trace && ((event) => undisturbed(() => trace(event))), log?.listener);
  return {
    listener: () => both(constant, diagnostics?.listener()),
    log,
    connect: diagnostics?.connect,
    send: diagnostics?.send,
  };
}

/** The way to tell of one connection, for as long as it lives; `undefined` where nobody listens. */
export function telling(audience: Audience, connection: number): Tell | undefined {
  const listener = audience.listener();
  return listener && ((event) => listener({ connection, at: performance.now(), ...event }));
}

/** Does the work in the sight of those who follow it, where anybody does; what it results in is not theirs. */
export function followed<T>(span: Span | undefined, context: object, work: () => Promise<T>): Promise<T> {
  return span?.isHeard ? span.run(context, work, () => undefined) : work();
}

/** Calls what is not ours: whether it throws, or rejects, must not change what happens. */
export function undisturbed(call: () => unknown): void {
  try {
    const outcome = call();
    // An async listener; a rejection that nobody handles would end the process.
    if (typeof outcome === "object" && outcome !== null && "then" in outcome) {
      Promise.resolve(outcome).catch(() => {});
    }
  } catch {
    // It is theirs.
  }
}

function both(first: Listener | undefined, second: Listener | undefined): Listener | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (event) => {
    first(event);
    second(event);
  };
}
