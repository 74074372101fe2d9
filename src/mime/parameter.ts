// Parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2231).

import { isToken, PRINTABLE_ASCII, quote } from "../input.ts";

/** A section with its name fits on a line of 76. */
const MAX_SECTION = 48;

/**
 * The units of one parameter, each to be written after a semicolon. A value that is not ASCII is written by RFC 2231
 * alone: beside an ASCII approximation of the same name some readers take the approximation.
 */
export function formatParameter(name: string, value: string): string[] {
  if (PRINTABLE_ASCII.test(value) && !isMisread(value)) {
    return [`${name}=${isToken(value) && !FOR_RFC_2231.test(value) ? value : quote(value)}`];
  }
  const sections = percentEncode(value);
  const [only] = sections;
  return sections.length === 1
    ? [`${name}*=utf-8''${only}`]
    : sections.map((section, at) => `${name}*${at}*=${at === 0 ? "utf-8''" : ""}${section}`);
}

/**
 * A name in ASCII for a file whose own name is not, or `undefined`. It belongs into the `name` of the Content-Type: as
 * a plain `filename` beside the other, Python's email package and others take it for the name itself.
 */
export function asciiFallback(filename: string): string | undefined {
  if (PRINTABLE_ASCII.test(filename)) return undefined;
  const name = filename.replace(/[^\x20-\x7e]/gu, "_");
  return isMisread(name) ? undefined : name;
}

/** Allowed in a token, and some readers that know RFC 2231 end a value at them. */
const FOR_RFC_2231 = /[*'%]/;

/** Readers take "=?" for an encoded-word and '' for RFC 2231, in quotes or not, and strip blanks inside quotes. */
function isMisread(value: string): boolean {
  return value.includes("=?") || value.includes("''") || value.startsWith(" ") || value.endsWith(" ");
}

/** RFC 2231 §4.1: sections cut between characters, so that each is whole UTF-8 by itself. */
function percentEncode(value: string): string[] {
  const sections: string[] = [];
  let section = "";
  for (const character of value) {
    const encoded = percentEncodeCharacter(character);
    if (section.length + encoded.length > MAX_SECTION) {
      sections.push(section);
      section = "";
    }
    section += encoded;
  }
  sections.push(section);
  return sections;
}

function percentEncodeCharacter(character: string): string {
  // RFC 2231 §7: neither "'" nor "*" nor a tspecial stands for itself; encodeURIComponent leaves "'()*".
  return encodeURIComponent(character).replace(
    /['()*]/,
    (kept) => `%${kept.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
