// npm run test:runtimes: installs the runtimes that are missing into a folder of their own, runs the suite in each, and
// prints a table of what was found. A runtime that cannot be installed is said in one line, and the exit status is then
// 77: not run is not passed. `-- --only node,bun` leaves out those that begin with something else.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const NOT_RUN = 77;
/** Milliseconds. Installing everything takes a minute or two, running it one; each part has a limit of its own. */
const LIMIT = 1_500_000;

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({ options: { only: { type: "string" } } });
const directory = mkdtempSync(join(tmpdir(), "pennypost-runtimes-"));
try {
  const code = await runTests();
  const table = read("cells.jsonl")
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  if (table.length > 0) console.log(`\n${print(table)}\n`);
  const missing = JSON.parse(read("missing.json") || "[]");
  for (const [name, reason] of missing) console.log(`runtimes: ${name} not run: ${reason}`);
  process.exitCode = code === 0 && missing.length > 0 ? NOT_RUN : code;
} finally {
  stopRest();
  rmSync(directory, { recursive: true, force: true });
}

async function runTests() {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const tests = spawn(process.execPath, [vitest, "run", "--config", "vitest.runtimes.config.ts"], {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      RUNTIMES_DIR: directory,
      ...(values.only !== undefined && { RUNTIMES_ONLY: values.only }),
    },
  });
  // Whoever stops this process stops the tests, and what follows still happens.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => tests.kill(signal));
  const limit = setTimeout(() => {
    console.error(`runtimes: stopped after ${LIMIT / 1000} seconds`);
    tests.kill("SIGKILL");
  }, LIMIT);
  const [code] = await once(tests, "exit");
  clearTimeout(limit);
  return code ?? 1;
}

/** The tests stop what they started; this is for the tests that were stopped themselves. */
function stopRest() {
  const room = join(directory, "room");
  for (const name of existsSync(room) ? readdirSync(room) : []) {
    const [, pid] = /^running-(\d+)$/.exec(name) ?? [];
    if (pid === undefined) continue;
    try {
      process.kill(-Number(pid), "SIGKILL");
    } catch {
      // It has ended.
    }
  }
}

function read(name) {
  const path = join(directory, name);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** A line for each check, a column for each runtime, and below it every sentence that a cell refers to. */
function print(table) {
  const sentences = [];
  const cellOf = ({ verdict, why }) => {
    if (why === undefined) return verdict;
    if (!sentences.includes(why)) sentences.push(why);
    return `${verdict} [${sentences.indexOf(why) + 1}]`;
  };
  const checks = Object.keys(table[0][1]);
  const lines = [
    ["", ...table.map(([name]) => name)],
    ...checks.map((check) => [check, ...table.map(([, cells]) => cellOf(cells[check]))]),
  ];
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return [
    ...lines.map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    ),
    "",
    ...sentences.map((sentence, at) => `[${at + 1}] ${sentence}`),
  ].join("\n");
}
