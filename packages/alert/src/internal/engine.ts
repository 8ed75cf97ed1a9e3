import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import type { Alert } from "../Alert.ts"
import * as Incident from "../Incident.ts"
import type * as Route from "../Route.ts"
import type { Suppression } from "../Journal.ts"
import type * as Outbox from "../Outbox.ts"
import * as DueTimes from "./dueTimes.ts"
import { reportOf } from "./heard.ts"
import { keyOf, matches, routesOf, turnOf } from "./matching.ts"
import { wordsOf } from "./opening.ts"

/** Why nobody is told of an incident now, by which rule, and until when. */
export interface Hold {
  readonly reason: "silence" | "inhibition" | "flapping"
  /** The name of the rule. */
  readonly by: string
  /** When that ends, in epoch milliseconds; of an inhibition, when it is looked at again. */
  readonly until: number
}

/** Hears what was decided. It is called synchronously, and must not throw. */
export interface Journal {
  /** Nobody is told of so many failures. `incident` is its name, if people know of it. */
  readonly suppressed: (
    route: string,
    key: string,
    reason: Suppression,
    count: number,
    now: number,
    incident?: string
  ) => void
  /** It is held back for now. `incident` is its name, if people know of it. */
  readonly held: (route: string, key: string, why: string, now: number, incident?: string) => void
  readonly told: (alert: Alert, sinks: ReadonlyArray<string>) => void
}

/** What people are told, and by which sinks. */
export interface Notice {
  readonly alert: Alert
  readonly sinks: ReadonlyArray<string>
}

export interface Settings {
  readonly routes: ReadonlyArray<Route.Route>
  /** The silences now. */
  readonly silences: () => ReadonlyArray<Route.Silence>
  /** Whether these may end before their time. */
  readonly areSilencesAsked: boolean
  /** Whether there is a sink of that name. */
  readonly isThere: (sink: string) => boolean
  readonly inhibitions: ReadonlyArray<Route.Inhibition>
  /** How many incidents are kept. */
  readonly most: number
}

/** An incident on its route, and when it must be looked at. */
interface Entry extends DueTimes.Due {
  readonly id: string
  readonly route: Route.Route
  incident: Incident.Incident
  held: Hold | undefined
  /** While it is held: when that is looked at again. */
  lookAt: number
  /** What ends the expectation of a success, by the call. */
  subjects: Map<string, { readonly call: Incident.CallOf; stop: (() => void) | undefined }> | undefined
  /** What it inhibits while it is open. */
  inhibits: ReadonlyArray<string>
  /** How many of its failures another process counted that had it before. */
  shared: number
}

const nothing: ReadonlyArray<string> = []

/** Where failures go whose own key finds no room. */
const overflow = "overflow"

/** An inhibition has no end that is known, and somebody may end a silence: they are looked at again after so long. */
const recheck = 30_000

/** Hears what happens. */
export interface Ear {
  readonly failed: (report: Report.Report, now: number) => void
  /** Calls of a name and key work. */
  readonly worked: (call: Incident.CallOf, now: number) => void
  /** A policy retries calls of a name and key. */
  readonly retrying: (report: Report.Report, when: When, call: Incident.CallOf, now: number) => void
  /** A policy no longer does. */
  readonly ended: (call: Incident.CallOf, now: number) => void
}

export interface Engine extends Ear {
  /** When something is to be told, or looked at. */
  readonly nextAt: () => number
  /** Takes the alerts that are due by a time. Their incidents count as told. */
  readonly take: (now: number) => ReadonlyArray<Notice>
  /**
   * Takes what people do not know yet, at the end of the process: all of it, due or not, unless another process will go on with it. That one must find
   * the counts of what waits.
   */
  readonly flush: (now: number, goesOn: boolean) => ReadonlyArray<Notice>
  /** The incidents that are open, or that people do not know to be over. */
  readonly open: () => ReadonlyArray<Open>
  readonly size: () => number
  /** What incidents have become since this was asked last: those that opened, closed, were told or are forgotten. */
  readonly changes: () => ReadonlyArray<Outbox.Change>
  readonly hasChanged: () => boolean
  /** Goes on with an incident that was kept. */
  readonly restore: (route: string, incident: Incident.Incident, now: number) => void
  /**
   * Goes on with an incident of which another process has told people. If it has that one, it counts the failures that
   * it lacks; if there is another one of that key, the other one's ends.
   */
  readonly adopt: (route: string, incident: Incident.Incident, now: number) => void
  /** A sink stands in for another one: it hears how the incident ends, too. */
  readonly hears: (alert: Alert, sink: string) => void
  /** The calls whose success ends an open incident. */
  readonly calls: () => ReadonlyArray<Incident.CallOf>
  /** Expects no success any more, at the end of the alerter. */
  readonly stop: () => void
}

/** Since when a policy has been retrying, and when its next attempt is. */
export interface When {
  readonly since: number
  readonly nextAt: number
}

/**
 * An incident that is open, or of which people do not know yet that it is over.
 *
 * @category models
 * @since 0.1.0
 */
export interface Open {
  /** The name of its route. */
  readonly route: string
  /** The incident. */
  readonly incident: Incident.Incident
  /** Why nobody is told now, if so. */
  readonly held: Hold | undefined
  /** When it is looked at next, in epoch milliseconds. */
  readonly nextAt: number
}

const subjectOf = ({ key, name }: Incident.CallOf): string => `${name}\n${key}`

export const make = (
  { areSilencesAsked, inhibitions, isThere, most, routes, silences }: Settings,
  journal: Journal
): Engine => {
  const entries = new Map<string, Entry>()
  const bySubject = new Map<string, Set<Entry>>()
  const dueTimes = DueTimes.make<Entry>()
  /** How many open incidents there are that inhibit others, by rule and by what must be equal. */
  const sources = new Map<string, number>()

  const changed = new Map<string, { readonly entry: Entry; readonly isForgotten: boolean }>()

  const forget = (entry: Entry, now: number) => {
    entries.delete(entry.id)
    changed.set(entry.id, { entry, isForgotten: true })
    entry.at = Infinity
    for (const [subject, { stop }] of entry.subjects ?? []) {
      stop?.()
      const others = bySubject.get(subject)
      others?.delete(entry)
      if (others?.size === 0) bySubject.delete(subject)
    }
    const { untold } = entry.incident
    if (untold > 0) journal.suppressed(entry.route.name, entry.incident.key, "below the rule", untold, now)
  }

  /** Makes room: for a key that is over, or else for the one whose alert is the oldest. */
  const makeRoom = (now: number): Notice | undefined => {
    let oldest: Entry | undefined
    for (const entry of entries.values()) {
      const { isOpen, told } = entry.incident
      if (!isOpen && told?.isOpen !== true) {
        forget(entry, now)
        return undefined
      }
      if (told?.isOpen === true && (oldest?.incident.told === undefined || told.at < oldest.incident.told.at))
        oldest = entry
    }
    if (oldest === undefined) return undefined
    const notice = tell(oldest, "expired", now)
    forget(oldest, now)
    return notice
  }

  /** Last alerts of incidents that made room for others, or go on under another name, to be sent with the next ones. */
  let lastWords: ReadonlyArray<Notice> = []

  const entryFor = (route: Route.Route, report: Report.Report, now: number): readonly [Entry | undefined, string] => {
    const key = keyOf(route, report)
    const known = entries.get(idOf(route, key))
    if (known !== undefined) return [known, key]
    if (entries.size >= most) {
      const notice = makeRoom(now)
      if (notice !== undefined) lastWords = [...lastWords, notice]
    }
    if (entries.size < most) return [undefined, key]
    return [entries.get(idOf(route, overflow)), overflow]
  }

  const schedule = (entry: Entry, now: number) => {
    const { held, incident, route } = entry
    const next = Incident.due(route, incident)
    const at =
      next === undefined
        ? Math.max(incident.lastAt, incident.changedAt) + Duration.toMillis(route.expiresAfter)
        : Math.max(next.at, held === undefined ? 0 : entry.lookAt)
    if (at === entry.at) return
    entry.at = at
    if (at < now) entry.at = now
    dueTimes.add(entry)
  }

  /** Sets what an incident has become, and what follows from that. */
  const set = (entry: Entry, incident: Incident.Incident, now: number) => {
    const before = entry.incident
    entry.incident = incident
    if (isTurn(entry.route, before, incident)) changed.set(entry.id, { entry, isForgotten: false })
    const dropped = before.untold - incident.untold
    // It closed without a word: nobody was told of these failures, and nobody will be.
    if (before.isOpen && !incident.isOpen && before.told?.isOpen !== true && dropped > 0)
      journal.suppressed(entry.route.name, incident.key, entry.held?.reason ?? "over in time", dropped, now)
    if (inhibitions.length > 0 && (before.isOpen !== incident.isOpen || before.about !== incident.about)) inhibit(entry)
    if (before.isOpen !== incident.isOpen) expect(entry)
    if (!incident.isOpen) entry.held = undefined
    schedule(entry, now)
  }

  /** The retry engine tells of plain success only where somebody expects it. */
  const expect = ({ incident, route, subjects }: Entry) => {
    const isCounted = incident.isOpen || route.opens._tag !== "First"
    for (const subject of subjects?.values() ?? []) {
      if (isCounted) subject.stop ??= Observer.expectSuccess(subject.call.name, subject.call.key)
      else {
        subject.stop?.()
        subject.stop = undefined
      }
    }
  }

  const enter = (route: Route.Route, incident: Incident.Incident, now: number): Entry => {
    const closed = { ...incident, isOpen: false }
    const entry: Entry = {
      id: idOf(route, incident.key),
      route,
      incident: closed,
      held: undefined,
      lookAt: 0,
      subjects: undefined,
      inhibits: nothing,
      shared: incident.count,
      at: Infinity
    }
    entries.set(entry.id, entry)
    set(entry, incident, now)
    return entry
  }

  /** Notes what an incident inhibits from now on. */
  const inhibit = (entry: Entry) => {
    const { incident } = entry
    const now = incident.lastAt
    for (const key of entry.inhibits) {
      const left = (sources.get(key) ?? 1) - 1
      if (left === 0) sources.delete(key)
      else sources.set(key, left)
    }
    entry.inhibits = !incident.isOpen
      ? nothing
      : inhibitions.flatMap(({ equal, source }, index) =>
          matches(source, subject(incident), now)
            ? equalOf(equal, incident.about).map((value) => `${index}\n${value}`)
            : []
        )
    for (const key of entry.inhibits) sources.set(key, (sources.get(key) ?? 0) + 1)
  }

  const isInhibited = (incident: Incident.Incident, now: number): string | undefined => {
    for (const [index, { equal, name, target }] of inhibitions.entries()) {
      if (!matches(target, subject(incident), now)) continue
      // It does not hold back what it is itself.
      if (matches(inhibitions[index]?.source ?? {}, subject(incident), now)) continue
      // An incident of several jobs is held back only if each of them has failed.
      const values = equalOf(equal, incident.about)
      if (values.length > 0 && values.every((value) => sources.has(`${index}\n${value}`))) return name
    }
    return undefined
  }

  /** Says why nobody is told of incidents now. The silences are asked for once, however many incidents there are. */
  const holding = (now: number) => {
    let asked: ReadonlyArray<Route.Silence> | undefined
    return (entry: Entry) => holdOf(entry, (asked ??= silences()), now)
  }

  const holdOf = (
    { incident, route }: Entry,
    silences: ReadonlyArray<Route.Silence>,
    now: number
  ): Hold | undefined => {
    const silence = silences.find(
      ({ from, match, routes: on, until }) =>
        from <= now && now < until && on?.includes(route.name) !== false && matches(match, subject(incident), now)
    )
    if (silence !== undefined) {
      const until = Math.min(silence.until, turnOf(silence.match, now))
      return { reason: "silence", by: silence.name, until }
    }
    const by = isInhibited(incident, now)
    return by === undefined ? undefined : { reason: "inhibition", by, until: now + recheck }
  }

  /** Whoever heard that it began hears how it ended, though its route may name others since a restart. */
  const hearersOf = (route: Route.Route, incident: Incident.Incident, status: Incident.Status) => {
    const isEnd = status === "resolved" || status === "expired"
    const heard = isEnd ? (incident.told?.sinks ?? nothing).filter(isThere) : nothing
    return heard.length > 0 ? heard : sinksOf(route, incident, status)
  }

  let named = 0
  /** Notes that people are told, and gives what. */
  const tell = (entry: Entry, status: Incident.Status, now: number): Notice => {
    const { incident, route } = entry
    // A name is never given twice, though a key may have been forgotten, and open again in the same millisecond.
    const generation = incident.told?.isOpen === true ? incident.generation : (named = Math.max(now, named + 1))
    const sinks = hearersOf(route, incident, status)
    set(entry, Incident.tell(incident, status, now, generation, sinks), now)
    return { alert: alertOf(route.name, incident, generation, status, now), sinks }
  }

  const learn = (entry: Entry, call: Incident.CallOf) => {
    entry.incident = Incident.about(entry.incident, call)
    const subject = subjectOf(call)
    if (entry.subjects?.has(subject) === true || !entry.incident.calls.some((one) => subjectOf(one) === subject)) return
    entry.subjects ??= new Map()
    entry.subjects.set(subject, { call, stop: undefined })
    changed.set(entry.id, { entry, isForgotten: false })
    expect(entry)
    const known = bySubject.get(subject)
    if (known === undefined) bySubject.set(subject, new Set([entry]))
    else known.add(entry)
  }

  const resume = (name: string, incident: Incident.Incident, now: number): Entry | undefined => {
    const route = routes.find((one) => one.name === name)
    // Without its route nobody can say when an incident is over.
    if (route === undefined || entries.has(idOf(route, incident.key))) return undefined
    named = Math.max(named, incident.generation)
    const entry = enter(route, incident, now)
    for (const call of incident.calls) learn(entry, call)
    return entry
  }

  return {
    failed: (report, now) => {
      const all = routesOf(routes, report, now)
      if (all.length === 0) journal.suppressed("", "", "no route", 1, now)
      for (const route of all) {
        if (route.sinks.length === 0) {
          journal.suppressed(route.name, keyOf(route, report), "no sink", 1, now)
          continue
        }
        const [known, key] = entryFor(route, report, now)
        const incident = Incident.failed(route, known?.incident, key, report, now)
        if (known !== undefined) set(known, incident, now)
        const { call, key: of = "" } = report.attributes
        const entry = known ?? enter(route, incident, now)
        if (incident.untold === 1 && !incident.isOpen && incident.told?.isOpen !== true)
          journal.held(route.name, key, `below the rule: ${wordsOf(route.opens) ?? "the first failure"}`, now)
        if (typeof call === "string") learn(entry, { name: call, key: String(of) })
      }
    },
    worked: (call, now) => {
      for (const entry of bySubject.get(subjectOf(call)) ?? [])
        set(entry, Incident.succeeded(entry.route, entry.incident, now), now)
    },
    ended: (call, now) => {
      for (const entry of bySubject.get(subjectOf(call)) ?? [])
        if (entry.incident.retrying !== undefined) set(entry, Incident.settled(entry.incident), now)
    },
    retrying: (report, { nextAt, since }, call, now) => {
      for (const route of routesOf(routes, report, now)) {
        if (route.sinks.length === 0) continue
        const [known, key] = entryFor(route, report, now)
        const incident = Incident.retrying(known?.incident, key, report, since, nextAt, now)
        if (known !== undefined) set(known, incident, now)
        learn(known ?? enter(route, incident, now), call)
      }
    },
    nextAt: () => (lastWords.length > 0 ? -Infinity : dueTimes.earliest()),
    take: (now) => {
      const notices: Array<Notice> = [...lastWords]
      lastWords = []
      const held = holding(now)
      for (let entry = dueTimes.take(now); entry !== undefined; entry = dueTimes.take(now)) {
        entry.at = Infinity
        const next = Incident.due(entry.route, entry.incident)
        if (next === undefined || next.at > now) {
          if (Incident.isForgettable(entry.route, entry.incident, now)) forget(entry, now)
          else schedule(entry, now)
          continue
        }
        if (next.status === "resolved" && entry.incident.isOpen) set(entry, Incident.close(entry.incident, now), now)
        if (next.status === "resolved" && entry.incident.told?.isOpen !== true) continue
        const hold = held(entry)
        if (hold !== undefined) {
          const { key } = entry.incident
          if (entry.held?.by !== hold.by)
            journal.held(entry.route.name, key, `${hold.reason}: ${hold.by}`, now, knownName(entry.incident))
          entry.held = hold
          entry.lookAt = areSilencesAsked ? Math.min(hold.until, now + recheck) : hold.until
          schedule(entry, now)
          continue
        }
        entry.held = undefined
        notices.push(tell(entry, next.status, now))
      }
      for (const { alert, sinks } of notices) journal.told(alert, sinks)
      return notices
    },
    flush: (now, goesOn) => {
      const notices: Array<Notice> = [...lastWords]
      lastWords = []
      const held = holding(now)
      for (const entry of entries.values()) {
        const { isOpen, key, told, untold } = entry.incident
        const isKnown = told?.isOpen === true
        if (untold === 0 && (isOpen || !isKnown)) continue
        const reason = isOpen || isKnown ? held(entry)?.reason : "below the rule"
        const status = !isOpen ? "resolved" : isKnown ? furtherOf(entry.incident) : "opened"
        // What nobody must hear now, the next process tells in its time.
        if (goesOn && (reason !== undefined || status === "resolved" || status === "reminder"))
          changed.set(entry.id, { entry, isForgotten: false })
        else if (reason === undefined) notices.push(tell(entry, status, now))
        else if (untold > 0) journal.suppressed(entry.route.name, key, reason, untold, now, knownName(entry.incident))
      }
      for (const { alert, sinks } of notices) journal.told(alert, sinks)
      return notices
    },
    open: () =>
      [...entries.values()]
        .filter(({ incident }) => incident.isOpen || incident.told?.isOpen === true)
        .map(({ at, held, incident, route }) => ({ route: route.name, incident, held, nextAt: at })),
    size: () => entries.size,
    hasChanged: () => changed.size > 0,
    changes: () => {
      const all = [...changed.values()].map(({ entry: { incident, route }, isForgotten }) => ({
        route: route.name,
        key: incident.key,
        incident: isForgotten ? undefined : incident
      }))
      changed.clear()
      return all
    },
    restore: (name, incident, now) => {
      // Of a policy that was to be told of nobody knows whether it still retries: if so, it says that again.
      const isKnown = incident.isOpen || incident.told?.isOpen === true
      const entry = resume(name, isKnown ? incident : Incident.settled(incident), now)
      if (entry !== undefined) changed.delete(entry.id)
    },
    adopt: (name, incident, now) => {
      const route = routes.find((one) => one.name === name)
      if (route === undefined || incident.told?.isOpen !== true) return
      const own = entries.get(idOf(route, incident.key))
      if (own === undefined) resume(name, incident, now)
      else if (own.incident.generation === incident.generation) {
        // The other process went on with it until it saw that it no longer should.
        const report = reportOf(incident)
        for (; own.shared < incident.count; own.shared++)
          set(own, Incident.failed(route, own.incident, incident.key, report, now), now)
      }
      // The same failures have another name here: that one goes on.
      else
        lastWords = [
          ...lastWords,
          {
            alert: alertOf(name, incident, incident.generation, "expired", now),
            sinks: hearersOf(route, incident, "expired")
          }
        ]
    },
    hears: ({ incident: name, key, route }, sink) => {
      const entry = entries.get(`${route}\n${key}`)
      if (entry === undefined || knownName(entry.incident) !== name) return
      const incident = Incident.hears(entry.incident, sink)
      if (incident === entry.incident) return
      entry.incident = incident
      changed.set(entry.id, { entry, isForgotten: false })
    },
    calls: () => {
      const found = new Map<string, Incident.CallOf>()
      for (const { subjects } of entries.values())
        for (const [subject, { call, stop }] of subjects ?? []) if (stop !== undefined) found.set(subject, call)
      return [...found.values()]
    },
    stop: () => {
      for (const { subjects } of entries.values())
        for (const subject of subjects?.values() ?? []) {
          subject.stop?.()
          subject.stop = undefined
        }
    }
  }
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

const idOf = (route: Route.Route, key: string): string => `${route.name}\n${key}`

const subject = ({ about, severity }: Incident.Incident) => ({ ...about, severity })

/** The values that must be equal: a job's failure silences the items of that job, of which an incident may have several. */
const equalOf = (equal: ReadonlyArray<Route.EqualField>, about: Incident.About): ReadonlyArray<string> => {
  let found: ReadonlyArray<string> = [""]
  for (const field of equal) {
    const values = field === "job" ? about.jobIds : [about[field] ?? ""]
    found = found.flatMap((one) => values.map((value) => `${one}\n${value}`))
  }
  return found
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

/** The name of an incident, if people know of it. */
const knownName = ({ generation, key, told }: Incident.Incident): string | undefined =>
  told?.isOpen === true ? nameOf(key, generation) : undefined

/** The name of an incident: no other one ever has it. */
export const nameOf = (key: string, generation: number): string => `${key}#${generation.toString(36)}`

/** What people are told of an incident. */
export const alertOf = (
  route: string,
  incident: Incident.Incident,
  generation: number,
  status: Incident.Status,
  now: number
): Alert => {
  const { about, count, firstAt, key, lastAt, retrying, severity, untold } = incident
  const name = nameOf(key, generation)
  return {
    ...about,
    id: `${route}/${name}/${status}/${now}`,
    route,
    key,
    incident: name,
    status,
    severity,
    count: untold,
    total: count,
    at: DateTime.makeUnsafe(now),
    firstAt: DateTime.makeUnsafe(firstAt),
    lastAt: DateTime.makeUnsafe(lastAt),
    ...(retrying !== undefined && { nextAt: DateTime.makeUnsafe(retrying.nextAt) })
  }
}
