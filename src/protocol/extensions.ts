// What the server can do: the EHLO reply, read (RFC 5321 §4.1.1.1).

import type { Reply } from "../errors.ts";

/** Maps each keyword the server listed, in capitals, to its parameters. */
export type Extensions = ReadonlyMap<string, readonly string[]>;

export const NO_EXTENSIONS: Extensions = new Map();

// RFC 5321 §4.1.1.1: ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-"); "=" for the AUTH of before RFC 2554.
const KEYWORD = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:[ =]|$)/;

export function parseExtensions(reply: Reply): Extensions {
  const extensions = new Map<string, string[]>();
  // The first line is the server's domain and greeting, whatever words are in it.
  for (const line of reply.lines.slice(1)) {
    const keyword = KEYWORD.exec(line)?.[1];
    if (keyword === undefined) continue;
    const parameters = line
      .slice(keyword.length + 1)
      .split(" ")
      .filter((parameter) => parameter !== "");
    const name = keyword.toUpperCase();
    const known = extensions.get(name);
    if (known === undefined) extensions.set(name, parameters);
    else known.push(...parameters);
  }
  return extensions;
}

/** The extensions without those the user switched off. */
export function withhold(extensions: Extensions, withheld: ReadonlySet<string>): Extensions {
  if (withheld.size === 0) return extensions;
  return new Map([...extensions].filter(([keyword]) => !withheld.has(keyword)));
}

const FOR_VERIFIED: ReadonlySet<string> = new Set(["REQUIRETLS"]);

/** The extensions that may be used over a wire: REQUIRETLS with a server that is known by its certificate (RFC 8689 §2). */
export function usableOver(
  { secure, verified }: { readonly secure: boolean; readonly verified: boolean },
  extensions: Extensions,
): Extensions {
  return secure && verified ? extensions : withhold(extensions, FOR_VERIFIED);
}

/** The SASL mechanisms on offer, in capitals. */
export function offeredMechanisms(extensions: Extensions): readonly string[] {
  return (extensions.get("AUTH") ?? []).map((mechanism) => mechanism.toUpperCase());
}

/** The largest message in octets, where the server names one: RFC 1870 §4, where 0 means no fixed limit. */
export function sizeLimit(extensions: Extensions): number | undefined {
  const [limit = ""] = extensions.get("SIZE") ?? [];
  if (!/^[0-9]{1,20}$/.test(limit)) return undefined;
  const octets = Number(limit);
  return octets > 0 && Number.isSafeInteger(octets) ? octets : undefined;
}

/** What the server takes at most, as far as it says (LIMITS, RFC 9422). */
export interface Limits {
  /** Mail transactions in a session. */
  readonly mailMax?: number;
  /** Recipients in a transaction. */
  readonly rcptMax?: number;
  /** Domains among the recipients. */
  readonly rcptDomainMax?: number;
}

// RFC 9422: six digits at most, and no zero before them.
const LIMIT = /^([A-Za-z]{1,13})=([1-9][0-9]{0,5})$/;

/** Reads LIMITS. What is unknown or malformed is passed over; of what is said twice the least holds. */
export function limitsOf(extensions: Extensions): Limits {
  const limits: { -readonly [Name in keyof Limits]: Limits[Name] } = {};
  for (const parameter of extensions.get("LIMITS") ?? []) {
    const [, name = "", digits = ""] = LIMIT.exec(parameter) ?? [];
    const key = LIMIT_NAMES.get(name.toUpperCase());
    if (key !== undefined) limits[key] = Math.min(limits[key] ?? Number.POSITIVE_INFINITY, Number(digits));
  }
  return limits;
}

const LIMIT_NAMES: ReadonlyMap<string, keyof Limits> = new Map([
  ["MAILMAX", "mailMax"],
  ["RCPTMAX", "rcptMax"],
  ["RCPTDOMAINMAX", "rcptDomainMax"],
]);

/** The least number of seconds within which a message may be to be delivered, where the server names one (RFC 2852). */
export function deliverByLimit(extensions: Extensions): number | undefined {
  const [, digits] = /^([0-9]{1,9})(?:,|$)/.exec(extensions.get("DELIVERBY")?.[0] ?? "") ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** How long a message may be kept, in seconds, and until when, as far as the server says (RFC 4865). */
export function holdLimits(extensions: Extensions): {
  readonly seconds: number | undefined;
  readonly time: string | undefined;
} {
  const [interval = "", until = ""] = extensions.get("FUTURERELEASE") ?? [];
  const [, time] =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?Z$/.exec(until) ?? [];
  return {
    seconds: /^[1-9][0-9]{0,8}$/.test(interval) ? Number(interval) : undefined,
    time: time === undefined ? undefined : `${time}Z`,
  };
}
