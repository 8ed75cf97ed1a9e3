/**
 * Tells the right people of failures: once, in time, and when it is over.
 *
 * It is an observer like any other adapter. Reports of failures go through its routes, which make incidents of them; the sinks of the route deliver
 * the alerts that are due. Memory is bounded, the program's exit stays the same, and what could not be told is said.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import process from "node:process"
import type { Journal } from "./Journal.ts"
import * as Delivery from "./internal/delivery.ts"
import * as Engine from "./internal/engine.ts"
import * as Ledger from "./internal/ledger.ts"
import * as Retries from "./internal/retries.ts"
import * as Outbox from "./Outbox.ts"
import * as Route from "./Route.ts"
import { type Service, Sink } from "./Sink.ts"

/**
 * Which failures are told to whom, and when.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The routes, as `Route.make` makes them. Default: one to every sink, made of `threshold`, `groupWait` and `repeatInterval`. */
  readonly routes?: ReadonlyArray<Route.Route> | undefined
  /** The least severity, without `routes`. Default: `Error`. */
  readonly threshold?: LogLevel.Severity | undefined
  /** The wait from an incident's opening to its first alert, without `routes`. Default: 30 seconds. */
  readonly groupWait?: Duration.Input | undefined
  /** The time after which an incident that still fails is told again, without `routes`. Default: 4 hours. */
  readonly repeatInterval?: Duration.Input | undefined
  /** Hours in which people are not told. Default: none. */
  readonly silences?: ReadonlyArray<Route.Silence> | undefined
  /** Incidents that speak for others. Default: a job's failure speaks for its items. */
  readonly inhibitions?: ReadonlyArray<Route.Inhibition> | undefined
  /** For a sink that is down, the names of those that are told in its place. Default: none. */
  readonly fallbacks?: { readonly [sink: string]: string } | undefined
  /** Notes why somebody was told, or was not. Default: nothing is noted. */
  readonly journal?: Journal | undefined
  /** How many incidents are kept; beyond, the one that was told the longest ago makes room. Default: 10,000. */
  readonly maxKeys?: number | undefined
  /** The longest time for the last deliveries, when the scope closes. Default: 5 seconds. */
  readonly flushTimeout?: Duration.Input | undefined
  /** Called when the scope closes with the number of failures that no sink was told of, if any. Default: prints it to stderr. */
  readonly onLost?: ((count: number) => void) | undefined
}

const areSilences = Schema.is(Schema.Array(Route.Silence))

const rules: Check.Rules<Options> = {
  routes: Check.where("routes as Route.make or Route.fromJson make them", Schema.is(Schema.Array(Route.Route))),
  threshold: Check.severity,
  groupWait: Check.duration(),
  repeatInterval: Check.duration(),
  silences: Check.where(
    "a list of silences, each with name, match, from, until after that, and by",
    (list) => areSilences(list) && list.every(({ from, until }) => until > from)
  ),
  inhibitions: Check.where(
    "a list of inhibitions, each with name, source, target and equal",
    Schema.is(Schema.Array(Route.Inhibition))
  ),
  fallbacks: Check.where("an object of names", (value) => typeof value === "object" && value !== null),
  journal: Check.having("note"),
  maxKeys: Check.int(1),
  flushTimeout: Check.duration({ isEndless: true }),
  onLost: Check.callback
}

/**
 * Several sinks by the names that routes know them by.
 *
 * @category models
 * @since 0.1.0
 */
export type Sinks<R = never> = { readonly [name: string]: Service<R> }

/**
 * Alerts for every failure reported below this layer, by the `Sink` in context. What is pending when its scope closes is sent at once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never, never, Sink> => {
  checked(options)
  return Layer.unwrap(Effect.map(Sink, (sink) => layerOf({ [sink.kind ?? "sink"]: sink }, options)))
}

const checked = (options: Options): Options => Check.options("Alerter.layer", rules, options)

/**
 * The same by several sinks. Throws if a route or a fallback names a sink that is not there.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerOf = <R>(sinks: Sinks<R>, options: Options = {}): Layer.Layer<never, never, R> => {
  const routes = routesOf(sinks, checked(options))
  return Layer.unwrap(Effect.map(start(sinks, routes, options), Observer.layer))
}

const routesOf = (sinks: Sinks<unknown>, options: Options): ReadonlyArray<Route.Route> => {
  const { groupWait = "30 seconds", repeatInterval = "4 hours", routes, threshold = "Error" } = options
  const all =
    routes ??
    Route.make([
      {
        name: "default",
        sinks: Object.keys(sinks),
        match: { severity: threshold },
        groupWait: Duration.fromInputUnsafe(groupWait),
        repeatInterval: Duration.fromInputUnsafe(repeatInterval)
      }
    ])
  const named = [
    ...all.flatMap((route) => [...route.sinks, ...(route.escalation?.sinks ?? [])]),
    ...Object.entries(options.fallbacks ?? {}).flat()
  ]
  const missing = [...new Set(named)].filter((name) => !Object.hasOwn(sinks, name))
  if (missing.length > 0)
    throw new Error(
      `Alerter.layer: no sink has the name ${missing.join(", ")}; there are ${Object.keys(sinks).join(", ") || "none"}`
    )
  return all
}

const start = Effect.fnUntraced(function* <R>(
  sinks: Sinks<R>,
  routes: ReadonlyArray<Route.Route>,
  options: Options
): Effect.fn.Return<Observer.Observer, never, R | Scope.Scope> {
  const { fallbacks = {}, flushTimeout = "5 seconds", maxKeys = 10_000, onLost = say } = options
  const clock = yield* Clock.Clock
  const outbox = yield* Outbox.Outbox
  const now = () => clock.currentTimeMillisUnsafe()
  const news = Latch.makeUnsafe(false)
  const ledger = Ledger.make(options.journal, now)
  const engine = Engine.make(
    {
      routes,
      silences: options.silences ?? [],
      inhibitions: options.inhibitions ?? [Route.jobOverItems],
      most: maxKeys
    },
    ledger.journal
  )
  const retries = Retries.make(engine, Math.min(...routes.map(({ quietFor }) => Duration.toMillis(quietFor))))
  /** Hands the alerts that wait for a sink that has just gone down to its fallback, too. */
  const down: Delivery.Ledger["down"] = (name, error) => {
    ledger.deliveries.down(name, error)
    const standIn = deliveries.get(fallbacks[name] ?? "")
    for (const alert of deliveries.get(name)?.waiting() ?? []) standIn?.offer(alert)
    standIn?.wake()
  }
  /** Alerts that a sink has taken, or never will, need not be kept any more. */
  const settled: Delivery.Ledger["settled"] = (sink, ids) => {
    for (const id of ids) done.push({ sink, id })
    news.openUnsafe()
  }
  const deliveries: ReadonlyMap<string, Delivery.Delivery<R>> = new Map(
    Object.entries(sinks).map(([name, sink]) => [
      name,
      Delivery.make(name, sink, { ...ledger.deliveries, down, settled })
    ])
  )

  /** Which sinks a notice goes to; a sink that is down is stood in for. */
  const targetsOf = ({ alert, sinks: names }: Engine.Notice): ReadonlyArray<Outbox.Pending> => {
    const targets = new Set(names)
    for (const name of names) {
      const other = fallbacks[name]
      if (other !== undefined && deliveries.get(name)?.state().isDown === true) targets.add(other)
    }
    return [...targets].map((sink) => ({ sink, alert }))
  }

  const offer = (pending: ReadonlyArray<Outbox.Pending>, isTried = false) => {
    for (const { alert, sink } of pending) deliveries.get(sink)?.offer(alert, isTried)
    // All at once, so that a sink that takes several alerts together gets them together.
    for (const delivery of deliveries.values()) delivery.wake()
  }

  let done: Array<Outbox.Done> = []
  /** Keeps what has changed, and hands notices to their sinks then. People are told though it cannot be kept. */
  const keep = (notices: ReadonlyArray<Engine.Notice>) =>
    Effect.suspend(() => {
      const added = notices.flatMap(targetsOf)
      const changes = { incidents: engine.changes(), added, done }
      done = []
      const isEmpty = added.length + changes.incidents.length + changes.done.length === 0
      if (isEmpty) return Effect.void
      return outbox.commit(changes).pipe(
        Effect.catchCause((cause) => Effect.sync(() => ledger.notKept(cause))),
        Effect.andThen(Effect.sync(() => offer(added)))
      )
    })

  let next = Infinity
  /** Wakes the loop: a new incident may be due before the ones that it waits for. */
  const wake = () => {
    if (engine.nextAt() < next || engine.hasChanged()) news.openUnsafe()
  }

  const round = Effect.suspend(() => Effect.andThen(Effect.uninterruptible(keep(engine.take(now()))), waiting))

  const waiting = Effect.suspend(() => {
    next = engine.nextAt()
    // A clock counts whole milliseconds: a part of one would be waited for again and again.
    const wait = Math.ceil(next - now())
    if (engine.hasChanged() || done.length > 0) return Effect.yieldNow
    news.closeUnsafe()
    return wait <= 0
      ? Effect.yieldNow
      : Effect.race(Latch.await(news), Number.isFinite(wait) ? Effect.sleep(wait) : Effect.never)
  })

  const flush = Effect.gen(function* () {
    yield* keep(engine.take(now()))
    yield* keep(engine.flush(now()))
    yield* Effect.forEach(deliveries.values(), (delivery) => delivery.flush, {
      concurrency: "unbounded",
      discard: true
    })
    yield* keep([])
  }).pipe(Effect.interruptible, Effect.timeoutOption(flushTimeout))

  const sayLost = Effect.sync(() => {
    const lost = ledger.lost([...deliveries.values()].flatMap((delivery) => delivery.rest()))
    if (lost > 0) onLost(lost)
  })

  const kept = yield* Effect.catchCause(outbox.load, (cause) =>
    Effect.sync((): Outbox.Kept => {
      ledger.notKept(cause)
      return { incidents: [], pending: [] }
    })
  )
  if (kept.unread !== undefined && kept.unread > 0) ledger.unread(kept.unread)
  for (const { incident, route } of kept.incidents) engine.restore(route, incident, now())
  offer(kept.pending, true)

  // Failures that sinks report must not come back as alerts.
  const unheard = Effect.provideService(ErrorReporter.CurrentErrorReporters, new Set())
  const speaking = yield* ledger.speaker
  // Finalizers run last first: the fibers have stopped when the rest is flushed.
  yield* Effect.addFinalizer(() =>
    Effect.ignoreCause(unheard(flush)).pipe(Effect.andThen(Effect.ignoreCause(sayLost)), Effect.andThen(speaking.end))
  )
  for (const { run } of deliveries.values()) yield* Effect.forkScoped(unheard(run))
  yield* Effect.forkScoped(Effect.forever(round))

  return {
    report: (report: Report.Report, { fiber }: Observer.Told) => {
      speaking.heard(fiber.context)
      engine.failed(report, now())
      wake()
    },
    event: (event: Observer.Event, fiber) => {
      retries.event(event, (error) => Report.make(error, { secrets: Report.secretsOf(fiber.context) }), now())
      wake()
    }
  }
})

const say = (count: number): void => {
  process.stderr.write(`nobody was told of ${count} ${count === 1 ? "failure" : "failures"}: no alert was delivered\n`)
}
