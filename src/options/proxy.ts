// The option `proxy`: a URL, or an object with the URL and what TLS with the proxy is to be like.

import { ConfigError } from "../errors.ts";
import { describe, type Keys } from "../input.ts";
import type { ProxyServer } from "../transport/proxy.ts";
import { CONTROLS, optional, read, readHost, readInteger, readSecret } from "./checks.ts";
import { readTls } from "./tls.ts";

const PROXY: Keys<"url" | "tls"> = { url: undefined, tls: undefined };

/** The schemes, with the port where a URL has none: those of HTTP, and the one of RFC 1928 §3. */
const SCHEMES: Readonly<Record<string, readonly [kind: ProxyServer["kind"], port: number]>> = {
  "http:": ["http", 80],
  "https:": ["http", 443],
  "socks5:": ["socks5", 1080],
  // What others call SOCKS 5 with names resolved by the proxy: so are they always here.
  "socks5h:": ["socks5", 1080],
};

export function readProxy(value: unknown, option: string): ProxyServer {
  const isUrl = typeof value === "string" || value instanceof URL;
  const said = isUrl ? { ...PROXY, url: value } : read(value, PROXY, option);
  const place = isUrl ? option : `${option}.url`;
  const url = parse(said.url, place);
  const scheme = Object.hasOwn(SCHEMES, url.protocol) ? SCHEMES[url.protocol] : undefined;
  if (scheme === undefined) {
    // Not quoted, as nothing of this URL is: a password may stand anywhere in one that is wrong.
    throw new ConfigError(place, `has another scheme than ${Object.keys(SCHEMES).join("//, ")}//`);
  }
  if ((url.pathname !== "" && url.pathname !== "/") || url.search !== "" || url.hash !== "") {
    throw new ConfigError(place, "has a path, a query or a fragment, which mean nothing here", {
      hint: "a character such as /, ? or # in a password is percent-encoded: encodeURIComponent does it",
    });
  }
  const [kind, port] = scheme;
  const isTls = url.protocol === "https:";
  const tls = optional(said.tls, `${option}.tls`, readTls);
  if (tls !== undefined && !isTls) {
    throw new ConfigError(`${option}.tls`, "means nothing for a proxy that is not https://");
  }
  return {
    kind,
    host: readHost(decoded(url.hostname, place).replace(/^\[(.*)\]$/, "$1"), place),
    port: url.port === "" ? port : readInteger(Number(url.port), place, 1, 65_535),
    tls: isTls ? (tls ?? {}) : undefined,
    credentials: readCredentials(url, kind, place),
  };
}

function parse(given: unknown, option: string): URL {
  const isUrl = typeof given === "string" || given instanceof URL;
  if (!isUrl) throw new ConfigError(option, `is ${describe(given)}, not a URL`);
  const text = String(given);
  // The parser drops tabs and line ends in silence.
  if (CONTROLS.test(text)) throw new ConfigError(option, "holds a control character");
  if (URL.canParse(text)) return new URL(text);
  throw new ConfigError(option, "is no URL", { hint: "write http://proxy.example:3128 or socks5://…" });
}

function readCredentials(url: URL, kind: ProxyServer["kind"], option: string): ProxyServer["credentials"] {
  if (url.username === "" && url.password === "") return undefined;
  if (url.username === "" || url.password === "") {
    throw new ConfigError(option, "has a user without a password, or a password without a user");
  }
  const user = readSecret(decoded(url.username, option), option);
  const pass = readSecret(decoded(url.password, option), option);
  // RFC 7617 §2: the first colon ends the user.
  if (kind === "http" && user.includes(":")) throw new ConfigError(option, "has a user with a colon in it");
  // RFC 1929 §2.
  if (kind === "socks5" && [user, pass].some((text) => new TextEncoder().encode(text).length > 255)) {
    throw new ConfigError(option, "has a user or a password of more than 255 octets, which SOCKS cannot say");
  }
  return { user, pass };
}

function decoded(text: string, option: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError(option, "is not percent-encoded UTF-8");
  }
}
