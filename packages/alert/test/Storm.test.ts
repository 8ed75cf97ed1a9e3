import { assert, describe, it } from "@effect/vitest"
import * as Alert from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import * as Route from "@redrive/alert/Route"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as Observer from "@redrive/core/Observer"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"

const routes = Route.make([
  {
    name: "r",
    sinks: ["chat"],
    match: {},
    groupBy: ["code"],
    groupWait: Duration.seconds(5),
    resolveAfter: Duration.zero
  }
])

const fail = (n: number, severity = "Error") =>
  Effect.suspend(() => {
    const error = Object.assign(new Error("down"), { name: `Kind${n}`, [ErrorReporter.severity]: severity })
    const call = { name: "call", key: `${n}`, because: "retries", attempts: 1 }
    return Effect.andThen(
      Observer.tell(() => ({ _tag: "GaveUp", name: "call", key: `${n}`, attempt: 1, error, because: "retries", call })),
      ErrorReporter.report(Cause.fail(error))
    )
  })

const work = (n: number) => Observer.tell(() => ({ _tag: "Recovered", name: "call", key: `${n}`, attempt: 2 }))

interface Message {
  readonly at: number
  readonly alert: Alert.Alert
}

/** A channel like Slack: one message a second, one alert in each. */
const channel = (
  messages: Array<Message>,
  fault: (alert: Alert.Alert) => SinkError | undefined = () => undefined
): Service => ({
  batch: 1,
  pace: "1 second",
  digestFrom: 20,
  send: ([alert]) =>
    Effect.flatMap(Clock.currentTimeMillis, (at) => {
      const error = fault(alert)
      if (error !== undefined) return Effect.fail(error)
      messages.push({ at, alert })
      return Effect.void
    })
})

const under = (sink: Service, program: Effect.Effect<unknown>, onLost: (count: number) => void = () => undefined) =>
  Effect.provide(
    program,
    Alerter.layerOf({ chat: sink }, { routes, onLost, maxKeys: 20_000 }).pipe(Layer.provideMerge(Logger.layer([])))
  )

const times = (count: number, act: (n: number) => Effect.Effect<unknown>) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    act,
    { discard: true }
  )

describe("ten thousand incidents in a minute", () => {
  it.effect("are a few messages within the channel's limit, that count every failure and every end", () =>
    Effect.gen(function* () {
      const messages: Array<Message> = []
      let lost = 0
      const program = Effect.gen(function* () {
        for (let second = 0; second < 60; second++) {
          yield* times(167, (n) => fail(second * 167 + n))
          yield* TestClock.adjust("1 second")
        }
        yield* times(60, () => TestClock.adjust("1 second"))
        yield* times(60 * 167, work)
        yield* times(60, () => TestClock.adjust("1 second"))
      })
      yield* under(channel(messages), program, (count) => (lost = count))
      assert.strictEqual(lost, 0)
      assert.isBelow(messages.length, 150)
      for (const [index, { at }] of messages.entries())
        if (index > 0) assert.isAtLeast(at - (messages[index - 1]?.at ?? 0), 1000)
      const sums = { opened: 0, resolved: 0 }
      let count = 0
      for (const { alert } of messages) {
        count += alert.count
        sums.opened += alert.digest === undefined ? Number(alert.status === "opened") : (alert.digest.opened ?? 0)
        sums.resolved += alert.digest === undefined ? Number(alert.status === "resolved") : (alert.digest.resolved ?? 0)
      }
      assert.deepStrictEqual({ count, ...sums }, { count: 10_020, opened: 10_020, resolved: 10_020 })
      // People hear of all of it within seconds of its end.
      assert.isAtMost(messages.findLast(({ alert }) => alert.digest?.opened !== undefined)?.at ?? 0, 70_000)
    })
  )

  it.effect("show the worst first", () =>
    Effect.gen(function* () {
      const messages: Array<Message> = []
      const program = Effect.gen(function* () {
        yield* times(30, (n) => fail(n, n === 17 ? "Fatal" : "Error"))
        yield* fail(3)
        yield* TestClock.adjust("5 seconds")
        yield* TestClock.adjust("5 seconds")
      })
      yield* under(channel(messages), program)
      const [digest] = messages.map(({ alert }) => alert)
      assert.isDefined(digest)
      assert.strictEqual(Alert.title(digest), "30 alerts: 30 opened (31 failures)")
      assert.strictEqual(digest.severity, "Fatal")
      const lines = digest.message.split("\n")
      assert.deepStrictEqual(lines.slice(0, 2), ["Fatal: Kind17 (1 failure)", "Error: Kind3 (2 failures)"])
      assert.lengthOf(lines, 11)
      assert.strictEqual(lines.at(-1), "and 20 more")
    })
  )

  it.effect("are told one by one by a channel that takes no digest, and lose none if one fails", () =>
    Effect.gen(function* () {
      const messages: Array<Message> = []
      let attempts = 0
      const digests: Array<string> = []
      const fault = ({ digest, id }: Alert.Alert) => {
        attempts++
        if (digest !== undefined) digests.push(id)
        if (digest !== undefined && attempts === 1)
          return new SinkError({ sink: "chat", message: "reset", reason: "unreachable" })
        return digest === undefined ? undefined : new SinkError({ sink: "chat", message: "no", reason: "refused" })
      }
      const program = Effect.gen(function* () {
        yield* times(25, (n) => fail(n))
        yield* times(60, () => TestClock.adjust("1 second"))
      })
      yield* under(channel(messages, fault), program)
      assert.lengthOf(messages, 25)
      // A receiver may know by its id that it has had it.
      assert.deepStrictEqual([digests.length, new Set(digests).size], [2, 1])
    })
  )
})
