import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
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
      // Its own retries, times those of the outer policy.
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

  const throttled = { verdict: Verdict.throttled(seconds(10)), code: "busy" }
  const ends: { readonly [why: string]: RetryPolicy.RetryPolicy } = {
    "has no retries": RetryPolicy.make({ retries: 0 }),
    "has a deadline that no wait fits": policyOf({ deadline: seconds(1) }),
    "waits for no server that long": policyOf({ maxRetryAfter: seconds(1) }),
    "gives the code up": policyOf({ overrides: { busy: { giveUp: true } } }),
    "retries itself, as often as its budget allows": policyOf({ nested: "retry", budget: "standard" }),
    "retries itself": policyOf({ nested: "retry", retries: 1 })
  }
  for (const [why, inner] of Object.entries(ends)) {
    it.effect(`let the outer policy decide about a failure, even if the inner one ${why}`, () =>
      Effect.gen(function* () {
        const { effect, tried } = flaky(throttled, 3)
        const exit = yield* settled(effect.pipe(Retry.retry(inner), Retry.retry(policyOf({ retries: 4 }))))
        assert.deepStrictEqual(exit, Exit.succeed("done"))
        assert.lengthOf(tried, 4)
        // The outer policy's overrides match the failure too.
        const never = flaky(throttled)
        const outer = policyOf({ overrides: { busy: { giveUp: true } } })
        const error = yield* exhausted(
          never.effect.pipe(Retry.retry(RetryPolicy.make({ retries: 0 })), Retry.retry(outer))
        )
        assert.strictEqual(error.because, "permanent")
      })
    )
  }

  it.effect("end the outer call too if any attempt may have created something", () =>
    Effect.gen(function* () {
      const create = { operation: "create" } as const
      const reset = { verdict: Verdict.transient("quick"), code: "ECONNRESET" }
      const refused = { verdict: Verdict.transient("quick"), code: "ECONNREFUSED", syscall: "connect" }
      const one = flaky(reset)
      yield* exhausted(one.effect.pipe(Retry.retry(policyOf(create)), Retry.retry(policyOf())))
      assert.lengthOf(one.tried, 1)
      // To the inner policy it is a read: its first attempt may have happened, its second was never sent.
      let asked = 0
      const two = Effect.suspend(() => Effect.fail(++asked === 1 ? reset : refused))
      const inner = Retry.retry(two, policyOf({ nested: "retry", retries: 1 }))
      const error = yield* exhausted(Retry.retry(inner, policyOf(create)))
      assert.deepStrictEqual([asked, error.because], [2, "ambiguous"])
      asked = 1
      yield* exhausted(Retry.retry(inner, policyOf({ ...create, retries: 1 })))
      assert.strictEqual(asked, 5)
    })
  )

  it.effect("wait at the outer gate if they are parked", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky({ verdict: Verdict.parked("top up") }, 1)
      const outer = Retry.make(policyOf({ parking: {} }))
      const fiber = yield* Effect.forkChild(outer.run(Retry.retry(effect, policyOf())), { startImmediately: true })
      assert.deepStrictEqual(yield* outer.parked, [""])
      yield* outer.resume()
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      assert.lengthOf(tried, 2)
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
