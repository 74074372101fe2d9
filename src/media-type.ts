// Media types as users write them (RFC 2045 §5.1): read into their parts, and held against what they are given for.

import { isAsciiText } from "./bytes.ts";
import { MessageError } from "./errors.ts";
import { isToken, PRINTABLE_ASCII, refuseControls } from "./input.ts";

/** A media type in its parts. */
export interface MediaType {
  /** `type/subtype`, in lower case. */
  readonly essence: string;
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

const MAX_CONTENT_TYPE = 500;

/** Reads `type/subtype; name=value; name="value"` (RFC 2045 §5.1), without comments, for `content`. */
export function parseMediaType(text: string, content: unknown, field: string): MediaType {
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
  if (type === "multipart" || (type === "message" && subtype !== "rfc822")) {
    throw new MessageError(field, `is ${essence}, which a part cannot be given as`, {
      hint: "the structure of the message is made from its parts; send others as application/octet-stream",
    });
  }
  const parameters = semicolon < 0 ? [] : parseParameters(text, semicolon, field);
  if (typeof content === "string") checkCharset(parameters, content, field);
  return { essence, parameters };
}

/** Text is sent as UTF-8, and must not be labelled as anything else. */
function checkCharset(parameters: MediaType["parameters"], content: string, field: string): void {
  const charset = parameters.find(([name]) => name === "charset")?.[1].toLowerCase();
  if (charset === undefined || charset === "utf-8") return;
  if (charset === "us-ascii" && isAsciiText(content)) return;
  throw new MessageError(field, "names another charset than UTF-8, which text is sent in", {
    hint: "leave the charset out, or give the octets as a Uint8Array",
  });
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
    if (name === "name") throw new MessageError(field, "has a name, which is the property filename");
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
