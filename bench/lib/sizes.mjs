// How much there is to download, to keep and to load: of a bundle, of a package, of a folder.

import { execFile } from "node:child_process";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Bundles what a program of these lines would carry, for Node: in one file; or with `atImport` what is loaded at once,
 * where what is loaded later is in files of its own.
 * @param {string} source
 * @param {{ atImport?: boolean }} [options]
 * @returns {Promise<{ minified: number, gzipped: number }>} octets
 */
export async function bundleSize(source, { atImport = false } = {}) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: join(ROOT, "bench") },
    bundle: true,
    splitting: atImport,
    outdir: "bundle",
    absWorkingDir: ROOT,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node20",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const files = loadedAtOnce(metafile.outputs);
  const sizes = outputFiles
    .filter(({ path }) => files.has(relative(ROOT, path)))
    .map(({ contents }) => [contents.length, gzipSync(contents, { level: 9 }).length]);
  const sum = (index) => sizes.reduce((total, size) => total + size[index], 0);
  return { minified: sum(0), gzipped: sum(1) };
}

function loadedAtOnce(outputs) {
  const files = new Set(Object.keys(outputs).filter((name) => outputs[name].entryPoint === "<stdin>"));
  for (const file of files) {
    for (const { path, kind } of outputs[file].imports)
      if (kind === "import-statement" && path in outputs) files.add(path);
  }
  return files;
}

/**
 * What `npm pack` makes of a folder, and what it is once installed.
 * @param {string} folder  from the root of the repository
 * @returns {Promise<{ packed: number, installed: number, files: number }>} octets
 */
export async function packageSize(folder) {
  const [{ size, unpackedSize, entryCount }] = await npmPack(folder);
  return { packed: size, installed: unpackedSize, files: entryCount };
}

async function npmPack(folder) {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=error", `./${folder}`];
  // Under `npm run`, the npm that runs this; it needs no shell to be found, on Windows neither.
  const npm = process.env.npm_execpath;
  const [command, first] = npm === undefined ? ["npm", []] : [process.execPath, [npm]];
  const { stdout } = await promisify(execFile)(command, [...first, ...args], { cwd: ROOT, timeout: 60_000 });
  const packed = JSON.parse(stdout);
  // An array, or with some versions of npm an object by name.
  return Array.isArray(packed) ? packed : Object.values(packed);
}
