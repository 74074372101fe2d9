// Before the first check: the room that the runtimes run in, and the runtimes that are missing.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { TestProject } from "vitest/node";
import { RUNTIMES } from "./runtimes.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The folder of run.mjs. */
    directory: string;
    /** The runtimes that were asked for and are there, and the folder of each. */
    installed: Readonly<Record<string, string>>;
  }
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Milliseconds for one package; the largest has 60 MB to fetch. */
const INSTALL_LIMIT = 180_000;

export async function setup(project: TestProject): Promise<void> {
  const directory = process.env.RUNTIMES_DIR;
  if (directory === undefined) throw new Error("start the suite with: npm run test:runtimes");
  const only = process.env.RUNTIMES_ONLY?.split(",") ?? [""];
  const asked = RUNTIMES.filter(({ name }) => only.some((prefix) => name.startsWith(prefix)));
  if (asked.length === 0)
    throw new Error(`no runtime begins with ${only}: ${RUNTIMES.map(({ name }) => name)}`);
  await furnish(join(directory, "room"));

  const cache = process.env.PENNYPOST_RUNTIMES ?? join(ROOT, "node_modules/.cache/pennypost-runtimes");
  const packages = [...new Set(asked.flatMap(({ package: name }) => name ?? []))];
  const reasons = new Map<string, string>();
  for (const name of packages) {
    const reason = await install(name, join(cache, name));
    if (reason !== undefined) reasons.set(name, reason);
  }
  const isMissing = (name: string | undefined): boolean => name !== undefined && reasons.has(name);
  const missing = asked.filter((runtime) => isMissing(runtime.package));
  const installed = asked.filter((runtime) => !isMissing(runtime.package));
  await writeFile(
    join(directory, "missing.json"),
    JSON.stringify(missing.map(({ name, package: of = "" }) => [name, reasons.get(of)])),
  );
  const folders = Object.fromEntries(
    installed.map(({ name, package: of = "" }) => [name, join(cache, of)] as const),
  );
  await writeFile(join(directory, "installed.json"), JSON.stringify(folders));
  project.provide("directory", directory);
  project.provide("installed", folders);
}

/** The package as npm would install it, beside whoever imports it; a Worker is bundled, as its tools do it. */
async function furnish(room: string): Promise<void> {
  const home = join(room, "node_modules/pennypost");
  await mkdir(home, { recursive: true });
  for (const part of ["package.json", "dist"])
    await cp(join(ROOT, part), join(home, part), { recursive: true });
  for (const file of ["suite.mjs", "process.mjs", "require.cjs", "worker.mjs"]) {
    await cp(join(ROOT, "test/runtimes", file), join(room, file));
  }
  await writeFile(join(room, "package.json"), '{ "type": "module", "dependencies": { "pennypost": "*" } }\n');
  await writeFile(join(room, "attached.txt"), "This was a file.\n");
  await build({
    entryPoints: [join(room, "worker.mjs")],
    outfile: join(room, "worker.bundle.mjs"),
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    // A module of Node's is none of these: one that the door for Workers led to would be an error here.
    external: ["cloudflare:*"],
  });
}

/** Why npm could not install it, if it could not. It is in its folder whole, or not at all. */
async function install(name: string, folder: string): Promise<string | undefined> {
  if (existsSync(folder)) return undefined;
  console.log(`runtimes: installing ${name}`);
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  const args = ["install", "--prefix", unfinished, "--no-audit", "--no-fund", "--loglevel=error", name];
  const npm = spawn("npm", args, {
    cwd: unfinished,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: INSTALL_LIMIT,
  });
  npm.on("error", () => {}); // said by its exit
  const [complaints, [code]] = await Promise.all([text(npm.stderr as Readable), once(npm, "close")]);
  if (code !== 0) {
    await rm(unfinished, { recursive: true, force: true });
    // The first line is a code; the second says what is wrong.
    const error = complaints.split("\n").find((line) => /^npm error (?!code )/.test(line));
    return error ?? `npm ended with ${code ?? "no answer in time"}`;
  }
  await rename(unfinished, folder);
  return undefined;
}
