// Mail data that is opened while the server waits for it: the same blocks as of content in memory, one at a time.

import { join } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import type { Blocks, Streamed } from "./protocol/dialogue.ts";
import { type Block, type Framing, Transparency } from "./protocol/transparency.ts";

const NOTHING = /* @__PURE__ */ new Uint8Array(0);

export class Pump {
  readonly framing: Framing;
  readonly #limit: number;
  readonly #blocks: Blocks;
  readonly #transparency: Transparency;
  /** The block that comes next, once it is known whether another follows: the end of data rides in the last one. */
  #held: Uint8Array = NOTHING;
  #isPlain = false;
  /** How many octets there have been, before transparency, as the server counts them (RFC 1870 §3). */
  octets = 0;

  /** `limit` is how many octets the server takes at most. */
  constructor(content: Streamed, framing: Framing, limit: number = Number.POSITIVE_INFINITY) {
    this.framing = framing;
    this.#transparency = new Transparency(framing === "count" && content.isBinary ? "octets" : framing);
    this.#limit = limit;
    this.#blocks = content.open();
  }

  /** The next block. Where a source fails there is none, and never the last. */
  async next(): Promise<Block> {
    for (;;) {
      const { done, value } = await this.#blocks.next();
      const block = this.#isPlain
        ? this.#transparency.plain(this.#held)
        : this.#transparency.block(this.#held);
      if (done) return { octets: join([block, this.#transparency.end()]), last: true };
      this.#held = value;
      this.#isPlain = this.#blocks.isPlain === true;
      this.octets += value.length;
      if (this.octets > this.#limit) throw tooLarge(this.#limit);
      if (block.length > 0) return { octets: block, last: false };
    }
  }

  /** Closes what is open, also while the next block is waited for. */
  close(): void {
    void this.#blocks.return?.();
  }
}

function tooLarge(limit: number): MessageError {
  return new MessageError("message", `it is longer than the ${limit} octets that the server takes`, {
    code: "message_too_large",
  });
}
