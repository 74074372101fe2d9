// One request for a token, for all who wait for it.

import { abortError, onAbort } from "../abort.ts";
import type { Eventually } from "../auth/mechanism.ts";
import { ConfigError, TokenError } from "../errors.ts";
import { copyOf } from "./login-error.ts";
import { readAnswer, type Token } from "./token.ts";

interface Outcome {
  readonly got: (token: Token) => void;
  readonly failed: (error: TokenError | ConfigError) => void;
  /** Nobody waits any more. */
  readonly abandoned: () => void;
}

interface Waiter {
  readonly serve: (token: string) => void;
  readonly refuse: (error: Error) => void;
  stopListening(): void;
}

export class Acquisition {
  readonly #outcome: Outcome;
  readonly #waiters: Set<Waiter> = new Set();
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  #isOver = false;

  /** Asks by `ask`, which is given up after `timeout` milliseconds, whatever it does then. */
  constructor(ask: (signal: AbortSignal) => Eventually<unknown>, timeout: number, outcome: Outcome) {
    this.#outcome = outcome;
    this.#timer = setTimeout(() => {
      this.#fail(tooLate(timeout));
      this.#controller.abort();
    }, timeout);
    // Later, when all know of it: what asks may want a token itself. Nobody may wait any more by then.
    Promise.resolve()
      .then(() => (this.#isOver ? undefined : ask(this.#controller.signal)))
      .then(readAnswer)
      .then(
        (token) => this.#succeed(token),
        (error: unknown) => this.#fail(located(error)),
      );
  }

  /** Waits for the token until `signal` is aborted, which must not have happened. */
  join(signal: AbortSignal | undefined): Promise<string> {
    return new Promise((serve, refuse) => {
      const waiter: Waiter = {
        serve,
        refuse,
        stopListening: onAbort(signal, () => {
          waiter.stopListening();
          this.#waiters.delete(waiter);
          refuse(abortError(signal, "auth"));
          if (this.#waiters.size === 0) this.#abandon();
        }),
      };
      this.#waiters.add(waiter);
    });
  }

  #succeed(token: Token): void {
    if (!this.#end()) return;
    this.#outcome.got(token);
    for (const waiter of this.#leaving()) waiter.serve(token.value);
  }

  #fail(error: TokenError | ConfigError): void {
    if (!this.#end()) return;
    this.#outcome.failed(error);
    for (const waiter of this.#leaving()) waiter.refuse(copyOf(error));
  }

  #abandon(): void {
    this.#end();
    this.#outcome.abandoned();
    this.#controller.abort();
  }

  /** What comes of it is not heard any more. Says whether it still was. */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    clearTimeout(this.#timer);
    return true;
  }

  #leaving(): readonly Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.stopListening();
    return waiters;
  }
}

function tooLate(timeout: number): TokenError {
  return new TokenError(`no access token within ${timeout} ms`, {
    reason: "temporary",
    hint: "timeouts.token sets this limit",
  });
}

/** What a source threw, as an error of the login. */
function located(error: unknown): TokenError | ConfigError {
  if (error instanceof TokenError) return error;
  if (error instanceof ConfigError) {
    const { option, message, hint, cause } = error;
    return new ConfigError(option, message.slice(option.length + 2), { phase: "auth", hint, cause });
  }
  return new TokenError("auth.oauth2 failed to get an access token", { reason: "temporary", cause: error });
}
