import type * as Report from "@redrive/core/Report"
import type { Alert } from "../Alert.ts"
import * as Incident from "../Incident.ts"
import type { Suppression } from "../Journal.ts"
import type * as Outbox from "../Outbox.ts"
import type * as Route from "../Route.ts"
import * as DueTimes from "./dueTimes.ts"
import * as Expectations from "./expectations.ts"
import { reportOf } from "./heard.ts"
import * as Holds from "./holds.ts"
import * as Inhibitor from "./inhibitor.ts"
import { keyOf, routesOf } from "./matching.ts"
import { knownName, type Notice } from "./notice.ts"
import { wordsOf } from "./opening.ts"
import * as Table from "./table.ts"
import * as Telling from "./telling.ts"

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

export interface Settings extends Holds.Settings {
  readonly routes: ReadonlyArray<Route.Route>
  /** Whether there is a sink of that name. */
  readonly isThere: (sink: string) => boolean
  readonly inhibitions: ReadonlyArray<Route.Inhibition>
  /** How many incidents are kept. */
  readonly most: number
}

/** Where failures go whose own key finds no room. */
const overflow = "overflow"

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

/** Makes incidents of failures, and tells people when these begin and end. */
export const make = (settings: Settings, journal: Journal): Engine => {
  const { inhibitions, isThere, routes } = settings
  const inhibitor = Inhibitor.make(inhibitions)
  const dueTimes = DueTimes.make<Table.Entry>()
  const expectations = Expectations.make<Table.Entry>()
  const table = Table.make({ dueTimes, expectations, inhibitor }, journal)
  const telling = Telling.make(isThere, table, dueTimes, Holds.make(settings, inhibitor), journal)
  return {
    ...earOf(settings, table, telling, expectations, journal),
    ...successorOf(routes, table, telling),
    nextAt: telling.nextAt,
    take: telling.take,
    flush: telling.flush,
    open: () =>
      [...table.all()]
        .filter(({ incident }) => incident.isOpen || incident.told?.isOpen === true)
        .map(({ at, held, incident, route }) => ({ route: route.name, incident, held, nextAt: at })),
    size: table.size,
    changes: table.changes,
    hasChanged: table.hasChanged,
    hears: ({ incident: name, key, route }, sink) => {
      const entry = table.find(route, key)
      if (entry !== undefined && knownName(entry.incident) === name) table.hears(entry, sink)
    },
    calls: expectations.calls,
    stop: expectations.stop
  }
}

/** Hears what happens, and finds the incidents that it is about. */
const earOf = (
  { most, routes }: Settings,
  table: Table.Table,
  telling: Telling.Telling,
  expectations: Expectations.Expectations<Table.Entry>,
  journal: Journal
): Ear => {
  /** The entry that a failure belongs to, if it is there, and its key. Makes room for a new one. */
  const place = (
    route: Route.Route,
    report: Report.Report,
    now: number
  ): readonly [Table.Entry | undefined, string] => {
    const key = keyOf(route, report)
    const known = table.find(route.name, key)
    if (known !== undefined) return [known, key]
    if (table.size() >= most) {
      const oldest = table.oldest()
      if (oldest !== undefined) telling.evict(oldest, now)
    }
    if (table.size() < most) return [undefined, key]
    return [table.find(route.name, overflow), overflow]
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
        const [known, key] = place(route, report, now)
        const incident = Incident.failed(route, known?.incident, key, report, now)
        if (known !== undefined) table.set(known, incident, now)
        const { call, key: of = "" } = report.attributes
        const entry = known ?? table.enter(route, incident, now)
        if (incident.untold === 1 && !incident.isOpen && incident.told?.isOpen !== true)
          journal.held(route.name, key, `below the rule: ${wordsOf(route.opens) ?? "the first failure"}`, now)
        if (typeof call === "string") table.learn(entry, { name: call, key: String(of) })
      }
    },
    worked: (call, now) => {
      for (const entry of expectations.of(call))
        table.set(entry, Incident.succeeded(entry.route, entry.incident, now), now)
    },
    ended: (call, now) => {
      for (const entry of expectations.of(call))
        if (entry.incident.retrying !== undefined) table.set(entry, Incident.settled(entry.incident), now)
    },
    retrying: (report, { nextAt, since }, call, now) => {
      for (const route of routesOf(routes, report, now)) {
        if (route.sinks.length === 0) continue
        const [known, key] = place(route, report, now)
        const incident = Incident.retrying(known?.incident, key, report, since, nextAt, now)
        if (known !== undefined) table.set(known, incident, now)
        table.learn(known ?? table.enter(route, incident, now), call)
      }
    }
  }
}

/** Goes on with incidents that were kept, or that another process had. */
const successorOf = (
  routes: ReadonlyArray<Route.Route>,
  table: Table.Table,
  telling: Telling.Telling
): Pick<Engine, "restore" | "adopt"> => {
  // Without its route nobody can say when an incident is over.
  const routeOf = (name: string) => routes.find((route) => route.name === name)

  const resume = (route: Route.Route, incident: Incident.Incident, now: number): Table.Entry => {
    telling.nameAfter(incident)
    const entry = table.enter(route, incident, now)
    for (const call of incident.calls) table.learn(entry, call)
    return entry
  }

  /** Counts what another process counted, which went on with the incident until it saw that it no longer should. */
  const catchUp = (entry: Table.Entry, incident: Incident.Incident, now: number) => {
    const report = reportOf(incident)
    for (; entry.shared < incident.count; entry.shared++)
      table.set(entry, Incident.failed(entry.route, entry.incident, incident.key, report, now), now)
  }

  return {
    restore: (name, incident, now) => {
      const route = routeOf(name)
      if (route === undefined || table.find(name, incident.key) !== undefined) return
      // Of a policy that was to be told of nobody knows whether it still retries: if so, it says that again.
      const isKnown = incident.isOpen || incident.told?.isOpen === true
      table.markKept(resume(route, isKnown ? incident : Incident.settled(incident), now))
    },
    adopt: (name, incident, now) => {
      const route = routeOf(name)
      if (route === undefined || incident.told?.isOpen !== true) return
      const own = table.find(name, incident.key)
      if (own === undefined) resume(route, incident, now)
      else if (own.incident.generation === incident.generation) catchUp(own, incident, now)
      // The same failures have another name here: that one goes on.
      else telling.renamed(route, incident, now)
    }
  }
}
