// Attachments as users write them, and what is known of each once it has been checked. Content is text or octets:
// a path or a URL in a message field is never opened.

import { isDotAtom } from "./address.ts";
import { decodeBase64, encodeUtf8 } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import { type Field, readHeaders } from "./field.ts";
import { codePoint, type Keys, readArray, readObject, readOptionalText, refuseControls } from "./input.ts";
import { type MediaType, parseMediaType } from "./media-type.ts";
import { type Prebuilt, readPrebuilt } from "./prebuilt.ts";
import { type ResolvedSource, resolveSource, type Source } from "./source.ts";

/** Is a file that travels with the message, or an image that its HTML shows. */
export interface Attachment {
  /** The name to save it under: a bare name of at most 255 octets, without a path. */
  readonly filename?: string;
  /**
   * The octets, or text that is to be sent as UTF-8, exactly as it stands. Octets are not copied: leave the array as it
   * is until the message has been sent.
   */
  readonly content: Source;
  /** How many octets `content` has, where it is a stream and that is known: another number of them is an error. */
  readonly length?: number;
  /**
   * The media type with its parameters, such as `text/csv; header=present`. By default it follows from the
   * extension of `filename`, else it is `application/octet-stream`. With `message/rfc822` the content is a whole
   * message in memory, which is checked and attached as it stands; a Bcc in it is refused, for it would be seen.
   */
  readonly contentType?: string;
  /**
   * What a `content` of text stands for: its characters by default, or with `"base64"` the octets it is the base64 of,
   * in one line. With `"binary"` the content goes unencoded, a quarter smaller, and the message is refused by a server
   * without BINARYMIME and CHUNKING (RFC 3030). That is not for text, messages, or with DKIM.
   */
  readonly encoding?: "base64" | "binary";
  /**
   * The Content-ID, without angle brackets, under which `html` shows it: `cid: "logo"` for `<img src="cid:logo">`.
   * A message without `html` has no use for one and is refused.
   */
  readonly cid?: string;
  /** Defaults to `inline` with a `cid`, else to `attachment`. */
  readonly disposition?: "attachment" | "inline";
  /** Further fields of the part, such as Content-Description; those with a property of their own are refused. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** An attachment that has passed every check. */
export interface ResolvedAttachment {
  readonly filename: string | undefined;
  readonly source: ResolvedSource;
  /** As given; where it was not, the file name decides. */
  readonly contentType: MediaType | undefined;
  readonly cid: string | undefined;
  readonly disposition: "attachment" | "inline";
  readonly fields: readonly Field[];
  /** What `source` holds, where that is a message: it is not encoded then (RFC 2046 §5.2.1). */
  readonly message: Prebuilt | undefined;
  /** The property that asks for it to go unencoded, if that is asked. */
  readonly binary: string | undefined;
}

/** More than any reader shows, and few enough to be a message. */
const MAX_ATTACHMENTS = 1000;
/** Octets: the longest name the common file systems take. */
const MAX_FILENAME = 255;
/** RFC 5536 §3.1.3 has this limit for a msg-id, which is what a Content-ID is. */
const MAX_CID = 250;

const ATTACHMENT_KEYS: Keys<keyof Attachment> = {
  filename: undefined,
  content: undefined,
  contentType: undefined,
  cid: undefined,
  disposition: undefined,
  encoding: undefined,
  headers: undefined,
  length: undefined,
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

/** Reads one attachment, whose properties errors name under `field`. */
export function resolveAttachment(value: unknown, field: string): ResolvedAttachment {
  const fields = readObject(value, ATTACHMENT_KEYS, field);
  const filename = readOptionalText(fields.filename, `${field}.filename`);
  if (filename !== undefined) checkFilename(filename, `${field}.filename`);
  const cid = readOptionalText(fields.cid, `${field}.cid`);
  if (cid !== undefined) checkCid(cid, `${field}.cid`);
  const given = readOptionalText(fields.contentType, `${field}.contentType`);
  const binary = fields.encoding === "binary" ? `${field}.encoding` : undefined;
  const isPlain = fields.encoding === undefined || binary !== undefined;
  const content = isPlain ? fields.content : decode(fields, field);
  const contentType =
    given === undefined ? undefined : parseMediaType(given, content, `${field}.contentType`);
  const path = `${field}.content`;
  const source = resolveSource(content, path, {
    length: readLength(fields.length, `${field}.length`),
    isBinary: binary !== undefined,
  });
  const message = contentType?.essence === MESSAGE ? readMessage(source, content, path) : undefined;
  return {
    filename,
    source: message === undefined ? source : { kind: "memory", octets: message.octets, isText: false },
    contentType,
    cid,
    disposition:
      readDisposition(fields.disposition, `${field}.disposition`) ??
      (cid === undefined ? "attachment" : "inline"),
    fields: readHeaders(fields.headers, `${field}.headers`, reservedField),
    message,
    binary,
  };
}

const MESSAGE = "message/rfc822";

function readMessage(source: ResolvedSource, content: unknown, path: string): Prebuilt {
  const given = source.kind === "memory" ? source.octets : content;
  const message = readPrebuilt(given, path, { normalize: false });
  if (!message.utf8) return message;
  throw new MessageError(path, "has a header section that is not ASCII", {
    hint: "attach it as application/octet-stream, which is encoded",
  });
}

function decode({ content, encoding }: { content?: unknown; encoding?: unknown }, field: string): Uint8Array {
  if (encoding !== "base64") throw new MessageError(`${field}.encoding`, 'is neither "base64" nor "binary"');
  const octets = typeof content === "string" ? decodeBase64(content) : undefined;
  if (octets !== undefined) return octets;
  throw new MessageError(`${field}.content`, "is not base64 (RFC 4648 §4)", {
    hint: "give it with its padding, and without blanks, line ends or a data: prefix",
  });
}

function readLength(value: unknown, field: string): number | undefined {
  if (value === undefined || (typeof value === "number" && Number.isSafeInteger(value) && value >= 0))
    return value;
  throw new MessageError(field, "is not a number of octets");
}

const OWN_PROPERTY = /^(?:content-(?:type|transfer-encoding|disposition|id)|mime-version)$/;

function reservedField(name: string): string | undefined {
  return OWN_PROPERTY.test(name) ? "it is made from the properties of the attachment" : undefined;
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
