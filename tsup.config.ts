import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Options } from "tsup";
import { defineConfig } from "tsup";

const config:
  | Options
  | Options[]
  | ((overrides: Options) => Options | Options[] | Promise<Options | Options[]>) = defineConfig([
  {
    entry: { index: "src/index.ts" },
    format: ["esm", "cjs"],
    target: "es2022",
    platform: "neutral",
    dts: true,
    // Both are built at the same time: each cleans away its own.
    clean: ["!cli.js"],
    // One file for each door: two thirds of what an import costs is finding and reading many small ones.
    splitting: false,
    treeshake: true,
    // What people read is src; names stay as they are, for stack traces.
    esbuildOptions(options) {
      options.minifyWhitespace = true;
      options.minifySyntax = true;
    },
    async onSuccess() {
      const { connectorSchema } = await import(pathToFileURL(resolve("dist/index.js")).href);
      await writeFile("dist/connector.schema.json", `${JSON.stringify(connectorSchema(), undefined, 2)}\n`);
    },
  },
  {
    entry: { cli: "src/cli.ts" },
    format: ["esm"],
    target: "es2022",
    platform: "node",
    splitting: false,
    esbuildPlugins: [
      {
        name: "the library beside the command, not in it",
        setup(build) {
          build.onResolve({ filter: /\/index\.ts$/ }, () => ({ path: "./index.js", external: true }));
        },
      },
    ],
  },
]);

export default config;
