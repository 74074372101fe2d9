// Composing with what the runtime has: its clock, and its randomness in supply.

import { decodeText, encodeHex, join, joinAlone } from "./bytes.ts";
import { Content, flowsOf, isInMemory } from "./content.ts";
import { DEFAULT_TIMEOUTS } from "./deadline.ts";
import { ConfigError, MessageError } from "./errors.ts";
import type { Octets } from "./flow.ts";
import { type Keys, readObject } from "./input.ts";
import type { Envelope, Message } from "./message.ts";
import { type ComposedMessage, type Composition, composeWith, type Needs } from "./mime.ts";
import { dismiss, prepare } from "./prepare.ts";
import { type DkimSigner, readSigners } from "./signer.ts";

/** Is a message as it goes on the wire, before transparency (RFC 5321 §4.5.2), piece by piece. */
export interface ComposedStream {
  readonly envelope: Envelope;
  /** With its angle brackets. */
  readonly messageId: string;
  /** The octets of `content`, as the SIZE extension counts them (RFC 1870), where they are known. */
  readonly size: number | undefined;
  readonly needs: Needs;
  /**
   * What `ComposedMessage.content` is. Sources are opened when it is their turn, and all are closed when the iteration
   * ends, however it ends. It can be iterated over again where every source can be read again.
   */
  readonly content: AsyncIterable<Uint8Array>;
  /** Reads `content` into one array. */
  toUint8Array(): Promise<Uint8Array>;
  /** Lets go of the sources, where `content` is not going to be read. */
  close(): void;
}

/** Holds what `composeStream` may be told. */
export interface ComposeStreamOptions {
  /** Signs the message; with several, each adds a signature. */
  readonly dkim?: DkimSigner | readonly DkimSigner[];
}

/**
 * Composes a message without sending it: for a preview, a test, or another way of sending. Its content is in memory:
 * `composeStream` composes a message with files and streams.
 *
 * @throws MessageError naming the field, when the message cannot be sent as it stands
 * @example
 * ```ts
 * const message = composeMessage({
 *   from: "login@example.com",
 *   to: "bob@example.org",
 *   subject: "Your code",
 *   text: "042137",
 * });
 * message.envelope; // { from: "login@example.com", to: ["bob@example.org"] }
 * message.toString(); // "Date: …"
 * ```
 */
export function composeMessage(message: Message): ComposedMessage {
  return finish(compose(message));
}

/**
 * Composes any message without sending it, and signs it where it is given signers. Files and streams are not read
 * before the content is.
 *
 * @throws MessageError naming the field, when the message cannot be sent as it stands; while the content is read, also
 *   when a source fails
 * @example
 * ```ts
 * const message = await composeStream({
 *   from: "login@example.com",
 *   to: "bob@example.org",
 *   attachments: [{ filename: "hello.txt", content: new Blob(["Hello, Bob."]) }],
 * });
 * for await (const octets of message.content) octets; // "Date: …"
 * ```
 */
export async function composeStream(
  message: Message,
  options: ComposeStreamOptions = {},
): Promise<ComposedStream> {
  const { dkim } = readObject(options, STREAM_OPTIONS, "", { fault: ConfigError, whole: "options" });
  const signers = readSigners(dkim, "dkim");
  const composition = await prepare(compose(message), { signers, patience: DEFAULT_TIMEOUTS.content });
  const { envelope, messageId, needs, chunks } = composition;
  const close = (): void => dismiss(composition);
  const content = { [Symbol.asyncIterator]: () => closing(new Content(chunks).open(), close) };
  return {
    envelope,
    messageId,
    size: new Content(chunks).size,
    needs,
    content,
    toUint8Array: async () => {
      const pieces: Uint8Array[] = [];
      for await (const octets of content) pieces.push(octets);
      return joinAlone(pieces);
    },
    close,
  };
}

/** The octets, with `close` called where they end early; where they come to their end every source has been read. */
function closing(octets: Octets, close: () => void): Octets {
  return {
    next: async () => {
      try {
        return await octets.next();
      } catch (error) {
        close();
        throw error;
      }
    },
    return: () => {
      close();
      return octets.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const STREAM_OPTIONS: Keys<keyof ComposeStreamOptions> = { dkim: undefined };

/** A composition as users hold it: whole, in memory of its own. */
export function finish({ envelope, messageId, needs, chunks }: Composition): ComposedMessage {
  if (!isInMemory(chunks)) {
    throw new MessageError(flowsOf(chunks)[0]?.field ?? "message", "is not in memory", {
      hint: "composeStream() composes a message with files and streams",
    });
  }
  const content = joinAlone(chunks);
  return {
    envelope,
    messageId,
    size: content.length,
    needs,
    content,
    toUint8Array: () => content,
    toString: () => decodeText(content),
  };
}

/**
 * Composes a message that is to wait until it is sent. A small one waits as octets: the garbage collector copies each of
 * some thirty strings that a composed text is made of, and one view of memory that it need not look into. A large one
 * waits as it is, and becomes octets when there is a connection.
 */
export function composeToWait(message: Message): Composition {
  const composition = compose(message);
  const { chunks } = composition;
  if (!isInMemory(chunks)) return composition;
  let length = 0;
  for (const chunk of chunks) length += chunk.length;
  return length > LARGE ? composition : { ...composition, chunks: [join(chunks)] };
}

/** In characters of text and octets of attachments; well within what `allocate` takes from its slab. */
const LARGE = 8_192;

function compose(message: Message): Composition {
  return composeWith(message, { now: new Date(), uniqueName });
}

/** Hexadecimal digits: 128 random bits, too many to guess, and for two messages to share. */
const NAME_LENGTH = 32;

// One draw costs as much as composing a quarter of a small message, whatever its length. The supply is made when it is
// first needed, for some runtimes have no randomness while a module loads.
const SUPPLY = 4096;
const supply: { digits: string; used: number } = { digits: "", used: 0 };

function uniqueName(): string {
  if (supply.used + NAME_LENGTH > supply.digits.length) {
    supply.digits = encodeHex(crypto.getRandomValues(new Uint8Array(SUPPLY)));
    supply.used = 0;
  }
  const from = supply.used;
  supply.used += NAME_LENGTH;
  return supply.digits.slice(from, supply.used);
}
