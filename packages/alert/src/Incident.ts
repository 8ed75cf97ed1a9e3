/**
 * The life of one incident: failures of one key, from the first to the last word about them.
 *
 * It is a pure machine. Functions take a route, the incident so far and a time, and give the incident afterwards; `due` says when somebody must
 * be told what, and `tell` notes that they were. An incident is plain data, so that it can be kept in a database, explained and replayed. Times
 * are epoch milliseconds.
 *
 * Two states make every last word come out right: what is so (`isOpen`), and what people were told last (`told`). Whenever these differ, and
 * nothing holds it back, people are told. So nobody hears that something is over of which they never heard, and whoever heard that it began hears
 * how it ended.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as LogLevel from "effect/LogLevel"
import type * as Report from "@redrive/core/Report"
import type * as Route from "./Route.ts"

/**
 * What people are told of an incident.
 *
 * `opened`: it began. `worse`: its severity is higher than they were told. `news`: something of another kind fails in it. `reminder`: it still fails.
 * `retrying`: a policy has been trying for long. `escalated`: others are told, since it lasts. `resolved`: the key works again. `expired`: nothing was
 * heard of it for long, neither failures nor successes.
 *
 * @category models
 * @since 0.1.0
 */
export type Status = "opened" | "worse" | "news" | "reminder" | "retrying" | "escalated" | "resolved" | "expired"

/**
 * The failures that an incident is about: what the first one of them said, and where the first few of them happened.
 *
 * @category models
 * @since 0.1.0
 */
export interface About {
  /** The level of the failures. */
  readonly level: Report.Report["level"]
  /** The code of the failures. */
  readonly code: string
  /** The detail, if all have the same. */
  readonly detail?: string
  /** The host, if all have the same. */
  readonly host?: string
  /** Who must act. */
  readonly actor: Report.Report["actor"]
  /** What the first failure said. */
  readonly message: string
  /** The first few different pages. */
  readonly urls: ReadonlyArray<string>
  /** The first few different jobs. */
  readonly jobIds: ReadonlyArray<string>
}

/**
 * What people were told last: the alert that was made for them. Whether a sink has taken it, `OpenIncident` of the alerter says.
 *
 * @category models
 * @since 0.1.0
 */
export interface Told {
  /** Whether they were told that it is open. */
  readonly isOpen: boolean
  /** When the alert was made. */
  readonly at: number
  /** The severity that they were told. */
  readonly severity: LogLevel.Severity
  /** The sinks whose alerts were made since this incident began, delivered or not. */
  readonly sinks: ReadonlyArray<string>
}

/**
 * A policy that is retrying.
 *
 * @category models
 * @since 0.1.0
 */
export interface Retrying {
  /** When it scheduled its first retry. */
  readonly since: number
  /** When its next attempt is. */
  readonly nextAt: number
}

/**
 * Which calls something is about.
 *
 * @category models
 * @since 0.1.0
 */
export interface CallOf {
  /** The name of the calls. */
  readonly name: string
  /** Their key; empty for calls that name none. */
  readonly key: string
}

/**
 * Something that people must be told.
 *
 * @category models
 * @since 0.1.0
 */
export interface Due {
  /** When. */
  readonly at: number
  /** What. */
  readonly status: Status
}

/**
 * An incident.
 *
 * @category models
 * @since 0.1.0
 */
export interface Incident {
  /** What groups its failures. */
  readonly key: string
  /** Tells this incident from others of its key: the time when people were told first, or 0 before that. */
  readonly generation: number
  /** Whether it is open now. */
  readonly isOpen: boolean
  /** Whether its outcomes change too often to be told. */
  readonly isFlapping: boolean
  /** Whether those of the escalation were told. */
  readonly isEscalated: boolean
  /** When it opened, if it is open, and closed, if it is not. */
  readonly changedAt: number
  /** The first failure of this generation. */
  readonly firstAt: number
  /** The last failure. */
  readonly lastAt: number
  /** The highest severity in this generation. */
  readonly severity: LogLevel.Severity
  /** How many failures this generation has. */
  readonly count: number
  /** How many failures no alert has counted. */
  readonly untold: number
  /** The kinds of failure that people were told of, or are about to be, up to 16. */
  readonly fingerprints: ReadonlyArray<string>
  /** When something of another kind failed first, since people were told. */
  readonly newsAt?: number
  /** When the severity rose above what people were told. */
  readonly worseAt?: number
  /** How many successes in a row. */
  readonly successes: number
  /** How many failures in a row. */
  readonly failures: number
  /**
   * The last outcomes, as many as the route's rules look at: twice the time of each, and one more for a failure. So many numbers take little
   * room in a database.
   */
  readonly recent: ReadonlyArray<number>
  /** The policy that is retrying, if one is. */
  readonly retrying?: Retrying
  /** The calls whose success says that it is over, up to 8. */
  readonly calls: ReadonlyArray<CallOf>
  /** What people were told last, of this generation or the one before. */
  readonly told?: Told
  /** The failures that it is about. */
  readonly about: About
}

/** No alert lists more places of a kind, and no incident more kinds or calls: the first ones are the likeliest to tell that it is over. */
const most = { places: 5, fingerprints: 16, calls: 8 }

const severities: ReadonlyArray<LogLevel.Severity> = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"]

/**
 * Whether a severity is higher than another.
 *
 * @category guards
 * @since 0.1.0
 */
export const isHigher = (one: LogLevel.Severity, other: LogLevel.Severity): boolean =>
  severities.indexOf(one) > severities.indexOf(other)

/**
 * The incident after a failure.
 *
 * @category transitions
 * @since 0.1.0
 */
export const failed = (
  route: Route.Route,
  known: Incident | undefined,
  key: string,
  report: Report.Report,
  now: number
): Incident => {
  const self = known ?? begin(key, report, now)
  const fresh = isFresh(self)
    ? { ...self, count: 0, severity: report.severity, firstAt: now, about: aboutOf(report) }
    : self
  const isNews = !fresh.fingerprints.includes(report.fingerprint)
  const isWorse = fresh.told?.isOpen === true && isHigher(report.severity, fresh.told.severity)
  const after = outcome(
    route,
    {
      ...fresh,
      lastAt: now,
      severity: isHigher(report.severity, fresh.severity) ? report.severity : fresh.severity,
      count: fresh.count + 1,
      untold: fresh.untold + 1,
      failures: fresh.failures + 1,
      successes: 0,
      fingerprints:
        isNews && fresh.fingerprints.length < most.fingerprints
          ? [...fresh.fingerprints, report.fingerprint]
          : fresh.fingerprints,
      about: fresh.count === 0 ? fresh.about : joined(fresh.about, report)
    },
    now
  )
  const { retrying: _, ...given } = after
  const opened = given.isOpen || !isOpening(route, given, now) ? given : open(given, now)
  const isTold = opened.isOpen && opened.told?.isOpen === true
  return {
    ...opened,
    ...(isTold && isNews && opened.newsAt === undefined && { newsAt: now }),
    ...(isTold && isWorse && opened.worseAt === undefined && { worseAt: now })
  }
}

/**
 * The incident after its key has worked.
 *
 * @category transitions
 * @since 0.1.0
 */
export const succeeded = (route: Route.Route, self: Incident, now: number): Incident => {
  const { retrying: _, ...rest } = self
  const after = outcome(route, { ...rest, failures: 0, successes: self.successes + 1 }, now)
  const closing = closingAt(route, after)
  return closing !== undefined && closing <= now ? close(after, now) : after
}

/** When an open incident is over, if nothing fails until then. */
const closingAt = (route: Route.Route, { isOpen, lastAt, successes }: Incident): number | undefined =>
  isOpen && successes >= route.successes ? lastAt + millis(route.resolveAfter) : undefined

/**
 * The incident while a policy retries: it opens if that takes too long.
 *
 * @category transitions
 * @since 0.1.0
 */
export const retrying = (
  known: Incident | undefined,
  key: string,
  report: Report.Report,
  since: number,
  nextAt: number,
  now: number
): Incident => {
  const self = known ?? begin(key, report, now)
  const about = isFresh(self) ? aboutOf(report) : self.about
  return { ...self, about, retrying: { since: Math.min(since, self.retrying?.since ?? since), nextAt } }
}

/**
 * The incident that knows a call: its success says that the incident is over.
 *
 * @category transitions
 * @since 0.1.0
 */
export const about = (self: Incident, { key, name }: CallOf): Incident =>
  self.calls.length >= most.calls || self.calls.some((call) => call.name === name && call.key === key)
    ? self
    : { ...self, calls: [...self.calls, { name, key }] }

/**
 * The incident when the policy no longer retries, and nobody has said whether that was a failure.
 *
 * @category transitions
 * @since 0.1.0
 */
export const settled = ({ retrying: _, ...self }: Incident): Incident => self

/**
 * When people must be told what, if nothing else happens. An incident of which nobody was told is `resolved` without a word.
 *
 * @category getters
 * @since 0.1.0
 */
export const due = (route: Route.Route, self: Incident): Due | undefined => {
  const isTold = self.told?.isOpen === true
  if (!self.isOpen) {
    // Whether it goes on flapping is not known as long as nothing is heard of it.
    if (isTold) return { at: self.changedAt + (self.isFlapping ? millis(route.expiresAfter) : 0), status: "resolved" }
    if (self.retrying === undefined) return undefined
    return { at: self.retrying.since + millis(route.quietFor), status: "retrying" }
  }
  const closing = closingAt(route, self)
  const over: Due | undefined = closing === undefined ? undefined : { at: closing, status: "resolved" }
  if (self.told === undefined || !isTold)
    return earliest([over, { at: self.changedAt + millis(route.groupWait), status: "opened" }])
  return earliest([
    self.isFlapping ? undefined : over,
    self.worseAt === undefined ? undefined : { at: self.worseAt + millis(route.groupWait), status: "worse" },
    self.newsAt === undefined || self.isFlapping
      ? undefined
      : {
          at: Math.max(self.newsAt + millis(route.groupWait), self.told.at + millis(route.groupInterval)),
          status: "news"
        },
    self.untold === 0 ? undefined : { at: self.told.at + millis(route.repeatInterval), status: "reminder" },
    route.escalation === undefined || self.isEscalated
      ? undefined
      : { at: self.changedAt + millis(route.escalation.after), status: "escalated" },
    { at: expiryOf(route, self), status: "expired" }
  ])
}

/** When an open incident that people know has expired. One of which they heard only after that is told for its time, too. */
const expiryOf = ({ expiresAfter }: Route.Route, { generation, lastAt, retrying }: Incident): number => {
  const at = Math.max(lastAt, retrying?.nextAt ?? 0) + millis(expiresAfter)
  return at > generation ? at : generation + millis(expiresAfter)
}

/**
 * The incident after people were told by some sinks. One that they hear of for the first time gets a `generation`, which is to be unique.
 *
 * @category transitions
 * @since 0.1.0
 */
export const tell = (
  self: Incident,
  status: Status,
  now: number,
  generation = now,
  sinks: ReadonlyArray<string> = none
): Incident => {
  const { newsAt: _, retrying: policy, worseAt: __, ...rest } = self
  const isOver = status === "resolved" || status === "expired"
  const isFirst = self.told?.isOpen !== true && !isOver
  return {
    ...rest,
    // A policy that goes on retrying says so with its next retry.
    ...(policy !== undefined && !isOver && { retrying: policy }),
    isOpen: !isOver && (self.isOpen || status === "retrying"),
    changedAt: isOver || !self.isOpen ? now : self.changedAt,
    isEscalated: !isOver && (self.isEscalated || status === "escalated"),
    generation: isFirst ? generation : self.generation,
    untold: 0,
    told: {
      isOpen: !isOver,
      at: now,
      severity: self.severity,
      sinks: isOver ? none : isFirst ? sinks : union(self.told?.sinks ?? none, sinks)
    }
  }
}

/**
 * The incident of which one more sink has told people.
 *
 * @category transitions
 * @since 0.1.0
 */
export const hears = (self: Incident, sink: string): Incident =>
  self.told === undefined || self.told.sinks.includes(sink)
    ? self
    : { ...self, told: { ...self.told, sinks: [...self.told.sinks, sink] } }

/**
 * Whether nothing is left to say or to remember: the incident is closed, people know that, and no rule looks at its past.
 *
 * @category guards
 * @since 0.1.0
 */
export const isForgettable = (route: Route.Route, self: Incident, now: number): boolean =>
  !self.isOpen &&
  self.told?.isOpen !== true &&
  self.retrying === undefined &&
  now - Math.max(self.lastAt, self.changedAt) >= millis(route.expiresAfter)

const union = (some: ReadonlyArray<string>, more: ReadonlyArray<string>): ReadonlyArray<string> =>
  more.every((one) => some.includes(one)) ? some : [...new Set([...some, ...more])]

/** A closed incident of which people know that it is closed begins anew with the next failure. */
const isFresh = (self: Incident): boolean => !self.isOpen && self.told?.isOpen !== true && self.untold === 0

/** Most incidents have an empty list or two, and there may be a hundred thousand. */
const none: ReadonlyArray<never> = []

const begin = (key: string, report: Report.Report, now: number): Incident => ({
  key,
  generation: 0,
  isOpen: false,
  isFlapping: false,
  isEscalated: false,
  changedAt: now,
  firstAt: now,
  lastAt: now,
  severity: report.severity,
  count: 0,
  untold: 0,
  fingerprints: [],
  successes: 0,
  failures: 0,
  recent: none,
  calls: none,
  about: aboutOf(report)
})

const open = (self: Incident, now: number): Incident => ({ ...self, isOpen: true, changedAt: now })

/**
 * The incident when it is over, before anybody was told that.
 *
 * @category transitions
 * @since 0.1.0
 */
export const close = (self: Incident, now: number): Incident => ({
  ...self,
  isOpen: false,
  changedAt: now,
  // Of what nobody was told, nobody is told any more.
  ...(self.told?.isOpen !== true && { untold: 0, fingerprints: [] })
})

/** Notes an outcome, and whether these change too often. */
const outcome = (route: Route.Route, self: Incident, now: number): Incident => {
  const size = remembered(route)
  if (size === 0) return self
  const recent = [...self.recent, 2 * now + (self.failures > 0 ? 1 : 0)].slice(-size)
  return { ...self, recent, isFlapping: isFlapping(route, self.isFlapping, recent) }
}

/** How many outcomes the rules of a route look at. */
const remembered = ({ flapping, opens }: Route.Route): number => {
  const own =
    opens._tag === "OutOf" ? opens.calls : opens._tag === "Within" ? opens.failures : opens._tag === "Share" ? 200 : 0
  return Math.max(own, flapping?.size ?? 0)
}

const isFailure = (outcome: number): boolean => outcome % 2 !== 0
const timeOf = (outcome: number): number => Math.floor(outcome / 2)

const isFlapping = ({ flapping }: Route.Route, was: boolean, recent: ReadonlyArray<number>): boolean => {
  if (flapping === undefined) return false
  const last = recent.slice(-flapping.size)
  if (last.length < flapping.size) return was
  const changes = last.filter((one, index) => index > 0 && isFailure(one) !== isFailure(last[index - 1] ?? one)).length
  return changes / (last.length - 1) >= (was ? flapping.low : flapping.high)
}

const isOpening = ({ opens }: Route.Route, { failures, recent }: Incident, now: number): boolean => {
  switch (opens._tag) {
    case "First":
      return true
    case "InARow":
      return failures >= opens.failures
    case "OutOf":
      return recent.slice(-opens.calls).filter(isFailure).length >= opens.failures
    case "Within":
      return recent.filter((one) => isFailure(one) && timeOf(one) > now - millis(opens.time)).length >= opens.failures
    case "Share": {
      const within = recent.filter((one) => timeOf(one) > now - millis(opens.time))
      return within.length >= opens.minimum && within.filter(isFailure).length / within.length >= opens.share
    }
  }
}

const earliest = (times: ReadonlyArray<Due | undefined>): Due | undefined => {
  let first: Due | undefined
  for (const one of times) if (one !== undefined && (first === undefined || one.at < first.at)) first = one
  return first
}

const aboutOf = ({ actor, code, detail, host, jobId, level, message, url }: Report.Report): About => ({
  level,
  code,
  ...(detail === undefined ? {} : { detail }),
  ...(host === undefined ? {} : { host }),
  actor,
  message,
  urls: url === undefined ? none : [url],
  jobIds: jobId === undefined ? none : [jobId]
})

const joined = (self: About, { detail, host, jobId, url }: Report.Report): About => {
  const isSame = self.detail === detail && self.host === host && isKnown(self.urls, url) && isKnown(self.jobIds, jobId)
  // Most failures of an incident say nothing new.
  if (isSame) return self
  const { detail: _, host: __, ...rest } = self
  return {
    ...rest,
    ...(self.detail !== undefined && self.detail === detail && { detail }),
    ...(self.host !== undefined && self.host === host && { host }),
    urls: more(self.urls, url),
    jobIds: more(self.jobIds, jobId)
  }
}

const isKnown = (known: ReadonlyArray<string>, one: string | undefined): boolean =>
  one === undefined || known.length >= most.places || known.includes(one)

const more = (known: ReadonlyArray<string>, one: string | undefined): ReadonlyArray<string> =>
  isKnown(known, one) ? known : [...known, one as string]

const millis = (duration: Duration.Duration): number => Duration.toMillis(duration)
