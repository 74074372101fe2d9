// npm run test:interop: installs the servers that are missing, runs the tests that send through them, and leaves
// nothing running. Where a server cannot be had, it says so in one line and exits with 77: not run is not passed.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NOT_RUN = 77;
const INSTALL_LIMIT = 400_000; // ms; the script limits apt-get itself, so this is the second fence
const TEST_LIMIT = 180_000; // ms; a run takes about ten seconds
const STOP_LIMIT = 30_000; // ms

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");
const script = join(here, "postfix.sh");

const reason = install();
if (reason === undefined) {
  process.exitCode = await runTests();
} else {
  console.log(`interop: not run: ${reason}`);
  process.exitCode = NOT_RUN;
}

/** Why the server cannot be started here, if it cannot. */
function install() {
  const { status, error, stderr } = spawnSync("bash", [script, "install"], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    timeout: INSTALL_LIMIT,
  });
  if (status === 0) return undefined;
  return stderr?.trim().split("\n").at(-1) || error?.message || `the installation ended with ${status}`;
}

async function runTests() {
  const directory = mkdtempSync(join(tmpdir(), "pennypost-interop-"));
  try {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const options = ["run", "--config", "vitest.interop.config.ts", ...process.argv.slice(2)];
    const tests = spawn(process.execPath, [vitest, ...options], {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, INTEROP_DIR: directory },
    });
    // Whoever stops this process stops the tests, and what follows below still happens.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => tests.kill(signal));
    const limit = setTimeout(() => {
      console.error(`interop: stopped after ${TEST_LIMIT / 1000} seconds`);
      tests.kill("SIGKILL");
    }, TEST_LIMIT);
    const [code] = await once(tests, "exit");
    clearTimeout(limit);
    return code ?? 1;
  } finally {
    // The tests stop what they started; this is for the tests that were stopped themselves.
    spawnSync("bash", [script, "stop", join(directory, "postfix")], { stdio: "ignore", timeout: STOP_LIMIT });
    rmSync(directory, { recursive: true, force: true });
  }
}
