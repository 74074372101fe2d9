// The access token of a client: asked for once for all who wait, kept until it is about to expire, renewed once where the
// server refuses it.

import type { TokenSource } from "../auth/token-source.ts";
import type { ConnectionSettings } from "../settings.ts";

export class Tokens {
  readonly #source: TokenSource;
  readonly #user: string;
  /** Milliseconds that the source may take. */
  readonly #timeout: number;

  constructor(source: TokenSource, { user, timeout }: { readonly user: string; readonly timeout: number }) {
    this.#source = source;
    this.#user = user;
    this.#timeout = timeout;
  }

  get(signal?: AbortSignal): Promise<string> {
    throw new Error(`${String(signal)} ${this.#source.name} ${this.#user} ${this.#timeout}`);
  }

  /** Another in the place of one that the server refused; `undefined` where that was another already. */
  renew(refused: string, signal?: AbortSignal): Promise<string | undefined> {
    throw new Error(refused + String(signal));
  }

  /** The server took the token; passes `value` on. */
  proved<T>(value: T): T {
    return value;
  }
}

/** The tokens that logins need, where they need any. */
export function tokensOf({ tokenSource, opening, timeouts }: ConnectionSettings): Tokens | undefined {
  const user = opening.login?.credentials.user;
  if (tokenSource === undefined || user === undefined) return undefined;
  return new Tokens(tokenSource, { user, timeout: timeouts.token });
}
