// What a door brings along: all that is not the same in every runtime.

import type { PerInvocation } from "./invocations.ts";
import type { Diagnostics } from "./trace.ts";
import type { Connect, Lookup, TlsOptions } from "./transport/wire.ts";

export interface Runtime {
  readonly connect: Connect;
  /** Loads what `connect` is going to need. */
  readonly prepare?: (() => Promise<unknown>) | undefined;
  readonly diagnostics?: Diagnostics | undefined;
  /** HMAC with MD5 (RFC 2104), which WebCrypto has not. */
  readonly hmacMd5?: ((key: Uint8Array, octets: Uint8Array) => Promise<Uint8Array>) | undefined;
  /** A lookup of addresses that gives up after so many milliseconds. */
  readonly lookupWithin?: ((limit: number) => Lookup) | undefined;
  /** Throws a ConfigError for the first option that this runtime cannot honour. */
  readonly refuse?: ((said: Said) => void) | undefined;
  /** Where connections, timers and promises are of the request that made them: whose they are. */
  readonly perInvocation?: PerInvocation | undefined;
}

/** The options that were given, those of the URL among them, and what some of them come to. */
export type Said = Readonly<Record<string, unknown>> & {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions;
  readonly auth:
    | { readonly mechanisms: readonly { readonly name: string }[]; readonly channelBinding?: unknown }
    | undefined;
};

/** Makes one for the whole process. */
export const once: PerInvocation = (make) => {
  const one = make();
  return () => one;
};
