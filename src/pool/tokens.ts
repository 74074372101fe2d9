// The access token of a client: asked for once for all who wait, kept until it is about to expire, renewed once where the
// server refuses it.

import { abortError } from "../abort.ts";
import type { TokenRequest, TokenSource } from "../auth/token-source.ts";
import { TokenError } from "../errors.ts";
import type { ConnectionSettings } from "../settings.ts";
import { Acquisition } from "./acquisition.ts";
import { copyOf } from "./login-error.ts";
import type { Token } from "./token.ts";

/** Milliseconds; an endpoint that wants more is asked all the same, for it may not have meant it. */
const MAX_RETRY_AFTER = 3_600_000;

export class Tokens {
  readonly #source: TokenSource;
  readonly #user: string;
  /** Milliseconds that the source may take. */
  readonly #timeout: number;
  #token: Token | undefined;
  #underWay: Acquisition | undefined;
  /** Why the next one is asked for. */
  #reason: TokenRequest["reason"] = "first";
  /** The last one came in the place of one that was refused, and the server has taken none since. */
  #isSuspect = false;
  /** What whoever comes before `until` is told. */
  #rest: { readonly error: TokenError; readonly until: number } | undefined;

  constructor(source: TokenSource, { user, timeout }: { readonly user: string; readonly timeout: number }) {
    this.#source = source;
    this.#user = user;
    this.#timeout = timeout;
  }

  async get(signal?: AbortSignal): Promise<string> {
    if (signal?.aborted) throw abortError(signal, "auth");
    if (this.#token?.isFresh) return this.#token.value;
    this.#underWay ??= this.#ask();
    return this.#underWay.join(signal);
  }

  /** Another in the place of one that the server refused; `undefined` where that was another already. */
  async renew(refused: string, signal?: AbortSignal): Promise<string | undefined> {
    this.#drop(refused);
    if (this.#token?.isFresh !== true && this.#underWay === undefined) {
      if (this.#isSuspect) return undefined;
      // Also where it was not kept.
      this.#reason = "rejected";
    }
    const token = await this.get(signal);
    if (token !== refused) return token;
    this.#drop(refused);
    return undefined;
  }

  /** The server took the token; passes `value` on. */
  proved<T>(value: T): T {
    this.#isSuspect = false;
    return value;
  }

  #drop(refused: string): void {
    if (this.#token?.value !== refused) return;
    this.#token = undefined;
    this.#reason = "rejected";
  }

  #ask(): Acquisition {
    const rest = (this.#rest?.until ?? 0) - performance.now();
    if (this.#rest !== undefined && rest > 0) {
      throw Object.assign(copyOf(this.#rest.error), { retryAfter: Math.ceil(rest) });
    }
    const user = this.#user;
    const reason = this.#reason;
    return new Acquisition((signal) => this.#source({ user, reason, signal }), this.#timeout, {
      got: (token) => {
        this.#underWay = undefined;
        this.#token = token;
        this.#reason = "expired";
        this.#isSuspect = reason === "rejected";
      },
      failed: (error) => {
        this.#underWay = undefined;
        if (!(error instanceof TokenError && error.retryAfter !== undefined)) return;
        this.#rest = { error, until: performance.now() + Math.min(MAX_RETRY_AFTER, error.retryAfter) };
      },
      abandoned: () => {
        this.#underWay = undefined;
      },
    });
  }
}

/** The tokens that logins need, where they need any. */
export function tokensOf({ tokenSource, opening, timeouts }: ConnectionSettings): Tokens | undefined {
  const user = opening.login?.credentials.user;
  if (tokenSource === undefined || user === undefined) return undefined;
  return new Tokens(tokenSource, { user, timeout: timeouts.token });
}
