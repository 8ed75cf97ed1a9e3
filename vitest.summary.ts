import type { Reporter, TestModule } from "vitest/node"

/** Closes a run with one plain line: `12 passed, 0 failed, 1 skipped`. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, errors: ReadonlyArray<unknown>): void {
    const count = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      let tests = 0
      for (const test of module.children.allTests()) {
        tests++
        const state = test.result().state
        if (state in count) count[state as keyof typeof count]++
      }
      if (tests === 0 && module.state() === "failed") count.failed++
    }
    process.once("exit", () =>
      process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`)
    )
  }
}
