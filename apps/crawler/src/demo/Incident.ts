/**
 * One incident from its beginning to its end: a burst of failures, a process that ends before anybody was told, the next one that tells, a silence, and the
 * recovery.
 */
import * as Alerter from "@redrive/alert/Alerter"
import * as Journal from "@redrive/alert/Journal"
import * as Route from "@redrive/alert/Route"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"

const routes = Route.make([
  { name: "team", sinks: ["chat"], match: {}, groupWait: Duration.millis(100), resolveAfter: Duration.zero }
])

const down = () => Object.assign(new Error("the shop does not answer"), { name: "ShopDown" })

/** Calls of a shop that is down until it is not, each tried once. */
const shop = () => {
  const state = { isDown: true }
  const call = Effect.suspend(() => (state.isDown ? Effect.fail(down()) : Effect.void))
  const policy = RetryPolicy.make({ retries: 0 })
  const order = Retry.retry(call, policy, { name: "order", key: "shop.example" })
  return { state, order: order.pipe(Effect.withErrorReporting, Effect.ignore) }
}

const soon = Effect.sleep("400 millis")

/** Runs the story, and gives the alerts that people got and what the journals say. */
export const story = Effect.fnUntraced(function* (folder: string) {
  const told: Array<string> = []
  const { order, state } = shop()
  const database = Layer.provide(SqlOutbox.layer({ name: "demo" }), Sqlite.layer({ filename: `${folder}/alerts.db` }))

  /** A process with an alerter, whose chat is there or not. */
  const life = <A>(isThere: boolean, silences: ReadonlyArray<Route.Silence>, program: Effect.Effect<A>) => {
    const journal = Journal.make()
    const chat: Service = {
      kind: "chat",
      send: (alerts) =>
        Effect.suspend(() => {
          if (!isThere) return Effect.fail(new SinkError({ sink: "chat", message: "no answer", reason: "unreachable" }))
          told.push(...alerts.map(({ count, status }) => `${status}, ${count} new failures`))
          return Effect.void
        })
    }
    const options = { routes, journal, silences, flushTimeout: "100 millis", onLost: () => undefined } as const
    const alerts = Alerter.layerOf({ chat }, options).pipe(Layer.provide(database))
    // The alerter's own log of the chat that does not answer would come between the lines of the demo.
    return Effect.map(Effect.provide(program, Layer.provideMerge(alerts, Logger.layer([]))), () => journal.entries())
  }

  const burst = Effect.andThen(Effect.replicateEffect(order, 25, { discard: true }), soon)
  const first = yield* life(false, [], burst)
  const now = yield* Clock.currentTimeMillis
  const silence = { name: "deploy", by: "ops", match: {}, from: now + 300, until: now + 900 }
  const second = yield* life(
    true,
    [silence],
    Effect.gen(function* () {
      yield* soon
      // It works again while people are not to be told; they are when that is over.
      state.isDown = false
      yield* order
      yield* Effect.andThen(soon, soon)
    })
  )
  return { told, entries: [...first, ...second] }
})
