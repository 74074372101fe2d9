// What it costs to be there at all: the import, the bundle, the package.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundleSize, packageSize } from "../lib/sizes.mjs";
import { summarize } from "../lib/stats.mjs";
import { figure, kilobytes, spread, table } from "../lib/table.mjs";

export const name = "cold";
export const title = "Import, bundle and package";

/** What is loaded with the first message: all that composes it, speaks SMTP and connects. */
const FIRST_MESSAGE = fileURLToPath(new URL("../lib/first-message.mjs", import.meta.url));
const CHILD = fileURLToPath(new URL("../lib/cold-child.mjs", import.meta.url));

/** What each process imports, and nothing more, but for one that tries to send. */
const IMPORTS = {
  "empty script": [],
  "node:net, tls, crypto": ["node:net", "node:tls", "node:crypto"],
  pennypost: ["pennypost"],
  "pennypost, first message": [FIRST_MESSAGE],
  nodemailer: ["nodemailer"],
  emailjs: ["emailjs"],
  upyo: ["@upyo/core", "@upyo/smtp"],
};

const BUNDLES = {
  raw: 'export { rawMessage } from "./lib/raw-message.mjs"; export { RawConnection } from "./lib/raw-connection.mjs";',
  "pennypost, everything": 'export * from "pennypost";',
  "pennypost, SmtpClient, at import": 'export { SmtpClient } from "pennypost";',
  "pennypost, SmtpClient": 'export { SmtpClient } from "pennypost";',
  "pennypost, composeMessage": 'export { composeMessage } from "pennypost/compose";',
  "pennypost, renderTemplate": 'export { renderTemplate } from "pennypost";',
  nodemailer: 'export * from "nodemailer"; export { default } from "nodemailer";',
  emailjs: 'export * from "emailjs";',
  upyo: 'export * from "@upyo/core"; export * from "@upyo/smtp";',
};

const PACKAGES = {
  pennypost: [""],
  nodemailer: ["node_modules/nodemailer"],
  emailjs: ["node_modules/emailjs"],
  upyo: ["node_modules/@upyo/core", "node_modules/@upyo/smtp"],
};

/** @param {{ quick: boolean, report: (text: string) => void }} context */
export async function run({ quick, report }) {
  // One differs from the next by more than what some imports cost.
  const rounds = quick ? 3 : 60;
  const imports = await runImports(rounds);
  report(`\nimport, ${rounds} processes each\n${importTable(imports)}`);

  const bundles = {};
  for (const [label, source] of Object.entries(BUNDLES)) {
    bundles[label] = await bundleSize(source, { atImport: label.endsWith(", at import") });
  }
  report(`\nbundle, by esbuild\n${bundleTable(bundles)}`);

  const packages = {};
  for (const [label, folders] of Object.entries(PACKAGES)) packages[label] = await sizeOf(folders);
  report(`\npackage\n${packageTable(packages)}`);
  return { imports, bundles, packages };
}

/** Interleaved: what an import costs over an empty script is taken within a round. */
async function runImports(rounds) {
  const labels = Object.keys(IMPORTS);
  const measured = Object.fromEntries(labels.map((label) => [label, []]));
  // One that is not counted: it reads the files from the disk.
  for (const label of labels) await start(IMPORTS[label]);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < labels.length; turn++) {
      const label = labels[(round + turn) % labels.length];
      measured[label].push(await start(IMPORTS[label]));
    }
  }
  const empty = measured["empty script"];
  return Object.fromEntries(
    labels.map((label) => [
      label,
      {
        cpu: summarize(measured[label].map(({ cpu }) => cpu / 1000)),
        cpuOver: summarize(measured[label].map(({ cpu }, round) => (cpu - empty[round].cpu) / 1000)),
        wallRatio: summarize(measured[label].map(({ wall }, round) => wall / empty[round].wall)),
        rssOver: summarize(measured[label].map(({ rss }, round) => rss - empty[round].rss)),
      },
    ]),
  );
}

async function start(modules) {
  // A cache of compiled code would show what the second start costs.
  const { NODE_COMPILE_CACHE: _, NODE_OPTIONS: __, ...env } = process.env;
  const began = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, [CHILD, ...modules], {
    env,
    timeout: 30_000,
  });
  return { wall: performance.now() - began, ...JSON.parse(stdout) };
}

async function sizeOf(folders) {
  const total = { packages: folders.length, packed: 0, installed: 0, files: 0 };
  for (const folder of folders) {
    const { packed, installed, files } = await packageSize(folder);
    total.packed += packed;
    total.installed += installed;
    total.files += files;
  }
  return total;
}

function importTable(imports) {
  return table(
    ["", "CPU ms", "over empty", "least over least", "wall, empty = 1", "RSS over empty"],
    Object.entries(imports).map(([label, { cpu, cpuOver, wallRatio, rssOver }]) => [
      label,
      spread(cpu),
      spread(cpuOver),
      figure(cpu.min - imports["empty script"].cpu.min),
      spread(wallRatio, "×"),
      kilobytes(rssOver.median),
    ]),
  );
}

function bundleTable(bundles) {
  return table(
    ["", "minified", "and gzipped"],
    Object.entries(bundles).map(([label, { minified, gzipped }]) => [
      label,
      kilobytes(minified),
      kilobytes(gzipped),
    ]),
  );
}

function packageTable(packages) {
  return table(
    ["", "packages", "packed", "installed", "files"],
    Object.entries(packages).map(([label, { packages: count, packed, installed, files }]) => [
      label,
      String(count),
      kilobytes(packed),
      kilobytes(installed),
      String(files),
    ]),
  );
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function goals({ imports, bundles }) {
  const over = (label) => `${figure(imports[label].cpuOver.median)} ms`;
  const size = (label) => kilobytes(bundles[label].gzipped);
  return {
    import: {
      nodemailer: over("nodemailer"),
      raw: over("node:net, tls, crypto"),
      pennypost: over("pennypost"),
      figures: [imports.pennypost.cpuOver.median],
    },
    bundle: {
      nodemailer: size("nodemailer"),
      raw: size("raw"),
      pennypost: `${size("pennypost, SmtpClient, at import")}, ${size("pennypost, SmtpClient")}`,
      figures: [bundles["pennypost, SmtpClient, at import"].gzipped],
    },
  };
}

/** @param {Awaited<ReturnType<typeof run>>} figures */
export function charts({ imports, bundles, packages }) {
  const bars = (entries, pick, say) =>
    Object.entries(entries).map(([label, entry]) => ({
      label,
      value: pick(entry),
      note: say(pick(entry)),
    }));
  const { "empty script": _, ...imported } = imports;
  return [
    {
      file: "cold-import",
      title: "What an import costs",
      unit: "CPU ms over an empty script; shorter is better",
      bars: bars(
        imported,
        ({ cpuOver }) => cpuOver.median,
        (value) => `${figure(value)} ms`,
      ),
    },
    {
      file: "cold-bundle",
      title: "What a bundle weighs",
      unit: "minified by esbuild and gzipped; shorter is better",
      bars: bars(bundles, ({ gzipped }) => gzipped, kilobytes),
    },
    {
      file: "cold-package",
      title: "What is installed",
      unit: "unpacked, with all packages that are needed; shorter is better",
      bars: bars(packages, ({ installed }) => installed, kilobytes),
    },
  ];
}
