// Three messages queued for one connection, each following the one before without waiting, and a server that goes
// wrong at one of them: what is said of each is true.

import { afterAll, describe, expect, test } from "vitest";
import { watchProcess } from "../support/watch.ts";
import { type Cell, type Kind, play } from "./cells.ts";
import { FAULTS, type Fault, type Place } from "./faults.ts";

watchProcess();

const DATA = ["PIPELINING"];
const CHUNKS = ["PIPELINING", "CHUNKING"];

let played = 0;
afterAll(() => console.log(`${played} cells of queues`));

/** Each place of the message number `index`, from 0: what comes there once, and what comes there more than once. */
function placesOf(
  index: number,
  offers: readonly string[],
  kind: Kind,
): readonly (readonly [Place, number])[] {
  return [
    ["MAIL", index + 1],
    ["RCPT", index * 3 + 1],
    ["RCPT", index * 3 + 3],
    ...(offers === DATA ? ([["DATA", index + 1]] as const) : []),
    ...(offers === CHUNKS && kind === "stream"
      ? ([
          ["BDAT", index * 3 + 1],
          ["BDAT", index * 3 + 3],
        ] as const)
      : []),
    ["CONTENT", index + 1],
    ["END", index + 1],
    // What begins behind a message in chunks does so with RSET.
    ...(offers === CHUNKS && index > 0 ? ([["RSET", index]] as const) : []),
  ];
}

/**
 * A no that nobody asked for, just where the reply to a message is due and others follow, is that reply for all that
 * anybody can tell: the server has refused what it took. It is the one thing that is left out.
 */
function isTakenForVerdict(fault: Fault, place: Place, time: number, kind: Kind): boolean {
  const isLastBefore = time % 3 === 0 && place === (kind === "short" ? "RCPT" : "BDAT");
  return isLastBefore && fault.name === "an extra no behind";
}

const WAYS = [
  ["through DATA", DATA],
  ["in chunks", CHUNKS],
] as const;

describe.each(WAYS)("messages in a queue, %s", (_, offers) => {
  const cases = (["short", "stream"] as const).flatMap((kind) =>
    [0, 1].flatMap((index) =>
      placesOf(index, offers, kind).map(([place, time]) => [place, time, kind, index + 1] as const),
    ),
  );
  test.each(cases)(
    "are told apart, whatever happens at %s %i (%s, message %i)",
    async (place, time, kind) => {
      const faults = FAULTS.filter(
        (fault) =>
          !fault.notAt?.includes(place) &&
          !(offers === CHUNKS && isTakenForVerdict(fault, place, time, kind)),
      );
      const cells = faults.flatMap((fault): Cell[] =>
        (kind === "short" ? [true, false] : [true]).map((isGathering) => ({
          place,
          time,
          fault,
          offers,
          kind,
          stage: "queued",
          isGathering,
        })),
      );
      played += cells.length;
      expect(await play(cells)).toEqual([]);
    },
  );
});
