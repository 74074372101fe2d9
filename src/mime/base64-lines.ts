// Base64 in lines (RFC 2045 §6.8) of octets that come in pieces of any size: the state machine between them.

import { BASE64_BLOCK, encodeLatin1, joinAlone } from "../bytes.ts";
import { CRLF } from "./header.ts";
import { encodeBase64Lines } from "./transfer-encoding.ts";

const LINE_END = /* @__PURE__ */ encodeLatin1(CRLF);
const NOTHING = /* @__PURE__ */ new Uint8Array(0);

export class Base64Lines {
  /** What is not a block yet; most files never need it. */
  #rest: Uint8Array = NOTHING;
  #length = 0;
  #hasBegun = false;

  /** The blocks of lines that are whole with these octets, which are not needed afterwards. */
  *push(octets: Uint8Array): Generator<Uint8Array, void, void> {
    let at = 0;
    while (this.#length + octets.length - at >= BASE64_BLOCK) {
      const begin = at;
      at += BASE64_BLOCK - this.#length;
      if (this.#length === 0) {
        yield this.#encode(octets.subarray(begin, at));
      } else {
        this.#rest.set(octets.subarray(begin, at), this.#length);
        this.#length = 0;
        yield this.#encode(this.#rest);
      }
    }
    if (at === octets.length) return;
    if (this.#rest.length === 0) this.#rest = new Uint8Array(BASE64_BLOCK);
    this.#rest.set(octets.subarray(at), this.#length);
    this.#length += octets.length - at;
  }

  /** What is left, without a line end behind it. */
  end(): Uint8Array {
    return this.#length === 0 ? NOTHING : this.#encode(this.#rest.subarray(0, this.#length));
  }

  /** Lines end where the next begin: whether there is a next is not known before. */
  #encode(octets: Uint8Array): Uint8Array {
    const lines = encodeBase64Lines(octets);
    const chunks = this.#hasBegun ? [LINE_END, lines] : [lines];
    this.#hasBegun = true;
    return joinAlone(chunks);
  }
}
