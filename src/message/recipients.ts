// Who a message is from and to, as users write it, and the envelope that follows (RFC 5321 §2.3.1).

import {
  MAX_MAILBOXES,
  type MailboxInput,
  type ParsedMailbox,
  parseAddress,
  resolveMailbox,
} from "../address.ts";
import { MessageError } from "../errors.ts";
import { type Keys, readArray, readObject, readText } from "../input.ts";
import { type RecipientTerm, type RecipientTerms, readRecipient } from "./dsn.ts";

/** Is what the server is told: MAIL FROM and RCPT TO (RFC 5321 §2.3.1). */
export interface Envelope {
  /** The reverse-path: where reports of failure go. Empty where none is to come back. */
  readonly from: string;
  /** The forward-paths, each once. */
  readonly to: readonly string[];
}

/** An envelope that has been read. */
export interface ResolvedEnvelope {
  readonly envelope: Envelope;
  /** Whether one of its paths takes a server with SMTPUTF8. */
  readonly utf8: boolean;
  /** What was said of single recipients, if anything was. */
  readonly terms: RecipientTerms | undefined;
}

const ENVELOPE_KEYS: Keys<keyof Envelope> = { from: undefined, to: undefined };

/** Reads `envelope`; what it leaves open is as in `message`: its sender, and the recipients of its three fields. */
export function readEnvelope(
  value: unknown,
  message: { readonly sender: ParsedMailbox; readonly recipients: readonly ParsedMailbox[] } | undefined,
): ResolvedEnvelope {
  const given = value === undefined ? ENVELOPE_KEYS : readObject(value, ENVELOPE_KEYS, "envelope");
  const from = given.from === undefined ? message?.sender : readReversePath(given.from);
  const forward = given.to === undefined ? undefined : readForwardPaths(given.to);
  const to = forward?.to ?? message?.recipients;
  if (from === undefined || to === undefined) {
    throw new MessageError(from === undefined ? "envelope.from" : "envelope.to", "is missing", {
      hint: "a message in raw is sent to whom its envelope says, and not to whom its fields name",
    });
  }
  const recipients = uniqueMailboxes(to);
  if (recipients.length === 0) {
    throw new MessageError("to", "has no recipients, nor have cc and bcc", { code: "no_recipients" });
  }
  if (recipients.length > MAX_MAILBOXES) {
    throw new MessageError("to", `has, with cc and bcc, more than ${MAX_MAILBOXES} recipients`);
  }
  return {
    envelope: { from: from.address, to: recipients.map(({ address }) => address) },
    utf8: from.utf8 || hasUtf8(recipients),
    terms: forward?.said && byAddress(forward.said, recipients),
  };
}

/** Whether one of them takes a server with SMTPUTF8. */
export function hasUtf8(mailboxes: readonly ParsedMailbox[]): boolean {
  for (const { utf8 } of mailboxes) if (utf8) return true;
  return false;
}

/** RFC 5321 §4.5.5: a message that no report of failure may follow, such as a report, comes from nowhere. */
const NULL_PATH: Pick<ParsedMailbox, "address" | "utf8"> = { address: "", utf8: false };

function readReversePath(value: unknown): Pick<ParsedMailbox, "address" | "utf8"> {
  const text = readText(value, "envelope.from");
  return text === "" ? NULL_PATH : parseAddress(text, "envelope.from");
}

/** The recipients, and what is said of some of them. */
interface ForwardPaths {
  readonly to: readonly ParsedMailbox[];
  readonly said: ReadonlyMap<string, RecipientTerm> | undefined;
}

function readForwardPaths(value: unknown): ForwardPaths {
  if (typeof value === "string") return { to: [parseAddress(value, "envelope.to")], said: undefined };
  let said: Map<string, RecipientTerm> | undefined;
  const to = readArray(value, "envelope.to", MAX_MAILBOXES).map((element, at) => {
    const field = `envelope.to[${at}]`;
    if (typeof element !== "object" || element === null) return parseAddress(readText(element, field), field);
    const { address, term } = readRecipient(element, field);
    const mailbox = parseAddress(readText(address, `${field}.address`), `${field}.address`);
    if (term !== undefined) {
      said ??= new Map();
      const before = said.get(keyOf(mailbox));
      if (before !== undefined && (before.notify !== term.notify || before.orcpt !== term.orcpt)) {
        throw new MessageError(term.field, "is not what was said of the same recipient before");
      }
      said.set(keyOf(mailbox), before ?? term);
    }
    return mailbox;
  });
  return { to, said };
}

/** The same, by the addresses in the envelope. */
function byAddress(
  said: ReadonlyMap<string, RecipientTerm>,
  recipients: readonly ParsedMailbox[],
): RecipientTerms {
  const terms = new Map<string, RecipientTerm>();
  for (const mailbox of recipients) {
    const term = said.get(keyOf(mailbox));
    if (term !== undefined) terms.set(mailbox.address, term);
  }
  return terms;
}

/** RFC 5321 §2.4: the case of a local part is its host's business, that of a domain is nobody's. */
function keyOf({ localPart, domain }: ParsedMailbox): string {
  return `${localPart}@${domain.toLowerCase()}`;
}

function uniqueMailboxes(mailboxes: readonly ParsedMailbox[]): readonly ParsedMailbox[] {
  if (mailboxes.length < 2) return mailboxes;
  const byKey = new Map<string, ParsedMailbox>();
  for (const mailbox of mailboxes) {
    const key = keyOf(mailbox);
    if (!byKey.has(key)) byKey.set(key, mailbox);
  }
  return [...byKey.values()];
}

const NOBODY: readonly never[] = [];

export function readMailbox(value: unknown, field: string): ParsedMailbox {
  // resolveMailbox looks at the type of what it is given; the cast only says that it is meant to.
  return resolveMailbox(value as MailboxInput, field);
}

export function readMailboxes(value: unknown, field: string): readonly ParsedMailbox[] {
  if (value === undefined) return NOBODY;
  if (!Array.isArray(value)) return [readMailbox(value, field)];
  return readArray(value, field, MAX_MAILBOXES).map((element, at) => readMailbox(element, `${field}[${at}]`));
}
