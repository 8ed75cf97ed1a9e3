import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import type * as Incident from "../Incident.ts"
import * as Outbox from "../Outbox.ts"
import type * as Delivery from "./delivery.ts"
import * as Dispatch from "./dispatch.ts"
import * as Engine from "./engine.ts"
import * as Heard from "./heard.ts"
import type * as Hearing from "./hearing.ts"
import type * as Ledger from "./ledger.ts"
import * as Succession from "./succession.ts"

/** What an alerter is made of. */
export interface Settings<R> extends Omit<Engine.Settings, "isThere">, Dispatch.Settings<R> {
  /** The longest time for the last deliveries. */
  readonly flushTimeout: Duration.Input
}

/** Makes incidents of what is heard, and has them delivered, until it is closed or given up. */
export interface Desk<R> extends Engine.Ear {
  /** The incidents that are open, or that people do not know to be over, and which sinks have taken their alerts. */
  readonly open: () => ReadonlyArray<Hearing.Open>
  readonly calls: Engine.Engine["calls"]
  /** How the sinks are. */
  readonly states: () => ReadonlyArray<Delivery.State>
  /** Hears what another process passed on, once. */
  readonly hear: (passedOn: Outbox.PassedOn) => void
  /** Goes on with an incident of which another process has told people. */
  readonly adopt: Engine.Engine["adopt"]
  /** Delivers what people do not know yet, in the time that is left, and counts what is lost. */
  readonly close: Effect.Effect<number, never, R>
  /** Stops where it is: another process goes on with what is left. */
  readonly giveUp: Effect.Effect<Left>
}

/** What another process does not know. */
export interface Left {
  /** Incidents that are open, and whether people were told of them. */
  readonly incidents: ReadonlyArray<{
    readonly route: string
    readonly incident: Incident.Incident
    readonly isTold: boolean
  }>
  /** How many failures are in alerts that were neither kept nor delivered. */
  readonly lost: number
}

/** Failures that sinks report must not come back as alerts. */
export const unheard = Effect.provideService(ErrorReporter.CurrentErrorReporters, new Set())

/** Opens a desk, with what the outbox has kept. `onTakenOver` is called when the outbox belongs to another process. */
export const open = Effect.fnUntraced(function* <R>(
  settings: Settings<R>,
  ledger: Ledger.Ledger,
  onTakenOver: () => void
): Effect.fn.Return<Desk<R>, never, R> {
  const clock = yield* Clock.Clock
  const outbox = yield* Outbox.Outbox
  const now = () => clock.currentTimeMillisUnsafe()
  /** Opened when there may be something to keep, to tell or to look at. */
  const news = Latch.makeUnsafe(false)
  const events = { onNews: () => news.openUnsafe(), onTakenOver }
  const isThere = (sink: string) => Object.hasOwn(settings.sinks, sink)
  const engine = Engine.make({ ...settings, isThere }, ledger.journal)
  const dispatch = Dispatch.make(settings, engine, outbox, ledger, now, events)
  const { adopt, restore } = Succession.make(settings.routes, isThere, engine, dispatch, ledger)
  const { round, wake } = roundsOf(engine, dispatch, news, now)

  const kept = yield* loaded(outbox, ledger)
  restore(kept.incidents, now())
  dispatch.restore(kept)

  const { stopDelivering, stopTelling } = yield* running(dispatch, round)
  const flush = flushOf(settings.flushTimeout, engine, dispatch, outbox.isMemory !== true, now)
  return {
    ...wakingEar(engine, wake),
    adopt: (route, incident, at) => {
      adopt(route, incident, at)
      wake()
    },
    hear: ({ id, text }) => {
      if (dispatch.passedOn.has(id)) return
      const all = Heard.decode(text)
      // Another version wrote it, which may come back.
      if (all === undefined) return ledger.unread(1)
      dispatch.passedOn.add(id)
      for (const one of all) Heard.tell(one, { ...engine, adopt }, now())
      news.openUnsafe()
    },
    open: () => dispatch.hearingOf(engine.open()),
    calls: engine.calls,
    states: dispatch.states,
    close: Effect.gen(function* () {
      yield* stopTelling
      yield* Effect.ignoreCause(unheard(flush))
      yield* stopDelivering
      engine.stop()
      return ledger.lost(dispatch.rest())
    }),
    giveUp: Effect.gen(function* () {
      yield* stopTelling
      yield* stopDelivering
      engine.stop()
      return leftOf(engine, dispatch)
    })
  }
})

/** Starts telling and delivering. They are stopped one after the other: sinks go on while the last alerts are told. */
const running = Effect.fnUntraced(function* <R>(dispatch: Dispatch.Dispatch<R>, round: Effect.Effect<void>) {
  const telling = yield* Scope.make()
  const delivering = yield* Scope.make()
  yield* Effect.forkIn(unheard(dispatch.run), delivering)
  yield* Effect.forkIn(Effect.forever(round), telling)
  yield* Effect.forkIn(unheard(dispatch.watch), telling)
  return { stopTelling: Scope.close(telling, Exit.void), stopDelivering: Scope.close(delivering, Exit.void) }
})

/** What was kept. People are told though it cannot be read. */
const loaded = (outbox: Outbox.Service, ledger: Ledger.Ledger): Effect.Effect<Outbox.Kept> =>
  outbox.load.pipe(
    Effect.catchCause((cause) =>
      Effect.sync((): Outbox.Kept => {
        ledger.notKept(cause)
        return { incidents: [], pending: [] }
      })
    ),
    Effect.tap(({ unread = 0 }) => Effect.sync(() => (unread > 0 ? ledger.unread(unread) : undefined)))
  )

/** A round tells and keeps what is due, and waits for what is due next. `wake` ends that wait if there is news. */
const roundsOf = (
  engine: Engine.Engine,
  dispatch: Pick<Dispatch.Dispatch<never>, "isDue" | "keep">,
  news: Latch.Latch,
  now: () => number
): { readonly round: Effect.Effect<void>; readonly wake: () => void } => {
  /** What the loop waits for. */
  let next = Infinity
  const waiting = Effect.suspend(() => {
    next = engine.nextAt()
    // A clock counts whole milliseconds: a part of one would be waited for again and again.
    const wait = Math.ceil(next - now())
    if (engine.hasChanged() || dispatch.isDue()) return Effect.yieldNow
    news.closeUnsafe()
    return wait <= 0
      ? Effect.yieldNow
      : Effect.race(Latch.await(news), Number.isFinite(wait) ? Effect.sleep(wait) : Effect.never)
  })
  return {
    round: Effect.suspend(() => Effect.andThen(Effect.uninterruptible(dispatch.keep(engine.take(now()))), waiting)),
    // A new incident may be due before the ones that the loop waits for.
    wake: () => {
      if (engine.nextAt() < next || engine.hasChanged()) news.openUnsafe()
    }
  }
}

/** The engine's ear, which wakes the loop after what it heard. */
const wakingEar = (engine: Engine.Ear, wake: () => void): Engine.Ear => {
  const waking =
    <A extends ReadonlyArray<unknown>>(act: (...args: A) => void) =>
    (...args: A) => {
      act(...args)
      wake()
    }
  return {
    failed: waking(engine.failed),
    worked: waking(engine.worked),
    retrying: waking(engine.retrying),
    ended: waking(engine.ended)
  }
}

/** Delivers what people do not know yet, in time. `goesOn` says whether another process goes on with what is kept. */
const flushOf = <R>(
  timeout: Duration.Input,
  engine: Engine.Engine,
  dispatch: Dispatch.Dispatch<R>,
  goesOn: boolean,
  now: () => number
) =>
  Effect.gen(function* () {
    const until = now() + Duration.toMillis(Duration.fromInputUnsafe(timeout))
    dispatch.stop()
    yield* dispatch.keep(engine.take(now()))
    yield* dispatch.keep(engine.flush(now(), goesOn))
    yield* dispatch.flush(until)
  }).pipe(Effect.interruptible, Effect.timeoutOption(timeout))

/** What the next process does not know of this one. */
const leftOf = (engine: Engine.Engine, dispatch: Pick<Dispatch.Dispatch<never>, "isUntold" | "rest">): Left => {
  const lost = new Map(dispatch.rest().map(({ count, id }) => [id, count]))
  return {
    incidents: engine.open().map(({ incident, route }) => {
      const isTold = incident.told?.isOpen === true && !dispatch.isUntold(incident)
      return { route, incident, isTold }
    }),
    lost: [...lost.values()].reduce((sum, count) => sum + count, 0)
  }
}
