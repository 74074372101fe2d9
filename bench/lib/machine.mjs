// What the figures were measured on: enough to judge them by, and nothing that names the machine.

import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";

const PEERS = ["nodemailer", "emailjs", "@upyo/smtp", "@upyo/core", "esbuild"];

/** @returns {{ cpu: string, cores: number, memory: string, system: string, node: string, versions: Record<string, string> }} */
export function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${platform()} ${arch()}`,
    node: process.version,
    versions: Object.fromEntries([
      ["pennypost", versionOf("../../package.json")],
      ...PEERS.map((name) => [name, versionOf(`../../node_modules/${name}/package.json`)]),
    ]),
  };
}

function versionOf(manifest) {
  return JSON.parse(readFileSync(new URL(manifest, import.meta.url), "utf8")).version;
}
