// The runtimes, one for each column of the table: what is installed, how the suite is started in it, and what it does not
// offer. Versions are pinned here and nowhere else.

import { join } from "node:path";
import { inMiniflare, inWorkerd, type Launch, inProcess as start } from "./launch.ts";

export interface Runtime {
  /** What `--only` names it by. */
  readonly name: string;
  /** What npm installs, with its version; nothing where it is there. */
  readonly package: string | undefined;
  readonly kind: "sockets" | "worker";
  /**
   * What is refused here: by the name of the check, the option that the error names. Whatever else is refused is a
   * failure, and so is what is listed and works.
   */
  readonly refuses: Readonly<Record<string, string>>;
  readonly launch: Launch;
}

/** See docs/workers.md. */
const NOT_IN_WORKERS = {
  "SCRAM-SHA-256-PLUS": "auth.mechanism",
  "CRAM-MD5": "auth.mechanism",
  "tls.ca": "tls.ca",
  "tls.rejectUnauthorized: false": "tls.rejectUnauthorized",
  "tls.cert (EXTERNAL)": "auth.mechanism",
  "tls.maxVersion": "tls.maxVersion",
  "security: opportunistic": "security",
  "proxy (HTTP)": "proxy",
  localAddress: "localAddress",
  "port 25": "port",
  "attachment.file": "attachment.file",
};

/** The worker of the oldest date that has `cloudflare:sockets` as it is now, and no Node; and of a new one, with it. */
const BARE = { compatibilityDate: "2024-01-01", compatibilityFlags: [] };
const WITH_NODE = { compatibilityFlags: ["nodejs_compat"] };

export const RUNTIMES: readonly Runtime[] = [
  node("20.20.2"),
  node("22.23.3"),
  node("24.21.0"),
  node("26.10.0"),
  node("20.20.2", "require"),
  node("26.10.0", "require"),
  inProcess("bun-1.4", "bun@1.4.5", (folder) => [bin(folder, "bun"), "run", "process.mjs"]),
  inProcess("deno-2.9", "deno@2.9.6", (folder, { file }) => [
    bin(folder, "deno"),
    "run",
    "--no-prompt",
    "--no-remote",
    "--allow-net",
    // For the attachment. What is imported needs no permission.
    `--allow-read=${file}`,
    "process.mjs",
  ]),
  // The newest date that the workerd of this miniflare knows is that of its own release.
  inWorker("miniflare", inMiniflare(BARE)),
  inWorker("miniflare-nodejs", inMiniflare({ ...WITH_NODE, compatibilityDate: "2026-04-01" })),
  inWorker("workerd", inWorkerd(BARE), "workerd@1.20261117.1"),
  inWorker(
    "workerd-nodejs",
    inWorkerd({ ...WITH_NODE, compatibilityDate: "2026-11-01" }),
    "workerd@1.20261117.1",
  ),
];

function node(version: string, how: "import" | "require" = "import"): Runtime {
  const [major] = version.split(".");
  const script = how === "import" ? "process.mjs" : "require.cjs";
  const name = `node-${major}${how === "import" ? "" : "-require"}`;
  // The one that runs the tests is there.
  if (process.versions.node.startsWith(`${major}.`)) {
    return inProcess(name, undefined, () => [process.execPath, script]);
  }
  return inProcess(name, `node@${version}`, (folder) => [bin(folder, "node"), script]);
}

function inProcess(
  name: string,
  npmPackage: string | undefined,
  command: Parameters<typeof start>[0],
): Runtime {
  return { name, package: npmPackage, kind: "sockets", refuses: {}, launch: start(command) };
}

function inWorker(name: string, launch: Launch, npmPackage?: string): Runtime {
  return { name, package: npmPackage, kind: "worker", refuses: NOT_IN_WORKERS, launch };
}

function bin(folder: string, name: string): string {
  return join(folder, "node_modules/.bin", name);
}
