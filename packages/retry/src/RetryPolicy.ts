/**
 * A retry policy: data that says how often, how patiently and how long to try, and what all calls share.
 *
 * It comes from code, JSON or configuration, and is validated when it is made. It reads a failure's verdict, never a status code. It runs
 * nothing itself: `Retry` interprets it.
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
import * as Judge from "@redrive/core/Judge"
import type * as Durations from "@redrive/core/Durations"
import * as Backoff from "./Backoff.ts"
import * as Breaker from "./Breaker.ts"
import * as Budget from "./Budget.ts"
import * as Bulkhead from "./Bulkhead.ts"
import * as Hedge from "./Hedge.ts"
import * as CallState from "./CallState.ts"
import { codeOf } from "./internal/call/overrides.ts"
import { configOf } from "./internal/policy/config.ts"
import * as description from "./internal/policy/describe.ts"
import { count, made, PolicyDuration, refusal, SomeDuration, strict, withDefault } from "./internal/policy/schema.ts"
import { problems } from "./internal/policy/conflicts.ts"
import { inCode, told } from "./internal/policy/problems.ts"
import * as Operation from "./Operation.ts"
import * as Parking from "./Parking.ts"
import * as Preset from "./Preset.ts"
import * as RateLimit from "./RateLimit.ts"

/**
 * How a policy treats one code: at most so many retries, a backoff of its own, or no retry at all.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Override = Schema.Struct({
  /** The most retries for this code. Default: the policy's `retries`, or fewer if the verdict has a limit. */
  retries: Schema.optionalKey(count),
  /** The backoff for this code. Default: the backoff for the verdict. */
  backoff: Schema.optionalKey(Backoff.Backoff),
  /** Gives up at once; excludes `retries` and `backoff`. Default: not set. */
  giveUp: Schema.optionalKey(Schema.Literal(true))
}).check(
  Schema.makeFilter(({ backoff, giveUp: never, retries }) => {
    const isEmpty = backoff === undefined && retries === undefined
    return (never === true) === isEmpty || "give retries, a backoff or both, or give up"
  })
)

const pace = (preset: Backoff.Backoff) => withDefault(Backoff.Backoff, preset)

const Fields = Schema.Struct({
  /** How many retries may follow the first attempt; more than 100 need a deadline. Default: 3. */
  retries: withDefault(count, Preset.retries),
  /**
   * What a call does to the other side: `create`, `idempotent`, `poll` or `read`. An ambiguous `create` is not sent again. Default:
   * `read`.
   */
  operation: withDefault(Operation.Operation, "read"),
  /** The longest time for one attempt, such as `10 seconds`. Default: no limit. */
  attemptTimeout: Schema.optionalKey(SomeDuration),
  /** The longest time for all attempts and waits of a call, such as `1 minute`. Default: no limit. */
  deadline: Schema.optionalKey(SomeDuration),
  /** The longest Retry-After that a call waits for; a longer one ends the call. Default: 5 minutes. */
  maxRetryAfter: withDefault(PolicyDuration, Preset.maxRetryAfter),
  /** The backoff for a brief fault. Default: 500 ms, doubling up to 10 seconds, full jitter. */
  quick: pace(Preset.quick),
  /** The backoff for a server in trouble. Default: 2 seconds, doubling up to 1 minute, full jitter. */
  steady: pace(Preset.steady),
  /** The backoff for name servers and maintenance. Default: 1 minute, doubling up to 15 minutes, full jitter. */
  slow: pace(Preset.slow),
  /** The backoff for a server that throttles without a Retry-After. Default: as `steady`. */
  server: Schema.optionalKey(Backoff.Backoff),
  /** Other rules for a failure, by its `code` or `code/detail`; the more exact one wins. Default: none. */
  overrides: withDefault(Schema.Record(Schema.String, Override), {}),
  /** Whether a call within a call that retries tries `once`, or may `retry` too. Ignored for any other call. Default: `once`. */
  nested: withDefault(Schema.Literals(["once", "retry"]), "once"),
  /** How many retries all calls together may make: the name of a preset, or a rule. Default: no limit. */
  budget: Schema.optionalKey(Budget.Named),
  /** When calls of a key are refused because too many have failed. Default: never. */
  breaker: Schema.optionalKey(Breaker.Breaker),
  /** How many calls run at once, and how many wait for a place. Default: no limit. */
  bulkhead: Schema.optionalKey(Bulkhead.Bulkhead),
  /** How many calls of a key begin in a window of time; `Distributed` makes the runner. Default: no limit. */
  rateLimit: Schema.optionalKey(RateLimit.RateLimit),
  /** A gate at which calls of a key wait until a person has acted. Default: a parked call is given up. */
  parking: Schema.optionalKey(Parking.Parking),
  /** When a slow attempt is sent a second time. Ignored for `create` and `idempotent`. Default: never. */
  hedge: Schema.optionalKey(Hedge.Hedge)
})

/**
 * The fields of a policy, before they are checked against each other.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields = typeof Fields.Type

/**
 * A policy: how often, how patiently and how long a call is tried, and the limits that its calls share.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RetryPolicy = Fields.check(Schema.makeFilter(problems))

/**
 * A checked policy, as `make` returns it.
 *
 * @category models
 * @since 0.1.0
 */
export type RetryPolicy = typeof RetryPolicy.Type

/**
 * Makes a policy; fields left out take their defaults. Throws an error whose message names each refused field and the reason.
 *
 * Refuses settings that can never take effect, never work or never end: a deadline that is shorter than an attempt, more than 100 retries
 * without a deadline, a hedge of a creation. `retries: 0` is allowed with overrides of any kind, so that retries can be stopped in an
 * emergency.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Durations.Input<(typeof RetryPolicy)["~type.make.in"]> = {}): RetryPolicy =>
  made("RetryPolicy.make", RetryPolicy, options)

/**
 * Reads a policy from JSON, such as a configuration file's: durations are strings (`30 seconds`).
 *
 * Fails with a `SchemaError` that names each refused or unknown field and the reason.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromJson = (json: unknown): Effect.Effect<RetryPolicy, Schema.SchemaError> =>
  Effect.mapError(Schema.decodeUnknownEffect(RetryPolicy)(json, strict), ({ issue }) =>
    refusal(told(RetryPolicy, issue, json, inCode))
  )

/**
 * Reads a policy from configuration under a name.
 *
 * Fields left out take their values from `defaults`, such as `Preset.service`, field by field: a variable changes one field of a backoff
 * and keeps the others. Default: the policy's own defaults.
 *
 * In the environment `rateLimit.maximumWait` under `CRAWL` is `CRAWL_RATE_LIMIT_MAXIMUM_WAIT`, with or without Effect's
 * `ConfigProvider.constantCase`. In a document the fields are named as in JSON. `overrides` are one JSON object. An unknown field is
 * refused if the provider can list it. Without a name unknown fields are not refused, since the provider would list the whole environment.
 * The error's `message` has a line for each problem: the name, its value and what is allowed. Throws if the defaults are refused.
 *
 * @category constructors
 * @since 0.1.0
 */
export const config = (
  name?: string,
  defaults: Durations.Input<(typeof RetryPolicy)["~type.make.in"]> = {}
): Config.Config<RetryPolicy> => configOf(RetryPolicy, name, made("RetryPolicy.config", RetryPolicy, defaults))

/**
 * The JSON Schema of a policy, with the meaning and default of each field, for editors and for checks of configuration files.
 *
 * @category conversions
 * @since 0.1.0
 */
export const jsonSchema = (): JsonSchema.Document<"draft-2020-12"> =>
  description.described(Schema.toJsonSchemaDocument(RetryPolicy, { onExcessProperty: "error" }))

/**
 * The policy's retries and waits as an Effect `Schedule`, for `Effect.retry`, `Stream.retry` and the like.
 *
 * It reads each failure's verdict, honours Retry-After, overrides and the deadline, sends no ambiguous creation again, outputs each wait, and
 * ends when the policy gives up. The effect then fails with its own last failure. The rest needs `Retry`: timeouts, budget, breaker,
 * bulkhead, rate limit, parking, hedge and nesting.
 *
 * @category conversions
 * @since 0.1.0
 */
export const schedule = (self: RetryPolicy): Schedule.Schedule<Duration.Duration> =>
  Schedule.fromStep(
    Effect.clockWith((clock) => {
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const begun = now()
      let state = CallState.start
      const step = (_now: number, failure: unknown) =>
        Effect.flatMap(
          Effect.zip(Judge.judge(failure), Random.next),
          ([verdict, random]): Effect.Effect<[Duration.Duration, Duration.Duration], Cause.Done<Duration.Duration>> => {
            const isAmbiguous = Operation.isAmbiguous(failure)
            const failed = { verdict, elapsed: now() - begun, random, isAmbiguous, ...codeOf(failure) }
            const next = CallState.next(self, state, failed)
            if (next._tag !== "Retry")
              return Cause.done(next._tag === "GiveUp" ? (next.again ?? Duration.zero) : Duration.zero)
            state = next.state
            return Effect.succeed([next.delay, next.delay])
          }
        )
      return Effect.succeed(step)
    })
  )

/**
 * Describes what a policy does, one line per strategy, with its numbers: for a start-up log.
 *
 * @category formatting
 * @since 0.1.0
 */
export const describe: (self: RetryPolicy) => ReadonlyArray<string> = description.describe
