// Pauses that grow while things go wrong.

/** Milliseconds, before chance shortens them: long enough to be felt by a server, short enough for whoever waits. */
const FIRST_PAUSE = 500;
/** Servers count what they limit by the minute; two tries in one are no burden to any. */
const LONGEST_PAUSE = 30_000;

export class Backoff {
  #pause = 0;
  #until = 0;

  /** When the pause ends, by the monotonic clock; 0 where there was none. */
  get until(): number {
    return this.#until;
  }

  /** Begins a pause, twice as long as the last, and says so; what goes wrong during one is the same news once more. */
  begin(): boolean {
    const now = performance.now();
    if (now < this.#until) return false;
    this.#pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, this.#pause * 2));
    // By chance up to half shorter: clients that were refused together must not come back together.
    this.#until = now + this.#pause * (0.5 + Math.random() / 2);
    return true;
  }

  /** All goes well: the next pause is a first one. One that has begun is waited for all the same. */
  ease(): void {
    this.#pause = 0;
  }
}
