// The Worker of the examples, bundled by wrangler as it would be deployed: with the door for Workers, and nothing of Node's.
// Fetches wrangler, and the Node.js that it needs. Exit status 77: it cannot be had here, as a line says.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = [
  "wrangler@4.164.0",
  ...(Number.parseInt(process.versions.node, 10) < 22 ? ["node@22.23.3"] : []),
];
const INSTALL_LIMIT = 300_000; // ms; hundreds of megabytes
const RUN_LIMIT = 120_000; // ms

const outdir = mkdtempSync(join(tmpdir(), "pennypost-wrangler-"));
try {
  const installed = wrangler(["--version"], INSTALL_LIMIT);
  if (installed.status !== 0) {
    const reason =
      installed.error?.message ?? /^.*error.*$/im.exec(installed.stderr)?.[0] ?? installed.stderr;
    console.log(`wrangler: not run: ${reason}`);
    process.exitCode = 77;
  } else {
    const { status, stdout, stderr } = wrangler(["deploy", "--dry-run", "--outdir", outdir], RUN_LIMIT);
    console.log(stdout.trim());
    if (status !== 0 || stderr.includes("WARNING")) throw new Error(stderr);
    const bundle = readFileSync(join(outdir, "index.js"), "utf8");
    assert.match(bundle, /"cloudflare:sockets"/);
    assert.doesNotMatch(bundle, /"node:/);
    console.log("wrangler bundles the Worker, without a warning");
  }
} finally {
  rmSync(outdir, { recursive: true, force: true });
}

function wrangler(args, timeout) {
  const packages = PACKAGES.flatMap((name) => ["--package", name]);
  return spawnSync("npx", ["--yes", ...packages, "wrangler", ...args], {
    cwd: fileURLToPath(new URL("../examples/cloudflare-worker", import.meta.url)),
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" },
    encoding: "utf8",
    timeout,
  });
}
