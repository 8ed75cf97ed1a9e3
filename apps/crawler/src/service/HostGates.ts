/**
 * The hosts that have asked to be left alone, as gates in the database: each process keeps to what any of them was told, a restart forgets none, and a
 * person sees and opens them by the command `durable`.
 */
import * as Gates from "@redrive/durable/Gates"
import type * as Store from "@redrive/durable/Store"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Fetcher from "../page/Fetcher.ts"

/** Webhooks' receivers have gates by their bare names. */
const prefix = "crawl "

/** Pauses that are over sooner are not worth a row. */
const shortest = 500

const by = "a host"

/** The most gates that are listed. */
const mostGates = 1000

/** A database that is away for a while stops nothing. */
const surviving = (name: string, effect: Effect.Effect<void, Store.StoreError, Store.Store>) =>
  Effect.catchCause(effect, (cause) => Effect.logWarning(`${name}: the database does not answer`, cause))

export const layer: Layer.Layer<never, never, Fetcher.Fetcher | Store.Store> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { pauses } = yield* Fetcher.Fetcher
    const told = yield* Queue.sliding<{ readonly host: string; readonly until: number; readonly status: number }>(1000)
    pauses.listen((host, { reason, until }) => Queue.offerUnsafe(told, { host, until, status: reason.status ?? 0 }))

    const shutting = Effect.gen(function* () {
      const { host, status, until } = yield* Queue.take(told)
      if (until - (yield* Clock.currentTimeMillis) < shortest) return
      yield* Gates.shut(`${prefix}${host}`, { until: DateTime.makeUnsafe(until), why: `${status}`, by })
    })

    /** Until when gates of hosts were shut when they were last looked at. */
    let before: ReadonlyMap<string, number> = new Map()
    const looking = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const found = new Map<string, number>()
      const gates = yield* Gates.list
      for (const { gate, until, why } of gates) {
        if (!gate.startsWith(prefix)) continue
        const host = gate.slice(prefix.length)
        found.set(host, until)
        pauses.heard(host, until, Number(why) || 0, now)
      }
      // A gate that is gone before its time was opened by a person, unless there are more than the list has.
      if (gates.length < mostGates)
        for (const [host, until] of before) if (!found.has(host) && until > now) pauses.end(host)
      before = found
    })

    yield* surviving("hosts' pauses could not be read", looking)
    yield* Effect.forkScoped(Effect.forever(surviving("a host's pause could not be shared", shutting)))
    yield* Effect.forkScoped(
      Effect.forever(Effect.andThen(Effect.sleep("1 second"), surviving("hosts' pauses could not be read", looking)))
    )
  })
)
