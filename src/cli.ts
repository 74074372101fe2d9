#!/usr/bin/env node
// The door for the shell: `pennypost`. What it does is in cli/; here is what it does it with.

import { readFileSync } from "node:fs";
import { main } from "./cli/main.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

const STOPPERS = ["SIGINT", "SIGTERM"] as const;

// A reader that has seen enough, such as `head`, closes its end: no reason to leave a message half sent.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});

process.exitCode = await main({
  args: process.argv.slice(2),
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  version,
  onInterrupt(listener) {
    for (const signal of STOPPERS) process.on(signal, listener);
    return () => {
      for (const signal of STOPPERS) process.off(signal, listener);
    };
  },
});
