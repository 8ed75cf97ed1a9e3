import * as Incident from "../Incident.ts"
import type * as Route from "../Route.ts"
import type { DueTimes } from "./dueTimes.ts"
import type { Hold, Journal } from "./engine.ts"
import type { Holds } from "./holds.ts"
import { alertOf, knownName, type Notice } from "./notice.ts"
import type { Entry, Table } from "./table.ts"

/** Decides what people are told, when, and by which sinks. */
export interface Telling {
  /** When something is to be told, or looked at. */
  readonly nextAt: () => number
  /** Takes the alerts that are due by a time. Their incidents count as told. */
  readonly take: (now: number) => ReadonlyArray<Notice>
  /** Takes what people do not know yet, at the end of the process. */
  readonly flush: (now: number, goesOn: boolean) => ReadonlyArray<Notice>
  /** Forgets an incident that makes room for another one. Whoever heard of it is told that it expired. */
  readonly evict: (entry: Entry, now: number) => void
  /** Tells that an incident of another process expired, since it goes on under the name that it has here. */
  readonly renamed: (route: Route.Route, incident: Incident.Incident, now: number) => void
  /** Gives no name that comes before that of an incident. */
  readonly nameAfter: (incident: Incident.Incident) => void
}

export const make = (
  isThere: (sink: string) => boolean,
  table: Table,
  dueTimes: DueTimes<Entry>,
  holds: Holds,
  journal: Journal
): Telling => {
  /** The last generation. None is given twice, though a key may be forgotten and open again in the same millisecond. */
  let named = 0
  /** Last alerts of incidents that made room for others, or go on under another name. The next `take` has them. */
  let lastWords: Array<Notice> = []

  /** Whoever heard that it began hears how it ended, though its route may name others since a restart. */
  const hearersOf = (route: Route.Route, incident: Incident.Incident, status: Incident.Status) => {
    const isEnd = status === "resolved" || status === "expired"
    const heard = isEnd ? (incident.told?.sinks ?? []).filter(isThere) : []
    return heard.length > 0 ? heard : sinksOf(route, incident, status)
  }

  /** Notes that people are told, and gives what. */
  const tell = (entry: Entry, status: Incident.Status, now: number): Notice => {
    const { incident, route } = entry
    const generation = incident.told?.isOpen === true ? incident.generation : (named = Math.max(now, named + 1))
    const sinks = hearersOf(route, incident, status)
    table.set(entry, Incident.tell(incident, status, now, generation, sinks), now)
    return { alert: alertOf(route.name, incident, generation, status, now), sinks }
  }

  const hold = (entry: Entry, hold: Hold, now: number) => {
    const { held, incident, route } = entry
    if (held?.by !== hold.by)
      journal.held(route.name, incident.key, `${hold.reason}: ${hold.by}`, now, knownName(incident))
    entry.held = hold
    entry.lookAt = holds.lookAt(hold, now)
    table.schedule(entry, now)
  }

  /** What people are told of an incident that is looked at, if anything is due and nothing holds it back. */
  const look = (entry: Entry, holdOf: ReturnType<Holds["at"]>, now: number): Notice | undefined => {
    const next = Incident.due(entry.route, entry.incident)
    if (next === undefined || next.at > now) {
      if (Incident.isForgettable(entry.route, entry.incident, now)) table.forget(entry, now)
      else table.schedule(entry, now)
      return undefined
    }
    if (next.status === "resolved" && entry.incident.isOpen) table.set(entry, Incident.close(entry.incident, now), now)
    if (next.status === "resolved" && entry.incident.told?.isOpen !== true) return undefined
    const held = holdOf(entry)
    if (held !== undefined) {
      hold(entry, held, now)
      return undefined
    }
    entry.held = undefined
    return tell(entry, next.status, now)
  }

  const takeLastWords = () => {
    const words = lastWords
    lastWords = []
    return words
  }

  const told = (notices: ReadonlyArray<Notice>) => {
    for (const { alert, sinks } of notices) journal.told(alert, sinks)
    return notices
  }

  return {
    nextAt: () => (lastWords.length > 0 ? -Infinity : dueTimes.earliest()),
    take: (now) => {
      const notices = takeLastWords()
      const holdOf = holds.at(now)
      for (let entry = dueTimes.take(now); entry !== undefined; entry = dueTimes.take(now)) {
        const notice = look(entry, holdOf, now)
        if (notice !== undefined) notices.push(notice)
      }
      return told(notices)
    },
    flush: (now, goesOn) => {
      const notices = takeLastWords()
      const holdOf = holds.at(now)
      for (const entry of table.all()) {
        const { isOpen, key, told, untold } = entry.incident
        const isKnown = told?.isOpen === true
        if (untold === 0 && (isOpen || !isKnown)) continue
        const reason = isOpen || isKnown ? holdOf(entry)?.reason : "below the rule"
        const status = !isOpen ? "resolved" : isKnown ? furtherOf(entry.incident) : "opened"
        // What nobody must hear now, the next process tells in its time.
        if (goesOn && (reason !== undefined || status === "resolved" || status === "reminder")) table.keep(entry)
        else if (reason === undefined) notices.push(tell(entry, status, now))
        else if (untold > 0) journal.suppressed(entry.route.name, key, reason, untold, now, knownName(entry.incident))
      }
      return told(notices)
    },
    evict: (entry, now) => {
      if (entry.incident.told?.isOpen === true) lastWords.push(tell(entry, "expired", now))
      table.forget(entry, now)
    },
    renamed: (route, incident, now) => {
      const alert = alertOf(route.name, incident, incident.generation, "expired", now)
      lastWords.push({ alert, sinks: hearersOf(route, incident, "expired") })
    },
    nameAfter: ({ generation }) => {
      named = Math.max(named, generation)
    }
  }
}

/** Who is told: those of the escalation hear what follows it, too. */
const sinksOf = (
  { escalation, sinks }: Route.Route,
  { isEscalated }: Incident.Incident,
  status: Incident.Status
): ReadonlyArray<string> => {
  const escalated = escalation?.sinks ?? []
  if (status === "escalated") return escalated
  return isEscalated ? [...new Set([...sinks, ...escalated])] : sinks
}

/** What follows for an incident that people know, at the end of the process. */
const furtherOf = ({ newsAt, worseAt }: Incident.Incident): Incident.Status =>
  worseAt !== undefined ? "worse" : newsAt !== undefined ? "news" : "reminder"
