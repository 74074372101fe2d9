// What the user may say, and what it comes to: options and smtp:// URLs in, settings out. Everything is checked
// here, before anything is connected, and an option that does not exist is an error.

import type { ConnectionSettings } from "./connection.ts";
import { DEFAULT_TIMEOUTS, type Timeouts } from "./deadline.ts";
import { digestsOf, nonce } from "./digests.ts";
import type { Keys } from "./input.ts";
import type { Logger } from "./logger.ts";
import { type AuthOptions, readAuth, refuseInsecure, refuseUnknown } from "./options/auth.ts";
import {
  defined,
  optional,
  read,
  readChoice,
  readEhloName,
  readHost,
  readMilliseconds,
} from "./options/checks.ts";
import { type ExtensionOptions, readWithheld } from "./options/extensions.ts";
import { readLimits } from "./options/pool.ts";
import { readRateLimit } from "./options/rate-limit.ts";
import { readRetry } from "./options/retry.ts";
import { type Protocol, readRoute, type Security, usualPort } from "./options/route.ts";
import { readTls } from "./options/tls.ts";
import { type Listeners, readListeners } from "./options/trace.ts";
import { readUrl } from "./options/url.ts";
import type { PoolLimits } from "./pool.ts";
import type { Limit, Rate, RateLimiter } from "./rate-limit.ts";
import type { RetryOptions, RetryPolicy } from "./retry.ts";
import type { Runtime } from "./runtime.ts";
import { type DkimSigner, readSigners } from "./signer.ts";
import type { TraceEvent } from "./trace.ts";
import { TlsSessions } from "./transport/sessions.ts";
import type { Connect, Lookup, TlsOptions } from "./transport/wire.ts";

/** Holds the options of an `SmtpClient`. */
export interface SmtpClientOptions {
  /** `smtp://user:pass@host:port` or `smtps://…`; the other options stand above what it says. */
  readonly url?: string | URL;
  /** The server's name or IP address. */
  readonly host?: string;
  /** @default 465 with security "tls", else 587; 24 for LMTP */
  readonly port?: number;
  /** @default "tls" on port 465; "opportunistic" where the host is a loopback address; else "starttls" */
  readonly security?: Security;
  readonly tls?: TlsOptions;
  /** The name in the server's certificate. @default host */
  readonly servername?: string;
  /** What EHLO calls us: a domain name or an address literal. @default the address of our end of the connection */
  readonly name?: string;
  /** `lmtp` for a delivery agent, which replies for each recipient (RFC 2033). @default "smtp" */
  readonly protocol?: Protocol;
  /** A Unix socket to connect to, instead of `port`; `host` is then but the server's name. @default none */
  readonly path?: string;
  /** The way to the server: `http://user:pass@host:port` (CONNECT), `https://…` or `socks5://…`; `tls` is for https. */
  readonly proxy?: string | URL | { readonly url: string | URL; readonly tls?: TlsOptions };
  /** The local IP address to connect from. */
  readonly localAddress?: string;
  /** Connects to IPv4 or to IPv6 addresses alone. @default both are tried */
  readonly family?: 4 | 6;
  /** Credentials. None are sent where this is not given. */
  readonly auth?: AuthOptions;
  /** Milliseconds for one `send`, from the call to the receipt. @default none: the limits of `timeouts` add up */
  readonly timeout?: number;
  readonly timeouts?: Partial<Timeouts>;
  /** At the same time, to 1000; fewer for a while where the server says that it has too much. @default 5 */
  readonly maxConnections?: number;
  /** Connections that are kept, used or not, from the first one on. @default 0 */
  readonly minConnections?: number;
  /** Then a connection is replaced; sooner where the server says so in LIMITS (RFC 9422). @default 100 */
  readonly maxMessagesPerConnection?: number;
  /** Milliseconds, a tenth more or less, until a connection is replaced. @default 600000 */
  readonly maxConnectionAge?: number;
  /** Milliseconds after which an unused connection is closed. @default 30000 */
  readonly idleTimeout?: number;
  /** Lets no more messages begin in any `per` milliseconds; or says when each may, such as for several machines. */
  readonly rateLimit?: Rate | RateLimiter;
  /** What is begun again where it was not sent. @default once, where a reused connection turns out to be dead */
  readonly retry?: false | RetryOptions;
  /** Where some recipients are refused: the others get the message, or nobody does. @default "deliver" */
  readonly onPartial?: "deliver" | "abort";
  /** Signs every message (RFC 6376); with several, each adds a signature. None is ever sent unsigned instead. */
  readonly dkim?: DkimSigner | readonly DkimSigner[];
  /** Extensions not to use although the server offers them, by `false`. */
  readonly extensions?: ExtensionOptions;
  /** Is told what happens on each connection; what it throws is ignored. */
  readonly trace?: (event: TraceEvent) => void;
  /** Is told the same by level, and what became of each message: `console`, or another with methods of these names. */
  readonly logger?: Logger;
  /** Replaces `dns.lookup`. */
  readonly lookup?: Lookup;
  /** Replaces the way a connection is made. */
  readonly connect?: Connect;
}

export type { AuthOptions } from "./options/auth.ts";
export { DEFAULT_LIMITS } from "./options/pool.ts";
export type { Protocol, Security } from "./options/route.ts";

export interface ResolvedOptions {
  readonly settings: Omit<ConnectionSettings, "trace">;
  readonly listeners: Listeners;
  readonly limits: PoolLimits;
  readonly rateLimit: Limit | undefined;
  readonly retry: RetryPolicy;
  readonly timeout: number | undefined;
  readonly signers: readonly DkimSigner[];
  /** Loads what the first connection is going to need. */
  readonly prepare: (() => Promise<unknown>) | undefined;
}

const OPTIONS: Keys<keyof SmtpClientOptions> = {
  url: undefined,
  host: undefined,
  port: undefined,
  security: undefined,
  tls: undefined,
  servername: undefined,
  name: undefined,
  protocol: undefined,
  path: undefined,
  proxy: undefined,
  localAddress: undefined,
  family: undefined,
  auth: undefined,
  timeout: undefined,
  timeouts: undefined,
  maxConnections: undefined,
  minConnections: undefined,
  maxMessagesPerConnection: undefined,
  maxConnectionAge: undefined,
  idleTimeout: undefined,
  rateLimit: undefined,
  retry: undefined,
  onPartial: undefined,
  dkim: undefined,
  extensions: undefined,
  trace: undefined,
  logger: undefined,
  lookup: undefined,
  connect: undefined,
};

const SECURITIES: readonly Security[] = ["tls", "starttls", "opportunistic", "none"];
const ON_PARTIAL = ["deliver", "abort"] as const;

/** Checks what the user said and fills in the rest. Throws a ConfigError that names the option. */
export function resolveOptions(given: string | URL | SmtpClientOptions, runtime: Runtime): ResolvedOptions {
  const isUrl = typeof given === "string" || given instanceof URL;
  const options = isUrl ? { url: given } : read(given, OPTIONS, "");
  const fromUrl: Partial<Record<keyof SmtpClientOptions, unknown>> =
    optional(options.url, "url", readUrl) ?? {};
  const said: typeof fromUrl = defined({ ...fromUrl, ...defined(options) });

  const { connect, target, port, protocol, isLocal, implied } = readRoute(said, runtime.connect);
  const security =
    optional(said.security, "security", (value, option) => readChoice(value, option, SECURITIES)) ?? implied;
  const auth = optional(said.auth, "auth", readAuth);
  const tls = optional(said.tls, "tls", readTls) ?? defined<TlsOptions>({});
  const serverPort = port ?? usualPort(protocol, security);
  const timeouts = { ...DEFAULT_TIMEOUTS, ...optional(said.timeouts, "timeouts", readTimeouts) };
  runtime.refuse?.({ ...said, host: target.host, port: serverPort, tls, auth });
  const insecureAllowed = auth?.allowInsecure ?? isLocal;
  if (auth !== undefined && !insecureAllowed) refuseInsecure(security, tls);
  // Over a Unix socket it knows who we are, and over a way of the caller's own it may.
  if (auth !== undefined && (said.path ?? said.connect) === undefined) refuseUnknown(auth, tls);

  return {
    settings: {
      connect,
      target: {
        ...target,
        port: serverPort,
        implicitTls: security === "tls",
        // RFC 6066 §3: the name in SNI has no dot at its end.
        servername: (optional(said.servername, "servername", readHost) ?? target.host).replace(/\.$/, ""),
        // RFC 7435: TLS that may be left out altogether is no worse with a certificate that nobody vouches for.
        tls: defined({ rejectUnauthorized: security !== "opportunistic", ...tls }),
        sessions: new TlsSessions(),
        handshakeTimeout: timeouts.tls,
      },
      opening: {
        protocol,
        security,
        login: auth && {
          ...auth,
          host: target.host,
          port: serverPort,
          digests: digestsOf(runtime),
          nonce,
        },
        withheld: optional(said.extensions, "extensions", readWithheld) ?? new Set(),
      },
      tokenSource: auth?.tokenSource,
      name: optional(said.name, "name", readEhloName),
      insecureAllowed,
      onPartial:
        optional(said.onPartial, "onPartial", (value, option) => readChoice(value, option, ON_PARTIAL)) ??
        "deliver",
      timeouts,
    },
    listeners: readListeners(said, runtime.diagnostics),
    limits: readLimits(said),
    rateLimit: optional(said.rateLimit, "rateLimit", readRateLimit),
    retry: readRetry(said.retry, "retry"),
    timeout: optional(said.timeout, "timeout", readMilliseconds),
    prepare: said.connect === undefined ? runtime.prepare : undefined,
    signers: readSigners(said.dkim, "dkim"),
  };
}

const TIMEOUTS: Keys<keyof Timeouts> = {
  token: undefined,
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
