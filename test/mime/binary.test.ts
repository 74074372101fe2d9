// Attachments that go unencoded (RFC 3030): opt-in, and their octets as they are.

import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { composeStream } from "../../src/compose.ts";
import { Content, contentOf } from "../../src/content.ts";
import type { DkimSigner, Message } from "../../src/index.ts";
import { composeWith } from "../../src/mime.ts";
import { BASE, compose, context, refusal } from "../support/compose.ts";
import { errorOf } from "../support/watch.ts";

/** Every octet there is, bare line ends, dots that begin lines, and what looks like a boundary. */
const OCTETS = Buffer.concat([
  Uint8Array.from({ length: 256 }, (_, octet) => octet),
  Buffer.from("\r\r\n\n\0.\n.\r\n.\r\n--=_\r\n"),
]);

const binary = (content: unknown, more: object = {}): object => ({ content, encoding: "binary", ...more });

/** The octets between the header of the part that says it is binary, and the delimiter behind it. */
function bodyOf(message: Uint8Array): Buffer {
  const octets = Buffer.from(message);
  const from = octets.indexOf("\r\n\r\n", octets.lastIndexOf("Content-Transfer-Encoding: binary\r\n")) + 4;
  const boundary = /boundary="?([^"\r\n]+)/.exec(octets.toString("latin1"))?.[1];
  return octets.subarray(from, octets.lastIndexOf(`\r\n--${boundary}--`));
}

describe("an attachment that goes unencoded", () => {
  test("stands in the message as it is, and every part around it says so", () => {
    const composed = compose({ ...BASE, text: "Hi", attachments: [binary(OCTETS)] });
    expect(composed.needs).toEqual({ utf8: false, eightBit: false, binary: true });
    expect(bodyOf(composed.content)).toEqual(OCTETS);
    expect(composed.size).toBe(composed.content.length);
    const text = Buffer.from(composed.content).toString("latin1");
    expect(text.match(/Content-Transfer-Encoding: \w+/g)).toEqual(
      ["binary", "7bit", "binary"].map((name) => `Content-Transfer-Encoding: ${name}`),
    );
    expect(text.endsWith("--\r\n")).toBe(true);
  });

  test.each([
    ["a string", "\u00e9\n", Buffer.from("\u00e9\n")],
    ["nothing", new Uint8Array(0), Buffer.alloc(0)],
    ["an ArrayBuffer", Uint8Array.of(13, 10, 0).buffer, Buffer.of(13, 10, 0)],
  ])("may be %s", (_, content, octets) => {
    expect(bodyOf(compose({ ...BASE, text: "Hi", attachments: [binary(content)] }).content)).toEqual(octets);
  });

  test("beside one that does not, and text that is 8bit, changes neither", () => {
    const composed = compose({
      ...BASE,
      text: "\u00e9",
      eightBit: true,
      attachments: [{ content: "x" }, binary(OCTETS)],
    });
    expect(composed.needs).toEqual({ utf8: false, eightBit: true, binary: true });
    expect(
      Buffer.from(composed.content)
        .toString("latin1")
        .match(/Encoding: \w+/g),
    ).toEqual(["binary", "8bit", "base64", "binary"].map((name) => `Encoding: ${name}`));
  });

  test.each([
    ["a Blob", () => new Blob([OCTETS]), true],
    ["a stream of single octets", () => Readable.from([...OCTETS].map((octet) => Buffer.of(octet))), false],
    ["a stream that reuses its memory", () => reusing(OCTETS), false],
    ["a stream in one piece", () => Readable.from([OCTETS]), false],
  ])("may be %s", async (_, content, isSized) => {
    const composed = await composeStream({
      ...BASE,
      text: "Hi",
      attachments: [binary(content())],
    } as unknown as Message);
    const octets = await composed.toUint8Array();
    expect(bodyOf(octets)).toEqual(OCTETS);
    expect(composed.size).toBe(isSized ? octets.length : undefined);
  });

  test("of many octets is handed over in blocks, whatever the pieces it came in", async () => {
    const content = Buffer.alloc(200_000, OCTETS);
    const pieces = [content.subarray(0, 1), content.subarray(1, 150_001), content.subarray(150_001)];
    const message = { ...BASE, attachments: [binary(Readable.from(pieces))] } as unknown as Message;
    const streamed = contentOf(composeWith(message, context()));
    if (!(streamed instanceof Content)) throw new Error("it is in memory");
    expect(streamed.isBinary).toBe(true);
    const lengths: number[] = [];
    const octets: Uint8Array[] = [];
    for await (const block of streamed.open()) {
      lengths.push(block.length);
      octets.push(block);
    }
    expect(lengths.filter((length) => length >= 65_536).length).toBeGreaterThanOrEqual(3);
    expect(lengths.length).toBeLessThan(8);
    expect(bodyOf(Buffer.concat(octets)).equals(content)).toBe(true);
  });

  test("goes as a stream also where it is in memory, and everything else as before", () => {
    const of = (attachment: object) =>
      contentOf(composeWith({ ...BASE, attachments: [attachment] } as unknown as Message, context()));
    expect(of(binary(OCTETS))).toBeInstanceOf(Content);
    expect(of({ content: OCTETS })).toBeInstanceOf(Uint8Array);
  });

  test("that is handed to somebody else before it is sent is an error", () => {
    const octets = new Uint8Array(OCTETS);
    const composition = composeWith(
      { ...BASE, text: "Hi", attachments: [{ content: octets, encoding: "binary" }] },
      context(),
    );
    structuredClone(octets.buffer, { transfer: [octets.buffer] });
    const sizes = composition.chunks.map((chunk) => (typeof chunk === "string" ? 0 : chunk.length));
    expect(sizes).toContain(OCTETS.length);
    const content = composition.chunks.find((chunk) => typeof chunk === "object" && "write" in chunk);
    if (content === undefined || typeof content === "string" || !("write" in content))
      throw new Error("lost");
    expect(() => content.write(new Uint8Array(content.length))).toThrow("became longer or shorter");
  });

  test.each([
    { contentType: "text/csv" },
    { filename: "rows.csv" },
    { filename: "page.html" },
    { contentType: "message/rfc822", content: "From: a@example.com\r\n\r\n" },
  ])("is no text and no message: %j", (more) => {
    expect(refusal({ ...BASE, attachments: [{ content: "x" }, binary("x", more)] }).field).toBe(
      "attachments[1].encoding",
    );
  });

  test("is not signed", async () => {
    const dkim: DkimSigner = { sign: async () => "DKIM-Signature: v=1\r\n" };
    const message = { ...BASE, attachments: [binary(OCTETS)] } as unknown as Message;
    const error = await errorOf(composeStream(message, { dkim }));
    expect(error).toMatchObject({ code: "invalid_message", field: "attachments" });
    expect(error.hint).toContain("dkim");
  });
});

/** A source whose pieces are valid until the next is asked for, and not an octet longer. */
async function* reusing(octets: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  const memory = new Uint8Array(7);
  for (let at = 0; at < octets.length; at += memory.length) {
    const piece = octets.subarray(at, at + memory.length);
    memory.set(piece);
    yield memory.subarray(0, piece.length);
    memory.fill(0xff);
  }
}
