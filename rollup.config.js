// How src becomes dist: for each door a module of both kinds and its types, and beside them what the doors share and what
// is loaded when it is needed.

import { readFile, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { transform } from "esbuild";
import { dts } from "rollup-plugin-dts";
import { minify } from "terser";

const DOORS = {
  index: "src/index.ts",
  connector: "src/connector-door.ts",
  compose: "src/compose-door.ts",
  dkim: "src/dkim-door.ts",
  oauth2: "src/oauth2-door.ts",
  workerd: "src/workerd.ts",
  "workerd-connector": "src/workerd-connector.ts",
};

/**
 * What goes into one file, in this order: the modules that all these import, directly or not, and that no file before it
 * holds. What one runtime alone has is in none of them: bundlers look for every module that is named.
 */
const FILES = {
  shared: ["src/index.ts", "src/workerd.ts"],
  // Addresses, and fields as they are written.
  fields: ["src/compose-door.ts", "src/connector-door.ts"],
  composing: ["src/compose-door.ts"],
  engine: ["src/desk.ts"],
};

const external = [/^node:/, "cloudflare:sockets"];
// What is imported for its effects alone is nothing: there are no such modules.
const treeshake = { moduleSideEffects: false };

const code = {
  input: DOORS,
  external,
  treeshake,
  plugins: [twice(), typescript(), locals(), clean(), unasked(), schema()],
  output: [output("es", "js"), output("cjs", "cjs")],
};

const cli = {
  input: "src/cli.ts",
  // The library is beside the command, not in it.
  external: [...external, /\/(?:index|connector-door)\.ts$/],
  treeshake,
  plugins: [typescript(), locals()],
  output: {
    dir: "dist",
    format: "es",
    compact: true,
    paths: (id) => id.replace(/^.*\/(index|connector)(?:-door)?\.ts$/, "./$1.js"),
  },
};

const types = {
  input: DOORS,
  external,
  plugins: [dts(), forModules()],
  // For `Symbol.asyncDispose`, where a program names older libraries.
  output: { ...output("es", "d.cts"), banner: '/// <reference lib="esnext.disposable" />' },
};

/** With `--configCode` it leaves out the types, which take longest and which nothing that runs needs. */
export default ({ configCode }) => (configCode ? [code, cli] : [code, cli, types]);

function output(format, extension) {
  return {
    dir: "dist",
    format,
    compact: true,
    dynamicImportInCjs: false,
    hoistTransitiveImports: false,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `[name]-[hash].${extension}`,
    manualChunks: extension.startsWith("d.") ? undefined : inFiles,
  };
}

function inFiles(id, { getModuleInfo }) {
  return Object.keys(FILES).find((name) =>
    FILES[name].every((root) => reachOf(resolve(root), getModuleInfo).has(id)),
  );
}

const reaches = new Map();

/** A module and all that it imports, directly or not, but for what is loaded later. */
function reachOf(root, getModuleInfo) {
  const reach = reaches.get(root) ?? new Set([root]);
  if (reaches.has(root)) return reach;
  reaches.set(root, reach);
  for (const id of reach) for (const next of getModuleInfo(id)?.importedIds ?? []) reach.add(next);
  return reach;
}

/**
 * Some modules are in two files, for a file more costs an import more than they do. There are no classes in them, and no
 * state that matters: what the main door has of Node's stands in its own file, and the connector's door has its own; and
 * whoever bundles a client alone need not carry `parseMailbox` at import, which composing has its own copy of.
 */
function twice() {
  const AGAIN = "?again";
  const COPIES = [
    { of: /\/node-[a-z]+\.ts$/, for: /(?:\/connector-door\.ts|\?again)$/ },
    { of: /\/address\.ts$/, for: /\/src\/(?!exports\.ts$)/ },
    {
      of: /\/address\/[a-z]+\.ts$|^\.\/(?:domain|hints|list|tokens)\.ts$/,
      for: /\/address(?:\/[a-z]+)?\.ts\?again$/,
    },
  ];
  return {
    name: "twice",
    async resolveId(source, importer) {
      if (importer === undefined || !COPIES.some((copy) => copy.of.test(source) && copy.for.test(importer)))
        return undefined;
      const { id } = await this.resolve(source, importer.replace(AGAIN, ""));
      return id + AGAIN;
    },
    load: (id) => (id.endsWith(AGAIN) ? readFile(id.replace(AGAIN, ""), "utf8") : undefined),
  };
}

/** Erases the types. */
function typescript() {
  return {
    name: "typescript",
    async transform(code, id) {
      if (!/\.ts(?:\?|$)/.test(id)) return undefined;
      const options = { loader: "ts", target: "es2022", minifySyntax: true, sourcefile: id };
      return { code: (await transform(code, options)).code, map: null };
    },
  };
}

/** Shortens what only a function itself can see. All other names stay as they are, for whoever reads a stack trace. */
function locals() {
  return {
    name: "locals",
    renderChunk: (code) =>
      minify(code, {
        module: true,
        compress: false,
        mangle: { toplevel: false, keep_classnames: true, keep_fnames: true },
        format: { comments: false, preserve_annotations: true, ascii_only: true },
      }),
  };
}

/** Files whose names are of their content would pile up. */
function clean() {
  return { name: "clean", buildStart: () => rm("dist", { recursive: true, force: true }) };
}

/** Nobody requires what only Workers import: their doors, and the wire behind these. */
function unasked() {
  return {
    name: "unasked",
    generateBundle({ format }, files) {
      const unwanted = format === "cjs" ? /^(?:workerd|cloudflare)/ : /^$/;
      for (const name of Object.keys(files)) if (unwanted.test(name)) delete files[name];
    },
  };
}

/** Both kinds of modules have the same types: those of ES modules are those of CommonJS, which any module can import. */
function forModules() {
  return {
    name: "for modules",
    async writeBundle() {
      for (const door of Object.keys(DOORS))
        await writeFile(`dist/${door}.d.ts`, `export * from "./${door}.cjs";\n`);
    },
  };
}

/** Writes what editors check configs with. */
function schema() {
  return {
    name: "schema",
    async writeBundle({ format }) {
      if (format !== "es") return;
      const { connectorSchema } = await import(pathToFileURL(resolve("dist/connector.js")).href);
      await writeFile("dist/connector.schema.json", JSON.stringify(connectorSchema()));
    },
  };
}
