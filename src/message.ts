// The message as users write it, and what is known of it once it has been read: a snapshot in which every address
// is parsed, and the envelope that follows from it (RFC 5321 §2.3.1).

import { isUndisclosed, type MailboxInput, type ParsedMailbox } from "./address.ts";
import { type Attachment, type ResolvedAttachment, resolveAttachments } from "./attachment.ts";
import { MessageError } from "./errors.ts";
import type { Field } from "./field.ts";
import { describe, type Keys, MAX_TEXT, readObject, readOptionalText } from "./input.ts";
import { type Alternative, type Body, type Calendar, readBodies } from "./message/bodies.ts";
import type { EnvelopeRecipient } from "./message/dsn.ts";
import { type OneTimeCode, readFields } from "./message/fields.ts";
import { readMessageId } from "./message/identifiers.ts";
import type { List } from "./message/list.ts";
import { type RawContent, readRaw } from "./message/raw.ts";
import { type Envelope, hasUtf8, readEnvelope, readMailbox, readMailboxes } from "./message/recipients.ts";
import { type MessageTerms, readFlag, readTerms, TERMS_KEYS } from "./message/terms.ts";
import type { Prebuilt } from "./prebuilt.ts";
import type { Terms } from "./terms.ts";

export type { Alternative, Body, Calendar } from "./message/bodies.ts";
export type { Dsn, EnvelopeRecipient, Notify } from "./message/dsn.ts";
export type { OneTimeCode } from "./message/fields.ts";
export type { List, ListTarget } from "./message/list.ts";
export type { RawContent } from "./message/raw.ts";
export type { Envelope } from "./message/recipients.ts";
export type { MessageTerms } from "./message/terms.ts";

/** Is a message to send. It is read once, when it is sent, and never written to. */
export type Message = MessageContent | RawMessage;

/** Is a message to compose. */
export interface MessageContent extends MessageTerms {
  /** The author (RFC 5322 §3.6.2). Its address is also the reverse-path, where there is no `sender`. */
  readonly from: MailboxInput;
  /** Who submits the message, where that is not the author. Its address becomes the reverse-path. */
  readonly sender?: MailboxInput;
  /**
   * The recipients: one mailbox, or an array of them. A string is never split. `"undisclosed-recipients:;"` says that
   * there are others, whom `bcc` or `envelope` names.
   */
  readonly to?: MailboxInput | readonly MailboxInput[];
  /** Recipients who get a copy, for all to see. */
  readonly cc?: MailboxInput | readonly MailboxInput[];
  /** Recipients whom nobody sees: they are in the envelope, and nowhere in the message. */
  readonly bcc?: MailboxInput | readonly MailboxInput[];
  /** Where answers should go, where that is not `from`. */
  readonly replyTo?: MailboxInput | readonly MailboxInput[];
  /** The subject, in any script; one line of at most 100,000 characters. */
  readonly subject?: string;
  /** The message as plain text. Lines may end in LF, CRLF or CR. */
  readonly text?: string;
  /** The message as HTML. With `text` too, readers choose the one they can show. */
  readonly html?: string;
  /** The message as AMP for Email, which needs `text` or `html` beside it. */
  readonly amp?: string;
  /** The message as the simple HTML that Apple Watch shows, which needs `text` or `html` beside it. */
  readonly watchHtml?: string;
  /** An event to put into a calendar, or an answer to one. */
  readonly calendar?: Calendar;
  /** The message in further forms, for readers that prefer one of them to `text`; `html` is preferred to all. */
  readonly alternatives?: readonly Alternative[];
  /** Files that travel with the message, and images shown by `html`. At most 1,000. */
  readonly attachments?: readonly Attachment[];
  /** The identifier of the message that this one answers, with its angle brackets; or several. */
  readonly inReplyTo?: string | readonly string[];
  /** The identifiers of the messages before it in the thread, the oldest first. At most 1,000. */
  readonly references?: string | readonly string[];
  /** What the message is about, for readers that search by it. At most 100, of 1,000 characters each. */
  readonly keywords?: readonly string[];
  /** A remark on the message, or several, which readers rarely show. At most 100, of 100,000 characters each. */
  readonly comments?: string | readonly string[];
  /** What a newsletter or mailing list says of itself, unsubscribing above all. */
  readonly list?: List;
  /** How urgent it is (X-Priority and Importance); nothing is said by default. */
  readonly priority?: "high" | "normal" | "low";
  /** Whether a program sends it by itself, so that no other answers (RFC 3834); nothing is said by default. */
  readonly autoSubmitted?: "auto-generated" | "auto-replied" | "auto-notified" | "no";
  /** The one-time code in the text, for programs that fill it in (OTP-Token, an Internet-Draft that may yet change). */
  readonly otp?: OneTimeCode;
  /**
   * Further header fields by name, each with one value or several. Refused are those with a property of their own, such
   * as Subject, List-Unsubscribe or X-Priority; those that say how the message is built (MIME-Version, Content-…), of
   * which each attachment takes some in `headers` of its own; those of signers and servers (DKIM-Signature, ARC-…,
   * Authentication-Results, Received, Return-Path, Apparently-To); and those of resending (Resent-…).
   */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** The date of the message; the time of sending by default. It is written in UTC. */
  readonly date?: Date;
  /** The Message-ID with its angle brackets; a random one at the domain of the author by default. */
  readonly messageId?: string;
  /**
   * Overrides what the envelope would be made of: addresses without display names. `from: ""` asks for no report of
   * failure (RFC 5321 §4.5.5).
   */
  readonly envelope?: {
    readonly from?: string;
    readonly to?: string | readonly (string | EnvelopeRecipient)[];
  };
  /** Lets text go as it is, unencoded, to servers that take it (8BITMIME, RFC 6152). */
  readonly eightBit?: boolean;
  /**
   * Lets readers fit the paragraphs of `text` to their windows (format=flowed, RFC 3676). Blanks at the ends of lines
   * are lost; lines that begin with ">" are quotes. Without `text` it is refused.
   */
  readonly flowed?: boolean;
}

/** Is a message that was composed elsewhere. It is checked, and sent as it stands. */
export interface RawMessage extends MessageTerms {
  /** Header section, a blank line, and body, in memory. A Bcc in it is refused, for it would be seen. */
  readonly raw: RawContent;
  /** Who it is sent to, whatever its fields name, and where reports of failure go. */
  readonly envelope: {
    readonly from: string;
    readonly to: string | readonly (string | EnvelopeRecipient)[];
  };
  /** Lets its body hold octets above 127, and takes a server with 8BITMIME then. */
  readonly eightBit?: boolean;
}

/** A message that has been read and checked. The blind recipients are in its envelope only, so nothing can show them. */
export type ResolvedMessage = ResolvedContent | ResolvedRaw;

/** A message to compose. */
export interface ResolvedContent {
  readonly kind: "content";
  readonly from: ParsedMailbox;
  readonly sender: ParsedMailbox | undefined;
  readonly replyTo: readonly ParsedMailbox[];
  readonly to: readonly ParsedMailbox[];
  /** Whether it is said that the recipients are not. */
  readonly isUndisclosed: boolean;
  readonly cc: readonly ParsedMailbox[];
  readonly subject: string | undefined;
  /** Its forms, in the order they are written. */
  readonly bodies: readonly Body[];
  readonly html: string | undefined;
  readonly attachments: readonly ResolvedAttachment[];
  readonly fields: readonly Field[];
  readonly date: Date | undefined;
  readonly messageId: string | undefined;
  readonly envelope: Envelope;
  /** Whether any address, shown or not, takes a server with SMTPUTF8. */
  readonly utf8: boolean;
  /** Whether it may take a server with 8BITMIME. */
  readonly eightBit: boolean;
  readonly terms: Terms | undefined;
}

/** A message to send as it stands. */
export interface ResolvedRaw {
  readonly kind: "raw";
  readonly prebuilt: Prebuilt;
  readonly messageId: string;
  readonly envelope: Envelope;
  readonly utf8: boolean;
  readonly eightBit: boolean;
  readonly terms: Terms | undefined;
}

type Key = keyof MessageContent | keyof RawMessage;

const MESSAGE_KEYS: Keys<Key> = {
  from: undefined,
  sender: undefined,
  to: undefined,
  cc: undefined,
  bcc: undefined,
  replyTo: undefined,
  subject: undefined,
  text: undefined,
  html: undefined,
  amp: undefined,
  watchHtml: undefined,
  calendar: undefined,
  alternatives: undefined,
  attachments: undefined,
  raw: undefined,
  inReplyTo: undefined,
  references: undefined,
  keywords: undefined,
  comments: undefined,
  list: undefined,
  priority: undefined,
  autoSubmitted: undefined,
  otp: undefined,
  headers: undefined,
  date: undefined,
  messageId: undefined,
  envelope: undefined,
  eightBit: undefined,
  flowed: undefined,
  ...TERMS_KEYS,
};

type Given = Partial<Record<Key, unknown>>;

/** Reads and checks a message, before anything is sent anywhere. */
export function resolveMessage(message: Message): ResolvedMessage {
  const given = readObject(message, MESSAGE_KEYS, "");
  return given.raw === undefined ? resolveContent(given) : resolveRaw(given);
}

function resolveContent(given: Given): ResolvedContent {
  if (given.from === undefined) throw new MessageError("from", "is missing");
  const from = readMailbox(given.from, "from");
  const sender = given.sender === undefined ? undefined : readMailbox(given.sender, "sender");
  const replyTo = readMailboxes(given.replyTo, "replyTo");
  const undisclosed = isUndisclosed(given.to);
  const to = undisclosed ? [] : readMailboxes(given.to, "to");
  const cc = readMailboxes(given.cc, "cc");
  const bcc = readMailboxes(given.bcc, "bcc");
  const { envelope, utf8, terms } = readEnvelope(given.envelope, {
    sender: sender ?? from,
    recipients: cc.length + bcc.length === 0 ? to : [...to, ...cc, ...bcc],
  });

  if (readFlag(given.flowed, "flowed") && given.text === undefined) {
    throw new MessageError("flowed", "is set, and there is no text that it could be said of");
  }
  const { bodies, html, attached } = readBodies(given);
  const attachments = resolveAttachments(given.attachments);
  const stray = html === undefined ? attachments.findIndex(({ cid }) => cid !== undefined) : -1;
  if (stray >= 0) {
    throw new MessageError(`attachments[${stray}].cid`, "is given, but there is no html to show it", {
      hint: "leave cid out to attach the file",
    });
  }
  if (attached !== undefined) attachments.push(attached);
  return {
    kind: "content",
    from,
    sender,
    replyTo,
    to,
    isUndisclosed: undisclosed,
    cc,
    subject: readOptionalText(given.subject, "subject", MAX_TEXT),
    bodies,
    html,
    attachments,
    fields: readFields(given),
    date: readDate(given.date),
    messageId: readMessageId(given.messageId),
    envelope,
    utf8: utf8 || from.utf8 || sender?.utf8 === true || hasUtf8(replyTo) || hasUtf8(to) || hasUtf8(cc),
    eightBit: readFlag(given.eightBit, "eightBit"),
    terms: readTerms(given, terms),
  };
}

function resolveRaw(given: Given): ResolvedRaw {
  const { raw, envelope: givenEnvelope, eightBit, ...others } = given;
  for (const [key, value] of Object.entries(others)) {
    if (value === undefined || Object.hasOwn(TERMS_KEYS, key)) continue;
    throw new MessageError(key, "cannot stand beside raw, which is the whole message", {
      hint: "give envelope: { from, to } with raw, and write the rest into it",
    });
  }
  const { prebuilt, messageId } = readRaw(raw);
  const { envelope, utf8, terms } = readEnvelope(givenEnvelope, undefined);
  return {
    kind: "raw",
    prebuilt,
    messageId,
    envelope,
    utf8: utf8 || prebuilt.utf8,
    eightBit: readFlag(eightBit, "eightBit"),
    terms: readTerms(given, terms),
  };
}

// RFC 5322 §3.3: four digits, 1900 or later.
const FIRST_YEAR = 1900;
const LAST_YEAR = 9999;

function readDate(value: unknown): Date | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Date)) throw new MessageError("date", `is ${describe(value)}, not a Date`);
  const date = new Date(value.getTime());
  const year = date.getUTCFullYear();
  if (!(year >= FIRST_YEAR && year <= LAST_YEAR)) {
    throw new MessageError("date", `is not a date from ${FIRST_YEAR} to ${LAST_YEAR}`);
  }
  return date;
}
