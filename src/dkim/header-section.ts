// Which fields a signature covers, and what they look like to it (RFC 6376 §3.4.1, §3.4.2, §5.4).

import { encodeLatin1, encodeUtf8, isAsciiText } from "../bytes.ts";
import { MessageError } from "../errors.ts";
import { CRLF } from "../mime/header.ts";
import { bareLineEnd, type Canonicalization } from "./body.ts";

/** Fields by their lower-case name, in the order they stand in; each as it stands, without its last line end. */
export type Fields = ReadonlyMap<string, readonly string[]>;

// An octet beyond ASCII is not white space, whatever character it would be in Latin-1: no \s and no trim here.
const FIELD = /^([!-9;-~]+)[ \t]*:/;
const BARE_CR = /\r(?!\n)/;
const BARE_LF = /(?<!\r)\n/;

/** Reads a header section, a character for each octet. */
export function readFields(section: string): Fields {
  if (BARE_CR.test(section)) throw bareLineEnd("carriage return");
  if (BARE_LF.test(section)) throw bareLineEnd("line feed");
  const whole: string[] = [];
  const lines = section.split(CRLF);
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) {
    if (whole.length > 0 && (line.startsWith(" ") || line.startsWith("\t"))) {
      whole[whole.length - 1] += CRLF + line;
    } else {
      whole.push(line);
    }
  }
  const fields = new Map<string, string[]>();
  for (const field of whole) {
    const name = FIELD.exec(field)?.[1]?.toLowerCase();
    if (name === undefined) {
      throw new MessageError("content", "the message has a line in its header section that is no field");
    }
    const known = fields.get(name);
    if (known === undefined) fields.set(name, [field]);
    else known.push(field);
  }
  const from = fields.get("from")?.length ?? 0;
  if (from === 1) return fields;
  // RFC 6376 §5.4. Of two, one reader shows the one and signs the other.
  throw new MessageError("content", `the message has ${from} From fields; a signature covers exactly one`);
}

/**
 * Named once more than they occur, so that none can be added behind the signature (RFC 6376 §8.15): what a reader is
 * shown, where an answer goes, how the body is read, and what a click on "unsubscribe" does.
 */
const SEALED = [
  "from",
  "to",
  "cc",
  "subject",
  "date",
  "reply-to",
  "message-id",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
  "list-unsubscribe",
  "list-unsubscribe-post",
];

// As often as they occur: the others of RFC 6376 §5.4.1, and what receivers act on. A mailing list may add some. No
// name holds a ";", which would end the list.
const SIGNED =
  /^(?:sender|in-reply-to|references|auto-submitted|feedback-id|otp-token|(?:content|list|(?!resent-bcc$)resent)-[a-z-]+)$/;

/** The names of the fields to sign, as `h=` lists them; `further` are the caller's. */
export function namesToSign(fields: Fields, further: ReadonlySet<string>): string[] {
  const names = SEALED.flatMap((name) => [...timesOf(name, fields), name]);
  for (const name of fields.keys()) {
    if (SEALED.includes(name) || !(SIGNED.test(name) || further.has(name))) continue;
    // One by one: a call takes no more than some hundred thousand arguments.
    for (const time of timesOf(name, fields)) names.push(time);
  }
  return names;
}

function timesOf(name: string, fields: Fields): string[] {
  return (fields.get(name) ?? []).map(() => name);
}

/**
 * The octets that are signed (RFC 6376 §3.7): the fields that `names` names, of several with one name the last one
 * first (§5.4.2), and the signature's own field, which has no signature yet and loses its line end.
 */
export function signedOctets(
  fields: Fields,
  names: readonly string[],
  signatureField: string,
  canonicalization: Canonicalization,
): Uint8Array {
  const canonical = canonicalization === "relaxed" ? relaxed : (field: string): string => field;
  const left = new Map<string, number>();
  let text = "";
  for (const name of names) {
    const all = fields.get(name) ?? [];
    const at = (left.get(name) ?? all.length) - 1;
    left.set(name, at);
    const field = all[at];
    if (field !== undefined) text += canonical(field) + CRLF;
  }
  text += canonical(signatureField.slice(0, -CRLF.length));
  return isAsciiText(text) ? encodeUtf8(text) : encodeLatin1(text);
}

/** RFC 6376 §3.4.2. White space is made single first, so that each end is one character to look at. */
function relaxed(field: string): string {
  const line = field.replaceAll(CRLF, "").replace(/[ \t]+/g, " ");
  const colon = line.indexOf(":");
  const name = line.slice(0, line[colon - 1] === " " ? colon - 1 : colon).toLowerCase();
  const value = line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
  return `${name}:${value.endsWith(" ") ? value.slice(0, -1) : value}`;
}
