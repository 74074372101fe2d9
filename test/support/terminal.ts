// The command as a person has it: its own process, in a pseudo-terminal that Python's pty module makes.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { onTestFinished } from "vitest";

const DRIVER = fileURLToPath(new URL("terminal.py", import.meta.url));
const SOURCE = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));

/** Why there is no pseudo-terminal here; `undefined` where there is one. */
export function whyNoTerminal(): string | undefined {
  const { status, error } = spawnSync("python3", ["-c", "import pty, termios"]);
  if (status === 0) return undefined;
  return `python3 with its pty module is not here (${error?.message ?? `exit code ${status}`})`;
}

/** Puts the command together in a folder of its own; returns where it is, and what takes it away. */
export async function buildCommand(): Promise<{ readonly path: string; remove(): void }> {
  const root = mkdtempSync(join(tmpdir(), "pennypost-"));
  mkdirSync(join(root, "dist"));
  const path = join(root, "dist/cli.mjs");
  writeFileSync(join(root, "package.json"), '{ "version": "1.2.3" }');
  await build({ entryPoints: [SOURCE], outfile: path, bundle: true, platform: "node", format: "esm" });
  return { path, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export interface Terminal {
  /** Everything that it has shown. */
  readonly screen: string;
  type(keys: string): void;
  /** Resolves as soon as it has shown this. */
  shows(words: string): Promise<void>;
  /** The exit code, and whether the terminal shows keys again and hands over lines. */
  readonly ended: Promise<{ readonly code: number; readonly echo: boolean; readonly lines: boolean }>;
}

export function open(
  command: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Terminal {
  const { PATH = "" } = process.env;
  const child = spawn("python3", [DRIVER, process.execPath, ...command], {
    env: { PATH, TERM: "xterm", ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  onTestFinished(() => void child.kill());
  let [screen, report] = ["", ""];
  const awaited: (() => void)[] = [];
  const wake = (): void => {
    for (const one of awaited.splice(0)) one();
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    wake();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    report += text;
  });
  child.stdin.on("error", () => {});
  let isOver = false;
  const ended = new Promise<{ code: number; echo: boolean; lines: boolean }>((resolve, reject) => {
    child.on("error", reject).on("close", () => {
      isOver = true;
      wake();
      try {
        resolve(JSON.parse(report));
      } catch {
        reject(new Error(`the terminal failed: ${report}`));
      }
    });
  });
  return {
    get screen() {
      return screen;
    },
    type: (keys) => void child.stdin.write(keys),
    async shows(words) {
      while (!screen.includes(words)) {
        if (isOver) throw new Error(`it has never shown ${JSON.stringify(words)}, but\n${screen}`);
        await new Promise<void>((resolve) => awaited.push(resolve));
      }
    },
    ended,
  };
}
