import { assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import * as Route from "@redrive/alert/Route"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

const Step = Schema.Union([
  Schema.Struct({
    act: Schema.Literal("fail"),
    key: Schema.Literals(["a", "b", "c"]),
    kind: Schema.Literals(["disk", "net", "sky"]),
    severity: Schema.Literals(["Error", "Fatal"])
  }),
  Schema.Struct({ act: Schema.Literal("work"), key: Schema.Literals(["a", "b", "c"]) }),
  Schema.Struct({ act: Schema.Literal("retry"), key: Schema.Literals(["a", "b"]), seconds: Schema.Literals([1, 90]) }),
  Schema.Struct({ act: Schema.Literal("wait"), seconds: Schema.Literals([1, 20, 70, 400]) })
])

const Opens = Schema.Union([
  Schema.TaggedStruct("First", {}),
  Schema.TaggedStruct("InARow", { failures: Schema.Literals([1, 2]) }),
  Schema.TaggedStruct("OutOf", { failures: Schema.Literals([2]), calls: Schema.Literals([3]) })
])

const Setting = Schema.Struct({
  opens: Opens,
  groupWait: Schema.Literals([0, 30]),
  successes: Schema.Literals([1, 2]),
  resolveAfter: Schema.Literals([0, 30]),
  isSilent: Schema.Boolean,
  isFlapping: Schema.Boolean,
  maxKeys: Schema.Literals([1, 2, 100]),
  /** Whether every other attempt of the sink fails. */
  isFaulty: Schema.Boolean
})

const seconds = Duration.seconds

const effectOf = (step: typeof Step.Type): Effect.Effect<unknown> =>
  Effect.suspend(() => {
    switch (step.act) {
      case "fail": {
        const error = Object.assign(new Error(step.kind), {
          name: `Of ${step.key}`,
          [ErrorReporter.severity]: step.severity
        })
        const about = { name: "call", key: step.key, because: "retries" }
        return Effect.andThen(
          Observer.tell(() => ({ _tag: "GaveUp", ...about, attempt: 1, error, call: { ...about, attempts: 1 } })),
          ErrorReporter.report(Cause.fail(error))
        )
      }
      case "work":
        return Observer.tell(() => ({ _tag: "Recovered", name: "call", key: step.key, attempt: 2 }))
      case "retry": {
        const error = Object.assign(new Error("busy"), { name: `Of ${step.key}` })
        const verdict = Verdict.transient("steady")
        const about = { name: "call", key: step.key, attempt: 1, error, verdict }
        return Observer.tell(() => ({ _tag: "RetryScheduled", ...about, delay: seconds(step.seconds) }))
      }
      case "wait":
        return TestClock.adjust(seconds(step.seconds))
    }
  })

const suppressed = Effect.map(Metric.snapshot, (all) =>
  all
    .filter(({ id }) => id === "redrive_alerts_suppressed_total")
    .reduce((sum, { state }) => sum + Number((state as { readonly count: number | bigint }).count), 0)
)

/** Runs steps under an alerter, lets everything come to rest, and gives what its sink was told. */
const run = (setting: typeof Setting.Type, steps: ReadonlyArray<typeof Step.Type>) =>
  Effect.gen(function* () {
    const told: Array<Alert.Alert> = []
    let attempts = 0
    const sink: Service = {
      backoff: "1 second",
      send: (alerts) =>
        Effect.suspend(() => {
          if (setting.isFaulty && attempts++ % 2 === 0)
            return Effect.fail(new SinkError({ sink: "a", message: "down", reason: "failed" }))
          told.push(...alerts)
          return Effect.void
        })
    }
    const routes = Route.make([
      {
        name: "r",
        sinks: ["a"],
        match: {},
        groupBy: ["code"],
        opens: setting.opens,
        successes: setting.successes,
        groupWait: seconds(setting.groupWait),
        resolveAfter: seconds(setting.resolveAfter),
        groupInterval: seconds(60),
        repeatInterval: seconds(600),
        quietFor: seconds(60),
        expiresAfter: seconds(1200),
        ...(setting.isFlapping && { flapping: { size: 4, high: 0.6, low: 0.3 } })
      }
    ])
    const silences = setting.isSilent ? [{ name: "s", by: "ops", match: {}, from: 100_000, until: 500_000 }] : []
    let lost = 0
    const layer = Alerter.layerOf(
      { a: sink },
      { routes, silences, maxKeys: setting.maxKeys, onLost: (count) => (lost = count) }
    )
    yield* Effect.gen(function* () {
      for (const step of steps) yield* effectOf(step)
      // It all comes to rest: nothing is heard of for longer than anything waits.
      yield* TestClock.adjust("3 hours")
    }).pipe(Effect.provide(Layer.provideMerge(layer, Logger.layer([]))))
    return { told, lost, suppressed: yield* suppressed }
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))

const isOver = ({ status }: Alert.Alert) => status === "resolved" || status === "expired"

describe("whatever happens in whatever order", () => {
  it.effect.prop(
    "every failure is told or suppressed, each incident has one beginning and one end, and nothing is said after it",
    { setting: Arbitrary.schema(Setting), steps: Arbitrary.schema(Schema.Array(Step).check(Schema.isMaxLength(40))) },
    ({ setting, steps }) =>
      Effect.gen(function* () {
        const { lost, suppressed, told } = yield* run(setting, steps)
        const failures = steps.filter(({ act }) => act === "fail").length
        const counted = told.reduce((sum, { count }) => sum + count, 0)
        assert.strictEqual(counted + suppressed, failures, "told and suppressed")
        assert.strictEqual(lost, 0)
        assert.lengthOf([...new Set(told.map(({ id }) => id))], told.length, "each alert has an id of its own")
        const incidents = new Set(told.map(({ incident }) => incident))
        for (const incident of incidents) {
          const own = told.filter((alert) => alert.incident === incident)
          const statuses = own.map(({ status }) => status).join(" ")
          assert.include(["opened", "retrying"], own[0]?.status, statuses)
          assert.lengthOf(own.filter(isOver), 1, statuses)
          assert.isTrue(own.at(-1) !== undefined && own.some(isOver) && isOver(own.at(-1) as Alert.Alert), statuses)
          assert.lengthOf(
            own.filter(({ status }) => status === "opened" || status === "retrying"),
            1,
            statuses
          )
          const times = own.map(({ at }) => at.epochMilliseconds)
          assert.deepStrictEqual(
            times,
            times.toSorted((one, other) => one - other)
          )
          const news = own.filter(({ status }) => status === "news").map(({ at }) => at.epochMilliseconds)
          for (const [index, at] of news.entries()) if (index > 0) assert.isAtLeast(at - (news[index - 1] ?? 0), 60_000)
        }
        const [first] = told
        if (
          setting.opens._tag === "First" &&
          !setting.isSilent &&
          first?.status === "opened" &&
          setting.maxKeys === 100 &&
          !setting.isFaulty
        )
          assert.isAtMost(
            first.at.epochMilliseconds - first.firstAt.epochMilliseconds,
            setting.groupWait * 1000,
            "the first page comes within its bound"
          )
      }),
    { arbitrary: { runs: 500 } }
  )

  it.effect.prop(
    "the same events in the same order are told in the same way",
    { setting: Arbitrary.schema(Setting), steps: Arbitrary.schema(Schema.Array(Step).check(Schema.isMaxLength(20))) },
    ({ setting, steps }) =>
      Effect.gen(function* () {
        const sound = { ...setting, isFaulty: false }
        const told = yield* run(sound, steps)
        const shift = yield* TestClock.testClockWith((clock) => Effect.succeed(clock.currentTimeMillisUnsafe()))
        if (setting.isSilent) return
        const again = yield* run(sound, steps)
        const shown = ({ told }: typeof again, by: number) =>
          told.map(({ at, count, key, status }) => `${key} ${status} ${count} ${at.epochMilliseconds - by}`)
        assert.deepStrictEqual(shown(again, shift), shown(told, 0))
      }),
    { arbitrary: { runs: 50 } }
  )
})
