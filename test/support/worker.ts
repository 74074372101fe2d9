// A Worker in workerd, by miniflare, which is told what to do.

import { createRequire } from "node:module";
import type { Readable } from "node:stream";
import { build } from "esbuild";
import { expect } from "vitest";
import { ROOT } from "./examples.ts";
import { serveTokens } from "./token-server.ts";
import type { Order, Outcome, Setup } from "./worker-script.ts";

export interface Worker {
  invoke(order: Order): Promise<Outcome>;
  dispose(): Promise<void>;
}

/** A module of a Worker. */
export interface Module {
  readonly type: "ESModule";
  readonly path: string;
  readonly contents: string;
}

/** Where its modules are, to the Worker. */
export const MODULES = "/worker";

/**
 * The modules of the Worker, the first of them that which is run: what is loaded when it is needed is loaded then.
 * Whatever of Node's they reached would be an error here.
 */
export async function bundle(): Promise<readonly Module[]> {
  const { outputFiles } = await build({
    entryPoints: [`${ROOT}/test/support/worker-script.ts`],
    outdir: MODULES,
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    external: ["cloudflare:sockets"],
    write: false,
  });
  return outputFiles
    .map(({ path, text }): Module => ({ type: "ESModule", path, contents: text }))
    .sort((one, other) => Number(isMain(other)) - Number(isMain(one)));
}

function isMain({ path }: Module): boolean {
  return path.endsWith("/worker-script.js");
}

/** What no invocation may leave behind: a rejection that nobody handled. */
export async function expectNoFaults(worker: Worker): Promise<void> {
  expect(await worker.invoke({ act: "faults" })).toEqual({ value: [] });
}

/** A URL that answers once `come` has resolved. */
export async function gate(come: () => Promise<unknown>): Promise<string> {
  const { url } = await serveTokens(async () => {
    await come();
    return { body: "come" };
  });
  return url;
}

/** Whether miniflare is installed. */
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

/** How the runtime is to behave. */
export interface WorkerDate {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
}

export interface WorkerOptions extends WorkerDate {
  /** The authority that the runtime trusts. */
  readonly ca: string;
  readonly script: readonly Module[];
}

export async function startWorker({
  script,
  setup,
  ...options
}: WorkerOptions & { readonly setup?: Setup }): Promise<Worker> {
  const prelude = setup === undefined ? "" : `globalThis.setup = ${JSON.stringify(setup)};\n`;
  const modules = script.map((module, at) => ({
    ...module,
    contents: at === 0 ? prelude + module.contents : module.contents,
  }));
  const { post, dispose } = await startMiniflare({ ...options, script: modules });
  return { invoke: async (order) => (await post(order)) as Outcome, dispose };
}

/** A Worker that is asked and answers in JSON. */
export async function startMiniflare({
  compatibilityDate,
  compatibilityFlags,
  ca,
  script,
}: WorkerOptions): Promise<{ post(asked: object): Promise<unknown>; dispose(): Promise<void> }> {
  const name = "miniflare";
  const { Miniflare } = (await import(name)) as Loaded;
  const miniflare = new Miniflare({
    modulesRoot: MODULES,
    modules: script,
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
    async post(asked) {
      const body = JSON.stringify(asked);
      const response = await miniflare.dispatchFetch("http://worker/", { method: "POST", body });
      return response.json();
    },
    dispose: () => miniflare.dispose(),
  };
}
