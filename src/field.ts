// Header fields that are not written yet, and how users write those that have no property of their own.

import { MessageError } from "./errors.ts";
import { escapeText } from "./excerpt.ts";
import { describe, readArray, readEntries, readText } from "./input.ts";

/** A field to write. */
export interface Field {
  readonly name: string;
  readonly value: string;
  /** How errors name it. */
  readonly path: string;
  /** Text of any script that stands before the value as phrases (RFC 5322 §3.2.5), with commas between them. */
  readonly phrases: readonly string[] | undefined;
}

/** A field that is its value. */
export function textField(name: string, value: string, path: string): Field {
  return { name, value, path, phrases: undefined };
}

/** What is said where a field is not the caller's to set, or `undefined` where it is; the name is in lower case. */
export type Reserved = (name: string) => string | undefined;

/** More than any program sets, and a bound for what comes from a request. */
const MAX_HEADERS = 1000;

// RFC 2369 §3; RFC 8098 §2.1 has all its mailboxes in one field; and in a part RFC 2045 §3.
const SINGLE = /^(?:list-.*|disposition-notification-to|content-.*)$/;

/** Reads fields by name, each with one value or several. */
export function readHeaders(value: unknown, field: string, reserved: Reserved): Field[] {
  const fields: Field[] = [];
  if (value === undefined) return fields;
  const seen = new Set<string>();
  for (const [name, given] of readEntries(value, field)) {
    const path = `${field}["${escapeText(name.slice(0, 80))}"]`;
    const lower = name.toLowerCase();
    const hint = reserved(lower);
    if (hint !== undefined) throw new MessageError(path, "is not set here", { hint });
    if (SINGLE.test(lower) && (seen.has(lower) || (Array.isArray(given) && given.length > 1))) {
      throw new MessageError(path, "is given more than once, and may be there once");
    }
    seen.add(lower);
    if (Array.isArray(given)) {
      readArray(given, path, MAX_HEADERS).forEach((element, at) => {
        fields.push(textField(name, readText(element, `${path}[${at}]`), `${path}[${at}]`));
      });
    } else {
      if (typeof given !== "string") {
        throw new MessageError(path, `is ${describe(given)}, not a string or an array of strings`);
      }
      fields.push(textField(name, given, path));
    }
    if (fields.length > MAX_HEADERS) throw new MessageError(field, `has more than ${MAX_HEADERS} fields`);
  }
  return fields;
}
