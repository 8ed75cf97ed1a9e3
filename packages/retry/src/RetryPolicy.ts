/**
 * A retry policy: data that says how often, how patiently and how long a call is tried, and what all calls share.
 *
 * It comes from code, JSON or configuration, is validated when it is made, and reads a failure's verdict, never a status code. It
 * runs nothing: `Retry` interprets it.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import type * as JsonSchema from "effect/JsonSchema"
import * as Schema from "effect/Schema"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "./Backoff.ts"
import * as Breaker from "./Breaker.ts"
import * as Budget from "./Budget.ts"
import { PolicyDuration, withDefault } from "./internal/schema.ts"
import * as Operation from "./Operation.ts"
import * as Preset from "./Preset.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const atLeastOne = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))

/**
 * What one code merits besides its verdict: so many `retries` at most, at a backoff of its own, or none at all (`giveUp`).
 *
 * @category schemas
 * @since 0.1.0
 */
export const Override = Schema.Struct({
  retries: Schema.optionalKey(count),
  backoff: Schema.optionalKey(Backoff.Backoff),
  giveUp: Schema.optionalKey(Schema.Literal(true))
})

/**
 * At most so many calls run at once, and so many wait for their turn (none); any other is refused.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Bulkhead = Schema.Struct({ concurrent: atLeastOne, queue: withDefault(count, 0) })

/**
 * A parked failure closes the gate of its key: calls wait without attempts until one probe succeeds, sent at this pace (`probe`), or
 * somebody resumes them, for `maximum` at most.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Parking = Schema.Struct({
  probe: withDefault(Backoff.Backoff, Preset.slow),
  maximum: withDefault(PolicyDuration, Preset.parkedAtMost)
})

/**
 * A read or poll that has not ended `after` so long is sent once more, and the first success wins; for at most this `share` of the calls
 * of the last ten seconds (0.1). The share must exceed that of the calls that are slower than `after`, or it is soon used up.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Hedge = Schema.Struct({
  after: PolicyDuration,
  share: withDefault(Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1)), 0.1)
})

const pace = (preset: Backoff.Backoff) => withDefault(Backoff.Backoff, preset)

const Fields = Schema.Struct({
  retries: withDefault(count, Preset.retries),
  operation: withDefault(Operation.Operation, "read"),
  attemptTimeout: Schema.optionalKey(PolicyDuration),
  deadline: Schema.optionalKey(PolicyDuration),
  maxRetryAfter: withDefault(PolicyDuration, Preset.maxRetryAfter),
  quick: pace(Preset.quick),
  steady: pace(Preset.steady),
  slow: pace(Preset.slow),
  server: Schema.optionalKey(Backoff.Backoff),
  overrides: withDefault(Schema.Record(Schema.String, Override), {}),
  nested: withDefault(Schema.Literals(["once", "retry"]), "once"),
  budget: Schema.optionalKey(Budget.Named),
  breaker: Schema.optionalKey(Breaker.Breaker),
  bulkhead: Schema.optionalKey(Bulkhead),
  parking: Schema.optionalKey(Parking),
  hedge: Schema.optionalKey(Hedge)
})

const isDefault = (self: typeof Fields.Type): boolean =>
  self.server === undefined &&
  Equal.equals([self.quick, self.steady, self.slow], [Preset.quick, Preset.steady, Preset.slow])

/**
 * `retries` after the first attempt (3); `operation` whether the call creates, polls or reads (`read`); `attemptTimeout` and `deadline`
 * over all attempts and waits (none); `maxRetryAfter` that is waited for (5 minutes); a backoff for each pace, and `server` for who asks
 * for patience without saying how long (see `Preset`; as `steady`); `overrides` by code or `code/detail` (none); `nested` within another policy's
 * call it tries `once`, or does `retry` (`once`); what calls share: `budget`, `breaker`, `bulkhead`, `parking` (none); and a
 * `hedge` against slow attempts (none).
 *
 * @category schemas
 * @since 0.1.0
 */
export const RetryPolicy = Fields.check(
  Schema.makeFilter((self) => {
    const { attemptTimeout, deadline } = self
    if (attemptTimeout !== undefined && deadline !== undefined && Duration.isGreaterThan(attemptTimeout, deadline)) {
      return "the deadline is shorter than one attempt"
    }
    if (self.hedge !== undefined && self.operation === "create")
      return "a creation is never sent twice: leave out the hedge"
    return (
      self.retries > 0 || isDefault(self) || "a backoff without retries is never used: give retries, or leave it out"
    )
  })
)

/**
 * @category models
 * @since 0.1.0
 */
export type RetryPolicy = typeof RetryPolicy.Type

/**
 * A policy with the defaults for what is left out. Throws a `SchemaError` that names the field of a bad value.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: (typeof RetryPolicy)["~type.make.in"] = {}): RetryPolicy => RetryPolicy.make(options)

/**
 * A policy from configuration, under a name: in the environment `CRAWL_RETRIES=5` and `CRAWL_QUICK_BASE=1 second` for `CRAWL`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const config = (name?: string): Config.Config<RetryPolicy> => Config.schema(RetryPolicy, name)

/**
 * The JSON Schema of a policy, for editors and for checking configuration elsewhere.
 *
 * @category conversions
 * @since 0.1.0
 */
export const jsonSchema = (): JsonSchema.Document<"draft-2020-12"> => Schema.toJsonSchemaDocument(RetryPolicy)

/**
 * Why no attempt follows.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Because = Schema.Literals([
  "permanent",
  "parked",
  "parked too long",
  "retries",
  "nested",
  "deadline",
  "retry-after too long",
  "ambiguous",
  "budget",
  "breaker",
  "bulkhead"
])

/**
 * @category models
 * @since 0.1.0
 */
export type Because = typeof Because.Type

/**
 * What a policy says about a failure: wait and try again, or give up. `again` is the wait after which trying would make sense.
 *
 * @category models
 * @since 0.1.0
 */
export type Decision =
  | { readonly _tag: "Retry"; readonly delay: Duration.Duration }
  | { readonly _tag: "GiveUp"; readonly because: Because; readonly again?: Duration.Duration }

/**
 * A failed attempt: its `verdict`, and its `code` and `detail` where overrides are to apply; `attempt` is its number, from 1, `elapsed`
 * the time since the first one began; `waited` matters to backoffs that remember.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed {
  readonly verdict: Verdict.Verdict
  readonly attempt: number
  readonly elapsed: Duration.Duration
  readonly code?: string | undefined
  readonly detail?: string | undefined
  readonly waited?: Backoff.Waited | undefined
}

/**
 * The policy's decision, as a pure function of what has happened so far and a random number in [0, 1).
 *
 * @category running
 * @since 0.1.0
 */
export const decide = (self: RetryPolicy, failed: Failed, random: number): Decision => {
  const { attempt, elapsed, verdict } = failed
  if (verdict._tag === "Permanent") return giveUp("permanent")
  if (verdict._tag === "Parked") return giveUp("parked")
  const override = overrideOf(self, failed)
  if (override?.giveUp === true) return giveUp("permanent")
  const asked = Verdict.retryAfter(verdict)
  const limit = override?.retries ?? (verdict._tag === "Transient" ? verdict.limit : undefined) ?? Infinity
  if (attempt > Math.min(self.retries, limit)) return giveUp("retries", asked)
  if (asked !== undefined && Duration.isGreaterThan(asked, self.maxRetryAfter)) {
    return giveUp("retry-after too long", asked)
  }
  const delay = wait(self, failed, random)
  const late =
    self.deadline !== undefined && Duration.isGreaterThanOrEqualTo(Duration.sum(elapsed, delay), self.deadline)
  return late ? giveUp("deadline", delay) : { _tag: "Retry", delay }
}

const giveUp = (because: Because, again?: Duration.Duration): Decision =>
  again === undefined ? { _tag: "GiveUp", because } : { _tag: "GiveUp", because, again }

/** The most exact override wins. */
const overrideOf = ({ overrides }: RetryPolicy, { code, detail }: Failed): typeof Override.Type | undefined => {
  if (code === undefined) return undefined
  const names = detail === undefined ? [code] : [`${code}/${detail}`, code]
  const name = names.find((one) => Object.hasOwn(overrides, one))
  return name === undefined ? undefined : overrides[name]
}

/**
 * The wait that a retryable verdict asks for. A Retry-After is a floor: chance only adds to it.
 *
 * @category getters
 * @since 0.1.0
 */
export const wait = (self: RetryPolicy, failed: Failed, random: number): Duration.Duration => {
  const { attempt, verdict, waited } = failed
  const backoff = overrideOf(self, failed)?.backoff
  const asked = Verdict.retryAfter(verdict)
  if (asked !== undefined) return Duration.sum(asked, Backoff.delay(backoff ?? self.quick, 1, random))
  const paced = verdict._tag === "Transient" ? self[verdict.pace] : (self.server ?? self.steady)
  return Backoff.delay(backoff ?? paced, attempt, random, waited)
}

/**
 * What is really active in a policy, a line each, with numbers: for a start-up log.
 *
 * @category formatting
 * @since 0.1.0
 */
export const describe = (self: RetryPolicy): ReadonlyArray<string> => {
  const {
    attemptTimeout,
    breaker,
    budget,
    bulkhead,
    deadline,
    hedge,
    maxRetryAfter,
    nested,
    operation,
    overrides,
    parking,
    retries
  } = self
  const timed = [
    attemptTimeout && `${Duration.format(attemptTimeout)} for one attempt`,
    deadline && `${Duration.format(deadline)} for all of them`
  ].filter((limit) => limit !== undefined)
  const paces = (["quick", "steady", "slow", "server"] as const).map(
    (name) => `  ${name}: ${describeBackoff(self[name] ?? self.steady)}`
  )
  const lines = [
    `${operation}: 1 attempt and ${retries} ${retries === 1 ? "retry" : "retries"} at most`,
    `time: ${timed.length === 0 ? "no limit" : timed.join(", ")}`,
    ...(retries === 0
      ? []
      : [`waits, but a Retry-After over ${Duration.format(maxRetryAfter)} ends the call:`, ...paces]),
    ...Object.entries(overrides).map(([code, one]) => `  ${code}: ${describeOverride(one)}`),
    nested === "once"
      ? "within another policy's call: 1 attempt"
      : "within another policy's call: its own retries, times the other's",
    `budget: ${budget === undefined ? "none" : typeof budget === "string" ? budget : budget._tag}`,
    `breaker: ${breaker === undefined ? "none" : `${breaker.trip._tag}, open for ${describeBackoff(breaker.openFor)}`}`,
    `bulkhead: ${bulkhead === undefined ? "none" : `${bulkhead.concurrent} at once, ${bulkhead.queue} waiting`}`,
    `parking: ${parking === undefined ? "none" : `for ${Duration.format(parking.maximum)} at most`}`,
    `hedge: ${hedge === undefined ? "none" : `after ${Duration.format(hedge.after)}, ${100 * hedge.share} % of the calls at most`}`
  ]
  return lines
}

const describeBackoff = ({ base, cap, factor, jitter, kind }: Backoff.Backoff): string => {
  const grown = kind === "exponential" ? `${kind} x${factor}` : kind
  return `${Duration.format(base)} ${grown}, cap ${Duration.format(cap)}, jitter ${jitter}`
}

const describeOverride = ({ backoff, giveUp: never, retries }: typeof Override.Type): string => {
  if (never === true) return "give up"
  const most = retries === undefined ? [] : [`${retries} retries at most`]
  return [...most, ...(backoff === undefined ? [] : [describeBackoff(backoff)])].join(", ") || "as its verdict says"
}
