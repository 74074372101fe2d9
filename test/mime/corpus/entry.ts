// A message of the corpus, and what it is meant to be read as: worked out from what the user wrote, by rules of their
// own that share nothing with the composer.

import type { Message, MessageContent } from "../../../src/message.ts";
import type { File, Group, Mailbox, Reading } from "../../support/read-message.ts";

export type Reader = "postal-mime" | "python";

export interface Entry {
  /** What is hard about it. */
  readonly name: string;
  /** Made anew where it holds something that can be read only once. */
  readonly message: Message | (() => Message);
  /** What the rules cannot know, as a person would read it. */
  readonly expected?: Partial<Reading>;
  /** The tree of its parts, where the rules cannot know it. */
  readonly tree?: string;
  /** The parameters of Content-Type, part by part. */
  readonly parameters?: readonly string[];
  /** What the server must be able to do, where that is not nothing. */
  readonly needs?: "utf8" | "eightBit" | "both";
  /** Where a reader is known to be wrong; everything else is compared. */
  readonly faults?: readonly ReaderFault[];
}

export interface ReaderFault {
  readonly reader: Reader;
  readonly why: string;
  /** What it cannot be asked for. */
  readonly without: readonly (keyof Reading)[];
}

const meant = new WeakMap<object, Uint8Array>();

/** Remembers the octets a source is meant to give, where they cannot be seen by looking at it. */
export function meaning<T extends object>(source: T, octets: Uint8Array): T {
  meant.set(source, octets);
  return source;
}

/** Octets that are every value in turn, and differ by `seed`. */
export function someOctets(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * (seed % 2 === 0 ? 7 : 11) + seed + (at >> 8)) & 255);
}

/** A PNG of one pixel. */
export const PIXEL: Uint8Array = Uint8Array.from(
  Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  ),
);

/** What `message` should be read as; the date and the Message-ID are those of its composition where it names none. */
export function expectedReading(
  message: Message,
  composed: { readonly messageId: string; readonly date: string },
): Reading {
  if ("raw" in message) return { ...NOTHING, ...composed };
  const { date, text, html } = message;
  const parts = partsOf(message);
  return {
    from: mailboxes(message.from),
    sender: mailboxes(message.sender),
    replyTo: mailboxes(message.replyTo),
    to: mailboxes(message.to),
    cc: mailboxes(message.cc),
    subject: message.subject,
    date: date === undefined ? composed.date : date.toISOString().replace(/\.\d+Z$/, "Z"),
    messageId: message.messageId ?? composed.messageId,
    fields: customFields(message),
    // A message without any content has an empty text.
    text: text === undefined && html === undefined && parts.length === 0 ? "" : text && lines(text),
    html: html && lines(html),
    files: parts.map(({ file }) => file),
  };
}

/** Who a message that is read as `reading` goes from and to: an address of `bcc` is seen nowhere else. */
export function expectedEnvelope(
  message: Message,
  reading: Reading,
): { from: string; to: readonly string[] } {
  const shown = [...reading.to, ...reading.cc].flatMap((one) => ("group" in one ? one.members : [one]));
  const everyone = [...shown, ...hiddenFrom(message)].map(({ address }) => address);
  const [author] = [...reading.sender, ...reading.from] as Mailbox[];
  const { from = author?.address ?? "", to = everyone } = message.envelope ?? {};
  const addresses = (typeof to === "string" ? [to] : to).map((one) =>
    typeof one === "string" ? one : one.address,
  );
  return { from, to: [...new Set(addresses)] };
}

/** Who must not be seen in the message. */
export function hiddenFrom(message: Message): readonly Mailbox[] {
  return "raw" in message ? [] : (mailboxes(message.bcc) as Mailbox[]);
}

/** Whatever a message says that is given whole is written out by hand. */
const NOTHING: Omit<Reading, "date" | "messageId"> = {
  from: [],
  sender: [],
  replyTo: [],
  to: [],
  cc: [],
  subject: undefined,
  fields: {},
  text: undefined,
  html: undefined,
  files: [],
};

/** The least tree that holds what there is: related inside alternative inside mixed. */
export function expectedTree(message: Message): string {
  if ("raw" in message) return "text/plain";
  const types = (place: Part["place"]) =>
    partsOf(message)
      .filter((part) => part.place === place)
      .map(({ file }) => file.type);
  const bodies = [
    ...(message.text === undefined ? [] : ["text/plain"]),
    ...types("before HTML"),
    ...(message.html === undefined ? [] : [group("related", ["text/html", ...types("inside HTML")])]),
    ...types("behind HTML"),
  ];
  const body = bodies.length === 0 ? [] : [group("alternative", bodies)];
  const attached = types("attached");
  if (attached.length > 0) return `mixed(${[...body, ...attached].join(", ")})`;
  return body[0] ?? "text/plain";
}

/** One part needs nothing around it. */
function group(subtype: string, parts: readonly string[]): string {
  return parts.length === 1 ? parts.join() : `${subtype}(${parts.join(", ")})`;
}

interface Part {
  readonly place: "before HTML" | "inside HTML" | "behind HTML" | "attached";
  readonly file: File;
}

const UNNAMED = { disposition: undefined, filename: undefined, cid: undefined, description: undefined };

/** The parts beside text and HTML, in their order. */
function partsOf(message: MessageContent): Part[] {
  const { html, watchHtml, amp, alternatives = [], calendar, attachments = [] } = message;
  const parts: Part[] = [];
  const form = (place: Part["place"], type: string, content: string | Uint8Array): void => {
    // Text has lines; octets are octets.
    const octets = typeof content === "string" ? utf8(lines(content).replaceAll("\n", "\r\n")) : content;
    parts.push({
      place,
      file: { ...UNNAMED, type: essence(type), octets },
    });
  };
  if (watchHtml !== undefined) form("before HTML", "text/watch-html", watchHtml);
  if (amp !== undefined) form("before HTML", "text/x-amp-html", amp);
  for (const { contentType, content } of alternatives) form("before HTML", contentType, content);
  const files = attachments.map(
    ({ filename, contentType, cid, content, disposition, encoding, headers }): File => {
      const description = headers?.["Content-Description"];
      return {
        type: essence(contentType ?? typeByName(filename)),
        disposition: disposition ?? (cid === undefined ? "attachment" : "inline"),
        filename,
        cid,
        description: typeof description === "string" ? description : undefined,
        octets:
          encoding === "base64" ? Uint8Array.from(Buffer.from(String(content), "base64")) : octetsOf(content),
      };
    },
  );
  // A URL in HTML may have escapes of both.
  const markup = html === undefined ? "" : unescape(html.replaceAll("&amp;", "&"));
  const isShown = ({ cid }: File): boolean => cid !== undefined && markup.includes(`cid:${cid}`);
  for (const file of files) if (isShown(file)) parts.push({ place: "inside HTML", file });
  if (calendar !== undefined) form("behind HTML", "text/calendar", calendar.content);
  for (const file of files) if (!isShown(file)) parts.push({ place: "attached", file });
  if (calendar !== undefined) {
    const { content, filename = "invite.ics" } = calendar;
    const octets = utf8(content);
    parts.push({
      place: "attached",
      file: { ...UNNAMED, type: "application/ics", disposition: "attachment", filename, octets },
    });
  }
  return parts;
}

function customFields({ headers = {} }: MessageContent): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    fields[lower] = [...(fields[lower] ?? []), ...(typeof value === "string" ? [value] : value)];
  }
  return fields;
}

/** CRLF, LF and CR are line ends. */
function lines(text: string): string {
  return text.split(/\r\n|\r|\n/).join("\n");
}

function mailboxes(input: unknown): (Mailbox | Group)[] {
  if (input === undefined) return [];
  return (Array.isArray(input) ? input : [input]).map(mailbox);
}

function mailbox(input: unknown): Mailbox {
  if (typeof input === "object") return { name: "", ...input } as Mailbox;
  const text = String(input);
  const [, quoted, name, address] = /^(?:"((?:[^"\\]|\\.)*)" ?|([^"<]*?) ?)<(.*)>$/.exec(text) ?? [];
  if (address === undefined) return { name: "", address: text };
  return { name: quoted?.replace(/\\(.)/g, "$1") ?? name ?? "", address };
}

/** The few types by name that the corpus leaves to the composer. */
const TYPES: Readonly<Record<string, string>> = {
  csv: "text/csv",
  gif: "image/gif",
  html: "text/html",
  ics: "text/calendar",
  jpg: "image/jpeg",
  json: "application/json",
  pdf: "application/pdf",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain",
  vcf: "text/vcard",
  zip: "application/zip",
};

function essence(contentType: string): string {
  return contentType.replace(/\s*;.*$/s, "").toLowerCase();
}

function typeByName(filename: string | undefined): string {
  const extension = filename?.split(".").slice(1).at(-1)?.toLowerCase() ?? "";
  return (Object.hasOwn(TYPES, extension) ? TYPES[extension] : undefined) ?? "application/octet-stream";
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function octetsOf(content: unknown): Uint8Array {
  if (typeof content === "string") return utf8(content);
  const known = typeof content === "object" && content !== null ? meant.get(content) : undefined;
  if (known !== undefined) return known;
  if (content instanceof Uint8Array) return content;
  if (content instanceof ArrayBuffer) return new Uint8Array(content);
  throw new Error("the corpus does not say what this source gives");
}
