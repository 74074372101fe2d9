// Reading what the caller gave: own properties only, each one once, into a snapshot. An inherited property is not
// the caller's word (a polluted prototype must not address a mail), a getter read twice may give two answers, and
// an unknown key is a typo that would lose part of a message.

import { type ConfigError, MessageError } from "./errors.ts";
import { escapeText } from "./excerpt.ts";

/** The properties an object may have. A record and not a list, so that the compiler misses a forgotten one. */
export type Keys<K extends string> = Readonly<Record<K, undefined>>;

/** What is thrown for a bad value: it is in a message, or it is an option. */
export type Fault = typeof MessageError | typeof ConfigError;

/** The own properties of `value`, each read once; an unknown one is refused. `field` is "" for the whole. */
export function readObject<K extends string>(
  value: unknown,
  keys: Keys<K>,
  field: string,
  {
    fault: Refused = MessageError,
    whole = "message",
  }: { readonly fault?: Fault; readonly whole?: string } = {},
): Partial<Record<K, unknown>> {
  const own = namesIn(value);
  if (own === undefined) throw new Refused(field || whole, `is ${describe(value)}, not an object`);
  // With every key of its own: what is absent here must not be found on a polluted Object.prototype either.
  const fields: Partial<Record<K, unknown>> = { ...keys };
  for (const key of own) {
    if (!isKnown(key, keys)) throw new Refused(field || whole, ...unknownKey(key, keys));
    fields[key] = (value as Readonly<Record<string, unknown>>)[key];
  }
  return fields;
}

/** The own properties of an object whose keys are the caller's to choose, each read once. */
export function readEntries(value: unknown, field: string): [string, unknown][] {
  const own = namesIn(value);
  if (own === undefined) throw new MessageError(field, `is ${describe(value)}, not an object`);
  return own.map((key) => [key, (value as Readonly<Record<string, unknown>>)[key]]);
}

/** The elements of an array, each read once. */
export function readArray(value: unknown, field: string, limit: number): unknown[] {
  if (!Array.isArray(value)) throw new MessageError(field, `is ${describe(value)}, not an array`);
  if (value.length > limit) {
    throw new MessageError(field, `has ${value.length} elements; at most ${limit} are allowed`);
  }
  // By index: an array may bring an iterator of its own.
  const elements: unknown[] = [];
  for (let at = 0; at < value.length; at++) elements.push(value[at]);
  return elements;
}

/** Text of at most `limit` characters. */
export function readText(value: unknown, field: string, limit: number = Number.POSITIVE_INFINITY): string {
  if (typeof value !== "string") throw new MessageError(field, `is ${describe(value)}, not a string`);
  if (value.length <= limit) return value;
  throw new MessageError(field, `is longer than ${limit} characters`);
}

export function readOptionalText(value: unknown, field: string, limit?: number): string | undefined {
  return value === undefined ? undefined : readText(value, field, limit);
}

/** Characters in a field of free text: more than anybody reads, and what servers take of a header (Postfix 102,400). */
export const MAX_TEXT = 100_000;
/** Characters in a name that people are shown: far more than any has. */
export const MAX_NAME = 1000;
/** RFC 5322 §2.1.1: octets in a line, without its CRLF. */
export const MAX_LINE = 998;

/** Text that goes anywhere as it stands: ASCII from the space on. */
export const PRINTABLE_ASCII: RegExp = /^[\x20-\x7e]*$/;

// C0, DEL, C1, the line separators, and halves of surrogate pairs (with the flag, a whole pair is one character).
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]/u;

/** Refuses the characters that no name or address holds, and that begin a new line somewhere. */
export function refuseControls(text: string, field: string): void {
  const found = CONTROL.exec(text);
  if (found === null) return;
  refuseHalfPairs(text, field);
  throw new MessageError(field, `holds the control character ${codePoint(found[0])}`);
}

export function hasControls(text: string): boolean {
  return CONTROL.test(text);
}

/** Refuses text that has no UTF-8 form. */
export function refuseHalfPairs(text: string, field: string): void {
  if (!text.isWellFormed()) {
    throw new MessageError(field, "holds half of a surrogate pair, which is not a character");
  }
}

// RFC 2045 §5.1: visible ASCII without the tspecials.
const TOKEN = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** RFC 5322 §3.2.4, RFC 2045 §5.1 and RFC 9651 §3.3.3: text that is to stand for itself, in double quotes. */
export function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** Names a character in a way that cannot draw on a terminal. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Says what a value is, for "is …, not a string". */
export function describe(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `a ${typeof value}`;
  const kind = kindOf(value);
  if (kind === "Object") return Symbol.iterator in value ? "an iterable object" : "an object";
  return `${/^[AEIO]/.test(kind) ? "an" : "a"} ${escapeText(kind.slice(0, 40))}`;
}

/** Such as "Map", "Headers" or "Promise"; "Object" for a literal and for an instance of most classes of a caller. */
function kindOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** The names of what `value` says by properties. What is in a Map, a Headers or a Promise would be lost: they have none. */
function namesIn(value: unknown): readonly string[] | undefined {
  if (typeof value !== "object" || value === null || Symbol.iterator in value) return undefined;
  const names = Object.keys(value);
  return names.length > 0 || kindOf(value) === "Object" ? names : undefined;
}

function isKnown<K extends string>(key: string, keys: Keys<K>): key is K {
  return Object.hasOwn(keys, key);
}

function unknownKey(key: string, keys: Keys<string>): [message: string, details: { readonly hint: string }] {
  const shown = `"${escapeText(key.slice(0, 40))}"`;
  const near = Object.keys(keys).find((known) => resembles(key, known));
  return [
    near === undefined ? `has no property ${shown}` : `has no property ${shown}; is "${near}" meant?`,
    { hint: `the properties are ${Object.keys(keys).join(", ")}` },
  ];
}

/** Whether two names differ in case and punctuation only, or by one letter added, left out or changed. */
function resembles(key: string, known: string): boolean {
  const a = letters(key);
  const b = letters(known);
  if (Math.abs(a.length - b.length) > 1 || Math.min(a.length, b.length) < 2) return false;
  let head = 0;
  while (head < a.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return Math.max(a.length, b.length) - head - tail <= 1;
}

function letters(name: string): string {
  return name
    .slice(0, 40)
    .toLowerCase()
    .replace(/[^a-z]/g, "");
}
