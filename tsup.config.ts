import type { Options } from "tsup";
import { defineConfig } from "tsup";

const config:
  | Options
  | Options[]
  | ((overrides: Options) => Options | Options[] | Promise<Options | Options[]>) = defineConfig({
  entry: { index: "src/index.ts" },
  format: ["esm", "cjs"],
  target: "es2022",
  platform: "neutral",
  dts: true,
  clean: true,
  // One file for each door: two thirds of what an import costs is finding and reading many small ones.
  splitting: false,
  treeshake: true,
});

export default config;
