import { assert, describe, it } from "@effect/vitest"
import * as Shutdown from "@redrive/testing/Shutdown"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"

const program = join(import.meta.dirname, "fixtures/ends.ts")

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "shutdown-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
)

describe("a program", () => {
  it.live.each([
    ["return", 0],
    // As Effect's `runMain` ends when it is interrupted.
    ["SIGTERM", 130],
    ["exit", 0],
    ["SIGKILL", null]
  ] as const)("ends by %s with the code %s, after its work", ([ending, code]) =>
    Effect.gen(function* () {
      const file = join(yield* folder, "stderr")
      const stderr = openSync(file, "w")
      assert.strictEqual(yield* Shutdown.run(program, ending, { args: ["a", "b"], stderr }), code)
      closeSync(stderr)
      assert.strictEqual(readFileSync(file, "utf8"), `${ending} a b`)
    })
  )

  it("that is told no such end says which there are", () => {
    const { stderr, stdout } = spawnSync(process.execPath, [program, "sometime"], { encoding: "utf8" })
    assert.match(`${stderr}${stdout}`, /one of return, SIGTERM, exit, SIGKILL, not sometime/)
  })
})
