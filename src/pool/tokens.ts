// The access token of a client: asked for once for all who wait, kept until it is about to expire, renewed once where the
// server refuses it. In a Worker each invocation asks for itself, and what it gets is kept for all.

import { abortError } from "../abort.ts";
import type { TokenRequest, TokenSource } from "../auth/token-source.ts";
import { TokenError } from "../errors.ts";
import type { ConnectionSettings } from "../settings.ts";
import { Acquisition } from "./acquisition.ts";
import { copyOf } from "./login-error.ts";
import type { Token } from "./token.ts";

/** Milliseconds; an endpoint that wants more is asked all the same, for it may not have meant it. */
const MAX_RETRY_AFTER = 3_600_000;

/** What a client knows of its tokens: values, which any invocation of a Worker may have. */
interface Memory {
  token: Token | undefined;
  /** Why the next one is asked for. */
  reason: TokenRequest["reason"];
  /** The last one came in the place of one that was refused, and the server has taken none since. */
  isSuspect: boolean;
  /** What whoever comes before `until` is told. */
  rest: { readonly error: TokenError; readonly until: number } | undefined;
}

export class Tokens {
  readonly #source: TokenSource;
  readonly #user: string;
  /** Milliseconds that the source may take. */
  readonly #timeout: number;
  readonly #memory: Memory;
  #underWay: Acquisition | undefined;

  constructor(
    source: TokenSource,
    { user, timeout }: { readonly user: string; readonly timeout: number },
    memory: Memory = blank(),
  ) {
    this.#source = source;
    this.#user = user;
    this.#timeout = timeout;
    this.#memory = memory;
  }

  async get(signal?: AbortSignal): Promise<string> {
    if (signal?.aborted) throw abortError(signal, "auth");
    if (this.#memory.token?.isFresh) return this.#memory.token.value;
    this.#underWay ??= this.#ask();
    return this.#underWay.join(signal);
  }

  /** Another in the place of one that the server refused; `undefined` where that was another already. */
  async renew(refused: string, signal?: AbortSignal): Promise<string | undefined> {
    this.#drop(refused);
    if (this.#memory.token?.isFresh !== true && this.#underWay === undefined) {
      if (this.#memory.isSuspect) return undefined;
      // Also where it was not kept.
      this.#memory.reason = "rejected";
    }
    const token = await this.get(signal);
    if (token !== refused) return token;
    this.#drop(refused);
    return undefined;
  }

  /** The server took the token; passes `value` on. */
  proved<T>(value: T): T {
    this.#memory.isSuspect = false;
    return value;
  }

  #drop(refused: string): void {
    if (this.#memory.token?.value !== refused) return;
    this.#memory.token = undefined;
    this.#memory.reason = "rejected";
  }

  #ask(): Acquisition {
    const memory = this.#memory;
    const rest = (memory.rest?.until ?? 0) - performance.now();
    if (memory.rest !== undefined && rest > 0) {
      throw Object.assign(copyOf(memory.rest.error), { retryAfter: Math.ceil(rest) });
    }
    const user = this.#user;
    const { reason } = memory;
    return new Acquisition((signal) => this.#source({ user, reason, signal }), this.#timeout, {
      got: (token) => {
        this.#underWay = undefined;
        memory.token = token;
        memory.reason = "expired";
        memory.isSuspect = reason === "rejected";
      },
      failed: (error) => {
        this.#underWay = undefined;
        if (!(error instanceof TokenError && error.retryAfter !== undefined)) return;
        memory.rest = { error, until: performance.now() + Math.min(MAX_RETRY_AFTER, error.retryAfter) };
      },
      abandoned: () => {
        this.#underWay = undefined;
      },
    });
  }
}

function blank(): Memory {
  return { token: undefined, reason: "first", isSuspect: false, rest: undefined };
}

/** By the login of a client, which is one object to all its pools. */
const memories: WeakMap<object, Memory> = /* @__PURE__ */ new WeakMap();

/** The tokens that logins need, where they need any. */
export function tokensOf({ tokenSource, opening, timeouts }: ConnectionSettings): Tokens | undefined {
  const { login } = opening;
  if (tokenSource === undefined || login === undefined) return undefined;
  const memory = memories.get(login) ?? blank();
  memories.set(login, memory);
  return new Tokens(tokenSource, { user: login.credentials.user, timeout: timeouts.token }, memory);
}
