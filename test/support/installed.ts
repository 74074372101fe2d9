// The examples beside the package as npm would install it, made of the source: nothing need have been built.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { vi } from "vitest";
import { ROOT } from "./examples.ts";

const RUN_LIMIT = 60_000; // ms; a run takes two seconds

/** Makes a folder of it, and returns its path. */
export async function install(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pennypost-examples-"));
  const modules = join(folder, "node_modules");
  const own = join(modules, "pennypost");
  mkdirSync(own, { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  cpSync(join(ROOT, "examples"), join(folder, "examples"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(own, "package.json"));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ type: "module", dependencies: { pennypost: "*" } }),
  );
  await build({
    entryPoints: {
      index: join(ROOT, "src/index.ts"),
      connector: join(ROOT, "src/connector-door.ts"),
      dkim: join(ROOT, "src/dkim-door.ts"),
      oauth2: join(ROOT, "src/oauth2-door.ts"),
      workerd: join(ROOT, "src/workerd.ts"),
      "workerd-connector": join(ROOT, "src/workerd-connector.ts"),
    },
    outdir: join(own, "dist"),
    bundle: true,
    splitting: true,
    format: "esm",
    target: "es2022",
    external: ["node:*", "cloudflare:*"],
  });
  return folder;
}

let count = 0;

/** A module of the examples, loaded as if for the first time, in an environment with these variables. */
export async function load(
  folder: string,
  path: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  return import(/* @vite-ignore */ `${pathToFileURL(join(folder, "examples", path)).href}?${++count}`);
}

/** Where a runtime is installed: on the way that a shell looks, or where the tests of the runtimes put it. */
export function runtimeFolder(name: string): string | undefined {
  const place = process.env.PENNYPOST_RUNTIMES ?? join(ROOT, "node_modules/.cache/pennypost-runtimes");
  const fetched = existsSync(place) ? readdirSync(place).filter((entry) => entry.startsWith(name)) : [];
  return [
    ...(process.env.PATH ?? "").split(delimiter),
    ...fetched.map((entry) => join(place, entry, "node_modules/.bin")),
  ].find((folder) => existsSync(join(folder, name)));
}

/** A folder with a program by that name that is Node, and serves what the runtime would. */
export function standIn(folder: string, name: string): string {
  const place = join(folder, `stand-in-${name}`);
  mkdirSync(place);
  const server = join(ROOT, "test/support/serve-fetch.mjs");
  writeFileSync(join(place, name), `#!/bin/sh\nexec "${process.execPath}" "${server}" "$@"\n`, {
    mode: 0o755,
  });
  return place;
}

export interface Run {
  readonly code: number;
  readonly out: string;
}

/** `npm run example -- name`, but for the build. */
export async function runExample(
  folder: string,
  name: string,
  path: string = process.env.PATH ?? "",
): Promise<Run> {
  const { NODE_OPTIONS: _, ...environment } = process.env;
  const child = spawn(process.execPath, [join(folder, "examples/local.mjs"), name], {
    cwd: folder,
    env: { ...environment, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const limit = setTimeout(() => child.kill("SIGKILL"), RUN_LIMIT);
  const said: Buffer[] = [];
  child.stdout.on("data", (octets) => said.push(octets));
  child.stderr.on("data", (octets) => said.push(octets));
  const [code] = await once(child, "close");
  clearTimeout(limit);
  return { code: code ?? -1, out: Buffer.concat(said).toString() };
}
