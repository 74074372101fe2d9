// The body as DKIM sees it (RFC 6376 §3.4.3, §3.4.4), octet for octet the same wherever the chunks are cut. What is
// not known to be kept yet is counted and not held: a message may be nothing but line ends.

import { CR, LF } from "../bytes.ts";
import { MessageError } from "../errors.ts";

/** The two ways to look at what a relay may have touched: `simple` forgives nothing, `relaxed` white space. */
export type Canonicalization = "simple" | "relaxed";

const SP = 0x20;
const TAB = 0x09;
/** Octets of short runs, which are put together: a view of each would cost more than a copy. */
const BLOCK = 1024;

/** Takes a body in chunks and hands its canonical form on, for the most part as views of them. */
export class CanonicalBody {
  readonly #isRelaxed: boolean;
  readonly #write: (octets: Uint8Array) => void;
  /** Line ends that count as soon as anything follows them. */
  #lineEnds = 0;
  /** White space that counts, as one space, as soon as something follows it on its line. */
  #blank = false;
  #afterCr = false;
  #isEmpty = true;
  #block: Uint8Array = new Uint8Array(BLOCK);
  #used = 0;

  constructor(canonicalization: Canonicalization, write: (octets: Uint8Array) => void) {
    this.#isRelaxed = canonicalization === "relaxed";
    this.#write = write;
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at];
      if (octet === LF) {
        if (!this.#afterCr) throw bareLineEnd("line feed");
        this.#afterCr = false;
        this.#blank = false;
        this.#lineEnds++;
      } else if (this.#afterCr) {
        throw bareLineEnd("carriage return");
      } else if (octet === CR) {
        this.#afterCr = true;
      } else if (this.#isRelaxed && (octet === SP || octet === TAB)) {
        this.#blank = true;
      } else {
        this.#settle();
        const end = this.#endOfRun(chunk, at + 1);
        this.#copy(chunk, at, end);
        at = end - 1;
      }
    }
  }

  /** Both end what is not empty in one line end; an empty body is nothing to `relaxed`, and a line end to `simple`. */
  end(): void {
    if (this.#afterCr) throw bareLineEnd("carriage return");
    this.#lineEnds = this.#isEmpty && this.#isRelaxed ? 0 : 1;
    this.#blank = false;
    this.#settle();
    this.#flush();
  }

  /** Writes what was counted. */
  #settle(): void {
    this.#isEmpty = false;
    for (; this.#lineEnds > 0; this.#lineEnds--) {
      this.#put(CR);
      this.#put(LF);
    }
    if (this.#blank) this.#put(SP);
    this.#blank = false;
  }

  #put(octet: number): void {
    if (this.#used === BLOCK) this.#flush();
    this.#block[this.#used++] = octet;
  }

  #copy(chunk: Uint8Array, from: number, to: number): void {
    if (this.#used + to - from > BLOCK) this.#flush();
    if (to - from > BLOCK) {
      this.#write(chunk.subarray(from, to));
      return;
    }
    const block = this.#block;
    let used = this.#used;
    for (let at = from; at < to; at++) block[used++] = chunk[at] as number;
    this.#used = used;
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#write(this.#block.subarray(0, this.#used));
    // Whoever got the old one may keep it.
    this.#block = new Uint8Array(BLOCK);
    this.#used = 0;
  }

  /**
   * Where the octets from `at` on stop being their own canonical form, looking no further than the chunk: line ends and
   * one space before something that is neither are. Most of a body is one such run, and is copied nowhere.
   */
  #endOfRun(chunk: Uint8Array, from: number): number {
    const { length } = chunk;
    for (let at = from; ; at++) {
      // A large body is little else than this line.
      while (at < length && (chunk[at] as number) > SP) at++;
      if (at === length) return at;
      if (this.#isLiteral(chunk[at])) continue;
      let next = at;
      while (chunk[next] === CR && chunk[next + 1] === LF) next += 2;
      if (chunk[next] === SP) next++;
      if (next === at || !((chunk[next] ?? 0) > SP)) return at;
      at = next;
    }
  }

  #isLiteral(octet: number | undefined): boolean {
    return octet !== CR && octet !== LF && !(this.#isRelaxed && (octet === SP || octet === TAB));
  }
}

/** A verifier, or a relay before it, would read the line end otherwise, and the signature would not hold. */
export function bareLineEnd(which: string): MessageError {
  return new MessageError(
    "content",
    `the message holds a bare ${which}; only CR LF ends a line (RFC 5321 §2.3.8)`,
  );
}
