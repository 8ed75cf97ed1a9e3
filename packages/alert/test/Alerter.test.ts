import { assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import { Sink, SinkError } from "@redrive/alert/Sink"
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Report from "@redrive/core/Report"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"

const denied = (url = "https://example.com/a", status = 403) =>
  new ItemError.ItemError({ jobId: "j1", url, reason: new ItemError.WebsiteAccessDenied({ status }) })

const missing = new ItemError.ItemError({
  url: "https://example.com/none",
  reason: new ItemError.HostReturnedError({ status: 404 })
})

const broke = () =>
  new JobError.JobError({ operation: "run", jobId: "j2", reason: new JobError.InsufficientBalance({}) })

const tell = (...failures: ReadonlyArray<unknown>) =>
  Effect.forEach(failures, (failure) => ErrorReporter.report(Cause.fail(failure)), { discard: true })

/** An alerter over a sink that keeps its deliveries, or does something else first; the program runs under it. */
const alerting = <A, E>(
  program: (deliveries: Array<ReadonlyArray<Alert.Alert>>) => Effect.Effect<A, E>,
  options: Alerter.Options = {},
  first: () => Effect.Effect<void, SinkError> = () => Effect.void
) => {
  const deliveries: Array<ReadonlyArray<Alert.Alert>> = []
  const sink = Layer.succeed(Sink, {
    send: (alerts) =>
      Effect.andThen(
        Effect.suspend(first),
        Effect.sync(() => void deliveries.push(alerts))
      )
  })
  const layer = Alerter.layer({ threshold: "Warn", ...options }).pipe(Layer.provide(sink))
  return Effect.map(Effect.exit(Effect.provide(program(deliveries), layer)), (exit) => ({ deliveries, exit }))
}

const counts = (deliveries: ReadonlyArray<ReadonlyArray<Alert.Alert>>) =>
  deliveries.map((alerts) => alerts.map(({ count, key }) => [key, count]))

const quiet = Effect.provide(Logger.layer([]))

describe("reports become alerts", () => {
  it.effect("by level, code and host, once the group has waited", () =>
    Effect.gen(function* () {
      const { exit } = yield* alerting((deliveries) =>
        Effect.gen(function* () {
          yield* tell(denied(), denied("https://example.com/b"), denied("https://example.org/"), broke())
          yield* TestClock.adjust("29 seconds")
          assert.isEmpty(deliveries)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(counts(deliveries), [
            [
              ["item/website_access_denied/example.com", 2],
              ["item/website_access_denied/example.org", 1],
              ["job/insufficient_balance", 1]
            ]
          ])
          assert.deepInclude(deliveries[0]?.[0], {
            severity: "Warn",
            detail: "forbidden",
            host: "example.com",
            actor: "caller",
            message: "website_access_denied forbidden 403 at https://example.com/a",
            urls: ["https://example.com/a", "https://example.com/b"],
            jobIds: ["j1"]
          })
        })
      )
      assert.deepStrictEqual(exit, Exit.void)
    })
  )

  it.effect("of each call and upstream that the retry engine timed out, by itself", () =>
    Effect.gen(function* () {
      const late = (name: string, key: string) =>
        Object.assign(new Cause.TimeoutError(`${name} to ${key} timed out after 5s`), {
          [Report.call]: { name, key, engine: "timed out" }
        })
      const failures = [late("search", "billing"), late("search", "a.example"), late("orders", "a.example")]
      const { deliveries } = yield* alerting(() =>
        tell(...failures, late("search", "billing"), new Cause.TimeoutError())
      )
      const keys = [...failures, new Cause.TimeoutError()].map((failure) => Report.make(failure).fingerprint)
      assert.deepStrictEqual(counts(deliveries), [
        [
          [`program/TimeoutError/${keys[0]}`, 2],
          [`program/TimeoutError/a.example/${keys[1]}`, 1],
          [`program/TimeoutError/a.example/${keys[2]}`, 1],
          [`program/TimeoutError/${keys[3]}`, 1]
        ]
      ])
    })
  )

  it.effect("of the threshold's severity and above only", () =>
    Effect.gen(function* () {
      const warn = yield* alerting(() => tell(missing, denied(), broke()))
      assert.deepStrictEqual(counts(warn.deliveries), [
        [
          ["item/website_access_denied/example.com", 1],
          ["job/insufficient_balance", 1]
        ]
      ])
      const fatal = yield* alerting(() => tell(missing, denied(), broke()), { threshold: "Fatal" })
      assert.deepStrictEqual(counts(fatal.deliveries), [[["job/insufficient_balance", 1]]])
    })
  )

  it.effect(
    "of which the same kind is told again only after the repeat interval, with all that happened meanwhile",
    () =>
      alerting(
        (deliveries) =>
          Effect.gen(function* () {
            yield* tell(denied())
            yield* TestClock.adjust("30 seconds")
            for (let minute = 0; minute < 60; minute++) {
              yield* tell(denied())
              yield* TestClock.adjust("1 minute")
            }
            assert.deepStrictEqual(counts(deliveries), [
              [["item/website_access_denied/example.com", 1]],
              [["item/website_access_denied/example.com", 60]]
            ])
          }),
        { repeatInterval: "1 hour" }
      )
  )

  it.effect("with their places listed up to five, each once", () =>
    Effect.gen(function* () {
      const urls = Array.from({ length: 9 }, (_, n) => `https://example.com/${n % 7}`)
      const { deliveries } = yield* alerting(() => tell(...urls.map((url) => denied(url))))
      assert.strictEqual(deliveries[0]?.[0]?.count, 9)
      assert.lengthOf(deliveries[0]?.[0]?.urls ?? [], 5)
    })
  )

  it.effect("and the incident that was told the longest ago makes room for a new one, and is told as expired", () =>
    alerting(
      (deliveries) =>
        Effect.gen(function* () {
          for (const host of ["a", "b", "c"]) {
            yield* tell(denied(`https://${host}.example/`))
            yield* TestClock.adjust("1 minute")
          }
          assert.deepStrictEqual(
            deliveries.flat().map(({ host, status }) => [host, status]),
            [
              ["a.example", "opened"],
              ["b.example", "opened"],
              ["a.example", "expired"],
              ["c.example", "opened"]
            ]
          )
        }),
      { maxKeys: 2 }
    )
  )

  it.effect("and what finds no room among those of which nobody knows shares one alert that counts it", () =>
    Effect.gen(function* () {
      const hosts = Array.from({ length: 10 }, (_, n) => denied(`https://host${n}.example/`))
      const { deliveries } = yield* alerting(() => tell(...hosts), { maxKeys: 3 })
      assert.deepStrictEqual(
        deliveries.flat().map(({ count, key }) => [key.split("/").at(-1), count]),
        [
          ["host0.example", 1],
          ["host1.example", 1],
          ["host2.example", 1],
          ["overflow", 7]
        ]
      )
    })
  )

  it.effect("of every alerter around the program: the service is that of the innermost", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const around = (name: string, threshold: "Warn" | "Fatal") =>
        Alerter.layerOf(
          {
            [name]: {
              kind: name,
              send: (alerts) =>
                Effect.sync(() => void seen.push(...alerts.map(({ code, status }) => `${name} ${status} ${code}`)))
            }
          },
          { threshold }
        )
      const program = Effect.gen(function* () {
        yield* tell(denied(), broke())
        yield* TestClock.adjust("30 seconds")
        const { status, test } = yield* Alerter.Alerter
        const trials = yield* test(broke())
        assert.deepStrictEqual(
          [trials.map(({ sink }) => sink), (yield* status).sinks.map(({ name }) => name)],
          [["inner"], ["inner"]]
        )
      })
      yield* quiet(Effect.provide(program, Layer.provideMerge(around("inner", "Warn"), around("outer", "Fatal"))))
      assert.deepStrictEqual(seen.toSorted(), [
        "inner opened insufficient_balance",
        "inner opened insufficient_balance",
        "inner opened website_access_denied",
        "inner resolved insufficient_balance",
        "outer opened insufficient_balance"
      ])
    })
  )

  it.effect("and kinds that are over make room for new ones", () =>
    alerting(
      (deliveries) =>
        Effect.gen(function* () {
          for (const host of ["a", "b", "c"]) {
            yield* tell(denied(`https://${host}.example/`))
            yield* TestClock.adjust("2 hours")
          }
          assert.deepStrictEqual(
            deliveries.flat().map(({ host }) => host),
            ["a.example", "b.example", "c.example"]
          )
        }),
      { maxKeys: 1, repeatInterval: "1 hour" }
    )
  )
})

describe("when the scope closes", () => {
  it.effect("what is pending is sent at once", () =>
    Effect.gen(function* () {
      const { deliveries } = yield* alerting(() => tell(denied()))
      assert.lengthOf(deliveries, 1)
    })
  )

  it.effect("nothing is sent where nothing is pending", () =>
    Effect.gen(function* () {
      const { deliveries } = yield* alerting(() => Effect.void)
      assert.isEmpty(deliveries)
    })
  )

  it.effect("an attempt that is under way ends, and is not made again", () =>
    Effect.gen(function* () {
      let [begun, ended] = [0, 0]
      const send = () =>
        Effect.suspend(() => {
          begun++
          return Effect.andThen(
            Effect.sleep("2 seconds"),
            Effect.sync(() => void ended++)
          )
        })
      const scope = yield* Scope.make()
      const layer = Alerter.layer({ threshold: "Warn" }).pipe(Layer.provide(Layer.succeed(Sink, { send })))
      const context = yield* Layer.buildWithScope(layer, scope)
      yield* Effect.provideContext(tell(denied()), context)
      yield* TestClock.adjust("31 seconds")
      assert.deepStrictEqual([begun, ended], [1, 0])
      // One more, which waits.
      yield* Effect.provideContext(tell(denied("https://other.example/")), context)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
      assert.deepStrictEqual([begun, ended], [2, 2])
    }).pipe(quiet)
  )

  it.effect("a sink that hangs holds it no longer than the flush timeout", () =>
    Effect.gen(function* () {
      const sink = Layer.succeed(Sink, { send: () => Effect.never })
      const scope = yield* Scope.make()
      const layer = Alerter.layer({ threshold: "Warn", flushTimeout: "3 seconds" }).pipe(Layer.provide(sink))
      const context = yield* Layer.buildWithScope(layer, scope)
      yield* Effect.provideContext(tell(denied()), context)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("2999 millis")
      assert.isUndefined(closing.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
    }).pipe(quiet)
  )
})

describe("a sink that does not work", () => {
  it.effect("gets the alerts again, and what came meanwhile with them", () => {
    let calls = 0
    const failing = () => (++calls === 1 ? Effect.fail(new SinkError({ sink: "test", message: "down" })) : Effect.void)
    return alerting(
      (deliveries) =>
        Effect.gen(function* () {
          yield* tell(denied())
          yield* TestClock.adjust("30 seconds")
          assert.strictEqual(calls, 1)
          yield* tell(denied("https://example.com/b"))
          yield* TestClock.adjust("30 seconds")
          assert.deepStrictEqual(counts(deliveries), [[["item/website_access_denied/example.com", 2]]])
          assert.deepStrictEqual(deliveries[0]?.[0]?.urls, ["https://example.com/a", "https://example.com/b"])
        }),
      {},
      failing
    ).pipe(quiet)
  })

  const faults: ReadonlyArray<readonly [what: string, fault: () => Effect.Effect<void, SinkError>]> = [
    ["fails", () => Effect.fail(new SinkError({ sink: "test", message: "down" }))],
    ["dies", () => Effect.die("broken")],
    [
      "throws",
      () => {
        throw new Error("broken")
      }
    ],
    ["hangs", () => Effect.never]
  ]
  for (const [what, fault] of faults) {
    it.effect(`because it ${what} never changes the program's exit`, () =>
      Effect.gen(function* () {
        const program = Effect.andThen(tell(denied()), Effect.as(Effect.sleep("5 minutes"), 1))
        const running = yield* Effect.forkChild(alerting(() => program, {}, fault))
        for (let minute = 0; minute < 10; minute++) yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual((yield* Fiber.join(running)).exit, Exit.succeed(1))
      }).pipe(quiet)
    )
  }
})
