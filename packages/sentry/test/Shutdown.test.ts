import { assert, describe, it } from "@effect/vitest"
import * as Shutdown from "@redrive/testing/Shutdown"
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { receiver } from "./receiver.ts"

const program = join(import.meta.dirname, "fixtures/program.ts")

describe("the failures of a program that ends", () => {
  it.live.each([
    ["return", 100],
    ["SIGTERM", 100],
    // What was not sent by then is gone, and nobody is left to say so.
    ["exit", 0],
    ["SIGKILL", 0]
  ] as const)("arrive as the table in docs/adapters.md says: %s, %i", ([ending, count]) =>
    Effect.gen(function* () {
      const { dsn, events } = yield* receiver
      yield* Shutdown.run(program, ending, { args: [dsn] })
      assert.lengthOf(events, count)
    })
  )
})
