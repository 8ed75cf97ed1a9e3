import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    // Node.js 22 calls node:sqlite experimental, once in every worker.
    execArgv: ["--disable-warning=ExperimentalWarning"],
    // All of the machine: most tests compute or wait for a process of their own.
    maxWorkers: "100%",
    // A limit that only a bug reaches: tests that start processes take their time on a busy machine.
    testTimeout: 30_000,
    setupFiles: ["./vitest.seed.ts"],
    reporters: ["default", "./vitest.summary.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts", "clients/test/**/*.test.ts"]
        }
      }
    ]
  }
})
