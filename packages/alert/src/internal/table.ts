import * as Duration from "effect/Duration"
import * as Incident from "../Incident.ts"
import type * as Outbox from "../Outbox.ts"
import type * as Route from "../Route.ts"
import type * as DueTimes from "./dueTimes.ts"
import type { Hold, Journal } from "./engine.ts"
import type * as Expectations from "./expectations.ts"
import * as Inhibitor from "./inhibitor.ts"

/** An incident on its route, and when it must be looked at. */
export interface Entry extends DueTimes.Due, Inhibitor.Source, Expectations.Subject {
  readonly id: string
  readonly route: Route.Route
  /** Only the table changes it. */
  incident: Incident.Incident
  /** Why nobody is told of it now. */
  held: Hold | undefined
  /** While it is held: when that is looked at again. */
  lookAt: number
  /** How many of its failures another process counted that had it before. */
  shared: number
}

/** The incidents by route and key. Every change goes through here, so that the indices and the outbox follow. */
export interface Table {
  readonly find: (route: string, key: string) => Entry | undefined
  readonly all: () => Iterable<Entry>
  readonly size: () => number
  /** Adds an incident whose key is not there. */
  readonly enter: (route: Route.Route, incident: Incident.Incident, now: number) => Entry
  /** Sets what an incident has become, and what follows from that. */
  readonly set: (entry: Entry, incident: Incident.Incident, now: number) => void
  /** Notes that a sink hears of an incident, too, of which its people are told. */
  readonly hears: (entry: Entry, sink: string) => void
  /** Notes a call that an incident is about. */
  readonly learn: (entry: Entry, call: Incident.CallOf) => void
  /** Sets when an entry must be looked at. */
  readonly schedule: (entry: Entry, now: number) => void
  readonly forget: (entry: Entry, now: number) => void
  /** The entry that makes room: a closed one that nobody must be told of, or else the one with the oldest alert. */
  readonly oldest: () => Entry | undefined
  /** Notes that an entry is to be kept as it is. */
  readonly keep: (entry: Entry) => void
  /** Notes that an entry is kept as it is. */
  readonly markKept: (entry: Entry) => void
  /** What entries have become since this was asked last. */
  readonly changes: () => ReadonlyArray<Outbox.Change>
  readonly hasChanged: () => boolean
}

/** What follows from the state of incidents. */
export interface Indices {
  /** When entries must be looked at. */
  readonly dueTimes: DueTimes.DueTimes<Entry>
  readonly expectations: Expectations.Expectations<Entry>
  readonly inhibitor: Inhibitor.Inhibitor
}

export const make = ({ dueTimes, expectations, inhibitor }: Indices, journal: Journal): Table => {
  const entries = new Map<string, Entry>()
  const changed = new Map<string, { readonly entry: Entry; readonly isForgotten: boolean }>()

  const keep = (entry: Entry) => {
    changed.set(entry.id, { entry, isForgotten: false })
  }

  const schedule = (entry: Entry, now: number) => {
    const at = lookAtOf(entry)
    if (at === entry.at) return
    entry.at = Math.max(at, now)
    dueTimes.add(entry)
  }

  const set = (entry: Entry, incident: Incident.Incident, now: number) => {
    const before = entry.incident
    entry.incident = incident
    if (isTurn(entry.route, before, incident)) keep(entry)
    const dropped = before.untold - incident.untold
    // It closed without a word: nobody was told of these failures, and nobody will be.
    if (before.isOpen && !incident.isOpen && before.told?.isOpen !== true && dropped > 0)
      journal.suppressed(entry.route.name, incident.key, entry.held?.reason ?? "over in time", dropped, now)
    inhibitor.changed(entry, before)
    if (before.isOpen !== incident.isOpen) expectations.update(entry)
    if (!incident.isOpen) entry.held = undefined
    schedule(entry, now)
  }

  return {
    find: (route, key) => entries.get(idOf(route, key)),
    all: () => entries.values(),
    size: () => entries.size,
    enter: (route, incident, now) => {
      const entry = entryOf(route, incident)
      entries.set(entry.id, entry)
      set(entry, incident, now)
      return entry
    },
    set,
    hears: (entry, sink) => {
      const incident = Incident.hears(entry.incident, sink)
      if (incident === entry.incident) return
      entry.incident = incident
      keep(entry)
    },
    learn: (entry, call) => {
      entry.incident = Incident.about(entry.incident, call)
      if (expectations.add(entry, call)) keep(entry)
    },
    schedule,
    forget: (entry, now) => {
      entries.delete(entry.id)
      changed.set(entry.id, { entry, isForgotten: true })
      entry.at = Infinity
      expectations.remove(entry)
      const { key, untold } = entry.incident
      if (untold > 0) journal.suppressed(entry.route.name, key, "below the rule", untold, now)
    },
    oldest: () => {
      let oldest: Entry | undefined
      for (const entry of entries.values()) {
        const { isOpen, told } = entry.incident
        if (!isOpen && told?.isOpen !== true) return entry
        if (told?.isOpen === true && (oldest?.incident.told === undefined || told.at < oldest.incident.told.at))
          oldest = entry
      }
      return oldest
    },
    keep,
    markKept: (entry) => changed.delete(entry.id),
    changes: () => {
      const all = [...changed.values()].map(({ entry: { incident, route }, isForgotten }) => ({
        route: route.name,
        key: incident.key,
        incident: isForgotten ? undefined : incident
      }))
      changed.clear()
      return all
    },
    hasChanged: () => changed.size > 0
  }
}

const idOf = (route: string, key: string): string => `${route}\n${key}`

/** An entry whose incident is closed until it is set. */
const entryOf = (route: Route.Route, incident: Incident.Incident): Entry => ({
  id: idOf(route.name, incident.key),
  route,
  incident: { ...incident, isOpen: false },
  held: undefined,
  lookAt: 0,
  calls: undefined,
  inhibits: Inhibitor.nothing,
  shared: incident.count,
  at: Infinity
})

/** When an entry must be looked at: people are to be told something, or it may be forgotten. */
const lookAtOf = ({ held, incident, lookAt, route }: Entry): number => {
  const next = Incident.due(route, incident)
  return next === undefined
    ? Math.max(incident.lastAt, incident.changedAt) + Duration.toMillis(route.expiresAfter)
    : Math.max(next.at, held === undefined ? 0 : lookAt)
}

/** Whether what comes next depends on it, so that a restart must not forget it. A failure more does not count. */
const isTurn = (route: Route.Route, before: Incident.Incident, after: Incident.Incident): boolean =>
  before.isOpen !== after.isOpen ||
  before.told !== after.told ||
  before.isEscalated !== after.isEscalated ||
  (after.isOpen && before.severity !== after.severity) ||
  before.newsAt !== after.newsAt ||
  before.worseAt !== after.worseAt ||
  (after.told?.isOpen === true && (before.untold === 0) !== (after.untold === 0)) ||
  (after.isOpen && before.successes >= route.successes !== after.successes >= route.successes)
