// Mail data on its way. Through DATA (RFC 5321 §4.5.2) a dot that begins a line is doubled, and a line holding one dot
// ends it all. Through BDAT (RFC 3030 §2) octets are counted and none is changed; but line ends are looked at all the
// same. The state is kept across blocks, for a line may begin at any octet of any block.

import { CR, DOT, HIGH_BITS, join, LF, viewOf } from "../bytes.ts";
import { MessageError } from "../errors.ts";

/** Blocks of this many octets are handed to the wire: enough to keep it busy, few enough to wait for between. */
export const BLOCK = 65_536;

/**
 * How the server knows where the mail data ends: by a `dot`, or by the `count` of its octets. With `octets` they are
 * counted too, and are no lines (RFC 3030 §3).
 */
export type Framing = "dot" | "count" | "octets";

const NOTHING = /* @__PURE__ */ new Uint8Array(0);

const END_OF_LINE = /* @__PURE__ */ Uint8Array.of(CR, LF);
const END_OF_DATA = /* @__PURE__ */ Uint8Array.of(DOT, CR, LF);

export interface Block {
  readonly octets: Uint8Array;
  /** This block ends the mail data: once it is handed over, the server may hold a complete message. */
  readonly last: boolean;
}

/** The mail data of `content`, block by block; the end of data rides in the last one. */
export function* mailData(content: Uint8Array, framing: Framing = "dot"): Generator<Block, void, void> {
  const transparency = new Transparency(framing);
  for (let at = 0; at + BLOCK < content.length; at += BLOCK) {
    yield { octets: transparency.block(content.subarray(at, at + BLOCK)), last: false };
  }
  const tail = content.subarray(Math.max(0, Math.ceil(content.length / BLOCK) - 1) * BLOCK);
  yield { octets: join([transparency.block(tail), transparency.end()]), last: true };
}

/** The mail data of content that is one block, and the end of it. */
export function wholeBlock(content: Uint8Array, framing: Framing): Uint8Array {
  const transparency = new Transparency(framing);
  const block = transparency.block(content);
  const end = transparency.end();
  return end.length === 0 ? block : join([block, end]);
}

/** How many octets there are of `content` where they are counted: with the line end that is missing, if it is. */
export function countOf(content: Uint8Array): number {
  const isEnded = content.length === 0 || content.at(-1) === LF;
  return isEnded ? content.length : content.length + END_OF_LINE.length;
}

export class Transparency {
  readonly #framing: Framing;
  /** Where the next octet stands: at the start of a line, within one, or right behind a CR. */
  #position: "start" | "within" | "cr" = "start";

  constructor(framing: Framing = "dot") {
    this.#framing = framing;
  }

  /** The same for a block that needs no look: see `Blocks`. */
  plain(octets: Uint8Array): Uint8Array {
    if (this.#position === "cr") throw bareLineEnd("carriage return");
    if (octets.length > 0) this.#position = "within";
    return octets;
  }

  /** The octets of one block; through DATA, dots doubled. */
  block(octets: Uint8Array): Uint8Array {
    if (this.#framing === "octets") return octets;
    const parts: Uint8Array[] = [];
    const view = viewOf(octets);
    const lastWord = octets.length - 4;
    let position = this.#position;
    let from = 0;
    for (let at = 0; at < octets.length; at++) {
      if (position === "within") {
        // Nearly all octets are letters or digits within a line: four are passed over at once where none is a control.
        while (at <= lastWord && !hasControl(view.getInt32(at, true))) at += 4;
        if (at === octets.length) break;
      }
      const octet = octets[at] ?? 0;
      if (octet > DOT && position === "within") continue;
      if (octet === LF) {
        if (position !== "cr") throw bareLineEnd("line feed");
        position = "start";
      } else if (position === "cr") {
        throw bareLineEnd("carriage return");
      } else if (octet === CR) {
        position = "cr";
      } else {
        if (octet === DOT && position === "start" && this.#framing === "dot") {
          parts.push(octets.subarray(from, at), DOUBLED);
          from = at;
        }
        position = "within";
      }
    }
    this.#position = position;
    if (parts.length === 0) return octets;
    parts.push(octets.subarray(from));
    return join(parts);
  }

  /** What ends the mail data: the line end that is missing, if it is, and through DATA the dot. */
  end(): Uint8Array {
    if (this.#position === "cr") throw bareLineEnd("carriage return");
    const end = this.#framing === "dot" ? END_OF_DATA : NOTHING;
    return this.#position === "start" ? end : join([END_OF_LINE, end]);
  }
}

const DOUBLED = /* @__PURE__ */ Uint8Array.of(DOT);

/** Whether any of four octets is below the space. Above one that is, others may be taken for one: they are looked at. */
function hasControl(word: number): boolean {
  return ((word - 0x20202020) & ~word & HIGH_BITS) !== 0;
}

// Servers disagree on what a bare CR or LF is, and what one reads as text another reads as the end of the message
// with commands behind it. None leaves.
function bareLineEnd(which: string): MessageError {
  return new MessageError(
    "content",
    `the message holds a bare ${which}; only CR LF ends a line (RFC 5321 §2.3.8)`,
  );
}
