// Which extensions are not to be used although the server offers them.

import type { Keys } from "../input.ts";
import { defined, read, readFlag } from "./checks.ts";

/**
 * Switches extensions off, by `false`: what a message would use where it is offered is not used then, and a message that
 * needs one is refused. Enhanced status codes (RFC 2034) have no switch: they are read where they come, and nothing is
 * asked for them.
 */
export interface ExtensionOptions {
  readonly pipelining?: boolean;
  readonly chunking?: boolean;
  readonly size?: boolean;
  readonly smtputf8?: boolean;
  readonly eightBitMime?: boolean;
  readonly binaryMime?: boolean;
  readonly dsn?: boolean;
  readonly requireTls?: boolean;
  readonly mtPriority?: boolean;
  readonly deliverBy?: boolean;
  readonly futureRelease?: boolean;
  readonly limits?: boolean;
}

const KEYWORDS: Readonly<Record<keyof ExtensionOptions, string>> = {
  pipelining: "PIPELINING",
  chunking: "CHUNKING",
  size: "SIZE",
  smtputf8: "SMTPUTF8",
  eightBitMime: "8BITMIME",
  binaryMime: "BINARYMIME",
  dsn: "DSN",
  requireTls: "REQUIRETLS",
  mtPriority: "MT-PRIORITY",
  deliverBy: "DELIVERBY",
  futureRelease: "FUTURERELEASE",
  limits: "LIMITS",
};

const NAMES = /* @__PURE__ */ Object.keys(KEYWORDS) as readonly (keyof ExtensionOptions)[];
const EXTENSIONS = /* @__PURE__ */ Object.fromEntries(
  /* @__PURE__ */ NAMES.map((name) => [name, undefined]),
) as Keys<keyof ExtensionOptions>;

/** The EHLO keywords of those that are switched off. */
export function readWithheld(value: unknown, option: string): ReadonlySet<string> {
  const given = defined(read(value, EXTENSIONS, option));
  return new Set(
    NAMES.filter((name) => given[name] !== undefined && !readFlag(given[name], `${option}.${name}`)).map(
      (name) => KEYWORDS[name],
    ),
  );
}
