// smtp:// and smtps:// URLs: user, password, host and port, and as parameters `security`, `name` and `mechanism`.

import { ConfigError } from "../errors.ts";
import type { Keys } from "../input.ts";
import { CONTROLS } from "./checks.ts";

/** What a URL says, in the words of the options; checked no further than the URL itself goes. */
export interface UrlOptions {
  readonly host: string;
  readonly port?: number;
  readonly security?: unknown;
  readonly name?: unknown;
  readonly auth?: { readonly user: string; readonly pass: string; readonly mechanism?: unknown };
}

const PARAMETERS: Keys<"security" | "name" | "mechanism"> = {
  security: undefined,
  name: undefined,
  mechanism: undefined,
};

export function readUrl(given: unknown): UrlOptions {
  const url = parseUrl(given);
  if (url.protocol !== "smtp:" && url.protocol !== "smtps:") {
    // Not quoted: in "user:password@host" the scheme is the user, and more may be what it seems not to be.
    throw new ConfigError("url", "has another scheme than smtp:// or smtps://");
  }
  if ((url.pathname !== "" && url.pathname !== "/") || url.hash !== "") {
    throw new ConfigError("url", "has a path or a fragment, which mean nothing here", {
      hint: "a character such as / or # in a password is percent-encoded: encodeURIComponent does it",
    });
  }
  const { security, name, mechanism } = readParameters(url.searchParams);
  if (url.protocol === "smtps:" && security !== undefined && security !== "tls") {
    throw new ConfigError(
      "url",
      "has the scheme smtps://, which is TLS from the first octet, and another security",
    );
  }
  const user = percentDecoded(url.username, "user");
  const pass = percentDecoded(url.password, "password");
  const hasAuth = user !== "" || pass !== "";
  if (mechanism !== undefined && !hasAuth) throw new ConfigError("url", "names a mechanism and no user");
  if (hasAuth && (user === "" || pass === "")) {
    throw new ConfigError("url", "has a user without a password, or a password without a user");
  }
  return {
    // An IPv6 address stands in brackets in a URL, and nowhere else.
    host: percentDecoded(url.hostname, "host").replace(/^\[(.*)\]$/, "$1"),
    ...(url.port !== "" && { port: Number(url.port) }),
    ...(url.protocol === "smtps:" && { security: "tls" }),
    ...(security !== undefined && { security }),
    ...(name !== undefined && { name }),
    ...(hasAuth && { auth: { user, pass, ...(mechanism !== undefined && { mechanism }) } }),
  };
}

function parseUrl(given: unknown): URL {
  const text = typeof given === "string" || given instanceof URL ? String(given) : "";
  // The parser drops tabs and line ends in silence.
  if (CONTROLS.test(text)) throw new ConfigError("url", "holds a control character");
  try {
    return new URL(text);
  } catch {
    // Without the cause: what the parser says quotes the password.
    throw new ConfigError("url", "is no URL", { hint: "write smtps://user:password@smtp.example.com" });
  }
}

function readParameters(parameters: URLSearchParams): Partial<Record<keyof typeof PARAMETERS, unknown>> {
  const given = [...parameters.keys()];
  if (new Set(given).size < given.length) throw new ConfigError("url", "has a parameter twice");
  const unknown = given.some((name) => !Object.hasOwn(PARAMETERS, name));
  if (unknown) {
    // Not named: behind a "?" that should have been percent-encoded stands the rest of a password.
    throw new ConfigError("url", "has an unknown parameter", {
      hint: `the parameters are ${Object.keys(PARAMETERS).join(", ")}; a ? in a password is written %3F`,
    });
  }
  return { ...PARAMETERS, ...Object.fromEntries(parameters) };
}

function percentDecoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ConfigError("url", `has a ${what} that is not percent-encoded UTF-8`);
  }
}
