import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import type { Attachment } from "../../src/attachment.ts";
import { composeMessage, composeStream } from "../../src/compose.ts";
import type { Message, MessageContent, MessageTerms, RawMessage } from "../../src/message.ts";
import {
  type File,
  type PythonReading,
  type Reading,
  readWithPostalMime,
  readWithPython,
} from "../support/read-message.ts";
import { faultsOf } from "../support/structure.ts";
import { corpus } from "./corpus/all.ts";
import {
  type Entry,
  expectedEnvelope,
  expectedReading,
  expectedTree,
  hiddenFrom,
  type Reader,
} from "./corpus/entry.ts";

interface Sample {
  readonly entry: Entry;
  readonly octets: Uint8Array;
  readonly needs: { readonly utf8: boolean; readonly eightBit?: boolean };
  readonly expected: Reading;
  readonly tree: string;
  readonly message: Message;
  readonly envelope: unknown;
}

const samples: Sample[] = [];
const refused: string[] = [];
let python: readonly PythonReading[] | string = "not asked yet";

beforeAll(async () => {
  for (const entry of corpus) {
    try {
      samples.push(await sample(entry));
    } catch (error) {
      refused.push(`${entry.name}: ${error}`);
    }
  }
  python = readWithPython(samples.map(({ octets }) => octets));
}, 20_000);

async function sample(entry: Entry): Promise<Sample> {
  const message: Message = typeof entry.message === "function" ? entry.message() : entry.message;
  // What is in memory needs no opening, and everything else does.
  const composed =
    typeof entry.message === "function" ? await composeStream(message) : composeMessage(message);
  const { messageId, needs, size, envelope } = composed;
  const octets = await composed.toUint8Array();
  expect(size ?? octets.length).toBe(octets.length);
  const date = /^Date: (.*)\r$/m.exec(Buffer.from(octets).toString("latin1"))?.[1] ?? "";
  const given = { messageId, date: new Date(date).toISOString().replace(/\.\d+Z$/, "Z") };
  const expected = { ...expectedReading(message, given), ...entry.expected };
  return { entry, message, octets, needs, envelope, expected, tree: entry.tree ?? expectedTree(message) };
}

/** Compares all that the reader can be asked for. */
function compare(reader: Reader, { entry, expected }: Sample, reading: Reading): string[] {
  const excused = new Set(
    (entry.faults ?? []).filter((fault) => fault.reader === reader).flatMap(({ without }) => without),
  );
  const differences: string[] = [];
  for (const key of Object.keys(expected) as (keyof Reading)[]) {
    if (excused.has(key)) continue;
    const meant = comparable(reader, key, expected);
    const read = comparable(reader, key, reading);
    if (!isDeepStrictEqual(read, meant)) {
      differences.push(`${entry.name}: ${key} is ${excerpt(read, meant)}, not ${excerpt(meant, read)}`);
    }
  }
  return differences;
}

function compareParameters({ entry }: Sample, { parameters }: PythonReading): string[] {
  if (entry.parameters === undefined || isDeepStrictEqual(parameters, entry.parameters)) return [];
  return [`${entry.name}: parameters are ${parameters.join(" | ")}, not ${entry.parameters.join(" | ")}`];
}

/** A message that is one text cannot say whether its last line has an end; and see readWithPostalMime. */
function comparable(reader: Reader, key: keyof Reading, reading: Reading): unknown {
  const value = reading[key];
  if (key === "fields") {
    // RFC 2047 §5 (3): an encoded-word stands apart from a comma, and readers take keywords for text.
    const { keywords, ...others } = reading.fields;
    return { ...others, keywords: keywords?.map((words) => words.replaceAll(" ,", ",")) };
  }
  if (key === "files") {
    return reading.files.map((file) => ({
      ...file,
      octets: show(reader === "python" ? file.octets : asLines(file)),
    }));
  }
  if (key !== "text" && key !== "html") return value;
  if (reader === "postal-mime") return (value ?? "").toString().replace(/\n+$/, "");
  const isAlone = (key === "text" ? reading.html : reading.text) === undefined && reading.files.length === 0;
  return isAlone ? value?.toString().replace(/(?<!\n)$/, "\n") : value;
}

/** What postal-mime reads line by line, whatever it is for, loses its line ends. */
function asLines({ type, disposition, octets }: File): Uint8Array {
  if (disposition !== undefined && !/^(?:text\/calendar|application\/ics|message\/rfc822)$/.test(type))
    return octets;
  const text = Buffer.from(octets).toString("latin1");
  return Buffer.from(text.replaceAll("\r\n", "\n").replace(/\n+$/, ""), "latin1");
}

/** Octets in a form that a difference can be read from. */
function show(octets: Uint8Array): string {
  const digest = createHash("sha256").update(octets).digest("hex").slice(0, 24);
  const begin = Buffer.from(octets.subarray(0, 48)).toString("latin1");
  return `${octets.length} octets, ${digest}, ${JSON.stringify(begin)}`;
}

/** `value` from a little before the place where it differs from `other`. */
function excerpt(value: unknown, other: unknown): string {
  const [shown, against] = [JSON.stringify(value) ?? "missing", JSON.stringify(other) ?? "missing"];
  let at = 0;
  while (at < shown.length && shown[at] === against[at]) at++;
  const begin = Math.max(0, at - 40);
  return `${begin > 0 ? "…" : ""}${shown.slice(begin, at + 80)}`;
}

test("the corpus is of a hundred and fifty messages or more, each with a name of its own", () => {
  expect(samples.length).toBeGreaterThanOrEqual(150);
  expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length);
});

/** A property that is added is missed here by the compiler, and then by the test. What is asked of a server is in no octet. */
const PROPERTIES: Readonly<
  Record<Exclude<keyof MessageContent | keyof RawMessage, keyof MessageTerms>, true>
> = {
  from: true,
  sender: true,
  to: true,
  cc: true,
  bcc: true,
  replyTo: true,
  subject: true,
  text: true,
  html: true,
  amp: true,
  watchHtml: true,
  calendar: true,
  alternatives: true,
  attachments: true,
  raw: true,
  inReplyTo: true,
  references: true,
  keywords: true,
  comments: true,
  list: true,
  priority: true,
  autoSubmitted: true,
  otp: true,
  headers: true,
  date: true,
  messageId: true,
  envelope: true,
  eightBit: true,
  flowed: true,
};
const OF_ATTACHMENTS: Readonly<Record<keyof Attachment, true>> = {
  filename: true,
  content: true,
  length: true,
  contentType: true,
  encoding: true,
  cid: true,
  disposition: true,
  headers: true,
};

test("the corpus knows every property of a message and of an attachment", () => {
  const used = new Set(samples.flatMap(({ message }) => Object.keys(message)));
  expect([...used].sort()).toEqual(Object.keys(PROPERTIES).sort());
  const attachments = samples.flatMap(({ message }) => ("raw" in message ? [] : (message.attachments ?? [])));
  const usedInside = new Set(attachments.flatMap((attachment) => Object.keys(attachment)));
  expect([...usedInside].sort()).toEqual(Object.keys(OF_ATTACHMENTS).sort());
});

describe("every message of the corpus", () => {
  test("is composed", () => {
    expect(refused).toEqual([]);
  });

  test("is sound in its octets", () => {
    const faults = samples.flatMap(({ entry, octets, needs }) =>
      faultsOf(octets, needs).map((fault) => `${entry.name}: ${fault}`),
    );
    expect(faults).toEqual([]);
  });

  test("goes to whom it names and asks of the server what it needs", () => {
    for (const { entry, message, expected, envelope, needs } of samples) {
      expect(envelope, entry.name).toEqual(expectedEnvelope(message, expected));
      expect({ eightBit: false, ...needs }, entry.name).toEqual({
        binary: false,
        utf8: entry.needs === "utf8" || entry.needs === "both",
        eightBit: entry.needs === "eightBit" || entry.needs === "both",
      });
    }
  });

  test("hides who is to be hidden", () => {
    for (const { entry, message, octets, expected } of samples) {
      const seen = JSON.stringify([expected.to, expected.cc]);
      for (const { address } of hiddenFrom(message)) {
        if (!seen.includes(address)) expect(Buffer.from(octets).includes(address), entry.name).toBe(false);
      }
    }
  });

  test("is read by postal-mime as it was meant", async () => {
    const differences: string[] = [];
    for (const sample of samples) {
      const reading = await readWithPostalMime(sample.octets);
      differences.push(...compare("postal-mime", sample, reading));
    }
    expect(differences).toEqual([]);
  });

  test("is read by Python's email package as it was meant, and without a complaint", () => {
    if (typeof python === "string") return console.log(`not run: ${python}`);
    expect(python.length).toBe(samples.length);
    const differences = python.flatMap((reading, at) => {
      const sample = samples[at] as Sample;
      return [
        ...compare("python", sample, reading),
        ...compareParameters(sample, reading),
        ...reading.defects.map((defect) => `${sample.entry.name}: ${defect}`),
      ];
    });
    expect(differences).toEqual([]);
  });

  test("is the least tree of parts that holds what there is", () => {
    if (typeof python === "string") return console.log(`not run: ${python}`);
    const named = (trees: readonly string[]) =>
      trees.map((tree, at) => `${samples[at]?.entry.name}: ${tree}`);
    expect(named(python.map(({ tree }) => tree))).toEqual(named(samples.map(({ tree }) => tree)));
  });
});
