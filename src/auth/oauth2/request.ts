// One request to a token endpoint (RFC 6749 §3.2), and what comes back. Nothing that was said there gets into an error.

import { onAbort } from "../../abort.ts";
import { decodeText, joinAlone } from "../../bytes.ts";
import { ConfigError, TokenError } from "../../errors.ts";
import { describe } from "../../input.ts";
import type { Endpoint } from "./endpoint.ts";

/** Octets; an answer has some thousand. */
const MAX_ANSWER = 65_536;

/** What an endpoint answered. */
export interface HttpAnswer {
  readonly status: number;
  /** Retry-After and Date; they share nothing with the request. */
  readonly retryAfter: string | null;
  readonly date: string | null;
  readonly text: string;
}

/** The form that asks for a token. */
export function formOf(
  { parameters }: Endpoint,
  own: Readonly<Record<string, string | undefined>>,
): URLSearchParams {
  const said = Object.entries({ ...parameters, ...own }).filter(([, value]) => value !== undefined);
  return new URLSearchParams(said as [string, string][]);
}

/** Posts the form. Rejects with a `TokenError` where nothing came back that could be looked at. */
export async function post(
  endpoint: Endpoint,
  form: URLSearchParams,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { url, host } = endpoint;
  const fetch = endpoint.fetch ?? globalThis.fetch;
  if (typeof fetch !== "function") throw new ConfigError("fetch", "is missing, and this runtime has none");
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { ...endpoint.headers, accept: "application/json", "content-type": FORM },
      body: form.toString(),
      // RFC 6749 §10.4: what is in the form is for this endpoint alone. Not "error", which workerd does not know.
      redirect: "manual",
      signal,
    });
    return await readResponse(response, host, signal);
  } catch (error) {
    if (error instanceof TokenError || error instanceof ConfigError) throw error;
    if (signal.aborted) throw unreachable(host, "did not answer in time, or nobody waits any more");
    const code = systemCode(error);
    throw unreachable(host, `could not be reached${code === undefined ? "" : ` (${code})`}`, code);
  }
}

const FORM = "application/x-www-form-urlencoded";

async function readResponse(response: Response, host: string, signal: AbortSignal): Promise<HttpAnswer> {
  const { status, type, redirected, headers, body } = response;
  if (redirected || type === "opaqueredirect" || (status >= 300 && status < 400)) {
    void body?.cancel().catch(() => {});
    throw new TokenError(`the token endpoint ${host} leads elsewhere, and redirects are not followed`, {
      reason: "reauthorise",
      hint: "tokenUrl must be the endpoint itself",
    });
  }
  if (body !== null && typeof body?.getReader !== "function") {
    throw new ConfigError("fetch", "gave an answer whose body is no ReadableStream", {
      hint: "the runtime's own does",
    });
  }
  const text = body === null ? "" : await readBody(body.getReader(), host, signal);
  return { status, retryAfter: headers.get("retry-after"), date: headers.get("date"), text };
}

interface Reader {
  read(): Promise<{ readonly done: boolean; readonly value?: unknown }>;
  cancel(): Promise<unknown>;
}

const OVER = { done: true, value: undefined };

async function readBody(reader: Reader, host: string, signal: AbortSignal): Promise<string> {
  const cancel = (): void => void reader.cancel().catch(() => {});
  // A fetch that was replaced may heed its signal only until it has answered.
  const stopListening = onAbort(signal, cancel);
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = signal.aborted ? OVER : await reader.read();
      // What is cancelled ends as if it were whole.
      if (signal.aborted) throw signal.reason;
      if (done) return decodeText(joinAlone(pieces));
      if (!(value instanceof Uint8Array)) throw unreachable(host, `sent ${describe(value)}, not octets`);
      size += value.length;
      if (size > MAX_ANSWER) throw unreachable(host, `sent more than ${MAX_ANSWER} octets`);
      pieces.push(value);
    }
  } finally {
    stopListening();
    // Nothing, where it is over.
    cancel();
  }
}

/** What may be otherwise the next time. */
function unreachable(host: string, what: string, code = ""): TokenError {
  const isDistrusted = /CERT|^ERR_(?:TLS|SSL)_|UNABLE_TO_/.test(code);
  return new TokenError(`the token endpoint ${host} ${what}`, {
    reason: "temporary",
    hint: isDistrusted
      ? "its certificate is not trusted; an authority of your own goes into NODE_EXTRA_CA_CERTS, or fetch brings it along"
      : undefined,
  });
}

/** How the system calls what went wrong, such as ECONNREFUSED; all else that `error` says may hold the request. */
function systemCode(error: unknown): string | undefined {
  let thrown = error;
  // Node's fetch wraps it, and wraps more than one where a name has more than one address.
  for (let depth = 0; depth < 3 && typeof thrown === "object" && thrown !== null; depth++) {
    const { code, cause, errors } = thrown as Partial<Record<"code" | "cause" | "errors", unknown>>;
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,59}$/.test(code)) return code;
    thrown = Array.isArray(errors) ? errors[0] : cause;
  }
  return undefined;
}
