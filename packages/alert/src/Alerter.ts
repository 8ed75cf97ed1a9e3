/**
 * Tells the right people of failures: once, in time, and when it is over.
 *
 * It is an observer like any other adapter. Reports of failures go through its routes, which make incidents of them; the sinks of the route deliver
 * the alerts that are due. Memory is bounded, the program's exit stays the same, and what could not be told is said.
 *
 * It hears of failures that are reported. `Observer.watch` of `@redrive/core` reports an effect's failure and tells its later success, which resolves
 * the incident; the retry engine tells the ends of its calls itself. An incident of a failure that `Effect.withErrorReporting` alone reports has no call
 * whose success could resolve it, and expires.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as LogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import process from "node:process"
import type * as Journal from "./Journal.ts"
import type { State } from "./internal/delivery.ts"
import * as Desk from "./internal/desk.ts"
import type { Open } from "./internal/hearing.ts"
import * as Ledger from "./internal/ledger.ts"
import * as Retries from "./internal/retries.ts"
import * as Shared from "./internal/shared.ts"
import * as Trials from "./internal/trial.ts"
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
  /** The routes, as `Route.make` makes them. Default: one to every sink, made of `threshold`, `groupWait`, `groupBy`, `resolveAfter` and `repeatInterval`. */
  readonly routes?: ReadonlyArray<Route.Route> | undefined
  /** The least severity, without `routes`. Default: `Error`. */
  readonly threshold?: LogLevel.Severity | undefined
  /** The wait from an incident's opening to its first alert, without `routes`. Default: 30 seconds. */
  readonly groupWait?: Duration.Input | undefined
  /**
   * The fields by which failures are one incident, without `routes`: with `label:call` and `label:key`, each name and key has incidents of its own.
   * Default: level, code and host for failures of a catalogue, the fingerprint for all others.
   */
  readonly groupBy?: Route.Route["groupBy"] | undefined
  /** How long there must have been no failure before a success resolves an incident, without `routes`. Default: 30 seconds. */
  readonly resolveAfter?: Duration.Input | undefined
  /** The time after which an incident that still fails is told again, without `routes`. Default: 4 hours. */
  readonly repeatInterval?: Duration.Input | undefined
  /**
   * Hours in which people are not told: a list, or a function that gives it, which is asked whenever somebody would be told, and every 30 seconds
   * while a silence holds, so that one can begin and end while the program runs. Default: none.
   */
  readonly silences?: ReadonlyArray<Route.Silence> | (() => ReadonlyArray<Route.Silence>) | undefined
  /** Incidents that speak for others. Default: a job's failure speaks for its items. */
  readonly inhibitions?: ReadonlyArray<Route.Inhibition> | undefined
  /** For a sink that is down, the names of those that are told in its place. Default: none. */
  readonly fallbacks?: { readonly [sink: string]: string } | undefined
  /** Notes why somebody was told, or was not. Default: nothing is noted. */
  readonly journal?: Journal.Writer | undefined
  /** When an alert has waited for a sink for so long, the other sinks are told, as they are of a sink that is down. Default: 15 minutes. */
  readonly maxWait?: Duration.Input | undefined
  /** How many incidents are kept; beyond, the one that was told the longest ago makes room. Default: 10,000. */
  readonly maxKeys?: number | undefined
  /**
   * The longest time for the last deliveries, when the scope closes. An attempt that fails is made again if its wait ends within this time. Default:
   * 5 seconds.
   */
  readonly flushTimeout?: Duration.Input | undefined
  /** Called when the scope closes with the number of failures that some sink was to tell of and did not, and no outbox keeps, if any. Default: prints it to stderr. */
  readonly onLost?: ((count: number) => void) | undefined
}

const isSilences = Schema.is(Schema.Array(Route.Silence))

const areSilences = (value: unknown): value is ReadonlyArray<Route.Silence> =>
  isSilences(value) && value.every(({ from, until }) => until > from)

const silencesAre = "each with name, match, from, until after that, and by"

const rules: Check.Rules<Options> = {
  routes: Check.where("routes as Route.make or Route.fromJson make them", Schema.is(Schema.Array(Route.Route))),
  threshold: Check.severity,
  groupWait: Check.duration(),
  groupBy: Check.where(
    "a list of level, code, detail, host, actor, fingerprint, job, item, or label:NAME",
    Schema.is(Schema.NonEmptyArray(Route.GroupField))
  ),
  resolveAfter: Check.duration(),
  repeatInterval: Check.duration(),
  silences: Check.where(
    `a list of silences, ${silencesAre}, or a function that gives it`,
    (value) => typeof value === "function" || areSilences(value)
  ),
  inhibitions: Check.where(
    "a list of inhibitions, each with name, source, target and equal",
    Schema.is(Schema.Array(Route.Inhibition))
  ),
  fallbacks: Check.where("an object of names", (value) => typeof value === "object" && value !== null),
  journal: Check.having("note"),
  maxWait: Check.duration({ isEndless: true }),
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

export type { Open as OpenIncident } from "./internal/hearing.ts"
export type { State as SinkState } from "./internal/delivery.ts"
export type { Trial } from "./internal/trial.ts"

/**
 * How an alerter is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Status {
  /** Whether this process tells people. Of several that share an outbox one does, and only that one knows of incidents and sinks. */
  readonly isTelling: boolean
  /** The incidents that are open, with the sinks that have taken their alerts and those that have not. */
  readonly incidents: ReadonlyArray<Open>
  /** The sinks. */
  readonly sinks: ReadonlyArray<State>
}

/**
 * The alerter of a program, to look at it and to try it. `layer` and `layerOf` provide it.
 *
 * @category services
 * @since 0.1.0
 */
export class Alerter extends Context.Service<
  Alerter,
  {
    /** How it is now. */
    readonly status: Effect.Effect<Status>
    /**
     * Sends a test alert about a failure to every sink that would be told of it, and then that it is over, at once and past the queue. Says for each
     * sink what became of it; for none, if no route matches.
     */
    readonly test: (failure: unknown) => Effect.Effect<ReadonlyArray<Trials.Trial>>
  }
>()("@redrive/alert/Alerter") {}

/**
 * Alerts for every failure reported below this layer, by the `Sink` in context. What is pending when its scope closes is sent at once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Alerter, never, Sink> => {
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
export const layerOf = <R>(sinks: Sinks<R>, options: Options = {}): Layer.Layer<Alerter, never, R> => {
  const routes = routesOf(sinks, checked(options))
  return Layer.unwrap(
    Effect.map(start(sinks, routes, options), ({ observer, service }) =>
      Layer.merge(Observer.layer(observer), Layer.succeed(Alerter, service))
    )
  )
}

/** These make the one route that there is without `routes`. */
const ofOneRoute = ["threshold", "groupWait", "groupBy", "resolveAfter", "repeatInterval"] as const

const routesOf = (sinks: Sinks<unknown>, options: Options): ReadonlyArray<Route.Route> => {
  const { groupBy, groupWait = "30 seconds", repeatInterval = "4 hours", routes, threshold = "Error" } = options
  const idle = routes === undefined ? [] : ofOneRoute.filter((name) => options[name] !== undefined)
  if (idle.length > 0)
    throw new Error(`Alerter.layer: ${idle.join(", ")} beside routes changes nothing: each route has its own`)
  const all =
    routes ??
    Route.make([
      {
        name: "default",
        sinks: Object.keys(sinks),
        match: { severity: threshold },
        ...(groupBy !== undefined && { groupBy }),
        groupWait,
        resolveAfter: options.resolveAfter ?? "30 seconds",
        repeatInterval
      }
    ])
  checkSinks(sinks, all, options.fallbacks ?? {})
  if (typeof options.silences === "object") checkSilences(all, options.silences)
  return all
}

/** Throws if a route or a fallback names a sink that is not there. */
const checkSinks = (
  sinks: Sinks<unknown>,
  routes: ReadonlyArray<Route.Route>,
  fallbacks: NonNullable<Options["fallbacks"]>
): void => {
  const named = [
    ...routes.flatMap((route) => [...route.sinks, ...(route.escalation?.sinks ?? [])]),
    ...Object.entries(fallbacks).flat()
  ]
  const missing = [...new Set(named)].filter((name) => !Object.hasOwn(sinks, name))
  if (missing.length > 0)
    throw new Error(
      `Alerter.layer: no sink has the name ${missing.join(", ")}; there are ${Object.keys(sinks).join(", ") || "none"}`
    )
  const own = Object.entries(fallbacks).filter(([name, standIn]) => name === standIn)
  if (own.length > 0)
    throw new Error(
      `Alerter.layer: a sink that is down cannot stand in for itself: ${own.map(([name]) => name).join(", ")}`
    )
}

/** Throws if a silence names a route that is not there. */
const checkSilences = (routes: ReadonlyArray<Route.Route>, silences: ReadonlyArray<Route.Silence>): void => {
  const strange = silences
    .flatMap((one) => one.routes ?? [])
    .filter((name) => !routes.some((route) => route.name === name))
  if (strange.length > 0)
    throw new Error(
      `Alerter.layer: no route has the name ${strange.join(", ")}; there are ${routes.map(({ name }) => name).join(", ")}`
    )
}

const start = Effect.fnUntraced(function* <R>(
  sinks: Sinks<R>,
  routes: ReadonlyArray<Route.Route>,
  options: Options
): Effect.fn.Return<
  { readonly observer: Observer.Observer; readonly service: Alerter["Service"] },
  never,
  R | Scope.Scope
> {
  const { onLost = say } = options
  const clock = yield* Clock.Clock
  const { share } = yield* useOutbox
  const now = () => clock.currentTimeMillisUnsafe()
  const ledger = Ledger.make(options.journal, now)
  const settings = settingsOf(sinks, routes, options, ledger)
  const open = (onTakenOver: () => void) => Desk.open(settings, ledger, onTakenOver)
  const keysOf = (report: Report.Report) => Route.plan(routes, report, now()).map(({ key, route }) => `${route} ${key}`)

  const speaking = yield* ledger.speak
  const desk = share === undefined ? alone(yield* open(ignore)) : yield* Shared.make(share, open, keysOf, ledger)
  yield* Effect.addFinalizer(() =>
    desk.close.pipe(
      Effect.map((lost) => (lost > 0 ? onLost(lost) : undefined)),
      Effect.ignoreCause,
      Effect.andThen(speaking.end)
    )
  )
  const retries = Retries.make(desk, Math.min(...routes.map(({ quietFor }) => Duration.toMillis(quietFor))))
  const observer: Observer.Observer = {
    report: (report, { fiber }) => {
      speaking.heard(fiber.context)
      desk.failed(report, now())
    },
    event: (event, fiber) =>
      retries.event(event, (error) => Report.make(error, { secrets: Report.secretsOf(fiber.context) }), now())
  }
  return { observer, service: serviceOf(sinks, routes, desk, yield* Effect.context<R>()) }
})

const settingsOf = <R>(
  sinks: Sinks<R>,
  routes: ReadonlyArray<Route.Route>,
  options: Options,
  ledger: Ledger.Ledger
): Desk.Settings<R> => ({
  sinks,
  routes,
  silences: askedFor(options.silences ?? [], ledger),
  areSilencesAsked: typeof options.silences === "function",
  inhibitions: options.inhibitions ?? [Route.jobOverItems],
  most: options.maxKeys ?? 10_000,
  fallbacks: options.fallbacks ?? {},
  flushTimeout: options.flushTimeout ?? "5 seconds",
  maxWait: options.maxWait ?? "15 minutes"
})

const serviceOf = <R>(
  sinks: Sinks<R>,
  routes: ReadonlyArray<Route.Route>,
  desk: Shared.Shared<R>,
  context: Context.Context<R>
): Alerter["Service"] => ({
  status: Effect.sync(() => {
    const open = desk.desk()
    return { isTelling: open !== undefined, incidents: open?.open() ?? [], sinks: open?.states() ?? [] }
  }),
  test: (failure) =>
    // The secrets are those of who asks; all else is the alerter's.
    Effect.flatMap(Effect.context(), (own) =>
      Trials.run(sinks, routes, Report.make(failure, { secrets: Report.secretsOf(own) })).pipe(
        Desk.unheard,
        Effect.provideContext(context)
      )
    )
})

const inUse = new WeakSet<Outbox.Service>()

/** The outbox, which knows incidents by their routes: two alerters on it would take each other's for leftovers. */
const useOutbox = Effect.flatMap(Outbox.Outbox, (outbox) =>
  outbox.isMemory === true
    ? Effect.succeed(outbox)
    : Effect.acquireRelease(
        Effect.sync(() => {
          if (inUse.has(outbox))
            throw new Error("Alerter.layer: two alerters use one outbox: give each one of its own, with another name")
          inUse.add(outbox)
          return outbox
        }),
        () => Effect.sync(() => inUse.delete(outbox))
      )
)

/** What a program gives while it runs may be wrong: then nobody is kept from hearing, and the log says so. */
const askedFor =
  (silences: NonNullable<Options["silences"]>, ledger: Ledger.Ledger) => (): ReadonlyArray<Route.Silence> => {
    if (typeof silences !== "function") return silences
    try {
      const given: unknown = silences()
      if (areSilences(given)) return given
      ledger.noSilences(`they must be a list of silences, ${silencesAre}`)
    } catch (error) {
      ledger.noSilences(error instanceof Error ? error.message : "they could not be asked")
    }
    return []
  }

/** An alerter that shares nothing has its desk always. */
const alone = <R>(desk: Desk.Desk<R>): Shared.Shared<R> => ({ ...desk, desk: () => desk })

const ignore = () => undefined

const say = (count: number): void => {
  process.stderr.write(`alerts of ${count} ${count === 1 ? "failure" : "failures"} did not reach every sink\n`)
}
