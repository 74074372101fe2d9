// The options of node:tls that a client may set.

import { ConfigError } from "../errors.ts";
import { describe, type Keys } from "../input.ts";
import type { TlsOptions } from "../transport/wire.ts";
import { defined, optional, read, readFlag, readFunction } from "./checks.ts";

const TLS: Keys<keyof TlsOptions> = {
  ca: undefined,
  cert: undefined,
  key: undefined,
  passphrase: undefined,
  pfx: undefined,
  crl: undefined,
  minVersion: undefined,
  maxVersion: undefined,
  ciphers: undefined,
  sigalgs: undefined,
  ecdhCurve: undefined,
  rejectUnauthorized: undefined,
  checkServerIdentity: undefined,
};

/** What is listed is handed to the runtime, which checks it; what is not could move the connection elsewhere. */
export function readTls(value: unknown, option: string): TlsOptions {
  const tls = defined(read(value, TLS, option));
  optional(tls.rejectUnauthorized, `${option}.rejectUnauthorized`, readFlag);
  optional(tls.passphrase, `${option}.passphrase`, readPassphrase);
  optional(tls.checkServerIdentity, `${option}.checkServerIdentity`, readFunction);
  return tls as TlsOptions;
}

/** The runtime would show what is no string in its error. */
function readPassphrase(value: unknown, option: string): void {
  if (typeof value !== "string") throw new ConfigError(option, `is ${describe(value)}, not a string`);
}
