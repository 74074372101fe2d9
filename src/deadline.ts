// Time limits: how long each phase may take, and the one timer that watches over a connection.

import type { Phase } from "./errors.ts";

/** Holds the time limits of a connection, each absolute, in milliseconds. */
export interface Timeouts {
  /** For an access token, where `auth.oauth2` gets it. @default 30000 */
  readonly token: number;
  /** Until the wire is up: DNS, TCP, and TLS where it comes first. @default 30000 */
  readonly connect: number;
  /** For the greeting; "Initial 220 Message" in RFC 5321 §4.5.3.2.1. @default 60000 */
  readonly greeting: number;
  /** For the TLS handshake after STARTTLS. @default 30000 */
  readonly tls: number;
  /** For the reply to a command; "MAIL Command", "RCPT Command" in RFC 5321 §4.5.3.2.2 and .3. @default 60000 */
  readonly command: number;
  /** For the reply to DATA; "DATA Initiation" in RFC 5321 §4.5.3.2.4. @default 120000 */
  readonly data: number;
  /** For the server to take, or a source to give, each 64 KiB of mail data; "Data Block" in RFC 5321 §4.5.3.2.5. @default 180000 */
  readonly content: number;
  /** For the reply to the end of the mail data; "DATA Termination" in RFC 5321 §4.5.3.2.6. @default 600000 */
  readonly endOfData: number;
  /** For the reply to QUIT, on which nothing depends. @default 2000 */
  readonly quit: number;
}

/** The limits where the user sets none. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  // RFC 5321 §4.5.3.2 asks for minutes everywhere, for relays that have days. Somebody waits for a submission: all
  // but the last are shorter here. The last is the RFC's, for giving up on it makes a second copy likely (RFC 1047).
  token: 30_000,
  connect: 30_000,
  greeting: 60_000,
  tls: 30_000,
  command: 60_000,
  data: 120_000,
  content: 180_000,
  endOfData: 600_000,
  quit: 2_000,
};

/** Which limit holds while a session waits in this phase. */
export function timeoutOf(phase: Phase): keyof Timeouts {
  return TIMEOUT_OF[phase] ?? "command";
}

const TIMEOUT_OF: Readonly<Partial<Record<Phase, keyof Timeouts>>> = {
  greeting: "greeting",
  tls: "tls",
  data: "data",
  content: "content",
  "end-of-data": "endOfData",
  quit: "quit",
};

/**
 * One timer, however often it is set: it looks at the clock when it fires and sleeps on where it is too early. Between
 * two messages it rests: it is left as it is and keeps nothing alive, for making one costs more than looking at it.
 */
export class Deadline {
  readonly #expired: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firesAt = 0;
  #at = 0;
  #isResting = false;

  constructor(expired: () => void) {
    this.#expired = expired;
  }

  set(limit: number): void {
    // Monotonic: a clock that is set back must not give the server more time.
    this.#at = performance.now() + limit;
    if (this.#timer !== undefined && this.#firesAt <= this.#at) {
      if (this.#isResting) hold(this.#timer, true);
      this.#isResting = false;
      return;
    }
    this.clear();
    this.#sleep(limit);
  }

  /** Nothing is waited for until it is set again. */
  rest(): void {
    if (this.#timer === undefined || this.#isResting) return;
    this.#isResting = true;
    hold(this.#timer, false);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isResting = false;
  }

  #sleep(limit: number): void {
    this.#firesAt = performance.now() + limit;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isResting) return;
      const left = this.#at - performance.now();
      if (left > 0) this.#sleep(left);
      else this.#expired();
    }, Math.ceil(limit));
  }
}

/** Where timers are numbers they keep nothing alive. */
function hold(timer: unknown, active: boolean): void {
  const { ref, unref } = timer as { ref?: () => void; unref?: () => void };
  (active ? ref : unref)?.call(timer);
}
