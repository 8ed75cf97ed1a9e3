import { assert, describe, it } from "@effect/vitest"
import * as Alert from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import * as Outbox from "@redrive/alert/Outbox"
import * as Route from "@redrive/alert/Route"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"

const failure = (name = "Disk") => Object.assign(new Error("it is full"), { name })
const fail = (name?: string) => ErrorReporter.report(Cause.fail(failure(name)))

const refusal = (reason: SinkError["reason"], message = "no") => new SinkError({ sink: "test", message, reason })

/** Sinks that note what they take as `NAME: TITLE`, and fail as they are told to. */
const sinksOf = (names: ReadonlyArray<string>) => {
  const told: Array<string> = []
  const faults = new Map<string, SinkError>()
  const make = (name: string, facts: Partial<Service> = {}): Service => ({
    kind: name,
    send: (alerts) =>
      Effect.suspend(() => {
        const fault = faults.get(name)
        if (fault !== undefined) return Effect.fail(fault)
        told.push(...alerts.map((alert) => `${name}: ${Alert.title(alert)}`))
        return Effect.void
      }),
    ...facts
  })
  return { faults, make, sinks: Object.fromEntries(names.map((name) => [name, make(name)])), told }
}

const logOf = () => {
  const lines: Array<string> = []
  const layer = Logger.layer([Logger.make(({ message }) => void lines.push(String([message].flat()[0])))])
  return { layer, lines }
}

const wait = (minutes: number) =>
  Effect.forEach(Array.from({ length: minutes }), () => TestClock.adjust("1 minute"), { discard: true })

const to = (...sinks: ReadonlyArray<string>) =>
  Route.make([{ name: "r", sinks, match: {}, groupBy: ["code"], groupWait: Duration.zero }])

const under = <A>(
  sinks: Alerter.Sinks,
  options: Alerter.Options,
  program: Effect.Effect<A, never, Alerter.Alerter>,
  logger: Layer.Layer<never> = Logger.layer([])
) =>
  Effect.provide(
    program,
    Alerter.layerOf(sinks, { onLost: () => undefined, ...options }).pipe(Layer.provideMerge(logger))
  )

const test = (error: unknown) => Effect.flatMap(Alerter.Alerter, (alerter) => alerter.test(error))

describe("a test alert", () => {
  it.effect("goes where the failure would go, at once, is over at once, and says what became of it", () =>
    Effect.gen(function* () {
      const { faults, sinks, told } = sinksOf(["pager", "chat", "mail"])
      const routes = Route.make([
        { name: "disks", sinks: ["pager", "chat"], match: { codes: ["Disk"] }, groupWait: Duration.hours(1) },
        { name: "rest", sinks: ["mail"], match: {} }
      ])
      faults.set("pager", refusal("gone", "the key is unknown"))
      const program = Effect.gen(function* () {
        const trials = yield* test(failure())
        assert.deepStrictEqual(trials, [
          { route: "disks", sink: "pager", outcome: "failed", message: "the key is unknown", duration: 0 },
          { route: "disks", sink: "chat", outcome: "delivered", duration: 0 }
        ])
        assert.deepStrictEqual(told, ["chat: Test: Error: Disk (1 failure)", "chat: Test: Resolved: Disk (1 failure)"])
        faults.set("mail", refusal("refused", "too rude"))
        assert.deepStrictEqual(yield* test(failure("Net")), [
          { route: "rest", sink: "mail", outcome: "refused", message: "too rude", duration: 0 }
        ])
        // It is no incident, and changes none.
        const { incidents, sinks: states } = yield* Effect.flatMap(Alerter.Alerter, ({ status }) => status)
        assert.lengthOf(incidents, 0)
        assert.deepStrictEqual(
          states.map(({ failures, waiting }) => failures + waiting),
          [0, 0, 0]
        )
      })
      yield* under(sinks, { routes }, program)
      assert.lengthOf(told, 2)
    })
  )

  it.effect("shows no secret of who asks for it", () =>
    Effect.gen(function* () {
      const texts: Array<string> = []
      const sink: Service = { send: (alerts) => Effect.sync(() => void texts.push(JSON.stringify(alerts))) }
      const error = new Error("the key s3cret-key is refused")
      const asked = Effect.provide(test(error), Report.layerSecrets(Redacted.make("s3cret-key")))
      // The alerter has secrets of its own.
      const own = Layer.merge(Logger.layer([]), Report.layerSecrets(Redacted.make("another")))
      yield* under({ a: sink }, { routes: to("a") }, asked, own)
      assert.lengthOf(texts, 2)
      assert.notInclude(texts.join(), "s3cret-key")
    })
  )

  it.effect("goes nowhere if no route matches", () =>
    Effect.gen(function* () {
      const { sinks } = sinksOf(["a"])
      const routes = Route.make([{ name: "r", sinks: ["a"], match: { codes: ["Net"] } }])
      assert.deepStrictEqual(yield* under(sinks, { routes }, test(failure())), [])
    })
  )
})

describe("a sink", () => {
  it.effect("is checked at the start, and the log says which one would take nothing", () =>
    Effect.gen(function* () {
      const { make, sinks } = sinksOf(["a"])
      const { layer, lines } = logOf()
      const all = {
        ...sinks,
        b: make("b", { check: Effect.fail(refusal("gone", "the token is revoked")) }),
        c: make("c", { check: Effect.void }),
        d: make("d", { check: Effect.never, attemptTimeout: "10 seconds" }),
        e: make("e", { check: Effect.die("bug") })
      }
      // The log is that of a fiber that was heard.
      yield* under(all, { routes: to("a") }, Effect.andThen(fail(), wait(1)), layer)
      assert.deepStrictEqual(lines, [
        "b would take no alerts now: the token is revoked",
        "d would take no alerts now: no answer in time"
      ])
    })
  )

  it.effect("that is down is told of by the others, and so is that it takes alerts again", () =>
    Effect.gen(function* () {
      const { faults, sinks, told } = sinksOf(["a", "b", "c"])
      faults.set("a", refusal("gone", "no such channel"))
      const program = Effect.gen(function* () {
        yield* fail()
        yield* wait(1)
        assert.deepStrictEqual(told, ["b: Error: alert_sink_down a", "c: Error: alert_sink_down a"])
        const { sinks: states } = yield* Effect.flatMap(Alerter.Alerter, ({ status }) => status)
        assert.deepStrictEqual(
          states.map(({ isDown, waiting }) => [isDown, waiting]),
          [
            [true, 1],
            [false, 0],
            [false, 0]
          ]
        )
        assert.include(yield* gauge("redrive_alert_sink_down"), { a: 1, b: 0, c: 0 })
        assert.strictEqual((yield* gauge("redrive_alert_outbox_age_seconds"))["a"], 60)
        faults.delete("a")
        yield* wait(16)
      })
      yield* under(sinks, { routes: to("a") }, program)
      assert.sameMembers(told.slice(2), [
        "a: Error: Disk (1 failure)",
        "b: Resolved: alert_sink_down a",
        "c: Resolved: alert_sink_down a"
      ])
    })
  )

  it.effect("that is down is told of by its fallback alone, if it has one", () =>
    Effect.gen(function* () {
      const { faults, sinks, told } = sinksOf(["a", "b", "c"])
      faults.set("a", refusal("gone"))
      yield* under(sinks, { routes: to("a"), fallbacks: { a: "c" } }, Effect.andThen(fail(), wait(1)))
      assert.sameMembers(told, ["c: Error: Disk (1 failure)", "c: Error: alert_sink_down a"])
    })
  )

  it.effect("that is late is told of by the others", () =>
    Effect.gen(function* () {
      const { make, sinks, told } = sinksOf(["b"])
      const slow = make("a", { pace: "10 minutes", batch: 1 })
      const program = Effect.gen(function* () {
        for (const name of ["One", "Two", "Three", "Four"]) yield* fail(name)
        yield* wait(45)
      })
      yield* under({ a: slow, ...sinks }, { routes: to("a"), maxWait: "15 minutes" }, program)
      assert.deepStrictEqual(told, [
        "a: Error: One (1 failure)",
        "a: Error: Two (1 failure)",
        "b: Error: alert_sink_late a",
        "a: Error: Three (1 failure)",
        "a: Error: Four (1 failure)",
        "b: Resolved: alert_sink_late a"
      ])
    })
  )

  for (const [whenUnsure, isAmbiguous, expected] of [
    ["repeat", true, 1],
    ["drop", true, 0],
    ["drop", false, 1]
  ] as const)
    it.effect(`whose answer was lost (${isAmbiguous}) gets an alert again, or not, as it wants: ${whenUnsure}`, () =>
      Effect.gen(function* () {
        const { faults, make, told } = sinksOf([])
        const sink = make("a", { whenUnsure })
        faults.set("a", new SinkError({ sink: "a", message: "reset", reason: "unreachable", isAmbiguous }))
        const program = Effect.gen(function* () {
          yield* fail()
          yield* wait(1)
          faults.delete("a")
          yield* wait(10)
        })
        yield* under({ a: sink }, { routes: to("a") }, program)
        assert.lengthOf(told, expected)
      })
    )

  it.effect("whose answer to a digest was lost does not get it again, if it does not want to", () =>
    Effect.gen(function* () {
      const { faults, make, told } = sinksOf([])
      const sink = make("a", { batch: 1, digestFrom: 3, whenUnsure: "drop" })
      faults.set("a", new SinkError({ sink: "a", message: "reset", reason: "unreachable", isAmbiguous: true }))
      const { layer, lines } = logOf()
      const program = Effect.gen(function* () {
        for (const code of ["One", "Two", "Three", "Four"]) yield* fail(code)
        yield* wait(1)
        faults.delete("a")
        yield* wait(10)
      })
      yield* under({ a: sink }, { routes: to("a") }, program, layer)
      assert.deepStrictEqual(told, [])
      assert.isTrue(
        lines.some((line) => line.includes("4 alerts, which are not sent again")),
        lines.join("\n")
      )
    })
  )
})

describe("a sink that was down before a restart", () => {
  it.effect("is told of as working again to those who heard that it was not", () =>
    Effect.gen(function* () {
      const { faults, sinks, told } = sinksOf(["a", "b"])
      const incidents = new Map<string, Outbox.KeptIncident>()
      const pending = new Map<string, Outbox.Pending>()
      const outbox: Outbox.Service = {
        load: Effect.sync(() => ({ incidents: [...incidents.values()], pending: [...pending.values()] })),
        commit: ({ added, done, incidents: changes }) =>
          Effect.sync(() => {
            for (const { incident, key, route } of changes) {
              if (incident === undefined) incidents.delete(key)
              else incidents.set(key, { route, incident })
            }
            for (const one of added) pending.set(`${one.sink} ${one.alert.id}`, one)
            for (const { id, sink } of done) pending.delete(`${sink} ${id}`)
          })
      }
      const life = (program: Effect.Effect<unknown>) =>
        Effect.provideService(
          under(sinks, { routes: to("a"), flushTimeout: "1 millis" }, program),
          Outbox.Outbox,
          outbox
        )
      faults.set("a", refusal("gone"))
      const first = yield* Effect.forkChild(life(Effect.andThen(fail(), wait(1))))
      yield* wait(3)
      yield* Fiber.join(first)
      assert.deepStrictEqual(told, ["b: Error: alert_sink_down a"])
      faults.delete("a")
      yield* life(wait(2))
      assert.sameMembers(told.slice(1), ["a: Error: Disk (1 failure)", "b: Resolved: alert_sink_down a"])
      assert.lengthOf([...incidents.keys()], 1)
      assert.strictEqual(pending.size, 0)
    })
  )
})

/** The values of a gauge by sink. */
const gauge = (name: string) =>
  Effect.map(Metric.snapshot, (all) =>
    Object.fromEntries(
      all
        .filter(({ id }) => id === name)
        .map(({ attributes, state }) => [attributes?.["sink"], (state as { readonly value: number }).value])
    )
  )
