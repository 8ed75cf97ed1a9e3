import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Redrive from "@redrive/retry/Redrive"
import * as Retry from "@redrive/retry/Retry"
import * as RetryExhausted from "@redrive/retry/RetryExhausted"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, failing, flaky, policyOf } from "./call.ts"
import { breaker, factsOf, refusedBy, timedOut, tripping } from "./refusals.ts"

const { seconds } = Duration
const now = { startImmediately: true }

describe("the report of a call that was given up", () => {
  it.effect("says which call, of which key, why, after how many attempts, and how long that took", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf(), "fetch-page")
      const error = yield* exhausted(runner.run(Effect.fail(bad), { key: "example.com" }))
      assert.deepStrictEqual(factsOf(error), {
        status: 502,
        call: "fetch-page",
        key: "example.com",
        because: "retries",
        attempts: 4,
        duration_ms: 7000
      })
      // What it failed with is a class of its own, whoever called.
      assert.strictEqual(Report.make(error).fingerprint, Report.make(bad).fingerprint)
      assert.isUndefined(Report.make(error).engine)
      const plain = new Error("no route")
      const wrapped = yield* exhausted(runner.run(Effect.fail(plain)))
      assert.strictEqual(Report.make(wrapped).fingerprint, Report.make(plain).fingerprint)
      assert.deepStrictEqual(factsOf(plain), {})
    })
  )

  it.effect("says when another try makes sense, and what a parked call waits for", () =>
    Effect.gen(function* () {
      const asked = { verdict: Verdict.throttled(Duration.hours(1)), message: "later" }
      const throttled = yield* exhausted(Retry.retry(Effect.fail(asked), policyOf(), { name: "page" }))
      assert.deepStrictEqual(factsOf(throttled), {
        call: "page",
        because: "retry_after_too_long",
        attempts: 1,
        duration_ms: 0,
        retryAt: "1970-01-01T01:00:00.000Z",
        retryAfter: "1h"
      })
      const broke = { verdict: Verdict.parked("top up"), message: "no credits" }
      const parking = { maximum: seconds(90), probe: { base: seconds(60), cap: seconds(60), jitter: "none" } } as const
      const waited = yield* exhausted(Retry.retry(Effect.fail(broke), policyOf({ parking }), { name: "page" }))
      assert.deepInclude(factsOf(waited), {
        because: "parked_too_long",
        until: "top up",
        attempts: 2,
        duration_ms: 90_000
      })
      const parked = yield* exhausted(Retry.retry(Effect.fail(broke), policyOf(), { name: "page" }))
      assert.deepInclude(factsOf(parked), { because: "parked", until: "top up", attempts: 1 })
    })
  )

  const busy = { verdict: Verdict.transient("quick"), message: "busy" }
  const permanent = { verdict: Verdict.permanent, message: "gone" }
  const reset = { verdict: Verdict.transient("quick"), code: "ECONNRESET", message: "reset" }

  const reasons: ReadonlyArray<
    readonly [because: string, failure: object, policy: RetryPolicy.RetryPolicy, attempts: number, options?: object]
  > = [
    ["permanent", permanent, policyOf(), 1],
    ["retries", busy, policyOf({ retries: 2 }), 3],
    ["budget", busy, policyOf({ budget: { _tag: "Ratio", ratio: 0.1, window: seconds(10), floor: 0 } }), 1],
    ["deadline", busy, policyOf({ deadline: seconds(2) }), 2],
    ["not_replayable", busy, policyOf(), 1, { isReplayable: false }],
    ["ambiguous", reset, policyOf({ operation: "create" }), 1],
    ["breaker", busy, policyOf({ breaker: { ...breaker, trip: { _tag: "Consecutive", failures: 2 } } }), 2]
  ]
  for (const [because, failure, policy, attempts, options] of reasons) {
    it.effect(`has the facts of its call, whatever the reason: ${because}`, () =>
      Effect.gen(function* () {
        const call = { ...options, name: "page", key: "a.example" }
        const error = yield* exhausted(Retry.retry(Effect.fail(failure), policy, call))
        assert.deepInclude(factsOf(error), { call: "page", key: "a.example", because, attempts })
        assert.strictEqual(Report.make(error).fingerprint, Report.make(failure).fingerprint)
      })
    )
  }

  it.effect("keeps the failure's own facts, and puts a call's facts of the same name beside them", () =>
    Effect.gen(function* () {
      class Mine extends Schema.TaggedError<Mine>("retry/test/Mine")("Mine", {
        key: Schema.String,
        attempts: Schema.Number
      }) {}
      const error = yield* exhausted(
        Retry.retry(Effect.fail(new Mine({ key: "mine", attempts: 9 })), policyOf({ retries: 0 }), { key: "theirs" })
      )
      assert.deepInclude(factsOf(error), { key: "mine", key_: "theirs", attempts: 9, attempts_: 1, call: "call" })
    })
  )

  it.effect("has no secret of a key", () =>
    Effect.gen(function* () {
      const key = "https://user:hunter2@example.com/a?token=s3cret"
      for (const error of [yield* timedOut("page", key), yield* refusedBy("page", key)]) {
        const report = Report.make(error)
        assert.notMatch(JSON.stringify(report), /hunter2|s3cret/)
        // Effect's own loggers show the errors themselves.
        assert.notMatch(`${error.message} ${error.failure.message}`, /hunter2|s3cret/)
        assert.deepInclude(report, { host: "example.com" })
        assert.strictEqual(report.attributes["key"], "https://example.com/a")
        assert.isBelow(JSON.stringify(Report.make(yield* timedOut("page", "k".repeat(100_000)))).length, 10_000)
      }
    })
  )

  it.effect("says how long a call took that only waited", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ retries: 0, bulkhead: { concurrent: 1, queue: 9 } }), "page")
      yield* Effect.forkChild(runner.run(Effect.sleep("10 seconds")), now)
      const failing = runner.run(Effect.delay(Effect.fail(bad), "2 seconds"))
      assert.deepInclude(factsOf(yield* exhausted(failing)), { attempts: 1, duration_ms: 12_000 })
      const own = Retry.make(policyOf({ deadline: seconds(7), bulkhead: { concurrent: 1, queue: 9 } }), "page")
      const held = yield* Effect.forkChild(
        Effect.ignore(own.run(Effect.uninterruptible(Effect.sleep("20 seconds")))),
        now
      )
      yield* TestClock.adjust("3 seconds")
      assert.deepInclude(factsOf(yield* exhausted(own.run(Effect.void))), {
        because: "bulkhead",
        because_: "deadline",
        duration_ms: 7000
      })
      yield* TestClock.adjust("20 seconds")
      yield* Fiber.join(held)
    })
  )
})

describe("calls within calls", () => {
  it.effect("are reported as the call that gave up, not as those that left it to the one around them", () =>
    Effect.gen(function* () {
      const inner = Retry.retry(flaky(bad).effect, policyOf(), { name: "inner", key: "a.example" })
      const error = yield* exhausted(Retry.retry(inner, policyOf(), { name: "outer" }))
      const report = Report.make(error)
      assert.deepInclude(report, {
        level: "item",
        code: "host_returned_error",
        fingerprint: Report.make(bad).fingerprint
      })
      assert.deepStrictEqual(report.attributes, {
        status: 502,
        call: "outer",
        because: "retries",
        attempts: 4,
        duration_ms: 7000
      })
      // The inner one by itself says what it did.
      assert.isTrue(RetryExhausted.isRetryExhausted(error.failure))
      assert.deepInclude(factsOf(error.failure), { call: "inner", key: "a.example", because: "nested", attempts: 1 })
    })
  )

  it.effect("are both told of, if both gave up", () =>
    Effect.gen(function* () {
      const { runner, trip } = tripping("search")
      yield* trip("a.example")
      runner.breaker("a.example")?.isolate()
      const call = runner.run(Effect.void, { key: "a.example" })
      const error = yield* exhausted(Retry.make(policyOf(), "orders").run(Retry.make(policyOf(), "middle").run(call)))
      const report = Report.make(error)
      assert.strictEqual(report.message, "search refused a call to a.example: its breaker is open")
      assert.strictEqual(report.fingerprint, Report.make(yield* Effect.flip(call)).fingerprint)
      assert.deepStrictEqual(report.attributes, {
        call: "search",
        key: "a.example",
        because: "breaker",
        attempts: 0,
        duration_ms: 0,
        outer_call: "orders",
        outer_because: "retries",
        outer_attempts: 4,
        outer_duration_ms: 7000
      })
      assert.strictEqual(report.severity, "Warn")
    })
  )

  it.effect("are told of within an error of the program's own, as its cause", () =>
    Effect.gen(function* () {
      const refused = yield* refusedBy("search", "a.example")
      class Unavailable extends Data.TaggedError("Unavailable")<{ readonly cause: unknown }> {}
      const report = Report.make(new Unavailable({ cause: refused }))
      assert.deepInclude(report.causes[0]?.fields, {
        call: "search",
        key: "a.example",
        because: "breaker",
        attempts: 0
      })
      assert.isUndefined(report.engine)
    })
  )

  it.effect("are one report, however often it is raised again, wrapped or taken out", () =>
    Effect.gen(function* () {
      const { runner, trip } = tripping("search")
      yield* trip()
      runner.breaker()?.isolate()
      const error = yield* exhausted(Retry.make(policyOf({ retries: 1 }), "orders").run(runner.run(Effect.void)))
      const told: Array<Report.Report> = []
      const observer = Observer.layer({ report: (report) => void told.push(report) })
      const inner = RetryExhausted.isRetryExhausted(error.failure) ? error.failure : assert.fail("not given up twice")
      const reports = Effect.forEach([error, inner, inner.failure, error], (failure) =>
        ErrorReporter.report(Cause.fail(failure))
      )
      yield* Effect.provide(reports, observer)
      assert.deepStrictEqual(told, [Report.make(error)])
    })
  )

  it.effect("of a fiber that they forked are reported as ever", () =>
    Effect.gen(function* () {
      const late = Effect.andThen(Effect.sleep("1 hour"), timedOut("worker", "a.example"))
      const fiber = yield* Retry.retry(Effect.forkDetach(late), policyOf(), { name: "starter" })
      yield* TestClock.adjust("2 hours")
      const facts = factsOf(yield* Fiber.join(fiber))
      assert.deepInclude(facts, { call: "worker", because: "retries" })
      assert.notProperty(facts, "outer_call")
    })
  )

  it.effect("of a redrive's item say what refused it", () =>
    Effect.gen(function* () {
      const { runner, trip } = tripping("page")
      yield* trip("a.example")
      runner.breaker("a.example")?.isolate()
      const fiber = yield* Effect.forkChild(
        Redrive.run([{ item: "/a", error: failing(503) }], {
          policy: policyOf({ retries: 1 }),
          each: () => runner.run(Effect.succeed("done"), { key: "a.example" })
        }),
        now
      )
      yield* TestClock.adjust("1 minute")
      const { failed } = yield* Fiber.join(fiber)
      assert.deepInclude(factsOf(failed[0]?.error), { call: "page", key: "a.example", because: "breaker", attempts: 0 })
    })
  )

  it.effect("with errors of the caller's own are reported as these, with the facts of the call", () =>
    Effect.gen(function* () {
      class Unavailable extends Data.TaggedError("Unavailable")<{ readonly why: string }> {}
      const runner = Retry.make(policyOf({ breaker: {} }), "search")
      runner.breaker()?.isolate()
      const errorOf = (added: Retry.Added) => new Unavailable({ why: added.message })
      const error = yield* exhausted(runner.run(Effect.void, { errorOf }))
      assert.strictEqual(error.failure.why, "search refused a call: its breaker is open")
      const report = Report.make(error)
      assert.deepInclude(report, { code: "Unavailable", engine: "refused", severity: "Error" })
      assert.strictEqual(report.fingerprint, Report.make(error.failure).fingerprint)
      assert.deepInclude(report.attributes, { call: "search", because: "breaker", attempts: 0 })
    })
  )

  it.effect("that a slow attempt was sent twice for are one timeout", () =>
    Effect.gen(function* () {
      const policy = policyOf({ retries: 0, attemptTimeout: seconds(5), hedge: { after: seconds(1), share: 1 } })
      const report = Report.make(yield* exhausted(Retry.retry(Effect.never, policy, { name: "page" })))
      assert.strictEqual(report.message, "page timed out after 5s")
      assert.deepInclude(report.attributes, { call: "page", attempts: 1, duration_ms: 5000 })
    })
  )
})
