import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import * as Route from "@redrive/alert/Route"
import type { Service } from "@redrive/alert/Sink"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"

const [minute, hour] = [60_000, 3_600_000]

const fail = (name: string) => ErrorReporter.report(Cause.fail(Object.assign(new Error("down"), { name })))

const silence = (some: Partial<Route.Silence>): Route.Silence => ({
  name: "deploy",
  by: "ops",
  match: {},
  from: 0,
  until: 24 * hour,
  ...some
})

/** What two routes tell, and what the log says, while a program runs. */
const heard = Effect.fnUntraced(function* (
  silences: NonNullable<Alerter.Options["silences"]>,
  program: (told: ReadonlyArray<string>) => Effect.Effect<unknown, never, Alerter.Alerter>
) {
  const told: Array<string> = []
  const logged: Array<string> = []
  const sinkOf = (name: string): Service => ({
    send: (alerts) =>
      Effect.sync(() => void told.push(...alerts.map(({ code, status }) => `${name} ${status} ${code}`)))
  })
  const routes = Route.make([
    { name: "first", sinks: ["a"], match: {}, groupBy: ["code"], groupWait: 0, continue: true },
    { name: "second", sinks: ["b"], match: {}, groupBy: ["code"], groupWait: 0 }
  ])
  const layer = Alerter.layerOf({ a: sinkOf("a"), b: sinkOf("b") }, { routes, silences })
  const log = Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
  yield* Effect.provide(program(told), Layer.provideMerge(layer, log))
  return { told, logged }
})

describe("a silence", () => {
  it.effect("of one route leaves the others their word", () =>
    Effect.gen(function* () {
      const { told } = yield* heard([silence({ routes: ["second"], until: hour })], (told) =>
        Effect.gen(function* () {
          yield* fail("Disk")
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(told, ["a opened Disk"])
          yield* TestClock.adjust("1 hour")
        })
      )
      assert.deepStrictEqual(told, ["a opened Disk", "b opened Disk"])
    })
  )

  it.effect("of all but some failures lets these through", () =>
    Effect.gen(function* () {
      const { told } = yield* heard([silence({ match: { not: { codes: ["Fire"] } } })], () =>
        Effect.all([fail("Disk"), fail("Fire"), TestClock.adjust("1 minute")])
      )
      assert.deepStrictEqual(told, ["a opened Fire", "b opened Fire"])
    })
  )

  it.effect("of some hours ends with them, and says so", () =>
    Effect.gen(function* () {
      // The clock of the test begins at midnight.
      const hours = [{ from: "00:00", to: "06:00" }]
      const { told } = yield* heard([silence({ match: { hours } })], (told) =>
        Effect.gen(function* () {
          const { status } = yield* Alerter.Alerter
          yield* fail("Disk")
          yield* TestClock.adjust("1 minute")
          const { incidents } = yield* status
          assert.deepStrictEqual(
            incidents.map(({ held }) => held?.until),
            [6 * hour, 6 * hour]
          )
          yield* TestClock.adjust("358 minutes")
          assert.deepStrictEqual(told, [])
          yield* TestClock.adjust("2 minutes")
          assert.deepStrictEqual(told, ["a opened Disk", "b opened Disk"])
        })
      )
      assert.lengthOf(told, 2)
    })
  )

  it.effect("of all but some hours ends when these begin", () =>
    Effect.gen(function* () {
      const zone = "Asia/Kolkata"
      // Five and a half hours are between that zone and UTC.
      const not = { hours: [{ from: "09:00", to: "17:00", zone }] }
      yield* heard([silence({ match: { not } })], (told) =>
        Effect.gen(function* () {
          yield* fail("Disk")
          yield* TestClock.adjust("209 minutes")
          assert.deepStrictEqual(told, [])
          yield* TestClock.adjust("1 minute")
          assert.lengthOf(told, 2)
        })
      )
    })
  )

  it.effect("begins and ends while the program runs, before its time, too", () =>
    Effect.gen(function* () {
      let silences: ReadonlyArray<Route.Silence> = []
      const { told } = yield* heard(
        () => silences,
        (told) =>
          Effect.gen(function* () {
            yield* fail("Disk")
            yield* TestClock.adjust("1 minute")
            silences = [silence({})]
            yield* fail("Net")
            yield* TestClock.adjust("10 minutes")
            assert.deepStrictEqual(told, ["a opened Disk", "b opened Disk"])
            silences = []
            yield* TestClock.adjust("30 seconds")
          })
      )
      assert.deepStrictEqual(told.slice(2), ["a opened Net", "b opened Net"])
    })
  )

  it.effect("that is wrong keeps nobody from hearing, and the log says so", () =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<() => ReadonlyArray<Route.Silence>> = [
        () => [silence({ from: 2 * minute, until: minute })],
        () => "none" as never,
        () => {
          throw new Error("no table silences")
        }
      ]
      for (const silences of wrong) {
        const { logged, told } = yield* heard(silences, () =>
          Effect.andThen(fail("Disk"), TestClock.adjust("1 minute"))
        )
        assert.deepStrictEqual(told, ["a opened Disk", "b opened Disk"])
        assert.match(logged.join("\n"), /nobody is kept from hearing, .*: (they must be a list|no table silences)/)
      }
    })
  )

  it.effect("that is longer than an incident lives keeps nothing from people in the end", () =>
    Effect.gen(function* () {
      const { told } = yield* heard([silence({ until: 60 * hour })], (told) =>
        Effect.gen(function* () {
          yield* fail("Disk")
          yield* TestClock.adjust("59 hours")
          assert.deepStrictEqual(told, [])
          yield* TestClock.adjust("2 hours")
          assert.deepStrictEqual(told, ["a opened Disk", "b opened Disk"])
          yield* TestClock.adjust("24 hours")
        })
      )
      assert.deepStrictEqual(told.slice(2), ["a expired Disk", "b expired Disk"])
    })
  )

  for (const [when, begun, end] of [
    ["forward", "2027-03-27T21:30:00Z", "2027-03-28T04:00:00Z"],
    ["back", "2027-10-30T20:30:00Z", "2027-10-31T05:00:00Z"]
  ] as const)
    it.effect(`of some hours ends with them, though clocks go ${when} meanwhile`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(Date.parse(begun))
        const hours = [{ from: "22:00", to: "06:00", zone: "Europe/Berlin" }]
        const all = silence({ match: { hours }, until: Date.parse("2028-01-01") })
        const { told } = yield* heard([all], (told) =>
          Effect.gen(function* () {
            yield* fail("Disk")
            yield* TestClock.adjust(Date.parse(end) - Date.parse(begun) - minute)
            assert.deepStrictEqual(told, [])
            yield* TestClock.adjust("2 minutes")
            assert.deepStrictEqual(told, ["a opened Disk", "b opened Disk"])
          })
        )
        assert.lengthOf(told, 2)
      })
    )
})
