import { assert, describe, it } from "@effect/vitest"
import * as Log from "@redrive/log/Log"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"

/** The fields of the one line that a program logs. */
const lineOf = <A, E>(program: Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const stream = { write: (line: string) => lines.push(line) > 0 }
    const logger = Logger.layer([Log.logger({ stream, format: "json" })])
    return Effect.map(Effect.provide(program, logger), () => JSON.parse(lines.join("")) as Record<string, unknown>)
  })

describe("a line within log spans", () => {
  it.effect("keeps a field of the program's own that is named as the spans are", () =>
    Effect.gen(function* () {
      const line = yield* lineOf(Effect.logInfo("saved", { spans_ms: 12 }).pipe(Effect.withLogSpan("save")))
      assert.include(Object.values(line), 12)
    })
  )

  it.effect("keeps both of two nested spans with one name", () =>
    Effect.gen(function* () {
      const program = Effect.andThen(
        TestClock.adjust("20 millis"),
        Effect.andThen(TestClock.adjust("5 millis"), Effect.logInfo("saved")).pipe(Effect.withLogSpan("save"))
      ).pipe(Effect.withLogSpan("save"))
      const { spans_ms: spans } = yield* lineOf(program)
      assert.includeMembers(Object.values(spans as Record<string, number>), [25, 5])
    })
  )

  it.effect("keeps the time of a span whose name is one of secrets: a time is none", () =>
    Effect.gen(function* () {
      const program = Effect.andThen(TestClock.adjust("5 millis"), Effect.logInfo("saved"))
      const line = yield* lineOf(program.pipe(Effect.withLogSpan("refresh token")))
      assert.deepStrictEqual(line["spans_ms"], { "refresh token": 5 })
    })
  )
})
