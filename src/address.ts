// One mailbox, strictly: RFC 5322 §3.4 as far as it names a single mailbox, with the local part and the domain of
// RFC 5321 §4.1.2. No comments, groups or routes, and a list only where one was asked for: each of them has made two
// readers of the same string see two different recipients. What is parsed here goes octet for octet into the header
// section and the envelope.

import { parseDomain } from "./address/domain.ts";
import { FORMS, hintFor, ONE_EACH, QUOTE_IT } from "./address/hints.ts";
import { splitList } from "./address/list.ts";
import { isDotAtom, nameSpecial, notAtom, readQuotedString } from "./address/tokens.ts";
import { encodeUtf8, isAsciiText } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import {
  codePoint,
  describe,
  type Keys,
  MAX_NAME,
  quote,
  readObject,
  readOptionalText,
  readText,
  refuseControls,
} from "./input.ts";

export { MAX_MAILBOXES } from "./address/list.ts";
export { isDotAtom };

/** Is a mailbox in two parts, which need no quoting: nothing in `name` can become part of the address. */
export interface Mailbox {
  /** The display name, as it is to be read. */
  readonly name?: string;
  /**
   * The address alone, `local@domain`. The local part is sent as it is given, without normalization. A domain beyond
   * ASCII is sent in A-labels (RFC 5890), and only they tell it from one that looks the same: compare and log those.
   */
  readonly address: string;
}

/**
 * Is exactly one mailbox: `"a@b.example"`, `"Name <a@b.example>"`, `'"Name, Quoted" <a@b.example>'`, or an object.
 * A string is never split into several; several mailboxes are an array, and `parseMailboxList` makes one of a list.
 */
export type MailboxInput = string | Mailbox;

/** A mailbox that has passed every check. */
export interface ParsedMailbox {
  readonly name: string | undefined;
  /** As it goes on the wire: quoted where it must be (RFC 5321 §4.1.2). */
  readonly localPart: string;
  /** ASCII: an LDH domain, with A-labels for what was not ASCII, or an address literal. */
  readonly domain: string;
  /** `localPart@domain`: the header section and the envelope say exactly this. */
  readonly address: string;
  /** Whether the local part is not ASCII, which takes a server with SMTPUTF8 (RFC 6531). */
  readonly utf8: boolean;
}

// RFC 5321 §4.5.3.1: octets on the wire. A path is 256 with its angle brackets.
const MAX_LOCAL_PART = 64;
const MAX_ADDRESS = 254;
/** Each character of a name may take a backslash, and it has two quotes, a space and two angle brackets. */
const MAX_MAILBOX = 2 * MAX_NAME + MAX_ADDRESS + 5;

const MAILBOX_KEYS: Keys<keyof Mailbox> = { name: undefined, address: undefined };

/**
 * Reads a text that is one mailbox, such as an author from a configuration file.
 *
 * It is read as strictly as a message reads its fields: a list, a group or a comment is refused, never cut down to a
 * mailbox that is in it. Text is taken as it stands: an encoded-word (`=?utf-8?Q?…?=`) in a display name is not decoded.
 *
 * @throws MessageError naming the field "mailbox"
 * @example
 * ```ts
 * parseMailbox('"Doe, Jane" <jane@example.com>'); // { name: "Doe, Jane", address: "jane@example.com" }
 * parseMailbox("jane@bücher.example"); // { address: "jane@xn--bcher-kva.example" }
 * ```
 */
export function parseMailbox(text: string): Mailbox {
  return toMailbox(resolveMailbox(readText(text, "mailbox"), "mailbox"));
}

/**
 * Reads a text that is a list of mailboxes, divided by commas. The members of a group (`Team: a@b.example, c@d.example;`)
 * stand among the others, so that `undisclosed-recipients:;` is nobody; at most 100,000 mailboxes.
 *
 * Each mailbox is read as `parseMailbox` reads it, and one that is wrong, missing between two commas or followed by a
 * semicolon refuses the whole list. No mailbox is left out because it is there twice.
 *
 * @throws MessageError naming the field "mailboxes", or a mailbox as "mailboxes[3]"
 * @example
 * ```ts
 * composeMessage({
 *   from: "shop@example.com",
 *   to: parseMailboxList('"Doe, Jane" <jane@example.com>, bob@example.org'),
 * });
 * ```
 */
export function parseMailboxList(text: string): Mailbox[] {
  return splitList(readText(text, "mailboxes"), "mailboxes").map((mailbox, at) =>
    toMailbox(resolveMailbox(mailbox, `mailboxes[${at}]`)),
  );
}

/**
 * Writes a mailbox as text, quoted where it must be, so that `parseMailbox` reads the same one.
 *
 * @throws MessageError naming the field "mailbox"
 * @example
 * ```ts
 * formatMailbox({ name: "Doe, Jane", address: "jane@example.com" }); // '"Doe, Jane" <jane@example.com>'
 * ```
 */
export function formatMailbox(mailbox: Mailbox): string {
  const { name, address } = resolveMailbox(mailbox, "mailbox");
  if (name === undefined) return address;
  // A dot needs no quotes here, but elsewhere it may (RFC 5322 §3.2.5).
  const isPlain = name.split(" ").every(isDotAtom) && !name.includes(".") && name === name.trim();
  return `${isPlain ? name : quote(name)} <${address}>`;
}

const UNDISCLOSED = /^ *undisclosed[- ]recipients *: *; *$/i;

/** Whether `value` is the empty group that says that there are recipients, and not who (RFC 5322 §3.4). */
export function isUndisclosed(value: unknown): value is string {
  return typeof value === "string" && UNDISCLOSED.test(value);
}

/** Reads one mailbox; `field` is named by the `MessageError` where it is not one. */
export function resolveMailbox(input: MailboxInput, field: string): ParsedMailbox {
  if (typeof input === "string") return parseText(input, field);
  if (Array.isArray(input)) {
    throw new MessageError(field, "is an array where one mailbox was expected", { hint: ONE_EACH });
  }
  if (typeof input !== "object" || input === null) {
    throw new MessageError(field, `is ${describe(input)}, not a mailbox`, { hint: FORMS });
  }
  const fields = readObject(input, MAILBOX_KEYS, field);
  if (typeof fields.address !== "string") {
    throw new MessageError(`${field}.address`, `is ${describe(fields.address)}, not a string`);
  }
  const name = readOptionalText(fields.name, `${field}.name`);
  if (name !== undefined) checkName(name, `${field}.name`);
  return parseAddress(fields.address, `${field}.address`, name);
}

/** Reads one address without a display name, `local@domain` (RFC 5321 §4.1.2). */
export function parseAddress(text: string, field: string, name?: string): ParsedMailbox {
  const known = remembered.get(text) ?? remember(text, parseAddrSpec(text, field));
  return name === undefined || name === "" ? known : { ...known, name };
}

/** How many addresses are remembered: a sender or two, and the recipients of one message after the other. */
const MAX_REMEMBERED = 256;
const remembered: Map<string, ParsedMailbox> = new Map();

/** The same addresses come again and again: with each message its sender, and its recipient in To and the envelope. */
function remember(text: string, mailbox: ParsedMailbox): ParsedMailbox {
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(text, Object.freeze(mailbox));
  return mailbox;
}

// What shows nothing, turns the direction of what follows, or looks like the @: whoever reads the address sees another.
const DECEPTIVE = /[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufe6b\ufeff\uff20]/;

function parseAddrSpec(text: string, field: string): ParsedMailbox {
  if (text.length > MAX_ADDRESS) {
    throw new MessageError(field, `is longer than ${MAX_ADDRESS} octets (RFC 5321 §4.5.3.1.3)`);
  }
  refuseControls(text, field);
  if (text === "") throw new MessageError(field, "is empty", { hint: FORMS });
  if (text.startsWith("@")) {
    throw new MessageError(field, "has no local part, or is a source route", { hint: FORMS });
  }
  const quoted = text.startsWith('"') ? readQuotedString(text, field) : undefined;
  const at = quoted === undefined ? text.indexOf("@") : quoted.end;
  if (at < 0 || text[at] !== "@") {
    throw new MessageError(field, "is not one mailbox: there is no @ after a local part", {
      hint: hintFor(text),
    });
  }
  const content = quoted?.text ?? text.slice(0, at);
  if (content.includes("=?")) {
    throw new MessageError(
      field,
      "has =? in its local part, as if an encoded-word began there (RFC 2047 §5)",
      {
        hint: "a server that decodes it would see another recipient than one that does not",
      },
    );
  }
  const deceptive = DECEPTIVE.exec(content);
  if (deceptive !== null) {
    throw new MessageError(field, `has ${codePoint(deceptive[0])} in its local part`, {
      hint: "the address that people read would not be the one that the message is sent to",
    });
  }
  const localPart =
    quoted === undefined ? checkDotAtom(content, field, text) : quoteLocalPart(content, field);
  const domain = parseDomain(text.slice(at + 1), field);
  const address = `${localPart}@${domain}`;
  if (octetLength(localPart) > MAX_LOCAL_PART) {
    throw new MessageError(
      field,
      `has a local part of more than ${MAX_LOCAL_PART} octets (RFC 5321 §4.5.3.1.1)`,
    );
  }
  if (octetLength(address) > MAX_ADDRESS) {
    throw new MessageError(field, `is longer than ${MAX_ADDRESS} octets (RFC 5321 §4.5.3.1.3)`);
  }
  return { name: undefined, localPart, domain, address, utf8: !isAsciiText(localPart) };
}

function toMailbox({ name, address }: ParsedMailbox): Mailbox {
  return name === undefined ? { address } : { name, address };
}

function checkName(name: string, field: string): void {
  if (name.length > MAX_NAME) throw new MessageError(field, `is longer than ${MAX_NAME} characters`);
  refuseControls(name, field);
}

function parseText(text: string, field: string): ParsedMailbox {
  if (!text.endsWith(">")) return parseAddress(text, field);
  if (text.length > MAX_MAILBOX) throw new MessageError(field, "is too long to be a mailbox");
  refuseControls(text, field);
  const quoted = text.startsWith('"') ? readQuotedString(text, field) : undefined;
  let open = quoted?.end ?? text.indexOf("<");
  while (quoted !== undefined && text[open] === " ") open++;
  if (text[open] !== "<") throw new MessageError(field, "is not one mailbox", { hint: hintFor(text) });
  const name = quoted?.text ?? text.slice(0, open).replace(/ $/, "");
  if (quoted === undefined) {
    const special = nameSpecial(name);
    if (special !== undefined) {
      throw new MessageError(field, `has an unquoted ${special} in its display name`, {
        hint: /[(,;]/.test(special) ? hintFor(special) : QUOTE_IT,
      });
    }
    if (name !== name.trim()) {
      throw new MessageError(field, "has a display name with space around it", { hint: QUOTE_IT });
    }
  }
  checkName(name, field);
  return parseAddress(text.slice(open + 1, -1), field, name);
}

function checkDotAtom(local: string, field: string, text: string): string {
  if (isDotAtom(local)) return local;
  const found = notAtom(local);
  if (found === undefined) {
    throw new MessageError(field, "has an empty local part, or a dot too many in it", {
      hint: 'a local part with such dots is written in double quotes: "a..b"@example.org',
    });
  }
  const shown = found > " " && found <= "~" ? found : codePoint(found);
  throw new MessageError(field, `has an unquoted ${shown} in its local part`, { hint: hintFor(text) });
}

/** A local part that was quoted, quoted again only where it has to be: `"abc"` and `abc` are one mailbox. */
function quoteLocalPart(content: string, field: string): string {
  if (content === "") throw new MessageError(field, "has an empty local part");
  return isDotAtom(content) ? content : quote(content);
}

function octetLength(text: string): number {
  return isAsciiText(text) ? text.length : encodeUtf8(text).length;
}
