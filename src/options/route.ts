// Which way a connection goes: over TCP, through a proxy, to a Unix socket, or as the caller's own function has it.

import { utf8Length } from "../bytes.ts";
import { ConfigError } from "../errors.ts";
import type { ProxyServer } from "../transport/proxy.ts";
import type { Connect, Lookup, Target } from "../transport/wire.ts";
import {
  optional,
  readChoice,
  readFunction,
  readHost,
  readInteger,
  readIpAddress,
  readString,
} from "./checks.ts";
import { readProxy } from "./proxy.ts";

/**
 * Says how a connection is protected: `tls` from the first octet (RFC 8314), `starttls` or nothing is sent
 * (RFC 3207), `opportunistic`: STARTTLS where it is offered, with any certificate, or `none`.
 */
export type Security = "tls" | "starttls" | "opportunistic" | "none";

export interface Route {
  readonly connect: Connect;
  readonly target: Pick<Target, "host" | "path" | "localAddress" | "lookup" | "family" | "via">;
  readonly protocol: Protocol;
  /** 0 where there is a path, `undefined` where none was said. */
  readonly port: number | undefined;
  /** Nobody can listen in who is not on this machine. */
  readonly isLocal: boolean;
  /** What the security is where none was said. */
  readonly implied: Security;
}

/** Says what is spoken: SMTP (RFC 5321), or LMTP with a delivery agent (RFC 2033). */
export type Protocol = "smtp" | "lmtp";

const SUBMISSIONS_PORT = 465;
const SUBMISSION_PORT = 587;
/** For any private mail system, as IANA has it; delivery agents have no other. */
const LMTP_PORT = 24;
const SMTP_PORT = 25;

/** The port where none was said. */
export function usualPort(protocol: Protocol, security: Security): number {
  if (protocol === "lmtp") return LMTP_PORT;
  return security === "tls" ? SUBMISSIONS_PORT : SUBMISSION_PORT;
}

const PROTOCOLS: readonly Protocol[] = ["smtp", "lmtp"];

type Given =
  | "protocol"
  | "host"
  | "port"
  | "path"
  | "proxy"
  | "localAddress"
  | "lookup"
  | "family"
  | "connect";

const LOOPBACK = /^(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|::1)$/i;
/** Octets: macOS has room for 104 and Linux for 108, with a NUL; libuv cuts off what is longer without a word. */
const MAX_PATH = 103;
const PAST_PATH: readonly Given[] = ["port", "proxy", "localAddress", "lookup", "family"];

export function readRoute(said: Partial<Record<Given, unknown>>, runtimeConnect: Connect): Route {
  const path = optional(said.path, "path", readPath);
  const beside = path === undefined ? undefined : PAST_PATH.find((name) => said[name] !== undefined);
  if (beside !== undefined) throw new ConfigError(beside, "means nothing where path leads to a Unix socket");
  const host = path !== undefined && said.host === undefined ? "localhost" : readHost(said.host, "host");
  const port = optional(said.port, "port", (value, option) => readInteger(value, option, 1, 65_535));
  const protocol =
    optional(said.protocol, "protocol", (value, option) => readChoice(value, option, PROTOCOLS)) ?? "smtp";
  if (protocol === "lmtp" && port === SMTP_PORT) {
    throw new ConfigError("port", "is 25, where LMTP must not be spoken (RFC 2033 §5)");
  }
  const proxy = optional(said.proxy, "proxy", readProxy);
  const connect = optional(said.connect, "connect", readFunction<Connect>);
  if (proxy !== undefined) {
    if (connect !== undefined)
      throw new ConfigError("proxy", "stands beside connect, which goes its own way");
    refuseUntellable(host);
  }
  const family = optional(said.family, "family", readFamily);
  const isAddress = /^(?:[\d.]+|.*:.*)$/.test(proxy?.host ?? host);
  if (family !== undefined && isAddress && (proxy?.host ?? host).includes(":") !== (family === 6)) {
    throw new ConfigError("family", `is ${family}, and the host is an address of the other`);
  }
  // Behind a proxy, localhost is the proxy's own, or whatever it takes it for.
  const isLocal = path !== undefined || (proxy === undefined && LOOPBACK.test(host));
  const unprotected = path === undefined ? "opportunistic" : "none";
  return {
    connect: proxy === undefined ? (connect ?? runtimeConnect) : through(runtimeConnect, proxy),
    target: {
      host,
      path,
      localAddress: optional(said.localAddress, "localAddress", readIpAddress),
      lookup: optional(said.lookup, "lookup", readFunction<Lookup>),
      family,
      via: proxy && `${proxy.host} on port ${proxy.port}`,
    },
    protocol,
    port: path === undefined ? port : 0,
    isLocal,
    implied: port === SUBMISSIONS_PORT ? "tls" : isLocal ? unprotected : "starttls",
  };
}

/** What is said to proxies is loaded where there is one. */
function through(connect: Connect, proxy: ProxyServer): Connect {
  return async (target) => (await import("../transport/proxy.ts")).proxied(connect, proxy)(target);
}

function readPath(value: unknown, option: string): string {
  const path = readString(value, option);
  if (!path.isWellFormed()) throw new ConfigError(option, "holds half of a surrogate pair");
  if (utf8Length(path) <= MAX_PATH) return path;
  throw new ConfigError(option, `is longer than ${MAX_PATH} octets, which no socket's address can be`);
}

function readFamily(value: unknown, option: string): 4 | 6 {
  if (value === 4 || value === 6) return value;
  throw new ConfigError(option, "is neither 4 nor 6");
}

/** A zone of ours means nothing to a proxy, nor does an address that is none, and SOCKS has an octet for the length. */
function refuseUntellable(host: string): void {
  if (host.length <= 255 && (!host.includes(":") || URL.canParse(`http://[${host}]`))) return;
  throw new ConfigError("host", "is nothing that a proxy can be told");
}
