// Content-Transfer-Encoding (RFC 2045 §6): the cheapest form that passes through every server.

import {
  allocate,
  type Chunk,
  CR,
  encodeBase64,
  encodeInside,
  encodeUtf8,
  isAsciiText,
  LF,
  type Piece,
} from "../bytes.ts";
import { CRLF, MAX_LINE } from "./header.ts";

export type TransferEncoding = "7bit" | "quoted-printable" | "base64";

/** A body as it goes on the wire: lines with CRLF between them, and no promise of one at the end. */
export interface EncodedBody {
  readonly encoding: TransferEncoding;
  readonly body: Chunk;
}

/** Encodes text. Its lines may end in CRLF, LF or CR; each becomes a line of the message. */
export function encodeText(text: string): EncodedBody {
  const lines = toCanonicalLines(text);
  const hasNul = lines.includes("\0");
  if (!hasNul && isAsciiText(lines) && hasShortLines(lines)) return { encoding: "7bit", body: lines };
  const octets = encodeInside(lines);
  // RFC 5321 has no NUL and some servers stop at one; base64 shows them none, not even escaped.
  const body = hasNul ? undefined : encodeQuotedPrintable(octets, lines.length, base64Length(octets.length));
  if (body === undefined) return { encoding: "base64", body: encodeBase64Lines(octets) };
  return { encoding: "quoted-printable", body };
}

/** Octets of a line of base64, and the characters they become (RFC 2045 §6.8). */
const LINE_OCTETS = 57;
const LINE_CHARACTERS = 76;
/** Lines done at once: the block and its characters stay in the second-level cache. */
const BLOCK_LINES = 1024;

/** Base64 in lines of 76 characters, without a line end after the last. The octets are read when it is written. */
export function encodeBase64Lines(octets: Uint8Array): Piece {
  return { length: base64Length(octets.length), write: (target) => writeBase64Lines(octets, target) };
}

function writeBase64Lines(octets: Uint8Array, out: Uint8Array): void {
  let line = 0;
  for (let from = 0; from < octets.length; from += LINE_OCTETS * BLOCK_LINES) {
    const characters = encodeBase64(octets.subarray(from, from + LINE_OCTETS * BLOCK_LINES));
    const breaks = Math.ceil(characters.length / LINE_CHARACTERS);
    // The block is written where it ends, without line ends, and its lines then moved forward one by one: a native
    // move for each line takes a third of the time of slicing and joining strings.
    const isLast = from + LINE_OCTETS * BLOCK_LINES >= octets.length;
    let source = line + 2 * (isLast ? breaks - 1 : breaks);
    encoder.encodeInto(characters, out.subarray(source));
    const end = source + characters.length;
    while (source < end) {
      const next = Math.min(source + LINE_CHARACTERS, end);
      out.copyWithin(line, source, next);
      line += next - source;
      source = next;
      if (source < end || !isLast) {
        out[line++] = CR;
        out[line++] = LF;
      }
    }
  }
}

const encoder: { encodeInto(text: string, target: Uint8Array): unknown } = new TextEncoder();

function base64Length(octets: number): number {
  const characters = Math.ceil(octets / 3) * 4;
  return characters + 2 * Math.max(0, Math.ceil(characters / LINE_CHARACTERS) - 1);
}

const ESCAPED = 0;
const LITERAL = 1;
const BLANK = 2;

// RFC 2045 §6.7: what each octet is. CR and LF are not asked for: they are the line ends, and come in pairs.
const KIND: Uint8Array = Uint8Array.from({ length: 256 }, (_, octet) => {
  if (octet === 0x20 || octet === 0x09) return BLANK;
  return octet > 0x20 && octet < 0x7f && octet !== 0x3d ? LITERAL : ESCAPED;
});

const HEX: Uint8Array = encodeUtf8("0123456789ABCDEF");
const EQUALS = 0x3d;
/** A line is 76 characters with the "=" of its soft line break. */
const QP_LINE = 75;

/**
 * Quoted-printable of octets that are `characters` UTF-16 units of text and whose CR and LF are line ends, or
 * `undefined` where it would be longer than `limit`.
 */
function encodeQuotedPrintable(
  octets: Uint8Array,
  characters: number,
  limit: number,
): Uint8Array | undefined {
  // For every octet beyond one for each unit, at least one and a half are escaped, which costs three characters: most
  // text of other scripts than Latin is told without a look at its octets.
  if (octets.length + 3 * (octets.length - characters) > limit) return undefined;
  const out = allocate(limit);
  let length = 0;
  let lineEnd = QP_LINE;
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at] ?? 0;
    if (octet === CR) {
      // What is written beyond the end of `out` is not written; a look at each line is enough.
      if (length > limit) return undefined;
      out[length++] = CR;
      out[length++] = LF;
      at++;
      lineEnd = length + QP_LINE;
      continue;
    }
    const kind = KIND[octet];
    // Servers strip blanks from the ends of lines.
    const isLiteral = kind === LITERAL || (kind === BLANK && at + 1 < octets.length && octets[at + 1] !== CR);
    if (length + (isLiteral ? 1 : 3) > lineEnd) {
      if (length > limit) return undefined;
      out[length++] = EQUALS;
      out[length++] = CR;
      out[length++] = LF;
      lineEnd = length + QP_LINE;
    }
    if (isLiteral) {
      out[length++] = octet;
    } else {
      out[length++] = EQUALS;
      out[length++] = HEX[octet >> 4] ?? 0;
      out[length++] = HEX[octet & 15] ?? 0;
    }
  }
  return length > limit ? undefined : out.subarray(0, length);
}

/** Text with CRLF for every line end: CRLF, LF, and a CR by itself. */
function toCanonicalLines(text: string): string {
  return text.replace(text.includes("\r") ? /\r?\n|\r/g : /\n/g, CRLF);
}

/** By the last line end within each reach: most lines are never looked at. */
function hasShortLines(text: string): boolean {
  for (let begin = 0; text.length - begin > MAX_LINE; ) {
    const end = text.lastIndexOf(CRLF, begin + MAX_LINE);
    if (end < begin) return false;
    begin = end + CRLF.length;
  }
  return true;
}
