import { assert, describe, it } from "@effect/vitest"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Distributed from "@redrive/retry/Distributed"
import * as HttpRetry from "@redrive/retry/HttpRetry"
import * as Retry from "@redrive/retry/Retry"
import * as RetryExhausted from "@redrive/retry/RetryExhausted"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, policyOf } from "./call.ts"
import { factsOf, refusedBy, timedOut } from "./refusals.ts"

const { seconds } = Duration
const now = { startImmediately: true }

describe("what the engine itself makes of a call", () => {
  it.effect("says which call it refused, for which key, and when that ends", () =>
    Effect.gen(function* () {
      const error = yield* refusedBy("fetch-page", "example.com")
      const report = Report.make(error)
      assert.strictEqual(
        report.message,
        "fetch-page refused a call to example.com: its breaker is open until 1970-01-01T00:00:05Z"
      )
      assert.deepInclude(report, { code: "Refused", host: "example.com", severity: "Warn", engine: "refused" })
      assert.deepStrictEqual(report.attributes, {
        call: "fetch-page",
        key: "example.com",
        because: "breaker",
        attempts: 0,
        duration_ms: 0,
        retryAt: "1970-01-01T00:00:05.000Z",
        retryAfter: "4s"
      })
      assert.strictEqual(error.message, `gave up before the first attempt (breaker): ${report.message}`)
      // A program that takes it out of the RetryExhausted still knows whose it is.
      const { attempts: _, duration_ms: __, retryAfter: ___, ...own } = report.attributes
      assert.deepStrictEqual(Report.make(error.failure), { ...report, attributes: own })
    })
  )

  it.effect("says who must act before a parked call can go on: that is an error", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ parking: { maximum: Duration.minutes(1) } }), "crawl")
      const first = yield* Effect.forkChild(
        Effect.ignore(runner.run(Effect.fail({ verdict: Verdict.parked("top up") }))),
        now
      )
      const error = yield* exhausted(runner.run(Effect.void))
      const report = Report.make(error)
      assert.strictEqual(report.message, "crawl refused a call: it is parked until somebody acts: top up")
      assert.deepInclude(report, { severity: "Error", engine: "refused" })
      assert.deepInclude(report.attributes, { because: "parked", because_: "parked_too_long", until: "top up" })
      yield* Fiber.interrupt(first)
    })
  )

  const full: RetryPolicy.RetryPolicy = policyOf({ bulkhead: { concurrent: 1 } })

  it.effect("says that it has no place, no turn and no time", () =>
    Effect.gen(function* () {
      const runner = Retry.make(full, "page")
      const busy = yield* Effect.forkChild(runner.run(Effect.never), now)
      const said = Report.make(yield* exhausted(runner.run(Effect.void)))
      assert.strictEqual(said.message, "page refused a call: its bulkhead is full")
      assert.deepInclude(said.attributes, { because: "bulkhead", attempts: 0, duration_ms: 0 })
      yield* Fiber.interrupt(busy)

      const limited = yield* Distributed.make(
        policyOf({ rateLimit: { limit: 1, window: seconds(60), maximumWait: seconds(1) } }),
        "search"
      ).pipe(Effect.provide(Distributed.layerMemory))
      yield* limited.run(Effect.void, { key: "a" })
      const turned = Report.make(yield* exhausted(limited.run(Effect.void, { key: "a" })))
      assert.match(
        turned.message,
        /^search refused a call to a: its rate limit is used up until 1970-01-01T00:01:0\dZ$/
      )
      assert.deepInclude(turned.attributes, { call: "search", key: "a", because: "rate_limit", attempts: 0 })

      const late = Retry.make(policyOf({ deadline: seconds(1) }), "late")
      const inner = late.run(Effect.void)
      const outer = Retry.make(policyOf({ deadline: seconds(3), nested: "retry" }), "outer")
      const slow = Effect.uninterruptible(Effect.andThen(Effect.sleep("5 seconds"), inner))
      const passed = Report.make(yield* exhausted(outer.run(slow)))
      assert.strictEqual(passed.message, "late refused a call: its deadline passed before the first attempt")
      assert.deepInclude(passed.attributes, { call: "late", because: "deadline", outer_call: "outer" })
    }).pipe(Effect.scoped)
  )

  it.effect("is a refusal by a shared breaker, too", () =>
    Effect.gen(function* () {
      const policy = policyOf({ retries: 0, breaker: { trip: { _tag: "Consecutive", failures: 1 } } })
      const runner = yield* Distributed.make(policy, "search")
      yield* exhausted(runner.run(Effect.fail(bad), { key: "a" }))
      const report = Report.make(yield* exhausted(runner.run(Effect.void, { key: "a" })))
      assert.match(report.message, /^search refused a call to a: its breaker is open until 1970-01-01T00:00:0\dZ$/)
      assert.deepInclude(report, { severity: "Warn", engine: "refused" })
      assert.deepInclude(report.attributes, { call: "search", key: "a", because: "breaker", attempts: 0 })
    }).pipe(Effect.scoped, Effect.provide(Distributed.layerMemory))
  )

  it.effect("says which call timed out", () =>
    Effect.gen(function* () {
      const error = yield* timedOut("fetch-page", "https://api.example.com", 1)
      const report = Report.make(error)
      assert.strictEqual(report.message, "fetch-page to https://api.example.com timed out after 5s")
      assert.deepInclude(report, {
        code: "TimeoutError",
        host: "api.example.com",
        severity: "Error",
        engine: "timed out"
      })
      assert.deepStrictEqual(report.attributes, {
        call: "fetch-page",
        key: "https://api.example.com",
        because: "retries",
        attempts: 2,
        duration_ms: 11_000
      })
      const alone = Report.make(error.failure)
      assert.deepInclude(alone, { fingerprint: report.fingerprint, host: "api.example.com", engine: "timed out" })
      const deadline = Retry.make(policyOf({ deadline: seconds(8) }), "fetch-page")
      const late = Report.make(yield* exhausted(deadline.run(Effect.never)))
      assert.deepInclude(late.attributes, { call: "fetch-page", because: "deadline", attempts: 1, duration_ms: 8000 })
    })
  )

  it.effect("names the request of a client that did not answer, or whose breaker is open", () =>
    Effect.gen(function* () {
      const policy = policyOf({
        retries: 0,
        attemptTimeout: seconds(5),
        breaker: { trip: { _tag: "Consecutive", failures: 1 } }
      })
      const client = HttpRetry.httpClient(policy)(HttpClient.make(() => Effect.never))
      const late = Report.make(yield* exhausted(client.get("http://a.example/x?token=s3cret")))
      assert.strictEqual(late.message, "http GET to http://a.example timed out after 5s")
      assert.deepInclude(late.attributes, { call: "http GET", key: "http://a.example", attempts: 1 })
      const refused = Report.make(yield* exhausted(client.get("http://a.example/y")))
      assert.match(refused.message, /^http GET refused a call to http:\/\/a\.example: its breaker is open until /)
      const other = Report.make(yield* exhausted(client.get("http://b.example/x")))
      assert.notStrictEqual(other.fingerprint, late.fingerprint)
      assert.deepStrictEqual([late.host, other.host], ["a.example", "b.example"])
    })
  )

  it.effect("goes to JSON and comes back with all that it knows", () =>
    Effect.gen(function* () {
      const codec = Schema.toCodecJson(RetryExhausted.codec(Schema.Never))
      for (const error of [yield* refusedBy("page", "a.example"), yield* timedOut("page", "a.example")]) {
        const json = JSON.stringify(Schema.encodeUnknownSync(codec)(error))
        const back = Schema.decodeUnknownSync(codec)(JSON.parse(json))
        assert.deepStrictEqual(Report.make(back), Report.make(error))
        assert.deepStrictEqual(
          { ...Report.make(back.failure), stack: "" },
          { ...Report.make(error.failure), stack: "" }
        )
      }
      const refused = yield* refusedBy("page", "a.example")
      assert.include(JSON.stringify(refused.failure), "page refused a call to a.example")
    })
  )
})

describe("the class of what the engine makes of calls", () => {
  const fingerprint = (failure: unknown) => Report.make(failure).fingerprint
  const different = (...failures: ReadonlyArray<unknown>) =>
    assert.lengthOf(new Set(failures.map(fingerprint)), failures.length)
  const same = (...failures: ReadonlyArray<unknown>) => assert.lengthOf(new Set(failures.map(fingerprint)), 1)

  for (const [what, make] of [
    ["refusals", refusedBy],
    ["timeouts", timedOut]
  ] as const) {
    it.effect(`tells ${what} of different calls and upstreams apart, but not those of one at different times`, () =>
      Effect.gen(function* () {
        const first = yield* make("page", "a.example")
        yield* TestClock.adjust("17 minutes")
        same(first, yield* make("page", "a.example"), first.failure)
        same(yield* make("page", "https://a.example"), yield* make("page", "https://A.example/x?y=z"))
        different(
          first,
          yield* make("page"),
          yield* make("page", "b.example"),
          yield* make("image", "a.example"),
          yield* make("page", "10.0.0.1:80"),
          yield* make("page", "10.0.0.2:80"),
          yield* make("page", "billing"),
          yield* make("page", "search"),
          yield* make("s3", "eu"),
          yield* make("s4", "eu")
        )
      })
    )

    it.effect(`are one class for all users: ${what} of keys that are numbers, identifiers or addresses`, () =>
      Effect.gen(function* () {
        same(yield* make("page", "user 17"), yield* make("page", "user 4711"))
        same(yield* make("page", "tenant-42:eu"), yield* make("page", "tenant-1:eu"))
        same(yield* make("page", "ann@example.com"), yield* make("page", "bob@example.com"))
        same(
          yield* make("page", "0190a6f2-8a3c-7d1e-9b5f-2c4d6e8f0a1b"),
          yield* make("page", "7d1e0190-8a3c-a6f2-9b5f-6e8f0a1b2c4d")
        )
      })
    )
  }

  it.effect("tells reasons apart, and timeouts from refusals", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ bulkhead: { concurrent: 1 } }), "page")
      const busy = yield* Effect.forkChild(runner.run(Effect.never), now)
      different(yield* exhausted(runner.run(Effect.void)), yield* refusedBy("page"), yield* timedOut("page"))
      yield* Fiber.interrupt(busy)
      // Effect's own timeout is nobody's call.
      assert.isUndefined(Report.make(new Cause.TimeoutError()).engine)
      assert.deepStrictEqual(factsOf(new Cause.TimeoutError()), {})
    })
  )
})
