// What the server is to know us by, and whether it may be said where others may read it.

import {
  type Credentials,
  MECHANISM_NAMES,
  type MechanismName,
  usableMechanisms,
} from "../auth/mechanism.ts";
import { ConfigError } from "../errors.ts";
import type { Keys } from "../input.ts";
import type { TlsOptions } from "../transport/wire.ts";
import { optional, read, readChoice, readFlag, readSecret, readToken } from "./checks.ts";
import type { Security } from "./route.ts";

/** Holds what the server is to know us by. */
export type AuthOptions = {
  readonly user: string;
  /** The mechanism to use; otherwise the best that is offered. */
  readonly mechanism?: MechanismName;
  /** Lets the credentials travel over a connection that is not verified TLS. @default true on a loopback host */
  readonly allowInsecure?: boolean;
} & ({ readonly pass: string } | { readonly accessToken: string });

export interface ResolvedAuth {
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

export function readAuth(value: unknown, option: string): ResolvedAuth {
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

/** Refuses credentials over what is not verified TLS. */
export function refuseInsecure(security: Security, tls: TlsOptions): void {
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
