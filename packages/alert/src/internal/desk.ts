import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import type * as Incident from "../Incident.ts"
import type { Alert } from "../Alert.ts"
import * as Outbox from "../Outbox.ts"
import { type Service, SinkError } from "../Sink.ts"
import * as Backlog from "./backlog.ts"
import * as Delivery from "./delivery.ts"
import * as Engine from "./engine.ts"
import * as Heard from "./heard.ts"
import * as Hearing from "./hearing.ts"
import type * as Ledger from "./ledger.ts"
import * as Messages from "./messages.ts"
import { alertOf, nameOf, type Notice } from "./notice.ts"
import * as Watchdog from "./watchdog.ts"

/** What an alerter is made of. */
export interface Settings<R> extends Omit<Engine.Settings, "isThere"> {
  readonly sinks: { readonly [name: string]: Service<R> }
  /** For a sink that is down, the one that is told in its place. */
  readonly fallbacks: { readonly [sink: string]: string }
  /** The longest time for the last deliveries. */
  readonly flushTimeout: Duration.Input
  /** An alert that has waited for so long is late: other sinks are told. */
  readonly maxWait: Duration.Input
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

const none: Pick<Outbox.Changes, "incidents" | "done"> & { readonly messages: ReadonlyArray<Outbox.Message> } = {
  incidents: [],
  done: [],
  messages: []
}

/** Failures that sinks report must not come back as alerts. */
export const unheard = Effect.provideService(ErrorReporter.CurrentErrorReporters, new Set())

const watchInterval = Duration.seconds(15)

/** Finds out which sinks would take alerts, before there are any. */
const checked = <R>(sinks: Settings<R>["sinks"], ledger: Ledger.Ledger): Effect.Effect<void, never, R> =>
  Effect.forEach(
    Object.entries(sinks),
    ([name, { attemptTimeout = "30 seconds", check = Effect.void }]) =>
      check.pipe(
        Effect.timeoutOrElse({
          duration: attemptTimeout,
          orElse: () => Effect.fail(new SinkError({ sink: name, message: "no answer in time", reason: "timeout" }))
        }),
        Effect.catch((error) => Effect.sync(() => ledger.notReady(name, error))),
        Effect.ignoreCause
      ),
    { concurrency: "unbounded", discard: true }
  )

/** Opens a desk, with what the outbox has kept. `onTakenOver` is called when the outbox belongs to another process. */
export const open = Effect.fnUntraced(function* <R>(
  { fallbacks, flushTimeout, maxWait, sinks, ...settings }: Settings<R>,
  ledger: Ledger.Ledger,
  onTakenOver: () => void
): Effect.fn.Return<Desk<R>, never, R> {
  const clock = yield* Clock.Clock
  const outbox = yield* Outbox.Outbox
  const now = () => clock.currentTimeMillisUnsafe()
  /** Opened when there may be something to keep, to tell or to look at. */
  const news = Latch.makeUnsafe(false)
  const isThere = (sink: string) => Object.hasOwn(sinks, sink)
  const engine = Engine.make({ ...settings, isThere }, ledger.journal)
  /** Whether a sink's people hear of an incident for the first time by an alert: those of an escalation do when it comes. */
  const isFirstAt = (name: string) => (alert: Alert) =>
    Backlog.isOpening(alert) ||
    (alert.status === "escalated" &&
      settings.routes.find((route) => route.name === alert.route)?.sinks.includes(name) === false)
  /** Hands the alerts that wait for a sink that has just gone down to its fallback, too. */
  const down: Delivery.Ledger["down"] = (name, error) => {
    ledger.deliveries.down(name, error)
    const standIn = deliveries.get(fallbacks[name] ?? "")
    if (standIn !== undefined)
      for (const alert of deliveries.get(name)?.waiting() ?? []) {
        standIn.offer(alert)
        hears(alert, standIn.name)
      }
    standIn?.wake()
    watch()
    news.openUnsafe()
  }
  const up: Delivery.Ledger["up"] = (name) => {
    ledger.deliveries.up(name)
    watchdog.took(name)
    watch()
  }
  /** Alerts that a sink has taken, or never will, need not be kept any more. */
  const messages = Messages.make()
  const hearing = Hearing.make()
  const delivered: Delivery.Ledger["delivered"] = (sink, alerts, receipt) => {
    ledger.deliveries.delivered(sink, alerts, receipt)
    hearing.took(sink, alerts)
    watchdog.took(sink)
    const [alert] = alerts
    // A digest has no message of an incident's.
    if (alert !== undefined && alerts.length === 1 && sinks[sink]?.isEdited === true)
      messages.delivered(sink, alert, receipt)
    else for (const one of alerts) messages.ended(sink, one)
  }
  const refused: Delivery.Ledger["refused"] = (sink, alerts, error) => {
    ledger.deliveries.refused(sink, alerts, error)
    hearing.refused(sink, alerts)
    for (const alert of alerts) messages.ended(sink, alert)
  }
  const unsure: Delivery.Ledger["unsure"] = (sink, alerts, error) => {
    ledger.deliveries.unsure(sink, alerts, error)
    hearing.refused(sink, alerts)
    for (const alert of alerts) messages.ended(sink, alert)
  }
  const settled: Delivery.Ledger["settled"] = (sink, ids) => {
    for (const id of ids) {
      done.push({ sink, id })
      unkept.delete(id)
    }
    news.openUnsafe()
  }
  const deliveries: ReadonlyMap<string, Delivery.Delivery<R>> = new Map(
    Object.entries(sinks).map(([name, sink]) => [
      name,
      Delivery.make(
        name,
        sink,
        { ...ledger.deliveries, delivered, refused, unsure, down, up, settled },
        messages.of(name),
        isFirstAt(name)
      )
    ])
  )

  /** Whoever hears of an incident since a sink stands in for another hears how it ends, too. */
  const hears = (alert: Alert, sink: string) => {
    engine.hears(alert, sink)
    besides = { ...besides, changes: [...besides.changes, ...watchdog.hears(alert, sink)] }
  }

  /** Which sinks a notice goes to; a sink that is down is stood in for. */
  const targetsOf = ({ alert, sinks: names }: Notice): ReadonlyArray<Outbox.Pending> => {
    const targets = new Set(names)
    for (const name of names) {
      const other = fallbacks[name]
      if (other === undefined || deliveries.get(name)?.state().isDown !== true) continue
      targets.add(other)
      hears(alert, other)
    }
    return [...targets].map((sink) => ({ sink, alert }))
  }

  const offer = (pending: ReadonlyArray<Outbox.Pending>, isTried = false) => {
    for (const { alert, sink } of pending) deliveries.get(sink)?.offer(alert, isTried)
    // All at once, so that a sink that takes several alerts together gets them together.
    for (const delivery of deliveries.values()) delivery.wake()
  }

  const undelivered = () =>
    [...deliveries.values()].flatMap((delivery) => delivery.waiting().map((alert) => ({ sink: delivery.name, alert })))

  const states = () => [...deliveries.values()].map((delivery) => delivery.state())
  const watchdog = Watchdog.make(fallbacks, isThere, Duration.toMillis(Duration.fromInputUnsafe(maxWait)))
  /** What people are told besides failures: of the sinks, and of incidents whose routes are gone. */
  let besides: Watchdog.Seen = { notices: [], changes: [] }
  const watch = () => {
    const all = states()
    ledger.states(all, now())
    const { changes, notices } = watchdog.look(all, now())
    besides = { notices: [...besides.notices, ...notices], changes: [...besides.changes, ...changes] }
    if (besides.notices.length > 0) news.openUnsafe()
  }
  const expired = new Set<string>()
  /** Nothing can end an incident without its route: whoever heard that it began hears that no more is heard of it. */
  const expire = (route: string, incident: Incident.Incident): boolean => {
    const name = `${route} ${nameOf(incident.key, incident.generation)}`
    if (expired.has(name)) return true
    expired.add(name)
    const isKnown = incident.told?.isOpen === true
    const { key, untold: failures } = incident
    if (!isKnown && failures > 0) ledger.journal.suppressed(route, key, "no route", failures, now())
    const told = (incident.told?.sinks ?? []).filter((name) => deliveries.has(name))
    if (isKnown && told.length === 0) return false
    const alert = alertOf(route, incident, incident.generation, "expired", now())
    besides = {
      notices: [...besides.notices, ...(isKnown ? [{ alert, sinks: told }] : [])],
      changes: [...besides.changes, { route, key: incident.key, incident: undefined }]
    }
    return true
  }
  let done: Array<Outbox.Done> = []
  /** What others passed on, and no commit has counted. */
  const heard = new Set<string>()
  let counted = 0
  /** What could not be kept: it goes with the next commit. */
  let late = none
  /** Alerts that were handed to their sinks though they are not kept. */
  const unkept = new Set<string>()
  /** Incidents that another process tells people of: their first alerts stayed here. */
  const untold = new Set<string>()

  /** Alerts that are being kept, and go to their sinks then. */
  let keeping: ReadonlyArray<Outbox.Pending> = []
  const handOn = (added: ReadonlyArray<Outbox.Pending>) => {
    keeping = []
    offer(added)
  }

  /** Keeps what has changed, and hands notices to their sinks then. People are told though it cannot be kept. */
  const keep = (notices: ReadonlyArray<Notice>) =>
    Effect.suspend(() => {
      const added = [...besides.notices, ...notices].flatMap(targetsOf)
      const fresh = { incidents: [...besides.changes, ...engine.changes()], done, messages: messages.changes() }
      done = []
      besides = { notices: [], changes: [] }
      const count = added.length + fresh.incidents.length + fresh.done.length + fresh.messages.length
      if (count + heard.size - counted === 0) return Effect.void
      const changes = {
        incidents: lastOf([...late.incidents, ...fresh.incidents]),
        added,
        done: [...late.done, ...fresh.done],
        heard: [...heard],
        messages: [...late.messages, ...fresh.messages]
      }
      counted = heard.size
      keeping = added
      return Effect.matchCause(outbox.commit(changes), {
        onSuccess: () => {
          late = none
          for (const id of changes.heard) heard.delete(id)
          counted = 0
          handOn(added)
        },
        onFailure: (cause) => {
          late = changes
          if (Outbox.isTakenOver(cause)) {
            for (const { alert } of added) if (Backlog.isOpening(alert)) untold.add(alert.incident)
            return onTakenOver()
          }
          ledger.notKept(cause)
          for (const { alert } of added) unkept.add(alert.id)
          handOn(added)
        }
      })
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
    if (engine.hasChanged() || done.length + besides.notices.length > 0 || heard.size > counted) return Effect.yieldNow
    news.closeUnsafe()
    return wait <= 0
      ? Effect.yieldNow
      : Effect.race(Latch.await(news), Number.isFinite(wait) ? Effect.sleep(wait) : Effect.never)
  })

  const isRoute = (route: string) => settings.routes.some(({ name }) => name === route)
  /** The process that told people of it may have other routes: an older or newer version of the program. */
  const adopt: Desk<R>["adopt"] = (route, incident, at) => {
    if (isRoute(route)) engine.adopt(route, incident, at)
    else if (incident.told?.isOpen === true && !expire(route, incident)) ledger.noRoute(1)
  }

  const flushOf = (some: ReadonlyArray<Delivery.Delivery<R>>, until?: number) =>
    Effect.forEach(some, (delivery) => delivery.flush(until), { concurrency: "unbounded", discard: true })

  const flush = Effect.gen(function* () {
    const until = now() + Duration.toMillis(Duration.fromInputUnsafe(flushTimeout))
    for (const delivery of deliveries.values()) delivery.stop()
    yield* keep(engine.take(now()))
    yield* keep(engine.flush(now(), outbox.isMemory !== true))
    yield* flushOf([...deliveries.values()])
    yield* keep([])
    // Sinks that took all have others to stand in for, or to tell of, since.
    yield* flushOf([...deliveries.values()].filter((delivery) => delivery.state().failures === 0))
    yield* keep([])
    // What others took is noted by now: the rest of the time is for those that failed.
    yield* flushOf([...deliveries.values()], until)
    yield* keep([])
  }).pipe(Effect.interruptible, Effect.timeoutOption(flushTimeout))

  const kept = yield* Effect.catchCause(outbox.load, (cause) =>
    Effect.sync((): Outbox.Kept => {
      ledger.notKept(cause)
      return { incidents: [], pending: [] }
    })
  )
  if (kept.unread !== undefined && kept.unread > 0) ledger.unread(kept.unread)
  let strange = 0
  for (const { incident, route } of kept.incidents) {
    if (route === Watchdog.route) watchdog.restore(incident)
    else if (isRoute(route)) engine.restore(route, incident, now())
    else if (!expire(route, incident)) strange++
  }
  if (strange > 0) ledger.noRoute(strange)
  const openNames = new Set([
    ...kept.incidents.map(({ incident }) => nameOf(incident.key, incident.generation)),
    ...kept.pending.map(({ alert }) => alert.incident)
  ])
  messages.restore(kept.messages ?? [], (incident) => openNames.has(incident))
  const stranded = kept.pending.filter(({ sink }) => !isThere(sink))
  if (stranded.length > 0) ledger.noSink(stranded.length, [...new Set(stranded.map(({ sink }) => sink))])
  offer(kept.pending, true)

  const looping = yield* Scope.make()
  const delivering = yield* Scope.make()
  const stopLooping = Scope.close(looping, Exit.void)
  const stopDelivering = Scope.close(delivering, Exit.void)
  for (const { run } of deliveries.values()) yield* Effect.forkIn(unheard(run), delivering)
  yield* Effect.forkIn(Effect.forever(round), looping)
  yield* Effect.forkIn(Effect.forever(Effect.andThen(Effect.sleep(watchInterval), Effect.sync(watch))), looping)
  yield* Effect.forkIn(unheard(checked(sinks, ledger)), looping)

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
    ended: waking(engine.ended),
    adopt: waking(adopt),
    hear: ({ id, text }) => {
      if (heard.has(id)) return
      const all = Heard.decode(text)
      // Another version wrote it, which may come back.
      if (all === undefined) return ledger.unread(1)
      heard.add(id)
      for (const one of all) Heard.tell(one, { ...engine, adopt }, now())
      news.openUnsafe()
    },
    open: () => hearing.of(engine.open(), [...keeping, ...undelivered()]),
    calls: engine.calls,
    states,
    close: stopLooping.pipe(
      Effect.andThen(Effect.ignoreCause(unheard(flush))),
      Effect.andThen(stopDelivering),
      Effect.andThen(
        Effect.sync(() => {
          engine.stop()
          const rest = [...deliveries.values()].flatMap((delivery) => delivery.rest())
          // The next process delivers what is kept.
          return ledger.lost(outbox.isMemory === true ? rest : rest.filter(({ id }) => unkept.has(id)))
        })
      )
    ),
    giveUp: Effect.map(Effect.andThen(stopLooping, stopDelivering), () => {
      engine.stop()
      const waiting = [...deliveries.values()].flatMap((delivery) => delivery.waiting())
      const lost = new Map(waiting.flatMap(({ count, id }) => (unkept.has(id) ? [[id, count]] : [])))
      return {
        incidents: engine.open().map(({ incident, route }) => {
          const isTold = incident.told?.isOpen === true && !untold.has(nameOf(incident.key, incident.generation))
          return { route, incident, isTold }
        }),
        lost: [...lost.values()].reduce((sum, count) => sum + count, 0)
      }
    })
  }
})

/** What each incident has become last. */
const lastOf = (changes: ReadonlyArray<Outbox.Change>): ReadonlyArray<Outbox.Change> => [
  ...new Map(changes.map((change) => [`${change.route}\n${change.key}`, change])).values()
]
