// Attachments as users write them, and what is known of each once it has been checked. Content is text or octets:
// a path or a URL in a message field is never opened.

import { isDotAtom } from "./address.ts";
import { encodeUtf8, isAsciiText } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import {
  codePoint,
  describe,
  isToken,
  type Keys,
  PRINTABLE_ASCII,
  readArray,
  readObject,
  readOptionalText,
  refuseControls,
  refuseHalfPairs,
} from "./input.ts";

/** Is a file that travels with the message, or an image that its HTML shows. */
export interface Attachment {
  /** The name to save it under: a bare name of at most 255 octets, without a path. */
  readonly filename?: string;
  /**
   * The octets, or text that is to be sent as UTF-8, exactly as it stands. Octets are not copied: leave the array as it
   * is until the message has been sent.
   */
  readonly content: string | Uint8Array;
  /**
   * The media type with its parameters, such as `text/csv; header=present`. By default it follows from the
   * extension of `filename`, else it is `application/octet-stream`.
   */
  readonly contentType?: string;
  /**
   * The Content-ID, without angle brackets, under which `html` shows it: `cid: "logo"` for `<img src="cid:logo">`.
   * A message without `html` has no use for one and is refused.
   */
  readonly cid?: string;
  /** Defaults to `inline` with a `cid`, else to `attachment`. */
  readonly disposition?: "attachment" | "inline";
}

/** A media type in its parts. */
export interface MediaType {
  /** `type/subtype`, in lower case. */
  readonly essence: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** An attachment that has passed every check. */
export interface ResolvedAttachment {
  readonly filename: string | undefined;
  readonly content: Uint8Array;
  /** Whether the content was given as text, and so is known to be UTF-8. */
  readonly isText: boolean;
  /** As given; where it was not, the file name decides. */
  readonly contentType: MediaType | undefined;
  readonly cid: string | undefined;
  readonly disposition: "attachment" | "inline";
}

/** More than any reader shows, and few enough to be a message. */
const MAX_ATTACHMENTS = 1000;
/** Octets: the longest name the common file systems take. */
const MAX_FILENAME = 255;
/** RFC 5536 §3.1.3 has this limit for a msg-id, which is what a Content-ID is. */
const MAX_CID = 250;
const MAX_CONTENT_TYPE = 500;

const ATTACHMENT_KEYS: Keys<keyof Attachment> = {
  filename: undefined,
  content: undefined,
  contentType: undefined,
  cid: undefined,
  disposition: undefined,
};

/** Reads `attachments`; the content is not copied. */
export function resolveAttachments(value: unknown): ResolvedAttachment[] {
  if (value === undefined) return [];
  const attachments = readArray(value, "attachments", MAX_ATTACHMENTS).map((attachment, at) =>
    resolveAttachment(attachment, `attachments[${at}]`),
  );
  const cids = new Set<string>();
  attachments.forEach(({ cid }, at) => {
    if (cid === undefined) return;
    if (cids.has(cid)) throw new MessageError(`attachments[${at}].cid`, "is the cid of another attachment");
    cids.add(cid);
  });
  return attachments;
}

function resolveAttachment(value: unknown, field: string): ResolvedAttachment {
  const fields = readObject(value, ATTACHMENT_KEYS, field);
  const filename = readOptionalText(fields.filename, `${field}.filename`);
  if (filename !== undefined) checkFilename(filename, `${field}.filename`);
  const cid = readOptionalText(fields.cid, `${field}.cid`);
  if (cid !== undefined) checkCid(cid, `${field}.cid`);
  const given = readOptionalText(fields.contentType, `${field}.contentType`);
  const contentType = given === undefined ? undefined : parseMediaType(given, `${field}.contentType`);
  if (typeof fields.content === "string") checkCharset(contentType, fields.content, `${field}.contentType`);
  return {
    filename,
    content: readContent(fields.content, `${field}.content`),
    isText: typeof fields.content === "string",
    contentType,
    cid,
    disposition:
      readDisposition(fields.disposition, `${field}.disposition`) ??
      (cid === undefined ? "attachment" : "inline"),
  };
}

function readContent(content: unknown, field: string): Uint8Array {
  if (content instanceof Uint8Array) return content;
  if (typeof content === "string") {
    refuseHalfPairs(content, field);
    return encodeUtf8(content);
  }
  throw new MessageError(field, `is ${describe(content)}, not a string or Uint8Array`, {
    hint: "read the file or fetch the URL first: a message never opens one by itself",
  });
}

/** Text is sent as UTF-8, and must not be labelled as anything else. */
function checkCharset(contentType: MediaType | undefined, content: string, field: string): void {
  const charset = contentType?.parameters.find(([name]) => name === "charset")?.[1].toLowerCase();
  if (charset === undefined || charset === "utf-8") return;
  if (charset === "us-ascii" && isAsciiText(content)) return;
  throw new MessageError(field, "names another charset than UTF-8, which text is sent in", {
    hint: "leave the charset out, or give the octets as a Uint8Array",
  });
}

function readDisposition(value: unknown, field: string): "attachment" | "inline" | undefined {
  if (value === undefined || value === "attachment" || value === "inline") return value;
  throw new MessageError(field, 'is neither "attachment" nor "inline"');
}

// Marks that make a name read otherwise than it is stored: "inv<U+202E>fdp.exe" shows as "invexe.pdf".
const BIDI_CONTROL = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const PATH_SEPARATOR = /[/\\]/;

function checkFilename(name: string, field: string): void {
  refuseControls(name, field);
  const bidi = BIDI_CONTROL.exec(name);
  if (bidi !== null) {
    throw new MessageError(field, `holds ${codePoint(bidi[0])}, which changes the direction of what follows`);
  }
  if (PATH_SEPARATOR.test(name)) {
    throw new MessageError(field, "holds a path", {
      hint: "give the bare name, as path.basename() returns it",
    });
  }
  if (name === "" || name === "." || name === "..") {
    throw new MessageError(field, "is not the name of a file", { hint: "leave it out where there is none" });
  }
  if (name.length > MAX_FILENAME || encodeUtf8(name).length > MAX_FILENAME) {
    throw new MessageError(field, `is longer than ${MAX_FILENAME} octets`);
  }
}

// RFC 2392 asks for `local@domain`; every reader also matches a bare word, which is what is written in HTML.
function checkCid(cid: string, field: string): void {
  const [local = "", domain, more] = cid.split("@", 3);
  const isValid = isAsciiAtom(local) && (domain === undefined || isAsciiAtom(domain)) && more === undefined;
  if (!isValid || cid.length > MAX_CID) {
    throw new MessageError(field, "is not a Content-ID", {
      hint: 'write letters, digits, "." "-" "_" and at most one "@", without angle brackets and without "cid:"',
    });
  }
}

const ASCII = /^[!-~]+$/;

function isAsciiAtom(text: string): boolean {
  return ASCII.test(text) && isDotAtom(text);
}

/** Reads `type/subtype; name=value; name="value"` (RFC 2045 §5.1), without comments. */
function parseMediaType(text: string, field: string): MediaType {
  if (text.length > MAX_CONTENT_TYPE)
    throw new MessageError(field, `is longer than ${MAX_CONTENT_TYPE} characters`);
  refuseControls(text, field);
  if (!PRINTABLE_ASCII.test(text)) throw new MessageError(field, "is not ASCII");
  const semicolon = text.indexOf(";");
  const essence = (semicolon < 0 ? text : text.slice(0, semicolon).trimEnd()).toLowerCase();
  const [type = "", subtype = "", more] = essence.split("/", 3);
  if (!isToken(type) || !isToken(subtype) || more !== undefined) {
    throw new MessageError(field, "is not a media type", {
      hint: 'write "type/subtype", such as "image/png"',
    });
  }
  // RFC 2045 §6.4: these two are made of further parts, and must not be sent as base64.
  if (type === "multipart" || type === "message") {
    throw new MessageError(field, `is ${type}/${subtype}, which an attachment cannot be`, {
      hint: "the structure of the message is made from its parts; send other messages as application/octet-stream",
    });
  }
  return { essence, parameters: semicolon < 0 ? [] : parseParameters(text, semicolon, field) };
}

function parseParameters(text: string, begin: number, field: string): [string, string][] {
  const parameters = new Map<string, string>();
  let at = begin;
  while (at < text.length) {
    at = skipSpaces(text, at + 1);
    const equals = text.indexOf("=", at);
    const name = equals < 0 ? "" : text.slice(at, equals).toLowerCase();
    const value = readValue(text, equals + 1);
    // A "*" in a name is RFC 2231's; a second value would leave the choice to the reader.
    if (!isToken(name) || name.includes("*") || value === undefined || parameters.has(name)) {
      throw new MessageError(field, "has a parameter that is not one", {
        hint: 'write each once: name=value or name="value"',
      });
    }
    if (name === "boundary") throw new MessageError(field, "has a boundary, which only a multipart has");
    parameters.set(name, value.text);
    at = value.end;
  }
  return [...parameters];
}

/** The token or quoted-string at `begin`, and the place of the semicolon or end behind it. */
function readValue(text: string, begin: number): { text: string; end: number } | undefined {
  let at = begin;
  let value = "";
  if (text[at] === '"') {
    for (at++; text[at] !== '"'; at++) {
      if (text[at] === "\\") at++;
      if (at >= text.length) return undefined;
      value += text[at];
    }
    at++;
  } else {
    while (at < text.length && isToken(text.charAt(at))) value += text.charAt(at++);
    if (value === "") return undefined;
  }
  at = skipSpaces(text, at);
  return at === text.length || text[at] === ";" ? { text: value, end: at } : undefined;
}

function skipSpaces(text: string, begin: number): number {
  let at = begin;
  while (text[at] === " ") at++;
  return at;
}
