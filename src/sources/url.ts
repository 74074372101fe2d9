// A document on the web, fetched when the message is sent.

import type { Attachment } from "../attachment.ts";
import { MessageError } from "../errors.ts";
import type { Opening, Pieces } from "../flow.ts";
import { describe, type Keys, readObject } from "../input.ts";
import { OpenedLater } from "../source.ts";
import type { AttachmentDetails } from "./stream.ts";

/** Says how a URL is fetched. */
export interface UrlRequest {
  /** Octets, when decoded. @default 26214400 (25 MiB) */
  readonly maxSize?: number;
  /** Milliseconds for the whole of it. @default 60000 */
  readonly timeout?: number;
  /** Fields of the request, such as Authorization. They go to this URL only. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Replaces `globalThis.fetch`: with one that keeps to certain addresses, or goes through a proxy. */
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
 * it could lead anywhere. The URL is fetched from where the program runs, with all that can be reached from there: where
 * it comes from others, it is the caller's to decide where it may lead.
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
  const init: RequestInit = {
    redirect: "manual",
    credentials: "omit",
    ...(headers !== undefined && { headers: { ...(headers as Record<string, string>) } }),
  };
  const get = (signal: AbortSignal): Promise<Response> =>
    ((fetch as UrlRequest["fetch"]) ?? globalThis.fetch)(target.href, { ...init, signal });
  const begin = (): Opening => ({ isReopenable: false, open: () => open(get, target.host, limits) });
  return { ...nameOf(target), ...details, content: new OpenedLater(begin) };
}

interface Limits {
  readonly maxSize: number;
  readonly timeout: number;
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

const PLAIN_NAME = /^[\w-]+(?:\.[\w-]+)+$/;

/** The name at the end of the path, where it looks like that of a file. */
function nameOf({ pathname }: URL): AttachmentDetails {
  const name = pathname.slice(pathname.lastIndexOf("/") + 1);
  return PLAIN_NAME.test(name) ? { filename: name } : {};
}

async function open(
  get: (signal: AbortSignal) => Promise<Response>,
  host: string,
  { maxSize, timeout }: Limits,
): Promise<Pieces> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(new Error(`${host} took longer than ${timeout} ms`)), timeout);
  const close = (): void => {
    clearTimeout(timer);
    stop.abort(new Error("it is not needed any more"));
  };
  try {
    const { status, body } = await get(stop.signal);
    if (status !== 200) {
      const why = status >= 300 && status < 400 ? ", and no redirect is followed" : "";
      throw new Error(`${host} answered with status ${status}${why}`);
    }
    const reader = body?.getReader();
    let size = 0;
    return {
      next: async () => {
        const piece = (await reader?.read()) ?? { done: true, value: undefined };
        size += piece.value?.length ?? 0;
        if (size > maxSize) throw new Error(`${host} sent more than ${maxSize} octets`);
        if (piece.done) clearTimeout(timer);
        return piece;
      },
      return: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
