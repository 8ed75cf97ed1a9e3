import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Retry from "@redrive/retry/Retry"
import * as RetryExhausted from "@redrive/retry/RetryExhausted"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, failing, flaky, policyOf, settled } from "./call.ts"

const seconds = Duration.seconds

const policy = policyOf()

describe("a success", () => {
  it.effect("passes through, after one attempt", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(bad, 0)
      assert.strictEqual(yield* Retry.retry(effect, policy), "done")
      assert.lengthOf(tried, 1)
    })
  )

  it.effect("ends the attempts, each after the wait that the policy says", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(bad, 3)
      assert.deepStrictEqual(yield* settled(effect.pipe(Retry.retry(policy))), Exit.succeed("done"))
      assert.deepStrictEqual(tried, [0, 1000, 3000, 7000])
    })
  )
})

describe("giving up", () => {
  it.effect("comes after the retries, and tells the whole story", () =>
    Effect.gen(function* () {
      const { effect } = flaky(bad)
      const error = yield* exhausted(Retry.retry(effect, policy, { name: "page" }))
      assert.isTrue(RetryExhausted.isRetryExhausted(error))
      assert.deepInclude({ ...error }, { name: "page", because: "retries", failure: bad })
      assert.strictEqual(error.message, `gave up after 4 attempts (retries): ${bad.message}`)
      assert.deepStrictEqual(error.verdict, bad.verdict)
      assert.strictEqual(error[ErrorReporter.severity], "Warn")
      assert.deepStrictEqual(RetryExhausted.timeline(error), [
        `1. 1970-01-01T00:00:00.000Z took 0: ${bad.message}; then waited 1s`,
        `2. 1970-01-01T00:00:01.000Z took 0: ${bad.message}; then waited 2s`,
        `3. 1970-01-01T00:00:03.000Z took 0: ${bad.message}; then waited 4s`,
        `4. 1970-01-01T00:00:07.000Z took 0: ${bad.message}; retries`
      ])
    })
  )

  const atOnce: ReadonlyArray<readonly [failure: unknown, because: string]> = [
    [failing(404), "permanent"],
    [failing(402), "parked"],
    [failing(503, Duration.minutes(6)), "retry_after_too_long"]
  ]
  for (const [failure, because] of atOnce) {
    it.effect(`comes at once where nothing else helps: ${because}`, () =>
      Effect.gen(function* () {
        const { effect, tried } = flaky(failure)
        const error = yield* Effect.flip(Retry.retry(effect, policy))
        assert.strictEqual(error.because, because)
        assert.lengthOf(tried, 1)
      })
    )
  }

  it.effect("tells when to come back", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 minute")
      const error = yield* Effect.flip(Retry.retry(flaky(failing(503, Duration.minutes(6))).effect, policy))
      assert.strictEqual(error.retryAt && DateTime.toEpochMillis(error.retryAt), 420_000)
    })
  )

  it.effect("is left to the outer policy within another one's call: attempts do not multiply", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(bad)
      const error = yield* exhausted(effect.pipe(Retry.retry(policy), Retry.retry(policy)))
      assert.strictEqual(error.because, "retries")
      assert.lengthOf(tried, 4)
    })
  )
})

describe("time", () => {
  it.effect("asked for by Retry-After is never cut short", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(failing(503, seconds(5)), 2)
      yield* settled(Retry.retry(effect, policy))
      assert.deepStrictEqual(tried, [0, 6000, 12_000])
    })
  )

  it.effect("of an attempt is bounded, and a timeout is tried again", () =>
    Effect.gen(function* () {
      const error = yield* exhausted(Retry.retry(Effect.never, policyOf({ attemptTimeout: seconds(2), retries: 1 })))
      assert.strictEqual(error.failure._tag, "TimeoutError")
      assert.deepStrictEqual(
        error.attempts.map(({ duration }) => Duration.toSeconds(duration)),
        [2, 2]
      )
    })
  )

  it.effect("of the whole call is bounded, waits included", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(bad)
      const error = yield* exhausted(Retry.retry(effect, policyOf({ deadline: seconds(5), retries: 10 })))
      assert.strictEqual(error.because, "deadline")
      assert.deepStrictEqual(tried, [0, 1000, 3000])
    })
  )

  it.effect("of an attempt that outlasts the deadline is cut by it", () =>
    Effect.gen(function* () {
      const error = yield* exhausted(Retry.retry(Effect.never, policyOf({ deadline: seconds(3) })))
      assert.strictEqual(error.because, "deadline")
      assert.strictEqual(yield* Clock.currentTimeMillis, 3000)
    })
  )

  const small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
  it.effect.prop(
    "and attempts stay within the policy, and the same seed gives the same timeline",
    { deadline: small, retries: small, seed: Schema.String },
    ({ deadline, retries, seed }) =>
      Effect.gen(function* () {
        const jittered = RetryPolicy.make({ retries, deadline: seconds(deadline + 1) })
        const once = Effect.gen(function* () {
          const begun = yield* Clock.currentTimeMillis
          const { effect, tried } = flaky(bad)
          yield* settled(Retry.retry(effect, jittered).pipe(Random.withSeed(seed)))
          return tried.map((at) => Math.round(at - begun))
        })
        const tried = yield* once
        assert.isAtMost(tried.length, retries + 1)
        assert.isBelow(Math.max(...tried), (deadline + 1) * 1000)
        assert.deepStrictEqual(yield* once, tried)
      })
  )
})

describe("what is not a typed failure", () => {
  it.effect("is not tried again: a defect", () =>
    Effect.gen(function* () {
      let tried = 0
      const exit = yield* Effect.exit(
        Retry.retry(
          Effect.suspend(() => Effect.die(++tried)),
          policy
        )
      )
      assert.deepStrictEqual(exit, Exit.die(1))
    })
  )

  it.effect("is not tried again: an interruption, which cuts a wait short", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky(bad)
      const fiber = yield* Effect.forkChild(Retry.retry(effect, policy))
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause))
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(tried, 1)
    })
  )
})

describe("a verdict", () => {
  it.effect("may be given by the caller", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky("busy", 2)
      yield* settled(Retry.retry(effect, policy, { verdict: () => Verdict.transient("steady") }))
      assert.lengthOf(tried, 3)
    })
  )

  it.effect("on a failure that says nothing of itself allows one retry", () =>
    Effect.gen(function* () {
      const { effect, tried } = flaky("no idea")
      yield* exhausted(Retry.retry(effect, policy))
      assert.lengthOf(tried, 2)
    })
  )
})

describe("observers", () => {
  const heard = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
    const events: Array<Observer.Event & { readonly at?: number }> = []
    const clock = yield* Clock.Clock
    const observer = Observer.layer({
      event: (event) => events.push({ ...event, at: clock.currentTimeMillisUnsafe() })
    })
    yield* settled(Effect.provide(effect, observer))
    return events.map((event) => `${event.at} ${event._tag} ${event.name} ${"attempt" in event ? event.attempt : ""}`)
  })

  it.effect("are told before each wait, and of a recovery", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* heard(Retry.retry(flaky(bad, 2).effect, policy, { name: "page" })), [
        "0 AttemptFailed page 1",
        "0 RetryScheduled page 1",
        "1000 AttemptFailed page 2",
        "1000 RetryScheduled page 2",
        "3000 Recovered page 3"
      ])
    })
  )

  it.effect("are told of giving up, and nothing of a success", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* heard(Retry.retry(flaky(failing(404)).effect, policy)), [
        "0 AttemptFailed call 1",
        "0 GaveUp call 1"
      ])
      assert.isEmpty(yield* heard(Retry.retry(Effect.succeed(1), policy)))
    })
  )

  it.effect("that throw change nothing", () =>
    Effect.gen(function* () {
      const rude = Observer.layer({
        event: () => {
          throw new Error("rude")
        }
      })
      const exit = yield* settled(Effect.provide(Retry.retry(flaky(bad, 1).effect, policy), rude))
      assert.deepStrictEqual(exit, Exit.succeed("done"))
    })
  )
})

describe("a fallback", () => {
  const policy = policyOf({ retries: 1 })
  const failed = Retry.retry(Effect.fail(bad), policy, { name: "page" })

  it.effect("is the last step: it knows why the call was given up, and its success is the call's", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.layer({ event: (event) => told.push(event._tag) })
      const cached: Effect.Effect<string> = failed.pipe(
        Retry.fallback(({ because, failure }) => Effect.succeed(`${because} ${failure.message}`))
      )
      const exit = yield* settled(Effect.provide(cached, observer))
      assert.deepStrictEqual(exit, Exit.succeed(`retries ${bad.message}`))
      assert.deepStrictEqual(told.slice(-2), ["GaveUp", "FellBack"])
    })
  )

  it.effect("is for the reasons that it is given, and leaves others and other failures alone", () =>
    Effect.gen(function* () {
      const onBudget = failed.pipe(Retry.fallback(() => Effect.succeed("cached"), "budget", "breaker"))
      assert.strictEqual((yield* exhausted(onBudget)).because, "retries")
      const other: Effect.Effect<string, "other"> = Effect.fail("other" as const).pipe(
        Retry.fallback(() => Effect.succeed("cached"))
      )
      assert.strictEqual(yield* Effect.flip(other), "other")
    })
  )

  it.effect("fails with its own failure, and not in silence", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.layer({ event: (event) => told.push(event._tag) })
      const empty = failed.pipe(Retry.fallback(() => Effect.fail("empty cache")))
      const exit = yield* settled(Effect.provide(empty, observer))
      assert.deepStrictEqual(exit, Exit.fail("empty cache"))
      assert.strictEqual(told.at(-1), "GaveUp")
    })
  )
})
