// The wire to a server behind a proxy.

import type { ChannelBinding, ChannelBindingType } from "../../channel-binding.ts";
import { ProtocolError } from "../../errors.ts";
import type { Target, Wire } from "../wire.ts";

/**
 * Is the wire to the proxy, from where the tunnel begins. Whatever TLS there is with the proxy itself protects nothing
 * beyond it: this wire is secure when the server's own TLS is in place, and not before.
 */
export class Tunnel implements Wire {
  readonly #wire: Wire;
  readonly #target: Target;
  #early: Uint8Array | undefined;
  #isSecured = false;

  constructor(wire: Wire, target: Target, early: Uint8Array | undefined) {
    this.#wire = wire;
    this.#target = target;
    this.#early = early;
  }

  get secure(): boolean {
    return this.#isSecured;
  }

  get verified(): boolean {
    return this.#isSecured && this.#wire.verified;
  }

  get localAddress(): string | undefined {
    return this.#wire.localAddress;
  }

  get tlsVersion(): string | undefined {
    return this.#isSecured ? this.#wire.tlsVersion : undefined;
  }

  get resumed(): boolean | undefined {
    return this.#isSecured && this.#wire.resumed;
  }

  async channelBinding(type?: ChannelBindingType): Promise<ChannelBinding | undefined> {
    return this.#isSecured ? this.#wire.channelBinding?.(type) : undefined;
  }

  read(): Promise<Uint8Array | undefined> {
    const early = this.#early;
    if (early === undefined) return this.#wire.read();
    this.#early = undefined;
    return Promise.resolve(early);
  }

  write(octets: Uint8Array): Promise<void> | undefined {
    return this.#wire.write(octets);
  }

  async startTls(): Promise<void> {
    if (this.#early !== undefined) {
      throw new ProtocolError("octets arrived in the clear where the TLS handshake should begin", {
        code: "starttls_injection",
        phase: "tls",
        hint: 'the server spoke before TLS: where TLS comes later, set security: "starttls"',
      });
    }
    await this.#wire.startTls(this.#target);
    this.#isSecured = true;
  }

  hold(active: boolean): void {
    this.#wire.hold(active);
  }

  close(): void {
    this.#wire.close();
  }

  destroy(reason?: Error): void {
    this.#wire.destroy(reason);
  }
}
