import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "@redrive/retry/Backoff"
import * as Breaker from "@redrive/retry/Breaker"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, flaky, policyOf } from "./call.ts"

// What went wrong in widely used libraries, reproduced there, and must not here.

const seconds = Duration.seconds
const now = { startImmediately: true }

describe("defects known from cockatiel 4", () => {
  it.effect("1: an interruption during a wait ends it at once, and nothing is called any more", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(bad)
      const fiber = yield* Effect.forkChild(Retry.retry(effect, policyOf()), now)
      yield* TestClock.adjust("400 millis")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(tried, 1)
    })
  )

  it.effect("2: observers hear of calls behind a bulkhead", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1 } }))
      const observer = Observer.layer({ event: ({ _tag }) => told.push(_tag) })
      yield* Effect.provide(exhausted(runner.run(Effect.fail({ verdict: Verdict.permanent }))), observer)
      assert.deepStrictEqual(told, ["AttemptFailed", "GaveUp"])
    })
  )

  it("3: a breaker that was idle for an hour opens no sooner than a fresh one", () => {
    const breaker = Breaker.make(
      Breaker.Breaker.make({ trip: { _tag: "TimeWindow", length: seconds(5), rate: 0.2, minimum: 50 } })
    )
    const fail = (at: number) => {
      const permit = breaker.admit(at)
      if (permit._tag === "Permit") breaker.record(permit, "failure", at, 0)
    }
    fail(0)
    for (let failures = 1; failures < 50; failures++) fail(3_600_000)
    assert.strictEqual(breaker.condition(3_600_000), "closed")
    fail(3_600_000)
    assert.strictEqual(breaker.condition(3_600_000), "open")
  })

  it.effect("4: an interruption from outside is an interruption, and never a timeout", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.layer({ event: ({ _tag }) => told.push(_tag) })
      const policy = policyOf({ attemptTimeout: seconds(5), deadline: seconds(30) })
      const fiber = yield* Effect.forkChild(Effect.provide(Retry.retry(Effect.never, policy), observer), now)
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      assert.isEmpty(told)
    })
  )

  it.effect("5: while a probe hangs, others are refused at once, and may be interrupted", () =>
    Effect.gen(function* () {
      const trip = {
        trip: { _tag: "Consecutive", failures: 1 },
        openFor: Backoff.make({ base: seconds(1), cap: seconds(1) })
      } as const
      const runner = Retry.make(RetryPolicy.make({ retries: 0, breaker: trip }))
      yield* Effect.exit(runner.run(Effect.fail(bad)))
      yield* TestClock.adjust("1 second")
      const probe = yield* Effect.forkChild(runner.run(Effect.never), now)
      for (let call = 0; call < 100; call++) {
        assert.strictEqual((yield* Effect.flip(runner.run(Effect.succeed(1)))).because, "breaker")
      }
      yield* Fiber.interrupt(probe)
      assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
    })
  )

  it.effect("6: who is interrupted in a bulkhead's line leaves it", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1, queue: 1 } }))
      yield* Effect.forkChild(runner.run(Effect.never), now)
      const waiting = yield* Effect.forkChild(runner.run(Effect.succeed(1)), now)
      yield* Fiber.interrupt(waiting)
      const next = yield* Effect.forkChild(runner.run(Effect.succeed(2)), now)
      assert.isUndefined(next.pollUnsafe())
    })
  )

  it.effect("7: a late failure from before the breaker opened neither opens it again nor spoils the probe", () =>
    Effect.gen(function* () {
      const trip = {
        trip: { _tag: "Consecutive", failures: 1 },
        openFor: Backoff.make({ base: seconds(1), cap: seconds(1) })
      } as const
      const runner = Retry.make(RetryPolicy.make({ retries: 0, breaker: trip }))
      const late = yield* Effect.forkChild(Effect.exit(runner.run(Effect.delay(Effect.fail(bad), "1500 millis"))), now)
      yield* Effect.exit(runner.run(Effect.fail(bad)))
      yield* TestClock.adjust("1 second")
      const probe = yield* Effect.forkChild(runner.run(Effect.delay(Effect.succeed(1), "1 second")), now)
      yield* TestClock.adjust("500 millis")
      yield* Fiber.join(late)
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(yield* Fiber.join(probe), 1)
      assert.strictEqual(runner.breaker()?.condition(2000), "closed")
    })
  )

  it.effect("8: a wait of weeks is one, and without options retries are few and patient", () =>
    Effect.gen(function* () {
      const weeks = Backoff.make({
        kind: "constant",
        base: Duration.millis(2 ** 31),
        cap: Duration.days(30),
        jitter: "none"
      })
      const { effect, tried } = flaky(bad, 1)
      const fiber = yield* Effect.forkChild(Retry.retry(effect, RetryPolicy.make({ steady: weeks })), now)
      yield* TestClock.adjust(Duration.millis(2 ** 31 - 1))
      assert.lengthOf(tried, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      const eager = flaky(bad)
      const error = yield* exhausted(Retry.retry(eager.effect, RetryPolicy.make()))
      assert.deepStrictEqual([error.because, eager.tried.length], ["retries", 4])
      assert.isTrue(error.attempts.slice(0, -1).every(({ wait }) => wait !== undefined))
    })
  )
})

describe("defects known from Effect's own parts", () => {
  it.effect("retries within retries do not multiply", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(bad)
      yield* exhausted(effect.pipe(Retry.retry(policyOf({ retries: 2 })), Retry.retry(policyOf({ retries: 2 }))))
      assert.lengthOf(tried, 3)
    })
  )

  it.effect("the number of retries bounds them, whatever the backoff", () =>
    Effect.gen(function* () {
      for (const kind of ["constant", "linear", "exponential", "fibonacci", "decorrelated", "smooth"] as const) {
        const backoff = Backoff.make({ kind, base: seconds(1), cap: seconds(2) })
        const { effect, tried } = flaky(bad)
        yield* exhausted(Retry.retry(effect, policyOf({ retries: 2, steady: backoff })))
        assert.lengthOf(tried, 3, kind)
      }
    })
  )
})
