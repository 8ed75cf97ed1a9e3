import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import * as FailureMetrics from "@redrive/alert/FailureMetrics"
import * as PrometheusRules from "@redrive/alert/PrometheusRules"
import * as Route from "@redrive/alert/Route"
import { SinkError, type Service } from "@redrive/alert/Sink"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as JobError from "@redrive/core/JobError"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Program from "@redrive/testing/Program"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as TestClock from "effect/testing/TestClock"
import { run } from "./cli.ts"
import { exposed } from "./exposed.ts"

const broke = new JobError.JobError({ operation: "run", jobId: "j1", reason: new JobError.InsufficientBalance({}) })

const failing = (reason: SinkError["reason"]): Service => ({
  whenUnsure: "drop",
  send: () => Effect.fail(new SinkError({ sink: "s", message: "no", reason, isAmbiguous: reason === "timeout" }))
})

/** A program to which all happens that the rules are about. */
const happening = Effect.gen(function* () {
  const tripping = { trip: { _tag: "Consecutive", failures: 1 } } as const
  const policy = RetryPolicy.make({ retries: 0, breaker: tripping })
  yield* Effect.ignore(Retry.make(policy, "page").run(Effect.fail("bad"), { key: "a" }))
  const account = Retry.make(RetryPolicy.make({ parking: {} }), "create")
  const parked = yield* Effect.forkChild(account.run(Effect.fail(broke)), { startImmediately: true })
  yield* TestClock.adjust("1 minute")
  yield* Fiber.interrupt(parked)
  yield* ErrorReporter.report(Cause.fail(broke))
  yield* ErrorReporter.report(Cause.fail(new Error("on a route without sinks")))
  yield* TestClock.adjust("10 minutes")
  return yield* PrometheusMetrics.format()
})

const routes = Route.make([
  { name: "all", match: { severity: "Fatal" }, sinks: ["slow", "refusing", "unsure"] },
  { name: "quiet", match: {}, sinks: [] }
])
const sinks = { slow: failing("busy"), refusing: failing("refused"), unsure: failing("timeout") }

const metrics = happening.pipe(
  Effect.provide(
    Alerter.layerOf(sinks, { routes }).pipe(
      Layer.provideMerge(FailureMetrics.layer(catalogue)),
      Layer.provideMerge(Logger.layer([]))
    )
  ),
  Effect.provideService(Metric.MetricRegistry, new Map())
)

/** Prometheus makes this one itself, for each target. */
const ofPrometheus = "up"

const metricsIn = (text: string) => new Set(text.match(/redrive_\w+/g))

describe("rules", () => {
  it.live("name metrics that the running service exposes, so that each of them can fire", () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* run(["rules", "--runbooks", "https://example.com/errors"])
      assert.deepStrictEqual([code, stderr], [0, ""])
      const named = metricsIn(stdout)
      assert.isAbove(named.size, 6)
      const names = yield* exposed(named)
      assert.deepStrictEqual(
        [...named].filter((name) => !names.has(name)),
        []
      )
      // A call of the service ends for want of retries or of time, and never for a budget that its policy does not have.
      assert.notInclude(stdout, "because=")
      assert.include(stdout, `${ofPrometheus}{job=\\"crawler\\"}`)
      assert.include(stdout, "https://example.com/errors#job-insufficient_balance")
    })
  )
})

describe("PrometheusRules", () => {
  it.effect("name metrics that the packages emit, and no others", () =>
    Effect.gen(function* () {
      const named = metricsIn(PrometheusRules.format(PrometheusRules.make({ catalogue })))
      const emitted = new Set(Array.from((yield* metrics).matchAll(/^# TYPE (\w+)/gm), ([, name]) => name))
      assert.isAbove(named.size, 8)
      assert.deepStrictEqual(
        [...named].filter((name) => !emitted.has(name)),
        []
      )
    })
  )
})

describe.skipIf(Program.isMissing("promtool", "prometheus"))("promtool", () => {
  it.effect("finds nothing wrong with the metrics of failures, calls and alerts", () =>
    Effect.gen(function* () {
      // It says what is wrong with a name, a type or a description, and fails.
      assert.strictEqual(yield* Program.output("promtool", ["check", "metrics"], yield* metrics), "")
    })
  )
})
