// Whether a message that was not sent is begun again, and after how long. One that may have been sent never is.

import { abortError, onFirstAbort } from "./abort.ts";
import { flowsOf, isInMemory } from "./content.ts";
import { AuthenticationError, ReplyError, SmtpError, TokenError, TransportError } from "./errors.ts";
import type { Composition } from "./mime.ts";

/** Says how long to wait before a message is begun again: ever longer, and not all at the same moment. */
export interface Backoff {
  /** Milliseconds before the second attempt. @default 1000 */
  readonly initial?: number;
  /** Milliseconds that no wait is longer than. @default 60000 */
  readonly max?: number;
  /** What each wait is longer by than the one before. @default 2 */
  readonly factor?: number;
  /** Which part of a wait is left to chance, from 0 to 1. @default 0.5 */
  readonly jitter?: number;
}

/** Says what is begun again. Nothing ever is once the end of the mail data was written. */
export interface RetryOptions {
  /** How often a message is begun at most, the first time included: 1 to 10. @default 3 */
  readonly attempts?: number;
  /** A function is told how many attempts there were, and returns milliseconds. */
  readonly backoff?: Backoff | ((attempts: number) => number);
  /** Whether a message is begun again that the server refused for now (4yz). @default false */
  readonly transient?: boolean;
}

export interface RetryPolicy {
  readonly attempts: number;
  /** Connections that could not be opened, or broke before the message was sent. */
  readonly connections: boolean;
  readonly transient: boolean;
  /** Milliseconds until the next attempt, after so many. */
  readonly pause: (attempts: number) => number;
}

/** What there is to know of an attempt that failed. */
export interface Attempt {
  /** Which it was, from 1. */
  readonly number: number;
  /** Whether others were served over its connection before. */
  readonly isReused: boolean;
}

/** How long to wait before the next attempt, in milliseconds; `undefined` where there is to be none. */
export function pauseAfter(error: unknown, attempt: Attempt, policy: RetryPolicy): number | undefined {
  if (attempt.number >= policy.attempts || !(error instanceof SmtpError)) return undefined;
  if (error.delivery === "unknown" || error.accepted !== undefined) return undefined;
  if (error instanceof AuthenticationError) return undefined;
  if (isStale(error, attempt)) return 0;
  if (!error.retryable) return undefined;
  // Without a token no connection can be opened.
  const isOfConnection = error instanceof TransportError || error instanceof TokenError;
  const isMeant = error instanceof ReplyError ? policy.transient : isOfConnection && policy.connections;
  return isMeant ? policy.pause(attempt.number) : undefined;
}

/** A connection that served others and died, or was dismissed, before this message was sent: a new one may do. */
export function isStale(error: unknown, { isReused }: Attempt): boolean {
  if (!isReused || !(error instanceof SmtpError) || error.delivery !== "not-sent") return false;
  return error.code === "connection_lost" || error.code === "service_closing";
}

/** Whether a message can be sent once more: what has been read of it can be read again. */
export function canSendAgain({ chunks }: Composition): boolean {
  return isInMemory(chunks) || flowsOf(chunks).every(({ canOpen }) => canOpen);
}

/** Whether the same message can be given once more: what is in it is there still. */
export function isRepeatable({ chunks }: Composition): boolean {
  return isInMemory(chunks) || flowsOf(chunks).every(({ isReopenable }) => isReopenable);
}

export const OPEN_AGAIN: string =
  "a stream in the message has been read: send another message, or use attachment.stream() for what can be opened again";

/** Waits so many milliseconds, unless one of `signals` is aborted before. */
export function sleep(milliseconds: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((wake, refuse) => {
    const timer = setTimeout(() => {
      stopListening();
      wake();
    }, milliseconds);
    const stopListening = onFirstAbort(signals, (signal) => {
      clearTimeout(timer);
      refuse(abortError(signal, "queue"));
    });
  });
}
