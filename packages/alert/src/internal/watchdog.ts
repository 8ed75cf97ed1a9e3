import type * as Incident from "../Incident.ts"
import type { Change } from "../Outbox.ts"
import type { State } from "./delivery.ts"
import { alertOf, type Notice } from "./engine.ts"

/** Tells of sinks that take no alerts by the others. */
export interface Watchdog {
  /** What people are told, and what must be kept, given how all sinks are now. */
  readonly look: (states: ReadonlyArray<State>, now: number) => Seen
  /** Goes on with what people were told before a restart: whoever heard that a sink is down hears that it is up. */
  readonly restore: (incident: Incident.Incident) => void
}

export interface Seen {
  readonly notices: ReadonlyArray<Notice>
  readonly changes: ReadonlyArray<Change>
}

/** The route of alerts about the alerter itself. */
export const route = "watchdog"

/** `fallbacks` names the sink that is told of another one; without one all others are. An alert that waits for `mostWait` is late. */
export const make = (fallbacks: { readonly [sink: string]: string }, mostWait: number): Watchdog => {
  /** By sink: what people were told of it, and who was, if that is known. */
  const told = new Map<
    string,
    { readonly incident: Incident.Incident; readonly sinks: ReadonlyArray<string> | undefined }
  >()

  /** Who is told of a sink: its fallback, or all others that are up. */
  const othersOf = (sink: string, up: ReadonlyArray<string>): ReadonlyArray<string> => {
    const standIn = fallbacks[sink]
    return standIn === undefined ? up.filter((other) => other !== sink) : [standIn]
  }

  const look = (
    state: State,
    up: ReadonlyArray<string>,
    now: number
  ): (Notice & { readonly change: Change }) | undefined => {
    const { isDown, lastError, name, since, waiting } = state
    const before = told.get(name)
    const isLate = since !== undefined && now - since >= mostWait
    const others = othersOf(name, up)
    if (before === undefined) {
      if (!(isDown || isLate) || others.length === 0) return undefined
      const message = isDown ? (lastError?.message ?? "no delivery succeeds") : `${waiting} alerts wait for it`
      const incident = incidentOf(name, isDown ? "alert_sink_down" : "alert_sink_late", message, now)
      told.set(name, { incident, sinks: others })
      return {
        alert: alertOf(route, incident, now, "opened", now),
        sinks: others,
        change: { route, key: incident.key, incident }
      }
    }
    if (isDown || isLate) return undefined
    const { incident, sinks = others } = before
    if (sinks.length === 0) return undefined
    told.delete(name)
    return {
      alert: alertOf(route, incident, incident.generation, "resolved", now),
      sinks,
      change: { route, key: incident.key, incident: undefined }
    }
  }

  return {
    look: (states, now) => {
      const up = states.filter(({ isDown }) => !isDown).map(({ name }) => name)
      const all = states.flatMap((state) => look(state, up, now) ?? [])
      return { notices: all, changes: all.map(({ change }) => change) }
    },
    restore: (incident) => {
      if (incident.about.detail !== undefined) told.set(incident.about.detail, { incident, sinks: undefined })
    }
  }
}

/** It is about no failure that anybody reported, so that it counts none. */
const incidentOf = (sink: string, code: string, message: string, now: number): Incident.Incident => ({
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
  told: { isOpen: true, at: now, severity: "Error", sinks: [] },
  about: { level: "program", code, detail: sink, actor: "operator", message, urls: [], jobIds: [] }
})
