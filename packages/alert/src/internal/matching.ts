import type * as Report from "@redrive/core/Report"
import * as Incident from "../Incident.ts"
import type * as Route from "../Route.ts"

/** The part of a report or of an incident that a match looks at. */
export type Subject = Pick<Report.Report, "level" | "code" | "severity" | "actor"> & {
  readonly detail?: string
  readonly host?: string
  readonly attributes?: Report.Fields
}

/** Whether a failure matches, at a time in epoch milliseconds. */
export const matches = (match: Route.Match, subject: Subject, now: number): boolean => {
  const { actors, codes, hosts, hours, labels, levels, not, severity } = match
  return (
    (severity === undefined || !Incident.isHigher(severity, subject.severity)) &&
    (levels === undefined || levels.includes(subject.level)) &&
    (codes === undefined || codes.includes(subject.code) || codes.includes(`${subject.code}/${subject.detail}`)) &&
    (actors === undefined || actors.includes(subject.actor)) &&
    (hosts === undefined || hosts.some((host) => isHost(host, subject.host))) &&
    (labels === undefined || hasLabels(labels, subject.attributes ?? {})) &&
    (hours === undefined || hours.some((one) => isWithin(one, now))) &&
    (not === undefined || !matches(not, subject, now))
  )
}

/** The routes that a failure goes through, in order. */
export const routesOf = (
  routes: ReadonlyArray<Route.Route>,
  report: Report.Report,
  now: number
): ReadonlyArray<Route.Route> => {
  const found: Array<Route.Route> = []
  for (const { route } of candidates(routes, report)) {
    if (!matches(route.match, report, now)) continue
    found.push(route)
    if (!route.continue) break
  }
  return found
}

interface Placed {
  readonly place: number
  readonly route: Route.Route
}

interface Index {
  /** The routes that name codes, by each of them. */
  readonly byCode: ReadonlyMap<string, ReadonlyArray<Placed>>
  readonly others: ReadonlyArray<Placed>
}

const indices = new WeakMap<ReadonlyArray<Route.Route>, Index>()

const indexOf = (routes: ReadonlyArray<Route.Route>): Index => {
  const known = indices.get(routes)
  if (known !== undefined) return known
  const byCode = new Map<string, Array<Placed>>()
  const others: Array<Placed> = []
  for (const [place, route] of routes.entries()) {
    if (route.match.codes === undefined) others.push({ place, route })
    for (const code of new Set(route.match.codes)) {
      const same = byCode.get(code)
      if (same === undefined) byCode.set(code, [{ place, route }])
      else same.push({ place, route })
    }
  }
  const index = { byCode, others }
  indices.set(routes, index)
  return index
}

const none: ReadonlyArray<Placed> = []

/** The routes that may match: those that name other codes are not even looked at, so that a thousand of them cost nothing. */
const candidates = (routes: ReadonlyArray<Route.Route>, { code, detail }: Report.Report): ReadonlyArray<Placed> => {
  const { byCode, others } = indexOf(routes)
  const own = byCode.get(code) ?? none
  const refined = detail === undefined ? none : (byCode.get(`${code}/${detail}`) ?? none)
  if (own.length + refined.length === 0) return others
  const all = new Map([...own, ...refined, ...others].map((placed) => [placed.place, placed]))
  return [...all.values()].toSorted((one, other) => one.place - other.place)
}

const isHost = (pattern: string, host: string | undefined): boolean =>
  host !== undefined && (pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern)

const hasLabels = (labels: { readonly [name: string]: string }, attributes: Report.Fields): boolean =>
  Object.entries(labels).every(([name, value]) => Object.hasOwn(attributes, name) && String(attributes[name]) === value)

const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const

/** Formatters take long to make; a program has few time zones. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** The day of the week and the minute of the day in a time zone. */
const momentIn = (zone: string, now: number): { readonly day: number; readonly minute: number } => {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      weekday: "short",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23"
    })
    formats.set(zone, format)
  }
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]))
  const day = days.findIndex((name) => name === parts.get("weekday")?.toLowerCase())
  return { day, minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")) }
}

/** Whether hours of the week have begun and not ended. */
const isWithin = ({ days: on, from, to, zone = "UTC" }: Route.Hours, now: number): boolean => {
  const { day, minute } = momentIn(zone, now)
  const [begin, end] = [minuteOf(from), minuteOf(to)]
  const isOn = (index: number) => {
    const name = days[(index + 7) % 7]
    return on === undefined || (name !== undefined && on.includes(name))
  }
  if (begin < end) return isOn(day) && minute >= begin && minute < end
  // They go on after midnight.
  return (isOn(day) && minute >= begin) || (isOn(day - 1) && minute < end)
}

/** When hours that have begun end, or those that were excepted begin, in epoch milliseconds: a match may be another one then. */
export const turnOf = (match: Route.Match, now: number): number => {
  const hours = [...(match.hours ?? []), ...(match.not?.hours ?? [])]
  // The day of a moment does not matter: at the turn it is looked at again.
  return Math.min(...hours.flatMap(({ from, to, zone = "UTC" }) => [from, to].map((time) => nextOf(time, zone, now))))
}

const minute = 60_000
const day = 1440

/** When clocks of a zone show a time next. */
const nextOf = (time: string, zone: string, now: number): number => {
  const wanted = minuteOf(time) % day
  const after = (at: number, least: number) =>
    at + (((wanted - momentIn(zone, at * minute).minute - least + 2 * day) % day) + least)
  const begun = Math.floor(now / minute)
  const first = after(begun, 1)
  // Between the two the clocks may have been changed.
  const exact = after(first, -day / 2)
  if (exact > begun && after(exact, 0) === exact) return exact * minute
  // They skip that time: they are changed at a quarter of an hour, at which it is looked at again.
  return (Math.floor(begun / 15) + 1) * 15 * minute
}

const minuteOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3))

/** The key of the incident that a failure belongs to on a route. */
export const keyOf = ({ groupBy }: Route.Route, report: Report.Report): string => {
  if (groupBy === undefined) return keyByDefault(report)
  return groupBy.map((field) => escaped(fieldOf(field, report))).join("/")
}

/**
 * Failures of a catalogue are one kind by level, code and host; of other errors the code says little, and the fingerprint all. Calls that the engine
 * refused or timed out have a fingerprint of their call.
 */
const keyByDefault = ({ code, engine, fingerprint, host, level }: Report.Report): string => {
  const isOfCatalogue = level !== "program" && engine === undefined
  return [level, code, ...(host === undefined ? [] : [host]), ...(isOfCatalogue ? [] : [fingerprint])]
    .map(escaped)
    .join("/")
}

/** A value may have the sign between values in it. */
const escaped = (value: string): string => value.replaceAll("%", "%25").replaceAll("/", "%2F")

const fieldOf = (field: Route.GroupField, report: Report.Report): string => {
  switch (field) {
    case "job":
      return report.jobId ?? ""
    case "item":
      return report.itemId ?? ""
    case "level":
    case "code":
    case "detail":
    case "host":
    case "actor":
    case "fingerprint":
      return report[field] ?? ""
    default:
      return String(report.attributes[field.slice("label:".length)] ?? "")
  }
}
