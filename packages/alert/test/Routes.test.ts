import { assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import * as Journal from "@redrive/alert/Journal"
import * as Route from "@redrive/alert/Route"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as Timeline from "@redrive/alert/Timeline"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

const page = (host: string, status = 403, jobId = "j1") =>
  new ItemError.ItemError({
    jobId,
    url: `https://${host}/`,
    reason:
      status === 403
        ? new ItemError.WebsiteAccessDenied({ status })
        : new ItemError.HostReturnedError({ status, retryAfter: Duration.zero })
  })

const broke = (jobId = "j1") =>
  new JobError.JobError({ operation: "run", jobId, reason: new JobError.InsufficientBalance({}) })

const tell = (...failures: ReadonlyArray<unknown>) =>
  Effect.forEach(failures, (failure) => ErrorReporter.report(Cause.fail(failure)), { discard: true })

/** A failure that a call was given up with, raised anew each time. */
const failing = (name: string, key: string, message = "down") =>
  Effect.suspend(() => {
    const error = Object.assign(new Error(message), { name: "Down" })
    const call = { name, key, because: "retries", attempts: 3 }
    return Effect.andThen(
      Observer.tell(() => ({ _tag: "GaveUp", name, key, attempt: 3, error, because: "retries", call })),
      tell(error)
    )
  })

const succeeding = (name: string, key: string) =>
  Effect.suspend(() =>
    Observer.isSuccessExpected(name, key)
      ? Observer.tell(() => ({ _tag: "Succeeded", name, key, attempt: 1 }))
      : Effect.void
  )

const retrying = (name: string, key: string, delay: Duration.Input) =>
  Effect.suspend(() => {
    const error = Object.assign(new Error("busy"), { name: "Busy" })
    const about = { name, key, attempt: 1, error, verdict: Verdict.transient("steady") }
    return Observer.tell(() => ({ _tag: "RetryScheduled", ...about, delay: Duration.fromInputUnsafe(delay) }))
  })

/** What is wrong with the sinks themselves is told, too. */
const isOfProgram = ([, , key]: Said) => !key.startsWith("alert_sink")

type Said = readonly [sink: string, status: string, key: string, count: number]

/** Runs a program under an alerter with sinks that keep what they take, and gives that. */
const alerted = Effect.fnUntraced(function* (
  names: ReadonlyArray<string>,
  options: Alerter.Options,
  program: (said: Array<Said>, alerts: Array<Alert.Alert>) => Effect.Effect<unknown>,
  faulty: Partial<Record<string, () => Effect.Effect<void, SinkError>>> = {}
) {
  const said: Array<Said> = []
  const all: Array<Alert.Alert> = []
  const sinkOf = (name: string): Service => ({
    kind: name,
    send: (alerts) =>
      Effect.andThen(
        Effect.suspend(faulty[name] ?? (() => Effect.void)),
        Effect.sync(() => {
          all.push(...alerts)
          for (const { count, key, status } of alerts) said.push([name, status, key, count])
        })
      )
  })
  const layer = Alerter.layerOf(Object.fromEntries(names.map((name) => [name, sinkOf(name)])), options)
  yield* Effect.provide(program(said, all), Layer.provideMerge(layer, Logger.layer([])))
  return said
})

const one = (route: Partial<Parameters<typeof Route.make>[0][number]>) =>
  Route.make([{ name: "r", sinks: ["a"], groupWait: Duration.zero, resolveAfter: Duration.zero, match: {}, ...route }])

/** What a list of routes says, one after the other. */
const planned = (routes: ReadonlyArray<Route.Route>, report: Report.Report) =>
  Route.plan(routes, report, 0).map(({ route }) => route)

describe("many routes", () => {
  const kinds = ["website_access_denied", "website_access_denied/forbidden", "host_returned_error", undefined] as const
  const Kind = Schema.Struct({
    code: Schema.Literals([0, 1, 2, 3]),
    other: Schema.Literals([0, 1, 2, 3]),
    continue: Schema.Boolean
  })
  it.prop(
    "are asked in their order, whichever of them name codes",
    { all: Schema.Array(Kind).check(Schema.isMaxLength(12)) },
    ({ all }) => {
      const codesOf = ({ code, other }: (typeof all)[number]) =>
        [kinds[code], kinds[other]].filter((one) => one !== undefined)
      const routes = Route.make(
        all.map((kind, index) => {
          const codes = codesOf(kind)
          return {
            name: `r${index}`,
            sinks: ["a"],
            match: codes.length === 0 ? {} : { codes },
            continue: kind.continue
          }
        })
      )
      const report = Report.make(page("a.example"))
      const matching = all.flatMap((kind, index) => {
        const codes = codesOf(kind)
        const isRight = codes.length === 0 || codes.some((code) => code.startsWith("website_access_denied"))
        return isRight ? [index] : []
      })
      const last = matching.findIndex((index) => all[index]?.continue === false)
      const expected = last === -1 ? matching : matching.slice(0, last + 1)
      assert.deepStrictEqual(
        planned(routes, report),
        expected.map((index) => `r${index}`)
      )
    }
  )
})

describe("a failure goes to", () => {
  const routes = Route.make([
    { name: "pages", sinks: ["pager"], match: { severity: "Fatal" }, continue: true },
    { name: "hosts", sinks: ["chat"], match: { hosts: ["*.example.com"] } },
    { name: "denied", sinks: ["mail"], match: { codes: ["website_access_denied/forbidden"] } },
    { name: "rest", sinks: [], match: {} }
  ])

  it.effect("the sinks of each route that matches, up to the first that does not continue", () =>
    Effect.gen(function* () {
      const program = Effect.andThen(
        tell(page("www.example.com"), page("example.org"), broke(), new Error("other")),
        TestClock.adjust("1 minute")
      )
      const said = yield* alerted(["pager", "chat", "mail"], { routes, inhibitions: [] }, () => program)
      const sorted = said.toSorted(([one], [other]) => one.localeCompare(other))
      assert.deepStrictEqual(sorted, [
        ["chat", "opened", "item/website_access_denied/www.example.com", 1],
        ["mail", "opened", "item/website_access_denied/example.org", 1],
        ["pager", "opened", "job/insufficient_balance", 1]
      ])
    })
  )

  it.effect("a route in its hours only, in its time zone, past midnight and over the change of the clocks", () =>
    Effect.gen(function* () {
      const night = one({ match: { hours: [{ days: ["sat"], from: "22:00", to: "06:00", zone: "Europe/Paris" }] } })
      const told: Array<string> = []
      for (const at of [
        "2026-10-24T19:59:00Z",
        "2026-10-24T20:00:00Z", // 22:00 on Saturday, summer time
        "2026-10-25T03:00:00Z", // the clocks went back at 03:00: it is 04:00
        "2026-10-25T04:59:00Z",
        "2026-10-25T05:00:00Z",
        "2026-10-25T21:30:00Z" // Sunday
      ]) {
        yield* TestClock.setTime(Date.parse(at))
        const said = yield* alerted(["a"], { routes: night }, () => tell(page("a.example")))
        if (said.length > 0) told.push(at)
      }
      assert.deepStrictEqual(told, ["2026-10-24T20:00:00Z", "2026-10-25T03:00:00Z", "2026-10-25T04:59:00Z"])
    })
  )

  it("no sink that is not there: that is refused when the layer is made", () => {
    assert.throws(() => Alerter.layerOf({}, { routes }), "no sink has the name pager, chat, mail; there are none")
  })

  it.effect("routes from JSON, of which every mistake is named", () =>
    Effect.gen(function* () {
      const [route] = yield* Route.fromJson([
        { name: "pages", sinks: ["pager"], groupWait: "10 seconds", opens: { _tag: "InARow", failures: 3 } }
      ])
      assert.deepStrictEqual(
        route,
        Route.make([
          { name: "pages", sinks: ["pager"], groupWait: Duration.seconds(10), opens: { _tag: "InARow", failures: 3 } }
        ])[0]
      )
      const wrong = [
        {
          name: "",
          sinks: "pager",
          groupwait: "1 second",
          match: { severity: "Loud", hours: [{ from: "9", to: "25:00" }] }
        }
      ]
      const { message } = yield* Effect.flip(Route.fromJson(wrong))
      for (const path of ["name", "sinks", "groupwait", "severity", "from", "to"]) assert.include(message, `"${path}"`)
    })
  )
})

describe("an incident", () => {
  it.effect("is over when its calls work again, and that is told once", () =>
    Effect.gen(function* () {
      const said = yield* alerted(["a"], { routes: one({}) }, (said) =>
        Effect.gen(function* () {
          yield* failing("fetch", "a.example")
          yield* TestClock.adjust("1 minute")
          yield* succeeding("fetch", "b.example")
          assert.lengthOf(said, 1)
          yield* succeeding("fetch", "a.example")
          yield* succeeding("fetch", "a.example")
          yield* TestClock.adjust("1 minute")
          // Nobody expects it any more.
          assert.isFalse(Observer.isSuccessExpected("fetch", "a.example"))
        })
      )
      assert.deepStrictEqual(
        said.map(([, status]) => status),
        ["opened", "resolved"]
      )
    })
  )

  it.effect("that is over before anybody was told is not told at all", () =>
    Effect.gen(function* () {
      const said = yield* alerted(["a"], { routes: one({ groupWait: Duration.seconds(30) }) }, () =>
        Effect.gen(function* () {
          yield* failing("fetch", "a.example")
          yield* TestClock.adjust("10 seconds")
          yield* succeeding("fetch", "a.example")
          yield* TestClock.adjust("1 hour")
        })
      )
      assert.deepStrictEqual(said, [])
    })
  )

  it.effect("goes on while others of its calls succeed, and is over when nothing has failed for a while", () =>
    Effect.gen(function* () {
      const routes = one({ groupWait: Duration.seconds(30), resolveAfter: Duration.seconds(30) })
      const said = yield* alerted(["a"], { routes }, () =>
        Effect.gen(function* () {
          for (let n = 0; n < 20; n++) {
            yield* failing("fetch", "a.example")
            yield* TestClock.adjust("5 seconds")
            yield* succeeding("fetch", "a.example")
            yield* TestClock.adjust("5 seconds")
          }
          yield* TestClock.adjust("1 minute")
        })
      )
      assert.deepStrictEqual(
        said.map(([, status, , count]) => [status, count]),
        [
          ["opened", 3],
          ["resolved", 17]
        ]
      )
    })
  )

  it.effect("wants as many successes in a row as its route says", () =>
    Effect.gen(function* () {
      const said = yield* alerted(["a"], { routes: one({ successes: 3 }) }, () =>
        Effect.gen(function* () {
          yield* failing("fetch", "a")
          yield* TestClock.adjust("1 minute")
          for (const step of [succeeding, succeeding, failing, succeeding, succeeding]) yield* step("fetch", "a")
          yield* TestClock.adjust("1 minute")
          yield* succeeding("fetch", "a")
          yield* TestClock.adjust("1 minute")
        })
      )
      assert.deepStrictEqual(
        said.map(([, status, , count]) => [status, count]),
        [
          ["opened", 1],
          ["resolved", 1]
        ]
      )
    })
  )

  it.effect("opens after failures in a row, with all of them in its first alert", () =>
    Effect.gen(function* () {
      const routes = one({ opens: { _tag: "InARow", failures: 3 } })
      const said = yield* alerted(["a"], { routes }, () =>
        Effect.gen(function* () {
          for (const step of [failing, failing, succeeding, failing, failing]) yield* step("fetch", "a")
          yield* TestClock.adjust("1 minute")
          yield* failing("fetch", "a")
          yield* TestClock.adjust("1 minute")
        })
      )
      assert.deepStrictEqual(
        said.map(([, status, , count]) => [status, count]),
        [["opened", 5]]
      )
    })
  )

  it.effect("opens by a share of the calls, not before there are enough of them", () =>
    Effect.gen(function* () {
      const routes = one({ opens: { _tag: "Share", share: 0.5, minimum: 4, time: Duration.minutes(1) }, successes: 9 })
      const said = yield* alerted(["a"], { routes }, (said) =>
        Effect.gen(function* () {
          yield* failing("fetch", "a")
          yield* succeeding("fetch", "a")
          yield* failing("fetch", "a")
          yield* TestClock.adjust("1 second")
          assert.lengthOf(said, 0)
          yield* failing("fetch", "a")
          yield* TestClock.adjust("1 second")
        })
      )
      assert.deepStrictEqual(
        said.map(([, status, , count]) => [status, count]),
        [["opened", 3]]
      )
    })
  )

  it.effect("opens by failures within a time", () =>
    Effect.gen(function* () {
      const routes = one({ opens: { _tag: "Within", failures: 3, time: Duration.minutes(1) } })
      const said = yield* alerted(["a"], { routes }, (said) =>
        Effect.gen(function* () {
          for (let n = 0; n < 4; n++) {
            yield* failing("fetch", "a")
            yield* TestClock.adjust("40 seconds")
          }
          assert.lengthOf(said, 0)
          yield* Effect.andThen(failing("fetch", "a"), failing("fetch", "a"))
          yield* TestClock.adjust("1 second")
        })
      )
      assert.deepStrictEqual(
        said.map(([, status]) => status),
        ["opened"]
      )
    })
  )

  it.effect("that something of another kind fails in is told without waiting for the repeat, at its pace", () =>
    Effect.gen(function* () {
      const routes = one({ groupBy: ["level"], groupInterval: Duration.minutes(5) })
      const said = yield* alerted(["a"], { routes }, (said) =>
        Effect.gen(function* () {
          yield* failing("fetch", "a", "the disk is full")
          yield* TestClock.adjust("1 minute")
          yield* failing("fetch", "a", "the network is down")
          yield* failing("fetch", "a", "the sky is green")
          yield* TestClock.adjust("3 minutes")
          assert.lengthOf(said, 1)
          yield* TestClock.adjust("1 minute")
        })
      )
      assert.deepStrictEqual(
        said.map(([, status, , count]) => [status, count]),
        [
          ["opened", 1],
          ["news", 2]
        ]
      )
    })
  )

  it.effect("that gets worse is told at once", () =>
    Effect.gen(function* () {
      const routes = one({ groupBy: ["level"] })
      const fatal = Object.assign(new Error("worse"), { [ErrorReporter.severity]: "Fatal" })
      const said = yield* alerted(["a"], { routes }, () =>
        Effect.gen(function* () {
          yield* tell(new Error("bad"))
          yield* TestClock.adjust("1 second")
          yield* tell(fatal)
          yield* TestClock.adjust("1 second")
        })
      )
      assert.deepStrictEqual(
        said.map(([, status]) => status),
        ["opened", "worse"]
      )
    })
  )

  it.effect("that nothing was heard of for long is told as expired", () =>
    Effect.gen(function* () {
      const routes = one({ expiresAfter: Duration.hours(1) })
      const said = yield* alerted(["a"], { routes }, () =>
        Effect.andThen(tell(page("a.example")), TestClock.adjust("3 hours"))
      )
      assert.deepStrictEqual(
        said.map(([, status]) => status),
        ["opened", "expired"]
      )
    })
  )

  it.effect("that lasts is told to others too, and so is its end", () =>
    Effect.gen(function* () {
      const routes = one({ escalation: { after: Duration.minutes(10), sinks: ["boss"] } })
      const said = yield* alerted(["a", "boss"], { routes }, () =>
        Effect.gen(function* () {
          yield* failing("fetch", "a")
          yield* TestClock.adjust("1 minute")
          yield* TestClock.adjust("10 minutes")
          yield* succeeding("fetch", "a")
          yield* TestClock.adjust("1 minute")
        })
      )
      assert.deepStrictEqual(said.map(([sink, status]) => `${sink} ${status}`).toSorted(), [
        "a opened",
        "a resolved",
        "boss escalated",
        "boss resolved"
      ])
    })
  )

  it.effect("that flaps is told once, and what it came to in the end", () =>
    Effect.gen(function* () {
      const routes = one({ flapping: { size: 5, high: 0.5, low: 0.3 } })
      const said = yield* alerted(["a"], { routes }, () =>
        Effect.gen(function* () {
          for (let n = 0; n < 20; n++) {
            yield* n % 2 === 0 ? failing("fetch", "a") : succeeding("fetch", "a")
            yield* TestClock.adjust("1 second")
          }
          for (let n = 0; n < 5; n++)
            yield* Observer.tell(() => ({ _tag: "Recovered", name: "fetch", key: "a", attempt: 2 }))
          yield* TestClock.adjust("1 minute")
        })
      )
      // It changes five times before that is known to be flapping, and is told once more when it has settled.
      assert.lengthOf(said, 6)
      assert.strictEqual(said.at(-1)?.[1], "resolved")
    })
  )
})

describe("while a policy retries", () => {
  it.effect(
    "nobody is told, until it takes too long: then with the time of the next attempt, and once more when it works",
    () =>
      Effect.gen(function* () {
        const routes = one({ quietFor: Duration.minutes(10) })
        yield* alerted(["a"], { routes }, (said, alerts) =>
          Effect.gen(function* () {
            for (let n = 0; n < 9; n++) {
              yield* retrying("fetch", "a", "1 minute")
              yield* TestClock.adjust("1 minute")
            }
            assert.lengthOf(said, 0)
            yield* retrying("fetch", "a", "5 minutes")
            yield* TestClock.adjust("2 minutes")
            assert.deepStrictEqual(
              said.map(([, status]) => status),
              ["retrying"]
            )
            assert.strictEqual(alerts[0]?.nextAt?.epochMilliseconds, 14 * 60_000)
            yield* Observer.tell(() => ({ _tag: "Recovered", name: "fetch", key: "a", attempt: 11 }))
            yield* TestClock.adjust("1 minute")
            assert.deepStrictEqual(
              said.map(([, status]) => status),
              ["retrying", "resolved"]
            )
          })
        )
      })
  )

  it.effect("that it was given up and handled is not told", () =>
    Effect.gen(function* () {
      const said = yield* alerted(["a"], { routes: one({}) }, () =>
        Effect.gen(function* () {
          yield* retrying("fetch", "a", "1 hour")
          yield* TestClock.adjust("1 minute")
          yield* Observer.tell(() => ({
            _tag: "GaveUp",
            name: "fetch",
            key: "a",
            attempt: 1,
            error: 1,
            because: "deadline"
          }))
          yield* TestClock.adjust("2 hours")
        })
      )
      assert.deepStrictEqual(said, [])
    })
  )
})

describe("nobody is told", () => {
  it.effect("during a silence, and after it of what has changed since people were last told", () =>
    Effect.gen(function* () {
      const hour = 3_600_000
      const silences = [{ name: "deploy", by: "ops", match: {}, from: hour, until: 2 * hour }]
      const said = yield* alerted(["a"], { routes: one({ repeatInterval: Duration.hours(9) }), silences }, (said) =>
        Effect.gen(function* () {
          yield* failing("fetch", "told before")
          yield* TestClock.adjust("61 minutes")
          yield* succeeding("fetch", "told before")
          yield* failing("crawl", "opened within", "another")
          yield* failing("store", "over within", "a third")
          yield* TestClock.adjust("10 minutes")
          yield* succeeding("store", "over within")
          yield* TestClock.adjust("40 minutes")
          assert.lengthOf(said, 1)
          yield* TestClock.adjust("20 minutes")
        })
      )
      assert.deepStrictEqual(said.map(([, status]) => status).toSorted(), ["opened", "opened", "resolved"])
    })
  )

  it.effect("of a job's items while the job's failure is open, but of other jobs' items", () =>
    Effect.gen(function* () {
      const said = yield* alerted(["a"], { routes: one({ groupWait: Duration.seconds(30) }) }, () =>
        Effect.gen(function* () {
          yield* tell(
            page("a.example", 403, "j1"),
            page("b.example", 403, "j1"),
            page("b.example", 403, "j2"),
            broke("j1")
          )
          yield* TestClock.adjust("5 minutes")
        })
      )
      assert.deepStrictEqual(said.map(([, , key]) => key).toSorted(), [
        "item/website_access_denied/b.example",
        "job/insufficient_balance"
      ])
    })
  )
})

describe("a sink", () => {
  const gone = () => Effect.fail(new SinkError({ sink: "a", message: "answered 404", reason: "gone" }))

  it.effect("that is gone is stood in for, and is tried again", () =>
    Effect.gen(function* () {
      let isGone = true
      const faulty = { a: () => (isGone ? gone() : Effect.void) }
      const options = { routes: one({}), fallbacks: { a: "b" } }
      const program = Effect.gen(function* () {
        yield* failing("fetch", "1", "one")
        yield* TestClock.adjust("1 minute")
        yield* failing("crawl", "2", "two")
        yield* TestClock.adjust("1 minute")
        isGone = false
        yield* TestClock.adjust("1 hour")
      })
      const said = yield* alerted(["a", "b"], options, () => program, faulty)
      assert.deepStrictEqual(
        said
          .filter(isOfProgram)
          .map(([sink]) => sink)
          .toSorted(),
        ["a", "a", "b", "b"]
      )
    })
  )

  it.effect("that stands in for another, and the other way round, counts no failure twice", () =>
    Effect.gen(function* () {
      let areGone = true
      const fault = () => (areGone ? gone() : Effect.void)
      const options = { routes: one({ sinks: ["a"] }), fallbacks: { a: "b", b: "a" } }
      const program = Effect.gen(function* () {
        yield* failing("fetch", "1", "one")
        yield* TestClock.adjust("1 minute")
        areGone = false
        yield* TestClock.adjust("1 hour")
      })
      const said = yield* alerted(["a", "b"], options, () => program, { a: fault, b: fault })
      const counts = said.filter(isOfProgram).map(([sink, , , count]) => `${sink} ${count}`)
      assert.deepStrictEqual(counts.toSorted(), ["a 1", "b 1"])
    })
  )

  it.effect("that asks for an hour gets it, and no attempt before", () =>
    Effect.gen(function* () {
      const attempts: Array<number> = []
      const faulty = {
        a: () =>
          Effect.flatMap(
            TestClock.testClockWith((clock) => Effect.succeed(clock.currentTimeMillisUnsafe())),
            (now) => {
              attempts.push(now)
              const verdict = Verdict.throttled(Duration.hours(1))
              return attempts.length > 2
                ? Effect.void
                : Effect.fail(new SinkError({ sink: "a", message: "busy", reason: "busy", verdict }))
            }
          )
      }
      const said = yield* alerted(
        ["a"],
        { routes: one({}) },
        () => Effect.andThen(failing("f", "1"), TestClock.adjust("5 hours")),
        faulty
      )
      assert.deepStrictEqual(attempts, [0, 3_600_000, 7_200_000])
      assert.lengthOf(said, 1)
    })
  )

  it.effect("that refuses one alert of many for good is told all others", () =>
    Effect.gen(function* () {
      const taken: Array<string> = []
      let lost = 0
      const sink: Service = {
        send: (alerts) =>
          Effect.suspend(() => {
            if (alerts.some(({ message }) => message === "poison"))
              return Effect.fail(new SinkError({ sink: "a", message: "answered 400", reason: "refused" }))
            taken.push(...alerts.map(({ message }) => message))
            return Effect.void
          })
      }
      const all = Array.from({ length: 20 }, (_, n) => (n === 7 ? "poison" : `message ${String.fromCharCode(97 + n)}`))
      const layer = Alerter.layerOf({ a: sink }, { routes: one({}), onLost: (count) => (lost += count) })
      yield* Effect.andThen(tell(...all.map((text) => new Error(text))), TestClock.adjust("1 minute")).pipe(
        Effect.provide(Layer.provideMerge(layer, Logger.layer([])))
      )
      assert.deepStrictEqual(taken.toSorted(), all.filter((text) => text !== "poison").toSorted())
      assert.strictEqual(lost, 1)
    })
  )
})

describe("a journal", () => {
  it.effect("says why somebody was told of an incident, or was not", () =>
    Effect.gen(function* () {
      const journal = Journal.make()
      const silences = [{ name: "deploy", by: "ops", match: {}, from: 600_000, until: 1_200_000 }]
      const routes = one({ opens: { _tag: "InARow", failures: 2 } })
      yield* alerted(["a"], { routes, silences, journal }, () =>
        Effect.gen(function* () {
          yield* failing("fetch", "k", "one")
          yield* TestClock.adjust("1 minute")
          yield* failing("fetch", "k", "one")
          yield* TestClock.adjust("9 minutes")
          yield* succeeding("fetch", "k")
          yield* TestClock.adjust("20 minutes")
        })
      )
      const [{ key } = { key: "" }] = journal.entries()
      assert.deepStrictEqual(journal.explain(key), [
        "1970-01-01T00:00:00.000Z r: held back by below the rule: 2 failures in a row",
        "1970-01-01T00:01:00.000Z r: a to be told: opened, 2 failures",
        "1970-01-01T00:01:00.000Z r: a told: opened, 2 failures",
        "1970-01-01T00:10:00.000Z r: held back by silence: deploy",
        "1970-01-01T00:20:00.000Z r: a to be told: resolved",
        "1970-01-01T00:20:00.000Z r: a told: resolved"
      ])
    })
  )

  it.effect("tells one incident from the next of the same key", () =>
    Effect.gen(function* () {
      const journal = Journal.make()
      const routes = one({ resolveAfter: Duration.zero })
      yield* alerted(["a"], { routes, journal }, () =>
        Effect.forEach([1, 2], () =>
          Effect.gen(function* () {
            yield* failing("fetch", "k", "one")
            yield* TestClock.adjust("1 second")
            yield* succeeding("fetch", "k")
            yield* TestClock.adjust("1 second")
          })
        )
      )
      const told = journal.entries().filter(({ decision }) => decision === "told")
      assert.deepStrictEqual(
        told.map(({ why }) => why),
        ["opened", "resolved", "opened", "resolved"]
      )
      const [first, last] = [told[0]?.incident ?? "", told[2]?.incident ?? ""]
      assert.notStrictEqual(first, last)
      const [{ key } = { key: "" }] = told
      assert.strictEqual(Timeline.make(key, journal.entries(), { incident: last }).told, 1)
      assert.strictEqual(Timeline.make(key, journal.entries()).told, 2)
    })
  )

  it.effect("keeps a storm small", () =>
    Effect.gen(function* () {
      const journal = Journal.make({ most: 5 })
      const routes = one({ sinks: [] })
      yield* alerted(["a"], { routes, journal }, () =>
        Effect.forEach(Array.from({ length: 1000 }), () => tell(page("a.example")))
      )
      assert.deepStrictEqual(
        journal.entries().map(({ count, why }) => [why, count]),
        [["no sink", 1000]]
      )
      for (let n = 0; n < 9; n++)
        journal.note({
          at: n * 60_000,
          route: "r",
          key: "k",
          incident: "",
          decision: "told",
          why: "opened",
          sinks: [],
          count: 1
        })
      assert.lengthOf(journal.entries(), 5)
    })
  )
})

describe("a plan", () => {
  const routes = Route.make([
    { name: "pages", sinks: ["pager"], match: { severity: "Fatal" }, continue: true, groupWait: Duration.zero },
    { name: "rest", sinks: ["chat"], match: {}, opens: { _tag: "InARow", failures: 3 } }
  ])

  it("says who would be told of a failure, when, and after what", () => {
    assert.deepStrictEqual(Route.plan(routes, Report.make(broke()), 1000), [
      { route: "pages", key: "job/insufficient_balance", sinks: ["pager"], at: 1000 },
      { route: "rest", key: "job/insufficient_balance", sinks: ["chat"], at: 31_000, after: "3 failures in a row" }
    ])
  })

  it("of all failures is a line for each route", () => {
    assert.deepStrictEqual(Route.describe(routes), [
      `pages: severity "Fatal": pager after 0, again after 4h; then the next routes`,
      "rest: every failure, from 3 failures in a row on: chat after 30s, again after 4h"
    ])
  })
})
