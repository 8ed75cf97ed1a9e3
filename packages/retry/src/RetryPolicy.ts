/**
 * A retry policy: data that says how often, how patiently and how long a call is tried.
 *
 * It comes from code or from JSON, is validated when it is made, and reads a failure's verdict, never a status code. It runs
 * nothing: `Retry` interprets it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "./Backoff.ts"
import { PolicyDuration } from "./internal/duration.ts"
import * as Preset from "./Preset.ts"

const backoff = (preset: Backoff.Backoff) =>
  Backoff.Backoff.pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed(preset)),
    Schema.withConstructorDefault(Effect.succeed(preset))
  )

/**
 * `retries` after the first attempt (3); `attemptTimeout` and `deadline` over all attempts and waits (none);
 * `maxRetryAfter` that is waited for (5 minutes); a backoff for each pace (see `Preset`).
 *
 * @category schemas
 * @since 0.1.0
 */
export const RetryPolicy = Schema.Struct({
  retries: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed(Preset.retries)),
    Schema.withConstructorDefault(Effect.succeed(Preset.retries))
  ),
  attemptTimeout: Schema.optionalKey(PolicyDuration),
  deadline: Schema.optionalKey(PolicyDuration),
  maxRetryAfter: PolicyDuration.pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed(Preset.maxRetryAfter)),
    Schema.withConstructorDefault(Effect.succeed(Preset.maxRetryAfter))
  ),
  quick: backoff(Preset.quick),
  steady: backoff(Preset.steady),
  slow: backoff(Preset.slow)
}).check(
  Schema.makeFilter(
    ({ attemptTimeout, deadline }) =>
      attemptTimeout === undefined ||
      deadline === undefined ||
      Duration.isLessThanOrEqualTo(attemptTimeout, deadline) ||
      "the deadline is shorter than one attempt"
  )
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
 * Why no attempt follows.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Because = Schema.Literals(["permanent", "parked", "retries", "deadline", "retry-after too long"])

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
 * The policy's decision, as a pure function of what has happened so far and a random number in [0, 1).
 *
 * `attempt` is the number of the attempt that failed, from 1; `elapsed` the time since the first one began.
 *
 * @category running
 * @since 0.1.0
 */
export const decide = (
  self: RetryPolicy,
  failed: { readonly verdict: Verdict.Verdict; readonly attempt: number; readonly elapsed: Duration.Duration },
  random: number
): Decision => {
  const { attempt, elapsed, verdict } = failed
  if (verdict._tag === "Permanent") return giveUp("permanent")
  if (verdict._tag === "Parked") return giveUp("parked")
  const asked = verdict._tag === "Throttled" ? verdict.retryAfter : undefined
  const limit = verdict._tag === "Transient" ? (verdict.limit ?? Infinity) : Infinity
  if (attempt > Math.min(self.retries, limit)) return giveUp("retries", asked)
  if (asked !== undefined && Duration.isGreaterThan(asked, self.maxRetryAfter)) {
    return giveUp("retry-after too long", asked)
  }
  const delay = wait(self, verdict, attempt, random)
  const late =
    self.deadline !== undefined && Duration.isGreaterThanOrEqualTo(Duration.sum(elapsed, delay), self.deadline)
  return late ? giveUp("deadline", delay) : { _tag: "Retry", delay }
}

const giveUp = (because: Because, again?: Duration.Duration): Decision =>
  again === undefined ? { _tag: "GiveUp", because } : { _tag: "GiveUp", because, again }

/**
 * The wait that a retryable verdict asks for after the `attempt`-th attempt. A Retry-After is a floor: chance only adds to it.
 *
 * @category getters
 * @since 0.1.0
 */
export const wait = (
  self: RetryPolicy,
  verdict: Verdict.Verdict,
  attempt: number,
  random: number
): Duration.Duration => {
  if (verdict._tag === "Transient") return Backoff.delay(self[verdict.pace], attempt, random)
  const asked = verdict._tag === "Throttled" ? verdict.retryAfter : undefined
  return asked === undefined
    ? Backoff.delay(self.steady, attempt, random)
    : Duration.sum(asked, Backoff.delay(self.quick, 1, random))
}
