import { rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { rollup } from "rollup";
import type { Options } from "tsup";
import { defineConfig } from "tsup";

/** Where esbuild puts what the doors share, and what is loaded later, before it is gathered. */
const PARTS = "dist/parts";

// Files whose names are of their content would pile up.
await rm("dist", { recursive: true, force: true });

const config:
  | Options
  | Options[]
  | ((overrides: Options) => Options | Options[] | Promise<Options | Options[]>) = defineConfig([
  {
    entry: { index: "src/index.ts", connector: "src/connector-door.ts" },
    format: ["esm"],
    target: "es2022",
    platform: "neutral",
    outDir: PARTS,
    // Deno and others know the modules of Node by no other name.
    removeNodeProtocol: false,
    external: [/^node:/],
    // The doors share what both need, so that an error of one is an instance of the other's class.
    splitting: true,
    // What people read is src; names stay as they are, for stack traces.
    esbuildOptions(options) {
      options.minifyWhitespace = true;
      options.minifySyntax = true;
    },
    async onSuccess() {
      await gather();
      const { connectorSchema } = await import(pathToFileURL(resolve("dist/connector.js")).href);
      await writeFile("dist/connector.schema.json", `${JSON.stringify(connectorSchema(), undefined, 2)}\n`);
    },
  },
  {
    entry: { index: "src/index.ts", connector: "src/connector-door.ts" },
    format: ["esm", "cjs"],
    dts: { only: true },
  },
  {
    entry: { cli: "src/cli.ts" },
    format: ["esm"],
    target: "es2022",
    platform: "node",
    esbuildOptions(options) {
      options.minifyWhitespace = true;
    },
    splitting: false,
    esbuildPlugins: [
      {
        name: "the library beside the command, not in it",
        setup(build) {
          build.onResolve({ filter: /\/index\.ts$/ }, () => ({ path: "./index.js", external: true }));
          build.onResolve({ filter: /\/connector-door\.ts$/ }, () => ({
            path: "./connector.js",
            external: true,
          }));
        },
      },
    ],
  },
]);

/**
 * Writes what esbuild has made for both kinds of modules: the doors, one file of what they share, and one for each part
 * that is loaded when it is needed. Two thirds of what an import costs is finding and reading many small files.
 */
async function gather(): Promise<void> {
  const bundle = await rollup({
    input: { index: `${PARTS}/index.js`, connector: `${PARTS}/connector.js` },
    external: /^node:/,
    treeshake: { moduleSideEffects: false },
  });
  for (const [format, extension] of [
    ["es", "js"],
    ["cjs", "cjs"],
  ] as const) {
    await bundle.write({
      dir: "dist",
      format,
      compact: true,
      dynamicImportInCjs: false,
      entryFileNames: `[name].${extension}`,
      chunkFileNames: ({ name }) => `${name.replace(/-[A-Z0-9]{8}$/, "")}-[hash].${extension}`,
      manualChunks: (id) => (/\/chunk-[A-Z0-9]{8}\.js$/.test(id) ? "shared" : undefined),
    });
  }
  await bundle.close();
  await rm(PARTS, { recursive: true });
}

export default config;
