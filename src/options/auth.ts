// What the server is to know us by, and whether it may be said where others may read it.

import {
  type Choice,
  MECHANISM_NAMES,
  type Means,
  type MechanismName,
  type Usable,
  usableMechanisms,
} from "../auth/choice.ts";
import type { Credentials, Mechanism } from "../auth/mechanism.ts";
import { readTokenSource, type TokenSource } from "../auth/token-source.ts";
import type { ChannelBindingType } from "../channel-binding.ts";
import { ConfigError } from "../errors.ts";
import { describe, type Keys } from "../input.ts";
import type { TlsOptions } from "../transport/wire.ts";
import { optional, read, readChoice, readFlag, readSecret, readToken } from "./checks.ts";
import type { Security } from "./route.ts";

/** Holds what the server is to know us by: a password, an access token, a way to get one, or none of these. */
export type AuthOptions = AuthManner &
  (
    | { readonly user: string; readonly pass: string; readonly mechanism?: PasswordMechanism }
    | { readonly user: string; readonly accessToken: string; readonly mechanism?: TokenMechanism }
    /** Gets the token when one is needed: see `refreshTokenGrant` and its kind. */
    | { readonly user: string; readonly oauth2: TokenSource; readonly mechanism?: TokenMechanism }
    /** EXTERNAL: the server knows us by our certificate in `tls`; ANONYMOUS: not at all, and `user` is for its log. */
    | { readonly user?: string; readonly mechanism: "EXTERNAL" | "ANONYMOUS" }
    /** A mechanism of the caller's own, and what it is fed with. */
    | {
        readonly user?: string;
        readonly pass?: string;
        readonly custom: Mechanism;
        readonly mechanism?: undefined;
      }
  );

type TokenMechanism = "OAUTHBEARER" | "XOAUTH2";
type PasswordMechanism = Exclude<MechanismName, TokenMechanism | "EXTERNAL" | "ANONYMOUS">;

interface AuthManner {
  /** The only mechanisms that may be used; the strongest of them that is offered is. @default all but CRAM-MD5 */
  readonly allow?: readonly MechanismName[];
  /** On whose behalf, where that is not the user (RFC 4422 §2); only some mechanisms can say it. */
  readonly authorizationId?: string;
  /** What SCRAM ties a login to the TLS by, where the server offers that; `false`: by nothing. @default what there is */
  readonly channelBinding?: ChannelBindingType | false;
  /** Lets the credentials travel over a connection that is not verified TLS. @default true on a loopback host */
  readonly allowInsecure?: boolean;
}

export interface ResolvedAuth {
  readonly credentials: Credentials;
  /** Those that may be used, the strongest first. */
  readonly mechanisms: readonly Usable[];
  readonly tokenSource: TokenSource | undefined;
  readonly channelBinding: ChannelBindingType | false | undefined;
  readonly allowInsecure: boolean | undefined;
}

const AUTH: Keys<
  | "user"
  | "pass"
  | "accessToken"
  | "oauth2"
  | "custom"
  | "mechanism"
  | "allow"
  | "authorizationId"
  | "channelBinding"
  | "allowInsecure"
> = {
  user: undefined,
  pass: undefined,
  accessToken: undefined,
  oauth2: undefined,
  custom: undefined,
  mechanism: undefined,
  allow: undefined,
  authorizationId: undefined,
  channelBinding: undefined,
  allowInsecure: undefined,
};

/** Each is enough by itself. */
const FED = ["pass", "accessToken", "oauth2"] as const;
const WITHOUT: readonly unknown[] = ["EXTERNAL", "ANONYMOUS"];
const BINDINGS = ["tls-exporter", "tls-server-end-point", false] as const;

export function readAuth(value: unknown, option: string): ResolvedAuth {
  const auth = read(value, AUTH, option);
  const tokenSource = optional(auth.oauth2, "auth.oauth2", readTokenSource);
  const custom = optional(auth.custom, "auth.custom", readCustom);
  const needsUser = custom === undefined && !WITHOUT.includes(auth.mechanism);
  const credentials: Credentials = {
    user: needsUser || auth.user !== undefined ? readSecret(auth.user, "auth.user") : "",
    pass: optional(auth.pass, "auth.pass", readSecret),
    accessToken: optional(auth.accessToken, "auth.accessToken", readToken),
    authorizationId: optional(auth.authorizationId, "auth.authorizationId", readSecret),
  };
  const given = FED.filter((key) => auth[key] !== undefined);
  const mechanisms = custom === undefined ? readMechanisms(auth, given) : readAlone(auth, custom);
  return {
    credentials,
    mechanisms,
    tokenSource,
    channelBinding: optional(auth.channelBinding, "auth.channelBinding", readBinding),
    allowInsecure: optional(auth.allowInsecure, "auth.allowInsecure", readFlag),
  };
}

type Given = Partial<Record<keyof typeof AUTH, unknown>>;

function readMechanisms(auth: Given, given: readonly (typeof FED)[number][]): readonly Usable[] {
  const mechanism = optional(auth.mechanism, "auth.mechanism", readMechanism);
  const allow = optional(auth.allow, "auth.allow", readAllow);
  const isWithout = WITHOUT.includes(mechanism);
  if (given.length !== (isWithout ? 0 : 1)) {
    throw new ConfigError(
      "auth",
      isWithout
        ? `${mechanism} takes neither password nor token`
        : "needs a pass, an accessToken or oauth2, one of them",
    );
  }
  if (mechanism !== undefined && allow?.includes(mechanism) === false) {
    throw new ConfigError("auth.mechanism", `is ${mechanism}, which auth.allow does not name`);
  }
  const means: Means = isWithout ? "nothing" : given[0] === "pass" ? "pass" : "accessToken";
  const choice: Choice = {
    means,
    allowed: mechanism === undefined ? allow : [mechanism],
    authorizationId: auth.authorizationId !== undefined,
    channelBinding: auth.channelBinding !== false,
  };
  const usable = usableMechanisms(choice);
  if (usable.length > 0) return usable;
  throw unusable(choice, auth);
}

/** Says which of the settings leave no mechanism. */
function unusable(choice: Choice, auth: Given): ConfigError {
  const { means, allowed = [] } = choice;
  if (usableMechanisms({ ...choice, authorizationId: false, channelBinding: true }).length > 0) {
    return auth.channelBinding === false
      ? new ConfigError("auth.channelBinding", `is false, and ${allowed.join(", ")} cannot do without`)
      : new ConfigError("auth.authorizationId", `cannot be said by ${allowed.join(", ")}`);
  }
  const needed =
    means === "pass" ? "takes no pass" : means === "accessToken" ? "takes no token" : "is of no use here";
  const option = auth.mechanism === undefined ? "auth.allow" : "auth.mechanism";
  return new ConfigError(option, `is ${allowed.join(", ")}, which ${needed}`);
}

function readAlone(auth: Given, custom: Mechanism): readonly Mechanism[] {
  for (const key of ["mechanism", "allow", "oauth2", "channelBinding"] as const) {
    if (auth[key] !== undefined) throw new ConfigError(`auth.${key}`, "does not go with auth.custom");
  }
  return [custom];
}

function readMechanism(value: unknown, option: string): MechanismName {
  return readChoice(value, option, MECHANISM_NAMES);
}

function readAllow(value: unknown, option: string): readonly MechanismName[] {
  if (!Array.isArray(value)) throw new ConfigError(option, `is ${describe(value)}, not an array`);
  if (value.length === 0) throw new ConfigError(option, "is empty: no mechanism could be used");
  return value.map((name, at) => readMechanism(name, `${option}[${at}]`));
}

function readBinding(value: unknown, option: string): ChannelBindingType | false {
  const binding = BINDINGS.find((one) => one === value);
  if (binding !== undefined) return binding;
  throw new ConfigError(option, 'is neither "tls-exporter", "tls-server-end-point" nor false');
}

/** RFC 4422 §3.1. */
const SASL_NAME = /^[A-Z0-9_-]{1,20}$/;

function readCustom(value: unknown, option: string): Mechanism {
  if (typeof value !== "object" || value === null) {
    throw new ConfigError(option, `is ${describe(value)}, not a mechanism`);
  }
  const { name, exchange } = value as Partial<Mechanism>;
  if (typeof name !== "string" || !SASL_NAME.test(name)) {
    throw new ConfigError(
      `${option}.name`,
      "is no SASL name: 1 to 20 capitals, digits, hyphens and underscores",
    );
  }
  if (typeof exchange !== "function") {
    throw new ConfigError(`${option}.exchange`, `is ${describe(exchange)}, not a generator function`);
  }
  return {
    name,
    // Delegated to, so that whatever is wrong with it, an async generator too, fails where the exchange does.
    *exchange(credentials, surroundings) {
      yield* exchange.call(value, credentials, surroundings);
    },
  };
}

/** Refuses EXTERNAL where there is nothing that the server could know us by. */
export function refuseUnknown({ mechanisms }: ResolvedAuth, tls: TlsOptions): void {
  const isExternal = mechanisms.every(({ name }) => name === "EXTERNAL");
  if (!isExternal || tls.cert !== undefined || tls.pfx !== undefined) return;
  throw new ConfigError("tls.cert", "is not given, and by EXTERNAL the server knows us by our certificate");
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
