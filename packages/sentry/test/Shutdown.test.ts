import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import process from "node:process"
import { receiver } from "./receiver.ts"

const ended = (how: string, dsn: string, signal?: NodeJS.Signals) =>
  Effect.promise(async () => {
    const program = join(import.meta.dirname, "fixtures/program.ts")
    const child = spawn(process.execPath, [program, how, dsn], { stdio: ["ignore", "pipe", "inherit"] })
    child.stdout.once("data", () => signal !== undefined && child.kill(signal))
    await once(child, "close")
  })

describe("the failures of a program that ends", () => {
  it.live.each([
    ["return", undefined, 100],
    ["wait", "SIGTERM", 100],
    // What was not sent by then is gone, and nobody is left to say so.
    ["exit", undefined, 0],
    ["kill", undefined, 0]
  ] as const)("arrive as the table in docs/adapters.md says: %s, %s, %i", ([how, signal, count]) =>
    Effect.gen(function* () {
      const { dsn, events } = yield* receiver
      yield* ended(how, dsn, signal)
      assert.lengthOf(events, count)
    })
  )
})
