import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import * as Outbox from "@redrive/alert/Outbox"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as Verdict from "@redrive/core/Verdict"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"

const fail = Effect.suspend(() => ErrorReporter.report(Cause.fail(new Error("down"))))

const failed = (reason: SinkError["reason"], verdict?: Verdict.Verdict) =>
  new SinkError({ sink: "test", message: "no", reason, ...(verdict !== undefined && { verdict }) })

/** A sink whose attempts end as it is told to: the last one for good. */
const sinkOf = (...ends: ReadonlyArray<Effect.Effect<void, SinkError>>) => {
  let made = 0
  const send: Service["send"] = () => Effect.suspend(() => ends[Math.min(made++, ends.length - 1)] ?? Effect.void)
  return { made: () => made, service: { send } }
}

describe("the status of an alerter says of an incident", () => {
  /** What the status says of the one incident, some time after a failure. */
  const statusAfter = (sinks: { readonly [name: string]: Service }, outbox: Layer.Layer<never> = Layer.empty) => {
    const alerts = Alerter.layerOf(sinks, { groupWait: 0, flushTimeout: "1 millis", onLost: () => undefined })
    const statusIn = (seconds: number) =>
      Effect.gen(function* () {
        yield* TestClock.adjust(Duration.seconds(seconds))
        const { status } = yield* Alerter.Alerter
        return (yield* status).incidents.map(({ delivered, incident, refused, waiting }) => ({
          told: incident.told?.sinks,
          delivered,
          waiting,
          refused
        }))
      })
    const closing = Effect.andThen(fail, Effect.all([statusIn(0.5), statusIn(59), statusIn(1)]))
    const layer = alerts.pipe(Layer.provide(outbox), Layer.provideMerge(Logger.layer([])))
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layer, scope)
      return yield* Effect.provideContext(closing, context)
    })
  }

  it.effect("which sinks have taken its alert, and for which it waits for another attempt", () =>
    Effect.gen(function* () {
      const down = sinkOf(Effect.fail(failed("failed")), Effect.void).service
      const [early, late] = yield* statusAfter({ up: sinkOf(Effect.void).service, down })
      const told = ["up", "down"]
      assert.deepStrictEqual(early, [{ told, delivered: ["up"], waiting: ["down"], refused: [] }])
      assert.deepStrictEqual(late, [{ told, delivered: told, waiting: [], refused: [] }])
    })
  )

  it.effect("that it is under way to a sink that hangs", () =>
    Effect.gen(function* () {
      const [, late] = yield* statusAfter({ a: sinkOf(Effect.never).service })
      assert.deepStrictEqual(late, [{ told: ["a"], delivered: [], waiting: ["a"], refused: [] }])
    })
  )

  it.effect("which sink refused it", () =>
    Effect.gen(function* () {
      const refusing = sinkOf(Effect.fail(failed("refused"))).service
      const [, late] = yield* statusAfter({ up: sinkOf(Effect.void).service, refusing })
      assert.deepStrictEqual(late, [
        { told: ["up", "refusing"], delivered: ["up"], waiting: [], refused: ["refusing"] }
      ])
    })
  )

  it.effect("that a sink which refused one took the next", () =>
    Effect.gen(function* () {
      const refusedIn = Effect.gen(function* () {
        const { status } = yield* Alerter.Alerter
        return (yield* status).incidents.map(({ delivered, refused }) => [delivered, refused])
      })
      const { service } = sinkOf(Effect.fail(failed("refused")), Effect.void)
      const program = Effect.gen(function* () {
        yield* fail
        yield* TestClock.adjust("1 minute")
        const first = yield* refusedIn
        yield* fail
        yield* TestClock.adjust("1 hour")
        return [first, yield* refusedIn]
      })
      const alerts = Alerter.layerOf({ a: service }, { groupWait: 0, repeatInterval: "10 minutes" })
      const seen = yield* Effect.provide(program, Layer.provideMerge(alerts, Logger.layer([])))
      assert.deepStrictEqual(seen, [[[[], ["a"]]], [[["a"], []]]])
    })
  )

  it.effect("that it has not gone out while it is being kept", () =>
    Effect.gen(function* () {
      const { service } = sinkOf(Effect.void)
      const slow = { load: Effect.succeed({ incidents: [], pending: [] }), commit: () => Effect.sleep("10 seconds") }
      const [early, late] = yield* statusAfter({ a: service }, Layer.succeed(Outbox.Outbox, slow))
      assert.deepStrictEqual(early, [{ told: ["a"], delivered: [], waiting: ["a"], refused: [] }])
      assert.deepStrictEqual(late, [{ told: ["a"], delivered: ["a"], waiting: [], refused: [] }])
    })
  )
})

describe("when the scope closes, a delivery that fails", () => {
  /** How many attempts were made within the time, what was lost, and how long closing took, in seconds. */
  const closing = (sink: ReturnType<typeof sinkOf>, options: Alerter.Options = {}) =>
    Effect.gen(function* () {
      const lost: Array<number> = []
      const scope = yield* Scope.make()
      const layer = Alerter.layerOf({ a: sink.service }, { onLost: (count) => void lost.push(count), ...options })
      const context = yield* Layer.buildWithScope(Layer.provideMerge(layer, Logger.layer([])), scope)
      yield* Effect.provideContext(fail, context)
      const fiber = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      let seconds = 0
      yield* TestClock.adjust(0)
      for (; fiber.pollUnsafe() === undefined; seconds++) yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      return { attempts: sink.made(), lost, seconds }
    })

  it.effect("is tried again within the flush timeout, and lost only after that", () =>
    Effect.gen(function* () {
      const blip = yield* closing(sinkOf(Effect.fail(failed("failed")), Effect.fail(failed("failed")), Effect.void))
      assert.deepStrictEqual([blip.attempts, blip.lost], [3, []])
      const down = yield* closing(sinkOf(Effect.fail(failed("failed"))))
      // The first waits are one and two seconds, more or less; the next would end too late.
      assert.deepStrictEqual([down.attempts, down.lost], [3, [1]])
      assert.isBelow(down.seconds, 5)
      const longer = yield* closing(sinkOf(Effect.fail(failed("failed"))), { flushTimeout: "1 minute" })
      assert.isAbove(longer.attempts, 4)
    })
  )

  it.effect("is not waited for if the receiver asks for more time than there is", () =>
    Effect.gen(function* () {
      const busy = sinkOf(Effect.fail(failed("busy", Verdict.throttled(Duration.minutes(1)))))
      const { attempts, lost, seconds } = yield* closing(busy)
      assert.deepStrictEqual([attempts, lost, seconds], [1, [1], 0])
    })
  )
})
