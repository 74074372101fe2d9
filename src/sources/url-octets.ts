// What a server answers, held to what was asked for. Loaded with the first.

import type { Pieces } from "../flow.ts";
import { describe } from "../input.ts";

/** How much, and for how long. */
export interface Limits {
  readonly maxSize: number;
  readonly timeout: number;
}

/** Asks for it with the first `next`, so that it can be given up before it is answered. */
export function open(
  get: (signal: AbortSignal) => Promise<Response>,
  host: string,
  { maxSize, timeout }: Limits,
): Pieces {
  const stop = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let answer: Answer | undefined;
  let size = 0;
  const ask = async (): Promise<Answer> => {
    timer = setTimeout(() => stop.abort(new Error(`${host} took longer than ${timeout} ms`)), timeout);
    return readAnswer(await get(stop.signal), host);
  };
  return {
    next: async () => {
      answer ??= await ask();
      const { done, value } = (await answer.reader?.read()) ?? { done: true };
      if (!done) {
        // Text would be counted in characters.
        if (!(value instanceof Uint8Array)) throw new Error(`${host} sent ${describe(value)}, not octets`);
        size += value.length;
        if (size > maxSize) throw new Error(`${host} sent more than ${maxSize} octets`);
        return { done: false, value };
      }
      const { length } = answer;
      // A fetch that was replaced may not have looked.
      if (length !== undefined && size !== Number(length)) {
        throw new Error(`${host} sent ${size} octets, not ${length}`);
      }
      clearTimeout(timer);
      return { done: true, value: undefined };
    },
    return: () => {
      clearTimeout(timer);
      stop.abort(new Error("it is not needed any more"));
    },
  };
}

interface Answer {
  readonly reader: { read(): Promise<{ readonly done: boolean; readonly value?: unknown }> } | undefined;
  /** The Content-Length. */
  readonly length: string | undefined;
}

/** Refuses what is not the whole of what was asked for, or cannot be known to be. */
function readAnswer({ status, redirected, headers, body }: Response, host: string): Answer {
  if (status !== 200) {
    const why = status >= 300 && status < 400 ? ", and no redirect is followed" : "";
    throw new Error(`${host} answered with status ${status}${why}`);
  }
  if (redirected) throw new Error(`${host} led elsewhere, and no redirect is to be followed`);
  const encoding = headers.get("content-encoding") ?? "identity";
  // Node's fetch takes a compressed stream that was cut for one that ended.
  if (encoding.toLowerCase() !== "identity") {
    throw new Error(`${host} sent it compressed (${encoding}), so that its end cannot be told`);
  }
  return { reader: body?.getReader(), length: headers.get("content-length") ?? undefined };
}
