import { assert, describe, it } from "@effect/vitest"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "@redrive/retry/Backoff"
import * as CallState from "@redrive/retry/CallState"
import * as Preset from "@redrive/retry/Preset"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Arbitrary from "effect/Arbitrary"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const decode = Schema.decodeUnknownSync(RetryPolicy.RetryPolicy)
const encode = Schema.encodeSync(RetryPolicy.RetryPolicy)

const seconds = Duration.seconds
const fixed = { base: seconds(1), cap: seconds(8), jitter: "none" as const }
const policy = RetryPolicy.make({ retries: 3, deadline: seconds(60), quick: fixed, steady: fixed, slow: fixed })

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Any valid policy, in whole milliseconds. */
const anyPolicy = Arbitrary.map(
  Arbitrary.schema(
    Schema.Struct({
      retries: int(1, 10),
      attempt: Schema.UndefinedOr(int(1, 10_000)),
      more: Schema.UndefinedOr(int(1, 600_000)),
      longest: int(0, 600_000),
      base: int(0, 10_000),
      growth: int(0, 10_000),
      factor: int(1, 4),
      jitter: Backoff.Jitter
    })
  ),
  ({ attempt, base, factor, growth, jitter, longest, more, retries }) => {
    const backoff = { base: Duration.millis(base), cap: Duration.millis(base + growth), factor, jitter }
    return RetryPolicy.make({
      retries,
      maxRetryAfter: Duration.millis(longest),
      quick: backoff,
      steady: backoff,
      slow: backoff,
      ...(attempt === undefined ? {} : { attemptTimeout: Duration.millis(attempt) }),
      ...(more === undefined ? {} : { deadline: Duration.millis((attempt ?? 0) + more) })
    })
  }
)

describe("a policy", () => {
  it("has a default for everything", () => {
    const { attemptTimeout, deadline, maxRetryAfter, quick, retries, slow, steady } = RetryPolicy.make()
    assert.deepStrictEqual(
      { attemptTimeout, deadline, retries },
      { attemptTimeout: undefined, deadline: undefined, retries: 3 }
    )
    assert.deepStrictEqual(maxRetryAfter, Preset.maxRetryAfter)
    assert.deepStrictEqual({ quick, slow, steady }, { quick: Preset.quick, slow: Preset.slow, steady: Preset.steady })
    assert.deepStrictEqual(decode({}), RetryPolicy.make())
  })

  it("comes from JSON", () => {
    const json = {
      retries: 1,
      attemptTimeout: "5 seconds",
      deadline: "1 minute",
      quick: { base: "100 millis", cap: "1 second" }
    }
    const read = decode(JSON.parse(JSON.stringify(json)))
    assert.strictEqual(read.retries, 1)
    assert.deepStrictEqual(read.attemptTimeout, seconds(5))
    assert.deepStrictEqual(read.quick, {
      kind: "exponential",
      base: Duration.millis(100),
      cap: seconds(1),
      factor: 2,
      jitter: "full"
    })
  })

  const refused: ReadonlyArray<readonly [json: object, names: RegExp]> = [
    [{ retries: -1 }, /retries/],
    [{ retries: 1000 }, /^retries is 1000: more than 100 retries need a deadline$/],
    [{ retires: 5 }, /retires/],
    [{ quick: { base: "1 second", cap: "2 seconds", fctor: 3 } }, /quick[^]*fctor/],
    [{ deadline: "Infinity" }, /^deadline is "Infinity"; allowed: a finite duration above zero/],
    [{ deadline: "0 seconds" }, /^deadline is "0 seconds"; allowed: a finite duration above zero/],
    [{ attemptTimeout: "0 seconds" }, /attemptTimeout/],
    [{ retries: 1.5 }, /retries/],
    [{ retries: "3" }, /retries/],
    [{ deadline: "soon" }, /deadline/],
    [{ attemptTimeout: "-1 seconds" }, /attemptTimeout/],
    [{ quick: { base: "2 seconds", cap: "1 second" } }, /^quick.cap is "1 second": the cap is below the base$/],
    [{ steady: { base: "1 second", cap: "2 seconds", factor: 0.5 } }, /factor/],
    [{ slow: { base: "1 second", cap: "2 seconds", jitter: "some" } }, /jitter/],
    [
      { attemptTimeout: "2 seconds", deadline: "1 second" },
      /^deadline is "1 second": the deadline is shorter than one attempt$/
    ],
    [
      { retries: 2, overrides: { gone: { retries: 5 } } },
      /^overrides.gone.retries is 5: more than the retries of the policy$/
    ],
    [{ overrides: { gone: { retries: 1, giveUp: true } } }, /overrides[^]*gone/],
    [{ overrides: { gone: {} } }, /overrides[^]*gone/],
    [{ operation: "delete" }, /operation/],
    [{ budget: "generous" }, /budget/],
    [{ budget: { _tag: "Ratio", ratio: 0, window: "10 seconds", floor: 0 } }, /ratio/],
    [{ budget: { _tag: "Tokens", capacity: 5, cost: 14, throttledCost: 5, refill: 1 } }, /capacity/],
    [{ budget: { _tag: "Ratio", ratio: 0.1, window: "0 seconds", floor: 0 } }, /window/],
    [{ breaker: { trip: { _tag: "Consecutive", failures: 0 } } }, /failures/],
    [{ breaker: { trip: { _tag: "CountWindow", size: 10, rate: 0.5, minimum: 20 } } }, /minimum/],
    [{ breaker: { trip: { _tag: "TimeWindow", length: "0 seconds", rate: 0.5, minimum: 20 } } }, /length/],
    [{ breaker: { openFor: { base: "0 seconds", cap: "1 second" } } }, /openFor[^]*base/],
    [{ breaker: { lease: "0 seconds" } }, /lease/],
    [
      { attemptTimeout: "1 second", breaker: { slowerThan: "1 second" } },
      /^breaker.slowerThan is "1 second": no attempt may take so long$/
    ],
    [{ bulkhead: { concurrent: 0 } }, /concurrent/],
    [{ rateLimit: { limit: 1, window: "0 seconds" } }, /window/],
    [{ parking: { maximum: "-1 day" } }, /maximum/],
    [{ parking: { maximum: "1 second" } }, /^parking.maximum is "1 second": over before the first probe/],
    [{ parking: { probe: { base: "0 seconds", cap: "1 minute" } } }, /probe[^]*base/],
    [{ operation: "create", hedge: { after: "1 second" } }, /^hedge: a creation is never sent twice/],
    [
      { deadline: "1 second", hedge: { after: "1 second" } },
      /^hedge.after is "1 second": no attempt may take so long$/
    ],
    [{ hedge: { after: "0 seconds" } }, /hedge[^]*after/],
    [{ overrides: { not_found: { giveUp: false } } }, /giveUp/]
  ]
  for (const [json, names] of refused) {
    it.effect(`that is ${JSON.stringify(json)} is refused by name`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(RetryPolicy.fromJson(json))
        assert.match(error.message, names)
      })
    )
  }

  it.effect("is refused for all that is wrong with it, at once", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(RetryPolicy.fromJson({ retries: "3", retires: 3, budget: "generous" }))
      assert.deepStrictEqual(error.message.split("\n"), [
        "retires is unknown; the nearest is retries",
        'retries is "3"; allowed: an integer of 0 or more',
        'budget is "generous"; allowed: standard, aws2026, awsLegacy, grpc, finagle, sre, envoy, an object with _tag Ratio, Tokens, Throttle, Adaptive, Concurrent'
      ])
    })
  )

  it("from code is refused by name, where it is made", () => {
    const slow = { base: seconds(2), cap: seconds(1) }
    assert.throws(
      () => RetryPolicy.make({ quick: slow }),
      "RetryPolicy.make: quick.cap is 1s: the cap is below the base"
    )
    assert.throws(
      () => RetryPolicy.make({ deadline: Duration.infinity }),
      /^RetryPolicy.make: deadline is Infinity; allowed/
    )
    assert.throws(() => Backoff.make(slow), "Backoff.make: cap is 1s: the cap is below the base")
  })

  it.prop(
    "decides the same after a journey through JSON",
    { policy: anyPolicy, verdict: Verdict.Verdict },
    ({ policy, verdict }) => {
      const travelled = decode(JSON.parse(JSON.stringify(encode(policy))))
      for (const attempt of [1, 2, 5]) {
        const failed = { verdict, elapsed: seconds(1), random: 0.5 }
        const state = { attempts: attempt - 1 }
        assert.deepStrictEqual(CallState.next(travelled, state, failed), CallState.next(policy, state, failed))
      }
    }
  )
})

describe("a whole policy", () => {
  const json = {
    retries: 2,
    operation: "poll",
    attemptTimeout: "10 seconds",
    deadline: "2 minutes",
    overrides: { "host_returned_error/rate_limited": { retries: 1 }, not_found: { giveUp: true } },
    budget: "standard",
    breaker: { trip: { _tag: "TimeWindow", length: "30 seconds", rate: 0.5, minimum: 20 }, slowerThan: "5 seconds" },
    bulkhead: { concurrent: 10, queue: 100 },
    rateLimit: { limit: 100, window: "1 minute" },
    parking: {},
    hedge: { after: "2 seconds", share: 0.05 }
  }

  it("comes from JSON and goes back", () => {
    const policy = decode(json)
    assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(encode(policy)))), policy)
  })

  it("says what is active in it", () => {
    assert.deepStrictEqual(RetryPolicy.describe(decode(json)), [
      "poll: 1 attempt and 2 retries at most",
      "time: 10s for one attempt, 2m for all of them",
      "waits, but a Retry-After over 5m ends the call:",
      "  quick: 500ms exponential x2, cap 10s, jitter full",
      "  steady: 2s exponential x2, cap 1m, jitter full",
      "  slow: 1m exponential x2, cap 15m, jitter full",
      "  server: 2s exponential x2, cap 1m, jitter full",
      "  host_returned_error/rate_limited: 1 retry at most",
      "  not_found: give up",
      "within another policy's call: 1 attempt",
      "budget: standard",
      "breaker: TimeWindow, open for 5s constant, cap 5s 500ms, jitter 0.1",
      "bulkhead: 10 at once, 100 waiting",
      "rate limit: 100 in 1m, waiting 30s at most",
      "parking: for 1d at most",
      "hedge: after 2s, 5 % of the calls at most"
    ])
    assert.deepStrictEqual(RetryPolicy.describe(RetryPolicy.make({ retries: 0 })), [
      "read: 1 attempt and 0 retries at most",
      "time: no limit",
      "within another policy's call: 1 attempt",
      "budget: none",
      "breaker: none",
      "bulkhead: none",
      "rate limit: none",
      "parking: none",
      "hedge: none"
    ])
  })

  it.effect("comes from configuration, by the names of its fields", () =>
    Effect.gen(function* () {
      const env = {
        CRAWL_RETRIES: "5",
        CRAWL_DEADLINE: "90 seconds",
        CRAWL_QUICK_BASE: "1 second",
        CRAWL_QUICK_CAP: "4 seconds",
        CRAWL_ATTEMPT_TIMEOUT: "10 seconds"
      }
      const provider = ConfigProvider.constantCase(ConfigProvider.fromEnv({ env }))
      const policy = yield* Effect.provideService(RetryPolicy.config("CRAWL"), ConfigProvider.ConfigProvider, provider)
      assert.deepStrictEqual(
        policy,
        decode({
          retries: 5,
          deadline: "90 seconds",
          quick: { base: "1 second", cap: "4 seconds" },
          attemptTimeout: "10 seconds"
        })
      )
      const nothing = ConfigProvider.fromEnv({ env: {} })
      assert.deepStrictEqual(
        yield* Effect.provideService(RetryPolicy.config("CRAWL"), ConfigProvider.ConfigProvider, nothing),
        RetryPolicy.make()
      )
      const bad = ConfigProvider.fromEnv({ env: { CRAWL_retries: "many" } })
      const error = yield* Effect.flip(
        Effect.provideService(RetryPolicy.config("CRAWL"), ConfigProvider.ConfigProvider, bad)
      )
      assert.include(error.message, "retries")
    })
  )

  it("has a JSON Schema with its fields", () => {
    const { definitions, schema } = RetryPolicy.jsonSchema()
    const text = JSON.stringify({ definitions, schema })
    for (const field of Object.keys(json)) assert.include(text, `"${field}"`)
    assert.include(text, '"aws2026"')
    assert.include(JSON.stringify(schema.properties), "How many retries may follow the first attempt")
    assert.strictEqual(schema.additionalProperties, false)
  })
})

describe("a decision", () => {
  type Case = readonly [verdict: Verdict.Verdict, attempt: number, elapsed: number, says: string]
  const cases: ReadonlyArray<Case> = [
    [Verdict.permanent, 1, 0, "permanent"],
    [Verdict.parked("top up"), 1, 0, "parked"],
    [Verdict.transient("quick"), 1, 0, "1000"],
    [Verdict.transient("steady"), 2, 0, "2000"],
    [Verdict.transient("slow"), 3, 0, "4000"],
    [Verdict.transient("quick"), 4, 0, "retries"],
    [Verdict.transient("quick", 1), 1, 0, "1000"],
    [Verdict.transient("quick", 1), 2, 0, "retries"],
    [Verdict.transient("quick"), 1, 58.999, "1000"],
    [Verdict.transient("quick"), 1, 59, "deadline"],
    [Verdict.throttled(), 2, 0, "2000"],
    [Verdict.throttled(seconds(5)), 1, 0, "6000"],
    [Verdict.throttled(seconds(58)), 1, 2, "deadline"],
    [Verdict.throttled(Duration.minutes(6)), 1, 0, "retry_after_too_long"]
  ]
  for (const [verdict, attempt, elapsed, says] of cases) {
    it(`on ${JSON.stringify(verdict)} at attempt ${attempt} after ${elapsed} s is ${says}`, () => {
      const failed = { verdict, elapsed: seconds(elapsed), random: 0 }
      const next = CallState.next(policy, { attempts: attempt - 1 }, failed)
      assert(next._tag === "Retry" || next._tag === "GiveUp")
      assert.strictEqual(next._tag === "Retry" ? String(Duration.toMillis(next.delay)) : next.because, says)
    })
  }

  it("to give up tells after what wait trying would make sense", () => {
    const again = (verdict: Verdict.Verdict, attempt = 1) => {
      const next = CallState.next(policy, { attempts: attempt - 1 }, { verdict, elapsed: 0, random: 0 })
      return next._tag === "GiveUp" && next.again !== undefined ? Duration.toMillis(next.again) : undefined
    }
    assert.strictEqual(again(Verdict.throttled(Duration.minutes(6))), 360_000)
    assert.strictEqual(again(Verdict.throttled(seconds(5)), 4), 5000)
    assert.isUndefined(again(Verdict.permanent))
  })

  it.prop(
    "never waits less than Retry-After, nor past the deadline",
    { policy: anyPolicy, asked: int(0, 600_000) },
    ({ asked, policy }) => {
      const verdict = Verdict.throttled(Duration.millis(asked))
      for (const random of [0, 0.5, 0.999]) {
        const next = CallState.next(policy, CallState.start, { verdict, elapsed: 0, random })
        if (next._tag !== "Retry") continue
        assert.isAtLeast(Duration.toMillis(next.delay), asked)
        if (policy.deadline !== undefined) assert.isTrue(Duration.isLessThan(next.delay, policy.deadline))
      }
    }
  )
})

describe("durations of a policy", () => {
  it("may be written in any of Effect's forms, at any depth", () => {
    const written = RetryPolicy.make({
      deadline: "1 minute",
      attemptTimeout: 5000,
      maxRetryAfter: { seconds: 30 },
      quick: { base: "100 millis", cap: "1 second" },
      overrides: { busy: { backoff: { base: "2 seconds", cap: "1 minute" } } },
      breaker: { trip: { _tag: "TimeWindow", length: "10 seconds", rate: 0.5, minimum: 5 }, lease: "1 minute" }
    })
    const made = RetryPolicy.make({
      deadline: Duration.minutes(1),
      attemptTimeout: Duration.seconds(5),
      maxRetryAfter: Duration.seconds(30),
      quick: { base: Duration.millis(100), cap: Duration.seconds(1) },
      overrides: { busy: { backoff: { base: Duration.seconds(2), cap: Duration.minutes(1) } } },
      breaker: {
        trip: { _tag: "TimeWindow", length: Duration.seconds(10), rate: 0.5, minimum: 5 },
        lease: Duration.minutes(1)
      }
    })
    assert.deepStrictEqual(RetryPolicy.describe(written), RetryPolicy.describe(made))
  })
})
