// What the user may say, and what it comes to: options and smtp:// URLs in, settings out. Everything is checked
// here, before anything is connected, and no option is ignored.

import { MECHANISM_NAMES, type MechanismName, usableMechanisms } from "./auth/mechanism.ts";
import type { ConnectionSettings, TraceEvent } from "./connection.ts";
import { DEFAULT_TIMEOUTS, type Timeouts } from "./deadline.ts";
import { ConfigError } from "./errors.ts";
import type { PoolLimits } from "./pool.ts";
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
  /** Lets the credentials travel over a connection that is not verified TLS. @default false */
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
  /** Extensions not to use although the server offers them, by `false`. */
  readonly extensions?: {
    readonly pipelining?: boolean;
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
}

/** Checks what the user said and fills in the rest. Throws a ConfigError that names the option. */
export function resolveOptions(
  given: string | URL | SmtpClientOptions,
  runtimeConnect: Connect,
): ResolvedOptions {
  const options =
    typeof given === "string" || given instanceof URL ? { url: given } : own(given, "options", OPTIONS);
  const said = { ...(options.url === undefined ? {} : readUrl(options.url)), ...options };

  const host = readHost(said.host, "host");
  const isLoopback = LOOPBACK.test(host);
  const security =
    said.security === undefined
      ? said.port === 465
        ? "tls"
        : isLoopback
          ? "opportunistic"
          : "starttls"
      : oneOf(said.security, "security", ["tls", "starttls", "opportunistic", "none"]);
  const port =
    said.port === undefined ? (security === "tls" ? 465 : 587) : integer(said.port, "port", 1, 65_535);
  const auth = said.auth === undefined ? undefined : readAuth(said.auth);
  const tls = said.tls === undefined ? {} : own(said.tls, "tls", TLS_OPTIONS);
  const insecureAllowed = isLoopback || auth?.allowInsecure === true;
  if (auth !== undefined && !insecureAllowed && (security === "none" || tls.rejectUnauthorized === false)) {
    throw new ConfigError(
      security === "none" ? "security" : "tls.rejectUnauthorized",
      "with this the credentials would travel over a connection that anyone may read",
      {
        hint: "give the server's authority in tls.ca; only if the network is yours, set auth.allowInsecure: true",
      },
    );
  }

  const timeouts = own(said.timeouts ?? {}, "timeouts", Object.keys(DEFAULT_TIMEOUTS) as (keyof Timeouts)[]);
  const extensions = own(said.extensions ?? {}, "extensions", ["pipelining", "size", "smtputf8"]);
  return {
    settings: {
      connect: said.connect === undefined ? runtimeConnect : func(said.connect, "connect"),
      target: {
        host,
        port,
        implicitTls: security === "tls",
        servername: said.servername === undefined ? host : readHost(said.servername, "servername"),
        // RFC 7435: TLS that may be left out altogether is no worse with a certificate that nobody vouches for.
        tls: security === "opportunistic" ? { rejectUnauthorized: false, ...tls } : tls,
        localAddress: said.localAddress === undefined ? undefined : text(said.localAddress, "localAddress"),
        lookup: said.lookup === undefined ? undefined : func(said.lookup, "lookup"),
      },
      opening: {
        security,
        credentials: auth?.credentials,
        mechanism: auth?.mechanism,
        withheld: new Set(
          Object.entries(extensions)
            .filter(([name, isUsed]) => !flag(isUsed, `extensions.${name}`))
            .map(([name]) => name.toUpperCase()),
        ),
      },
      name: said.name === undefined ? undefined : readName(said.name),
      insecureAllowed,
      timeouts: {
        ...DEFAULT_TIMEOUTS,
        ...Object.fromEntries(
          Object.entries(timeouts).map(([name, limit]) => [name, milliseconds(limit, `timeouts.${name}`)]),
        ),
      },
      trace: said.trace === undefined ? undefined : func(said.trace, "trace"),
    },
    limits: {
      maxConnections:
        said.maxConnections === undefined
          ? DEFAULT_LIMITS.maxConnections
          : integer(said.maxConnections, "maxConnections", 1, 1_000),
      idleTimeout:
        said.idleTimeout === undefined
          ? DEFAULT_LIMITS.idleTimeout
          : milliseconds(said.idleTimeout, "idleTimeout"),
    },
    timeout: said.timeout === undefined ? undefined : milliseconds(said.timeout, "timeout"),
  };
}

const OPTIONS: readonly (keyof SmtpClientOptions)[] = [
  "url",
  "host",
  "port",
  "security",
  "tls",
  "servername",
  "name",
  "localAddress",
  "auth",
  "timeout",
  "timeouts",
  "maxConnections",
  "idleTimeout",
  "extensions",
  "trace",
  "lookup",
  "connect",
];

const TLS_OPTIONS: readonly (keyof TlsOptions)[] = [
  "ca",
  "cert",
  "key",
  "passphrase",
  "pfx",
  "crl",
  "minVersion",
  "maxVersion",
  "ciphers",
  "sigalgs",
  "ecdhCurve",
  "rejectUnauthorized",
  "checkServerIdentity",
];

/** `smtp://` and `smtps://`: user, password, host, port, and as parameters `security`, `name` and `mechanism`. */
function readUrl(given: string | URL): SmtpClientOptions {
  let url: URL;
  try {
    // The constructor drops tabs and line ends in silence.
    if (CONTROLS.test(String(given))) throw new TypeError("it holds a control character");
    url = new URL(given);
  } catch (cause) {
    // No cause: the message of the URL parser may quote the password.
    throw new ConfigError(
      "url",
      `this is no URL${CONTROLS.test(String(given)) ? `: ${(cause as Error).message}` : ""}`,
    );
  }
  if (url.protocol !== "smtp:" && url.protocol !== "smtps:") {
    throw new ConfigError("url", `its scheme is ${url.protocol}// where smtp:// or smtps:// is expected`);
  }
  if ((url.pathname !== "" && url.pathname !== "/") || url.hash !== "") {
    throw new ConfigError("url", "it has a path or a fragment, which mean nothing here");
  }
  const parameters = own(Object.fromEntries(url.searchParams), "url", ["security", "name", "mechanism"]);
  const security = parameters.security ?? (url.protocol === "smtps:" ? "tls" : undefined);
  const user = percentDecoded(url.username, "user");
  const pass = percentDecoded(url.password, "password");
  if (parameters.mechanism !== undefined && user === "") {
    throw new ConfigError("url", "it names a mechanism and no user");
  }
  return {
    host: percentDecoded(url.hostname, "host").replace(/^\[(.*)\]$/, "$1"),
    ...(url.port !== "" && { port: Number(url.port) }),
    ...(security !== undefined && { security: security as Security }),
    ...(parameters.name !== undefined && { name: parameters.name }),
    ...((user !== "" || pass !== "") && {
      auth: {
        user,
        pass,
        ...(parameters.mechanism !== undefined && { mechanism: parameters.mechanism as MechanismName }),
      },
    }),
  };
}

function percentDecoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError("url", `the ${what} in it is not percent-encoded UTF-8`);
  }
}

interface ResolvedAuth {
  readonly credentials: { readonly user: string; readonly pass?: string; readonly accessToken?: string };
  readonly mechanism: MechanismName | undefined;
  readonly allowInsecure: boolean;
}

function readAuth(given: AuthOptions): ResolvedAuth {
  const auth: Partial<Record<AuthKey, unknown>> = own(given, "auth", AUTH_OPTIONS);
  const user = secret(auth.user, "auth.user");
  const mechanism =
    auth.mechanism === undefined ? undefined : oneOf(auth.mechanism, "auth.mechanism", MECHANISM_NAMES);
  if ((auth.pass === undefined) === (auth.accessToken === undefined)) {
    throw new ConfigError("auth", "it needs a pass or an accessToken, one of the two");
  }
  const credentials =
    auth.pass !== undefined
      ? { user, pass: secret(auth.pass, "auth.pass") }
      : { user, accessToken: token(auth.accessToken, "auth.accessToken") };
  if (usableMechanisms(credentials, mechanism).length === 0) {
    const wanted = auth.pass === undefined ? "a pass" : "an accessToken";
    throw new ConfigError("auth.mechanism", `${mechanism} needs ${wanted}`);
  }
  return {
    credentials,
    mechanism,
    allowInsecure: auth.allowInsecure !== undefined && flag(auth.allowInsecure, "auth.allowInsecure"),
  };
}

const AUTH_OPTIONS = ["user", "pass", "accessToken", "mechanism", "allowInsecure"] as const;
type AuthKey = (typeof AUTH_OPTIONS)[number];

const CONTROLS = /[\x00-\x1f\x7f]/;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

function readHost(value: unknown, option: string): string {
  const host = text(value, option);
  // Letters, digits, hyphens, dots and underscores; or an IPv6 address with its zone. IDNs come as A-labels.
  if (
    !/^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?|[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._-]+)?)$/.test(host)
  ) {
    throw new ConfigError(
      option,
      "this is no host name and no IP address (a name that is not ASCII goes as xn--…)",
    );
  }
  return host;
}

/** RFC 5321 §4.1.1.1: a domain name or an address literal; Gmail refuses anything else (501-5.5.4). */
function readName(value: unknown): string {
  const name = text(value, "name");
  const isDomain = name.length <= 255 && name.split(".").every((label) => LABEL.test(label));
  if (!isDomain && !/^\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]$/.test(name)) {
    throw new ConfigError(
      "name",
      "EHLO takes a domain name such as mail.example.com, or an address as [192.0.2.1]",
    );
  }
  return name;
}

const LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** A copy of the own properties. An unknown one is an error: it may be a misspelt limit, or a misspelt security. */
function own<T extends object, K extends string>(given: T, option: string, known: readonly K[]): T {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new ConfigError(option, "an object is expected");
  }
  for (const key of Object.keys(given)) {
    if (!(known as readonly string[]).includes(key)) {
      const path = option === "options" ? key : `${option}.${key}`;
      throw new ConfigError(path, `there is no such option; there are ${known.join(", ")}`);
    }
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as T;
}

function text(value: unknown, option: string): string {
  if (typeof value !== "string" || value === "")
    throw new ConfigError(option, "a string that is not empty is expected");
  if (CONTROLS.test(value)) throw new ConfigError(option, "it holds a control character");
  return value;
}

function secret(value: unknown, option: string): string {
  if (typeof value !== "string") throw new ConfigError(option, "a string is expected");
  // RFC 4616 §2: NUL parts the fields of PLAIN. A line end is a slip of copy and paste.
  if (CONTROLS.test(value)) throw new ConfigError(option, "it holds a control character, perhaps a line end");
  if (!value.isWellFormed())
    throw new ConfigError(option, "it holds half a surrogate pair, which UTF-8 cannot say");
  return value;
}

function token(value: unknown, option: string): string {
  // RFC 6750 §2.1: what a bearer token is made of.
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) {
    throw new ConfigError(option, "a token of visible ASCII characters is expected");
  }
  return value;
}

function oneOf<T extends string>(value: unknown, option: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === value);
  if (choice === undefined)
    throw new ConfigError(option, `one of ${choices.map((one) => `"${one}"`).join(", ")} is expected`);
  return choice;
}

function integer(value: unknown, option: string, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw new ConfigError(option, `a whole number from ${least} to ${most} is expected`);
  }
  return value;
}

/** The longest that a timer can wait: setTimeout fires at once beyond 31 bits. */
const MAX_TIMER = 2_147_483_647;

function milliseconds(value: unknown, option: string): number {
  return integer(value, option, 1, MAX_TIMER);
}

function flag(value: unknown, option: string): boolean {
  if (typeof value !== "boolean") throw new ConfigError(option, "true or false is expected");
  return value;
}

function func<T>(value: T, option: string): T {
  if (typeof value !== "function") throw new ConfigError(option, "a function is expected");
  return value;
}
