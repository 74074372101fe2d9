// Octets to replies (RFC 5321 §4.2). The parser is pulled: nothing behind the reply that was asked for is read,
// so that whoever acts on a reply can see whether anything trails it.

import { decodeLatin1, decodeText, encodeLatin1, isAsciiText } from "../bytes.ts";
import { ProtocolError, type Reply } from "../errors.ts";
import { escapeText } from "../excerpt.ts";

/** RFC 5321 §4.5.3.1.5 allows 512 octets; servers with long policy texts exceed it, 2,048 is what Postfix reads. */
export const MAX_REPLY_LINE = 2_048;
/** An EHLO reply has some 20 lines; a thousand is no answer to anything. */
export const MAX_REPLY_LINES = 1_000;
/** What one reply may hold in memory, whatever its lines are. */
export const MAX_REPLY_OCTETS = 131_072;

export class ReplyParser {
  /** What has not been taken yet, a character for each octet: one decoding for each chunk and none for each line. */
  #rest = "";
  #lines: string[] = [];
  #octets = 0;
  #code = "";
  readonly #mask: (text: string) => string;

  /** `mask` is applied to what an error shows of the octets. */
  constructor(mask: (text: string) => string = (text) => text) {
    this.#mask = mask;
  }

  push(octets: Uint8Array): void {
    this.#rest += decodeLatin1(octets);
  }

  /** Nothing is waiting: neither octets nor the first lines of a reply. */
  get isEmpty(): boolean {
    return this.#rest === "" && this.#lines.length === 0;
  }

  /** Whether what is waiting is, or may still become, a reply of this code. */
  mayBe(code: string): boolean {
    return this.#lines.length === 0 && code.startsWith(this.#rest.slice(0, code.length));
  }

  /** Whether what is waiting is, or may still become, a refusal. */
  get mayRefuse(): boolean {
    return this.mayBe("4") || this.mayBe("5");
  }

  /** Takes one whole reply, or nothing where it has not all arrived. */
  next(): Reply | undefined {
    for (;;) {
      const end = this.#rest.indexOf(LINE_FEED);
      if ((end < 0 ? this.#rest.length : end + 1) > MAX_REPLY_LINE) {
        throw this.#fault(
          "reply_too_long",
          `a reply line is longer than ${MAX_REPLY_LINE} octets`,
          this.#rest.slice(0, MAX_REPLY_LINE),
        );
      }
      if (end < 0) return undefined;
      const line = this.#rest.slice(0, end + 1);
      this.#rest = this.#rest.slice(end + 1);
      const reply = this.#takeLine(line);
      if (reply !== undefined) return reply;
    }
  }

  #takeLine(line: string): Reply | undefined {
    // RFC 5321 §2.3.8: only CR LF ends a line. A bare LF is refused rather than guessed at.
    if (line.at(-2) !== "\r")
      throw this.#fault("invalid_reply", "a reply line ends in a bare line feed", line);
    if (line.includes("\0")) throw this.#fault("invalid_reply", "a reply line holds a NUL", line);
    const code = line.slice(0, 3);
    const separator = line.length === BARE_LINE ? " " : line[3];
    // RFC 5321 §4.2: three digits, the first of 2 to 5; then a hyphen, a space, or (tolerated there) nothing.
    if (!REPLY_CODE.test(code) || (separator !== " " && separator !== "-")) {
      throw this.#fault("invalid_reply", "this is no reply: it does not begin with a reply code", line);
    }
    if (this.#lines.length > 0 && code !== this.#code) {
      throw this.#fault("invalid_reply", `a reply that began with ${this.#code} goes on with ${code}`, line);
    }
    this.#code = code;
    this.#lines.push(readText(line.slice(4, -2)));
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

  #fault(code: "invalid_reply" | "reply_too_long", message: string, line: string): ProtocolError {
    const excerpt = escapeText(this.#mask(readText(line)).slice(0, MAX_EXCERPT));
    return new ProtocolError(message, { code, excerpt });
  }
}

/** What an error shows of a line, in characters: enough to tell an HTTP server from a broken one. */
const MAX_EXCERPT = 200;

const LINE_FEED = "\n";

/** The length of a line that is a code and its line end. */
const BARE_LINE = 5;

/** Octets beyond ASCII are UTF-8 where they can be, else Latin-1, which is what they have been read as. */
function readText(characters: string): string {
  return isAsciiText(characters) ? characters : decodeText(encodeLatin1(characters));
}

const REPLY_CODE = /^[2-5][0-9][0-9]$/;
const ENHANCED_STATUS = /^([245])\.\d{1,3}\.\d{1,3}(?= |$)/;

function reply(code: number, lines: readonly string[]): Reply {
  const status = ENHANCED_STATUS.exec(lines[0] ?? "");
  // RFC 2034 §4: the class must be the reply code's own; where the two disagree the reply code counts.
  return status?.[1] === String(Math.floor(code / 100))
    ? { code, enhancedStatus: status[0], lines }
    : { code, lines };
}
