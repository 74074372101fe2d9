// What Node's errors mean to whoever sends a message: by their codes, for the words differ between runtimes.

import { ProtocolError, TransportError } from "../errors.ts";
import { placeOf } from "./place.ts";
import type { Target } from "./wire.ts";

interface SystemError extends Error {
  readonly code?: string;
  readonly syscall?: string;
  /** What OpenSSL calls it; the message has the place in OpenSSL's own source besides. */
  readonly reason?: string;
  readonly errors?: readonly Error[];
}

export function connectError(error: SystemError, target: Target): Error {
  if (error instanceof TransportError) return error;
  // As Deno says it: of an address, and of a name.
  const isForbidden =
    target.path === undefined &&
    (error.name === "NotCapable" || (error.syscall === "getaddrinfo" && error.code === "EPERM"));
  const leave = isForbidden
    ? `this runtime may not connect there: run it with ${permissionFor(target)}`
    : undefined;
  const reason = error.message || error.errors?.map(({ message }) => message).join("; ") || error.code;
  if (error.syscall === "getaddrinfo" || error.code === "ENOTFOUND") {
    return new TransportError(`no address was found for ${target.host}: ${reason}`, {
      code: "dns",
      phase: "connect",
      transient: error.code !== "ENOTFOUND" && !isForbidden,
      cause: error,
      hint: leave ?? "check host",
    });
  }
  return new TransportError(`no connection to ${placeOf(target)}: ${reason}`, {
    code: "connection",
    phase: "connect",
    transient: !isForbidden,
    cause: error,
    hint:
      leave ??
      (target.path === undefined
        ? "check host and port; some networks block port 25"
        : "check path, and that the server listens there"),
  });
}

/** What has to be said to Deno: for a lookup of our own, which is for the host on any port, the addresses count as well. */
function permissionFor({ host, port, family, localAddress, lookup, tell }: Target): string {
  if ((family ?? localAddress ?? lookup ?? tell) !== undefined)
    return "--allow-net, not limited to some hosts: trace, logger, family, localAddress, lookup and the connector need it whole";
  return `--allow-net=${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function tlsError(error: SystemError, { implicitTls, port, servername }: Target): Error {
  if (error instanceof TransportError) return error;
  const { code = "" } = error;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || CERTIFICATE_FAULT.test(code)) {
    return new TransportError(`the certificate of ${servername} is not trusted: ${error.message}`, {
      code: "tls_certificate",
      phase: "tls",
      cause: error,
      hint: CERTIFICATE_HINTS[code] ?? "give the authority that signed it in tls.ca",
    });
  }
  return new TransportError(`the TLS handshake failed: ${error.reason ?? error.message}`, {
    code: "tls",
    phase: "tls",
    transient: code === "ECONNRESET",
    cause: error,
    hint:
      code === "ERR_SSL_WRONG_VERSION_NUMBER" && implicitTls
        ? `port ${port} does not speak TLS from the first octet: set security: "starttls", or port: 465`
        : undefined,
  });
}

const CERTIFICATE_HINTS: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID:
    "set servername to the name in the certificate, if that is the server you mean",
  CERT_HAS_EXPIRED: "it has expired: whoever runs the server must renew it",
  CERT_NOT_YET_VALID: "it is not valid yet: check the clock of this machine",
};

const CERTIFICATE_FAULT =
  /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE/;

export function ioError(error: SystemError): Error {
  if (error instanceof TransportError || error instanceof ProtocolError) return error;
  return new TransportError(`the connection broke: ${error.message}`, {
    code: "connection_lost",
    transient: true,
    cause: error,
  });
}
