import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Backoff from "@redrive/retry/Backoff"

const decode = Schema.decodeUnknownSync(Backoff.Backoff)

const make = (options: Partial<Backoff.Backoff> = {}): Backoff.Backoff =>
  Backoff.Backoff.make({ base: Duration.millis(100), cap: Duration.seconds(1), jitter: "none", ...options })

const millis = (self: Backoff.Backoff, attempt: number, random = 0): number =>
  Duration.toMillis(Backoff.delay(self, attempt, random))

const delays = (self: Backoff.Backoff, random = 0): ReadonlyArray<number> =>
  [1, 2, 3, 4, 5, 6].map((attempt) => millis(self, attempt, random))

/** A random number in [0, 1), as `Random.next` gives it. */
const random = Arbitrary.map(
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999 }))),
  (n) => n / 1_000_000
)

const attempt = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 }))

const upTo = (maximum: number) => Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum }))

/** Any backoff: its base up to a day, its cap up to a year more. */
const anyBackoff = Arbitrary.map(
  Arbitrary.schema(
    Schema.Struct({
      kind: Backoff.Kind,
      jitter: Backoff.Jitter,
      base: upTo(86_400_000),
      growth: upTo(31_536_000_000),
      factor: upTo(1000)
    })
  ),
  ({ base, factor, growth, ...rest }) =>
    Backoff.make({ ...rest, base: Duration.millis(base), cap: Duration.millis(base + growth), factor: 1 + factor })
)

describe("delay", () => {
  it("doubles up to the cap", () => {
    assert.deepStrictEqual(delays(make()), [100, 200, 400, 800, 1000, 1000])
  })

  it("grows by the factor", () => {
    assert.deepStrictEqual(delays(make({ factor: 3, cap: Duration.minutes(1) })), [100, 300, 900, 2700, 8100, 24_300])
  })

  it("stays the same with a factor of 1, or with a cap that is the base", () => {
    assert.deepStrictEqual(delays(make({ factor: 1 })), [100, 100, 100, 100, 100, 100])
    assert.deepStrictEqual(delays(make({ cap: Duration.millis(100) })), [100, 100, 100, 100, 100, 100])
  })

  it("leaves nothing to chance without jitter", () => {
    assert.deepStrictEqual(delays(make(), 0.999), delays(make(), 0))
  })

  it("takes anything from zero up to the delay with full jitter", () => {
    const full = make({ jitter: "full" })
    assert.deepStrictEqual(delays(full, 0), [0, 0, 0, 0, 0, 0])
    assert.deepStrictEqual(delays(full, 0.25), [25, 50, 100, 200, 250, 250])
  })

  it("takes the upper half of the delay with equal jitter", () => {
    const equal = make({ jitter: "equal" })
    assert.deepStrictEqual(delays(equal, 0), [50, 100, 200, 400, 500, 500])
    assert.deepStrictEqual(delays(equal, 0.5), [75, 150, 300, 600, 750, 750])
  })

  it("may be more or less by a share of it, and is capped afterwards", () => {
    const quarter = make({ jitter: 0.25 })
    assert.deepStrictEqual(delays(quarter, 0).slice(0, 3), [75, 150, 300])
    assert.deepStrictEqual(delays(quarter, 1), [125, 250, 500, 1000, 1000, 1000])
  })

  it("is constant, linear, or grows like Fibonacci's rabbits", () => {
    const cap = Duration.minutes(1)
    assert.deepStrictEqual(delays(make({ kind: "constant", cap })), [100, 100, 100, 100, 100, 100])
    assert.deepStrictEqual(delays(make({ kind: "linear", cap })), [100, 200, 300, 400, 500, 600])
    assert.deepStrictEqual(delays(make({ kind: "fibonacci", cap })), [100, 100, 200, 300, 500, 800])
  })

  it("lies between the base and three times the delay before, if it is decorrelated", () => {
    const decorrelated = make({ kind: "decorrelated", cap: Duration.minutes(1) })
    const after = (previous: number, random: number) =>
      Duration.toMillis(Backoff.delay(decorrelated, 2, random, { previous, total: previous }))
    assert.deepStrictEqual(
      [after(0, 0), after(0, 1), after(400, 0), after(400, 0.5), after(400, 1)],
      [100, 300, 100, 650, 1200]
    )
  })

  it("does not overflow, however many attempts there were", () => {
    for (const attempt of [100, 1025, 1_000_000, Number.MAX_SAFE_INTEGER])
      assert.strictEqual(millis(make(), attempt), 1000)
    assert.strictEqual(millis(make({ base: Duration.zero }), 1_000_000), 0)
  })

  it.prop(
    "is never below zero and never above the cap",
    { backoff: anyBackoff, attempt, random },
    ({ attempt, backoff, random }) => {
      const delay = millis(backoff, attempt, random)
      assert.isAtLeast(delay, 0)
      assert.isAtMost(delay, Duration.toMillis(backoff.cap))
    },
    { arbitrary: { runs: 300, seed: "backoff" } }
  )

  it.prop(
    "never shrinks from one attempt to the next, chance being the same",
    { backoff: anyBackoff, attempt, random },
    ({ attempt, backoff, random }) => {
      assert.isAtMost(millis(backoff, attempt, random), millis(backoff, attempt + 1, random))
    },
    { arbitrary: { runs: 300, seed: "backoff" } }
  )
})

/** Chance that is known. */
const chance = [0.1, 0.7, 0.3, 0.9, 0.5]
const dice = () => {
  let thrown = 0
  return { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => chance[thrown++ % chance.length] ?? 0 }
}

describe("schedule", () => {
  it.effect("has the same delays, by a seed", () =>
    Effect.gen(function* () {
      for (const kind of ["exponential", "decorrelated", "smooth", "fibonacci"] as const) {
        const backoff = make({ kind, jitter: "full", cap: Duration.minutes(1) })
        const step = yield* Schedule.toStep(Backoff.schedule(backoff))
        const random = dice()
        const given: Array<number> = []
        for (let n = 0; n < 5; n++) {
          const [, delay] = yield* Effect.provideService(step(0, undefined), Random.Random, random)
          given.push(Duration.toMillis(delay))
        }
        assert.isTrue(given.every((delay) => delay >= 0 && delay <= 60_000))
        let waited = { previous: 0, total: 0 }
        const pure: Array<number> = []
        for (let attempt = 1; attempt <= 5; attempt++) {
          const previous = Duration.toMillis(Backoff.delay(backoff, attempt, chance[attempt - 1] ?? 0, waited))
          waited = { previous, total: waited.total + previous }
          pure.push(previous)
        }
        for (const [n, delay] of given.entries()) assert.approximately(delay, pure[n] ?? 0, 1e-5, kind)
      }
    })
  )

  it.effect("drives Effect.retry", () =>
    Effect.gen(function* () {
      let calls = 0
      const failing = Effect.suspend(() => Effect.fail(++calls))
      const backoff = make({ kind: "linear", cap: Duration.minutes(1) })
      const fiber = yield* Effect.forkChild(Effect.exit(Effect.retry(failing, Backoff.schedule(backoff))))
      yield* TestClock.adjust("99 millis")
      assert.strictEqual(calls, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(calls, 2)
      yield* TestClock.adjust("500 millis")
      assert.strictEqual(calls, 4)
      yield* Fiber.interrupt(fiber)
    })
  )
})

describe("Backoff", () => {
  it("is read from JSON, with a factor of 2 and full jitter where they are left out", () => {
    const backoff = decode({ base: "500 millis", cap: "10 seconds" })
    assert.strictEqual(Duration.toMillis(backoff.base), 500)
    assert.strictEqual(Duration.toMillis(backoff.cap), 10_000)
    assert.strictEqual(backoff.factor, 2)
    assert.strictEqual(backoff.jitter, "full")
  })

  it("has the same defaults when it is made in code", () => {
    const made = Backoff.Backoff.make({ base: Duration.millis(500), cap: Duration.seconds(10) })
    assert.deepStrictEqual(made, decode({ base: "500 millis", cap: "10 seconds" }))
  })

  it("goes to JSON and back with its defaults spelled out", () => {
    const json = Schema.encodeSync(Backoff.Backoff)(decode({ base: "500 millis", cap: "10 seconds" }))
    assert.deepStrictEqual(json, {
      kind: "exponential",
      base: "500 millis",
      cap: "10000 millis",
      factor: 2,
      jitter: "full"
    })
    assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(json))), decode({ base: "500 millis", cap: "10 seconds" }))
  })

  const refused: ReadonlyArray<readonly [why: string, json: unknown, message: string]> = [
    ["a cap below the base", { base: "2 seconds", cap: "1 second" }, "the cap is below the base"],
    ["a base below zero", { base: "-1 second", cap: "1 second" }, 'at ["base"]'],
    ["a factor below 1", { base: "1 second", cap: "1 minute", factor: 0.5 }, 'at ["factor"]'],
    ["a factor that is no finite number", { base: "1 second", cap: "1 minute", factor: Infinity }, 'at ["factor"]'],
    ["a jitter that does not exist", { base: "1 second", cap: "1 minute", jitter: "some" }, 'at ["jitter"]'],
    ["a duration that is none", { base: "soon", cap: "1 minute" }, 'at ["base"]'],
    ["a missing cap", { base: "1 second" }, 'at ["cap"]']
  ]
  for (const [why, json, message] of refused) {
    it(`refuses ${why}`, () => {
      assert.throws(() => decode(json), message)
    })
  }
})
