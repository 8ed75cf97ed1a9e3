import { assert, describe, it } from "@effect/vitest"
import * as ItemError from "@redrive/core/ItemError"
import * as Observer from "@redrive/core/Observer"
import * as Log from "@redrive/log/Log"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as References from "effect/References"
import * as Random from "effect/Random"
import * as TestClock from "effect/testing/TestClock"

const failing = (status: number) =>
  new ItemError.ItemError({ url: "https://example.com/a", reason: new ItemError.HostReturnedError({ status }) })

const report = (failure: unknown) => ErrorReporter.report(Cause.fail(failure))

/** Runs a program with its logs, and gives the lines that it has written so far each time that it is asked. */
const logged = Effect.fnUntraced(function* <A, E>(
  program: (lines: () => ReadonlyArray<{ readonly level: string; readonly message: string }>) => Effect.Effect<A, E>,
  options: Log.Options = {}
) {
  const written: Array<string> = []
  const lines = () => written.map((line) => JSON.parse(line))
  const stream = { write: (line: string) => written.push(line) }
  yield* Effect.provide(program(lines), Log.layer({ ...options, stream }))
  return lines()
})

const says = (lines: ReadonlyArray<{ readonly level: string; readonly message: string }>) =>
  lines.map(({ level, message }) => `${level} ${message}`)

describe("a cap", () => {
  const cap = { most: 2, window: Duration.minutes(1) }

  it.effect("writes so many failures of a class in a window, and says when it is over how many more there were", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        (lines) =>
          Effect.gen(function* () {
            for (let n = 0; n < 10; n++) yield* report(failing(503))
            yield* report(failing(404))
            assert.lengthOf(lines(), 3)
            yield* TestClock.adjust("61 seconds")
            assert.strictEqual(lines().at(-1)?.message, `8 more in 60 s like: ${failing(503).message}`)
            for (let n = 0; n < 3; n++) yield* report(failing(503))
          }),
        { cap }
      )
      // What is owed at the end is said there.
      assert.deepStrictEqual(
        lines.slice(4).map(({ message }) => message),
        [failing(503).message, failing(503).message, `1 more in 60 s like: ${failing(503).message}`]
      )
    })
  )

  it.effect("leaves lines alone that are about no failure", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() => Effect.forEach([1, 2, 3, 4, 5], () => Effect.log("x")), { cap })
      assert.lengthOf(lines, 5)
    })
  )

  it.effect("counts every failure, written or suppressed", () =>
    Effect.gen(function* () {
      const lines = yield* logged(
        () =>
          Effect.forEach(Array.from({ length: 500 }), (_, n) =>
            Effect.andThen(report(failing(n % 3 === 0 ? 404 : 503)), TestClock.adjust("700 millis"))
          ),
        { cap }
      )
      const suppressed = lines.flatMap((line) => ("suppressed" in line ? [Number(line.suppressed)] : []))
      const written = lines.length - suppressed.length
      assert.strictEqual(written + suppressed.reduce((all, one) => all + one, 0), 500)
      assert.isBelow(written, 60)
    })
  )
})

describe("a sample", () => {
  it.effect("is a share of a level's records, and leaves failures alone", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        for (let n = 0; n < 1000; n++) yield* Effect.logDebug("x")
        for (let n = 0; n < 10; n++) yield* Effect.logDebug("failed", failing(503))
        yield* Effect.log("y")
      })
      const loud = Effect.provideService(Random.withSeed(program, 1), References.MinimumLogLevel, "Debug")
      const lines = yield* logged(() => loud, { sample: { Debug: 0.1 } })
      const count = (message: string) => lines.filter((line) => line.message.startsWith(message)).length
      assert.isAtLeast(count("x"), 70)
      assert.isAtMost(count("x"), 130)
      assert.deepStrictEqual([count("failed"), count("y")], [10, 1])
    })
  )

  it.effect("keeps the records of one trace together", () =>
    Effect.gen(function* () {
      const traced = Effect.withSpan(Effect.andThen(Effect.log("a"), Effect.log("b")), "s", { root: true })
      const lines = yield* logged(() => Effect.forEach(Array.from({ length: 200 }), () => traced), {
        sample: { Info: 0.5 }
      })
      assert.isAtLeast(lines.length, 100)
      assert.isAtMost(lines.length, 300)
      const count = (message: string) => lines.filter((line) => line.message === message).length
      assert.strictEqual(count("a"), count("b"))
    })
  )
})

describe("a call that was given up", () => {
  const failure = failing(503)
  const callOf = (because: string) => ({ name: "page", because, attempts: 4 })
  const gaveUp = (because = "retries") =>
    Observer.tell(() => ({
      _tag: "GaveUp",
      name: "page",
      attempt: 4,
      error: failure,
      because,
      call: callOf(because)
    }))
  const warned = `warn page was given up (retries), and the program went on: ${failure.message}`

  it.effect("and handled is one warning, as soon as that is known", () =>
    Effect.gen(function* () {
      const lines = yield* logged((lines) =>
        Effect.gen(function* () {
          yield* Effect.annotateLogs(gaveUp(), { job: "j1" })
          assert.isEmpty(lines())
          yield* TestClock.adjust("2 seconds")
          assert.deepStrictEqual(says(lines()), [warned])
        })
      )
      assert.deepInclude(lines[0], { job: "j1", call: "page", because: "retries", code: "host_returned_error" })
      assert.lengthOf(lines, 1)
    })
  )

  it.effect("and reported is one record, by the severity of its failure", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() =>
        Effect.gen(function* () {
          yield* gaveUp()
          yield* report({ _tag: "RetryExhausted", failure })
          yield* TestClock.adjust("1 minute")
        })
      )
      assert.deepStrictEqual(says(lines), [`warn ${failure.message}`])
    })
  )

  it.effect("and reported within an error of the program's own, or as what it is the reason of, is that record", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() =>
        Effect.gen(function* () {
          yield* gaveUp()
          yield* report(new Error("the page could not be had", { cause: failure }))
          yield* Observer.tell(() => ({
            _tag: "GaveUp",
            name: "page",
            attempt: 1,
            error: failing(404).reason,
            because: "permanent"
          }))
          yield* TestClock.adjust("1 minute")
        })
      )
      assert.deepStrictEqual(says(lines), [
        "error the page could not be had",
        "warn page was given up (permanent), and the program went on: host_returned_error not_found 404"
      ])
      assert.deepInclude(lines[1], { code: "host_returned_error" })
    })
  )

  it.effect("and taken out of its wrapper still says which call ended with it, why and after how many attempts", () =>
    Effect.gen(function* () {
      class Busy extends Schema.TaggedError<Busy>("log/test/Busy")("Busy", { attempts: Schema.Finite }) {}
      const [own, shared] = [new Busy({ attempts: 9 }), new Error("broken")]
      const lines = yield* logged(() =>
        Effect.gen(function* () {
          yield* gaveUp()
          yield* report(failure)
          yield* Observer.tell(() => ({
            _tag: "GaveUp",
            name: "page",
            attempt: 4,
            error: own,
            because: "budget",
            call: callOf("budget")
          }))
          yield* report(new Error("the page could not be had", { cause: own }))
          // Of which of several calls a failure is, nobody knows.
          yield* Observer.tell(() => ({
            _tag: "GaveUp",
            name: "a",
            attempt: 1,
            error: shared,
            because: "retries",
            call: callOf("retries")
          }))
          yield* Observer.tell(() => ({
            _tag: "GaveUp",
            name: "b",
            attempt: 1,
            error: own,
            because: "retries",
            call: callOf("retries")
          }))
          yield* report(new AggregateError([shared, own], "both"))
          yield* report(failing(404))
        })
      )
      assert.deepInclude(lines[0], { call: "page", because: "retries", attempts: 4, status: 503 })
      assert.deepInclude(lines[1], { call: "page", because: "budget", attempts: 4 })
      for (const line of lines.slice(2)) assert.notProperty(line, "call")
      assert.lengthOf(lines, 4)
    })
  )

  it.effect("within another policy's call is nothing yet; with a fallback it is a warning of that", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() =>
        Effect.gen(function* () {
          yield* gaveUp("nested")
          yield* gaveUp()
          yield* Observer.tell(() => ({
            _tag: "FellBack",
            name: "page",
            attempt: 4,
            error: failure,
            because: "retries"
          }))
          yield* TestClock.adjust("1 minute")
        })
      )
      assert.deepStrictEqual(says(lines), [`warn page fell back (retries): ${failure.message}`])
    })
  )

  it.effect("by a fiber that has ended is still logged as its own", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(Effect.annotateLogs(gaveUp(), { worker: 7 }))
          yield* Fiber.await(fiber)
          yield* TestClock.adjust("2 seconds")
        })
      )
      assert.deepInclude(lines[0], { worker: 7 })
    })
  )

  it.effect("a thousand times and more takes no more memory, and each is a warning", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() => Effect.forEach(Array.from({ length: 1500 }), () => gaveUp(), { discard: true }))
      assert.lengthOf(lines, 1500)
    })
  )
})
