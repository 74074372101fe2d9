// What both kinds of proxy are spoken with: octets out, octets in, one after the other.

import type { Wire } from "../wire.ts";

/** Why a proxy is of no use: said of it, as "the proxy … refuses to connect". Whoever asked makes the error of it. */
export class ProxyRefusal {
  readonly message: string;
  readonly isTransient: boolean;
  readonly hint: string | undefined;

  constructor(
    message: string,
    {
      isTransient = false,
      hint,
    }: { readonly isTransient?: boolean; readonly hint?: string | undefined } = {},
  ) {
    this.message = message;
    this.isTransient = isTransient;
    this.hint = hint;
  }
}

export class Conversation {
  readonly #wire: Wire;
  #octets: Uint8Array = new Uint8Array(0);
  #at = 0;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async say(octets: Uint8Array): Promise<void> {
    await this.#wire.write(octets);
  }

  async next(): Promise<number> {
    for (;;) {
      const octet = this.#octets[this.#at];
      if (octet !== undefined) {
        this.#at++;
        return octet;
      }
      const octets = await this.#wire.read();
      if (octets === undefined) throw new ProxyRefusal("hung up", { isTransient: true });
      this.#octets = octets;
      this.#at = 0;
    }
  }

  /** Octets that came behind what was asked for: the server's, whom the proxy has connected by then. */
  get rest(): Uint8Array | undefined {
    return this.#at < this.#octets.length ? this.#octets.subarray(this.#at) : undefined;
  }
}
