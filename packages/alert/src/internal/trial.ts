import type * as Report from "@redrive/core/Report"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Incident from "../Incident.ts"
import type * as Route from "../Route.ts"
import type { Service } from "../Sink.ts"
import * as Delivery from "./delivery.ts"
import { alertOf } from "./notice.ts"
import { keyOf, routesOf } from "./matching.ts"
import * as Messages from "./messages.ts"

/**
 * What became of a test alert at one sink.
 *
 * @category models
 * @since 0.1.0
 */
export interface Trial {
  /** The route that it came by. */
  readonly route: string
  /** The sink, as routes name it. */
  readonly sink: string
  /** Whether the sink took it: `failed` if another attempt may help, `refused` if it never will. */
  readonly outcome: "delivered" | "failed" | "refused"
  /** What the sink said. Default: nothing. */
  readonly message?: string | undefined
  /** How long the attempt took, in milliseconds. */
  readonly duration: number
}

const ignore = () => undefined

/** Delivers an alert about a failure to everybody who would be told of it, and then that it is over. Each sink makes one attempt. */
export const run = <R>(
  sinks: { readonly [name: string]: Service<R> },
  routes: ReadonlyArray<Route.Route>,
  report: Report.Report
): Effect.Effect<ReadonlyArray<Trial>, never, R> =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const tried = new Set<string>()
    const targets = routesOf(routes, report, now).flatMap((route) =>
      route.sinks.flatMap((name) => {
        const sink = sinks[name]
        if (sink === undefined || tried.has(name)) return []
        tried.add(name)
        return [{ name, route, sink }]
      })
    )
    return yield* Effect.forEach(targets, ({ name, route, sink }) => one(name, sink, route, report), {
      concurrency: "unbounded"
    })
  })

const one = Effect.fnUntraced(function* <R>(
  name: string,
  sink: Service<R>,
  route: Route.Route,
  report: Report.Report
): Effect.fn.Return<Trial, never, R> {
  const messages = Messages.make()
  let seen: Pick<Trial, "outcome" | "message"> = { outcome: "failed" }
  const ledger: Delivery.Ledger = {
    delivered: (_, [alert], receipt) => {
      seen = { outcome: "delivered" }
      if (alert !== undefined) messages.delivered(name, alert, receipt)
    },
    refused: (_, __, { message }) => void (seen = { outcome: "refused", message }),
    attemptFailed: (_, { message }) => void (seen = { outcome: "failed", message }),
    unsure: ignore,
    collapsed: ignore,
    settled: ignore,
    down: ignore,
    up: ignore
  }
  const delivery = Delivery.make(name, sink, ledger, messages.of(name))
  const now = yield* Clock.currentTimeMillis
  const incident = Incident.failed(route, undefined, `test/${keyOf(route, report)}`, report, now)
  const alert = { ...alertOf(route.name, incident, now, "opened", now), isTest: true }
  delivery.offer(alert)
  yield* delivery.flush()
  const duration = (yield* Clock.currentTimeMillis) - now
  const found = seen
  if (found.outcome === "delivered") {
    delivery.offer({ ...alert, id: `${alert.id}/end`, status: "resolved", count: 0 })
    yield* delivery.flush()
  }
  return { route: route.name, sink: name, ...found, duration }
})
