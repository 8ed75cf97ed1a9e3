import * as Effect from "effect/Effect"
import type { Alert } from "../Alert.ts"
import type * as Outbox from "../Outbox.ts"
import type * as Route from "../Route.ts"
import type { MessageOf, Service } from "../Sink.ts"
import * as Backlog from "./backlog.ts"
import * as Delivery from "./delivery.ts"
import type { Notice } from "./notice.ts"

export interface Settings<R> {
  readonly sinks: { readonly [name: string]: Service<R> }
  /** For a sink that is down, the one that is told in its place. */
  readonly fallbacks: { readonly [sink: string]: string }
  readonly routes: ReadonlyArray<Route.Route>
}

/** What waits for each sink. While a sink is down, its fallback is told, too. */
export interface Deliveries<R> {
  /** Which sinks a notice goes to, those included that stand in for others. */
  readonly targetsOf: (notice: Notice) => ReadonlyArray<Outbox.Pending>
  /** Adds alerts. `isTried` says that an earlier process may have delivered them. */
  readonly offer: (pending: ReadonlyArray<Outbox.Pending>, isTried?: boolean) => void
  /** Delivers what waits, again and again. */
  readonly run: Effect.Effect<void, never, R>
  /** From now on nothing is taken any more but by `flush`. */
  readonly stop: () => void
  /** Delivers what waits: each part once, and again after its wait if that ends before a time. */
  readonly flush: (until?: number) => Effect.Effect<void, never, R>
  /** The same, for those sinks whose last attempt did not fail. */
  readonly flushWorking: Effect.Effect<void, never, R>
  /** What waits, or is under way. */
  readonly undelivered: () => ReadonlyArray<Outbox.Pending>
  /** The same, and it waits no longer. */
  readonly rest: () => ReadonlyArray<Alert>
  readonly states: () => ReadonlyArray<Delivery.State>
}

/** `hears` is called when a sink stands in for another one: its people hear how the incident ends, too. */
export const make = <R>(
  { fallbacks, routes, sinks }: Settings<R>,
  messageOf: (sink: string) => MessageOf,
  ledger: Delivery.Ledger,
  hears: (alert: Alert, sink: string) => void
): Deliveries<R> => {
  /** Hands the alerts that wait for a sink that has just gone down to its fallback, too. */
  const standIn = (name: string) => {
    const other = deliveries.get(fallbacks[name] ?? "")
    if (other === undefined) return
    for (const alert of deliveries.get(name)?.waiting() ?? []) {
      other.offer(alert)
      hears(alert, other.name)
    }
    other.wake()
  }
  const watched: Delivery.Ledger = {
    ...ledger,
    down: (name, error) => {
      standIn(name)
      ledger.down(name, error)
    }
  }

  /** Whether a sink's people hear of an incident for the first time by an alert: those of an escalation do when it comes. */
  const isFirstAt = (name: string) => (alert: Alert) =>
    Backlog.isOpening(alert) ||
    (alert.status === "escalated" && routes.find((route) => route.name === alert.route)?.sinks.includes(name) === false)
  const deliveries: ReadonlyMap<string, Delivery.Delivery<R>> = new Map(
    Object.entries(sinks).map(([name, sink]) => [
      name,
      Delivery.make(name, sink, watched, messageOf(name), isFirstAt(name))
    ])
  )
  const all = [...deliveries.values()]

  const flush = (some: ReadonlyArray<Delivery.Delivery<R>>, until?: number) =>
    Effect.forEach(some, (delivery) => delivery.flush(until), { concurrency: "unbounded", discard: true })

  return {
    targetsOf: ({ alert, sinks: names }) => {
      const targets = new Set(names)
      for (const name of names) {
        const other = fallbacks[name]
        if (other === undefined || deliveries.get(name)?.state().isDown !== true) continue
        targets.add(other)
        hears(alert, other)
      }
      return [...targets].map((sink) => ({ sink, alert }))
    },
    offer: (pending, isTried = false) => {
      for (const { alert, sink } of pending) deliveries.get(sink)?.offer(alert, isTried)
      // All at once, so that a sink that takes several alerts together gets them together.
      for (const delivery of all) delivery.wake()
    },
    run: Effect.forEach(all, ({ run }) => run, { concurrency: "unbounded", discard: true }),
    stop: () => {
      for (const delivery of all) delivery.stop()
    },
    flush: (until) => flush(all, until),
    flushWorking: Effect.suspend(() => flush(all.filter((delivery) => delivery.state().failures === 0))),
    undelivered: () => all.flatMap(({ name, waiting }) => waiting().map((alert) => ({ sink: name, alert }))),
    rest: () => all.flatMap((delivery) => delivery.rest()),
    states: () => all.map((delivery) => delivery.state())
  }
}
