/**
 * A retry policy: data that says how often, how patiently and how long a call is tried, and what all calls share.
 *
 * It comes from code, JSON or configuration, is validated when it is made, and reads a failure's verdict, never a status code. It
 * runs nothing: `Retry` interprets it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as JsonSchema from "effect/JsonSchema"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "./Backoff.ts"
import * as Breaker from "./Breaker.ts"
import * as Budget from "./Budget.ts"
import * as Bulkhead from "./Bulkhead.ts"
import * as Hedge from "./Hedge.ts"
import { codeOf, overrideOf } from "./internal/code.ts"
import { configOf } from "./internal/config.ts"
import * as description from "./internal/describe.ts"
import { count, made, PolicyDuration, SomeDuration, withDefault } from "./internal/schema.ts"
import { problems } from "./internal/sound.ts"
import * as Time from "./internal/time.ts"
import * as Operation from "./Operation.ts"
import * as Parking from "./Parking.ts"
import * as Preset from "./Preset.ts"
import * as RateLimit from "./RateLimit.ts"

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
}).check(
  Schema.makeFilter(({ backoff, giveUp: never, retries }) => {
    const isEmpty = backoff === undefined && retries === undefined
    return (never === true) === isEmpty || "give retries, a backoff or both, or give up"
  })
)

const pace = (preset: Backoff.Backoff) => withDefault(Backoff.Backoff, preset)

const Fields = Schema.Struct({
  retries: withDefault(count, Preset.retries),
  operation: withDefault(Operation.Operation, "read"),
  attemptTimeout: Schema.optionalKey(SomeDuration),
  deadline: Schema.optionalKey(SomeDuration),
  maxRetryAfter: withDefault(PolicyDuration, Preset.maxRetryAfter),
  quick: pace(Preset.quick),
  steady: pace(Preset.steady),
  slow: pace(Preset.slow),
  server: Schema.optionalKey(Backoff.Backoff),
  overrides: withDefault(Schema.Record(Schema.String, Override), {}),
  nested: withDefault(Schema.Literals(["once", "retry"]), "once"),
  budget: Schema.optionalKey(Budget.Named),
  breaker: Schema.optionalKey(Breaker.Breaker),
  bulkhead: Schema.optionalKey(Bulkhead.Bulkhead),
  rateLimit: Schema.optionalKey(RateLimit.RateLimit),
  parking: Schema.optionalKey(Parking.Parking),
  hedge: Schema.optionalKey(Hedge.Hedge)
})

/**
 * The fields of a policy, whatever their values are to each other.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields = typeof Fields.Type

/**
 * `retries` after the first attempt (3); `operation` whether the call creates, polls or reads (`read`); `attemptTimeout` and `deadline`
 * over all attempts and waits (none); `maxRetryAfter` that is waited for (5 minutes); a backoff for each pace, and `server` for who asks
 * for patience without saying how long (see `Preset`; as `steady`); `overrides` by code or `code/detail` (none); `nested` within another policy's
 * call it tries `once`, or does `retry` (`once`); what calls share: `budget`, `breaker`, `bulkhead`, `rateLimit`, `parking` (none); and a
 * `hedge` against slow attempts (none).
 *
 * @category schemas
 * @since 0.1.0
 */
export const RetryPolicy = Fields.check(Schema.makeFilter(problems))

/**
 * @category models
 * @since 0.1.0
 */
export type RetryPolicy = typeof RetryPolicy.Type

/**
 * A policy with the defaults for what is left out. Throws an error whose message names the fields that are refused, and why.
 *
 * Refused is what would never be used, could never work, or would never end: a deadline that is shorter than an attempt, more than 100
 * retries without a deadline, a hedge of a creation. No retries (0) are allowed beside anything, so that they can be stopped in an emergency.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: (typeof RetryPolicy)["~type.make.in"] = {}): RetryPolicy =>
  made(() => RetryPolicy.make(options, { parseOptions: strict }))

/** All that is wrong at once, a field that there is not among it. */
const strict = { errors: "all", onExcessProperty: "error" } as const

/**
 * A policy from JSON, such as a configuration file's: durations are texts (`30 seconds`). Fails with a `SchemaError` that names each field
 * that is refused or that there is not, and why.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromJson = (json: unknown): Effect.Effect<RetryPolicy, Schema.SchemaError> =>
  Schema.decodeUnknownEffect(RetryPolicy)(json, strict)

/**
 * A policy from configuration under a name, with the defaults for what is left out.
 *
 * In the environment `rateLimit.maximumWait` under `CRAWL` is `CRAWL_RATE_LIMIT_MAXIMUM_WAIT`, with or without Effect's
 * `ConfigProvider.constantCase`; in a document the fields are named as in JSON. `overrides` are one JSON object. A name that is
 * not a field is refused, if the provider can list it; without a name nothing is, since all of the environment would be listed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const config = (name?: string): Config.Config<RetryPolicy> => configOf(RetryPolicy, name)

/**
 * The JSON Schema of a policy, for editors and for checking configuration elsewhere: what each field means, and its default.
 *
 * @category conversions
 * @since 0.1.0
 */
export const jsonSchema = (): JsonSchema.Document<"draft-2020-12"> =>
  description.described(Schema.toJsonSchemaDocument(RetryPolicy, { onExcessProperty: "error" }))

/**
 * Why no attempt follows.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Because = /*#__PURE__*/ Schema.Literals([
  "permanent",
  "parked",
  "parked too long",
  "retries",
  "nested",
  "deadline",
  "retry-after too long",
  "ambiguous",
  "not replayable",
  "budget",
  "breaker",
  "bulkhead",
  "rate limit"
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
 * the time since the call began, with all that it has waited for; `waited` matters to backoffs that remember.
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
  const override = overrideOf(self, failed)
  if (verdict._tag === "Permanent" || override?.giveUp === true) return giveUp("permanent")
  if (verdict._tag === "Parked") return giveUp("parked")
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

/**
 * The wait that a retryable verdict asks for. A Retry-After is a floor: chance only adds to it. One that asks for no wait at all (zero, or a
 * date that has passed) does not end the backoff, which grows by attempt.
 *
 * @category getters
 * @since 0.1.0
 */
export const wait = (self: RetryPolicy, failed: Failed, random: number): Duration.Duration => {
  const { attempt, verdict, waited } = failed
  const backoff = overrideOf(self, failed)?.backoff
  const asked = Verdict.retryAfter(verdict)
  if (asked !== undefined) {
    const step = Duration.isPositive(asked) ? 1 : attempt
    return Duration.sum(Duration.max(asked, Duration.zero), Backoff.delay(backoff ?? self.quick, step, random, waited))
  }
  const paced = verdict._tag === "Transient" ? self[verdict.pace] : (self.server ?? self.steady)
  return Backoff.delay(backoff ?? paced, attempt, random, waited)
}

/**
 * The policy's retries and waits as an Effect `Schedule`, for `Effect.retry`, `Stream.retry` and whatever else takes one.
 *
 * It reads each failure's verdict, honours Retry-After, overrides and the deadline, gives each wait, and ends where the policy gives up: the
 * failure stays the caller's own. What needs the call itself or what calls share is `Retry`'s: timeouts, budget, breaker, bulkhead,
 * parking, hedge, nesting, and creations that may have happened.
 *
 * @category conversions
 * @since 0.1.0
 */
export const schedule = (self: RetryPolicy): Schedule.Schedule<Duration.Duration> =>
  Schedule.fromStep(
    Effect.clockWith((clock) => {
      const { now } = Time.of(clock)
      const begun = now()
      let attempt = 0
      let waited: Backoff.Waited = { previous: 0, total: 0 }
      const step = (_now: number, failure: unknown) =>
        Effect.flatMap(
          Effect.zip(Verdict.judge(failure), Random.next),
          ([verdict, random]): Effect.Effect<[Duration.Duration, Duration.Duration], Cause.Done<Duration.Duration>> => {
            const elapsed = Duration.millis(now() - begun)
            const about = { verdict, attempt: ++attempt, elapsed, waited, ...codeOf(failure) }
            const decision = decide(self, about, random)
            if (decision._tag === "GiveUp") return Cause.done(decision.again ?? Duration.zero)
            const previous = Duration.toMillis(decision.delay)
            waited = { previous, total: waited.total + previous }
            return Effect.succeed([decision.delay, decision.delay])
          }
        )
      return Effect.succeed(step)
    })
  )

/**
 * What is really active in a policy, a line each, with numbers: for a start-up log.
 *
 * @category formatting
 * @since 0.1.0
 */
export const describe: (self: RetryPolicy) => ReadonlyArray<string> = description.describe
