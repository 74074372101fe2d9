// The files of the package are a list, reviewed like the exports.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const EXPECTED = [
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "README.zh-CN.md",
  "dist/cli.js",
  "dist/compose.cjs",
  "dist/compose.d.cts",
  "dist/compose.d.ts",
  "dist/compose.js",
  "dist/connector.cjs",
  "dist/connector.d.cts",
  "dist/connector.d.ts",
  "dist/connector.js",
  "dist/connector.schema.json",
  "dist/dkim.cjs",
  "dist/dkim.d.cts",
  "dist/dkim.d.ts",
  "dist/dkim.js",
  "dist/index.cjs",
  "dist/index.d.cts",
  "dist/index.d.ts",
  "dist/index.js",
  "dist/oauth2.cjs",
  "dist/oauth2.d.cts",
  "dist/oauth2.d.ts",
  "dist/oauth2.js",
  "dist/workerd-connector.d.cts",
  "dist/workerd-connector.d.ts",
  "dist/workerd-connector.js",
  "dist/workerd.d.cts",
  "dist/workerd.d.ts",
  "dist/workerd.js",
  "package.json",
];
const MAX_OCTETS = 318_000;

const output = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
const report = JSON.parse(output);
const [pack] = Array.isArray(report) ? report : Object.values(report);
const files = pack.files.map(({ path }) => path).sort();
// What the doors share has a name of its content.
const SHARED = /^dist\/[a-z-]+-[\w-]{8}\.(?:js|cjs|d\.ts|d\.cts)$/;
const surplus = files.filter((path) => !EXPECTED.includes(path) && !SHARED.test(path));
const missing = EXPECTED.filter((path) => !files.includes(path));
if (surplus.length > 0 || missing.length > 0) {
  throw new Error(`the package should hold neither more nor less; more: ${surplus}; less: ${missing}`);
}
const texts = new Map(files.map((path) => [path, readFileSync(path, "utf8")]));
const unused = files
  .filter((path) => SHARED.test(path))
  .filter(
    (path) => !files.some((other) => other !== path && texts.get(other).includes(basename(path, ".d.cts"))),
  );
if (unused.length > 0) throw new Error(`no other file of the package names these: ${unused}`);
if (pack.size > MAX_OCTETS) throw new Error(`${pack.size} octets packed, where ${MAX_OCTETS} are allowed`);
console.log(`${files.length} files, ${pack.size} octets packed, ${pack.unpackedSize} unpacked`);
