// What a composed message needs before a connection is asked for, where it is not all in memory or is to be signed:
// its sources become its own, what is not there is found out, and the signature is made.

import { abortError, onFirstAbort } from "./abort.ts";
import { type Chunk, joinAlone } from "./bytes.ts";
import { Content, flowsOf, isInMemory } from "./content.ts";
import { Deadline } from "./deadline.ts";
import { MessageError, SmtpError } from "./errors.ts";
import { reasonOf } from "./excerpt.ts";
import { Flow, type Octets, stalled } from "./flow.ts";
import { type Composition, CRLF } from "./mime.ts";
import type { DkimSigner } from "./signer.ts";

export interface Preparation {
  readonly signers: readonly DkimSigner[];
  /** How long a source may give nothing, in milliseconds. */
  readonly patience: number;
  readonly signal?: AbortSignal | undefined;
  /** Is aborted where nobody is to wait any more, whatever `signal` says. */
  readonly forced?: AbortSignal | undefined;
}

/**
 * How many octets of a message, as they are sent, are kept where a stream is to be signed and then sent: as much as the
 * large mailbox providers take, and little enough for many messages at a time. What can be opened twice is not kept.
 */
export const MAX_KEPT = 33_554_432;

/** Whether a message can be sent as it was composed. */
export function isReady({ chunks }: Composition, signers: readonly DkimSigner[]): boolean {
  return signers.length === 0 && isInMemory(chunks);
}

/** Makes a message ready to be sent. Where that fails, none of its sources is left open. */
export async function prepare(
  composition: Composition,
  { signers, patience, signal, forced }: Preparation,
): Promise<Composition> {
  const flows = flowsOf(composition.chunks);
  const watch = new Watch(patience, [signal, forced]);
  const work = async (): Promise<Composition> => {
    for (const flow of flows) await watch.over(sourceOf(flow), () => flow.measure());
    if (signers.length === 0) return composition;
    // RFC 6376 §5.3: no relay may have to change what is signed, so it is not left to this server what is sent.
    return sign(composition.sevenBit?.() ?? composition, signers, watch);
  };
  try {
    for (const flow of flows) flow.take();
    return await Promise.race([work(), watch.broken]);
  } catch (error) {
    watch.close();
    dismiss(composition);
    throw error;
  } finally {
    watch.end();
  }
}

/** Lets go of the sources of a message that is not going to be sent, or sent again. */
export function dismiss({ chunks }: Composition): void {
  for (const chunk of chunks) if (chunk instanceof Flow) chunk.dismiss();
}

/** Signs a message: every signature is over the message itself, and not over another. */
async function sign(
  composition: Composition,
  signers: readonly DkimSigner[],
  watch: Watch,
): Promise<Composition> {
  if (composition.needs.binary) {
    // RFC 6376 §5.3: what a relay may have to encode is encoded before it is signed.
    throw new MessageError("attachments", "has content that goes unencoded, and is not to be signed so", {
      hint: 'leave out encoding: "binary", or dkim',
    });
  }
  const chunks = await keep(composition.chunks, watch);
  const now = new Date();
  const whole = isInMemory(chunks) ? joinAlone(chunks) : undefined;
  let fields = "";
  for (const signer of signers) {
    try {
      const content = whole ?? watch.read(new Content(chunks));
      const field: unknown = await watch.over(SIGNER, () => signer.sign(content, now));
      if (!isSignature(field)) {
        throw new Error("what it returned is not one DKIM-Signature field with its line end");
      }
      fields += field;
    } catch (error) {
      if (error instanceof SmtpError) throw error;
      throw signingFailed(`could not be signed: ${reasonOf(error)}`, error);
    } finally {
      // A signer need not have read to the end.
      watch.close();
    }
  }
  const signed = whole === undefined ? [fields, ...chunks] : [joinAlone([fields, whole])];
  return { ...composition, chunks: signed, sevenBit: undefined };
}

/** Whether it is one field, folded, and nothing behind it: what came after would be read as part of the message. */
function isSignature(field: unknown): field is string {
  if (typeof field !== "string" || !field.endsWith(CRLF)) return false;
  const [first = "", ...folded] = field.slice(0, -CRLF.length).split(CRLF);
  return SIGNATURE.test(first) && folded.every((line) => FOLDED.test(line));
}

const SIGNATURE = /^DKIM-Signature:[\t -~]*$/i;
const FOLDED = /^[\t ][\t -~]*$/;

function signingFailed(what: string, cause?: unknown): MessageError {
  return new MessageError("message", what, { code: "signing_failed", cause });
}

const SIGNER: Wait = {
  late: (patience) => signingFailed(`could not be signed: the signer took longer than ${patience} ms`),
};

/** The chunks of a message, with what can be read only once in memory. */
async function keep(chunks: readonly (Chunk | Flow)[], watch: Watch): Promise<readonly (Chunk | Flow)[]> {
  const kept: (Chunk | Flow)[] = [];
  let length = 0;
  for (const chunk of chunks) {
    if (!(chunk instanceof Flow) || chunk.isReopenable) {
      kept.push(chunk);
      continue;
    }
    for await (const block of watch.read(new Content([chunk]))) {
      length += block.length;
      if (length > MAX_KEPT) {
        throw new MessageError(chunk.field, "is a stream, too long to be kept while it is signed", {
          code: "source_failed",
          hint: `${MAX_KEPT} octets can be kept; give what can be opened twice: a file, a Blob, or attachment.stream()`,
        });
      }
      kept.push(block);
    }
  }
  return kept;
}

/** What is waited for, and what is told where it takes too long. */
interface Wait {
  readonly late: (patience: number) => MessageError;
}

function sourceOf(source: { readonly field: string }): Wait {
  return { late: (patience) => stalled(source.field, patience) };
}

/** Ends what is waited for where it takes too long, or the caller gives up. */
class Watch {
  readonly broken: Promise<never>;
  readonly #patience: number;
  readonly #stopListening: () => void;
  readonly #deadline: Deadline;
  #awaited: Wait | undefined;
  #octets: Octets | undefined;
  #isOver = false;

  constructor(patience: number, signals: readonly (AbortSignal | undefined)[]) {
    let giveUp: (error: Error) => void = () => {};
    this.broken = new Promise((_, reject) => {
      giveUp = reject;
    });
    this.broken.catch(() => {});
    this.#patience = patience;
    this.#deadline = new Deadline(() => giveUp((this.#awaited ?? SIGNER).late(patience)));
    this.#stopListening = onFirstAbort(signals, (signal) => giveUp(abortError(signal, "message")));
  }

  /** Waits for what is done; a wait within a wait, as for a source while a signer reads it, has its own time. */
  async over<T>(awaited: Wait, doing: () => Promise<T>): Promise<T> {
    if (this.#isOver) throw new Error("nobody waits for it any more");
    const outer = this.#awaited;
    this.#await(awaited);
    try {
      return await doing();
    } finally {
      this.#await(outer);
    }
  }

  #await(awaited: Wait | undefined): void {
    this.#awaited = awaited;
    if (this.#isOver) return;
    if (awaited === undefined) this.#deadline.rest();
    else this.#deadline.set(this.#patience);
  }

  /** The octets of `content`, waited for one block at a time. */
  read(content: Content): AsyncIterable<Uint8Array> {
    return {
      [Symbol.asyncIterator]: () => {
        const octets = content.open();
        this.#octets = octets;
        return {
          next: () => this.over(sourceOf(content), () => octets.next()),
          return: () => octets.return(),
        };
      },
    };
  }

  /** Closes what is open. */
  close(): void {
    void this.#octets?.return();
  }

  end(): void {
    this.#isOver = true;
    this.#deadline.clear();
    this.#stopListening();
  }
}
