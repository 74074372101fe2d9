// A person who consented once (RFC 6749 §6).

import { abortError } from "../../abort.ts";
import { ConfigError, TokenError } from "../../errors.ts";
import type { Keys } from "../../input.ts";
import { perInvocation } from "../../invocations.ts";
import { optional, read, readFunction, readSecret, readToken } from "../../options/checks.ts";
import type { Eventually } from "../mechanism.ts";
import type { AccessToken, TokenRequest, TokenSource } from "../token-source.ts";
import {
  type EndpointOptions,
  GOOGLE_TOKENS,
  microsoftTokens,
  readClientId,
  readEndpoint,
  readProvider,
  readScope,
} from "./endpoint.ts";

/** Says whose consent is used, and where it is exchanged for tokens. */
export interface RefreshTokenOptions extends EndpointOptions {
  /** Knows the endpoint, and for Microsoft the scope. */
  readonly provider?: "google" | "microsoft";
  /** The endpoint (RFC 6749 §3.2): `https:`, or `http:` on a loopback host. @default that of the provider */
  readonly tokenUrl?: string | URL;
  /** Of Microsoft's endpoint: the directory (tenant) id, a domain of the organisation, or `consumers`. @default "common" */
  readonly tenant?: string;
  readonly clientId: string;
  /** Not for a public client, which has none. */
  readonly clientSecret?: string;
  readonly refreshToken: string;
  /** What the token is to allow, parted by spaces. @default what was consented to; for Microsoft, sending by SMTP */
  readonly scope?: string;
  /**
   * Is told of a refresh token that came in the place of the last, and awaited: the last may be good for nothing from then
   * on. Where it fails, so does what the token was wanted for, and it is told again before anything else is asked for.
   */
  readonly onRefreshToken?: (refreshToken: string) => Eventually<void>;
  /** A first access token, used until it ends or is refused. */
  readonly accessToken?: string;
  /** When that ends: a moment, or milliseconds since 1970. @default 5 minutes from its first use */
  readonly expiresAt?: Date | number;
}

const OPTIONS: Keys<keyof RefreshTokenOptions> = {
  provider: undefined,
  tokenUrl: undefined,
  tenant: undefined,
  clientId: undefined,
  clientSecret: undefined,
  refreshToken: undefined,
  scope: undefined,
  onRefreshToken: undefined,
  accessToken: undefined,
  expiresAt: undefined,
  headers: undefined,
  parameters: undefined,
  fetch: undefined,
};

const MICROSOFT_SCOPE = "https://outlook.office.com/SMTP.Send offline_access";
const HINT =
  "the refresh token has expired, was revoked, or is another client's: ask the user to consent again";

/**
 * Gets access tokens by the consent of a person: a refresh token, which was got in a browser (RFC 6749 §6).
 *
 * @throws ConfigError naming the option that cannot be used
 * @example
 * ```ts
 * const kept = new Map([["alice@example.com", "1//refresh-token"]]);
 * const client = new SmtpClient({
 *   host: "smtp.gmail.com",
 *   auth: {
 *     user: "alice@example.com",
 *     oauth2: refreshTokenGrant({
 *       provider: "google",
 *       clientId: "1234.apps.googleusercontent.com",
 *       clientSecret: "GOCSPX-secret",
 *       refreshToken: kept.get("alice@example.com") ?? "",
 *       onRefreshToken: (token) => void kept.set("alice@example.com", token),
 *     }),
 *   },
 * });
 * ```
 */
export function refreshTokenGrant(options: RefreshTokenOptions): TokenSource {
  const given = read(options, OPTIONS, "");
  const provider = readProvider(given.provider, ["google", "microsoft"]);
  const client = {
    client_id: readClientId(given.clientId),
    client_secret: optional(given.clientSecret, "clientSecret", readSecret),
    scope:
      optional(given.scope, "scope", readScope) ?? (provider === "microsoft" ? MICROSOFT_SCOPE : undefined),
  };
  const url = microsoftTokens(given, "common") ?? (provider && GOOGLE_TOKENS);
  const endpoint = readEndpoint(given, url, ["grant_type", "refresh_token", ...Object.keys(client)]);
  const tell = telling(
    optional(given.onRefreshToken, "onRefreshToken", readFunction<Telling>) ?? (() => undefined),
  );
  let refreshToken = readToken(given.refreshToken, "refreshToken");
  let first = readFirst(given);

  return oneByOne(async ({ reason, signal }) => {
    await tell();
    if (reason !== "first") first = undefined;
    if (first !== undefined && endsLater(first)) return first;
    const own = { ...client, grant_type: "refresh_token", refresh_token: refreshToken };
    const { issue } = await import("./grant.ts");
    const issued = await issue(endpoint, { own, hint: HINT }, signal);
    // RFC 6749 §6: from now on it is this one.
    if (issued.refreshToken !== undefined && issued.refreshToken !== refreshToken) {
      refreshToken = issued.refreshToken;
      await tell(refreshToken);
    }
    return { accessToken: issued.accessToken, expiresIn: issued.expiresIn };
  });
}

type Telling = NonNullable<RefreshTokenOptions["onRefreshToken"]>;

function readFirst({ accessToken, expiresAt }: Partial<Record<string, unknown>>): AccessToken | undefined {
  if (accessToken === undefined) {
    if (expiresAt === undefined) return undefined;
    throw new ConfigError("expiresAt", "is given without an accessToken");
  }
  const token = readToken(accessToken, "accessToken");
  return { accessToken: token, expiresAt: optional(expiresAt, "expiresAt", readMoment) };
}

/** 1973 in milliseconds since 1970, and the year 5138 in seconds. */
const LEAST_MOMENT = 100_000_000_000;

function readMoment(value: unknown, option: string): number {
  const time = value instanceof Date ? value.getTime() : value;
  if (typeof time === "number" && time >= LEAST_MOMENT && Number.isFinite(time)) return time;
  throw new ConfigError(option, "is neither a Date nor a number of milliseconds since 1970");
}

/** A login with a token that ends while it is under way would be one that failed. */
const MARGIN = 60_000;

function endsLater({ expiresAt }: AccessToken): boolean {
  return expiresAt === undefined || Number(expiresAt) - Date.now() > MARGIN;
}

/** Tells of a token; where that failed the last time, of the same once more, before there can be another. */
function telling(tell: Telling): (token?: string) => Promise<void> {
  let untold: string | undefined;
  return async (token = untold) => {
    untold = token;
    if (token === undefined) return;
    try {
      await tell(token);
    } catch (cause) {
      throw new TokenError("onRefreshToken failed, so that the new refresh token may not have been kept", {
        reason: "temporary",
        hint: "it is called again with the same token before another is asked for",
        cause,
      });
    }
    // One that was given up may end when there is another to tell of.
    if (untold === token) untold = undefined;
  };
}

/**
 * The source, for one request after the other: clients that share it must not use a refresh token at the same time, which
 * to an endpoint that gives out a new one each time looks like theft. One that is given up is not waited for; nor can be
 * one of another invocation of a Worker.
 */
function oneByOne(source: (request: TokenRequest) => Promise<AccessToken>): TokenSource {
  const line = perInvocation((): { last: Promise<unknown> } => ({ last: Promise.resolve() }));
  return (request) => {
    const { signal } = request;
    const here = line();
    const answer = here.last.then(() => {
      if (signal.aborted) throw abortError(signal, "auth");
      return source(request);
    });
    here.last = here.last.then(() => Promise.race([answer.catch(() => {}), aborted(signal)]));
    return answer;
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
