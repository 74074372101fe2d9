import type { ViteUserConfig } from "vitest/config";
import { defineConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/interop/**", "test/runtimes/**"],
    // The engine is there, and the secrets of each test are looked for in all that the test makes the client say.
    setupFiles: ["test/support/engine.ts", "test/support/canary.ts"],
    // Many wait for servers that say nothing.
    maxWorkers: 2,
    // For what hangs. No test takes five seconds where nothing else runs.
    testTimeout: 15_000,
    hookTimeout: 10_000,
  },
});

export default config;
