// npm run test:runtimes: installs the runtimes that are missing into a folder of their own, runs the suite in each, and
// prints a table of what was found. The tests of Workers, which `npm test` runs in Miniflare's own workerd, are run in the
// newest, too: the suite sends a Worker one request, they send many. What cannot be installed is said in one line, and the
// exit status is then 77: not run is not passed. `-- --only node,bun` leaves out runtimes that begin with something else.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const NOT_RUN = 77;
/** Milliseconds. Installing everything takes a minute or two, running it one; each part has a limit of its own. */
const LIMIT = 1_500_000;
/** The tests of Workers take 45 seconds. */
const WORKERS_LIMIT = 300_000;
const WORKERS = ["test/workerd.test.ts", "test/workerd-globals.test.ts"];

const root = fileURLToPath(new URL("../..", import.meta.url));
const { values } = parseArgs({ options: { only: { type: "string" } } });
const directory = mkdtempSync(join(tmpdir(), "pennypost-runtimes-"));
let running;
let isStopped = false;
// Whoever stops this process stops the tests, and what follows still happens.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    isStopped = true;
    killGroup(running, signal);
  });
}
try {
  const code = await runVitest(["--config", "vitest.runtimes.config.ts"], LIMIT, {
    RUNTIMES_DIR: directory,
    ...(values.only !== undefined && { RUNTIMES_ONLY: values.only }),
  });
  const missing = JSON.parse(read("missing.json") || "[]");
  const workers = await runWorkers(JSON.parse(read("installed.json") || "{}"), missing);
  const table = read("cells.jsonl")
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  if (table.length > 0) console.log(`\n${print(table)}\n`);
  for (const [name, reason] of missing) console.log(`runtimes: ${name} not run: ${reason}`);
  if (workers !== undefined) console.log(`runtimes: ${workers.said}`);
  const codes = [code, workers?.code ?? 0, missing.length > 0 ? NOT_RUN : 0];
  process.exitCode = codes.find((one) => one !== 0 && one !== NOT_RUN) ?? Math.max(...codes);
} finally {
  stopRest();
  rmSync(directory, { recursive: true, force: true });
}

/** What came of the tests of Workers in the workerd that was asked for, if one was. */
async function runWorkers(installed, missing) {
  const isWorkerd = ([name]) => name.startsWith("workerd");
  const [, lacking] = missing.find(isWorkerd) ?? [];
  const [, folder] = Object.entries(installed).find(isWorkerd) ?? [];
  if (isStopped || (lacking ?? folder) === undefined) return undefined;
  const notRun = (reason) => ({ code: NOT_RUN, said: `the tests of Workers not run in workerd: ${reason}` });
  if (lacking !== undefined) return notRun(lacking);
  let workerd;
  try {
    createRequire(import.meta.url).resolve("miniflare");
    workerd = createRequire(join(folder, "node_modules/"))("workerd");
  } catch (error) {
    return notRun(error.message.split("\n", 1)[0]);
  }
  const { default: program, version } = workerd;
  const reporters = [
    "--reporter=dot",
    "--reporter=json",
    `--outputFile.json=${join(directory, "workers.json")}`,
  ];
  const code = await runVitest([...WORKERS, ...reporters], WORKERS_LIMIT, {
    MINIFLARE_WORKERD_PATH: program,
  });
  const report = read("workers.json");
  if (report === "")
    return { code: code || 1, said: `the tests of Workers did not end in workerd ${version}` };
  const { numPassedTests: passed, numTotalTests: total } = JSON.parse(report);
  const said = `${passed} of ${total} tests of Workers passed in workerd ${version}`;
  return code === 0 && passed === total ? { code, said } : { code: code || 1, said: `${said}: failed` };
}

/** In a group of its own, with whatever it starts in that: of it nothing is left. */
async function runVitest(args, limit, env) {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  running = spawn(process.execPath, [vitest, "run", ...args], {
    cwd: root,
    stdio: "inherit",
    detached: true,
    env: { ...process.env, ...env },
  });
  const timer = setTimeout(() => {
    console.error(`runtimes: stopped after ${limit / 1000} seconds`);
    killGroup(running, "SIGKILL");
  }, limit);
  const [code] = await once(running, "exit");
  clearTimeout(timer);
  killGroup(running, "SIGKILL");
  return code ?? 1;
}

function killGroup(leader, signal) {
  if (leader?.pid === undefined) return;
  try {
    process.kill(-leader.pid, signal);
  } catch {
    // All of it has ended.
  }
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
