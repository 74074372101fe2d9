// JSON for a header field (RFC 8259): ASCII alone, and with a blank wherever a line of it may end, so that the field is
// folded there (RFC 5322 §2.2.3) and is the same text once it is unfolded, by whoever unfolds it.

import { MessageError } from "../errors.ts";
import { escapeText } from "../excerpt.ts";
import { refuseHalfPairs } from "../input.ts";

export type Json = string | number | boolean | readonly Json[] | ReadonlyMap<string, Json>;

/**
 * Octets without a blank: a line has 998 (RFC 5322 §2.1.1), and the name of the field, quotes and brackets are on it
 * too. JSON has no way to break a string.
 */
const MAX_WORD = 950;
/** How errors name what stands in `path` by a name of the caller's. */
export function member(path: string, name: string): string {
  return `${path}["${escapeText(name.slice(0, 80))}"]`;
}

/** The JSON text of a value; `path` is what errors name. */
export function writeJson(value: Json, path: string): string {
  if (typeof value === "string") return writeText(value, path);
  if (typeof value !== "object") return String(value);
  if (isList(value)) return `[${value.map((one, at) => writeJson(one, `${path}[${at}]`)).join(", ")}]`;
  const members: string[] = [];
  for (const [name, one] of value) {
    const at = member(path, name);
    members.push(`${writeText(name, at)}: ${writeJson(one, at)}`);
  }
  return `{${members.join(", ")}}`;
}

function isList(value: readonly Json[] | ReadonlyMap<string, Json>): value is readonly Json[] {
  return Array.isArray(value);
}

// What is not printable ASCII; the second of two blanks, for some make one of them when they unfold; and the question
// mark that would begin an encoded-word (RFC 2047 §2), which readers decode and our own composer would encode.
const ESCAPED = /[^\x20-\x7e]|(?<= ) |(?<==)\?/g;

// From the beginning of a word on: one that is long enough is not read again from each of its letters.
const TOO_LONG = new RegExp(`(?<![^ ])[^ ]{${MAX_WORD + 1}}`);

function writeText(text: string, path: string): string {
  refuseHalfPairs(text, path);
  const written = JSON.stringify(text).replace(
    ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (!TOO_LONG.test(written)) return written;
  throw new MessageError(
    path,
    `has more than ${MAX_WORD} characters without a blank, as it is written in ASCII`,
    {
      hint: "a header field can be folded at blanks only; a character that is not ASCII is written as six or twelve",
    },
  );
}
