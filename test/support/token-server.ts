// A token endpoint on a loopback port, which answers as a test tells it to and writes down what it was asked.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Identity } from "./certificates.ts";

export interface TokenRequestHeard {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly form: Readonly<Record<string, string>>;
  /** Resolves when the client has left before it was answered. */
  readonly left: Promise<void>;
}

/** What is answered: an object as JSON, text as it is, with a status of 200 where there is no other. */
export interface TokenAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export type Answering = (
  request: TokenRequestHeard,
  response: ServerResponse,
) => TokenAnswer | undefined | Promise<TokenAnswer | undefined>;

export interface TokenServer {
  readonly url: string;
  readonly host: string;
  readonly heard: readonly TokenRequestHeard[];
  /** Waits until so many requests have come. */
  requests(count: number): Promise<void>;
}

/** Answers what it is given, or what a function makes of each request; it may say it itself, and return nothing. */
export async function serveTokens(
  answer: TokenAnswer | Answering,
  { tls }: { readonly tls?: Identity } = {},
): Promise<TokenServer> {
  const heard: TokenRequestHeard[] = [];
  const awaited: (() => void)[] = [];
  const faults: unknown[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url = "", headers } = request;
    let body = "";
    for await (const chunk of request) body += chunk;
    const left = new Promise<void>((resolve) => {
      response.on("close", () => {
        if (!response.writableFinished) resolve();
      });
    });
    const form = Object.fromEntries(new URLSearchParams(body));
    const one = { method, url, headers, form, left };
    heard.push(one);
    for (const notify of awaited.splice(0)) notify();
    const given = typeof answer === "function" ? await answer(one, response) : answer;
    if (given === undefined) return;
    const { status = 200, headers: fields = {}, body: said = "" } = given;
    const text = typeof said === "string" ? said : JSON.stringify(said);
    response.writeHead(status, { "content-type": "application/json", ...fields }).end(text);
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => faults.push(error));
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
    if (faults.length > 0) throw faults[0];
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${tls === undefined ? "http" : "https"}://${host}/token`,
    host,
    heard,
    async requests(count) {
      while (heard.length < count) await new Promise<void>((resolve) => awaited.push(resolve));
    },
  };
}

/** What an endpoint answers when all is well (RFC 6749 §5.1). */
export function issued(accessToken: string, others: object = {}): TokenAnswer {
  return { body: { access_token: accessToken, token_type: "Bearer", expires_in: 3600, ...others } };
}
