import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Alert } from "../Alert.ts"
import type { Incident } from "../Incident.ts"
import type * as Outbox from "../Outbox.ts"
import { SinkError } from "../Sink.ts"
import * as Commits from "./commits.ts"
import * as Deliveries from "./deliveries.ts"
import type * as Delivery from "./delivery.ts"
import type * as Engine from "./engine.ts"
import * as Hearing from "./hearing.ts"
import type { Ledger } from "./ledger.ts"
import * as Messages from "./messages.ts"
import { nameOf, type News, type Notice } from "./notice.ts"
import * as Watchdog from "./watchdog.ts"

export interface Settings<R> extends Deliveries.Settings<R> {
  /** An alert that has waited for so long is late: other sinks are told. */
  readonly maxWait: Duration.Input
}

/** Keeps notices in the outbox, has the sinks deliver them, and watches how the sinks are. */
export interface Dispatch<R> {
  /** Keeps what has changed, and hands notices to their sinks then. */
  readonly keep: (notices: ReadonlyArray<Notice>) => Effect.Effect<void>
  /** Has news told and kept with the next `keep`. */
  readonly add: (news: News) => void
  /** Whether something waits for the next `keep`. */
  readonly isDue: () => boolean
  /** What other processes passed on, and is counted here: the next `keep` says so. */
  readonly passedOn: Commits.Commits["passedOn"]
  /** Goes on with the alerts, and with the messages of incidents, that were kept. */
  readonly restore: (kept: Outbox.Kept) => void
  /** Goes on with what people were told of a sink. */
  readonly restoreSink: (incident: Incident) => void
  /** Delivers what waits, again and again. */
  readonly run: Effect.Effect<void, never, R>
  /** Finds out which sinks would take alerts, before there are any, and tells of sinks that take none. */
  readonly watch: Effect.Effect<void, never, R>
  /** From now on `run` takes nothing any more. */
  readonly stop: () => void
  /** Delivers what waits, each part once, and again after its wait if that ends before a time. */
  readonly flush: (until: number) => Effect.Effect<void, never, R>
  /** Ends what waits. Gives the alerts of it with which no other process goes on. */
  readonly rest: () => ReadonlyArray<Alert>
  /** How the sinks are. */
  readonly states: () => ReadonlyArray<Delivery.State>
  /** Says of incidents which sinks have taken their alerts. */
  readonly hearingOf: (incidents: ReadonlyArray<Engine.Open>) => ReadonlyArray<Hearing.Open>
  /** Whether the first alert of an incident was neither kept nor sent, since another process tells people of it. */
  readonly isUntold: (incident: Incident) => boolean
}

/** What a dispatch calls. */
export interface Events {
  /** There may be something to keep. It is called last, since what it wakes begins at once. */
  readonly onNews: () => void
  /** The outbox belongs to another process. */
  readonly onTakenOver: () => void
}

const watchInterval = Duration.seconds(15)

export const make = <R>(
  { maxWait, ...settings }: Settings<R>,
  engine: Pick<Engine.Engine, "changes" | "hears">,
  outbox: Outbox.Service,
  ledger: Ledger,
  now: () => number,
  { onNews, onTakenOver }: Events
): Dispatch<R> => {
  const { fallbacks, sinks } = settings
  const isThere = (sink: string) => Object.hasOwn(sinks, sink)
  const commits = Commits.make(outbox, ledger, onTakenOver)
  const messages = Messages.make()
  const hearing = Hearing.make()
  const watchdog = Watchdog.make(fallbacks, isThere, Duration.toMillis(Duration.fromInputUnsafe(maxWait)))

  /** Looks how the sinks are. */
  const look = () => {
    const states = deliveries.states()
    ledger.states(states, now())
    commits.add(watchdog.look(states, now()))
    if (commits.isDue()) onNews()
  }
  const outcomes: Delivery.Ledger = {
    ...ledger.deliveries,
    ...heardBy((sink) => sinks[sink]?.isEdited === true, ledger, messages, hearing, watchdog),
    settled: (sink, ids) => {
      commits.settled(sink, ids)
      onNews()
    },
    down: (name, error) => {
      ledger.deliveries.down(name, error)
      look()
      onNews()
    },
    up: (name) => {
      ledger.deliveries.up(name)
      watchdog.took(name)
      look()
    }
  }
  const hears = (alert: Alert, sink: string) => {
    engine.hears(alert, sink)
    commits.add({ notices: [], changes: watchdog.hears(alert, sink) })
  }
  const deliveries = Deliveries.make(settings, messages.of, outcomes, hears)

  const keep = (notices: ReadonlyArray<Notice>) =>
    Effect.suspend(() => {
      const added = [...commits.takeNotices(), ...notices].flatMap(deliveries.targetsOf)
      const fresh = { added, incidents: engine.changes(), messages: messages.changes() }
      return commits.commit(fresh, deliveries.offer)
    })

  return {
    keep,
    add: commits.add,
    isDue: commits.isDue,
    passedOn: commits.passedOn,
    restore: ({ incidents, messages: kept = [], pending }) => {
      const known = new Set([
        ...incidents.map(({ incident }) => nameOf(incident.key, incident.generation)),
        ...pending.map(({ alert }) => alert.incident)
      ])
      messages.restore(kept, (incident) => known.has(incident))
      const stranded = pending.filter(({ sink }) => !isThere(sink))
      if (stranded.length > 0) ledger.noSink(stranded.length, [...new Set(stranded.map(({ sink }) => sink))])
      deliveries.offer(pending, true)
    },
    restoreSink: watchdog.restore,
    run: deliveries.run,
    watch: Effect.andThen(
      Effect.forkChild(checked(sinks, ledger)),
      Effect.forever(Effect.andThen(Effect.sleep(watchInterval), Effect.sync(look)))
    ),
    stop: deliveries.stop,
    flush: Effect.fnUntraced(function* (until: number): Effect.fn.Return<void, never, R> {
      yield* deliveries.flush()
      yield* keep([])
      // Sinks that took all have others to stand in for, or to tell of, since.
      yield* deliveries.flushWorking
      yield* keep([])
      // What others took is noted by now: the rest of the time is for those that failed.
      yield* deliveries.flush(until)
      yield* keep([])
    }),
    rest: () => deliveries.rest().filter((alert) => !commits.isKept(alert)),
    states: deliveries.states,
    hearingOf: (incidents) => hearing.of(incidents, [...commits.underWay(), ...deliveries.undelivered()]),
    isUntold: commits.isUntold
  }
}

/** What becomes of alerts, for those that follow it: who has heard of an incident, and which messages are about it. */
const heardBy = (
  isEdited: (sink: string) => boolean,
  ledger: Ledger,
  messages: Messages.Messages,
  hearing: Hearing.Hearing,
  watchdog: Watchdog.Watchdog
): Pick<Delivery.Ledger, "delivered" | "refused" | "unsure"> => {
  const ended = (sink: string, alerts: ReadonlyArray<Alert>) => {
    for (const alert of alerts) messages.ended(sink, alert)
  }
  return {
    delivered: (sink, alerts, receipt) => {
      ledger.deliveries.delivered(sink, alerts, receipt)
      hearing.took(sink, alerts)
      watchdog.took(sink)
      const [alert] = alerts
      // A digest has no message of an incident's.
      if (alert !== undefined && alerts.length === 1 && isEdited(sink)) messages.delivered(sink, alert, receipt)
      else ended(sink, alerts)
    },
    refused: (sink, alerts, error) => {
      ledger.deliveries.refused(sink, alerts, error)
      hearing.refused(sink, alerts)
      ended(sink, alerts)
    },
    unsure: (sink, alerts, error) => {
      ledger.deliveries.unsure(sink, alerts, error)
      hearing.refused(sink, alerts)
      ended(sink, alerts)
    }
  }
}

/** Finds out which sinks would take alerts, before there are any. */
const checked = <R>(sinks: Settings<R>["sinks"], ledger: Ledger): Effect.Effect<void, never, R> =>
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
