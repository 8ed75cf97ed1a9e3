import { assert, describe, it } from "@effect/vitest"
import * as Shutdown from "@redrive/testing/Shutdown"
import * as Effect from "effect/Effect"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

describe("the lines of a program that ends", () => {
  const program = join(import.meta.dirname, "fixtures/program.ts")

  /** How many of its lines are in the file. */
  const ended = async (kind: string, ending: Shutdown.Ending): Promise<number> => {
    const folder = mkdtempSync(join(tmpdir(), "pino-"))
    const file = join(folder, "log")
    try {
      await Effect.runPromise(Shutdown.run(program, ending, { args: [kind, file] }))
      if (!existsSync(file)) return 0
      return readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line.includes('"msg":"line ')).length
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it.each([
    ["sync", "return", 1000],
    ["buffered", "return", 1000],
    ["worker", "return", 1000],
    ["sync", "SIGTERM", 1000],
    ["buffered", "SIGTERM", 1000],
    ["worker", "SIGTERM", 1000],
    ["sync", "exit", 1000],
    ["buffered", "exit", 1000],
    ["worker", "exit", 1000],
    ["sync", "SIGKILL", 1000],
    // The worker has not begun yet.
    ["worker", "SIGKILL", 0]
  ] as const)("are there as the table in docs/adapters.md says: %s, %s, %i", async (kind, ending, count) => {
    assert.strictEqual(await ended(kind, ending), count)
  })

  it("are there as far as they were written: buffered, SIGKILL", async () => {
    assert.isBelow(await ended("buffered", "SIGKILL"), 1000)
  })
})
