// Parameters of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2231).

import { isToken } from "../input.ts";

const PRINTABLE = /^[\x20-\x7e]*$/;
/** A section with its name fits on a line of 76. */
const MAX_SECTION = 48;

/**
 * The units of one parameter, each to be written after a semicolon. A value that is not ASCII comes twice: first as
 * an ASCII approximation for readers that do not know RFC 2231, then whole.
 */
export function formatParameter(name: string, value: string): string[] {
  // "=?" is taken for an encoded-word by many readers, in quotes or not; RFC 2231 says it literally.
  if (PRINTABLE.test(value) && !value.includes("=?")) {
    return [`${name}=${isToken(value) ? value : quote(value)}`];
  }
  const sections = percentEncode(value);
  const [only] = sections;
  const extended =
    sections.length === 1
      ? [`${name}*=utf-8''${only}`]
      : sections.map((section, at) => `${name}*${at}*=${at === 0 ? "utf-8''" : ""}${section}`);
  return [`${name}=${quote(approximate(value))}`, ...extended];
}

function quote(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function approximate(value: string): string {
  return value.replace(/[^\x20-\x7e]/gu, "_").replaceAll("=?", "=_");
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
