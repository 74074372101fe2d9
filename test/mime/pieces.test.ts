import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composeMessage, composeStream } from "../../src/compose.ts";
import type { Message } from "../../src/message.ts";
import type { Source } from "../../src/source.ts";

/** Octets cut anywhere, into pieces that may be empty. */
const cutOctets = fc
  .tuple(fc.uint8Array({ maxLength: 1500 }), fc.array(fc.nat(1500), { maxLength: 12 }))
  .map(([octets, cuts]) => {
    const places = [0, ...cuts.filter((cut) => cut < octets.length).sort((a, b) => a - b), octets.length];
    return { octets, pieces: places.slice(1).map((end, at) => octets.slice(places[at], end)) };
  });
/** Whole characters, cut between any two code units. */
const cutText = fc
  .string({
    unit: fc.constantFrom("a", "é", "字", "\u{1f600}", "\u{10ffff}", "\ufeff", "\r", "\n", "\0"),
    maxLength: 200,
  })
  .map((text) => ({ text, pieces: text.split("") }));

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

/** Every way to give pieces. */
const SOURCES: Readonly<Record<string, (pieces: readonly (string | Uint8Array)[]) => Source>> = {
  "an array": (pieces) => pieces,
  "an iterator": (pieces) => pieces.values(),
  "an async iterator": later,
  "a stream of Node's": (pieces) => Readable.from(pieces.filter(({ length }) => length > 0)),
  "a web stream": (pieces) =>
    new ReadableStream({
      start(controller) {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    }),
  "a Blob": (pieces) => new Blob(pieces as (string | Uint8Array<ArrayBuffer>)[]),
};

function withFile(content: Source): Message {
  return {
    from: "a@example.com",
    to: "b@example.org",
    date: new Date(0),
    messageId: "<1@example.com>",
    attachments: [
      { filename: "1", content },
      { filename: "2", content: "behind it" },
    ],
  };
}

/** What is the same each time. */
function told(octets: Uint8Array): string {
  return Buffer.from(octets)
    .toString("latin1")
    .replaceAll(/=_[0-9a-f]{32}_/g, "=_boundary_");
}

describe.each(Object.entries(SOURCES))("%s of pieces", (_, make) => {
  test("is the same message as one piece, wherever octets are cut", async () => {
    await fc.assert(
      fc.asyncProperty(cutOctets, async ({ octets, pieces }) => {
        const composed = await composeStream(withFile(make(pieces)));
        expect(told(await composed.toUint8Array())).toBe(told(composeMessage(withFile(octets)).content));
      }),
      { numRuns: 100 },
    );
  });
});

// A Blob makes octets of each piece of text by itself, before anybody sees them.
describe.each(Object.entries(SOURCES).filter(([what]) => what !== "a Blob"))(
  "%s of pieces of text",
  (_, make) => {
    test("is the same message as one text, between any two code units", async () => {
      await fc.assert(
        fc.asyncProperty(cutText, async ({ text, pieces }) => {
          const composed = await composeStream(withFile(make(pieces)));
          expect(told(await composed.toUint8Array())).toBe(told(composeMessage(withFile(text)).content));
        }),
        { numRuns: 50 },
      );
    });
  },
);
