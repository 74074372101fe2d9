// Ways of saying something that take their time.

import type { Socket } from "node:net";

/** A server that nobody leaves alone is not written to for ever. */
const MAX_ENDLESS = 4_000_000;

/** Between two octets of what comes slowly, in milliseconds. */
const PACE = 5;

/** An octet at a time, a segment each. */
export async function spell(stream: Socket, words: string): Promise<void> {
  for (const octet of words) {
    if (!stream.writable) return;
    stream.write(octet, "latin1");
    while (stream.writableCorked > 0) stream.uncork();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** An octet at a time, for as long as the client has patience. */
export function drip(stream: Socket, words: string): void {
  if (words === "" || !stream.writable) return;
  stream.write(words.slice(0, 1), "latin1");
  setTimeout(() => drip(stream, words.slice(1)), PACE);
}

/** Again and again, until the client leaves. */
export function pour(stream: Socket, words: string, poured = 0): void {
  if (poured > MAX_ENDLESS || !stream.writable) return;
  stream.write(words, "latin1", (error) => {
    if (!error) setImmediate(() => pour(stream, words, poured + words.length));
  });
}
