// From a message to its octets: the only door to mime/. Pure: the time and the randomness are passed in.

import type { ResolvedAttachment } from "./attachment.ts";
import type { Chunk } from "./bytes.ts";
import { type Envelope, type Message, type ResolvedMessage, resolveMessage } from "./message.ts";
import { literalField, mailboxField, structuredField, unstructuredField } from "./mime/header.ts";
import { mediaTypeOf } from "./mime/media-types.ts";
import { formatParameter } from "./mime/parameter.ts";
import { contentField, type LeafPart, multipart, type Part, serialize } from "./mime/part.ts";
import { encodeBase64Lines, encodeText } from "./mime/transfer-encoding.ts";

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
  readonly needs: { readonly utf8: boolean };
  readonly chunks: readonly Chunk[];
}

/** Is a message as it goes on the wire, before transparency (RFC 5321 §4.5.2). */
export interface ComposedMessage {
  readonly envelope: Envelope;
  /** With its angle brackets. */
  readonly messageId: string;
  /** The octets of `content`, as the SIZE extension counts them (RFC 1870). */
  readonly size: number;
  /** What the server must be able to do: `utf8` is SMTPUTF8 (RFC 6531), for an address that is not ASCII. */
  readonly needs: { readonly utf8: boolean };
  /**
   * Header section and body in canonical form: every line ends in CRLF, none is longer than 998 octets, and there is
   * no octet above 127 unless `needs.utf8`. The memory is its own.
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
  const messageId = resolved.messageId ?? `<${context.uniqueName()}@${resolved.from.domain}>`;
  const chunks = serialize(headerSection(resolved, messageId, context), bodyOf(resolved, context));
  return { envelope: resolved.envelope, messageId, needs: { utf8: resolved.utf8 }, chunks };
}

/** The fields of the message itself. Where every recipient is blind there is no To (RFC 5322 §3.6.3 needs none). */
function headerSection(message: ResolvedMessage, messageId: string, { now }: ComposeContext): string {
  const { from, sender, replyTo, to, cc, subject, date = now, headers } = message;
  let section = structuredField("Date", [formatDate(date)], "date");
  section += mailboxField("From", [from], "from");
  if (sender !== undefined) section += mailboxField("Sender", [sender], "sender");
  section += mailboxField("Reply-To", replyTo, "replyTo");
  section += mailboxField("To", to, "to");
  section += mailboxField("Cc", cc, "cc");
  if (subject !== undefined) section += unstructuredField("Subject", subject, "subject");
  section += structuredField("Message-ID", [messageId], "messageId");
  for (const { name, value, path } of headers) {
    const field = IS_LITERAL.test(name) ? literalField : unstructuredField;
    section += field(name, value, path);
  }
  return `${section}${MIME_VERSION}`;
}

// RFC 2047 §5 allows encoded-words in text, comments and phrases; these hold message identifiers, URLs, addresses or
// tokens, and would be read wrongly with them.
const IS_LITERAL =
  /^(?:in-reply-to|references|list-.*|auto-submitted|disposition-notification-to|return-receipt-to|errors-to)$/i;

const MIME_VERSION: string = structuredField("MIME-Version", ["1.0"], "headers");

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** RFC 5322 §3.3, in UTC. By hand: toUTCString takes a microsecond, and ends in an obsolete zone. */
function formatDate(date: Date): string {
  const day = `${DAYS[date.getUTCDay()]}, ${twoDigits(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`;
  const [hours, minutes, seconds] = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  const time = `${twoDigits(hours)}:${twoDigits(minutes)}:${twoDigits(seconds)}`;
  return `${day} ${date.getUTCFullYear()} ${time} +0000`;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** The least tree that holds what there is (RFC 2046 §5.1): related inside alternative inside mixed. */
function bodyOf({ text, html, attachments }: ResolvedMessage, context: ComposeContext): Part {
  const shown = attachments.filter(({ cid }) => cid !== undefined);
  const attached = attachments.filter(({ cid }) => cid === undefined);
  const boundary = boundaries(context);

  const parts: Part[] = [];
  if (text !== undefined) parts.push(textPart("plain", text));
  if (html !== undefined) {
    const root = textPart("html", html);
    parts.push(
      shown.length === 0 ? root : multipart("related", boundary(), [root, ...shown.map(attachmentPart)]),
    );
  }
  const [first, second] = parts;
  const body = second === undefined ? first : multipart("alternative", boundary(), parts);
  if (attached.length === 0) return body ?? textPart("plain", "");
  const rest = attached.map(attachmentPart);
  return multipart("mixed", boundary(), body === undefined ? rest : [body, ...rest]);
}

/** Boundaries for one message: drawn once, when the first is needed, and told apart by their last character. */
function boundaries(context: ComposeContext): () => string {
  let stem: string | undefined;
  let count = 0;
  return () => {
    // "=_" occurs in no quoted-printable and no base64 (RFC 2045 §6.7); in 7bit text it may, and the 128 bits protect.
    stem ??= `=_${context.uniqueName()}_`;
    return `${stem}${count++}`;
  };
}

function textPart(subtype: "plain" | "html", text: string): LeafPart {
  return { kind: "leaf", header: TEXT_HEADER[subtype], body: encodeText(text) };
}

const TEXT_HEADER: Readonly<Record<"plain" | "html", string>> = {
  plain: contentField("Content-Type", "text/plain", ["charset=utf-8"]),
  html: contentField("Content-Type", "text/html", ["charset=utf-8"]),
};

function attachmentPart(attachment: ResolvedAttachment): LeafPart {
  const { filename, content, contentType, cid, disposition, isText } = attachment;
  const essence = contentType?.essence ?? mediaTypeOf(filename);
  const parameters = (contentType?.parameters ?? []).flatMap(([name, value]) => formatParameter(name, value));
  const hasCharset = contentType?.parameters.some(([name]) => name === "charset") ?? false;
  if (isText && essence.startsWith("text/") && !hasCharset) parameters.push("charset=utf-8");
  let header = contentField("Content-Type", essence, parameters);
  if (cid !== undefined) header += structuredField("Content-ID", [`<${cid}>`], "attachments");
  header += contentField(
    "Content-Disposition",
    disposition,
    filename === undefined ? [] : formatParameter("filename", filename),
  );
  return { kind: "leaf", header, body: { encoding: "base64", body: encodeBase64Lines(content) } };
}
