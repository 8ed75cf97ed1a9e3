import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"

const recovered: Observer.Event = { _tag: "Recovered", name: "call", attempt: 2 }

/** Says one of each that an observer hears. */
const saying = (text: string) =>
  Effect.all([Effect.logError(text), Observer.tell(() => recovered), ErrorReporter.report(Cause.fail(new Error(text)))])

/** An observer that notes what it hears under its name. */
const hearing = (name: string, heard: Array<string>) =>
  Observer.layer({
    event: ({ name: call }) => void heard.push(`${name} event ${call}`),
    report: ({ message }) => void heard.push(`${name} report ${message}`),
    log: ({ message }) => void heard.push(`${name} log ${String(message)}`)
  })

const all = (name: string, text: string) => [`${name} log ${text}`, `${name} event call`, `${name} report ${text}`]

const orders = <A>(values: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  values.length < 2
    ? [values]
    : values.flatMap((value, index) => orders(values.toSpliced(index, 1)).map((rest) => [value, ...rest]))

const names = ["a", "b", "c", "d", "e"]

const merged = (layers: ReadonlyArray<Layer.Layer<never>>) => layers.reduce((one, other) => Layer.merge(one, other))

const provided = (layers: ReadonlyArray<Layer.Layer<never>>) =>
  layers.reduce((one, other) => Layer.provideMerge(one, other))

describe("observers that are installed together", () => {
  it.effect.each([2, 3, 5])("hear everything once, %d in any order, merged and provided", (count) =>
    Effect.gen(function* () {
      for (const order of orders(names.slice(0, count))) {
        for (const together of [merged, provided]) {
          const heard: Array<string> = []
          const layer = together(order.map((name) => hearing(name, heard)))
          yield* Effect.provide(saying("x"), layer)
          assert.deepStrictEqual(heard.toSorted(), order.flatMap((name) => all(name, "x")).toSorted())
        }
      }
    })
  )

  it.effect("hear their own scope, and those within it", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const inner = (name: string) => Effect.provide(saying(name), hearing(name, heard))
      const program = Effect.all([saying("outer"), inner("one"), inner("two")], { concurrency: 3 })
      yield* Effect.provide(program, hearing("outer", heard))
      const expected = [
        ...["outer", "one", "two"].flatMap((text) => all("outer", text)),
        ...all("one", "one"),
        ...all("two", "two")
      ]
      assert.deepStrictEqual(heard.toSorted(), expected.toSorted())
    })
  )

  it.effect("are heard by the order of their scopes, outer ones first", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const layers = names.map((name) => Observer.layer({ event: () => void heard.push(name) }))
      const program = layers.reduceRight(
        (self, layer) => Effect.provide(self, layer),
        Observer.tell(() => recovered)
      )
      yield* program
      assert.deepStrictEqual(heard, names)
    })
  )

  it.effect("are two if one layer is built twice, and one if it is merged with itself", () =>
    Effect.gen(function* () {
      let heard = 0
      const layer = Observer.layer({ event: () => void heard++ })
      yield* Effect.provide(
        Observer.tell(() => recovered),
        Layer.merge(layer, layer)
      )
      assert.strictEqual(heard, 1)
      yield* Effect.provide(
        Observer.tell(() => recovered),
        Layer.merge(Layer.fresh(layer), Layer.fresh(layer))
      )
      assert.strictEqual(heard, 3)
    })
  )

  it.effect("of a runtime hear that runtime only, though a failure is raised in several", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const failure = new Error("shared")
      const runtimes = ["a", "b"].map((name) =>
        ManagedRuntime.make(Observer.layer({ report: ({ message }) => void heard.push(`${name} ${message}`) }))
      )
      const raised = Effect.all([ErrorReporter.report(Cause.fail(failure)), ErrorReporter.report(Cause.fail(failure))])
      for (const runtime of runtimes) {
        yield* Effect.promise(() => runtime.runPromise(raised))
        yield* runtime.disposeEffect
      }
      assert.deepStrictEqual(heard, ["a shared", "b shared"])
    })
  )

  it.effect("share one report", () =>
    Effect.gen(function* () {
      const reports: Array<Report.Report> = []
      const keeping = () => Observer.layer({ report: (report) => void reports.push(report) })
      yield* Effect.provide(ErrorReporter.report(Cause.fail("x")), Layer.mergeAll(keeping(), keeping(), keeping()))
      assert.lengthOf(reports, 3)
      assert.strictEqual(new Set(reports).size, 1)
    })
  )

  it.effect("are many at once, each in a scope of its own, and none is left when these have closed", () =>
    Effect.gen(function* () {
      const count = 100
      const heard = Array.from({ length: count }, () => 0)
      const one = (index: number) =>
        Effect.gen(function* () {
          yield* Effect.yieldNow
          yield* Observer.tell(() => recovered)
        }).pipe(Effect.provide(Observer.layer({ event: () => void (heard[index] = (heard[index] ?? 0) + 1) })))
      yield* Effect.forEach(heard.keys(), one, { concurrency: "unbounded" })
      assert.deepStrictEqual(new Set(heard), new Set([1]))
      yield* Observer.tell(() => assert.fail("somebody listens still"))
    })
  )

  it.effect("of a scope that has closed hear what a fiber goes on saying, and no other one hears it", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const late = Effect.andThen(
        Effect.yieldNow,
        Observer.tell(() => recovered)
      )
      const fiber = yield* Effect.forkDetach(Effect.andThen(Effect.yieldNow, late)).pipe(
        Effect.provide(Observer.layer({ event: () => void heard.push("old") }))
      )
      yield* Effect.provide(Fiber.join(fiber), Observer.layer({ event: () => void heard.push("new") }))
      assert.deepStrictEqual(heard, ["old"])
    })
  )

  it.effect("take the log beside other loggers, in place of Effect's default ones", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const own = Logger.layer([Logger.make(({ message }) => void heard.push(`own ${String(message)}`))], {
        mergeWithExisting: true
      })
      const loggers = Effect.provide(
        Effect.andThen(Effect.logError("x"), Logger.CurrentLoggers),
        Layer.provideMerge(
          Observer.layer({ log: ({ message }) => void heard.push(`observer ${String(message)}`) }),
          own
        )
      )
      assert.strictEqual((yield* loggers).has(Logger.defaultLogger), false)
      assert.deepStrictEqual(heard.toSorted(), ["observer x", "own x"])
    })
  )
})

describe("verdict readers and secrets that are installed together", () => {
  it.effect("are asked and hidden, merged in any order and nested", () =>
    Effect.gen(function* () {
      const reading = (word: string) => Judge.layer((failure) => (failure === word ? Verdict.parked(word) : undefined))
      const secret = (word: string) => Report.layerSecrets(Redacted.make(`${word}-secret`))
      const layers = [reading("a"), secret("a"), reading("b"), secret("b")]
      const program = Effect.gen(function* () {
        const messages: Array<string> = []
        const failure = new Error("a-secret b-secret")
        const report = ErrorReporter.report(Cause.fail(failure))
        yield* Effect.provide(report, Observer.layer({ report: ({ message }) => void messages.push(message) }))
        return [yield* Judge.judge("a"), yield* Judge.judge("b"), ...messages]
      })
      const expected = [Verdict.parked("a"), Verdict.parked("b"), "<redacted> <redacted>"]
      for (const order of orders(layers)) {
        assert.deepStrictEqual(yield* Effect.provide(program, merged(order)), expected)
        assert.deepStrictEqual(yield* Effect.provide(program, provided(order)), expected)
      }
    })
  )

  it.effect("of an inner scope are asked first", () =>
    Effect.gen(function* () {
      const [outer, inner] = ["outer", "inner"].map((word) => Judge.layer(() => Verdict.parked(word)))
      const within = Effect.provide(Judge.judge("x"), inner ?? Layer.empty)
      assert.deepStrictEqual(yield* Effect.provide(within, outer ?? Layer.empty), Verdict.parked("inner"))
    })
  )
})
