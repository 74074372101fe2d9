// A login that was refused is not asked for again at once: servers lock accounts that fail too often.

import { type AuthenticationError, copyOf, isTransient } from "../errors.ts";
import { Backoff } from "./backoff.ts";

export class Logins {
  readonly #backoff = new Backoff();
  #error: AuthenticationError | undefined;

  /** What whoever comes now is told, for a while after a refusal. */
  get refusal(): AuthenticationError | undefined {
    if (this.#error === undefined || performance.now() >= this.#backoff.until) return undefined;
    return copyOf(this.#error);
  }

  refused(error: AuthenticationError): void {
    // Where there was no login, or not now, nobody counts.
    if (error.code !== "authentication_refused" || isTransient(error.reply)) return;
    this.#error = error;
    this.#backoff.begin();
  }

  accepted(): void {
    this.#error = undefined;
    this.#backoff.ease();
  }
}
