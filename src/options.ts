// What the user may say, and what it comes to: options and smtp:// URLs in, settings out. Everything is checked
// here, before anything is connected, and an option that does not exist is an error.

import { type Credentials, MECHANISM_NAMES, type MechanismName, usableMechanisms } from "./auth/mechanism.ts";
import type { ConnectionSettings, TraceEvent } from "./connection.ts";
import { DEFAULT_TIMEOUTS, type Timeouts } from "./deadline.ts";
import { ConfigError } from "./errors.ts";
import type { Keys } from "./input.ts";
import {
  defined,
  optional,
  read,
  readChoice,
  readEhloName,
  readFlag,
  readFunction,
  readHost,
  readInteger,
  readIpAddress,
  readMilliseconds,
  readSecret,
  readToken,
} from "./options/checks.ts";
import { readTls } from "./options/tls.ts";
import { readUrl } from "./options/url.ts";
import type { PoolLimits } from "./pool.ts";
import { type DkimSigner, readSigners } from "./signer.ts";
import type { Connect, Lookup, TlsOptions } from "./transport/wire.ts";

/**
 * Says how a connection is protected: `tls` from the first octet (RFC 8314), `starttls` or nothing is sent
 * (RFC 3207), `opportunistic`: STARTTLS where it is offered, with any certificate, or `none`.
 */
export type Security = "tls" | "starttls" | "opportunistic" | "none";

/** Holds what the server is to know us by. */
export type AuthOptions = {
  readonly user: string;
  /** The mechanism to use; otherwise the best that is offered. */
  readonly mechanism?: MechanismName;
  /** Lets the credentials travel over a connection that is not verified TLS. @default true on a loopback host */
  readonly allowInsecure?: boolean;
} & ({ readonly pass: string } | { readonly accessToken: string });

/** Holds the options of an `SmtpClient`. */
export interface SmtpClientOptions {
  /** `smtp://user:pass@host:port` or `smtps://…`; the other options stand above what it says. */
  readonly url?: string | URL;
  /** The server's name or IP address. */
  readonly host?: string;
  /** @default 465 with security "tls", else 587 */
  readonly port?: number;
  /** @default "tls" on port 465; "opportunistic" where the host is a loopback address; else "starttls" */
  readonly security?: Security;
  readonly tls?: TlsOptions;
  /** The name in the server's certificate. @default host */
  readonly servername?: string;
  /** What EHLO calls us: a domain name or an address literal. @default the address of our end of the connection */
  readonly name?: string;
  /** The local IP address to connect from. */
  readonly localAddress?: string;
  /** Credentials. None are sent where this is not given. */
  readonly auth?: AuthOptions;
  /** Milliseconds for one `send`, from the call to the receipt. @default none: the limits of `timeouts` add up */
  readonly timeout?: number;
  readonly timeouts?: Partial<Timeouts>;
  /** @default 5 */
  readonly maxConnections?: number;
  /** Milliseconds after which an unused connection is closed. @default 30000 */
  readonly idleTimeout?: number;
  /** Signs every message (RFC 6376); with several, each adds a signature. None is ever sent unsigned instead. */
  readonly dkim?: DkimSigner | readonly DkimSigner[];
  /** Extensions not to use although the server offers them, by `false`. */
  readonly extensions?: {
    readonly pipelining?: boolean;
    readonly chunking?: boolean;
    readonly size?: boolean;
    readonly smtputf8?: boolean;
  };
  /** Is told what happens on each connection. */
  readonly trace?: (event: TraceEvent) => void;
  /** Replaces `dns.lookup`. */
  readonly lookup?: Lookup;
  /** Replaces the way a connection is made. */
  readonly connect?: Connect;
}

/** The limits of the pool where the user sets none. */
export const DEFAULT_LIMITS: PoolLimits = { maxConnections: 5, idleTimeout: 30_000 };

export interface ResolvedOptions {
  readonly settings: ConnectionSettings;
  readonly limits: PoolLimits;
  readonly timeout: number | undefined;
  readonly signers: readonly DkimSigner[];
}

const OPTIONS: Keys<keyof SmtpClientOptions> = {
  url: undefined,
  host: undefined,
  port: undefined,
  security: undefined,
  tls: undefined,
  servername: undefined,
  name: undefined,
  localAddress: undefined,
  auth: undefined,
  timeout: undefined,
  timeouts: undefined,
  maxConnections: undefined,
  idleTimeout: undefined,
  dkim: undefined,
  extensions: undefined,
  trace: undefined,
  lookup: undefined,
  connect: undefined,
};

const SECURITIES: readonly Security[] = ["tls", "starttls", "opportunistic", "none"];
const LOOPBACK = /^(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|::1)$/i;
const SUBMISSIONS_PORT = 465;
const SUBMISSION_PORT = 587;

/** Checks what the user said and fills in the rest. Throws a ConfigError that names the option. */
export function resolveOptions(
  given: string | URL | SmtpClientOptions,
  runtimeConnect: Connect,
): ResolvedOptions {
  const isUrl = typeof given === "string" || given instanceof URL;
  const options = isUrl ? { url: given } : read(given, OPTIONS, "");
  const fromUrl: Partial<Record<keyof SmtpClientOptions, unknown>> =
    optional(options.url, "url", readUrl) ?? {};
  const said: typeof fromUrl = defined({ ...fromUrl, ...defined(options) });

  const host = readHost(said.host, "host");
  const isLoopback = LOOPBACK.test(host);
  const port = optional(said.port, "port", (value, option) => readInteger(value, option, 1, 65_535));
  const security =
    optional(said.security, "security", (value, option) => readChoice(value, option, SECURITIES)) ??
    (port === SUBMISSIONS_PORT ? "tls" : isLoopback ? "opportunistic" : "starttls");
  const auth = optional(said.auth, "auth", readAuth);
  const tls = optional(said.tls, "tls", readTls) ?? defined<TlsOptions>({});
  const insecureAllowed = auth?.allowInsecure ?? isLoopback;
  if (auth !== undefined && !insecureAllowed) refuseInsecure(security, tls);

  return {
    settings: {
      connect: optional(said.connect, "connect", readFunction<Connect>) ?? runtimeConnect,
      target: {
        host,
        port: port ?? (security === "tls" ? SUBMISSIONS_PORT : SUBMISSION_PORT),
        implicitTls: security === "tls",
        // RFC 6066 §3: the name in SNI has no dot at its end.
        servername: (optional(said.servername, "servername", readHost) ?? host).replace(/\.$/, ""),
        // RFC 7435: TLS that may be left out altogether is no worse with a certificate that nobody vouches for.
        tls: defined({ rejectUnauthorized: security !== "opportunistic", ...tls }),
        localAddress: optional(said.localAddress, "localAddress", readIpAddress),
        lookup: optional(said.lookup, "lookup", readFunction<Lookup>),
      },
      opening: {
        security,
        credentials: auth?.credentials,
        mechanism: auth?.mechanism,
        withheld: optional(said.extensions, "extensions", readWithheld) ?? new Set(),
      },
      name: optional(said.name, "name", readEhloName),
      insecureAllowed,
      timeouts: { ...DEFAULT_TIMEOUTS, ...optional(said.timeouts, "timeouts", readTimeouts) },
      trace: optional(said.trace, "trace", readFunction<(event: TraceEvent) => void>),
    },
    limits: {
      maxConnections:
        optional(said.maxConnections, "maxConnections", (value, option) =>
          readInteger(value, option, 1, 1_000),
        ) ?? DEFAULT_LIMITS.maxConnections,
      idleTimeout: optional(said.idleTimeout, "idleTimeout", readMilliseconds) ?? DEFAULT_LIMITS.idleTimeout,
    },
    timeout: optional(said.timeout, "timeout", readMilliseconds),
    signers: readSigners(said.dkim, "dkim"),
  };
}

function refuseInsecure(security: Security, tls: TlsOptions): void {
  const option =
    security === "none"
      ? "security"
      : tls.rejectUnauthorized === false
        ? "tls.rejectUnauthorized"
        : undefined;
  if (option === undefined) return;
  throw new ConfigError(option, "would send the credentials over a connection that others may read", {
    hint: "give the server's authority in tls.ca; only if the network is yours, set auth.allowInsecure: true",
  });
}

interface ResolvedAuth {
  readonly credentials: Credentials;
  readonly mechanism: MechanismName | undefined;
  readonly allowInsecure: boolean | undefined;
}

const AUTH: Keys<"user" | "pass" | "accessToken" | "mechanism" | "allowInsecure"> = {
  user: undefined,
  pass: undefined,
  accessToken: undefined,
  mechanism: undefined,
  allowInsecure: undefined,
};

function readAuth(value: unknown, option: string): ResolvedAuth {
  const auth = read(value, AUTH, option);
  const user = readSecret(auth.user, "auth.user");
  const pass = optional(auth.pass, "auth.pass", readSecret);
  const accessToken = optional(auth.accessToken, "auth.accessToken", readToken);
  if ((pass === undefined) === (accessToken === undefined)) {
    throw new ConfigError(option, "needs a pass or an accessToken, one of the two");
  }
  const credentials: Credentials = {
    user,
    ...(pass !== undefined && { pass }),
    ...(accessToken !== undefined && { accessToken }),
  };
  const mechanism = optional(auth.mechanism, "auth.mechanism", (name, path) =>
    readChoice(name, path, MECHANISM_NAMES),
  );
  if (usableMechanisms(credentials, mechanism).length === 0) {
    throw new ConfigError(
      "auth.mechanism",
      `is ${mechanism}, which needs ${pass === undefined ? "a pass" : "an accessToken"}`,
    );
  }
  return {
    credentials,
    mechanism,
    allowInsecure: optional(auth.allowInsecure, "auth.allowInsecure", readFlag),
  };
}

const EXTENSIONS: Keys<keyof NonNullable<SmtpClientOptions["extensions"]>> = {
  pipelining: undefined,
  chunking: undefined,
  size: undefined,
  smtputf8: undefined,
};

function readWithheld(value: unknown, option: string): ReadonlySet<string> {
  const extensions = Object.entries(defined(read(value, EXTENSIONS, option)));
  return new Set(
    extensions
      .filter(([name, isUsed]) => !readFlag(isUsed, `extensions.${name}`))
      .map(([name]) => name.toUpperCase()),
  );
}

const TIMEOUTS: Keys<keyof Timeouts> = {
  connect: undefined,
  greeting: undefined,
  tls: undefined,
  command: undefined,
  data: undefined,
  content: undefined,
  endOfData: undefined,
  quit: undefined,
};

function readTimeouts(value: unknown, option: string): Partial<Timeouts> {
  const timeouts = Object.entries(defined(read(value, TIMEOUTS, option)));
  return Object.fromEntries(
    timeouts.map(([name, limit]) => [name, readMilliseconds(limit, `timeouts.${name}`)]),
  );
}
