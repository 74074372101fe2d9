// A Worker in workerd, by miniflare, which is told what to send. It keeps each client in a global, as people do.

import { createRequire } from "node:module";
import type { Readable } from "node:stream";
import { build } from "esbuild";
import type { Message, SmtpClientOptions } from "../../src/workerd.ts";
import { ROOT } from "./examples.ts";

/** What the Worker is to do in one invocation. */
export interface Order {
  readonly options: SmtpClientOptions;
  readonly messages: readonly Message[];
  /** Says goodbye when it has sent them. */
  readonly close?: boolean;
  /** Answers as soon as there is a connection, whatever becomes of the messages. */
  readonly leave?: boolean;
}

/** What came of it. */
export interface Outcome {
  readonly sent: number;
  readonly opened: number;
  readonly error?: {
    readonly code: string;
    readonly option?: string;
    readonly message: string;
    readonly hint?: string;
  };
}

export interface Worker {
  invoke(order: Order): Promise<Outcome>;
  dispose(): Promise<void>;
}

const SCRIPT = `
import { SmtpClient } from "./src/workerd.ts";
const clients = new Map();
// In the global scope, where no invocation runs and little is allowed.
new SmtpClient("smtps://user:pass@smtp.example.com");
export default {
  async fetch(request) {
    const { options, messages, close, leave } = await request.json();
    const key = JSON.stringify(options);
    let sent = 0;
    let client;
    try {
      client = clients.get(key) ?? new SmtpClient(options);
      clients.set(key, client);
      if (leave) {
        client.send(messages[0]).catch(() => {});
        while (client.stats.opened === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        return Response.json({ sent, opened: client.stats.opened });
      }
      for (const message of messages) {
        await client.send(message);
        sent++;
      }
      const { opened } = client.stats;
      if (close) await client.close();
      return Response.json({ sent, opened });
    } catch ({ code, option, message, hint }) {
      return Response.json({ sent, opened: client?.stats.opened ?? 0, error: { code, option, message, hint } });
    }
  },
};`;

/** The modules of the Worker, in one; whatever of Node's it reached would be an error here. */
export async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: SCRIPT, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    external: ["cloudflare:sockets"],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/** Miniflare, where it is installed. */
export function hasMiniflare(): boolean {
  try {
    createRequire(import.meta.url).resolve("miniflare");
    return true;
  } catch {
    return false;
  }
}

interface Miniflare {
  readonly ready: Promise<unknown>;
  dispatchFetch(url: string, init: { method: string; body: string }): Promise<{ json(): Promise<unknown> }>;
  dispose(): Promise<void>;
}

type Loaded = { readonly Miniflare: new (options: object) => Miniflare };

export async function startWorker(runtime: {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** The authority that the runtime trusts. */
  readonly ca: string;
  readonly script: string;
}): Promise<Worker> {
  const { compatibilityDate, compatibilityFlags, ca, script } = runtime;
  const name = "miniflare";
  const { Miniflare } = (await import(name)) as Loaded;
  const miniflare = new Miniflare({
    modules: true,
    script,
    compatibilityDate,
    compatibilityFlags,
    cf: false,
    host: "127.0.0.1",
    port: 0,
    // What it writes of certificates that it refuses is what the tests are about.
    handleRuntimeStdio: (out: Readable, errors: Readable) => {
      out.resume();
      errors.resume();
    },
    outboundService: {
      network: { allow: ["private"], tlsOptions: { trustBrowserCas: false, trustedCertificates: [ca] } },
    },
  });
  await miniflare.ready;
  return {
    async invoke(order) {
      const response = await miniflare.dispatchFetch("http://worker/", {
        method: "POST",
        body: JSON.stringify(order),
      });
      return (await response.json()) as Outcome;
    },
    dispose: () => miniflare.dispose(),
  };
}
