// Quoted-printable (RFC 2045 §6.7) of text in canonical form.

import { CR, encodeUtf8, firstMarked, HIGH_BITS, keep, LF, reserve, viewOf } from "../bytes.ts";

const HEX: Uint8Array = /* @__PURE__ */ encodeUtf8("0123456789ABCDEF");
const EQUALS = 0x3d;
const TAB = 0x09;
const SPACE = 0x20;
/** A line is 76 characters with the "=" of its soft line break. */
const LINE = 75;
/** What is written between two looks at the limit: a line, with an escaped blank and a soft line break. */
const SLACK = 96;

/** The octets encoded, or `undefined` where that would take more than `limit` octets. CR and LF come as line ends. */
export function encodeQuotedPrintable(octets: Uint8Array, limit: number): Uint8Array | undefined {
  const room = reserve(limit + SLACK);
  const { octets: encoded, view: target, from } = room;
  const source = viewOf(octets);
  const end = octets.length;
  const outEnd = from + limit;
  let at = 0;
  let out = from;
  let lineEnd = from + LINE;
  while (out <= outEnd) {
    if (at + 4 <= end && out + 4 <= lineEnd) {
      const four = source.getInt32(at, true);
      target.setInt32(out, four, true);
      const marks = marksOf(four);
      if (marks === 0) {
        at += 4;
        out += 4;
        continue;
      }
      const kept = firstMarked(marks);
      at += kept;
      out += kept;
    }
    const octet = octets[at] ?? CR;
    if (octet === CR) {
      // Servers strip blanks from the ends of lines.
      const last = encoded[out - 1];
      if (out > from && (last === SPACE || last === TAB)) {
        if (--out + 3 > lineEnd) out = breakSoftly(encoded, out);
        out = writeEscaped(last, encoded, out);
      }
      if (at >= end) return out > outEnd ? undefined : keep(room, out - from);
      encoded[out++] = CR;
      encoded[out++] = LF;
      lineEnd = out + LINE;
      at += 2;
      continue;
    }
    const isLiteral = octet === TAB || (octet >= SPACE && octet < 0x7f && octet !== EQUALS);
    if (out + (isLiteral ? 1 : 3) > lineEnd) {
      out = breakSoftly(encoded, out);
      lineEnd = out + LINE;
    }
    if (isLiteral) encoded[out++] = octet;
    else out = writeEscaped(octet, encoded, out);
    at++;
  }
  return undefined;
}

/** The highest bit of the first octet of four that may not stand for itself: a control, "=", DEL, or beyond ASCII. */
function marksOf(four: number): number {
  const equals = four ^ 0x3d3d3d3d;
  const controls = (four - 0x20202020) & ~four;
  return (controls | ((equals - 0x01010101) & ~equals) | (four + 0x01010101) | four) & HIGH_BITS;
}

function breakSoftly(encoded: Uint8Array, out: number): number {
  encoded[out] = EQUALS;
  encoded[out + 1] = CR;
  encoded[out + 2] = LF;
  return out + 3;
}

function writeEscaped(octet: number, encoded: Uint8Array, out: number): number {
  encoded[out] = EQUALS;
  encoded[out + 1] = HEX[octet >> 4] ?? 0;
  encoded[out + 2] = HEX[octet & 15] ?? 0;
  return out + 3;
}
