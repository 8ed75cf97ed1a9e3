import type { Alert } from "../Alert.ts"
import * as Incident from "../Incident.ts"
import type { Change } from "../Outbox.ts"
import type { State } from "./delivery.ts"
import { alertOf, nameOf, type News } from "./notice.ts"

/** Tells of sinks that take no alerts by the others. */
export interface Watchdog {
  /** What people are told, and what must be kept, given how all sinks are now. */
  readonly look: (states: ReadonlyArray<State>, now: number) => News
  /** Goes on with what people were told before a restart: whoever heard that a sink is down hears that it is up. */
  readonly restore: (incident: Incident.Incident) => void
  /** A sink has taken alerts. */
  readonly took: (sink: string) => void
  /** A sink stands in for another one: it hears the end, too. Gives what must be kept. */
  readonly hears: (alert: Alert, sink: string) => ReadonlyArray<Change>
}

/** The route of alerts about the alerter itself. */
export const route = "watchdog"

/** `fallbacks` names the sink that is told of another one; without one all others are. An alert that waits for `mostWait` is late. */
export const make = (
  fallbacks: { readonly [sink: string]: string },
  isThere: (sink: string) => boolean,
  mostWait: number
): Watchdog => {
  /** What people were told, by sink. After a restart nobody knows how that one is until it takes an alert. */
  const told = new Map<string, { readonly incident: Incident.Incident; readonly isUnsure: boolean }>()

  /** Who is told of a sink: its fallback, or all others that are up. */
  const othersOf = (sink: string, up: ReadonlyArray<string>): ReadonlyArray<string> => {
    const standIn = fallbacks[sink]
    return standIn === undefined ? up.filter((other) => other !== sink) : [standIn]
  }

  /** Ends what people were told of a sink. Those who heard of it are told, or who is told now. */
  const end = (
    sink: string,
    incident: Incident.Incident,
    status: "resolved" | "expired",
    others: ReadonlyArray<string>,
    now: number
  ): News => {
    const heard = (incident.told?.sinks ?? []).filter(isThere)
    const sinks = heard.length > 0 ? heard : others
    if (sinks.length === 0) return { notices: [], changes: [] }
    told.delete(sink)
    return {
      notices: [{ alert: alertOf(route, incident, incident.generation, status, now), sinks }],
      changes: [{ route, key: incident.key, incident: undefined }]
    }
  }

  const look = (state: State, up: ReadonlyArray<string>, now: number): News | undefined => {
    const { isDown, lastError, name, since, waiting } = state
    const before = told.get(name)
    const isLate = since !== undefined && now - since >= mostWait
    const others = othersOf(name, up)
    if (before !== undefined)
      return isDown || isLate || before.isUnsure ? undefined : end(name, before.incident, "resolved", others, now)
    if (!(isDown || isLate) || others.length === 0) return undefined
    const message = isDown ? (lastError?.message ?? "no delivery succeeds") : `${waiting} alerts wait for it`
    const incident = incidentOf(name, isDown ? "alert_sink_down" : "alert_sink_late", message, others, now)
    told.set(name, { incident, isUnsure: false })
    return {
      notices: [{ alert: alertOf(route, incident, now, "opened", now), sinks: others }],
      changes: [{ route, key: incident.key, incident }]
    }
  }

  return {
    look: (states, now) => {
      const up = states.filter(({ isDown }) => !isDown).map(({ name }) => name)
      // Of a sink that the program no longer has nothing is heard any more.
      const removed = [...told].filter(([name]) => !isThere(name))
      const all = [
        ...removed.map(([name, { incident }]) => end(name, incident, "expired", up, now)),
        ...states.flatMap((state) => look(state, up, now) ?? [])
      ]
      return { notices: all.flatMap(({ notices }) => notices), changes: all.flatMap(({ changes }) => changes) }
    },
    restore: (incident) => {
      if (incident.about.detail !== undefined) told.set(incident.about.detail, { incident, isUnsure: true })
    },
    took: (sink) => {
      const before = told.get(sink)
      if (before?.isUnsure === true) told.set(sink, { ...before, isUnsure: false })
    },
    hears: (alert, sink) => {
      if (alert.route !== route || alert.detail === undefined) return []
      const before = told.get(alert.detail)
      if (before === undefined || nameOf(before.incident.key, before.incident.generation) !== alert.incident) return []
      const incident = Incident.hears(before.incident, sink)
      if (incident === before.incident) return []
      told.set(alert.detail, { ...before, incident })
      return [{ route, key: incident.key, incident }]
    }
  }
}

/** It is about no failure that anybody reported, so that it counts none. */
const incidentOf = (
  sink: string,
  code: string,
  message: string,
  sinks: ReadonlyArray<string>,
  now: number
): Incident.Incident => ({
  key: `${code}/${sink}`,
  generation: now,
  isOpen: true,
  isFlapping: false,
  isEscalated: false,
  changedAt: now,
  firstAt: now,
  lastAt: now,
  severity: "Error",
  count: 0,
  untold: 0,
  fingerprints: [],
  successes: 0,
  failures: 0,
  recent: [],
  calls: [],
  told: { isOpen: true, at: now, severity: "Error", sinks },
  about: { level: "program", code, detail: sink, actor: "operator", message, urls: [], jobIds: [] }
})
