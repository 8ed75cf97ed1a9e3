import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as Redrive from "@redrive/retry/Redrive"
import * as Retry from "@redrive/retry/Retry"
import * as CallState from "@redrive/retry/CallState"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { vi } from "vitest"
import { bad, exhausted, policyOf } from "./call.ts"

const seconds = Duration.seconds
const hour = 3_600_000
const fork = { startImmediately: true }

/** The test's clock, whose wall-clock time can be set without any time passing. */
const settable = Effect.map(Clock.clockWith(Effect.succeed), (clock) => {
  let offset = 0
  const wall: Clock.Clock = Object.assign(Object.create(clock), {
    currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + offset,
    currentTimeMillis: Effect.sync(() => clock.currentTimeMillisUnsafe() + offset)
  })
  return {
    set: (by: number) => void (offset += by),
    on: Effect.provideService(Clock.Clock, wall)
  }
})

for (const [name, by] of [
  ["back", -hour],
  ["forward", hour]
] as const) {
  describe(`a clock that is set ${name} by an hour`, () => {
    it.effect("does not move the deadline of a call, an attempt or a bulkhead's queue", () =>
      Effect.gen(function* () {
        const { on, set } = yield* settable
        const bulkhead = { concurrent: 1, queue: 2 }
        const runner = Retry.make(policyOf({ attemptTimeout: seconds(4), deadline: seconds(10), bulkhead }))
        const call = on(Effect.flip(runner.run(Effect.never)))
        const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(call, fork))
        yield* TestClock.adjust("3 seconds")
        set(by)
        yield* TestClock.adjust("6 seconds")
        // Two attempts of 4 s and a wait of 1 s; a third attempt would begin after the deadline.
        const first = yield* Fiber.join(fibers[0]!)
        assert.deepStrictEqual([first.attempts.length, first.because], [2, "deadline"])
        assert.strictEqual(Duration.toMillis(first.attempts[0]!.duration), 4000)
        assert.isUndefined(fibers[1]!.pollUnsafe())
        yield* TestClock.adjust("1 second")
        // The second call had a place for the last second, the third never had one.
        const others = yield* Effect.forEach(fibers.slice(1), Fiber.join)
        assert.deepStrictEqual(
          others.map(({ attempts, because }) => [attempts.length, because]),
          [
            [1, "deadline"],
            [0, "deadline"]
          ]
        )
      })
    )

    it.effect("neither keeps a breaker open nor closes it early", () =>
      Effect.gen(function* () {
        const { on, set } = yield* settable
        const openFor = { kind: "constant", base: seconds(5), cap: seconds(5), jitter: "none" } as const
        const trip = { _tag: "Consecutive", failures: 1 } as const
        const runner = Retry.make(RetryPolicy.make({ retries: 0, breaker: { trip, openFor, lease: seconds(3) } }))
        const run = <A, E>(call: Effect.Effect<A, E>) => on(Effect.exit(runner.run(call)))
        yield* run(Effect.fail(bad))
        set(by)
        yield* TestClock.adjust("4999 millis")
        assert.isTrue(Exit.isFailure(yield* run(Effect.void)))
        yield* TestClock.adjust("1 millis")
        // A probe that never reports blocks the breaker for its lease.
        yield* Effect.forkChild(run(Effect.never), fork)
        set(-by)
        yield* TestClock.adjust("2999 millis")
        assert.isTrue(Exit.isFailure(yield* run(Effect.void)))
        yield* TestClock.adjust("1 millis")
        assert.isTrue(Exit.isSuccess(yield* run(Effect.void)))
      })
    )

    it.effect("does not move a gate's probe, or the end of a wait there", () =>
      Effect.gen(function* () {
        const { on, set } = yield* settable
        const probe = { kind: "constant", base: seconds(10), cap: seconds(10), jitter: "none" } as const
        const runner = Retry.make(policyOf({ parking: { probe, maximum: seconds(25) } }))
        let asked = 0
        const unpaid = Effect.suspend(() => (asked++, Effect.fail({ verdict: Verdict.parked("pay") })))
        const fiber = yield* Effect.forkChild(on(Effect.flip(runner.run(unpaid))), fork)
        set(by)
        yield* TestClock.adjust("9 seconds")
        assert.strictEqual(asked, 1)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(asked, 2)
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual((yield* Fiber.join(fiber)).because, "parked_too_long")
        assert.strictEqual(asked, 3)
      })
    )

    it.effect("neither refills a budget nor keeps it spent for longer", () =>
      Effect.gen(function* () {
        const { on, set } = yield* settable
        const budget = { _tag: "Ratio", ratio: 1, window: seconds(10), floor: 0 } as const
        const runner = Retry.make(policyOf({ retries: 2, budget }))
        const call = on(Effect.flip(runner.run(Effect.fail(bad))))
        const first = yield* Effect.forkChild(call, fork)
        yield* TestClock.adjust("1 second")
        // One call deposits one retry, so the second must be refused, whatever the clock says.
        assert.strictEqual((yield* Fiber.join(first)).because, "budget")
        set(by)
        const second = yield* Effect.forkChild(call, fork)
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* Fiber.join(second)).attempts.length, 2)
      })
    )

    it.effect("does not move the deadline of a redrive or a schedule", () =>
      Effect.gen(function* () {
        const { on, set } = yield* settable
        const patient = policyOf({ retries: 9, deadline: seconds(10) })
        let tried = 0
        const each = () => Effect.suspend(() => (tried++, Effect.fail(bad)))
        const redriven = on(Redrive.run([{ item: "a", error: bad }], { policy: patient, each }))
        const scheduled = on(Effect.exit(Effect.retry(each(), RetryPolicy.schedule(patient))))
        for (const program of [redriven, scheduled]) {
          tried = 0
          const fiber = yield* Effect.forkChild(program, fork)
          yield* TestClock.adjust("2 seconds")
          set(by)
          yield* TestClock.adjust("20 seconds")
          yield* Fiber.join(fiber)
          // Waits of 1, 2 and 4 seconds fit; the next one, of 8 seconds, does not.
          assert.strictEqual(tried, program === redriven ? 3 : 4)
        }
      })
    )
  })
}

describe("the process's own clock", () => {
  it.live("may be set while a breaker is open and a call has a deadline", () =>
    Effect.gen(function* () {
      const real = Date.now
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.restoreAllMocks()))
      const set = (by: number) => vi.spyOn(Date, "now").mockImplementation(() => real() + by)
      const constant = (millis: number) =>
        ({ kind: "constant", base: Duration.millis(millis), cap: Duration.millis(millis), jitter: "none" }) as const
      const brief = constant(50)
      const trip = { _tag: "Consecutive", failures: 1 } as const
      for (const by of [-hour, hour]) {
        vi.restoreAllMocks()
        const runner = Retry.make(RetryPolicy.make({ retries: 0, breaker: { trip, openFor: constant(250) } }))
        yield* Effect.exit(runner.run(Effect.fail(bad)))
        set(by)
        // A busy machine asks again within the quarter of a second.
        assert.isTrue(Exit.isFailure(yield* Effect.exit(runner.run(Effect.void))))
        yield* Effect.sleep("300 millis")
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(runner.run(Effect.void))))
        vi.restoreAllMocks()
        const begun = performance.now()
        const failing = Effect.suspend(() => (set(by), Effect.fail(bad)))
        const limited = policyOf({ retries: 100, quick: brief, steady: brief, deadline: Duration.millis(200) })
        assert.strictEqual((yield* Effect.flip(Retry.retry(failing, limited))).because, "deadline")
        // All retries would take five seconds of waiting alone.
        assert.isBelow(performance.now() - begun, 4500)
      }
    })
  )
})

describe("a wait that a server asks for", () => {
  const year = Verdict.throttled(Duration.days(365))
  const endless = Verdict.throttled(Duration.infinity)

  it.effect("keeps a breaker open no longer than a call would wait", () =>
    Effect.gen(function* () {
      for (const verdict of [year, endless]) {
        const runner = Retry.make(
          RetryPolicy.make({ retries: 0, breaker: { trip: { _tag: "Consecutive", failures: 1 } } })
        )
        yield* Effect.exit(runner.run(Effect.fail({ verdict })))
        const refused = yield* Effect.flip(runner.run(Effect.void))
        assert.strictEqual(Duration.toMinutes(refused.retryAfter ?? Duration.zero), 5)
      }
    })
  )

  it.effect("may be infinite: the call is given up without a time to come back", () =>
    Effect.gen(function* () {
      const error = yield* exhausted(Retry.retry(Effect.fail({ verdict: endless }), policyOf()))
      assert.deepStrictEqual([error.because, error.retryAt], ["retry_after_too_long", undefined])
      const late = yield* exhausted(Retry.retry(Effect.fail({ verdict: year }), policyOf()))
      assert.strictEqual(Duration.toDays(late.retryAfter ?? Duration.zero), 365)
      const { failed } = yield* Redrive.run([{ item: "a", error: { verdict: endless } }], { each: () => Effect.void })
      assert.strictEqual(failed[0]?.because, "retry_after_too_long")
    })
  )

  it("of zero or less still backs off", () => {
    for (const asked of [Duration.zero, Duration.seconds(-5)]) {
      const waits = [1, 2, 3].map((attempt) => {
        const failed = { verdict: Verdict.throttled(asked), elapsed: 0, random: 1 }
        const next = CallState.next(policyOf(), { attempts: attempt - 1 }, failed)
        return next._tag === "Retry" ? Duration.toMillis(next.delay) : next._tag
      })
      assert.deepStrictEqual(waits, [1000, 2000, 4000])
    }
  })
})
