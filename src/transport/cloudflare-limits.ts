// What cannot be honoured over `cloudflare:sockets`. Said when a client is made: silence would be taken for consent, and
// of TLS that would be a hole.

import { ConfigError } from "../errors.ts";
import type { Said } from "../runtime.ts";

/** What the runtime does, which makes the option mean nothing. */
const TLS: Readonly<Partial<Record<string, string>>> = {
  ca: "checks every certificate by its own authorities, to which none can be added",
  crl: "checks every certificate by its own authorities",
  checkServerIdentity: "checks every certificate by its own authorities, and shows none",
  cert: "shows no certificate of a client's",
  key: "shows no certificate of a client's",
  passphrase: "shows no certificate of a client's",
  pfx: "shows no certificate of a client's",
  minVersion: "chooses what TLS is made of",
  maxVersion: "chooses what TLS is made of",
  ciphers: "chooses what TLS is made of",
  sigalgs: "chooses what TLS is made of",
  ecdhCurve: "chooses what TLS is made of",
};

const OPTIONS: Readonly<Record<string, string>> = {
  path: "leads to a Unix socket, and a Worker can reach none",
  proxy:
    "cannot be gone through in a Worker: its runtime puts TLS on no connection but one to the server itself",
  localAddress: "cannot be chosen in a Worker",
  lookup: "cannot be replaced in a Worker: its runtime looks names up itself",
  family: "cannot be chosen in a Worker: its runtime looks names up itself",
};

/** What Cloudflare opens at the same time, in one invocation. */
const MAX_CONNECTIONS = 6;

/** Throws for the first option of these that was given. A way of the caller's own to connect may honour what it likes. */
export function refuse(said: Said): void {
  const { auth, connect, host, maxConnections, minConnections, port, rateLimit, security, servername, tls } =
    said;
  const names = auth?.mechanisms.map(({ name }) => name) ?? [];
  if (names.length > 0 && names.every((name) => name === "CRAM-MD5")) {
    throw new ConfigError("auth.mechanism", "is CRAM-MD5, and a Worker has no MD5 for it");
  }
  // As it is read: not what was slipped into every object.
  const acquire = (rateLimit as { readonly acquire?: unknown } | null | undefined)?.acquire;
  const counts = acquire === undefined || acquire === ({} as { readonly acquire?: unknown }).acquire;
  if (rateLimit !== undefined && counts) {
    throw new ConfigError(
      "rateLimit",
      "cannot count in a Worker, whose invocations know nothing of each other",
      {
        hint: "give an object with a method acquire, which asks whoever counts for all: a Durable Object, or Redis",
      },
    );
  }
  // None is what there is where nothing is said.
  if (minConnections !== undefined && minConnections !== 0) {
    throw new ConfigError(
      "minConnections",
      "keeps connections open, and in a Worker none outlives the invocation that opened it",
    );
  }
  if (connect !== undefined) return;
  if (names.length > 0 && names.every((name) => name === "EXTERNAL")) {
    throw new ConfigError("auth.mechanism", "is EXTERNAL, and a Worker shows no certificate to be known by");
  }
  if (names.length > 0 && names.every((name) => name.endsWith("-PLUS"))) {
    throw new ConfigError(
      "auth.mechanism",
      `is ${names.join(", ")}, and a Worker cannot tie a login to its TLS`,
    );
  }
  if (typeof auth?.channelBinding === "string") {
    throw new ConfigError("auth.channelBinding", "is asked for, and a Worker cannot tie a login to its TLS");
  }
  for (const [name, value] of Object.entries(tls)) {
    const reason = TLS[name];
    if (value !== undefined && reason !== undefined)
      throw new ConfigError(`tls.${name}`, `means nothing in a Worker: its runtime ${reason}`);
  }
  if (tls.rejectUnauthorized === false) {
    throw new ConfigError("tls.rejectUnauthorized", "is false, and in a Worker every certificate is checked");
  }
  for (const [name, reason] of Object.entries(OPTIONS)) {
    if (said[name] !== undefined) throw new ConfigError(name, reason);
  }
  if (security === "opportunistic") {
    throw new ConfigError(
      "security",
      'is "opportunistic", which takes any certificate, and a Worker does not',
      {
        hint: 'say "starttls", or "none" for a server on a network of your own',
      },
    );
  }
  if (servername !== undefined && servername !== host) {
    throw new ConfigError(
      "servername",
      "is not host, and in a Worker the certificate is checked for that name",
    );
  }
  if (port === 25) {
    throw new ConfigError("port", "is 25, to which Cloudflare connects nobody", {
      hint: "submit on port 587, or on port 465 with TLS from the first octet",
    });
  }
  if (typeof maxConnections === "number" && maxConnections > MAX_CONNECTIONS) {
    throw new ConfigError(
      "maxConnections",
      `is more than ${MAX_CONNECTIONS}, which a Worker may have at a time`,
    );
  }
}
