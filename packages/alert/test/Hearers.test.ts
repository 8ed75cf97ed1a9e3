import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import type * as Journal from "@redrive/alert/Journal"
import * as Outbox from "@redrive/alert/Outbox"
import * as Route from "@redrive/alert/Route"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"

/** Keeps what a database would: texts. */
const store = () => {
  const incidents = new Map<string, readonly [route: string, text: string]>()
  const alerts = new Map<string, readonly [sink: string, text: string]>()
  const service: Outbox.Service = {
    load: Effect.sync(() => ({
      incidents: [...incidents.values()].flatMap(([route, text]) => {
        const incident = Outbox.decodeIncident(text)
        return incident === undefined ? [] : [{ route, incident }]
      }),
      pending: [...alerts.values()].flatMap(([sink, text]) => {
        const alert = Outbox.decodeAlert(text)
        return alert === undefined ? [] : [{ sink, alert }]
      })
    })),
    commit: ({ added, done, incidents: changes }) =>
      Effect.sync(() => {
        for (const { incident, key, route } of changes) {
          if (incident === undefined) incidents.delete(`${route} ${key}`)
          else incidents.set(`${route} ${key}`, [route, Outbox.encodeIncident(incident)])
        }
        for (const { alert, sink } of added) alerts.set(`${sink} ${alert.id}`, [sink, Outbox.encodeAlert(alert)])
        for (const { id, sink } of done) alerts.delete(`${sink} ${id}`)
      })
  }
  return { alerts, incidents, service }
}

type Fault = SinkError["reason"] | "hangs"

/** Sinks that note what they take as `NAME: STATUS CODE`, and fail as they are told to. */
const world = () => {
  const told: Array<string> = []
  const faults = new Map<string, Fault>()
  const sinkOf = (name: string, life: { isOver: boolean }): Service => ({
    kind: name,
    send: (alerts) =>
      Effect.suspend(() => {
        const fault = faults.get(name)
        if (life.isOver || fault === "hangs") return Effect.never
        if (fault !== undefined) return Effect.fail(new SinkError({ sink: name, message: "no", reason: fault }))
        for (const { code, count, status } of alerts) told.push(`${name}: ${status} ${code} ${count}`)
        return Effect.void
      })
  })
  /** A life of a process. What is killed does nothing any more. */
  const begin = Effect.fnUntraced(function* (
    names: ReadonlyArray<string>,
    options: Alerter.Options,
    outbox?: Outbox.Service,
    log: Layer.Layer<never> = Logger.layer([])
  ) {
    const life = { isOver: false }
    const lost: Array<number> = []
    const sinks = Object.fromEntries(names.map((name) => [name, sinkOf(name, life)]))
    const alive = <A, E>(effect: Effect.Effect<A, E>) => Effect.suspend(() => (life.isOver ? Effect.never : effect))
    const kept =
      outbox === undefined
        ? Layer.empty
        : Layer.succeed(Outbox.Outbox, { ...outbox, commit: (changes) => alive(outbox.commit(changes)) })
    const scope = yield* Scope.make()
    const layer = Alerter.layerOf(sinks, { onLost: (count) => void lost.push(count), ...options }).pipe(
      Layer.provide(kept),
      Layer.provideMerge(log)
    )
    const context = yield* Layer.buildWithScope(layer, scope)
    return {
      lost,
      run: Effect.provideContext<Alerter.Alerter>(context),
      kill: Effect.sync(() => void (life.isOver = true)),
      end: Effect.andThen(Effect.forkDetach(Scope.close(scope, Exit.void)), wait(1))
    }
  })
  return { begin, faults, told }
}

const wait = (minutes: number) =>
  Effect.forEach(Array.from({ length: minutes }), () => TestClock.adjust("1 minute"), { discard: true })

const call = { name: "call", key: "k" }
const fail = Effect.suspend(() =>
  ErrorReporter.report(Cause.fail(Object.assign(new Error("it is full"), { name: "Disk", [Report.call]: call })))
)
const works = Observer.tell(() => ({ _tag: "Succeeded", ...call, attempt: 1 }))

const routeOf = (fields: Partial<Parameters<typeof Route.make>[0][number]> = {}) =>
  Route.make([
    {
      name: "r",
      sinks: ["a"],
      match: {},
      groupBy: ["code"],
      groupWait: Duration.zero,
      resolveAfter: Duration.zero,
      ...fields
    }
  ])

describe("whoever heard that an incident began hears how it ended", () => {
  it.effect("by a sink that stood in for another, though that one is up again", () =>
    Effect.gen(function* () {
      const { begin, faults, told } = world()
      const kept = store()
      const options = { routes: routeOf(), fallbacks: { a: "b" } }
      const first = yield* begin(["a", "b"], options, kept.service)
      faults.set("a", "unreachable")
      yield* Effect.andThen(first.run(fail), wait(1))
      faults.delete("a")
      yield* wait(10)
      // It does so after a restart.
      yield* first.kill
      const second = yield* begin(["a", "b"], options, kept.service)
      yield* Effect.andThen(second.run(works), wait(1))
      assert.deepStrictEqual(
        told.filter((one) => one.includes("Disk")),
        ["b: opened Disk 1", "a: opened Disk 1", "a: resolved Disk 0", "b: resolved Disk 0"]
      )
    })
  )

  it.effect("by a sink that stood in when the news came", () =>
    Effect.gen(function* () {
      const { begin, faults, told } = world()
      const { run } = yield* begin(["a", "b"], { routes: routeOf({ groupBy: ["label:call"] }), fallbacks: { a: "b" } })
      faults.set("a", "gone")
      yield* Effect.andThen(run(fail), wait(1))
      told.length = 0
      const other = Object.assign(new Error("no"), { name: "Net", [Report.call]: call })
      yield* Effect.andThen(run(ErrorReporter.report(Cause.fail(other))), wait(6))
      faults.delete("a")
      yield* wait(20)
      yield* Effect.andThen(run(works), wait(1))
      assert.deepStrictEqual(
        told.filter((one) => one.includes("Disk")),
        ["b: news Disk 1", "a: opened Disk 2", "a: resolved Disk 0", "b: resolved Disk 0"]
      )
    })
  )

  it.effect("by the sinks that their route had then, and not by those that it has now", () =>
    Effect.gen(function* () {
      const { begin, told } = world()
      const kept = store()
      const escalation = { after: Duration.minutes(5), sinks: ["c"] } as const
      const first = yield* begin(["a", "b", "c"], { routes: routeOf({ escalation }) }, kept.service)
      yield* Effect.andThen(first.run(fail), wait(6))
      yield* first.kill
      const second = yield* begin(["a", "b", "c"], { routes: routeOf({ sinks: ["b"] }) }, kept.service)
      yield* Effect.andThen(second.run(works), wait(1))
      assert.deepStrictEqual(told, [
        "a: opened Disk 1",
        "c: escalated Disk 0",
        "a: resolved Disk 0",
        "c: resolved Disk 0"
      ])
    })
  )

  it.effect("by the sinks that their route has now, if none of those is left", () =>
    Effect.gen(function* () {
      const { begin, told } = world()
      const kept = store()
      const first = yield* begin(["a"], { routes: routeOf() }, kept.service)
      yield* Effect.andThen(first.run(fail), wait(1))
      yield* first.kill
      const second = yield* begin(["b"], { routes: routeOf({ sinks: ["b"] }) }, kept.service)
      yield* Effect.andThen(second.run(works), wait(1))
      assert.deepStrictEqual(told, ["a: opened Disk 1", "b: resolved Disk 0"])
    })
  )

  it.effect("and those of an escalation who never heard of it hear of no end", () =>
    Effect.gen(function* () {
      const { begin, faults, told } = world()
      const escalation = { after: Duration.minutes(5), sinks: ["b"] } as const
      const other = Object.assign(new Error("no"), { name: "Net" })
      const { run } = yield* begin(["a", "b"], { routes: routeOf({ escalation }) })
      // What is of another incident keeps the sink busy.
      yield* run(ErrorReporter.report(Cause.fail(other)))
      faults.set("b", "gone")
      yield* wait(6)
      yield* Effect.andThen(run(fail), wait(5))
      yield* Effect.andThen(run(works), wait(30))
      faults.delete("b")
      yield* wait(20)
      assert.deepStrictEqual(
        told.filter((one) => one.startsWith("b") || one.includes("Disk")),
        ["a: opened Disk 1", "a: resolved Disk 0", "b: escalated Net 0"]
      )
    })
  )
})

describe("after a restart", () => {
  it.effect("nobody hears of a policy that the process before followed, unless it retries again", () =>
    Effect.gen(function* () {
      const { begin, told } = world()
      const kept = store()
      const retry = Observer.tell(() => ({
        _tag: "RetryScheduled",
        ...call,
        attempt: 1,
        error: new Error("no"),
        verdict: Verdict.transient("steady"),
        delay: Duration.minutes(15)
      }))
      const first = yield* begin(["a"], { routes: routeOf() }, kept.service)
      yield* Effect.andThen(first.run(retry), first.end)
      const second = yield* begin(["a"], { routes: routeOf() }, kept.service)
      yield* wait(30)
      assert.deepStrictEqual(told, [])
      yield* Effect.andThen(second.run(retry), wait(10))
      assert.deepStrictEqual(told, ["a: retrying Error 0"])
    })
  )

  it.effect("an incident of which nobody has heard yet is told, however long that took", () =>
    Effect.gen(function* () {
      const { begin, told } = world()
      const kept = store()
      const options = { routes: routeOf({ groupWait: Duration.seconds(30) }) }
      const first = yield* begin(["a"], options, kept.service)
      yield* first.run(fail)
      yield* TestClock.adjust("1 second")
      yield* first.kill
      yield* TestClock.adjust("3 days")
      yield* begin(["a"], options, kept.service)
      yield* wait(1)
      assert.deepStrictEqual(told, ["a: opened Disk 1"])
      yield* TestClock.adjust("25 hours")
      assert.deepStrictEqual(told.slice(1), ["a: expired Disk 0"])
    })
  )

  it.effect("failures of a route that is gone are counted, though nobody heard of them", () =>
    Effect.gen(function* () {
      const { begin, told } = world()
      const kept = store()
      const noted: Array<string> = []
      const journal: Journal.Writer = {
        note: ({ count, decision, why }) => void noted.push(`${decision} ${why} ${count}`)
      }
      const opens = { _tag: "InARow", failures: 3 } as const
      const first = yield* begin(["a"], { routes: routeOf({ opens }) }, kept.service)
      yield* Effect.andThen(Effect.andThen(first.run(fail), first.run(fail)), first.end)
      yield* begin(["a"], { routes: routeOf({ name: "other" }), journal }, kept.service)
      yield* wait(1)
      assert.deepStrictEqual([told, noted], [[], ["suppressed no route 2"]])
      assert.strictEqual(kept.incidents.size, 0)
    })
  )

  it.effect("alerts are delivered that the process before has kept: they were not lost", () =>
    Effect.gen(function* () {
      const { begin, faults, told } = world()
      const kept = store()
      faults.set("a", "unreachable")
      const first = yield* begin(["a"], { routes: routeOf() }, kept.service)
      yield* Effect.andThen(first.run(fail), first.end)
      assert.deepStrictEqual([told, first.lost], [[], []])
      faults.delete("a")
      yield* begin(["a"], { routes: routeOf() }, kept.service)
      yield* wait(1)
      assert.deepStrictEqual(told, ["a: opened Disk 1"])
    })
  )

  it.effect("the log says which alerts wait for a sink that is gone", () =>
    Effect.gen(function* () {
      const { begin, faults } = world()
      const kept = store()
      faults.set("a", "unreachable")
      const first = yield* begin(["a"], { routes: routeOf() }, kept.service)
      yield* Effect.andThen(first.run(fail), first.end)
      const logged: Array<string> = []
      const log = Logger.layer([Logger.make(({ message }) => void logged.push(String([message].flat()[0])))])
      const second = yield* begin(["b"], { routes: routeOf({ sinks: ["b"] }) }, kept.service, log)
      yield* Effect.andThen(second.run(fail), wait(1))
      assert.deepStrictEqual(logged, [
        "1 alerts of the outbox are left, since the program has no sink named a any more: nobody hears of them"
      ])
    })
  )

  it.effect("alerts are lost that were neither kept nor delivered", () =>
    Effect.gen(function* () {
      const { begin, faults } = world()
      const commit = () => Effect.fail(new Outbox.OutboxError({ message: "the disk is full" }))
      faults.set("a", "unreachable")
      const { end, lost, run } = yield* begin(["a"], { routes: routeOf() }, { ...store().service, commit })
      yield* Effect.andThen(run(fail), end)
      assert.deepStrictEqual(lost, [1])
    })
  )
})

describe("people hear of a sink that is down", () => {
  it.effect("at the orderly end, too, and what stands in for it is told", () =>
    Effect.gen(function* () {
      const { begin, faults, told } = world()
      const { end, run } = yield* begin(["a", "b"], {
        routes: routeOf({ groupWait: Duration.seconds(30) }),
        fallbacks: { a: "b" }
      })
      faults.set("a", "gone")
      yield* Effect.andThen(run(fail), end)
      assert.sameMembers(told, ["b: opened Disk 1", "b: opened alert_sink_down 0"])
    })
  )

  it.effect("at the orderly end, so that the next process tells them that it is up", () =>
    Effect.gen(function* () {
      const { begin, faults, told } = world()
      const kept = store()
      const options = { routes: routeOf({ groupWait: Duration.seconds(30) }) }
      faults.set("a", "gone")
      const first = yield* begin(["a", "b"], options, kept.service)
      yield* Effect.andThen(first.run(fail), first.end)
      assert.deepStrictEqual(told, ["b: opened alert_sink_down 0"])
      faults.delete("a")
      yield* begin(["a", "b"], options, kept.service)
      yield* wait(1)
      assert.sameMembers(told.slice(1), ["a: opened Disk 1", "b: resolved alert_sink_down 0"])
    })
  )

  it.effect("once, though the program restarts before the sink has said no again", () =>
    Effect.gen(function* () {
      const { begin, faults, told } = world()
      const kept = store()
      faults.set("a", "hangs")
      const first = yield* begin(["a", "b"], { routes: routeOf() }, kept.service)
      yield* Effect.andThen(first.run(fail), wait(5))
      yield* first.kill
      yield* begin(["a", "b"], { routes: routeOf() }, kept.service)
      yield* wait(5)
      assert.deepStrictEqual(told, ["b: opened alert_sink_down 0"])
      faults.delete("a")
      yield* wait(10)
      assert.sameMembers(told.slice(1), ["a: opened Disk 1", "b: resolved alert_sink_down 0"])
    })
  )

  it.effect("and that no more is heard of it, if the program no longer has it", () =>
    Effect.gen(function* () {
      const { begin, faults, told } = world()
      const kept = store()
      faults.set("a", "unreachable")
      const first = yield* begin(["a", "b"], { routes: routeOf() }, kept.service)
      yield* Effect.andThen(first.run(fail), wait(5))
      yield* first.kill
      yield* begin(["b"], { routes: routeOf({ sinks: ["b"] }) }, kept.service)
      yield* wait(1)
      assert.deepStrictEqual(told, ["b: opened alert_sink_down 0", "b: expired alert_sink_down 0"])
      assert.isFalse([...kept.incidents.keys()].some((id) => id.startsWith("watchdog")))
    })
  )
})
