import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composeMessage } from "../../src/compose.ts";
import { MessageError } from "../../src/errors.ts";
import type { Message, MessageContent } from "../../src/message.ts";
import { type Reading, readWithPostalMime, readWithPython } from "../support/read-message.ts";
import { faultsOf } from "../support/structure.ts";

const BASE = { from: "a@example.com", to: "b@example.org" } as const;

/** Any string there is: of any code units, of any characters, and of what people write. */
const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ unit: "binary-ascii", maxLength: 200 }),
  fc.string({
    unit: fc.constantFrom("a", " ", "=?", "?=", "é", "\u{1f600}", '"', "\\", "=", "_", "字"),
    maxLength: 150,
  }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 })
    .map((units) => String.fromCharCode(...units)),
);
/** Lines with every kind of end, and what is hard about lines. */
const anyLines: fc.Arbitrary<string> = fc.oneof(
  anyText,
  fc
    .array(
      fc.constantFrom(
        "",
        ".",
        "..",
        "From ",
        "é",
        "=",
        " ",
        "\t",
        "\r",
        "\n",
        "\r\n",
        "x".repeat(500),
        "字".repeat(300),
        "\0",
      ),
      { maxLength: 40 },
    )
    .map((pieces) => pieces.join("")),
);

function attempt(message: Message): Uint8Array | MessageError {
  try {
    return composeMessage(message).toUint8Array();
  } catch (error) {
    if (error instanceof MessageError) return error;
    throw error;
  }
}

const HALF_PAIR = /\p{Surrogate}/u;
// C0 and DEL begin lines or end strings somewhere; C1 and the line separators do in names.
const HEADER_CONTROL = /[\x00-\x1f\x7f]/;
const NAME_CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/;
const NOT_A_FILE_NAME = /[/\\\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|^\.{0,2}$/;

/** A place a string may have in a message: what is refused there, and where it is found again. */
interface Place {
  readonly write: (text: string) => Message;
  readonly isRefused: (text: string) => boolean;
  readonly read: (reading: Reading) => unknown;
  readonly meant: (text: string) => string;
}

const asItIs = (text: string): string => text;
const withLines = (text: string): string => text.replace(/\r\n|\r/g, "\n");

const PLACES: Readonly<Record<string, Place>> = {
  subject: {
    write: (subject) => ({ ...BASE, subject }),
    isRefused: (text) => HEADER_CONTROL.test(text),
    read: ({ subject }) => subject,
    meant: asItIs,
  },
  "custom field": {
    write: (value) => ({ ...BASE, headers: { "X-Any": value } }),
    isRefused: (text) => HEADER_CONTROL.test(text),
    read: ({ fields }) => fields["x-any"]?.[0],
    meant: asItIs,
  },
  "display name": {
    write: (name) => ({ ...BASE, to: [{ name, address: "b@example.org" }, "c@example.org"] }),
    isRefused: (text) => NAME_CONTROL.test(text),
    read: ({ to }) => (to[0] as { readonly name: string }).name,
    meant: asItIs,
  },
  "file name": {
    write: (filename) => ({ ...BASE, attachments: [{ filename, content: "x" }] }),
    isRefused: (text) =>
      NAME_CONTROL.test(text) || NOT_A_FILE_NAME.test(text) || new TextEncoder().encode(text).length > 255,
    read: ({ files }) => files[0]?.filename,
    meant: asItIs,
  },
  text: {
    write: (text) => ({ ...BASE, text, html: "x" }),
    isRefused: () => false,
    read: ({ text }) => text,
    meant: withLines,
  },
  html: {
    write: (html) => ({ ...BASE, text: "x", html }),
    isRefused: () => false,
    read: ({ html }) => html,
    meant: withLines,
  },
};

/** How postal-mime is known to change what it reads; see readWithPostalMime for the line ends. */
function asPostalMimeReads(place: string, text: string): string {
  const marked = text.replaceAll("\ufeff", "");
  if (place === "text" || place === "html") return marked.replace(/\n+$/, "");
  // It trims what stands in quotes.
  return place === "display name" ? marked.replace(/^ +| +$/g, "") : marked;
}

/** How Python is known to change what it reads. */
function asPythonReads(place: string, text: string): string {
  if (place !== "file name") return text;
  // It trims names that it has decoded, takes their quotes off again, and trims what was in them.
  const trimmed = text.trim();
  const inside = /^"(.*)"$|^<(.*)>$/s.exec(trimmed);
  return inside === null
    ? trimmed
    : (inside[1]?.replaceAll("\\\\", "\\").replaceAll('\\"', '"') ?? inside[2] ?? "").trim();
}

describe.each(Object.entries(PLACES))("any string as a %s", (name, { write, isRefused, read, meant }) => {
  const strings = name === "text" || name === "html" ? anyLines : anyText;

  test("is refused where it must be, and read back by postal-mime where it is not", async () => {
    await fc.assert(
      fc.asyncProperty(strings, async (text) => {
        const octets = attempt(write(text));
        const mustBeRefused = HALF_PAIR.test(text) || isRefused(text);
        expect(octets instanceof MessageError).toBe(mustBeRefused);
        if (octets instanceof MessageError) return;
        const found = read(await readWithPostalMime(octets)) ?? "";
        expect(asPostalMimeReads(name, String(found))).toBe(asPostalMimeReads(name, meant(text)));
        expect(faultsOf(octets)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("is read back by Python's email package", () => {
    const given = fc.sample(strings, 150).filter((text) => !HALF_PAIR.test(text) && !isRefused(text));
    const readings = readWithPython(given.map((text) => attempt(write(text)) as Uint8Array));
    if (typeof readings === "string") return console.log(`not run: ${readings}`);
    expect(readings.map((reading) => asPythonReads(name, String(read(reading) ?? "")))).toEqual(
      given.map((text) => asPythonReads(name, meant(text))),
    );
  });
});

/** Mostly what goes anywhere, so that most messages are composed. */
const fairText = fc.oneof(
  {
    weight: 9,
    arbitrary: anyText.map((text) =>
      text
        .toWellFormed()
        .replace(/[\p{Cc}\p{Cf}/\\\u2028\u2029]/gu, "")
        .slice(0, 60),
    ),
  },
  { weight: 1, arbitrary: anyText },
);
const fairLines = fc.oneof(
  { weight: 9, arbitrary: anyLines.map((text) => text.toWellFormed()) },
  { weight: 1, arbitrary: anyLines },
);
const anyOctets = fc.uint8Array({ maxLength: 300 });
const anyMessage: fc.Arbitrary<MessageContent> = fc.record(
  {
    from: fc.record({
      name: fairText,
      address: fc.constantFrom("a@example.com", '"a b"@bücher.example', "ü@example.com"),
    }),
    to: fc.array(fc.record({ name: fairText, address: fc.emailAddress() }), { minLength: 1, maxLength: 5 }),
    bcc: fc.constant("hidden@example.net"),
    replyTo: fc.record({ name: fairText, address: fc.constant("r@example.com") }),
    subject: fairText,
    text: fairLines,
    html: fairLines,
    headers: fc.dictionary(
      fc.string({ unit: fc.constantFrom(..."ABCxyz-"), minLength: 1 }).map((name) => `X-${name}`),
      fairText,
    ),
    attachments: fc.array(
      fc.record(
        { filename: fairText, content: fc.oneof(anyOctets, fairLines) },
        { requiredKeys: ["content"] },
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ["from", "to"] },
);

test("whatever a message says, no line is longer than 998 octets, and no CR, LF or octet above 127 is where none may be", () => {
  let composed = 0;
  fc.assert(
    fc.property(anyMessage, (message) => {
      let result: ReturnType<typeof composeMessage>;
      try {
        result = composeMessage(message);
      } catch (error) {
        expect(error).toBeInstanceOf(MessageError);
        return;
      }
      composed++;
      expect(faultsOf(result.toUint8Array(), result.needs)).toEqual([]);
      expect(result.toString()).not.toContain("hidden@example.net");
    }),
    { numRuns: 300 },
  );
  expect(composed).toBeGreaterThan(50);
});
