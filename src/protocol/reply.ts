// Octets to replies (RFC 5321 §4.2). The parser is pulled: nothing behind the reply that was asked for is read,
// so that whoever acts on a reply can see whether anything trails it.

import { CR, concat, decodeText, LF } from "../bytes.ts";
import { escapeText, ProtocolError, type Reply } from "../errors.ts";

/** RFC 5321 §4.5.3.1.5 allows 512 octets; servers with long policy texts exceed it, 2,048 is what Postfix reads. */
export const MAX_REPLY_LINE = 2_048;
/** An EHLO reply has some 20 lines; a thousand is no answer to anything. */
export const MAX_REPLY_LINES = 1_000;
/** What one reply may hold in memory, whatever its lines are. */
export const MAX_REPLY_OCTETS = 131_072;

const NOTHING = new Uint8Array(0);

export class ReplyParser {
  #buffer: Uint8Array = NOTHING;
  #at = 0;
  #lines: string[] = [];
  #octets = 0;
  #code = "";
  readonly #mask: (text: string) => string;

  /** `mask` is applied to what an error shows of the octets. */
  constructor(mask: (text: string) => string = (text) => text) {
    this.#mask = mask;
  }

  push(octets: Uint8Array): void {
    this.#buffer = this.#rest.length === 0 ? octets : concat([this.#rest, octets]);
    this.#at = 0;
  }

  /** Nothing is waiting: neither octets nor the first lines of a reply. */
  get isEmpty(): boolean {
    return this.#at === this.#buffer.length && this.#lines.length === 0;
  }

  /** Whether what is waiting is, or may still become, a reply of this code. */
  mayBe(code: string): boolean {
    return this.#lines.length === 0 && code.startsWith(decodeText(this.#rest.subarray(0, code.length)));
  }

  /** Takes one whole reply, or nothing where it has not all arrived. */
  next(): Reply | undefined {
    for (;;) {
      const end = this.#buffer.indexOf(LF, this.#at);
      const length = (end < 0 ? this.#buffer.length : end + 1) - this.#at;
      if (length > MAX_REPLY_LINE) {
        throw this.#fault(
          "reply_too_long",
          `a reply line is longer than ${MAX_REPLY_LINE} octets`,
          this.#rest,
        );
      }
      if (end < 0) return undefined;
      const line = this.#buffer.subarray(this.#at, end + 1);
      this.#at = end + 1;
      const reply = this.#takeLine(line);
      if (reply !== undefined) return reply;
    }
  }

  get #rest(): Uint8Array {
    return this.#buffer.subarray(this.#at);
  }

  #takeLine(line: Uint8Array): Reply | undefined {
    // RFC 5321 §2.3.8: only CR LF ends a line. A bare LF is refused rather than guessed at.
    if (line[line.length - 2] !== CR)
      throw this.#fault("invalid_reply", "a reply line ends in a bare line feed", line);
    if (line.includes(0)) throw this.#fault("invalid_reply", "a reply line holds a NUL", line);
    const text = decodeText(line.subarray(0, -2));
    const code = text.slice(0, 3);
    const separator = text[3];
    // RFC 5321 §4.2: three digits, the first of 2 to 5; then a hyphen, a space, or (tolerated there) nothing.
    if (!REPLY_CODE.test(code) || (separator !== undefined && separator !== " " && separator !== "-")) {
      throw this.#fault("invalid_reply", "this is no reply: it does not begin with a reply code", line);
    }
    if (this.#lines.length > 0 && code !== this.#code) {
      throw this.#fault("invalid_reply", `a reply that began with ${this.#code} goes on with ${code}`, line);
    }
    this.#code = code;
    this.#lines.push(text.slice(4));
    this.#octets += line.length;
    if (this.#lines.length > MAX_REPLY_LINES || this.#octets > MAX_REPLY_OCTETS) {
      throw this.#fault(
        "reply_too_long",
        `a reply is longer than ${MAX_REPLY_LINES} lines or ${MAX_REPLY_OCTETS} octets`,
        line,
      );
    }
    if (separator === "-") return undefined;
    const lines = this.#lines;
    this.#lines = [];
    this.#octets = 0;
    return reply(Number(code), lines);
  }

  #fault(code: "invalid_reply" | "reply_too_long", message: string, octets: Uint8Array): ProtocolError {
    const excerpt = escapeText(this.#mask(decodeText(octets)).slice(0, MAX_EXCERPT));
    return new ProtocolError(message, { code, excerpt });
  }
}

/** What an error shows of a line, in characters: enough to tell an HTTP server from a broken one. */
const MAX_EXCERPT = 200;

const REPLY_CODE = /^[2-5][0-9][0-9]$/;
const ENHANCED_STATUS = /^([245])\.\d{1,3}\.\d{1,3}(?= |$)/;

function reply(code: number, lines: readonly string[]): Reply {
  const status = ENHANCED_STATUS.exec(lines[0] ?? "");
  // RFC 2034 §4: the class must be the reply code's own; where the two disagree the reply code counts.
  return status?.[1] === String(Math.floor(code / 100))
    ? { code, enhancedStatus: status[0], lines }
    : { code, lines };
}
