// A message that comes in chunks, parted at its first empty line (RFC 5322 §2.1).

import { CR, decodeLatin1, LF } from "../bytes.ts";
import { MessageError } from "../errors.ts";
import { describe } from "../input.ts";
import { CRLF } from "../mime/header.ts";
import type { CanonicalBody } from "./body.ts";

/** Octets; a section is held until it is whole, and no server takes a tenth of this. */
const MAX_HEADER_SECTION = 4_194_304;

/** Keeps the header section and passes the body on. */
export class ContentReader {
  readonly #body: CanonicalBody;
  #section = "";
  /** How much of CR LF CR LF has been seen; before the first octet a line has just ended. */
  #seen = 2;

  constructor(body: CanonicalBody) {
    this.#body = body;
  }

  push(chunk: Uint8Array): void {
    if (!(chunk instanceof Uint8Array)) {
      throw new MessageError("content", `is in part ${describe(chunk)}, not octets`);
    }
    let at = 0;
    let seen = this.#seen;
    for (; at < chunk.length && seen < 4; at++) {
      const octet = chunk[at];
      seen = octet === (seen % 2 === 0 ? CR : LF) ? seen + 1 : octet === CR ? 1 : 0;
    }
    this.#seen = seen;
    if (at > 0) this.#keep(chunk.subarray(0, at));
    if (at < chunk.length) this.#body.push(chunk.subarray(at));
  }

  /** Ends the body, and returns the header section, a character for each octet. */
  end(): string {
    this.#body.end();
    return this.#seen < 4 ? this.#section : this.#section.slice(0, -CRLF.length);
  }

  #keep(octets: Uint8Array): void {
    this.#section += decodeLatin1(octets);
    if (this.#section.length > MAX_HEADER_SECTION) {
      throw new MessageError("content", `has a header section of more than ${MAX_HEADER_SECTION} octets`);
    }
  }
}
