import { assert, describe, it } from "@effect/vitest"
import * as Retry from "@redrive/retry/Retry"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, policyOf, settled } from "./call.ts"

const seconds = Duration.seconds
const hedge = { after: seconds(1), share: 1 }

/** Ends each time it is asked as the list says, and notes who was interrupted. */
const answering = (...answers: ReadonlyArray<{ readonly takes: number; readonly isGood?: boolean }>) => {
  const told: Array<string> = []
  const effect = Effect.suspend(() => {
    const number = told.push("running") - 1
    const { isGood = true, takes } = answers[number] ?? { takes: 0 }
    const ended = isGood ? Effect.succeed(number) : Effect.fail(bad)
    return Effect.delay(ended, seconds(takes)).pipe(
      Effect.onExit((exit) =>
        Effect.sync(
          () => void (told[number] = Exit.isSuccess(exit) ? "won" : Exit.hasInterrupts(exit) ? "interrupted" : "failed")
        )
      )
    )
  })
  return { told, effect }
}

describe("a hedge", () => {
  it.effect("sends a slow read once more; the first success wins, and the other is interrupted", () =>
    Effect.gen(function* () {
      const { effect, told } = answering({ takes: 60 }, { takes: 1 })
      assert.deepStrictEqual(yield* settled(Retry.make(policyOf({ hedge })).run(effect)), Exit.succeed(1))
      assert.deepStrictEqual(told, ["interrupted", "won"])
    })
  )

  it.effect("leaves a quick one alone, and one that fails before it was sent twice", () =>
    Effect.gen(function* () {
      const quick = answering({ takes: 0.5 })
      assert.deepStrictEqual(yield* settled(Retry.make(policyOf({ hedge })).run(quick.effect)), Exit.succeed(0))
      assert.deepStrictEqual(quick.told, ["won"])
      const failing = answering({ takes: 0.5, isGood: false }, { takes: 0.5 })
      assert.deepStrictEqual(yield* settled(Retry.make(policyOf({ hedge })).run(failing.effect)), Exit.succeed(1))
      assert.deepStrictEqual(failing.told, ["failed", "won"])
    })
  )

  it.effect("takes the other's success where one fails, and fails where both do", () =>
    Effect.gen(function* () {
      const one = answering({ takes: 5 }, { takes: 1, isGood: false })
      assert.deepStrictEqual(yield* settled(Retry.make(policyOf({ hedge })).run(one.effect)), Exit.succeed(0))
      const policy = policyOf({ hedge, retries: 1 })
      const none = answering(...Array.from({ length: 4 }, () => ({ takes: 2, isGood: false })))
      const error = yield* exhausted(Retry.make(policy).run(none.effect))
      assert.deepStrictEqual([error.because, error.attempts.length, none.told.length], ["retries", 2, 4])
    })
  )

  it.effect("keeps to its share of the calls", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ hedge: { after: seconds(1), share: 0.2 } }))
      const { effect, told } = answering(...Array.from({ length: 20 }, () => ({ takes: 3 })))
      const calls = yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.forkChild(runner.run(effect)))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.joinAll(calls)
      assert.lengthOf(told, 12)
    })
  )

  it.effect("never sends a creation twice, whatever the policy of its runner", () =>
    Effect.gen(function* () {
      const { effect, told } = answering({ takes: 5 })
      yield* settled(Retry.make(policyOf({ hedge })).run(effect, { operation: "create" }))
      assert.lengthOf(told, 1)
    })
  )

  it.effect("interrupts both when the call is interrupted, or runs out of time", () =>
    Effect.gen(function* () {
      const { effect, told } = answering({ takes: 60 }, { takes: 60 }, { takes: 60 }, { takes: 60 })
      const fiber = yield* Effect.forkChild(Retry.make(policyOf({ hedge })).run(effect))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(told, ["interrupted", "interrupted"])
      yield* exhausted(Retry.make(policyOf({ hedge, deadline: seconds(5) })).run(effect))
      assert.deepStrictEqual(told, ["interrupted", "interrupted", "interrupted", "interrupted"])
    })
  )
})
