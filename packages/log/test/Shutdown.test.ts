import { assert, describe, it } from "@effect/vitest"
import * as Shutdown from "@redrive/testing/Shutdown"
import * as Effect from "effect/Effect"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { all, collector } from "./collector.ts"

const fixtures = join(import.meta.dirname, "fixtures")

describe("the lines to OpenTelemetry of a program that ends", () => {
  it.live.each([
    ["return", 1000],
    ["SIGTERM", 1000],
    // What its exporter has not sent is in memory only.
    ["exit", 0],
    ["SIGKILL", 0]
  ] as const)("arrive as the table in docs/adapters.md says: %s, %i", ([ending, count]) =>
    Effect.gen(function* () {
      const { bodies, url } = yield* collector
      yield* Shutdown.run(join(fixtures, "otlp.ts"), ending, { args: [url] })
      assert.lengthOf(all(bodies, "logRecords"), count)
    })
  )
})

describe("the lines to a file, by createWriteStream, of a program that ends", () => {
  it.live.each(["exit", "SIGKILL"] as const)(
    "are not all there, which the table in docs/adapters.md says: %s",
    (ending) =>
      Effect.gen(function* () {
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "log-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
        )
        const file = join(folder, "log")
        yield* Shutdown.run(join(fixtures, "program.ts"), ending, { args: [file] })
        assert.isBelow(existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0, 1000)
      })
  )
})
