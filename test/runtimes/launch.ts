// How the suite is started in a runtime, and what it told is had from it. Whatever is started is stopped, in time.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { MODULES, startMiniflare, type WorkerDate } from "../support/worker.ts";
import type { Told } from "./check.ts";

export interface Room {
  /** With the package in its node_modules, the suite and what starts it. */
  readonly folder: string;
  /** A file to attach. */
  readonly file: string;
  /** The authority that a Worker's runtime is to trust, PEM. */
  readonly ca: string;
}

/** Runs the suite, in a runtime that was installed in `installed`. */
export type Launch = (
  orders: object,
  room: Room,
  installed: string,
) => Promise<Readonly<Record<string, Told>>>;

/** Milliseconds for all checks in one runtime; it takes about five seconds. */
const LIMIT = 60_000;

/** In a process of its own, which is to end by itself and to say nothing but what the suite told. */
export function inProcess(command: (installed: string, room: Room) => readonly string[]): Launch {
  return async (orders, room, installed) => {
    const [program = "", ...args] = command(installed, room);
    const child = start(program, [...args, JSON.stringify(orders)], room.folder);
    return withLimit(child, room.folder, async () => {
      const [said, complaints, [code]] = await Promise.all([
        text(child.stdout as Readable),
        text(child.stderr as Readable),
        once(child, "exit"),
      ]);
      if (code !== 0 || complaints !== "") throw new Error(`it ended with ${code} and said: ${complaints}`);
      return JSON.parse(said);
    });
  };
}

/** By the Miniflare that `npm test` uses too. */
export function inMiniflare(date: WorkerDate): Launch {
  return async (orders, { folder, ca }) => {
    const contents = await readFile(join(folder, "worker.bundle.mjs"), "utf8");
    const script = [{ type: "ESModule", path: `${MODULES}/worker.js`, contents }] as const;
    let worker: Awaited<ReturnType<typeof startMiniflare>> | undefined;
    const work = async (): Promise<unknown> => {
      worker = await startMiniflare({ ...date, ca, script });
      return worker.post(orders);
    };
    try {
      return (await inTime(work())) as Readonly<Record<string, Told>>;
    } finally {
      await worker?.dispose();
    }
  };
}

/** By the very binary that Cloudflare runs. */
export function inWorkerd({ compatibilityDate, compatibilityFlags }: WorkerDate): Launch {
  return async (orders, { folder, ca }, installed) => {
    const config = join(folder, "config.capnp");
    await writeFile(join(folder, "ca.pem"), ca);
    await writeFile(
      config,
      `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      modules = [(name = "worker", esModule = embed "worker.bundle.mjs")],
      compatibilityDate = "${compatibilityDate}",
      compatibilityFlags = ${JSON.stringify(compatibilityFlags)},
      globalOutbound = "loopback",
    )),
    (name = "loopback", network = (
      allow = ["private"],
      tlsOptions = (trustedCertificates = [embed "ca.pem"]),
    )),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);
`,
    );
    const { default: program } = createRequire(join(installed, "node_modules/"))("workerd") as {
      readonly default: string;
    };
    const child = start(program, ["serve", config, "--control-fd=3"], folder);
    // What it writes of certificates that it refuses is what some checks are about.
    child.stdout?.resume();
    let complaints = "";
    child.stderr?.on("data", (octets: Buffer) => {
      complaints += octets;
    });
    return withLimit(child, folder, async () => {
      const told = once(child.stdio[3] as Readable, "data");
      const ended = once(child, "exit").then(([code]) => {
        throw new Error(`it ended with ${code} and said: ${complaints}`);
      });
      const [event] = await Promise.race([told, ended]);
      const { port } = JSON.parse(String(event)) as { readonly port: number };
      const answer = fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: JSON.stringify(orders) });
      const response = await Promise.race([answer, ended]);
      return (await response.json()) as Readonly<Record<string, Told>>;
    });
  };
}

function start(program: string, args: readonly string[], folder: string): ChildProcess {
  const { PATH } = process.env;
  const child = spawn(program, args, {
    cwd: folder,
    // Some of what npm installs is a script that starts the program: both are stopped, as a group.
    detached: true,
    env: { PATH, HOME: folder, NO_COLOR: "1", DENO_DIR: join(folder, ".deno"), DENO_NO_UPDATE_CHECK: "1" },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  // For run.mjs, where the tests are stopped themselves.
  if (child.pid !== undefined) writeFileSync(noteOf(child.pid, folder), "");
  return child;
}

function noteOf(pid: number, folder: string): string {
  return join(folder, `running-${pid}`);
}

/** Does the work, and leaves nothing of the process. */
async function withLimit<T>(child: ChildProcess, folder: string, work: () => Promise<T>): Promise<T> {
  const failed = new Promise<never>((_, reject) => child.on("error", reject));
  try {
    return await inTime(Promise.race([work(), failed]));
  } finally {
    stop(child, folder);
  }
}

/** What the work comes to, where that is known in time. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was stopped after ${LIMIT / 1000} seconds`)), LIMIT);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function stop({ pid }: ChildProcess, folder: string): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended, and so have all that it started.
  }
  rmSync(noteOf(pid, folder), { force: true });
}
