// A document on the web, fetched when the message is sent.

import type { Attachment } from "../attachment.ts";
import { MessageError } from "../errors.ts";
import type { Opening } from "../flow.ts";
import { describe, type Keys, readEntries, readObject, readText } from "../input.ts";
import { OpenedLater } from "../opened-later.ts";
import type { AttachmentDetails } from "./stream.ts";
import type { Limits } from "./url-octets.ts";

/** Says how a URL is fetched. */
export interface UrlRequest {
  /** Octets at most. @default 26214400 (25 MiB) */
  readonly maxSize?: number;
  /** Milliseconds for the whole of it. @default 60000 */
  readonly timeout?: number;
  /**
   * Fields of the request, such as Authorization, in a plain object. They go to this URL only. Those of the connection and
   * of the form of the answer are refused, such as Host and Accept-Encoding.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Replaces `globalThis.fetch`: with one that keeps to certain addresses, or goes through a proxy. It must follow no
   * redirect, decode nothing, and heed its signal.
   */
  readonly fetch?: typeof globalThis.fetch;
}

/** More than the large mailbox providers take. */
const MAX_SIZE = 26_214_400;
/** A server that has sent nothing of the message for so long may hang up. */
const TIMEOUT = 60_000;
/** The longest a timer can be told to wait. */
const MAX_TIMEOUT = 2_147_483_647;

const REQUEST: Keys<keyof UrlRequest> = {
  maxSize: undefined,
  timeout: undefined,
  headers: undefined,
  fetch: undefined,
};

/**
 * Attaches what an `https:` URL leads to, when the message is sent. The answer must be 200: no redirect is followed, for
 * it could lead anywhere. Nor may it be compressed: what was cut would decode as if it were whole. The URL is fetched from
 * where the program runs, with all that can be reached from there: where it comes from others, it is the caller's to
 * decide where it may lead.
 *
 * It can be read once, so that its size is not known before it is sent, and a message that is to be signed is kept.
 */
export function url(
  address: string | URL,
  details?: AttachmentDetails,
  request: UrlRequest = {},
): Attachment {
  const target = readUrl(address);
  const { maxSize, timeout, headers, fetch } = readObject(request, REQUEST, "request");
  const limits: Limits = {
    maxSize: readLimit(maxSize, "request.maxSize", Number.MAX_SAFE_INTEGER) ?? MAX_SIZE,
    timeout: readLimit(timeout, "request.timeout", MAX_TIMEOUT) ?? TIMEOUT,
  };
  if (fetch !== undefined && typeof fetch !== "function") {
    throw new MessageError("request.fetch", `is ${describe(fetch)}, not a function`);
  }
  const fields = readFields(headers);
  const get = (signal: AbortSignal): Promise<Response> =>
    ((fetch as UrlRequest["fetch"]) ?? globalThis.fetch)(target.href, {
      redirect: "manual",
      credentials: "omit",
      headers: { ...fields, "accept-encoding": "identity" },
      signal,
    });
  const begin = (): Opening => ({
    isReopenable: false,
    open: async () => (await import("./url-octets.ts")).open(get, target.host, limits),
  });
  return { ...nameOf(target), ...details, content: new OpenedLater(begin) };
}

/** The URL may hold a token: no error shows more of it than the host. */
function readUrl(address: string | URL): URL {
  let target: URL;
  try {
    target = new URL(address);
  } catch {
    throw new MessageError("url", "is not a URL");
  }
  if (target.protocol !== "https:") {
    throw new MessageError("url", `is ${target.protocol}, and must be https:`);
  }
  if (target.username !== "" || target.password !== "") {
    throw new MessageError("url", "holds credentials", { hint: "give them in request.headers" });
  }
  return target;
}

function readLimit(value: unknown, field: string, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0 && value <= most) return value;
  throw new MessageError(field, `is not a whole number from 1 to ${most}`);
}

/** RFC 9110 §5.6.2, §5.5: without what other character sets than ASCII would make of it. */
const FIELD_NAME = /^[\w!#$%&'*+\-.^`|~]+$/;
const FIELD_VALUE = /^[\t\x20-\x7e]*$/;

/** What fetch says itself, of the connection or of the form of the answer, or refuses to say. */
const NOT_THE_CALLERS =
  /^(?:accept-encoding|connection|content-length|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;

/** Fetch would show a value that it refuses, which may be a token: no error shows more of a field than its name. */
function readFields(headers: unknown): Readonly<Record<string, string>> {
  const entries = headers === undefined ? [] : readEntries(headers, "request.headers");
  const fields = entries.map(([name, given]): [string, string] => {
    // Nor what may be a whole field, with its value.
    if (!FIELD_NAME.test(name)) throw new MessageError("request.headers", "has a key that names no field");
    const field = `request.headers["${name.slice(0, 80)}"]`;
    if (NOT_THE_CALLERS.test(name)) throw new MessageError(field, "is not the caller's to say");
    const value = readText(given, field);
    if (!FIELD_VALUE.test(value)) throw new MessageError(field, "holds more than printable ASCII");
    return [name, value];
  });
  return Object.fromEntries(fields);
}

const PLAIN_NAME = /^[\w-]+(?:\.[\w-]+)+$/;

/** The name at the end of the path, where it looks like that of a file. */
function nameOf({ pathname }: URL): AttachmentDetails {
  const name = pathname.slice(pathname.lastIndexOf("/") + 1);
  return PLAIN_NAME.test(name) ? { filename: name } : {};
}
