// Whatever a server does, and wherever: every message comes to an end, and what is said of it is true. The cells are
// every fault at every place of a transaction, over the extensions that change how it goes and the ways to send.

import { afterAll, describe, expect, test } from "vitest";
import { watchProcess } from "../support/watch.ts";
import { type Cell, type Kind, play, type Stage } from "./cells.ts";
import { FAULTS, isSilent, type Place } from "./faults.ts";

watchProcess();

const EXTENSIONS: readonly (readonly [way: string, offers: readonly string[]])[] = [
  ["neither extension", []],
  ["PIPELINING", ["PIPELINING"]],
  ["CHUNKING", ["CHUNKING"]],
  ["PIPELINING and CHUNKING", ["PIPELINING", "CHUNKING"]],
];

const KINDS: readonly Kind[] = ["short", "long", "stream"];

/** Each place of a transaction, and the how-manieth time it is come to. */
const PLACES: readonly (readonly [place: Place, time: number])[] = [
  ["MAIL", 1],
  ["RCPT", 1],
  ["RCPT", 2],
  ["RCPT", 3],
  ["DATA", 1],
  ["BDAT", 1],
  ["BDAT", 2],
  ["BDAT", 3],
  ["CONTENT", 1],
  ["END", 1],
  ["RSET", 1],
  ["QUIT", 1],
  ["IDLE", 1],
];

/** How each kind of message is sent: the others would be the same again, only longer. */
const WAYS: readonly (readonly [kind: Kind, stage: Stage, isGathering: boolean])[] = [
  ["short", "first", true],
  ["short", "first", false],
  ["short", "second", true],
  ["short", "second", false],
  ["long", "first", true],
  ["stream", "first", true],
  ["stream", "second", false],
];

const IDLE_WAYS: typeof WAYS = [
  ["short", "second", true],
  ["short", "later", true],
  ["long", "second", true],
  ["stream", "second", true],
];

const QUIT_WAYS: typeof WAYS = [["short", "second", true]];

/** The ways in which a message of this kind comes there, if it does at all. */
function waysTo(place: Place, offers: readonly string[], kind: Kind): typeof WAYS {
  const isChunked = offers.includes("CHUNKING");
  if ((place === "DATA" && isChunked) || (place === "BDAT" && !(isChunked && kind === "stream"))) return [];
  const ways = place === "IDLE" ? IDLE_WAYS : place === "QUIT" ? QUIT_WAYS : WAYS;
  return ways.filter(([one]) => one === kind);
}

let played = 0;
afterAll(() => console.log(`${played} cells of transactions`));

describe.each(EXTENSIONS)("what is said of a message is true with %s", (_, offers) => {
  const cases = PLACES.flatMap(([place, time]) =>
    KINDS.filter((kind) => waysTo(place, offers, kind).length > 0).map(
      (kind) => [place, time, kind] as const,
    ),
  );
  test.each(cases)("whatever happens at %s %i to a %s one", async (place, time, kind) => {
    const faults = FAULTS.filter(({ notAt = [] }) => !notAt.includes(place));
    const cells = faults.flatMap((fault): Cell[] =>
      waysTo(place, offers, kind)
        // Nothing is to be noticed of a server that says nothing.
        .filter(([, stage]) => stage !== "later" || !isSilent(fault))
        .map(([, stage, isGathering]) => ({ place, time, fault, offers, kind, stage, isGathering })),
    );
    played += cells.length;
    expect(await play(cells)).toEqual([]);
  });
});
