// Composing with what the runtime has: its clock, and its randomness in supply.

import type { Message } from "./message.ts";
import { type ComposedMessage, composeWith } from "./mime.ts";

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
  return composeWith(message, { now: new Date(), random });
}

// One draw costs as much as composing half a small message, whatever its length: 2 µs of 10. The supply is made
// when it is first needed, for some runtimes have no randomness while a module loads.
const SUPPLY = 4096;
const supply: { octets: Uint8Array; used: number } = { octets: new Uint8Array(0), used: 0 };

function random(octets: number): Uint8Array {
  if (supply.used + octets > supply.octets.length) {
    supply.octets = crypto.getRandomValues(new Uint8Array(Math.max(SUPPLY, octets)));
    supply.used = 0;
  }
  const drawn = supply.octets.subarray(supply.used, supply.used + octets);
  supply.used += octets;
  return drawn;
}
