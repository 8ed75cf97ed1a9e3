import { assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import * as Outbox from "@redrive/alert/Outbox"
import * as Route from "@redrive/alert/Route"
import type { Service } from "@redrive/alert/Sink"
import * as Observer from "@redrive/core/Observer"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"

const keys = ["a", "b"] as const

const Step = Schema.Union([
  Schema.Struct({
    act: Schema.Literal("fail"),
    key: Schema.Literals(keys),
    kind: Schema.Literals(["disk", "net"]),
    severity: Schema.Literals(["Error", "Fatal"])
  }),
  Schema.Struct({ act: Schema.Literal("work"), key: Schema.Literals(keys) }),
  Schema.Struct({ act: Schema.Literal("wait"), seconds: Schema.Literals([1, 20, 70, 400]) })
])

const Setting = Schema.Struct({
  groupWait: Schema.Literals([0, 30]),
  resolveAfter: Schema.Literals([0, 45])
})

const seconds = Duration.seconds

/** Keeps what a database would: texts. */
const store = () => {
  const incidents = new Map<string, string>()
  const alerts = new Map<string, readonly [sink: string, text: string]>()
  const service: Outbox.Service = {
    load: Effect.sync(() => ({
      incidents: [...incidents.values()].flatMap((text) => {
        const incident = Outbox.decodeIncident(text)
        return incident === undefined ? [] : [{ route: "r", incident }]
      }),
      pending: [...alerts.values()].flatMap(([sink, text]) => {
        const alert = Outbox.decodeAlert(text)
        return alert === undefined ? [] : [{ sink, alert }]
      })
    })),
    commit: ({ added, done, incidents: changes }) =>
      Effect.sync(() => {
        for (const { incident, key } of changes) {
          if (incident === undefined) incidents.delete(key)
          else incidents.set(key, Outbox.encodeIncident(incident))
        }
        for (const { alert, sink } of added) alerts.set(alert.id, [sink, Outbox.encodeAlert(alert)])
        for (const { id } of done) alerts.delete(id)
      })
  }
  return service
}

/** Runs steps, killing the process before some of them, and gives what was told in the end, and when. */
const run = (setting: typeof Setting.Type, steps: ReadonlyArray<typeof Step.Type>, kills: ReadonlySet<number>) =>
  Effect.gen(function* () {
    const begun = yield* TestClock.testClockWith((clock) => Effect.succeed(clock.currentTimeMillisUnsafe()))
    const kept = store()
    const told: Array<Alert.Alert> = []
    const routes = Route.make([
      {
        name: "r",
        sinks: ["a"],
        match: {},
        groupBy: ["code"],
        groupWait: seconds(setting.groupWait),
        resolveAfter: seconds(setting.resolveAfter),
        groupInterval: seconds(60),
        repeatInterval: seconds(600),
        expiresAfter: seconds(1200)
      }
    ])
    /** A life has a switch: what is killed does nothing any more. */
    const begin = Effect.gen(function* () {
      const life = { isOver: false }
      const alive = <A, E>(effect: Effect.Effect<A, E>) => Effect.suspend(() => (life.isOver ? Effect.never : effect))
      const sink: Service = { send: (alerts) => alive(Effect.sync(() => void told.push(...alerts))) }
      const layer = Alerter.layerOf({ a: sink }, { routes, onLost: () => undefined }).pipe(
        Layer.provide(
          Layer.succeed(Outbox.Outbox, { load: kept.load, commit: (changes) => alive(kept.commit(changes)) })
        ),
        Layer.provideMerge(Logger.layer([]))
      )
      const context: Context.Context<never> = yield* Layer.buildWithScope(layer, yield* Scope.make())
      return { life, run: Effect.provideContext<never>(context) }
    })
    const act = (step: typeof Step.Type): Effect.Effect<unknown> => {
      if (step.act === "wait") return TestClock.adjust(seconds(step.seconds))
      const about = { name: "call", key: step.key }
      if (step.act === "work") return Observer.tell(() => ({ _tag: "Recovered", ...about, attempt: 2 }))
      const error = Object.assign(new Error(step.kind), { name: step.key, [ErrorReporter.severity]: step.severity })
      const call = { ...about, because: "retries", attempts: 1 }
      return Effect.andThen(
        Observer.tell(() => ({ _tag: "GaveUp", ...about, attempt: 1, error, because: "retries", call })),
        ErrorReporter.report(Cause.fail(error))
      )
    }
    let process = yield* begin
    for (const [index, step] of steps.entries()) {
      // Everything that is due has happened.
      yield* TestClock.adjust("1 millis")
      if (kills.has(index)) {
        process.life.isOver = true
        process = yield* begin
      }
      yield* process.run(act(step))
    }
    yield* TestClock.adjust("1 millis")
    for (let minute = 0; minute < 60; minute++) yield* TestClock.adjust("1 minute")
    process.life.isOver = true
    // What was under way when the process was killed is sent once more, by the same id.
    const once = [...new Map(told.map((alert) => [alert.id, alert])).values()]
    return once.map(({ at, key, severity, status }) => {
      // When an incident ends goes by its last failure, of which not each is kept.
      const time = status === "resolved" || status === "expired" ? "" : (at.epochMilliseconds - begun) / 1000
      return `${key} ${severity} ${status} ${time}`
    })
  })

describe("an alerter that is killed and started again", () => {
  it.effect.prop(
    "tells the same at the same times as one that was not, wherever that is",
    {
      setting: Arbitrary.schema(Setting),
      steps: Arbitrary.schema(Schema.Array(Step).check(Schema.isMaxLength(20))),
      kills: Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))))
    },
    ({ kills, setting, steps }) =>
      Effect.gen(function* () {
        const without = yield* run(setting, steps, new Set())
        const story = JSON.stringify({ kills, setting, steps })
        assert.deepStrictEqual(yield* run(setting, steps, new Set(kills)), without, story)
      }),
    { arbitrary: { runs: 100 } }
  )
})
