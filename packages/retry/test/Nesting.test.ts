import { assert, describe, it } from "@effect/vitest"
import * as Retry from "@redrive/retry/Retry"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, flaky, policyOf, settled } from "./call.ts"

const seconds = Duration.seconds

describe("calls within calls", () => {
  it.effect("try once, however deep, unless their policy wants otherwise", () =>
    Effect.gen(function* () {
      const inner = flaky(bad)
      yield* exhausted(inner.effect.pipe(Retry.retry(policyOf()), Retry.retry(policyOf()), Retry.retry(policyOf())))
      assert.lengthOf(inner.tried, 4)
      const eager = flaky(bad)
      const twice = policyOf({ retries: 1, nested: "retry" })
      yield* exhausted(eager.effect.pipe(Retry.retry(twice), Retry.retry(policyOf({ retries: 1 }))))
      // Its own retries, times the outer one's.
      assert.lengthOf(eager.tried, 4)
    })
  )

  it.effect("start nothing that cannot end before the call around them", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(bad)
      const inner = Retry.retry(effect, policyOf({ nested: "retry", retries: 9 }))
      const error = yield* exhausted(Retry.retry(inner, policyOf({ deadline: seconds(5) })))
      assert.deepStrictEqual(tried, [0, 1000, 3000, 4000])
      assert.strictEqual(error.because, "deadline")
    })
  )

  it.effect("are within it no longer than it lasts: what it has left behind tries as ever", () =>
    Effect.gen(function* () {
      for (const policy of [policyOf(), policyOf({ deadline: seconds(5) })]) {
        const late = flaky(bad)
        const worker = Effect.andThen(Effect.sleep("1 hour"), Retry.retry(late.effect, policyOf()))
        const fiber = yield* Retry.retry(Effect.forkDetach(worker), policy)
        yield* TestClock.adjust("2 hours")
        assert.strictEqual((yield* exhausted(Fiber.join(fiber))).because, "retries")
        assert.lengthOf(late.tried, 4)
      }
    })
  )

  it.effect("that are refused are tried again by the call around them, when it makes sense", () =>
    Effect.gen(function* () {
      const inner = Retry.make(policyOf({ bulkhead: { concurrent: 1 } }))
      const busy = yield* Effect.forkChild(inner.run(Effect.sleep("2500 millis")), { startImmediately: true })
      const exit = yield* settled(Retry.make(policyOf()).run(inner.run(Effect.succeed("done"))))
      assert.deepStrictEqual(exit, Exit.succeed("done"))
      yield* Fiber.join(busy)
    })
  )

  it.effect("of the same runner need no place of their own, or they would wait for themselves", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1, queue: 9 } }))
      assert.strictEqual(yield* runner.run(runner.run(Effect.succeed("in"))), "in")
      assert.strictEqual(yield* runner.run(Effect.succeed("again")), "again")
    })
  )
})
