// A composed message on its way out: what is in memory and what flows, as one stream of blocks.

import { type Chunk, join, joinAlone, utf8Length } from "./bytes.ts";
import { Flow, type Octets } from "./flow.ts";
import { Base64Lines, base64Length, type Composition } from "./mime.ts";
import type { Blocks } from "./protocol/dialogue.ts";

/** What is longer is handed over in parts of so many octets, for the wire to be waited for between them. */
const MAX_BLOCK = 65_536;

/** The content of a message that was composed, block by block. */
export class Content {
  readonly #chunks: readonly (Chunk | Flow)[];
  readonly size: number | undefined;
  /** Whether some of it is any octets, and not lines. */
  readonly isBinary: boolean;
  #reading: Flow | undefined;

  constructor(chunks: readonly (Chunk | Flow)[], { isBinary = false }: { readonly isBinary?: boolean } = {}) {
    this.#chunks = chunks;
    this.isBinary = isBinary;
    this.size = sizeOf(chunks);
  }

  /** Where the octets that are waited for come from, as errors name it. */
  get field(): string {
    return (this.#reading ?? flowsOf(this.#chunks)[0])?.field ?? "message";
  }

  /**
   * Opens what there is to open, each when it is its turn. What is returned can be closed at any time: what is waited
   * for meanwhile then fails.
   */
  open(): Octets & Blocks {
    const current: Current = { isPlain: false };
    const blocks = this.#blocks(current);
    return {
      get isPlain() {
        return current.isPlain;
      },
      next: () => blocks.next(),
      return: async () => {
        void current.octets?.return();
        // Not waited for: where a source hangs, it never comes to this.
        void blocks.return(undefined);
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  async *#blocks(current: Current): AsyncGenerator<Uint8Array, undefined, void> {
    let gathered: Chunk[] = [];
    for (const chunk of this.#chunks) {
      if (!(chunk instanceof Flow)) {
        gathered.push(chunk);
        continue;
      }
      this.#reading = chunk;
      const lines = chunk.isBinary ? new Plain() : new Base64Lines();
      current.octets = chunk.open();
      for await (const octets of current.octets) {
        for (const block of lines.push(octets)) {
          if (gathered.length === 0) {
            current.isPlain = !chunk.isBinary;
            yield block;
            current.isPlain = false;
          } else {
            // What is in memory before it goes with it: a write for a few fields would be a packet.
            for (const part of inBlocks(joinAlone([...gathered, block]))) yield part;
            gathered = [];
          }
        }
      }
      gathered.push(lines.end());
    }
    const [only] = gathered;
    const last = joinAlone(gathered);
    // Whoever gets a block may keep it or write to it: octets that stay here are copied.
    for (const part of inBlocks(last === only ? last.slice() : last)) yield part;
  }
}

/** What is read now, and whether the block that came of it is base64 alone. */
interface Current {
  octets?: Octets;
  isPlain: boolean;
}

/** What is sent of a message: what is in memory in one piece; what flows, or is not made of lines, as a stream. */
export function contentOf({ chunks, needs }: Pick<Composition, "chunks" | "needs">): Uint8Array | Content {
  if (isInMemory(chunks) && !needs.binary) return join(chunks);
  return new Content(chunks, { isBinary: needs.binary });
}

/** The sources that a message opens when it is sent. */
export function flowsOf(chunks: readonly (Chunk | Flow)[]): readonly Flow[] {
  return chunks.filter((chunk) => chunk instanceof Flow);
}

/** Whether all of a message is in memory. */
export function isInMemory(chunks: readonly (Chunk | Flow)[]): chunks is readonly Chunk[] {
  for (const chunk of chunks) if (chunk instanceof Flow) return false;
  return true;
}

function sizeOf(chunks: readonly (Chunk | Flow)[]): number | undefined {
  let size = 0;
  for (const chunk of chunks) {
    if (!(chunk instanceof Flow)) size += lengthOf(chunk);
    else if (chunk.length === undefined) return undefined;
    else size += chunk.isBinary ? chunk.length : base64Length(chunk.length);
  }
  return size;
}

function lengthOf(chunk: Chunk): number {
  return typeof chunk === "string" ? utf8Length(chunk) : chunk.length;
}

/** Octets as they are. Sources give pieces of any size, and each block is a chunk with a command of its own. */
class Plain {
  #block: Uint8Array = new Uint8Array(MAX_BLOCK);
  #length = 0;

  *push(octets: Uint8Array): Generator<Uint8Array, void, void> {
    for (let at = 0; at < octets.length; ) {
      const part = octets.subarray(at, at + MAX_BLOCK - this.#length);
      this.#block.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
      if (this.#length < MAX_BLOCK) continue;
      const full = this.#block;
      this.#block = new Uint8Array(MAX_BLOCK);
      this.#length = 0;
      yield full;
    }
  }

  end(): Uint8Array {
    return this.#block.subarray(0, this.#length);
  }
}

function* inBlocks(octets: Uint8Array): Generator<Uint8Array, void, void> {
  if (octets.length <= MAX_BLOCK) {
    if (octets.length > 0) yield octets;
    return;
  }
  for (let at = 0; at < octets.length; at += MAX_BLOCK) yield octets.subarray(at, at + MAX_BLOCK);
}
