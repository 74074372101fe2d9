// What a token endpoint said (RFC 6749 §5): a token, or why there is none.

import { TokenError } from "../../errors.ts";
import { escapeText } from "../../excerpt.ts";
import { formsOf, Secrets } from "../../protocol/secrets.ts";
import type { HttpAnswer } from "./request.ts";

/** A token that an endpoint issued. */
export interface Issued {
  readonly accessToken: string;
  /** Seconds, where it says so in a way that can be understood. */
  readonly expiresIn: number | undefined;
  /** The one to be used from now on, where there is another. */
  readonly refreshToken: string | undefined;
}

/** Who was asked, and with what. */
export interface Asked {
  readonly host: string;
  readonly form: URLSearchParams;
  /** Fields of the request that the caller gave. */
  readonly headers: Readonly<Record<string, string>>;
  /** What to do about each error that an endpoint may name. */
  readonly hints: Readonly<Record<string, string>>;
  /** Whether the grant says what time it is, and may be refused for that. */
  readonly tellsTime: boolean;
}

type Fields = Readonly<Partial<Record<string, unknown>>>;

/** RFC 6749 A.12: visible ASCII; a space would part it from the rest where it is used (RFC 6750 §2.1). */
const TOKEN = /^[\x21-\x7e]{1,16384}$/;
/** RFC 6749 §5.2; those that are registered are shorter. */
const ERROR_NAME = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/** What may be otherwise the next time. RFC 8628 §3.5 has `slow_down`; the others are of RFC 6749 §4.1.2.1. */
const TEMPORARY_ERRORS: readonly unknown[] = ["temporarily_unavailable", "server_error", "slow_down"];
/** Request Timeout, Too Early, Too Many Requests. */
const TEMPORARY_STATUSES: readonly number[] = [408, 425, 429];

export function readAnswer(answer: HttpAnswer, asked: Asked): Issued {
  const { status, text } = answer;
  const fields = readJson(text);
  if (status !== 200 || fields?.error !== undefined) throw refusal(answer, fields ?? {}, asked);
  // Not the endpoint's own words: a page of a proxy, a portal or a server under repair, which may be gone the next time.
  if (fields === undefined) {
    const reason = "temporary";
    const hint = "check tokenUrl, and what stands between here and there";
    throw new TokenError(`the token endpoint ${asked.host} answered with no JSON object`, { reason, hint });
  }
  const { access_token, token_type, expires_in, refresh_token } = fields;
  // RFC 6749 §7.1: a token of a type that is not understood must not be used.
  if (token_type !== undefined && (typeof token_type !== "string" || token_type.toLowerCase() !== "bearer"))
    throw misshapen(asked, "a token_type other than Bearer");
  return {
    accessToken: readToken(access_token) ?? misshaped(asked, "access_token"),
    expiresIn: readSeconds(expires_in),
    // Some say null or nothing for none.
    refreshToken: refresh_token ? (readToken(refresh_token) ?? misshaped(asked, "refresh_token")) : undefined,
  };
}

function readJson(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    // Without a prototype: what is absent must not be found on a polluted one.
    return Object.assign(Object.create(null), value);
  } catch {
    return undefined;
  }
}

function readToken(value: unknown): string | undefined {
  return typeof value === "string" && TOKEN.test(value) ? value : undefined;
}

/** RFC 6749 §5.1 has a number; some send its digits as text. */
function readSeconds(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function misshaped(asked: Asked, field: string): never {
  throw misshapen(asked, `no ${field} of visible ASCII characters`);
}

/** The endpoint's own words, and it would say them again. */
function misshapen({ host }: Asked, what: string): TokenError {
  const hint = "check tokenUrl: an endpoint of OAuth 2 issues bearer tokens";
  return new TokenError(`the token endpoint ${host} answered with ${what}`, { reason: "reauthorise", hint });
}

function refusal(answer: HttpAnswer, { error, error_description: words }: Fields, asked: Asked): TokenError {
  const { status, retryAfter, date } = answer;
  const mask = masking(asked);
  const name =
    typeof error === "string" && ERROR_NAME.test(error) && mask(error) === error ? error : undefined;
  const isTemporary =
    status >= 500 ||
    TEMPORARY_STATUSES.includes(status) ||
    (name !== undefined && TEMPORARY_ERRORS.includes(name));
  const said = [name, typeof words === "string" ? escapeText(mask(words)) : undefined]
    .filter(Boolean)
    .join(": ");
  const skew = asked.tellsTime && !isTemporary ? clockSkew(date) : undefined;
  return new TokenError(
    `the token endpoint ${asked.host} refused with status ${status}${said && `, ${said}`}`,
    {
      reason: isTemporary ? "temporary" : "reauthorise",
      oauthError: name,
      retryAfter: isTemporary ? readRetryAfter(retryAfter, date) : undefined,
      hint: skew ?? (isTemporary ? undefined : asked.hints[name ?? ""]),
    },
  );
}

/** What is said of us in the form that anybody may know. */
const PUBLIC: readonly string[] = ["grant_type", "client_id", "scope"];

/** Leaves out of a text what we said, in whatever form it is repeated. */
function masking({ form, headers }: Asked): (text: string) => string {
  const secrets = new Secrets();
  const values = [...form].flatMap(([name, value]) => (PUBLIC.includes(name) ? [] : [value]));
  for (const value of [...values, ...Object.values(headers)]) {
    secrets.add([...formsOf(value), new URLSearchParams([["", value]]).toString().slice(1)]);
  }
  return (text) => secrets.mask(text);
}

/** Milliseconds; an endpoint that asks for more is asked again after an hour, which harms nobody. */
const MAX_RETRY_AFTER = 3_600_000;
/** RFC 9110 §5.6.7, in the one form that is sent. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** RFC 9110 §10.2.3: seconds, or a moment by the clock of who says it. */
function readRetryAfter(value: string | null, date: string | null): number | undefined {
  const wait = /^\d{1,9}$/.test(value ?? "")
    ? Number(value) * 1000
    : momentOf(value) - (momentOf(date) || Date.now());
  return wait > 0 ? Math.min(MAX_RETRY_AFTER, wait) : undefined;
}

/** Milliseconds since 1970; NaN where there is none. */
function momentOf(text: string | null): number {
  return HTTP_DATE.test(text ?? "") ? Date.parse(text ?? "") : Number.NaN;
}

/** Seconds; who looks at the time of an assertion allows for some. */
const TOLERABLE_SKEW = 60;

function clockSkew(date: string | null): string | undefined {
  const seconds = Math.round((Date.now() - momentOf(date)) / 1000);
  if (!(Math.abs(seconds) > TOLERABLE_SKEW)) return undefined;
  const direction = seconds > 0 ? "ahead of" : "behind";
  return `this machine's clock is ${Math.abs(seconds)} s ${direction} the endpoint's: set it`;
}
