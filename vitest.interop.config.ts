import type { ViteUserConfig } from "vitest/config";
import { defineConfig } from "vitest/config";

// Started by test/interop/run.mjs, which makes sure that the servers are installed.
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/interop/**/*.test.ts"],
    globalSetup: ["test/interop/setup.ts"],
    // The tests print what the server said; vitest would put two lines of its own before each line of theirs.
    disableConsoleIntercept: true,
    // They share the servers and what these delivered, each with subjects of its own.
    maxWorkers: 2,
    testTimeout: 15_000,
    hookTimeout: 30_000,
    teardownTimeout: 30_000,
  },
});

export default config;
