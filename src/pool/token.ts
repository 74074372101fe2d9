// An access token as a client keeps it: what a source answered, and for how long it is used.

import type { AccessToken } from "../auth/token-source.ts";
import { ConfigError } from "../errors.ts";
import { describe, type Keys } from "../input.ts";
import { read } from "../options/checks.ts";

/** Milliseconds. What says that it lives longer is asked for once a day: nobody can tell whether it was revoked. */
const MAX_LIFETIME = 86_400_000;
/** Of a token that does not say; most live an hour, and a request every five minutes is no burden. */
const UNKNOWN_LIFETIME = 300_000;
/** How long before its end a token is not used any more: the login and clocks that differ take their time. */
const MARGIN = 60_000;
/** Characters; tokens with many claims have some thousand, and a SASL response has room for 9000. */
const MAX_TOKEN = 16_384;
/** 1973 in milliseconds since 1970, and the year 5138 in seconds. */
const LEAST_MOMENT = 100_000_000_000;

const OPTION = "auth.oauth2";

export class Token {
  readonly value: string;
  readonly #usableFor: number;
  readonly #monotonic: number = performance.now();
  readonly #wall: number = Date.now();

  constructor(value: string, lifetime: number) {
    this.value = value;
    const known = Math.min(MAX_LIFETIME, lifetime);
    this.#usableFor = known - Math.min(MARGIN, known / 2);
  }

  /** By the clock that went further: one of them stands still while a laptop sleeps, the other may be set back. */
  get isFresh(): boolean {
    return Math.max(performance.now() - this.#monotonic, Date.now() - this.#wall) < this.#usableFor;
  }
}

const ANSWER: Keys<keyof AccessToken> = {
  accessToken: undefined,
  expiresIn: undefined,
  expiresAt: undefined,
};

/** What a source answered, as a token; it shows in no error. */
export function readAnswer(answer: unknown): Token {
  if (typeof answer === "string") return new Token(readValue(answer), UNKNOWN_LIFETIME);
  const { accessToken, expiresIn, expiresAt } = read(answer, ANSWER, OPTION);
  const value = readValue(accessToken);
  if (expiresAt === undefined) return new Token(value, readLifetime(expiresIn));
  if (expiresIn !== undefined) throw refusal("answered with both expiresIn and expiresAt");
  return new Token(value, readMoment(expiresAt) - Date.now());
}

function readValue(value: unknown): string {
  if (typeof value !== "string") throw refusal(`answered with ${describe(value)} for a token`);
  if (value.length > MAX_TOKEN) throw refusal(`answered with a token of more than ${MAX_TOKEN} characters`);
  // RFC 6750 §2.1 has less still; what is more would end the field that it stands in (RFC 7628 §3.1).
  if (!/^[\x21-\x7e]+$/.test(value))
    throw refusal("answered with what is no token: visible ASCII characters");
  return value;
}

function readLifetime(seconds: unknown): number {
  if (seconds === undefined) return UNKNOWN_LIFETIME;
  if (typeof seconds === "number" && Number.isFinite(seconds)) return seconds * 1000;
  throw refusal("answered with an expiresIn that is no number of seconds");
}

function readMoment(moment: unknown): number {
  const time = moment instanceof Date ? moment.getTime() : moment;
  if (typeof time !== "number" || !Number.isFinite(time)) {
    throw refusal("answered with an expiresAt that is neither a Date nor a number of milliseconds");
  }
  if (time >= LEAST_MOMENT) return time;
  throw refusal("answered with an expiresAt long ago", "it counts milliseconds since 1970, not seconds");
}

function refusal(message: string, hint = "it gives a string, or { accessToken, expiresIn }"): ConfigError {
  return new ConfigError(OPTION, message, { phase: "auth", hint });
}
