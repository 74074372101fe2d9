// Every way to give the octets of a file.

import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import type { Attachment } from "../../../src/attachment.ts";
import type { Source } from "../../../src/source.ts";
import { attachment } from "../../../src/sources.ts";
import { type Entry, meaning, PIXEL, someOctets } from "./entry.ts";

const FILE: Uint8Array = someOctets(100_000, 9);
const TEXT = "Zoë 太郎 👍🏽 — ".repeat(400);
const TEXT_OCTETS: Uint8Array = new TextEncoder().encode(TEXT);

function source(what: string, make: () => Source, octets: Uint8Array, length?: number): Entry {
  return {
    name: `a file that is ${what}`,
    message: () => {
      const made = make();
      return {
        from: "a@example.com",
        to: "b@example.org",
        subject: what,
        text: "see below\n",
        attachments: [
          {
            filename: "first.bin",
            content: typeof made === "string" ? made : meaning(made, octets),
            ...(length !== undefined && { length }),
          },
          { filename: "second.txt", content: "behind it" },
        ],
      };
    },
  };
}

/** An attachment that is opened later, made anew each time. */
function opened(what: string, make: () => Attachment, octets: Uint8Array): Entry {
  return {
    name: `a file that is ${what}`,
    message: () => {
      const made = make();
      meaning(made.content as object, octets);
      return { from: "a@example.com", to: "b@example.org", html: '<img src="cid:o">', attachments: [made] };
    },
  };
}

const HERE = new URL(import.meta.url);

/** Pieces of every length from 0 on, again and again. */
function* pieces<T extends { readonly length: number; slice(begin: number, end: number): T }>(
  whole: T,
): Generator<T> {
  for (let at = 0, length = 0; at < whole.length; at += length, length = (length + 1) % 257) {
    yield whole.slice(at, at + length);
  }
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

export const sources: readonly Entry[] = [
  source("text", () => TEXT, TEXT_OCTETS),
  source("a Uint8Array", () => FILE.slice(), FILE),
  source("an ArrayBuffer", () => FILE.slice().buffer as ArrayBuffer, FILE),
  source("a Blob", () => new Blob([FILE.slice(0, 5000), FILE.slice(5000)]), FILE),
  source("a Blob of nothing", () => new Blob([]), new Uint8Array(0)),
  source("a Blob of text", () => new Blob([TEXT]), TEXT_OCTETS),
  source("a web stream", () => new Blob([FILE.slice()]).stream(), FILE),
  source(
    "a web stream of text",
    () =>
      new ReadableStream({
        start(controller) {
          for (const piece of pieces(TEXT)) controller.enqueue(piece);
          controller.close();
        },
      }),
    TEXT_OCTETS,
  ),
  source(
    "a stream of Node's",
    () => Readable.from([...pieces(FILE)].map((piece) => Buffer.from(piece))),
    FILE,
  ),
  source(
    "a stream of Node's of text",
    () => Readable.from([TEXT.slice(0, 101), TEXT.slice(101)]),
    TEXT_OCTETS,
  ),
  source(
    "a stream of one octet at a time",
    () => Readable.from([...FILE.slice(0, 2000)].map((octet) => Uint8Array.of(octet))),
    FILE.slice(0, 2000),
  ),
  source("an async generator", () => later(pieces(FILE)), FILE),
  source(
    "an async generator of text, cut within characters",
    () => later(Array.from({ length: TEXT.length }, (_, at) => TEXT[at] ?? "")),
    TEXT_OCTETS,
  ),
  source("a generator", () => pieces(FILE), FILE),
  source(
    "an array of octets and text",
    () => [FILE.slice(0, 1), "é", "", new Uint8Array(0), FILE.slice(1, 100)],
    Buffer.concat([FILE.slice(0, 1), Buffer.from("é"), FILE.slice(1, 100)]),
  ),
  source("an array of nothing", () => [], new Uint8Array(0)),
  source("a stream of a length that was told", () => later(pieces(FILE)), FILE, FILE.length),
  opened("on disk", () => attachment.file(HERE, { contentType: "text/x-typescript" }), readFileSync(HERE)),
  opened(
    "on disk, under another name and shown in the HTML",
    () => attachment.file(HERE, { filename: "Größe – 大.png", cid: "o" }),
    readFileSync(HERE),
  ),
  opened(
    "on the web",
    () =>
      attachment.url("https://files.example/a/b/report.pdf?token=1", undefined, {
        fetch: async () => new Response(FILE.slice()),
      }),
    FILE,
  ),
  opened(
    "a data: URL in base64",
    () => attachment.dataUrl(`data:image/png;base64,${Buffer.from(PIXEL).toString("base64")}`, { cid: "o" }),
    PIXEL,
  ),
  opened(
    "a data: URL of escapes",
    () => attachment.dataUrl("data:image/svg+xml,%3Csvg%20xmlns=%22http://www.w3.org/2000/svg%22/%3E"),
    new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'),
  ),
  opened(
    "a stream that is made when it is asked for",
    () => attachment.stream(() => later(pieces(FILE)), { filename: "made.bin" }),
    FILE,
  ),
];
