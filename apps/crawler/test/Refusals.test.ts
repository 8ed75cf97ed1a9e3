import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import type * as Alert from "@redrive/alert/Alert"
import { Sink } from "@redrive/alert/Sink"
import * as Log from "@redrive/log/Log"
import * as Pino from "@redrive/pino/Pino"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { pino } from "pino"

/** More than wait to be known as handled. */
const many = 1200

/** A runner whose breaker of a host is open, and what thousands of requests do with it in a moment. */
const storm = Effect.gen(function* () {
  const breaker = { trip: { _tag: "Consecutive", failures: 1 } } as const
  const policy = RetryPolicy.make({ retries: 0, attemptTimeout: Duration.seconds(5), breaker })
  const runner = Retry.make(policy, "fetch-page")
  const call = (key: string) => runner.run(Effect.never, { key })
  const late = yield* Effect.forkChild(Effect.ignore(Effect.withErrorReporting(call("a.example"))), {
    startImmediately: true
  })
  yield* TestClock.adjust("5 seconds")
  assert.isDefined(late.pollUnsafe())
  const refused = call("a.example")
  const uses = [Effect.withErrorReporting(refused), refused, refused.pipe(Retry.fallback(() => Effect.void))]
  for (const use of uses) {
    yield* Effect.forEach(Array.from({ length: many }), () => Effect.ignore(use), { concurrency: "unbounded" })
  }
})

interface Line {
  readonly message?: string
  readonly msg?: string
  readonly suppressed?: number
  readonly [name: string]: unknown
}

/** The lines of a kind, and how many calls they tell of. */
const toldOf = (lines: ReadonlyArray<Line>, part: RegExp) => {
  const own = lines.filter(({ message, msg }) => part.test(message ?? msg ?? ""))
  return [own.length, own.reduce((sum, { suppressed = 1 }) => sum + suppressed, 0)]
}

describe("a runner that refuses thousands of calls in a moment", () => {
  const kinds = [/^(\d+ more in 60 s like: )?fetch-page refused/, /and the program went on/, /fetch-page fell back/]

  it.effect("is a few lines of the log, and none of pino's is lost either", () =>
    Effect.gen(function* () {
      const written: Array<string> = []
      const stream = { write: (line: string) => void written.push(line) }
      for (const layer of [Log.layer({ stream }), Pino.layer(pino({}, stream))]) {
        written.length = 0
        yield* Effect.provide(Effect.andThen(storm, TestClock.adjust("2 seconds")), layer)
        const lines: ReadonlyArray<Line> = written.map((line) => JSON.parse(line))
        assert.isBelow(lines.length, 12)
        for (const kind of kinds) assert.deepStrictEqual(toldOf(lines, kind), [2, many])
        const facts = { call: "fetch-page", key: "a.example", because: "breaker", attempts: 0 }
        assert.include(JSON.stringify(lines), JSON.stringify(facts).slice(1, -12))
        assert.deepStrictEqual(toldOf(lines, /^fetch-page to a\.example timed out after 5s$/), [1, 1])
      }
    })
  )

  it.effect("is one alert that counts them, beside that of the timeout before", () =>
    Effect.gen(function* () {
      const alerts: Array<Alert.Alert> = []
      const sink = Layer.succeed(Sink, { send: (some) => Effect.sync(() => void alerts.push(...some)) })
      yield* Effect.provide(storm, Layer.provide(Alerter.layer({ threshold: "Warn" }), sink))
      assert.deepStrictEqual(
        alerts.map(({ code, count, host, severity }) => [code, host, severity, count]),
        [
          ["TimeoutError", "a.example", "Error", 1],
          ["Refused", "a.example", "Warn", many]
        ]
      )
      assert.match(alerts[1]?.message ?? "", /^fetch-page refused a call to a\.example: its breaker is open until /)
    })
  )
})
