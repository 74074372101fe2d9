// The one place that makes header fields (RFC 5322 §2.2). What goes in is checked, and everything that a line is made
// of is checked again after encoding: whatever went wrong before, no field gains a line.

import type { ParsedMailbox } from "../address.ts";
import { encodeUtf8 } from "../bytes.ts";
import { MessageError } from "../errors.ts";
import { codePoint, hasControls, MAX_LINE, PRINTABLE_ASCII, quote, refuseHalfPairs } from "../input.ts";
import { encodeWords, MAX_ENCODED_WORD, MIN_ENCODED_WORD } from "./encoded-word.ts";

export { MAX_LINE };

export const CRLF = "\r\n";
/** RFC 5322 §2.1.1 asks for 78, RFC 2047 §2 for 76 in a line with an encoded-word. */
const PREFERRED_LINE = 76;
/** A name, its colon and a space still fit on a preferred line. */
const MAX_FIELD_NAME = 74;
/** A longer display name is encoded, which folds it; a quoted-string is one unit. */
const MAX_PLAIN_NAME = 250;

/** A field of free text, such as Subject: as it is where it can be, in encoded-words where it cannot. */
export function unstructuredField(name: string, value: string, path: string): string {
  checkFieldName(name, path);
  if (PRINTABLE_ASCII.test(value) && !needsEncoding(value)) {
    if (value === "") return emit(`${name}:`, path);
    if (name.length + 2 + value.length <= PREFERRED_LINE) return emit(`${name}: ${value}`, path);
    // A line is broken before the first space of a run, so that no line is blank and every space survives.
    const units = value.split(/(?<! ) /);
    if (name.length + 2 + longest(units) <= MAX_LINE) return fold(name, units, path);
  }
  checkFieldText(value, path);
  return fold(name, encodeWords(value, firstRoom(name)), path);
}

/** A field whose value is given whole and means something to machines: it is folded at its spaces, never encoded. */
export function literalField(name: string, value: string, path: string): string {
  checkFieldName(name, path);
  if (!PRINTABLE_ASCII.test(value)) {
    checkFieldText(value, path);
    throw new MessageError(path, "is not ASCII, and cannot be encoded in this field (RFC 2047 §5)");
  }
  // Blanks at an end would be a line of nothing else once the field is folded.
  if (value === "" || value.startsWith(" ") || value.endsWith(" ")) {
    throw new MessageError(path, "is empty, or has blanks around it, which readers would take off");
  }
  return fold(name, value.split(/(?<! ) /), path);
}

/** A field of mailboxes, such as To; the list is empty where the field is to be left out. */
export function mailboxField(name: string, mailboxes: readonly ParsedMailbox[], path: string): string {
  if (mailboxes.length === 0) return "";
  const units: string[] = [];
  let room = firstRoom(name);
  let left = mailboxes.length;
  let charset: Charset = "ascii";
  for (const mailbox of mailboxes) {
    const separator = --left > 0 ? "," : "";
    if (mailbox.name === undefined) {
      units.push(mailbox.address + separator);
    } else {
      units.push(...phrase(mailbox.name, room), `<${mailbox.address}>${separator}`);
    }
    if (mailbox.utf8) charset = "utf-8";
    room = MAX_ENCODED_WORD;
  }
  return fold(name, units, path, charset);
}

/** A field of phrases with commas between them, and `value` behind them; either may be empty. */
export function phraseField(name: string, phrases: readonly string[], value: string, path: string): string {
  const units: string[] = [];
  let left = phrases.length;
  for (const one of phrases) {
    const words = phrase(one, units.length === 0 ? firstRoom(name) : MAX_ENCODED_WORD);
    const last = words.pop() ?? "";
    units.push(...words);
    // RFC 2047 §5 (3): an encoded-word stands apart from a comma.
    if (--left === 0) units.push(last);
    else if (last.startsWith("=?")) units.push(last, ",");
    else units.push(`${last},`);
  }
  if (value !== "") units.push(value);
  return fold(name, units, path);
}

/** A field of ASCII units that may be folded between any two of them, such as `a/b;` and `c=d`. */
export function structuredField(name: string, units: readonly string[], path: string): string {
  return fold(name, units, path);
}

const FIELD_NAME = /^[!-9;-~]+$/;

/** Refuses a name that is not a field name (RFC 5322 §2.2); `path` is what the error names. */
function checkFieldName(name: string, path: string): void {
  if (name.length > MAX_FIELD_NAME) {
    throw new MessageError(path, `is a field name of more than ${MAX_FIELD_NAME} characters`);
  }
  if (!FIELD_NAME.test(name)) {
    throw new MessageError(path, "is not a field name: visible ASCII without a colon (RFC 5322 §2.2)");
  }
}

// C0 and DEL. TAB too: folding would have to tell it from a space, and a reader may turn either into the other.
const HEADER_CONTROL = /[\x00-\x1f\x7f]/;

/** Refuses text that cannot be the value of a field. */
function checkFieldText(value: string, path: string): void {
  const control = HEADER_CONTROL.exec(value);
  if (control !== null) {
    throw new MessageError(path, `holds the control character ${codePoint(control[0])}`, {
      hint: "a header field is one line of text; lines are folded when the message is composed",
    });
  }
  refuseHalfPairs(value, path);
}

// RFC 5322 §3.2.3: atoms, and single spaces between them.
const PHRASE_OF_ATOMS = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;

/** A display name: atoms, a quoted-string, or bare encoded-words, which inside quotes would be read as they stand. */
function phrase(name: string, room: number): string[] {
  if (name.length > MAX_PLAIN_NAME || name.includes("=?")) return encodeWords(name, room);
  if (PHRASE_OF_ATOMS.test(name)) return [name];
  if (!PRINTABLE_ASCII.test(name)) return encodeWords(name, room);
  return [quote(name)];
}

/** Whether text of printable ASCII would be read otherwise than it stands: as an encoded-word, or trimmed. */
function needsEncoding(value: string): boolean {
  return value.startsWith(" ") || value.endsWith(" ") || value.includes("=?");
}

function firstRoom(name: string): number {
  const room = PREFERRED_LINE - name.length - 2;
  return room < MIN_ENCODED_WORD ? MAX_ENCODED_WORD : Math.min(room, MAX_ENCODED_WORD);
}

function longest(units: readonly string[]): number {
  return units.reduce((length, unit) => Math.max(length, unit.length), 0);
}

/** A field of units, broken between them where it does not fit on a line (RFC 5322 §2.2.3). */
function fold(name: string, units: readonly string[], path: string, charset: Charset = "ascii"): string {
  const begin = `${name}:`;
  let field = "";
  let line = begin;
  for (const unit of units) {
    guard(unit, path, charset);
    if (
      line.length + 1 + unit.length > PREFERRED_LINE &&
      line !== "" &&
      isBroken(line, unit, line !== begin)
    ) {
      field += emit(line, path, charset);
      line = "";
    }
    line += ` ${unit}`;
  }
  return field + emit(line, path, charset);
}

/**
 * Whether a line that grows too long ends before `unit`. RFC 2047 §2 gives no choice where there is an encoded-word.
 * Otherwise a unit too long for any preferred line stays where it is; so does what stands first, for some readers lose
 * a value, and a Message-ID above all, that does not begin on the line of its name.
 */
function isBroken(line: string, unit: string, isBegun: boolean): boolean {
  if (line.length + 1 + unit.length > MAX_LINE || line.includes("=?") || unit.startsWith("=?")) return true;
  return isBegun && unit.length < PREFERRED_LINE;
}

type Charset = "ascii" | "utf-8";

/**
 * The last line of defence: looks at what is written, beside names and blanks. At the units and not the line they make:
 * to make one string of that, to look at it, costs three times the look.
 */
function guard(unit: string, path: string, charset: Charset): void {
  if (charset === "utf-8" ? hasControls(unit) : !PRINTABLE_ASCII.test(unit)) {
    throw new MessageError(path, "would put a control or non-ASCII character into the header section");
  }
}

/** A line as it leaves. */
function emit(line: string, path: string, charset: Charset = "ascii"): string {
  if ((charset === "utf-8" ? encodeUtf8(line).length : line.length) > MAX_LINE) {
    throw new MessageError(path, `would make a line of more than ${MAX_LINE} octets (RFC 5322 §2.1.1)`);
  }
  return line + CRLF;
}
