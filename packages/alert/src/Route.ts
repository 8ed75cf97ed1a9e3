/**
 * Who is told of which failures, when, and how often: routes as data, from code, JSON or configuration.
 *
 * A failure goes through every route that matches it, in order, until one says that it is the last. Each route keeps incidents of its own:
 * it groups failures, opens an incident by a rule, tells its sinks, and tells them when it is over.
 *
 * @since 0.1.0
 */
import * as Durations from "@redrive/core/Durations"
import type * as Report from "@redrive/core/Report"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { keyOf, routesOf } from "./internal/matching.ts"
import { wordsOf } from "./internal/opening.ts"

/**
 * Opens an incident with the first failure.
 *
 * @category schemas
 * @since 0.1.0
 */
export const First = Schema.TaggedStruct("First", {})

/**
 * Opens an incident after `failures` in a row, with no success between them.
 *
 * @category schemas
 * @since 0.1.0
 */
export const InARow = Schema.TaggedStruct("InARow", {
  /** How many failures, at least 1. No default. */
  failures: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
})

/**
 * Opens an incident when `failures` of the last `calls` failed.
 *
 * @category schemas
 * @since 0.1.0
 */
export const OutOf = Schema.TaggedStruct("OutOf", {
  /** How many failures, at least 1. No default. */
  failures: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  /** How many of the last outcomes are looked at, from 1 to 200. No default. */
  calls: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 }))
}).check(
  Schema.makeFilter(({ calls, failures }) =>
    failures > calls ? { path: ["failures"], issue: "more failures than calls" } : undefined
  )
)

/**
 * Opens an incident when `failures` came within a time.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Within = Schema.TaggedStruct("Within", {
  /** How many failures, from 1 to 200. No default. */
  failures: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 })),
  /** The time within which they come. No default. */
  time: Schema.DurationFromString
})

/**
 * Opens an incident when a share of the calls within a time failed, but not before a number of them.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Share = Schema.TaggedStruct("Share", {
  /** The share of failures, above 0 and at most 1. No default. */
  share: Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1)),
  /** How many calls there must be at least. No default. */
  minimum: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
  /** The time within which calls count. No default. */
  time: Schema.DurationFromString
})

/**
 * When an incident opens.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Opening = Schema.Union([First, InARow, OutOf, Within, Share])

/**
 * A rule by which an incident opens.
 *
 * @category models
 * @since 0.1.0
 */
export type Opening = typeof Opening.Type

/**
 * The severities of failures, from the least to the most.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Severity = Schema.Literals(["Trace", "Debug", "Info", "Warn", "Error", "Fatal"])

const texts = Schema.Array(Schema.NonEmptyString)

const time = Schema.String.check(
  Schema.isPattern(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, { expected: "a time of day such as 09:00" })
)

const zone = Schema.String.check(
  Schema.makeFilter((name) => isZone(name), { expected: "a time zone such as UTC or Europe/Paris" })
)

const isZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== ""
  } catch {
    return false
  }
}

/**
 * Hours of the week.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Hours = Schema.Struct({
  /** The days on which they begin. Default: every day. */
  days: Schema.optionalKey(Schema.NonEmptyArray(Schema.Literals(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]))),
  /** When they begin, as `HH:MM`. No default. */
  from: time,
  /** When they end, as `HH:MM`; before `from` it is on the next day. No default. */
  to: time,
  /** The time zone, by its IANA name. Default: `UTC`. */
  zone: Schema.optionalKey(zone)
})

/**
 * Some hours of the week.
 *
 * @category models
 * @since 0.1.0
 */
export type Hours = typeof Hours.Type

/** An empty list would match nothing, and say so to nobody. */
const some = <S extends Schema.Top>(schema: S) =>
  Schema.Array(schema).check(Schema.isMinLength(1, { expected: "at least one; left out, it is any" }))

const match = {
  /** The least severity. Default: any. */
  severity: Schema.optionalKey(Severity),
  /** The levels: `job`, `item`, `program`. Default: any. */
  levels: Schema.optionalKey(some(Schema.Literals(["job", "item", "program"]))),
  /** The codes, or `code/detail`. Default: any. */
  codes: Schema.optionalKey(some(Schema.NonEmptyString)),
  /** Who must act: `caller`, `site owner`, `operator`, `nobody`. Default: any. */
  actors: Schema.optionalKey(some(Schema.Literals(["caller", "site owner", "operator", "nobody"]))),
  /** The hosts; `*.example.com` is any host below `example.com`. Default: any, and failures without a host. */
  hosts: Schema.optionalKey(some(Schema.NonEmptyString)),
  /** Attributes of the report and their values, as texts. Default: any. */
  labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** The hours of the week. Default: always. */
  hours: Schema.optionalKey(some(Hours))
}

/**
 * Which failures a route, a silence or an inhibition is about. A failure matches if every field that is given does.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Match = Schema.Struct({
  ...match,
  /** Failures that are not meant: all but those that match this, such as `{ severity: "Fatal" }`. Default: none. */
  not: Schema.optionalKey(
    Schema.Struct(match).check(
      Schema.makeFilter((fields) => Object.keys(fields).length > 0 || "it says no failure that is not meant")
    )
  )
})

/**
 * What a failure must be like to match.
 *
 * @category models
 * @since 0.1.0
 */
export type Match = typeof Match.Type

/**
 * The fields by which failures are grouped; those of the report's attributes are `label:name`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const GroupField = Schema.Union([
  Schema.Literals(["level", "code", "detail", "host", "actor", "fingerprint", "job", "item"]),
  Schema.TemplateLiteral(["label:", Schema.String])
])

/**
 * A field by which failures are grouped.
 *
 * @category models
 * @since 0.1.0
 */
export type GroupField = typeof GroupField.Type

const duration = Schema.DurationFromString.check(
  Schema.makeFilter((one) => !Duration.isNegative(one) && Duration.isFinite(one), {
    expected: "a finite duration of zero or more"
  })
)

const withDefault = <S extends Schema.Top & Schema.WithoutConstructorDefault>(
  schema: S,
  value: S["Type"] & S["~type.make.in"]
) =>
  schema.pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed(value)),
    Schema.withConstructorDefault(Effect.succeed(value))
  )

/**
 * When an incident is flapping: its outcomes change so often that nobody is told of each.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Flapping = Schema.Struct({
  /** How many outcomes are looked at, from 3 to 200. Default: 21. */
  size: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 200 })), 21),
  /** The share of changes from which it is flapping. Default: 0.5. */
  high: withDefault(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })), 0.5),
  /** The share of changes below which it is no longer. Default: 0.25. */
  low: withDefault(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })), 0.25)
}).check(
  Schema.makeFilter(({ high, low }) => (low > high ? { path: ["low"], issue: "more changes than high" } : undefined))
)

/**
 * Who else is told of an incident that lasts.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Escalation = Schema.Struct({
  /** How long after it opened. No default. */
  after: duration,
  /** The names of the sinks that are told then, and of its end. No default. */
  sinks: Schema.NonEmptyArray(Schema.NonEmptyString)
})

/**
 * A route: which failures, how they are grouped, and who is told when.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Route = Schema.Struct({
  /** The name, which explanations and metrics show; unique among all routes. No default. */
  name: Schema.NonEmptyString,
  /** The names of the sinks that are told; none keeps failures that match quiet. No default. */
  sinks: texts,
  /** Which failures. Default: those of severity `Error` and above. */
  match: withDefault(Match, { severity: "Error" }),
  /** Whether a failure that matches goes on to the next routes, too. Default: `false`. */
  continue: withDefault(Schema.Boolean, false),
  /**
   * The fields by which failures are one incident. Default: level, code and host for failures of a catalogue, the fingerprint for all
   * others.
   */
  groupBy: Schema.optionalKey(Schema.NonEmptyArray(GroupField)),
  /** When an incident opens. Default: with the first failure. */
  opens: withDefault(Opening, { _tag: "First" }),
  /** How many successes in a row resolve it. Default: 1. */
  successes: withDefault(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)), 1),
  /** How long there must have been no failure, too, before successes resolve it: others may still fail. Default: 30 seconds. */
  resolveAfter: withDefault(duration, Duration.seconds(30)),
  /** The wait from the opening of an incident to the first alert, which gathers what comes together. Default: 30 seconds. */
  groupWait: withDefault(duration, Duration.seconds(30)),
  /** The least time between two alerts about something new in an open incident. A higher severity is not held by it. Default: 5 minutes. */
  groupInterval: withDefault(duration, Duration.minutes(5)),
  /** The time after which an incident that still fails is told again. Default: 4 hours. */
  repeatInterval: withDefault(duration, Duration.hours(4)),
  /** How long a policy may go on retrying before people are told that it does. Default: 10 minutes. */
  quietFor: withDefault(duration, Duration.minutes(10)),
  /** How long after its last failure an incident that nothing resolved is told as expired. Default: 24 hours. */
  expiresAfter: withDefault(duration, Duration.hours(24)),
  /** When an incident is flapping. Default: never. */
  flapping: Schema.optionalKey(Flapping),
  /** Who else is told of an incident that lasts. Default: nobody. */
  escalation: Schema.optionalKey(Escalation)
})

/**
 * A route whose defaults are filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type Route = typeof Route.Type

/**
 * Hours in which people are not told of failures that match. What has changed by its end is told then.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Silence = Schema.Struct({
  /** The name, which explanations show. No default. */
  name: Schema.NonEmptyString,
  /** Which failures. No default. */
  match: Match,
  /** The names of the routes on which it holds. Default: all. */
  routes: Schema.optionalKey(Schema.NonEmptyArray(Schema.NonEmptyString)),
  /** When it begins, in epoch milliseconds. No default. */
  from: Schema.Finite,
  /** When it ends, in epoch milliseconds. There is no silence without an end. No default. */
  until: Schema.Finite,
  /** Who asked for it. No default. */
  by: Schema.NonEmptyString
})

/**
 * A silence.
 *
 * @category models
 * @since 0.1.0
 */
export type Silence = typeof Silence.Type

/**
 * A field in which a source and a target of an inhibition must be equal.
 *
 * @category schemas
 * @since 0.1.0
 */
export const EqualField = Schema.Literals(["job", "host", "code", "level"])

/**
 * A field in which a source and a target must be equal.
 *
 * @category models
 * @since 0.1.0
 */
export type EqualField = typeof EqualField.Type

/**
 * While an incident that matches `source` is open, nobody is told of those that match `target`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Inhibition = Schema.Struct({
  /** The name, which explanations show. No default. */
  name: Schema.NonEmptyString,
  /** Which open incidents hold others back. No default. */
  source: Match,
  /** Which incidents are held back. No default. */
  target: Match,
  /** The fields in which both must be equal. Default: none, so that any source holds back any target. */
  equal: withDefault(Schema.Array(EqualField), [])
})

/**
 * An inhibition whose defaults are filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type Inhibition = typeof Inhibition.Type

/**
 * A job's failure speaks for its items.
 *
 * @category presets
 * @since 0.1.0
 */
export const jobOverItems: Inhibition = {
  name: "a job's failure speaks for its items",
  source: { levels: ["job"] },
  target: { levels: ["item"] },
  equal: ["job"]
}

const Routes = Schema.Array(Route).check(
  Schema.makeFilter((routes) => {
    const names = routes.map(({ name }) => name)
    const double = names.find((name, index) => names.indexOf(name) !== index)
    return double === undefined || `two routes have the name ${double}`
  })
)

/** Every problem is found at once, and a field that does not exist is one. */
const strict = { errors: "all", onExcessProperty: "error" } as const

/**
 * Makes routes; fields left out take their defaults, and durations are any of Effect's forms, such as `30 seconds`. Throws an error whose message names each refused field and the reason.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (routes: ReadonlyArray<Durations.Input<(typeof Route)["~type.make.in"]>>): ReadonlyArray<Route> => {
  try {
    return Routes.make(Durations.resolve(Routes, routes), { parseOptions: strict })
  } catch (error) {
    // Effect says that something is wrong, and keeps what and where in the cause.
    const issue = error instanceof Error ? error.cause : undefined
    if (!SchemaIssue.isIssue(issue)) throw error
    throw new Error(`Route.make: ${new Schema.SchemaError(issue).message.replace(/\s*\n\s*/g, " ")}`, { cause: error })
  }
}

/**
 * Reads routes from JSON, such as a configuration file's: durations are texts (`30 seconds`). Fails with a `SchemaError` that names each refused
 * or unknown field and the reason.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromJson = (json: unknown): Effect.Effect<ReadonlyArray<Route>, Schema.SchemaError> =>
  Schema.decodeUnknownEffect(Routes)(json, strict)

/**
 * Who would be told of a failure at a time, and when: one entry for each route that it goes through, in order.
 *
 * @category models
 * @since 0.1.0
 */
export interface Planned {
  /** The name of the route. */
  readonly route: string
  /** The key of the incident that the failure would belong to. */
  readonly key: string
  /** The sinks that would be told; none keeps it quiet. */
  readonly sinks: ReadonlyArray<string>
  /** When they would be told, in epoch milliseconds, if this failure opened the incident. */
  readonly at: number
  /** What else must happen first, in words, such as `2 more failures in a row`. Default: nothing. */
  readonly after?: string
}

/**
 * Plans without telling anybody: for tests of routes, and for a dry run. `now` is in epoch milliseconds.
 *
 * @category getters
 * @since 0.1.0
 */
export const plan = (routes: ReadonlyArray<Route>, report: Report.Report, now: number): ReadonlyArray<Planned> =>
  routesOf(routes, report, now).map((route) => {
    const after = wordsOf(route.opens)
    return {
      route: route.name,
      key: keyOf(route, report),
      sinks: route.sinks,
      at: now + Duration.toMillis(route.groupWait),
      ...(after !== undefined && { after })
    }
  })

const fieldsOf = (match: Match): ReadonlyArray<string> =>
  Object.entries(match).map(([field, value]) => `${field} ${JSON.stringify(value)}`)

/**
 * Says what each route does, a line for each: for a start-up log.
 *
 * @category formatting
 * @since 0.1.0
 */
export const describe = (routes: ReadonlyArray<Route>): ReadonlyArray<string> =>
  routes.map((route) => {
    const { match, name, opens, sinks } = route
    const { not, ...only } = match
    const but = not === undefined ? "" : `, but not ${fieldsOf(not).join(" and ")}`
    const what = `${fieldsOf(only).join(" and ") || "every failure"}${but}`
    const who = sinks.length === 0 ? "nobody" : sinks.join(", ")
    const when = wordsOf(opens)
    const waits = [
      `after ${Duration.format(route.groupWait)}`,
      `again after ${Duration.format(route.repeatInterval)}`,
      ...(route.escalation === undefined
        ? []
        : [`${route.escalation.sinks.join(", ")} after ${Duration.format(route.escalation.after)}`])
    ]
    return `${name}: ${what}${when === undefined ? "" : `, from ${when} on`}: ${who} ${waits.join(", ")}${
      route.continue ? "; then the next routes" : ""
    }`
  })
