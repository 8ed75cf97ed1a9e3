import { assert, describe, it } from "@effect/vitest"
import * as Retry from "@redrive/retry/Retry"
import type { RetryExhausted } from "@redrive/retry/RetryExhausted"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import process from "node:process"
import { exhausted } from "./call.ts"

const once = (attemptTimeout: Duration.Duration) => RetryPolicy.make({ retries: 0, attemptTimeout })
const now = { startImmediately: true }

describe("an attempt's timeout", () => {
  const call = Schema.Struct({
    takes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 })),
    limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
    starts: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))
  })

  it.effect.prop(
    "ends each of many calls at its own time, whatever the others do",
    { calls: Arbitrary.schema(Schema.Array(call)) },
    ({ calls }) =>
      Effect.gen(function* () {
        const begun = yield* Clock.currentTimeMillis
        const fibers = yield* Effect.forEach(calls, ({ limit, starts, takes }) => {
          const run = Retry.retry(Effect.sleep(Duration.millis(takes)), once(Duration.millis(limit)))
          const timed = Effect.andThen(Effect.exit(run), Clock.currentTimeMillis)
          return Effect.forkChild(Effect.delay(timed, Duration.millis(starts)), now)
        })
        yield* TestClock.adjust("1 second")
        const ended = yield* Fiber.joinAll(fibers)
        const expected = calls.map(({ limit, starts, takes }) => begun + starts + Math.min(limit, takes))
        assert.deepStrictEqual(ended, expected)
      }),
    { arbitrary: { runs: 200 } }
  )

  it.effect("waits for what the attempt still has to do, and says how long it was", () =>
    Effect.gen(function* () {
      const slow = Effect.onInterrupt(Effect.never, () => Effect.sleep("2 seconds"))
      const error = yield* exhausted(Retry.retry(slow, once(Duration.seconds(5))))
      assert.isTrue(Cause.isTimeoutError(error.failure))
      assert.include(error.message, "5s")
      assert.strictEqual(yield* Clock.currentTimeMillis, 7000)
    })
  )

  it.effect("becomes the caller's own error with errorOf, like a refusal but no other failure", () =>
    Effect.gen(function* () {
      class Mine extends Data.TaggedError("Mine")<{ readonly why: string }> {}
      const errorOf = (added: Retry.Added) =>
        new Mine({ why: added._tag === "Refused" ? added.because : added.message })
      const policy = RetryPolicy.make({
        retries: 1,
        attemptTimeout: Duration.seconds(5),
        breaker: { trip: { _tag: "Consecutive", failures: 2 } }
      })
      const runner = Retry.make(policy)
      const late: RetryExhausted<Mine> = yield* exhausted(runner.run(Effect.never, { errorOf }))
      assert.deepStrictEqual([late.because, late.failure.why], ["retries", "call timed out after 5s"])
      // The timeline still shows the timeout, and the verdict is the timeout's.
      assert.include(late.attempts[0]?.message, "timed out")
      assert.strictEqual(late.verdict._tag, "Transient")
      const refused = yield* exhausted(Effect.never.pipe(runner.run({ errorOf })))
      assert.deepStrictEqual(refused.failure, new Mine({ why: "breaker" }))
      // The effect's own timeout, and its own error of the same name, stay as they are.
      const theirs = new Cause.TimeoutError("theirs")
      const kept = yield* exhausted(Retry.retry(Effect.fail(theirs), once(Duration.seconds(5)), { errorOf }))
      assert.strictEqual(kept.failure, theirs)
    })
  )

  it.effect("is not confused with an attempt that interrupts itself", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Retry.retry(Effect.interrupt, once(Duration.seconds(5))))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
    })
  )

  it.effect("comes no later when the clock is set back", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.clockWith(Effect.succeed)
      let back = 0
      const wall: Clock.Clock = Object.assign(Object.create(clock), {
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() - back
      })
      const timed = (limit: number) =>
        Effect.forkChild(
          Effect.provideService(
            Effect.exit(Retry.retry(Effect.never, once(Duration.seconds(limit)))),
            Clock.Clock,
            wall
          ),
          now
        )
      yield* timed(1)
      const late = yield* timed(10)
      back = 3_600_000
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("9 seconds")
      assert.isDefined(late.pollUnsafe())
    })
  )

  it.live("leaves no timer behind that would keep the process", () =>
    Effect.gen(function* () {
      const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
      const before = timers()
      const calls = Effect.forEach([1, 2, 3], () => Retry.retry(Effect.yieldNow, once(Duration.hours(1))), {
        concurrency: 3
      })
      yield* calls
      yield* Effect.yieldNow
      assert.isAtMost(timers(), before)
    })
  )
})
