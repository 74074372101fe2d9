import type { ViteUserConfig } from "vitest/config";
import { defineConfig } from "vitest/config";

// Started by test/runtimes/run.mjs, which prints what was found as a table.
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/runtimes/**/*.test.ts"],
    globalSetup: ["test/runtimes/setup.ts"],
    disableConsoleIntercept: true,
    // All checks in one runtime; test/runtimes/launch.ts has a limit for each that is started.
    testTimeout: 90_000,
    hookTimeout: 30_000,
  },
});

export default config;
