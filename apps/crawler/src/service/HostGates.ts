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

/** A host that is paused. */
export interface HostPause {
  readonly host: string
  /** `Infinity` is no number of JSON: without it, until somebody opens it. */
  readonly until?: number
  readonly since: number
  readonly why: string
  readonly by: string
}

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

const statusOf = (why: string): string => (/^\d{3}$/.test(why) ? `it answered ${why} and said when to come back` : why)

/** The hosts that are paused, whoever paused them. */
export const list: Effect.Effect<ReadonlyArray<HostPause>, Store.StoreError, Store.Store> = Effect.map(
  Gates.list,
  (gates) =>
    gates.flatMap(({ at, by, gate, until, why }) =>
      gate.startsWith(prefix)
        ? [
            {
              host: gate.slice(prefix.length),
              since: at,
              why: statusOf(why),
              by,
              ...(Number.isFinite(until) && { until })
            }
          ]
        : []
    )
)

/** Pauses a host: no process asks it until then, or until somebody opens it. */
export const pause = (host: string, options: Gates.ShutOptions) => Gates.shut(`${prefix}${host}`, options)

/** Ends the pause of a host; gives whether it was paused. */
export const open = (host: string) => Gates.open(`${prefix}${host}`)

export const layer: Layer.Layer<never, never, Fetcher.Fetcher | Store.Store> = Layer.effectDiscard(
  Effect.gen(function* () {
    const { pauses } = yield* Fetcher.Fetcher
    const told = yield* Queue.sliding<{ readonly host: string; readonly until: number; readonly status: number }>(1000)
    pauses.listen((host, { reason, until }) => Queue.offerUnsafe(told, { host, until, status: reason.status ?? 0 }))

    const shutting = Effect.gen(function* () {
      const { host, status, until } = yield* Queue.take(told)
      if (until - (yield* Clock.currentTimeMillis) < shortest) return
      yield* pause(host, { until: DateTime.makeUnsafe(until), why: `${status}`, by })
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
