import { assert, describe, it } from "@effect/vitest"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Log from "@redrive/log/Log"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

interface Line {
  readonly level: string
  readonly message: string
  readonly suppressed?: number
  readonly [field: string]: unknown
}

/** A call that the retry engine refused, as it leaves the engine. */
const refused = (name: string, key = "example.com", because = "breaker") => {
  const own = {
    _tag: "Refused",
    message: `${name} refused a call to ${key}: its breaker is open until 12:00:05`,
    [ErrorReporter.severity]: "Warn",
    [Report.call]: { name, key, because, engine: "refused" }
  }
  const call: Report.Call = { name, key, because, attempts: 0, duration: Duration.zero }
  return { _tag: "RetryExhausted", failure: own, [Report.call]: call }
}

const report = (failure: unknown) => ErrorReporter.report(Cause.fail(failure))

const gaveUp = (error: unknown, name: string, attempt = 0) =>
  Observer.tell(() => ({ _tag: "GaveUp", name, attempt, error, because: "breaker" }))

const fellBack = (error: unknown, name: string) =>
  Observer.tell(() => ({ _tag: "FellBack", name, attempt: 0, error, because: "breaker" }))

/** Runs a program with its logs, and gives the lines that it has written so far each time that it is asked. */
const logged = Effect.fnUntraced(function* <A, E>(
  program: (lines: () => ReadonlyArray<Line>) => Effect.Effect<A, E>,
  options: Log.Options = {}
) {
  const written: Array<string> = []
  const lines = (): ReadonlyArray<Line> => written.map((line) => JSON.parse(line))
  yield* Effect.provide(program(lines), Log.layer({ ...options, stream: { write: (line) => written.push(line) } }))
  return lines()
})

const times = (count: number, effect: Effect.Effect<void>) =>
  Effect.forEach(Array.from({ length: count }), () => effect, { discard: true })

/** How many of a kind the lines tell of: those that are written, and those that are only counted. */
const toldOf = (lines: ReadonlyArray<Line>, part: string): number =>
  lines.filter(({ message }) => message.includes(part)).reduce((sum, { suppressed = 1 }) => sum + suppressed, 0)

describe("a storm of refused calls", () => {
  it.effect("is one warning at once, and one that says how many more there were", () =>
    Effect.gen(function* () {
      const lines = yield* logged((lines) =>
        Effect.gen(function* () {
          yield* times(
            5000,
            Effect.suspend(() => report(refused("search")))
          )
          assert.deepStrictEqual(
            lines().map(({ level, message }) => [level, message]),
            [["warn", "search refused a call to example.com: its breaker is open until 12:00:05"]]
          )
          yield* TestClock.adjust("61 seconds")
          assert.lengthOf(lines(), 2)
          yield* report(refused("search"))
        })
      )
      assert.deepStrictEqual(
        lines.map(({ level, message, suppressed }) => [level, message.slice(0, 40), suppressed]),
        [
          ["warn", "search refused a call to example.com: it", undefined],
          ["warn", "4999 more in 60 s like: search refused a", 4999],
          ["warn", "search refused a call to example.com: it", undefined]
        ]
      )
      assert.deepInclude(lines[0], {
        code: "Refused",
        host: "example.com",
        call: "search",
        key: "example.com",
        because: "breaker",
        attempts: 0,
        duration_ms: 0
      })
      assert.deepInclude(lines[1], { code: "Refused", call: "search", because: "breaker" })
    })
  )

  it.effect("is one warning where the program handles it, or falls back, too", () =>
    Effect.gen(function* () {
      const lines = yield* logged((lines) =>
        Effect.gen(function* () {
          yield* times(
            3000,
            Effect.suspend(() => gaveUp(refused("search").failure, "search"))
          )
          yield* times(
            3000,
            Effect.suspend(() => fellBack(refused("search").failure, "search"))
          )
          yield* TestClock.adjust("2 seconds")
          assert.lengthOf(lines(), 2)
        })
      )
      assert.deepStrictEqual(
        lines.map(({ level, suppressed }) => [level, suppressed]),
        [
          ["warn", undefined],
          ["warn", undefined],
          ["warn", 2999],
          ["warn", 2999]
        ]
      )
      assert.deepInclude(lines[2], {
        call: "search",
        key: "example.com",
        because: "breaker",
        attempt: 0,
        code: "Refused"
      })
      assert.strictEqual(toldOf(lines, "and the program went on"), 3000)
      assert.strictEqual(toldOf(lines, "fell back"), 3000)
    })
  )

  it.effect("tells nobody that the program went on where it did not, however many wait to be known as handled", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() =>
        Effect.gen(function* () {
          yield* times(
            3000,
            Effect.suspend(() => gaveUp(new Error("no route"), "orders", 4))
          )
          for (let n = 0; n < 500; n++) {
            const { failure, ...whole } = refused("search")
            yield* Effect.andThen(gaveUp(failure, "search"), report({ ...whole, failure }))
            yield* Effect.andThen(gaveUp(failure, "images"), fellBack(failure, "images"))
          }
        })
      )
      assert.deepStrictEqual(
        [toldOf(lines, "orders was given up"), toldOf(lines, "and the program went on")],
        [3000, 3000]
      )
    })
  )

  it.effect("is one for each upstream, and hides no other failure and no line of the program's", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() =>
        Effect.gen(function* () {
          for (let n = 0; n < 9; n++) {
            yield* report(refused("search"))
            yield* report(refused("search", "b.example"))
            yield* report(refused("search", "b.example", "bulkhead"))
            yield* report(new Error("no route"))
            yield* gaveUp(new Error("no route"), "orders", 4)
            yield* Effect.logWarning("search is not there", Cause.fail(refused("search")))
          }
        })
      )
      const written = lines.filter(({ suppressed }) => suppressed === undefined)
      assert.strictEqual(toldOf(written, "refused a call to example.com"), 1)
      assert.strictEqual(toldOf(written, "refused a call to b.example"), 2)
      assert.strictEqual(toldOf(written, "orders was given up"), 9)
      assert.strictEqual(toldOf(written, "search is not there"), 9)
      assert.lengthOf(
        written.filter(({ message }) => message === "no route"),
        9
      )
      assert.strictEqual(toldOf(lines, "refused a call"), 27)
    })
  )

  it.effect("is as long as somebody wants who sets a cap", () =>
    Effect.gen(function* () {
      const cap = { most: 3, window: Duration.seconds(10) }
      const storm = Effect.gen(function* () {
        yield* times(
          10,
          Effect.suspend(() => report(refused("search")))
        )
        yield* times(
          10,
          Effect.suspend(() => gaveUp(new Error("no route"), "orders", 4))
        )
      })
      const lines = yield* logged(() => storm, { cap })
      const written = lines.filter(({ suppressed }) => suppressed === undefined)
      assert.deepStrictEqual([toldOf(written, "refused a call"), toldOf(written, "was given up")], [3, 3])
      assert.deepStrictEqual([toldOf(lines, "refused a call"), toldOf(lines, "was given up")], [10, 10])
    })
  )

  const step = Schema.Struct({
    how: Schema.Literals(["reported", "handled", "fell back"]),
    call: Schema.Literals(["search", "orders", "images"]),
    count: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 })),
    wait: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 90 }))
  })

  it.effect.prop(
    "loses no refusal in silence: what is written and what is counted add up",
    { steps: Arbitrary.schema(Schema.Array(step)) },
    ({ steps }) =>
      Effect.gen(function* () {
        const hows = { reported: report, handled: gaveUp, "fell back": fellBack }
        const lines = yield* logged(() =>
          Effect.forEach(steps, ({ call, count, how, wait }) => {
            const one = Effect.suspend(() => {
              const whole = refused(call)
              return how === "reported" ? report(whole) : hows[how](whole.failure, call)
            })
            return Effect.andThen(times(count, one), TestClock.adjust(Duration.seconds(wait)))
          })
        )
        const sums = new Map<string, number>()
        for (const { call, count, how } of steps) {
          const said = { reported: "reported", handled: "and the program went on", "fell back": "fell back" }[how]
          sums.set(`${call} ${said}`, (sums.get(`${call} ${said}`) ?? 0) + count)
        }
        for (const [what, sum] of sums) {
          const [call = ""] = what.split(" ")
          const said = what.slice(call.length + 1)
          const own = lines.filter(({ message }) => message.includes(`${call} refused`))
          const other = own.filter(({ message }) => !/went on|fell back/.test(message))
          assert.strictEqual(said === "reported" ? toldOf(other, call) : toldOf(own, said), sum)
        }
      }),
    { arbitrary: { runs: 100 } }
  )
})

describe("events of a runner whose calls have no key", () => {
  it.effect("leave it out", () =>
    Effect.gen(function* () {
      const lines = yield* logged(() =>
        Effect.gen(function* () {
          const about = { name: "search", key: "" }
          yield* Observer.tell(() => ({ _tag: "BreakerOpened", ...about, delay: Duration.seconds(5) }))
          yield* Observer.tell(() => ({ _tag: "BreakerClosed", ...about }))
          yield* Observer.tell(() => ({ _tag: "Parked", ...about, until: "top up", error: new Error("no credits") }))
          yield* Observer.tell(() => ({ _tag: "Resumed", ...about }))
          yield* Observer.tell(() => ({ _tag: "BreakerClosed", name: "search", key: "a.example" }))
        })
      )
      assert.deepStrictEqual(
        lines.map(({ message }) => message),
        [
          "search: breaker opened for 5s",
          "search: breaker closed",
          "search parked until top up: no credits",
          "search resumed",
          "search: breaker of a.example closed"
        ]
      )
      for (const line of lines.slice(0, 4)) assert.notProperty(line, "key")
    })
  )
})
