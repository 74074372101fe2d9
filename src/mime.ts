// From a message to its octets: the only door to mime/. Pure: the time and the randomness are passed in.

import { type Chunk, LF } from "./bytes.ts";
import type { Flow } from "./flow.ts";
import {
  type Envelope,
  type Message,
  type ResolvedContent,
  type ResolvedMessage,
  type ResolvedRaw,
  resolveMessage,
} from "./message.ts";
import { writeField } from "./mime/field.ts";
import { CRLF, mailboxField, structuredField, unstructuredField } from "./mime/header.ts";
import { serialize } from "./mime/part.ts";
import { has, partOf } from "./mime/tree.ts";
import { eightBitError } from "./prebuilt.ts";
import type { Terms } from "./terms.ts";

export { Base64Lines } from "./mime/base64-lines.ts";
export { CRLF } from "./mime/header.ts";
export { base64Length } from "./mime/transfer-encoding.ts";

/** What composing takes from the world. */
export interface ComposeContext {
  readonly now: Date;
  /** A new name that nobody can guess, of letters and digits: one that could be guessed could stand in a text. */
  readonly uniqueName: () => string;
}

/** A message that has been composed, in pieces of text and octets: what waits to be sent waits as these. */
export interface Composition {
  readonly envelope: Envelope;
  /** With its angle brackets. */
  readonly messageId: string;
  readonly needs: Needs;
  /** What it asks of the server beyond delivery, where it asks for anything. */
  readonly terms: Terms | undefined;
  /** Text and octets; a flow stands for its octets, as base64 in lines unless it is binary. */
  readonly chunks: readonly (Chunk | Flow)[];
  /**
   * The same message for a server without 8BITMIME, where `needs.eightBit`: same identifier, date and boundaries. There is
   * none where a message stands in it that is not to be changed.
   */
  readonly sevenBit: (() => Composition) | undefined;
}

/** Says what the server must be able to do for a message. */
export interface Needs {
  /** SMTPUTF8 (RFC 6531): an address is not ASCII. */
  readonly utf8: boolean;
  /** 8BITMIME (RFC 6152): a body part is not ASCII, and not encoded. */
  readonly eightBit: boolean;
  /** BINARYMIME and CHUNKING (RFC 3030): an attachment is not encoded. */
  readonly binary: boolean;
}

/** Is a message as it goes on the wire, before transparency (RFC 5321 §4.5.2). */
export interface ComposedMessage {
  readonly envelope: Envelope;
  /** With its angle brackets. */
  readonly messageId: string;
  /** The octets of `content`, as the SIZE extension counts them (RFC 1870). */
  readonly size: number;
  readonly needs: Needs;
  /**
   * Header section and body in canonical form: every line ends in CRLF, none is longer than 998 octets, and there is
   * no octet above 127 unless `needs` says so; `needs.binary` excepts attachments from all of it. The memory is its own.
   */
  readonly content: Uint8Array;
  /** Returns `content`. */
  toUint8Array(): Uint8Array;
  /** Returns `content` as text. */
  toString(): string;
}

/** Composes a message; throws a `MessageError` that names the field where it cannot be sent as it stands. */
export function composeWith(message: Message, context: ComposeContext): Composition {
  const resolved = resolveMessage(message);
  if (resolved.kind === "raw") return composeRaw(resolved);
  const messageId = resolved.messageId ?? `<${context.uniqueName()}@${resolved.from.domain}>`;
  const fields = headerSection(resolved, messageId, context);
  return resolved.eightBit
    ? composeEightBit(resolved, { fields, messageId, stem: context.uniqueName() })
    : compositionOf(resolved, {
        messageId,
        chunks: serialize(fields, partOf(resolved, { boundary: boundaries(context), eightBit: false })),
        eightBit: false,
      });
}

/** Composes a message of 8bit parts, or of 7bit parts where it has none or the server takes none. */
function composeEightBit(
  message: ResolvedContent,
  { fields, messageId, stem }: { readonly fields: string; readonly messageId: string; readonly stem: string },
): Composition {
  const withParts = (eightBit: boolean): Composition => {
    const part = partOf(message, { boundary: boundaries({ uniqueName: () => stem }), eightBit });
    return compositionOf(message, {
      messageId,
      chunks: serialize(fields, part),
      eightBit: has("8bit", part),
    });
  };
  const composition = withParts(true);
  const isFixed = message.attachments.some(({ message: attached }) => attached?.eightBit === true);
  return !composition.needs.eightBit || isFixed
    ? composition
    : { ...composition, sevenBit: () => withParts(false) };
}

function compositionOf(
  message: ResolvedMessage,
  { messageId, chunks, eightBit }: Pick<Composition, "messageId" | "chunks"> & { readonly eightBit: boolean },
): Composition {
  const { envelope, utf8, terms } = message;
  const binary = message.kind === "content" && message.attachments.some((one) => one.binary !== undefined);
  return { envelope, messageId, needs: { utf8, eightBit, binary }, terms, chunks, sevenBit: undefined };
}

function composeRaw(message: ResolvedRaw): Composition {
  const { prebuilt, messageId } = message;
  const { octets, eightBit } = prebuilt;
  if (eightBit && !message.eightBit) throw eightBitError(prebuilt);
  const chunks = octets.at(-1) === LF ? [octets] : [octets, CRLF];
  return compositionOf(message, { messageId, chunks, eightBit });
}

/** The fields of the message itself. Where every recipient is blind there is no To (RFC 5322 §3.6.3 needs none). */
function headerSection(
  message: ResolvedContent,
  messageId: string,
  { now }: Pick<ComposeContext, "now">,
): string {
  const { from, sender, replyTo, to, cc, subject, date = now, fields } = message;
  let section = structuredField("Date", [formatDate(date)], "date");
  section += mailboxField("From", [from], "from");
  if (sender !== undefined) section += mailboxField("Sender", [sender], "sender");
  section += mailboxField("Reply-To", replyTo, "replyTo");
  section += message.isUndisclosed ? UNDISCLOSED : mailboxField("To", to, "to");
  section += mailboxField("Cc", cc, "cc");
  if (subject !== undefined) section += unstructuredField("Subject", subject, "subject");
  section += structuredField("Message-ID", [messageId], "messageId");
  for (const field of fields) section += writeField(field);
  return `${section}${MIME_VERSION}`;
}

const UNDISCLOSED: string = /* @__PURE__ */ structuredField("To", ["undisclosed-recipients:;"], "to");
const MIME_VERSION: string = /* @__PURE__ */ structuredField("MIME-Version", ["1.0"], "headers");

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** RFC 5322 §3.3, in UTC. By hand: toUTCString takes a microsecond, and ends in an obsolete zone. */
function formatDate(date: Date): string {
  const day = `${DAYS[date.getUTCDay()]}, ${twoDigits(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`;
  const time = `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}:${twoDigits(date.getUTCSeconds())}`;
  return `${day} ${date.getUTCFullYear()} ${time} +0000`;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Boundaries for one message: drawn once, when the first is needed, and told apart by their last character. */
function boundaries({ uniqueName }: Pick<ComposeContext, "uniqueName">): () => string {
  let stem: string | undefined;
  let count = 0;
  return () => {
    // "=_" occurs in no quoted-printable and no base64 (RFC 2045 §6.7); in 7bit text and among binary octets it may, and
    // the 128 bits protect, which nobody knew who made them.
    stem ??= `=_${uniqueName()}_`;
    return `${stem}${count++}`;
  };
}
