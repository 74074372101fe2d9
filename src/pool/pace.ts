// How many connections the server bears: fewer once it says that it has too much, more again while all goes well.

import { ReplyError } from "../errors.ts";
import { Backoff } from "./backoff.ts";

/** Messages taken in a row until one connection more is tried: a server that still has too much is not asked often. */
const SUCCESSES_PER_STEP = 20;

/** RFC 3463 §3.4 and §3.8: 4.3.2, the system takes no messages now; 4.7.x, a policy such as a limit of connections. */
const TOO_MUCH = /^4\.(?:3\.2$|7\.)/;
/** RFC 3463 §3.5, 4.4.x: the network, such as a connection that said nothing for too long. It asks for no less. */
const NETWORK = /^4\.4\./;

/** Whether a refusal asks for less: fewer connections, later. */
export function isTooMuch(error: unknown): boolean {
  if (!(error instanceof ReplyError)) return false;
  const { code, enhancedStatus = "" } = error.reply;
  return TOO_MUCH.test(enhancedStatus) || (code === 421 && !NETWORK.test(enhancedStatus));
}

export class Pace {
  readonly #most: number;
  readonly #backoff = new Backoff();
  #allowed: number;
  #isCut = false;
  #successes = 0;

  constructor(most: number) {
    this.#most = most;
    this.#allowed = most;
  }

  /** How many connections there may be. */
  get allowed(): number {
    return this.#allowed;
  }

  /** When the next may be opened, by the monotonic clock. */
  get resumesAt(): number {
    return this.#backoff.until;
  }

  /** The server has too much: half of what there were must do, and one at the least. */
  cut(connections: number): void {
    this.#successes = 0;
    if (!this.#backoff.begin()) return;
    this.#isCut = true;
    this.#allowed = Math.ceil(Math.min(this.#allowed, Math.max(1, connections)) / 2);
  }

  /** A message was taken. Says whether there may be a connection more for it. */
  succeeded(): boolean {
    if (!this.#isCut) return false;
    this.#backoff.ease();
    if (++this.#successes < SUCCESSES_PER_STEP) return false;
    this.#successes = 0;
    this.#allowed = Math.min(this.#most, this.#allowed + 1);
    this.#isCut = this.#allowed < this.#most;
    return true;
  }
}
