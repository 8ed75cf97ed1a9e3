import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Log from "@redrive/log/Log"
import * as OpenTelemetry from "@redrive/log/OpenTelemetry"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import { Writable } from "node:stream"

const failing = (status: number) =>
  new ItemError.ItemError({ url: "https://example.com/a", reason: new ItemError.HostReturnedError({ status }) })

const report = (failure: unknown) => ErrorReporter.report(Cause.fail(failure))

/** A stream that keeps the lines that it is given. */
const lines = () => {
  const written: Array<string> = []
  return { written, stream: { write: (line: string) => written.push(line) } }
}

const messages = (written: ReadonlyArray<string>) => written.map((line) => JSON.parse(line).message)

describe("several adapters upon the same loggers", () => {
  it.effect("say each failure and each event once, and so does whoever listens beside them", () =>
    Effect.gen(function* () {
      const { stream, written } = lines()
      let beside = 0
      const other = Logger.layer([Logger.make(() => beside++)], { mergeWithExisting: true })
      const layers = OpenTelemetry.layer.pipe(Layer.provideMerge(other), Layer.provideMerge(Log.layer({ stream })))
      const program = Effect.gen(function* () {
        yield* report(failing(503))
        yield* report("a text")
        yield* report("a text")
        yield* Observer.tell(() => ({ _tag: "Recovered", name: "page", attempt: 2 }))
      })
      yield* Effect.provide(program, layers)
      const expected = [failing(503).message, "a text", "a text", "page succeeded on attempt 2"]
      assert.deepStrictEqual(messages(written), expected)
      assert.strictEqual(beside, expected.length)
    })
  )

  it.effect("look at the failure of an event only for a line that is logged", () =>
    Effect.gen(function* () {
      const { stream, written } = lines()
      let looks = 0
      const error = Object.defineProperty(new Error("no page"), "code", { get: () => ++looks })
      const told = Observer.tell(() => ({
        _tag: "RetryScheduled",
        name: "page",
        attempt: 1,
        error,
        verdict: Verdict.transient("quick"),
        delay: Duration.seconds(1)
      }))
      const layers = Log.layer({ stream })
      yield* Effect.provide(told, layers)
      assert.strictEqual(looks, 0)
      yield* Effect.provide(Effect.provideService(told, References.MinimumLogLevel, "Debug"), layers)
      assert.isAbove(looks, 0)
      assert.deepStrictEqual(messages(written), ["attempt 1 failed, again in 1s: no page"])
    })
  )

  it.live("on one stream each wait for it to be written, and no longer", () =>
    Effect.gen(function* () {
      const stream = new Writable({ write: (_, __, done) => void setTimeout(done, 20) })
      const one = Log.layer({ stream, flushTimeout: Duration.seconds(5) })
      const begun = performance.now()
      yield* Effect.all([Effect.provide(Effect.log("a"), one), Effect.provide(Effect.log("b"), Layer.fresh(one))], {
        concurrency: 2
      })
      assert.isBelow(performance.now() - begun, 2000)
    })
  )
})

describe("a failure that leaves the scope of its log", () => {
  const gaveUp = (error: unknown) =>
    Observer.tell(() => ({ _tag: "GaveUp", name: "page", attempt: 4, error, because: "retries" }))

  it.effect("after its call was given up is one record, by its severity", () =>
    Effect.gen(function* () {
      const { stream, written } = lines()
      const failure = new Error("not handled")
      const program = Effect.andThen(gaveUp(failure), Effect.fail({ _tag: "RetryExhausted", failure }))
      const exit = yield* Effect.exit(Effect.provide(program, Log.layer({ stream })))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(
        written.map((line) => [JSON.parse(line).level, JSON.parse(line).message]),
        [["error", "not handled"]]
      )
    })
  )
})

describe("the program", () => {
  it.effect("ends as it does, whatever a logger beside throws at the very end", () =>
    Effect.gen(function* () {
      const { stream, written } = lines()
      const throwing = Logger.layer(
        [
          Logger.make(() => {
            throw new Error("no")
          })
        ],
        { mergeWithExisting: true }
      )
      const event = { _tag: "GaveUp", name: "page", attempt: 4, error: failing(503), because: "retries" } as const
      const program = Effect.as(
        Observer.tell(() => event),
        42
      )
      const exit = yield* Effect.exit(Effect.provide(program, Layer.provideMerge(throwing, Log.layer({ stream }))))
      assert.deepStrictEqual(exit, Exit.succeed(42))
      assert.lengthOf(written, 1)
    })
  )

  it.effect("ends as it does where a destination cannot say what it wants", () =>
    Effect.gen(function* () {
      const accepts = () => {
        throw new Error("no")
      }
      const layer = Log.layer({ destination: { write: () => undefined, accepts } })
      assert.strictEqual(yield* Effect.provide(Effect.as(Effect.log("x"), 42), layer), 42)
    })
  )

  it.effect("draws the same random numbers, whatever is sampled", () =>
    Effect.gen(function* () {
      const { stream } = lines()
      const drawn = Random.withSeed(Effect.andThen(Effect.log("x"), Random.next), "seed")
      const sampled = yield* Effect.provide(drawn, Log.layer({ stream, sample: { Info: 0.5 } }))
      assert.strictEqual(sampled, yield* Effect.provide(drawn, Log.layer({ stream })))
    })
  )
})

describe("a logger by itself", () => {
  it.effect("says what its cap has suppressed, as soon as the window is known to be over", () =>
    Effect.gen(function* () {
      const { stream, written } = lines()
      const logger = Log.logger({ stream, cap: { most: 1, window: Duration.millis(1) } })
      const date = (at: number) => new Date(at)
      const program = Effect.withFiber((fiber) => {
        const log = (at: number) =>
          logger.log({ message: [failing(503)], logLevel: "Error", cause: Cause.empty, fiber, date: date(at) })
        log(0)
        log(0.5)
        log(0.5)
        log(10)
        return Effect.void
      })
      yield* program
      assert.deepStrictEqual(messages(written), [
        failing(503).message,
        `2 more in 0.001 s like: ${failing(503).message}`,
        failing(503).message
      ])
    })
  )
})

describe("known secrets", () => {
  it.effect("stand in no event of the engine, for this logger or another", () =>
    Effect.gen(function* () {
      const { stream, written } = lines()
      const seen: Array<unknown> = []
      const other = Logger.layer([Logger.make(({ message }) => seen.push(message))], { mergeWithExisting: true })
      const error = new Error("key hunter2SECRET was refused")
      const about = { name: "c", attempt: 1, error, because: "retries" } as const
      const program = Effect.gen(function* () {
        yield* Observer.tell(() => ({ _tag: "FellBack", ...about }))
        yield* Observer.tell(() => ({ _tag: "Parked", name: "c", key: "k", until: "top up", error }))
        yield* Observer.tell(() => ({ _tag: "GaveUp", ...about }))
      })
      const layer = Layer.mergeAll(
        Layer.provideMerge(other, Log.layer({ stream })),
        Report.layerSecrets(Redacted.make("hunter2SECRET"))
      )
      yield* Effect.provideService(Effect.provide(program, layer), References.MinimumLogLevel, "Trace")
      assert.isAbove(written.length, 2)
      assert.notInclude(JSON.stringify([written, seen]), "hunter2SECRET")
    })
  )
})
