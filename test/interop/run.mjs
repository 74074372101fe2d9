// npm run test:interop: installs the servers and programs that are missing, runs the tests that need them, and leaves
// nothing running. What cannot be had is said in one line, and the exit status is 77: not run is not passed.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const NOT_RUN = 77;
const INSTALL_LIMIT = 400_000; // ms; the script limits apt-get itself, so this is the second fence
const TEST_LIMIT = 180_000; // ms; a run takes about a minute
/** Programs whose tests are left out where they are missing: NAME.sh install. */
const PROGRAMS = ["dovecot", "submission", "gsasl", "spamassassin", "dkim"];
const STOP_LIMIT = 30_000; // ms

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "../..");

const reason = install("postfix");
if (reason === undefined) {
  const missing = PROGRAMS.filter((name) => {
    const why = install(name);
    if (why !== undefined) console.log(`interop: ${name} not run: ${why}`);
    return why !== undefined;
  });
  const code = await runTests(missing);
  process.exitCode = code === 0 && missing.length > 0 ? NOT_RUN : code;
} else {
  console.log(`interop: not run: ${reason}`);
  process.exitCode = NOT_RUN;
}

/** Why the program cannot be used here, if it cannot. */
function install(name) {
  const { status, error, stderr } = spawnSync("bash", [join(here, `${name}.sh`), "install"], {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    timeout: INSTALL_LIMIT,
  });
  if (status === 0) return undefined;
  return stderr?.trim().split("\n").at(-1) || error?.message || `the installation ended with ${status}`;
}

async function runTests(missing) {
  const directory = mkdtempSync(join(tmpdir(), "pennypost-interop-"));
  try {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const left = missing.flatMap((name) => ["--exclude", `test/interop/${name}.test.ts`]);
    const options = ["run", "--config", "vitest.interop.config.ts", ...left, ...process.argv.slice(2)];
    const tests = spawn(process.execPath, [vitest, ...options], {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, INTEROP_DIR: directory, INTEROP_MISSING: missing.join(" ") },
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
    for (const server of ["postfix", "dovecot", "submission"]) {
      const stop = [join(here, `${server}.sh`), "stop", join(directory, server)];
      spawnSync("bash", stop, { stdio: "ignore", timeout: STOP_LIMIT });
    }
    rmSync(directory, { recursive: true, force: true });
  }
}
