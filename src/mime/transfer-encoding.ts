// Content-Transfer-Encoding (RFC 2045 §6): the cheapest form that passes through every server.

import { type Chunk, CR, encodeBase64, encodeInto, LF, LINE_OCTETS, type Piece, viewOf } from "../bytes.ts";
import { MessageError } from "../errors.ts";
import { canonicalText } from "./canonical.ts";
import { MAX_LINE } from "./header.ts";
import { encodeQuotedPrintable } from "./quoted-printable.ts";

export type TransferEncoding = "7bit" | "quoted-printable" | "base64";

/** A body as it goes on the wire: lines with CRLF between them, and no promise of one at the end. */
export interface EncodedBody {
  readonly encoding: TransferEncoding;
  readonly body: Chunk;
}

/** Encodes text. Its lines may end in CRLF, LF or CR; each becomes a line of the message. */
export function encodeText(text: string): EncodedBody {
  const { octets, units, hasNul, longestLine } = canonicalText(text);
  if (!hasNul && octets.length === units && longestLine <= MAX_LINE)
    return { encoding: "7bit", body: octets };
  const limit = base64Length(octets.length);
  // For every octet beyond one for each unit, at least one and a half are escaped, which costs three characters: most
  // text of other scripts than Latin is told without a look at its octets.
  const isDense = octets.length + 3 * (octets.length - units) > limit;
  // RFC 5321 has no NUL and some servers stop at one; base64 shows them none, not even escaped.
  const body = hasNul || isDense ? undefined : encodeQuotedPrintable(octets, limit);
  if (body === undefined) return { encoding: "base64", body: encodeBase64Lines(octets) };
  return { encoding: "quoted-printable", body };
}

/** What `LINE_OCTETS` octets become. */
const LINE_CHARACTERS = 76;
/** Lines done at once: the block and its characters stay in the second-level cache. */
const BLOCK_LINES = 1024;

/** Base64 in lines of 76 characters, without a line end after the last. The octets are read when it is written. */
export function encodeBase64Lines(octets: Uint8Array): Piece {
  return { length: base64Length(octets.length), write: (target) => writeBase64Lines(octets, target) };
}

/** Octets as they are, which are read when they are written. */
export function unencoded(octets: Uint8Array): Piece {
  const { length } = octets;
  return {
    length,
    write: (target) => {
      if (octets.length !== length) throw changed();
      target.set(octets);
    },
  };
}

function writeBase64Lines(octets: Uint8Array, out: Uint8Array): void {
  const view = viewOf(out);
  let line = 0;
  let written = 0;
  for (let from = 0; from < octets.length; from += LINE_OCTETS * BLOCK_LINES) {
    const characters = encodeBase64(octets.subarray(from, from + LINE_OCTETS * BLOCK_LINES));
    const isLast = from + LINE_OCTETS * BLOCK_LINES >= octets.length;
    // The block is written where it ends, without line ends, and its lines then moved forward one by one.
    const ends = Math.ceil(characters.length / LINE_CHARACTERS) - (isLast ? 1 : 0);
    let source = line + 2 * ends;
    written += encodeInto(characters, out.subarray(source)) + 2 * ends;
    for (let end = 0; end < ends; end++) {
      // Eight characters at once, and four. No octets of ASCII are a NaN, which might be changed on its way.
      for (const next = source + LINE_CHARACTERS - 4; source < next; source += 8, line += 8) {
        view.setFloat64(line, view.getFloat64(source, true), true);
      }
      view.setInt32(line, view.getInt32(source, true), true);
      source += 4;
      line += 4;
      out[line++] = CR;
      out[line++] = LF;
    }
  }
  // Memory that was handed on meanwhile is empty, and what stood in ours before would be sent instead.
  if (written !== out.length) throw changed();
}

function changed(): MessageError {
  return new MessageError("attachments", "has content that became longer or shorter before it was sent", {
    hint: "leave octets where they are until the message has been sent, or give a copy",
  });
}

/** How long that many octets become, without a line end after the last. */
export function base64Length(octets: number): number {
  const characters = Math.ceil(octets / 3) * 4;
  return characters + 2 * Math.max(0, Math.ceil(characters / LINE_CHARACTERS) - 1);
}
