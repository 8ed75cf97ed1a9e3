import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    reporters: ["default", "./vitest.summary.ts"],
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["packages/*/test/**/*.test.ts", "apps/*/test/**/*.test.ts"] }
      }
    ]
  }
})
