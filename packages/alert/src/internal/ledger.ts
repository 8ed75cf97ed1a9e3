import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Alert } from "../Alert.ts"
import type { SinkError } from "../Sink.ts"
import type * as Journal from "../Journal.ts"
import type * as Delivery from "./delivery.ts"
import type * as Engine from "./engine.ts"
import * as Speaker from "./speaker.ts"

/** Counts what was told and what was not, and says what people must know of the sinks. */
export interface Ledger {
  readonly journal: Engine.Journal
  readonly deliveries: Omit<Delivery.Ledger, "settled">
  /** The outbox failed: people are told all the same, and may be told again after a restart. */
  readonly notKept: (cause: Cause.Cause<unknown>) => void
  /** A sink that was checked at the start takes no alerts. */
  readonly notReady: (sink: string, error: SinkError) => void
  /** How sinks are: since when the first alert waits for each, and whether it is down. */
  readonly states: (states: ReadonlyArray<Delivery.State>, now: number) => void
  /** So many incidents and alerts were kept and cannot be read. */
  readonly unread: (count: number) => void
  /** So many incidents were kept whose routes and sinks are no longer there. */
  readonly noRoute: (count: number) => void
  /** So many alerts were kept whose sinks are no longer there. */
  readonly noSink: (count: number, sinks: ReadonlyArray<string>) => void
  /** The silences that were asked for are wrong. */
  readonly noSilences: (why: string) => void
  /** How many failures no sink was told of, given what was not delivered. */
  readonly lost: (rest: ReadonlyArray<Alert>) => number
  /** Logs what is to be said of all this. */
  readonly speak: Speaker.Speaker["start"]
}

const counter = (name: string, description: string) => (label: string, value: string) =>
  Metric.counter(`redrive_${name}_total`, { description, incremental: true, attributes: { [label]: value } })

const suppressed = counter("alerts_suppressed", "Failures that nobody was told of, by reason")
const delivered = counter("alerts_delivered", "Alerts that a sink took, by sink")
const refused = counter("alerts_refused", "Alerts that a sink will never take, by sink")
const unsure = counter("alerts_unsure", "Alerts that a sink may have taken, and that are not sent again, by sink")
const attemptsFailed = counter("alert_attempts_failed", "Attempts to deliver alerts that failed, by sink")

const gaugeOf = (name: string, description: string) => (sink: string) =>
  Metric.gauge(`redrive_${name}`, { description, attributes: { sink } })

const age = gaugeOf("alert_outbox_age_seconds", "How long the first alert has waited for a sink, by sink")
const down = gaugeOf("alert_sink_down", "1 while a sink takes no alerts, by sink")

/** Adds to a counter. */
type Count = (metric: Metric.Counter<number>, by: number) => void

export const make = (writer: Journal.Writer | undefined, now: () => number): Ledger => {
  const speaker = Speaker.make()
  const count: Count = (metric, by) => metric.updateUnsafe(by, speaker.context())
  const gauge = (metric: (sink: string) => Metric.Gauge<number>, sink: string, value: number) =>
    metric(sink).updateUnsafe(value, speaker.context())
  /** How many failures are in alerts that a sink refused for good. */
  let refusedCount = 0
  const told = deliveriesOf(writer, now, count, speaker.say)

  return {
    journal: journalOf(writer, count),
    deliveries: {
      ...told,
      refused: (sink, alerts, error) => {
        for (const alert of alerts) refusedCount += alert.count
        told.refused(sink, alerts, error)
      }
    },
    ...faultsOf(speaker.say),
    states: (states, at) => {
      for (const { isDown, name, since } of states) {
        gauge(age, name, since === undefined ? 0 : (at - since) / 1000)
        gauge(down, name, isDown ? 1 : 0)
      }
    },
    lost: (rest) => {
      const byId = new Map(rest.map(({ count, id }) => [id, count]))
      return refusedCount + [...byId.values()].reduce((sum, one) => sum + one, 0)
    },
    speak: speaker.start
  }
}

/** Notes what people are told of incidents, and why not. */
const journalOf = (writer: Journal.Writer | undefined, count: Count): Engine.Journal => ({
  suppressed: (route, key, reason, failures, at, incident = "") => {
    count(suppressed("reason", reason), failures)
    writer?.note({ at, route, key, incident, decision: "suppressed", why: reason, sinks: [], count: failures })
  },
  held: (route, key, why, at, incident = "") =>
    writer?.note({ at, route, key, incident, decision: "held", why, sinks: [], count: 0 }),
  told: ({ at, count: failures, incident, key, route, status }, sinks) =>
    writer?.note({
      at: at.epochMilliseconds,
      route,
      key,
      incident,
      decision: "told",
      why: status,
      sinks,
      count: failures
    })
})

/** Counts, notes and says what became of alerts at the sinks. */
const deliveriesOf = (
  writer: Journal.Writer | undefined,
  now: () => number,
  count: Count,
  say: Speaker.Speaker["say"]
): Ledger["deliveries"] => {
  const note = (decision: Journal.Entry["decision"], sink: string, alerts: ReadonlyArray<Alert>, why?: string) => {
    for (const { count: failures, incident, key, route, status } of writer === undefined ? [] : alerts)
      writer?.note({ at: now(), route, key, incident, decision, why: why ?? status, sinks: [sink], count: failures })
  }
  return {
    delivered: (sink, alerts) => {
      count(delivered("sink", sink), alerts.length)
      note("delivered", sink, alerts)
    },
    collapsed: (sink, { incident, key, route }, untold) => {
      count(suppressed("reason", "over in time"), untold)
      const why = "it was over before the sink took its first alert"
      writer?.note({ at: now(), route, key, incident, decision: "collapsed", why, sinks: [sink], count: untold })
    },
    refused: (sink, alerts, { message }) => {
      count(refused("sink", sink), alerts.length)
      note("refused", sink, alerts, message)
      for (const { incident } of alerts)
        say(`refused ${sink}`, Effect.logError(`${sink} will never take an alert: ${message}`, { alert: incident }))
    },
    attemptFailed: (sink, { message, reason = "failed" }, nextAt) => {
      count(attemptsFailed("sink", sink), 1)
      say(
        `failed ${sink}`,
        Effect.logWarning(`${sink} did not take alerts, and gets them again: ${message}`, {
          sink,
          reason,
          next_at: new Date(Math.min(nextAt, 8.64e15)).toISOString()
        })
      )
    },
    unsure: (sink, alerts, { message }) => {
      count(unsure("sink", sink), alerts.length)
      note("refused", sink, alerts, `not sent again, since it may have been taken: ${message}`)
      say(
        `unsure ${sink}`,
        Effect.logWarning(`${sink} may have taken ${alerts.length} alerts, which are not sent again: ${message}`, {
          sink
        })
      )
    },
    down: (sink, { message }) =>
      say(`down ${sink}`, Effect.logError(`${sink} is down, and takes no alerts: ${message}`, { sink })),
    up: (sink) => say(`up ${sink}`, Effect.logInfo(`${sink} takes alerts again`, { sink }))
  }
}

/** Says what people must know of the alerter. */
const faultsOf = (
  say: Speaker.Speaker["say"]
): Pick<Ledger, "noRoute" | "noSilences" | "noSink" | "notKept" | "notReady" | "unread"> => ({
  notReady: (sink, { message }) =>
    say(`check ${sink}`, Effect.logError(`${sink} would take no alerts now: ${message}`, { sink })),
  unread: (count) =>
    say(
      "unread",
      Effect.logError(
        `${count} incidents and alerts of the outbox cannot be read, and are left: another version wrote them`
      )
    ),
  noRoute: (count) =>
    say(
      "no route",
      Effect.logWarning(
        `${count} incidents of the outbox are left, since neither their routes nor their sinks are there any more: nobody hears how they end`
      )
    ),
  noSink: (count, sinks) =>
    say(
      "no sink",
      Effect.logError(
        `${count} alerts of the outbox are left, since the program has no sink named ${sinks.join(", ")} any more: nobody hears of them`
      )
    ),
  noSilences: (why) =>
    say("silences", Effect.logError(`nobody is kept from hearing, since the silences cannot be used: ${why}`)),
  notKept: (cause) =>
    say("not kept", Effect.logError("alerts are sent, but not kept: a restart may forget or repeat them", cause))
})
