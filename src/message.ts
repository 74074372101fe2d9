// The message as users write it, and what is known of it once it has been read: a snapshot in which every address
// is parsed, and the envelope that follows from it (RFC 5321 §2.3.1).

import { isDotAtom, type MailboxInput, type ParsedMailbox, parseAddress, parseMailbox } from "./address.ts";
import { type Attachment, type ResolvedAttachment, resolveAttachments } from "./attachment.ts";
import { escapeText, MessageError } from "./errors.ts";
import {
  describe,
  type Keys,
  readArray,
  readEntries,
  readObject,
  readOptionalText,
  readText,
  refuseHalfPairs,
} from "./input.ts";

/** Is a message to send. It is read once, when it is sent, and never written to. */
export interface Message {
  /** The author (RFC 5322 §3.6.2). Its address is also the reverse-path, where there is no `sender`. */
  readonly from: MailboxInput;
  /** Who submits the message, where that is not the author. Its address becomes the reverse-path. */
  readonly sender?: MailboxInput;
  /** The recipients: one mailbox, or an array of them. A string is never split. */
  readonly to?: MailboxInput | readonly MailboxInput[];
  /** Recipients who get a copy, for all to see. */
  readonly cc?: MailboxInput | readonly MailboxInput[];
  /** Recipients whom nobody sees: they are in the envelope, and nowhere in the message. */
  readonly bcc?: MailboxInput | readonly MailboxInput[];
  /** Where answers should go, where that is not `from`. */
  readonly replyTo?: MailboxInput | readonly MailboxInput[];
  /** The subject, in any script; one line. */
  readonly subject?: string;
  /** The message as plain text. Lines may end in LF, CRLF or CR. */
  readonly text?: string;
  /** The message as HTML. With `text` too, readers choose the one they can show. */
  readonly html?: string;
  /** Files that travel with the message, and images shown by `html`. At most 1,000. */
  readonly attachments?: readonly Attachment[];
  /**
   * Further header fields by name, each with one value or several. Fields with a property of their own, such as
   * Subject, are refused here.
   */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** The date of the message; the time of sending by default. It is written in UTC. */
  readonly date?: Date;
  /** The Message-ID with its angle brackets; a random one at the domain of the author by default. */
  readonly messageId?: string;
  /** Overrides what the envelope would be made of: addresses without display names. */
  readonly envelope?: { readonly from?: string; readonly to?: string | readonly string[] };
}

/** Is what the server is told: MAIL FROM and RCPT TO (RFC 5321 §2.3.1). */
export interface Envelope {
  /** The reverse-path: where reports of failure go. */
  readonly from: string;
  /** The forward-paths, each once. */
  readonly to: readonly string[];
}

/** A message that has been read and checked. The blind recipients are in its envelope only, so nothing can show them. */
export interface ResolvedMessage {
  readonly from: ParsedMailbox;
  readonly sender: ParsedMailbox | undefined;
  readonly replyTo: readonly ParsedMailbox[];
  readonly to: readonly ParsedMailbox[];
  readonly cc: readonly ParsedMailbox[];
  readonly subject: string | undefined;
  readonly text: string | undefined;
  readonly html: string | undefined;
  readonly attachments: readonly ResolvedAttachment[];
  readonly headers: readonly CustomField[];
  readonly date: Date | undefined;
  readonly messageId: string | undefined;
  readonly envelope: Envelope;
  /** Whether any address, shown or not, takes a server with SMTPUTF8. */
  readonly utf8: boolean;
}

/** A field from `headers`; `path` is how errors name it. */
export interface CustomField {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

/** A bound on memory and time; servers take a hundred or a few thousand in one transaction. */
const MAX_RECIPIENTS = 100_000;
/** RFC 5536 §3.1.3: octets. */
const MAX_MESSAGE_ID = 250;
/** More than any program sets, and a bound for what comes from a request. */
const MAX_HEADERS = 1000;

const MESSAGE_KEYS: Keys<keyof Message> = {
  from: undefined,
  sender: undefined,
  to: undefined,
  cc: undefined,
  bcc: undefined,
  replyTo: undefined,
  subject: undefined,
  text: undefined,
  html: undefined,
  attachments: undefined,
  headers: undefined,
  date: undefined,
  messageId: undefined,
  envelope: undefined,
};

const ENVELOPE_KEYS: Keys<keyof NonNullable<Message["envelope"]>> = { from: undefined, to: undefined };

/** Reads and checks a message, before anything is sent anywhere. */
export function resolveMessage(message: Message): ResolvedMessage {
  const fields = readObject(message, MESSAGE_KEYS, "");
  if (fields.from === undefined) throw new MessageError("from", "is missing");
  const from = readMailbox(fields.from, "from");
  const sender = fields.sender === undefined ? undefined : readMailbox(fields.sender, "sender");
  const replyTo = readMailboxes(fields.replyTo, "replyTo");
  const to = readMailboxes(fields.to, "to");
  const cc = readMailboxes(fields.cc, "cc");
  const bcc = readMailboxes(fields.bcc, "bcc");

  const given = readObject(fields.envelope === undefined ? {} : fields.envelope, ENVELOPE_KEYS, "envelope");
  const reversePath =
    given.from === undefined
      ? (sender ?? from)
      : parseAddress(readText(given.from, "envelope.from"), "envelope.from");
  const forwardPaths = uniqueMailboxes(
    given.to === undefined ? [...to, ...cc, ...bcc] : readForwardPaths(given.to),
  );
  if (forwardPaths.length === 0) {
    throw new MessageError("to", "has no recipients, nor have cc and bcc", { code: "no_recipients" });
  }
  if (forwardPaths.length > MAX_RECIPIENTS) {
    throw new MessageError("to", `has, with cc and bcc, more than ${MAX_RECIPIENTS} recipients`);
  }

  const html = readBody(fields.html, "html");
  const attachments = resolveAttachments(fields.attachments);
  const stray = html === undefined ? attachments.findIndex(({ cid }) => cid !== undefined) : -1;
  if (stray >= 0) {
    throw new MessageError(`attachments[${stray}].cid`, "is given, but there is no html to show it", {
      hint: "leave cid out to attach the file",
    });
  }
  const shown = [from, ...(sender === undefined ? [] : [sender]), ...replyTo, ...to, ...cc];
  return {
    from,
    sender,
    replyTo,
    to,
    cc,
    subject: readOptionalText(fields.subject, "subject"),
    text: readBody(fields.text, "text"),
    html,
    attachments,
    headers: readHeaders(fields.headers),
    date: readDate(fields.date),
    messageId: readMessageId(fields.messageId),
    envelope: { from: reversePath.address, to: forwardPaths.map(({ address }) => address) },
    utf8: [reversePath, ...forwardPaths, ...shown].some(({ utf8 }) => utf8),
  };
}

function readMailbox(value: unknown, field: string): ParsedMailbox {
  // parseMailbox looks at the type of what it is given; the cast only says that it is meant to.
  return parseMailbox(value as MailboxInput, field);
}

function readMailboxes(value: unknown, field: string): ParsedMailbox[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [readMailbox(value, field)];
  return readArray(value, field, MAX_RECIPIENTS).map((element, at) =>
    readMailbox(element, `${field}[${at}]`),
  );
}

function readForwardPaths(value: unknown): ParsedMailbox[] {
  if (typeof value === "string") return [parseAddress(value, "envelope.to")];
  return readArray(value, "envelope.to", MAX_RECIPIENTS).map((element, at) => {
    const field = `envelope.to[${at}]`;
    return parseAddress(readText(element, field), field);
  });
}

/** RFC 5321 §2.4: the case of a local part is its host's business, that of a domain is nobody's. */
function uniqueMailboxes(mailboxes: readonly ParsedMailbox[]): readonly ParsedMailbox[] {
  if (mailboxes.length < 2) return mailboxes;
  const byKey = new Map<string, ParsedMailbox>();
  for (const mailbox of mailboxes) {
    const key = `${mailbox.localPart}@${mailbox.domain.toLowerCase()}`;
    if (!byKey.has(key)) byKey.set(key, mailbox);
  }
  return [...byKey.values()];
}

function readBody(value: unknown, field: "text" | "html"): string | undefined {
  const text = readOptionalText(value, field);
  if (text !== undefined) refuseHalfPairs(text, field);
  return text;
}

// RFC 5322 §3.6: at most one each, and composed here; RFC 5321 §4.4: the trace belongs to servers. Resent-Bcc would
// show who it hides.
const OWN_PROPERTY: ReadonlyMap<string, string> = new Map([
  ["from", "from"],
  ["sender", "sender"],
  ["reply-to", "replyTo"],
  ["to", "to"],
  ["cc", "cc"],
  ["bcc", "bcc"],
  ["subject", "subject"],
  ["date", "date"],
  ["message-id", "messageId"],
]);
// RFC 5322 §3.6, RFC 2369 §3, RFC 3834 §5.
const SINGLE = /^(?:in-reply-to|references|list-.*|auto-submitted)$/;
const RESERVED = /^(?:content-.*|resent-.*|mime-version|received|return-path)$/;

function readHeaders(value: unknown): CustomField[] {
  if (value === undefined) return [];
  const fields: CustomField[] = [];
  const seen = new Set<string>();
  for (const [name, given] of readEntries(value, "headers")) {
    const path = `headers["${escapeText(name.slice(0, 80))}"]`;
    checkNotReserved(name, path);
    const lower = name.toLowerCase();
    if (SINGLE.test(lower) && (seen.has(lower) || (Array.isArray(given) && given.length > 1))) {
      throw new MessageError(path, "is given more than once, and may be there once");
    }
    seen.add(lower);
    if (Array.isArray(given)) {
      readArray(given, path, MAX_HEADERS).forEach((element, at) => {
        fields.push({ name, value: readText(element, `${path}[${at}]`), path: `${path}[${at}]` });
      });
    } else {
      if (typeof given !== "string") {
        throw new MessageError(path, `is ${describe(given)}, not a string or an array of strings`);
      }
      fields.push({ name, value: given, path });
    }
    if (fields.length > MAX_HEADERS) throw new MessageError("headers", `has more than ${MAX_HEADERS} fields`);
  }
  return fields;
}

function checkNotReserved(name: string, path: string): void {
  const lower = name.toLowerCase();
  const property = OWN_PROPERTY.get(lower);
  if (property !== undefined) {
    throw new MessageError(path, "is not set here", {
      hint: `use the property "${property}" of the message`,
    });
  }
  if (RESERVED.test(lower)) {
    throw new MessageError(path, "is not set here", {
      hint: "it is made from the message itself, or belongs to the servers on its way",
    });
  }
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

const ID_RIGHT_LITERAL = /^\[[!-Z^-~]*\]$/;
const VISIBLE = /^<[!-~]+>$/;

// RFC 5322 §3.6.4 msg-id, without comments and without the obsolete forms.
function readMessageId(value: unknown): string | undefined {
  const id = readOptionalText(value, "messageId");
  if (id === undefined) return undefined;
  const at = id.indexOf("@");
  const right = id.slice(at + 1, -1);
  const isRight = isDotAtom(right) || ID_RIGHT_LITERAL.test(right);
  if (id.length <= MAX_MESSAGE_ID && VISIBLE.test(id) && at > 0 && isDotAtom(id.slice(1, at)) && isRight)
    return id;
  throw new MessageError("messageId", "is not a message identifier (RFC 5322 §3.6.4)", {
    hint: "write it with its angle brackets: <unique@example.org>",
  });
}
