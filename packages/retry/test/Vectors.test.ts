import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import * as Backoff from "@redrive/retry/Backoff"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as CallState from "@redrive/retry/CallState"
import * as Budget from "@redrive/retry/Budget"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { refusal } from "../src/internal/state/budget.ts"

// Published numbers of others' test suites and documents: where our rules claim to be theirs, they give theirs.

const vectors = JSON.parse(readFileSync(new URL("fixtures/vectors.json", import.meta.url), "utf8"))

const backoff = (options: Partial<Backoff.Backoff>) =>
  Backoff.make({ base: Duration.seconds(1), cap: Duration.hours(1), jitter: "none", ...options })

const millis = (self: Backoff.Backoff, attempt: number, random: number) =>
  Duration.toMillis(Backoff.delay(self, attempt, random))

describe("AWS's standard retries of 2026", () => {
  const { cap_ms, dynamodb, throttling_base_ms, base_ms } = vectors.aws_standard_2026.constants
  const full = (base: number) => backoff({ base: Duration.millis(base), cap: Duration.millis(cap_ms), jitter: "full" })

  type Step = readonly [
    status: number | "throttle",
    result: "retry" | "success" | "quota" | "max_attempts",
    ...Array<number>
  ]

  /** The steps of each call: all up to the one that does not say "retry". */
  const callsOf = (steps: ReadonlyArray<Step>): ReadonlyArray<ReadonlyArray<Step>> =>
    steps.flatMap((step, at) => {
      if (step[1] === "retry") return []
      const before = steps.slice(0, at).findLastIndex(([, result]) => result !== "retry")
      return [steps.slice(before + 1, at + 1)]
    })

  /** Runs a call that is answered as its steps say, and gives them back as they came out. */
  const outcome = (runner: Retry.Runner, steps: ReadonlyArray<Step>) =>
    Effect.gen(function* () {
      const seen: Array<Step> = []
      let asked = 0
      const left = () => runner.budget?.available(0) ?? NaN
      const observer = Observer.layer({
        event: (event) => {
          if (event._tag !== "RetryScheduled") return
          seen.push([steps[seen.length]![0], "retry", left(), Duration.toMillis(event.delay)])
        }
      })
      const call = Effect.suspend(() => {
        const status = steps[asked++]?.[0]
        if (status === 200) return Effect.void
        return Effect.fail({ verdict: status === "throttle" ? Verdict.throttled() : Verdict.transient("quick") })
      })
      // The suite's chance is always 1: the longest delay.
      const unlucky = { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 1 }
      const program = runner.run(call).pipe(Effect.provideService(Random.Random, unlucky), Effect.provide(observer))
      const fiber = yield* Effect.forkChild(Effect.result(program), { startImmediately: true })
      yield* TestClock.adjust("1 hour")
      const result = yield* Fiber.join(fiber)
      const because = Result.isSuccess(result)
        ? "success"
        : result.failure.because === "budget"
          ? "quota"
          : "max_attempts"
      return [...seen, [steps[seen.length]![0], because, left()] as const]
    })

  for (const { maxAttempts = 3, name, steps, tokens = 500 } of vectors.aws_standard_2026.cases) {
    it.effect(`${name}`, () =>
      Effect.gen(function* () {
        const pace = { base: Duration.millis(base_ms), cap: Duration.millis(cap_ms) }
        const server = { base: Duration.millis(throttling_base_ms), cap: Duration.millis(cap_ms) }
        const policy = RetryPolicy.make({ retries: maxAttempts - 1, quick: pace, server, budget: "aws2026" })
        const runner = Retry.make(policy)
        if (runner.budget !== undefined) spend(runner.budget, tokens)
        for (const call of callsOf(steps)) assert.deepStrictEqual(yield* outcome(runner, call), call)
      })
    )
  }

  it("a Retry-After is a floor, and one that makes no sense is none", () => {
    const pace = { base: Duration.millis(base_ms), cap: Duration.millis(cap_ms) }
    const policy = RetryPolicy.make({ quick: pace, server: pace })
    for (const [text, delay] of vectors.aws_standard_2026.retryAfter) {
      const asked = Number(text) >= 0 ? Duration.millis(Number(text)) : undefined
      const failed = { verdict: Verdict.throttled(asked), elapsed: 0, random: 1 }
      const next = CallState.next(policy, CallState.start, failed)
      const waited = next._tag === "Retry" ? Duration.toMillis(next.delay) : next._tag
      // Theirs comes back after five seconds, whatever was asked; ours never comes back before it may.
      assert.strictEqual(waited, text === "10000" || text === "1500" ? Number(text) + base_ms : delay)
    }
  })

  it("DynamoDB begins at its own base", () => assert.strictEqual(millis(full(dynamodb.base_ms), 1, 1), 25))

  it("the cap is the longest delay", () => {
    const capped = backoff({ base: Duration.millis(50), cap: Duration.millis(200), jitter: "full" })
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((attempt) => millis(capped, attempt, 1)),
      vectors.aws_standard_2026.maxBackoff200ms_delays
    )
  })
})

describe("AWS's standard retries before that", () => {
  const { transient8, throttling8, constants } = vectors.aws_standard_legacy_js
  const rows = [
    ["transient", transient8, constants.base_ms, false],
    ["throttling", throttling8, constants.throttling_base_ms, true]
  ] as const
  for (const [name, table, base, isThrottled] of rows) {
    it(`${name} failures`, () => {
      const budget = Budget.make("awsLegacy")
      const series = backoff({ base: Duration.millis(base), cap: Duration.millis(constants.cap_ms), jitter: "full" })
      for (const [attempt, cost, delay] of table) {
        const before = budget.available(0)
        assert.isTrue(budget.retry(0, isThrottled, 0))
        assert.strictEqual(before - budget.available(0), cost)
        assert.strictEqual(millis(series, attempt, 1), delay)
      }
    })
  }
})

/** Leaves so many tokens in a bucket of five hundred, by retries of either cost. */
function spend(budget: Budget.State, tokens: number): void {
  let left = 500 - tokens
  // Fourteens and fives make what the cases need.
  for (let fives = 0; left > 0 && fives < 14; fives++) {
    const rest = left - fives * 5
    if (rest < 0 || rest % 14 !== 0) continue
    for (let n = 0; n < fives; n++) assert.isTrue(budget.retry(0, true, 0))
    for (let n = 0; n < rest / 14; n++) assert.isTrue(budget.retry(0, false, 0))
    left = 0
  }
  assert.strictEqual(budget.available(0), tokens)
}

describe("gRPC's throttling", () => {
  it("of its documentation: five failures in a row end retries, at 10 tokens and a ratio of 0.1", () => {
    const budget = Budget.make("grpc")
    for (let failures = 1; failures <= 4; failures++) {
      budget.failed(0)
      assert.isTrue(budget.retry(0, false, 0), `${failures}`)
    }
    budget.failed(0)
    assert.isFalse(budget.retry(0, false, 0))
    budget.end(0, "success")
    assert.isTrue(budget.retry(0, false, 0))
  })

  it("of its test: at most 4 tokens and a ratio of 1.6", () => {
    const budget = Budget.make({ _tag: "Throttle", capacity: 4, ratio: 1.6 })
    const fail = () => {
      budget.failed(0)
      return budget.retry(0, false, 0)
    }
    const succeed = () => budget.end(0, "success")
    // 4, 3; 2 is not more than half; 1, 0, 0 stays 0.
    assert.deepStrictEqual([fail(), fail(), fail(), fail(), fail()], [true, false, false, false, false])
    succeed() // 1.6
    succeed() // 3.2
    assert.deepStrictEqual([fail(), fail()], [true, false]) // 2.2, 1.2
    for (let n = 0; n < 3; n++) succeed() // 2.8, 4, and 4 stays 4
    assert.deepStrictEqual([fail(), fail()], [true, false])
  })
})

describe("Finagle's budget", () => {
  for (const percent of [0.01, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.33, 2, 5]) {
    it(`allows ${percent} retries a call, give or take one in ten thousand calls`, () => {
      const budget = Budget.make({ _tag: "Ratio", ratio: percent, window: Duration.seconds(10), floor: 0 })
      let retries = 0
      for (let call = 0; call < 10_000; call++) {
        budget.begin(0)
        while (budget.retry(0, false, 0)) retries++
      }
      assert.approximately(
        retries,
        10_000 * percent,
        1 + 10_000 * Math.abs(percent - 1000 / Math.round(1000 / percent))
      )
    })
  }

  it("keeps a floor of retries a second, and forgets calls after its window", () => {
    const floor = Budget.make({ _tag: "Ratio", ratio: 0.2, window: Duration.seconds(10), floor: 10 })
    let retries = 0
    while (floor.retry(0, false, 0)) retries++
    assert.strictEqual(retries, 100)
    const budget = Budget.make({ _tag: "Ratio", ratio: 0.2, window: Duration.seconds(10), floor: 0 })
    for (let call = 0; call < 5; call++) budget.begin(0)
    assert.strictEqual(budget.available(9999), 1)
    assert.strictEqual(budget.available(10_000), 0)
    assert.isFalse(budget.retry(10_000, false, 0))
  })
})

describe("the site reliability engineering book's throttling", () => {
  for (const [calls, successes, rate, ceiling, expected] of vectors.sre_throttle.cases) {
    it(`${calls} calls, ${successes} of them good: ${expected}`, () => {
      assert.approximately(refusal(calls, successes, 1 / rate, ceiling), expected, 1e-5)
    })
  }
})

describe("Envoy's budget", () => {
  for (const [active, allowed] of vectors.envoy_budget.cases) {
    it(`${active} calls in flight allow ${allowed} retries`, () => {
      const budget = Budget.make("envoy")
      for (let call = 0; call < active; call++) budget.begin(0)
      let retries = 0
      while (budget.retry(0, false, 0)) retries++
      assert.strictEqual(retries, allowed)
      budget.end(0, "failure", { retries: 1, isThrottled: false })
      assert.strictEqual(budget.available(0), Math.max(Math.floor(0.2 * (active - 1)), 3) - (allowed - 1))
    })
  }
})

describe("Polly's delays", () => {
  const { constantJitter_1s, exponential_1s, linearJitter_attempt2_1s, v2_rand_half_base1s_DERIVED } =
    vectors.polly_backoff

  it("with a quarter of jitter", () => {
    const constant = backoff({ kind: "constant", jitter: 0.25 })
    const linear = backoff({ kind: "linear", jitter: 0.25 })
    for (const [random, delay] of constantJitter_1s) assert.approximately(millis(constant, 1, random), delay, 1e-9)
    // Polly counts attempts from 0.
    for (const [random, delay] of linearJitter_attempt2_1s) assert.approximately(millis(linear, 3, random), delay, 1e-9)
  })

  it("exponential", () => {
    assert.deepStrictEqual(
      [1, 2, 3].map((attempt) => millis(backoff({}), attempt, 0)),
      exponential_1s
    )
  })

  it("of the second generation, chance being in the middle", () => {
    const smooth = backoff({ kind: "smooth" })
    let total = 0
    for (const [index, seconds] of v2_rand_half_base1s_DERIVED.entries()) {
      const delay = Duration.toMillis(Backoff.delay(smooth, index + 1, 0.5, { previous: 0, total }))
      assert.approximately(delay / 1000, seconds, 1e-6)
      assert.approximately(millis(smooth, index + 1, 0.5) / 1000, seconds, 1e-6)
      total += delay
    }
  })

  it("stay within their bounds, however many attempts there were", () => {
    const smooth = Backoff.make({ kind: "smooth", base: Duration.seconds(1), cap: Duration.days(30) })
    for (const attempt of [1, 2, 10, 100, 1023, 1024, 1025, 10_000]) {
      for (const random of [0, 0.5, 0.999]) {
        const delay = millis(smooth, attempt, random)
        assert.isAtLeast(delay, 0)
        assert.isAtMost(delay, Math.min(Duration.toMillis(smooth.cap), 1000 * 2 ** (attempt - 1) * 4))
      }
    }
  })
})

describe("the decorrelated jitter of AWS's architecture blog", () => {
  it("has the mean that its recursion has", () => {
    const series = Backoff.make({ kind: "decorrelated", base: Duration.millis(100), cap: Duration.hours(1) })
    const sums = [0, 0, 0, 0]
    const runs = 200_000
    let seed = 1
    const next = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
    for (let run = 0; run < runs; run++) {
      let waited = { previous: 0, total: 0 }
      for (const [index] of sums.entries()) {
        const previous = Duration.toMillis(Backoff.delay(series, index + 1, next(), waited))
        waited = { previous, total: waited.total + previous }
        sums[index] = sums[index]! + previous
      }
    }
    for (const [index, mean] of [200, 350, 575, 912.5].entries()) {
      assert.approximately(sums[index]! / runs, mean, mean * 0.01)
    }
  })
})
