import { assert, describe, it } from "@effect/vitest"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Distributed from "@redrive/retry/Distributed"
import * as HttpRetry from "@redrive/retry/HttpRetry"
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
import * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { bad, exhausted, failing, flaky, policyOf } from "./call.ts"

const { seconds } = Duration
const now = { startImmediately: true }

/** Opens after one failure, for five seconds. */
const breaker = {
  trip: { _tag: "Consecutive", failures: 1 },
  openFor: { base: seconds(5), cap: seconds(5), jitter: "none" }
} as const

/** A runner, and what opens its breaker of a key. */
const tripping = (name: string) => {
  const runner = Retry.make(policyOf({ retries: 0, breaker }), name)
  return { runner, trip: (key?: string) => exhausted(runner.run(Effect.fail(bad), { key })) }
}

const refusedBy = Effect.fnUntraced(function* (name: string, key?: string) {
  const { runner, trip } = tripping(name)
  yield* trip(key)
  return yield* exhausted(runner.run(Effect.succeed(1), { key }))
})

const timedOut = (name: string, key?: string, retries = 0) =>
  exhausted(Retry.make(policyOf({ retries, attemptTimeout: seconds(5) }), name).run(Effect.never, { key }))

/** The facts that a report shows of a call. */
const factsOf = (failure: unknown) => Report.make(failure).attributes

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
        because: "retry-after too long",
        attempts: 1,
        duration_ms: 0,
        retryAt: "1970-01-01T01:00:00.000Z",
        retryAfter: "1h"
      })
      const broke = { verdict: Verdict.parked("top up"), message: "no credits" }
      const parking = { maximum: seconds(90), probe: { base: seconds(60), cap: seconds(60), jitter: "none" } } as const
      const waited = yield* exhausted(Retry.retry(Effect.fail(broke), policyOf({ parking }), { name: "page" }))
      assert.deepInclude(factsOf(waited), {
        because: "parked too long",
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
    ["not replayable", busy, policyOf(), 1, { isReplayable: false }],
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
      assert.deepInclude(report.attributes, { because: "parked", because_: "parked too long", until: "top up" })
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
      assert.deepInclude(turned.attributes, { call: "search", key: "a", because: "rate limit", attempts: 0 })

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
      const reporter = Report.reporter((report) => told.push(report))
      const inner = RetryExhausted.isRetryExhausted(error.failure) ? error.failure : assert.fail("not given up twice")
      const reports = Effect.forEach([error, inner, inner.failure, error], (failure) =>
        ErrorReporter.report(Cause.fail(failure))
      )
      yield* Effect.provide(reports, ErrorReporter.layer([Effect.succeed(reporter)]))
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
