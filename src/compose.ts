// Composing with what the runtime has: its clock, and its randomness in supply.

import { decodeText, encodeHex, join, joinAlone } from "./bytes.ts";
import type { Message } from "./message.ts";
import { type ComposedMessage, type Composition, composeWith } from "./mime.ts";

/**
 * Composes a message without sending it: for a preview, a test, or another way of sending.
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

/** A composition as users hold it: whole, in memory of its own. */
export function finish({ envelope, messageId, needs, chunks }: Composition): ComposedMessage {
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
  let length = 0;
  for (const chunk of composition.chunks) length += chunk.length;
  return length > LARGE ? composition : { ...composition, chunks: [join(composition.chunks)] };
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
