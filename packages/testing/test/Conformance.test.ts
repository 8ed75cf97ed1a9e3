import { assert, describe, it } from "@effect/vitest"
import * as Conformance from "@redrive/testing/Conformance"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Logger from "effect/Logger"
import { hostile } from "../src/internal/hostile.ts"

// Adapters that break the contract, each in one way.

const throwing = Logger.layer(
  [
    Logger.make(() => {
      throw new Error("a logger")
    })
  ],
  { mergeWithExisting: true }
)

const throwingReporter = ErrorReporter.layer(
  [
    ErrorReporter.make(() => {
      throw new Error("a reporter")
    })
  ],
  { mergeWithExisting: true }
)

const hoarding = () => {
  const kept: Array<unknown> = []
  const reporter = ErrorReporter.make(({ cause }) => void kept.push(cause, Array.from({ length: 1000 })))
  return ErrorReporter.layer([reporter], { mergeWithExisting: true })
}

describe("an adapter that breaks the contract is found out", () => {
  it.live.each([
    ["throws in a logger", () => throwing, "exit"],
    ["throws in a reporter", () => throwingReporter, "exit"]
  ] as const)("if it %s", ([, adapter, expected]) =>
    Effect.gen(function* () {
      const found = yield* Conformance.differences(Conformance.programs[0]?.[1] ?? Effect.void, adapter())
      assert.include(found.join(), expected)
    })
  )

  it.live("if it keeps all that it is told", () =>
    Effect.gen(function* () {
      assert.match((yield* Conformance.violations(hoarding)).join(), /20,000 failures take \d+ MB/)
    })
  )

  it("has values that do not want to be read for each number of a step", () => {
    assert.isAtMost(hostile().length, 21)
    assert.isAtLeast(hostile().length, 20)
  })
})
