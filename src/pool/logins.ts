// How logins fared. One that was refused is not tried again at once: servers lock accounts that fail too often. A token
// that was refused is renewed, once.

import { AuthenticationError, isTransient, ProtocolError, TokenError } from "../errors.ts";
import { Backoff } from "./backoff.ts";
import { copyOf, type LoginError } from "./login-error.ts";
import type { Tokens } from "./tokens.ts";

export class Logins {
  readonly #tokens: Tokens | undefined;
  readonly #backoff = new Backoff();
  #error: LoginError | undefined;
  /** One has failed since the last that was accepted. */
  #hasFailed = false;

  /** `tokens` where logins need them. */
  constructor(tokens: Tokens | undefined) {
    this.#tokens = tokens;
  }

  /** What whoever comes now is told, for a while after a refusal. */
  get refusal(): LoginError | undefined {
    if (this.#error === undefined || performance.now() >= this.#backoff.until) return undefined;
    return copyOf(this.#error);
  }

  /** Opens a connection by `open`, which is given the token to sign in with, where it takes one. */
  async open<T>(open: (accessToken?: string) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const tokens = this.#tokens;
    if (tokens === undefined) return open();
    const token = await tokens.get(signal);
    try {
      return tokens.proved(await open(token));
    } catch (error) {
      if (!(error instanceof AuthenticationError && isForGood(error))) throw error;
      const renewed = await tokens.renew(token, signal);
      if (renewed === undefined) throw error;
      return tokens.proved(await open(renewed));
    }
  }

  /** When somebody may sign in again beside connections that work, by the monotonic clock. */
  get resumesAt(): number {
    return this.#backoff.until;
  }

  refused(error: LoginError): void {
    // Where there was no login, or not now, the server does not count.
    if (error instanceof AuthenticationError && !isForGood(error)) return;
    // What may be otherwise the next time is tried once more at once, and not for each of thousands of messages.
    if (isForGood(error) || this.#hasFailed) this.#error = error;
    this.#hasFailed = true;
    this.#backoff.begin();
  }

  accepted(): void {
    this.#error = undefined;
    this.#hasFailed = false;
    this.#backoff.ease();
  }
}

/** Whether the same login would be refused again. */
function isForGood(error: unknown): boolean {
  if (error instanceof AuthenticationError)
    return error.code === "authentication_refused" && !isTransient(error.reply);
  if (error instanceof ProtocolError) return error.code === "server_unproven";
  return error instanceof TokenError && error.reason === "reauthorise";
}
