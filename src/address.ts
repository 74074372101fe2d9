// One mailbox, strictly: RFC 5322 §3.4 as far as it names a single mailbox, with the local part and the domain of
// RFC 5321 §4.1.2. No comments, groups, lists or routes: each of them has made two readers of the same string see
// two different recipients. What is parsed here goes octet for octet into the header section and the envelope.

import { encodeUtf8, isAsciiText } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import { codePoint, describe, type Keys, readObject, readOptionalText, refuseControls } from "./input.ts";

/** Is a mailbox in two parts, which need no quoting: nothing in `name` can become part of the address. */
export interface Mailbox {
  /** The display name, as it is to be read. */
  readonly name?: string;
  /** The address alone, `local@domain`. */
  readonly address: string;
}

/**
 * Is exactly one mailbox: `"a@b.example"`, `"Name <a@b.example>"`, `'"Name, Quoted" <a@b.example>'`, or an object.
 * A string is never split into several; several mailboxes are an array.
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
const MAX_DOMAIN = 255;
const MAX_ADDRESS = 254;
const MAX_LABEL = 63;
/** Characters; far more than any name, and refused before anything is parsed. */
const MAX_NAME = 1000;

const MAILBOX_KEYS: Keys<keyof Mailbox> = { name: undefined, address: undefined };

/** Reads one mailbox; `field` is named by the `MessageError` where it is not one. */
export function parseMailbox(input: MailboxInput, field: string): ParsedMailbox {
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
  const localPart = quoted === undefined ? checkDotAtom(content, field) : quoteLocalPart(content, field);
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

/** Whether `text` is atoms with single dots between them (RFC 5322 §3.2.3, with RFC 6531 §3.3 beyond ASCII). */
export function isDotAtom(text: string): boolean {
  return (
    text !== "" &&
    !NOT_ATOM.test(text) &&
    !text.startsWith(".") &&
    !text.endsWith(".") &&
    !text.includes("..")
  );
}

const FORMS = 'write "a@b.example", "Name <a@b.example>" or { name, address }';
const ONE_EACH = "give several mailboxes as an array, one to each element";
const QUOTE_IT = "put the display name in double quotes, or write { name, address }";

function hintFor(text: string): string {
  return text.includes(",") || text.includes(";") ? `${ONE_EACH}; ${QUOTE_IT}` : FORMS;
}

function checkName(name: string, field: string): void {
  if (name.length > MAX_NAME) throw new MessageError(field, `is longer than ${MAX_NAME} characters`);
  refuseControls(name, field);
}

// RFC 5322 §3.2.3 specials, without the dot: "John Q. Public" is how names are written.
const NAME_SPECIAL = /[()<>[\]:;@\\,"]/;

function parseText(text: string, field: string): ParsedMailbox {
  if (!text.endsWith(">")) return parseAddress(text, field);
  if (text.length > MAX_NAME + MAX_ADDRESS) throw new MessageError(field, "is too long to be a mailbox");
  refuseControls(text, field);
  const quoted = text.startsWith('"') ? readQuotedString(text, field) : undefined;
  let open = quoted?.end ?? text.indexOf("<");
  while (quoted !== undefined && text[open] === " ") open++;
  if (text[open] !== "<") throw new MessageError(field, "is not one mailbox", { hint: hintFor(text) });
  const name = quoted?.text ?? text.slice(0, open).replace(/ $/, "");
  if (quoted === undefined) {
    const special = NAME_SPECIAL.exec(name);
    if (special !== null) {
      throw new MessageError(field, `has an unquoted ${special[0]} in its display name`, {
        hint: hintFor(`${text},`),
      });
    }
    if (name !== name.trim()) {
      throw new MessageError(field, "has a display name with space around it", { hint: QUOTE_IT });
    }
  }
  checkName(name, field);
  return parseAddress(text.slice(open + 1, -1), field, name);
}

/** The content of the quoted-string `text` begins with, and where what follows it begins. */
function readQuotedString(text: string, field: string): { text: string; end: number } {
  let content = "";
  for (let at = 1; at < text.length; at++) {
    const character = text[at];
    if (character === '"') return { text: content, end: at + 1 };
    if (character === "\\") at++;
    content += text[at] ?? "";
  }
  throw new MessageError(field, "has a double quote that is not closed");
}

// Neither atext nor a dot: RFC 5322 §3.2.3, and RFC 6531 §3.3 without the separators that look like a space.
const NOT_ATOM = /[^A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\u{10ffff}]|\p{Z}/u;

function checkDotAtom(local: string, field: string): string {
  if (isDotAtom(local)) return local;
  const found = NOT_ATOM.exec(local)?.[0];
  if (found === undefined) {
    throw new MessageError(field, "has an empty local part, or a dot too many in it", {
      hint: 'a local part with such dots is written in double quotes: "a..b"@example.org',
    });
  }
  const shown = found > " " && found <= "~" ? found : codePoint(found);
  throw new MessageError(field, `has an unquoted ${shown} in its local part`, { hint: hintFor(local) });
}

/** A local part that was quoted, quoted again only where it has to be: `"abc"` and `abc` are one mailbox. */
function quoteLocalPart(content: string, field: string): string {
  if (content === "") throw new MessageError(field, "has an empty local part");
  return isDotAtom(content) ? content : `"${content.replace(/["\\]/g, "\\$&")}"`;
}

function parseDomain(text: string, field: string): string {
  if (text.startsWith("[")) return checkAddressLiteral(text, field);
  const domain = isAsciiText(text) ? text : toALabels(text, field);
  checkLabels(domain, field);
  // An A-label that decodes to nothing: the parser of URLs is the one place every runtime has the Punycode tables.
  if (domain.toLowerCase().includes("xn--") && hostnameOf(domain) !== domain.toLowerCase()) {
    throw new MessageError(field, "has an invalid A-label in its domain (RFC 5890 §2.3.2.1)");
  }
  return domain;
}

const NOT_LDH = /[^A-Za-z0-9.-]/;
const DIGITS = /^[0-9]+$/;

function checkLabels(domain: string, field: string): void {
  if (domain.length > MAX_DOMAIN) {
    throw new MessageError(field, `has a domain of more than ${MAX_DOMAIN} octets (RFC 5321 §4.5.3.1.2)`);
  }
  const found = NOT_LDH.exec(domain);
  if (found !== null) {
    throw new MessageError(field, `has ${found[0] === " " ? "a space" : found[0]} in its domain`, {
      hint: hintFor(domain),
    });
  }
  const labels = domain.split(".");
  for (const label of labels) {
    if (label === "") throw new MessageError(field, "has no domain, or an empty label in it");
    if (label.length > MAX_LABEL)
      throw new MessageError(field, `has a label of more than ${MAX_LABEL} octets`);
    if (label.startsWith("-") || label.endsWith("-")) {
      throw new MessageError(field, "has a label in its domain that begins or ends with a hyphen");
    }
  }
  if (DIGITS.test(labels.at(-1) ?? "")) {
    throw new MessageError(field, "has a domain that ends in a number", {
      hint: "an IP address is written in brackets: user@[192.0.2.1]",
    });
  }
}

// Letters, marks and digits of any script, and the few signs that are allowed among some of them (RFC 5892
// Appendix A). Checked before the URL parser sees the domain, because that cuts at "/", "?", "#" and "\", drops tabs
// and decodes "%65": the host it returns is then not the one that was written.
const NOT_U_LABEL = /[^\p{L}\p{M}\p{Nd}\u00b7\u0375\u05f3\u05f4\u200c-\u200d\u30fb.-]/u;

function toALabels(domain: string, field: string): string {
  const found = NOT_U_LABEL.exec(domain);
  if (found !== null) throw new MessageError(field, `has ${codePoint(found[0])} in its domain`);
  const before = domain.split(".");
  const after = hostnameOf(domain)?.split(".");
  // A label that became plain ASCII was a look-alike that UTS 46 maps away: another domain than the one written.
  const kept = before.every((label, at) =>
    isAsciiText(label) ? after?.[at] === label.toLowerCase() : after?.[at]?.startsWith("xn--"),
  );
  if (after === undefined || after.length !== before.length || !kept) {
    throw new MessageError(field, "has a domain that is not a valid internationalized one (RFC 5890)");
  }
  return after.join(".");
}

function hostnameOf(domain: string): string | undefined {
  try {
    return new URL(`http://${domain}`).hostname;
  } catch {
    return undefined;
  }
}

const IPV6_LITERAL = /^\[IPv6:[0-9A-Fa-f:.]{2,45}\]$/i;
const IPV4_LITERAL = /^\[[0-9.]{7,15}\]$/;

// RFC 5321 §4.1.3.
function checkAddressLiteral(text: string, field: string): string {
  const inside = text.slice(1, -1);
  if (IPV4_LITERAL.test(text)) {
    const octets = inside.split(".");
    if (
      octets.length === 4 &&
      octets.every((octet) => String(Number(octet)) === octet && Number(octet) < 256)
    ) {
      return text;
    }
  } else if (IPV6_LITERAL.test(text) && hostnameOf(`[${inside.slice(5)}]`) !== undefined) {
    return text;
  }
  throw new MessageError(field, "has an invalid address literal", {
    hint: "write [192.0.2.1] or [IPv6:2001:db8::1]",
  });
}

function octetLength(text: string): number {
  return isAsciiText(text) ? text.length : encodeUtf8(text).length;
}
