// A message that was composed elsewhere, to be sent or attached as it stands. Its octets are checked and never
// mended: what two readers would read differently is refused. RFC 5322 §2 and §3.6.

import { CR, decodeText, encodeUtf8, isAscii, LF, utf8Length } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import { codePoint, describe, MAX_LINE, refuseHalfPairs } from "./input.ts";

/** A message that has passed the checks. */
export interface Prebuilt {
  /** How errors name it. */
  readonly path: string;
  /** In memory of its own: what was checked is what is sent. */
  readonly octets: Uint8Array;
  /** The values of its fields by name in lower case. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** Whether its header section is not ASCII, which takes a server with SMTPUTF8 (RFC 6532). */
  readonly utf8: boolean;
  /** Whether its body is not ASCII, which takes a server with 8BITMIME (RFC 6152). */
  readonly eightBit: boolean;
}

/** Reads a message from text or octets. With `normalize`, each CR or LF by itself becomes a whole line end. */
export function readPrebuilt(
  content: unknown,
  path: string,
  { normalize }: { readonly normalize: boolean },
): Prebuilt {
  const given = ownOctets(content, path);
  const octets = normalize ? withWholeLineEnds(given) : given;
  const { bodyAt, eightBit } = checkLines(octets, path);
  const section = octets.subarray(0, bodyAt);
  const text = decodeText(section);
  if (utf8Length(text) !== section.length)
    throw new MessageError(path, "has a header section that is not UTF-8");
  const fields = readFields(text, path);
  for (const name of HIDDEN) {
    if (!fields.has(name)) continue;
    throw new MessageError(path, `has a field ${name}, which would show who it hides`, {
      hint: "take it out; those whom a message in raw is to reach are named in envelope.to",
    });
  }
  return { path, octets, fields, utf8: !isAscii(section), eightBit };
}

const HIDDEN = ["bcc", "resent-bcc"];

function ownOctets(content: unknown, path: string): Uint8Array {
  if (content instanceof Uint8Array) return new Uint8Array(content);
  if (typeof content !== "string") {
    throw new MessageError(path, `is ${describe(content)}, not a string or Uint8Array`, {
      hint: "a message is checked before it is sent, and has to be in memory for that",
    });
  }
  refuseHalfPairs(content, path);
  return encodeUtf8(content);
}

function withWholeLineEnds(octets: Uint8Array): Uint8Array {
  const out = new Uint8Array(octets.length * 2);
  let length = 0;
  let before = 0;
  for (const octet of octets) {
    if (octet !== CR && octet !== LF) {
      out[length++] = octet;
    } else if (octet !== LF || before !== CR) {
      out[length++] = CR;
      out[length++] = LF;
    }
    before = octet;
  }
  return out.slice(0, length);
}

/** Checks every line, and returns where the body begins, and whether it is not ASCII. */
function checkLines(
  octets: Uint8Array,
  path: string,
): { readonly bodyAt: number; readonly eightBit: boolean } {
  let bodyAt = 0;
  let begin = 0;
  let bits = 0;
  for (let at = 0; at <= octets.length; at++) {
    // The last line ends where the octets do.
    const octet = octets[at] ?? CR;
    if (octet > CR) {
      bits |= octet;
      continue;
    }
    if (octet === 0) throw new MessageError(path, "holds a NUL, which no message may (RFC 5322 §4)");
    if (octet === LF || (octet === CR && at < octets.length && octets[at + 1] !== LF)) {
      throw new MessageError(path, `has a ${octet === LF ? "LF" : "CR"} that is not part of a CRLF`, {
        hint: 'end every line in CRLF; for a whole message in raw, lineEnds: "normalize" does it',
      });
    }
    if (octet !== CR) continue;
    if (at - begin > MAX_LINE) {
      throw new MessageError(path, `has a line of more than ${MAX_LINE} octets (RFC 5322 §2.1.1)`);
    }
    if (bodyAt === 0 && at === begin && at < octets.length) {
      bodyAt = at + 2;
      bits = 0;
    }
    at++;
    begin = at + 1;
  }
  if (bodyAt === 0) {
    throw new MessageError(path, "has no blank line after its header section", {
      hint: "write the fields, a blank line, and the body, which may be empty",
    });
  }
  return { bodyAt, eightBit: bits > 0x7f };
}

// C0 but for TAB and the line ends, and DEL: some readers take VT or FF for a line end.
const HEADER_CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const FIELD = /^([!-9;-~]+):(.*)$/s;

function readFields(section: string, path: string): Map<string, string[]> {
  const control = HEADER_CONTROL.exec(section);
  if (control !== null) {
    throw new MessageError(
      path,
      `holds the control character ${codePoint(control[0])} in its header section`,
    );
  }
  const fields = new Map<string, string[]>();
  let values: string[] = [];
  // The section ends in the line end of its last field, and the blank line.
  const lines = section.split(/\r?\n/).slice(0, -2);
  for (const [at, line] of lines.entries()) {
    if (/^[ \t]+[^ \t]/.test(line) && values.length > 0) {
      values.push(values.pop() + line);
      continue;
    }
    const [, name = "", value = ""] = FIELD.exec(line) ?? [];
    if (name === "") {
      throw new MessageError(path, `has a header section whose line ${at + 1} is not of a field`, {
        hint: line.startsWith("From ")
          ? 'leave out the line "From …" that a mailbox file puts before a message'
          : 'write each field as "Name: value", its further lines with a space before them',
      });
    }
    const key = name.toLowerCase();
    values = fields.get(key) ?? [];
    fields.set(key, values);
    values.push(value);
  }
  if (fields.size === 0) throw new MessageError(path, "has no header section");
  return fields;
}

/** What is said of a message that is to go as it stands, and needs more than it was allowed. */
export function eightBitError({ path }: Prebuilt): MessageError {
  return new MessageError(path, "has a body with octets above 127, which not every server takes", {
    hint: "allow them with eightBit, encode its parts, or attach it as application/octet-stream",
  });
}
