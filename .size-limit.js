// What a bundle of the built package weighs, minified and gzipped: "at import" what is loaded at once, where the bundler
// puts what is loaded later into files of its own; and else all of it, in one file.

import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL(".", import.meta.url));

const NODE = { platform: "node", external: ["node:*"] };
const WORKERS = { platform: "neutral", conditions: ["workerd"], external: ["cloudflare:*"] };

const CLIENT = 'export { SmtpClient } from "pennypost";';
const CHECKS = [
  { name: "SmtpClient on Node, at import", source: CLIENT, limit: "14.5 kB" },
  { name: "SmtpClient on Workers, at import", source: CLIENT, limit: "15 kB", options: WORKERS },
  { name: "SmtpClient on Node, all of it", source: CLIENT, limit: "70 kB", whole: true },
  { name: "SmtpClient on Workers, all of it", source: CLIENT, limit: "68 kB", options: WORKERS, whole: true },
  {
    name: "everything",
    source:
      'export * from "pennypost"; export * from "pennypost/compose"; export * from "pennypost/connector"; export * from "pennypost/dkim"; export * from "pennypost/oauth2";',
    limit: "115 kB",
    whole: true,
  },
  {
    name: "renderTemplate alone",
    source: 'export { renderTemplate } from "pennypost";',
    limit: "4.2 kB",
    whole: true,
  },
];

const folder = await mkdtemp(join(tmpdir(), "pennypost-sizes-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

export default await Promise.all(
  CHECKS.map(async ({ name, limit, ...what }, index) => ({
    name,
    limit,
    path: await bundled(join(folder, String(index)), what),
    gzip: true,
  })),
);

/** The files of a bundle that are loaded at once; with `whole` there is one, with all in it. */
async function bundled(outdir, { source, options = NODE, whole = false }) {
  const { metafile } = await build({
    stdin: { contents: source, resolveDir: ROOT, sourcefile: "entry.js" },
    outdir,
    bundle: true,
    splitting: !whole,
    minify: true,
    format: "esm",
    target: "es2022",
    metafile: true,
    absWorkingDir: ROOT,
    ...options,
  });
  const { outputs } = metafile;
  const entry = Object.keys(outputs).find((name) => outputs[name].entryPoint === "entry.js");
  const files = new Set([entry]);
  for (const file of files) {
    for (const { path, kind } of outputs[file].imports) {
      if (path in outputs && kind === "import-statement") files.add(path);
    }
  }
  return [...files].map((file) => join(ROOT, file));
}
