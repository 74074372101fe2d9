// Text as the octets of lines that end in CRLF, which every transfer encoding begins with (RFC 2045 §2.1).

import { CR, encodeInto, firstMarked, HIGH_BITS, keep, LF, reserve } from "../bytes.ts";

/** Text in UTF-8, with CRLF for every line end. */
export interface CanonicalText {
  readonly octets: Uint8Array;
  /** How many UTF-16 units it is. */
  readonly units: number;
  readonly hasNul: boolean;
  /** Octets in its longest line, without the CRLF. */
  readonly longestLine: number;
}

/** In each octet one more than CR: what is less is a line end, a NUL or a tab, and rare. */
const BEYOND_CR = 0x0e0e0e0e;

/** Lines may end in CRLF, LF or CR; each becomes a line of the message. */
export function canonicalText(text: string): CanonicalText {
  // Each unit becomes three octets at most (RFC 3629 §3), or, if it is a line end, two. The text is put behind as much
  // room as its line ends may take, and its lines are moved forward one by one.
  const room = reserve(4 * text.length + 4);
  const { octets, view, from } = room;
  let at = from + text.length + 4;
  const length = encodeInto(text, octets.subarray(at));
  const end = at + length;
  let out = from;
  let lineStart = from;
  let longestLine = 0;
  let hasNul = false;
  for (;;) {
    // Two looks in a round take a tenth less than one: most of a text is passed over here.
    while (at + 8 <= end) {
      const four = view.getInt32(at, true);
      const next = view.getInt32(at + 4, true);
      if (((((four - BEYOND_CR) & ~four) | ((next - BEYOND_CR) & ~next)) & HIGH_BITS) !== 0) break;
      view.setInt32(out, four, true);
      view.setInt32(out + 4, next, true);
      at += 8;
      out += 8;
    }
    if (at + 4 <= end) {
      const four = view.getInt32(at, true);
      view.setInt32(out, four, true);
      const controls = (four - BEYOND_CR) & ~four & HIGH_BITS;
      if (controls === 0) {
        at += 4;
        out += 4;
        continue;
      }
      const before = firstMarked(controls);
      at += before;
      out += before;
    }
    if (at >= end) break;
    const octet = octets[at++];
    if (octet === CR || octet === LF) {
      if (octet === CR && octets[at] === LF && at < end) at++;
      longestLine = Math.max(longestLine, out - lineStart);
      octets[out++] = CR;
      octets[out++] = LF;
      lineStart = out;
    } else {
      if (octet === 0) hasNul = true;
      octets[out++] = octet ?? 0;
    }
  }
  longestLine = Math.max(longestLine, out - lineStart);
  const kept = out - from;
  return { octets: keep(room, kept), units: text.length + kept - length, hasNul, longestLine };
}
