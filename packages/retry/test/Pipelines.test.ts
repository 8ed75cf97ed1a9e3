import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { bad, failing, flaky, policyOf, settled } from "./call.ts"

const seconds = Duration.seconds

describe("a policy as a schedule", () => {
  const cases: ReadonlyArray<readonly [string, RetryPolicy.RetryPolicy, unknown]> = [
    ["backoff", policyOf(), bad],
    ["a permanent failure", policyOf(), failing(404)],
    ["Retry-After", policyOf(), { verdict: Verdict.throttled(seconds(7)) }],
    ["a Retry-After that is too long", policyOf(), { verdict: Verdict.throttled(Duration.hours(1)) }],
    ["a deadline", policyOf({ retries: 9, deadline: seconds(5) }), bad],
    ["an override", policyOf({ overrides: { host_returned_error: { retries: 1 } } }), bad],
    ["jitter", RetryPolicy.make(), bad],
    [
      "a backoff that remembers",
      policyOf({ steady: { kind: "decorrelated", base: seconds(1), cap: seconds(30) } }),
      bad
    ]
  ]

  it.effect.each(cases)("tries Effect.retry when the runner would: %s", ([, policy, failure]) =>
    Effect.gen(function* () {
      const byRunner = flaky(failure)
      yield* settled(Random.withSeed(Retry.retry(byRunner.effect, policy), 7))
      const waitsOf = (tried: ReadonlyArray<number>) => tried.map((at) => Math.round(at - (tried[0] ?? 0)))
      const bySchedule = flaky(failure)
      const retried = Effect.retry(bySchedule.effect, RetryPolicy.schedule(policy))
      assert.deepStrictEqual(yield* settled(Random.withSeed(retried, 7)), Exit.fail(failure))
      assert.deepStrictEqual(waitsOf(bySchedule.tried), waitsOf(byRunner.tried))
    })
  )
})

describe("why a call was given up", () => {
  it.effect("is a reason that Effect can catch", () =>
    Effect.gen(function* () {
      const create = Retry.retry(Effect.fail(failing(500)), policyOf({ operation: "create" })).pipe(
        Effect.catchReason("RetryExhausted", "ambiguous", (reason) => Effect.succeed(reason._tag))
      )
      assert.strictEqual(yield* create, "ambiguous")
      const poor = policyOf({ budget: { _tag: "Ratio", ratio: 0.1, window: seconds(1), floor: 0 } })
      const retried = Retry.retry(Effect.fail(bad), poor).pipe(
        Effect.catchReasons("RetryExhausted", { budget: () => Effect.succeed("poor") })
      )
      assert.strictEqual(yield* retried, "poor")
    })
  )

  it.effect("is a defect where an attempt both failed and died", () =>
    Effect.gen(function* () {
      const both = Effect.failCause(Cause.combine(Cause.fail(bad), Cause.die("a finalizer's")))
      const exit = yield* Effect.exit(Retry.retry(both, policyOf()))
      assert.deepStrictEqual(exit, Exit.die("a finalizer's"))
    })
  )
})

describe("streams", () => {
  /** A stream that fails as often before it gives its numbers. */
  const numbers = (failures: number) => {
    const { effect, tried } = flaky(bad, failures)
    return { tried, stream: Stream.flatMap(Stream.fromEffect(effect), () => Stream.range(1, 3)) }
  }

  it.effect("begin again as a policy's schedule says", () =>
    Effect.gen(function* () {
      const { stream, tried } = numbers(2)
      const retried = Stream.retry(stream, RetryPolicy.schedule(policyOf()))
      assert.deepStrictEqual(yield* settled(Stream.runCollect(retried)), Exit.succeed([1, 2, 3]))
      assert.deepStrictEqual(tried, [0, 1000, 3000])
    })
  )

  it.effect("try each element by a runner, in their order, and share what it shares", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ budget: "standard", bulkhead: { concurrent: 2, queue: 9 } }))
      let running = 0
      let most = 0
      const page = (number: number) => {
        const { effect } = flaky(bad, number % 10 === 0 ? 1 : 0)
        const counted = Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++running))),
          () => Effect.delay(effect, "100 millis"),
          () => Effect.sync(() => running--)
        )
        return Effect.as(runner.run(counted), number)
      }
      const pages = Stream.mapEffect(Stream.range(1, 10), page, { concurrency: 5 })
      assert.deepStrictEqual(yield* settled(Stream.runCollect(pages)), Exit.succeed([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
      assert.strictEqual(most, 2)
    })
  )

  it.effect("that are interrupted give back what their calls held", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ budget: "envoy", bulkhead: { concurrent: 2 } }))
      const pages = Stream.mapEffect(Stream.range(1, 2), () => runner.run(flaky(bad).effect), { concurrency: 2 })
      const fiber = yield* Effect.forkChild(Stream.runDrain(pages), { startImmediately: true })
      yield* TestClock.adjust("500 millis")
      assert.strictEqual((yield* Effect.flip(runner.run(Effect.succeed(1)))).because, "bulkhead")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
      assert.strictEqual(runner.budget?.available(0), 3)
    })
  )
})
