// Connections that are kept although nobody waits for them: how many, and when one that was lost is replaced.

import { Alarm } from "../alarm.ts";
import { Backoff } from "./backoff.ts";

export class Warmth {
  readonly #least: number;
  readonly #backoff = new Backoff();
  readonly #alarm: Alarm;
  #isWelcome = false;

  constructor(least: number, wake: () => void) {
    this.#least = least;
    this.#alarm = new Alarm(wake, { holds: false });
  }

  /** None before the first that somebody waited for, nor after a login was refused: until the next that is opened. */
  get least(): number {
    return this.#isWelcome ? this.#least : 0;
  }

  /** Whether one may be opened now; where not, it wakes up when it may. */
  get mayOpen(): boolean {
    const { until } = this.#backoff;
    if (until <= performance.now()) return true;
    this.#alarm.set(until);
    return false;
  }

  opened(): void {
    this.#isWelcome = true;
  }

  /** One could not be opened, or ended while nobody used it. */
  lost(): void {
    this.#backoff.begin();
  }

  refused(): void {
    this.#isWelcome = false;
  }

  /** Messages go. */
  proved(): void {
    this.#backoff.ease();
  }

  stop(): void {
    this.#alarm.clear();
  }
}
