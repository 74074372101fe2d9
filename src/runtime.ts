// What a door brings along: all that is not the same in every runtime.

import type { Diagnostics } from "./trace.ts";
import type { Connect, Lookup } from "./transport/wire.ts";

export interface Runtime {
  readonly connect: Connect;
  readonly diagnostics?: Diagnostics | undefined;
  /** HMAC with MD5 (RFC 2104), which WebCrypto has not. */
  readonly hmacMd5?: ((key: Uint8Array, octets: Uint8Array) => Promise<Uint8Array>) | undefined;
  /** A lookup of addresses that gives up after so many milliseconds. */
  readonly lookupWithin?: ((limit: number) => Lookup) | undefined;
}
