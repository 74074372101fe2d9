// What a server was asked, word by word.

import type { Peer } from "./server.ts";

export function verbs(peer: Peer | undefined): readonly string[] {
  return peer?.lines.map((line) => line.split(" ", 1)[0] ?? "") ?? [];
}

/** A server that holds each message back until it is told to go on. */
export function gated(): { gate: () => Promise<string>; open: () => void; waiting: () => number } {
  const held: (() => void)[] = [];
  return {
    gate: () => new Promise((resolve) => held.push(() => resolve("250 queued"))),
    open: () => held.shift()?.(),
    waiting: () => held.length,
  };
}
