// data: URLs (RFC 2397), as editors and browsers make them.

import type { Attachment } from "../attachment.ts";
import { decodeBase64 } from "../bytes.ts";
import { MessageError } from "../errors.ts";
import { describe } from "../input.ts";
import type { AttachmentDetails } from "./stream.ts";

/** Characters: a URL of 16 MiB is a picture of 12, and what is larger is a file. */
const MAX_LENGTH = 16_777_216;
/** More than any media type with its parameters. */
const MAX_MEDIA_TYPE = 500;

const SCHEME = "data:";
const BASE64 = ";base64";
/** RFC 2397 §2: what it is where it does not say. */
const DEFAULT_TYPE = "text/plain";
const DEFAULT_PARAMETERS = ";charset=US-ASCII";

/** Attaches what a `data:` URL holds, as the media type it names. */
export function dataUrl(address: string, details?: AttachmentDetails): Attachment {
  if (typeof address !== "string") throw bad(`is ${describe(address)}, not a string`);
  if (address.length > MAX_LENGTH) throw bad(`is longer than ${MAX_LENGTH} characters`);
  if (address.slice(0, SCHEME.length).toLowerCase() !== SCHEME) throw bad("is not a data: URL");
  const head = address.slice(SCHEME.length, SCHEME.length + MAX_MEDIA_TYPE + BASE64.length);
  const comma = head.indexOf(",");
  if (comma < 0) throw bad(`has no comma within ${MAX_MEDIA_TYPE} characters`);
  const isBase64 = head.slice(0, comma).toLowerCase().endsWith(BASE64);
  const type = head.slice(0, isBase64 ? comma - BASE64.length : comma);
  const body = address.slice(SCHEME.length + comma + 1);
  const content = isBase64 ? decodeBase64(body) : decodePercent(body);
  if (content === undefined) throw bad(isBase64 ? "is not base64 (RFC 4648 §4)" : "is not percent-encoded");
  const contentType =
    type === "" ? DEFAULT_TYPE + DEFAULT_PARAMETERS : type.startsWith(";") ? DEFAULT_TYPE + type : type;
  return { contentType, ...details, content };
}

/** It may be anything of anybody's, so no error shows any of it. */
function bad(what: string): MessageError {
  return new MessageError("url", what);
}

const HASH = 0x23;
const PERCENT = 0x25;
const HEX = /^[0-9A-Fa-f]{2}$/;

/** Visible ASCII, and any octet behind a percent sign. A "#" would begin what is not part of the content. */
function decodePercent(text: string): Uint8Array | undefined {
  const octets = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let octet = text.charCodeAt(at);
    if (octet <= 0x20 || octet >= 0x7f || octet === HASH) return undefined;
    if (octet === PERCENT) {
      const digits = text.slice(at + 1, at + 3);
      if (!HEX.test(digits)) return undefined;
      octet = Number.parseInt(digits, 16);
      at += 2;
    }
    octets[length++] = octet;
  }
  return octets.subarray(0, length);
}
