import { assert, describe, it } from "@effect/vitest"
import * as JobError from "@redrive/core/JobError"
import * as ItemError from "@redrive/core/ItemError"
import * as Retry from "@redrive/retry/Retry"
import * as RetryExhausted from "@redrive/retry/RetryExhausted"
import * as Program from "@redrive/testing/Program"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { bad, exhausted, failing, flaky, policyOf, settled } from "./call.ts"

describe("metrics", () => {
  it.effect("count what the engine did, by call and by words of closed sets", () =>
    Effect.gen(function* () {
      const breaker = { trip: { _tag: "Consecutive", failures: 4 } } as const
      const page = Retry.make(policyOf({ breaker }), "page")
      yield* settled(page.run(flaky(bad, 2).effect, { key: "https://a.example/?token=secret" }))
      yield* exhausted(page.run(flaky(failing(404)).effect, { key: "b" }))
      yield* exhausted(page.run(flaky(bad).effect, { key: "c" }))
      const account = Retry.make(policyOf({ parking: {} }), "create")
      const broke = new JobError.JobError({ operation: "create", reason: new JobError.InsufficientBalance({}) })
      const parked = yield* Effect.forkChild(account.run(Effect.fail(broke)), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(parked)
      const text = yield* PrometheusMetrics.format()
      const lines = text.split("\n").filter((line) => line.startsWith("redrive_"))
      assert.sameMembers(lines, [
        'redrive_attempts_failed_total{call="page",verdict="Transient"} 6',
        'redrive_attempts_failed_total{call="page",verdict="Permanent"} 1',
        'redrive_attempts_failed_total{call="create",verdict="Parked"} 1',
        'redrive_retries_total{call="page",verdict="Transient"} 5',
        'redrive_calls_recovered_total{call="page"} 1',
        'redrive_calls_given_up_total{call="page",because="permanent"} 1',
        'redrive_calls_given_up_total{call="page",because="retries"} 1',
        'redrive_breakers_opened_total{call="page"} 1',
        'redrive_gates_shut_total{call="create"} 1'
      ])
      for (const name of new Set(lines.map((line) => line.split("{")[0]))) {
        assert.match(text, new RegExp(`# HELP ${name} [A-Z].+\n# TYPE ${name} counter`))
      }
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect.skipIf(Program.isMissing("promtool", "prometheus"))("are clean to Prometheus", () =>
    Effect.gen(function* () {
      const runner = Retry.make(policyOf({ breaker: {} }), "page")
      yield* settled(runner.run(flaky(bad, 2).effect))
      yield* exhausted(runner.run(flaky(failing(404)).effect))
      // It says what is wrong with a name, a type or a description, and fails.
      assert.strictEqual(yield* Program.output("promtool", ["check", "metrics"], yield* PrometheusMetrics.format()), "")
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("are not touched by a success", () =>
    Effect.gen(function* () {
      yield* Retry.make(policyOf({ budget: "standard", breaker: {} })).run(Effect.succeed(1))
      assert.isEmpty(yield* Metric.snapshot)
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("a trace", () => {
  /** Runs an effect within a span, and gives what was noted on it. */
  const traced = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E>) {
    const events: Array<unknown> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        span.event = (name, at, attributes) => void events.push([name, Number(at / 1_000_000n), attributes])
        return span
      }
    })
    yield* settled(Effect.withTracer(Effect.withSpan(effect, "crawl"), tracer))
    return events
  })

  it.effect("notes retries and giving up on the span of the call", () =>
    Effect.gen(function* () {
      const policy = policyOf({ retries: 1 })
      assert.deepStrictEqual(yield* traced(Retry.retry(flaky(bad).effect, policy, { name: "page" })), [
        ["retry scheduled", 0, { call: "page", attempt: 1, verdict: "Transient", delay_ms: 1000 }],
        ["gave up", 1000, { call: "page", attempt: 2, because: "retries" }]
      ])
      assert.isEmpty(yield* traced(Retry.retry(Effect.succeed(1), policy)))
    })
  )
})

describe("giving up", () => {
  const codec = Schema.toCodecJson(RetryExhausted.codec(ItemError.ItemError))

  it.effect("goes to JSON and comes back with its failure and its timeline", () =>
    Effect.gen(function* () {
      const error = yield* exhausted(Retry.retry(flaky(bad).effect, policyOf()))
      const failure = ItemError.isItemError(error.failure) ? error.failure : assert.fail()
      const sent = new RetryExhausted.RetryExhausted<ItemError.ItemError>({ ...error, failure })
      const json = JSON.stringify(Schema.encodeSync(codec)(sent))
      const back = Schema.decodeUnknownSync(codec)(JSON.parse(json))
      assert.instanceOf(back, RetryExhausted.RetryExhausted)
      assert.instanceOf(back.failure, ItemError.ItemError)
      assert.deepStrictEqual(RetryExhausted.timeline(back), RetryExhausted.timeline(error))
      assert.strictEqual(back.message, error.message)
      assert.strictEqual(JSON.stringify(Schema.encodeSync(codec)(back)), json)
    })
  )

  it.effect("goes to JSON whatever the call failed with: its own error, a timeout, a refusal", () =>
    Effect.gen(function* () {
      const impatient = policyOf({ retries: 1, attemptTimeout: Duration.seconds(1) })
      const never: Effect.Effect<void, ItemError.ItemError> = Effect.never
      const runner = Retry.make(policyOf({ breaker: {} }))
      runner.breaker()?.isolate()
      for (const call of [Retry.retry(never, impatient), runner.run(never)]) {
        const error = yield* exhausted(call)
        const back = Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(error))))
        assert.deepStrictEqual([back.message, back.failure._tag], [error.message, error.failure._tag])
      }
    })
  )
})
