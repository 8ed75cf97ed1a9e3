/**
 * The verdict of a failure: whether, when and how patiently to try again.
 *
 * Policies read verdicts, so none of them tests status codes. `Judge` reads the verdict of any value. A verdict is advice: a policy may still
 * give up.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/**
 * How patient a retry must be: `quick` for a brief fault, `steady` for a server in trouble, `slow` for faults that last minutes.
 *
 * @category models
 * @since 0.1.0
 */
export type Pace = typeof Pace.Type

/**
 * The schema of a pace: how patient a retry must be.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Pace = Schema.Literals(["quick", "steady", "slow"])

/**
 * A failure that may pass on its own.
 *
 * @category models
 * @since 0.1.0
 */
export const Transient = Schema.TaggedStruct("Transient", {
  /** How fast to try again. */
  pace: Pace,
  /** The most retries that the failure merits, from 0. Default: the policy's own limit. */
  limit: Schema.optionalKey(Schema.Int)
})

/**
 * A failure after which the other side asks the caller to wait, and may say how long.
 *
 * @category models
 * @since 0.1.0
 */
export const Throttled = Schema.TaggedStruct("Throttled", {
  /** How long the other side asks to wait, in milliseconds when encoded. Default: it does not say. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis)
})

/**
 * A failure that lasts until somebody acts.
 *
 * @category models
 * @since 0.1.0
 */
export const Parked = Schema.TaggedStruct("Parked", {
  /** The action that ends the wait, such as `top up`. */
  until: Schema.String
})

/**
 * A failure that repeats every time.
 *
 * @category models
 * @since 0.1.0
 */
export const Permanent = Schema.TaggedStruct("Permanent", {})

/**
 * The schema of a verdict: one of its four kinds, told apart by `_tag`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Verdict = Schema.Union([Transient, Throttled, Parked, Permanent])

/**
 * `Transient` may pass on its own, `Throttled` asks the caller to wait, `Parked` waits for a person, `Permanent` never passes.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict = typeof Verdict.Type

/**
 * Makes the verdict on a failure that may pass on its own: retry at this pace, at most `limit` times.
 *
 * @category constructors
 * @since 0.1.0
 */
export const transient = (pace: Pace, limit?: number): Verdict =>
  limit === undefined ? { _tag: "Transient", pace } : { _tag: "Transient", pace, limit }

/**
 * Makes the verdict on a failure that asks the caller to come back later.
 *
 * @category constructors
 * @since 0.1.0
 */
export const throttled = (retryAfter?: Duration.Duration): Verdict =>
  retryAfter === undefined ? { _tag: "Throttled" } : { _tag: "Throttled", retryAfter }

/**
 * Makes the verdict on a failure that lasts until a person acts.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parked = (until: string): Verdict => ({ _tag: "Parked", until })

/**
 * The verdict on a failure that will not pass.
 *
 * @category constructors
 * @since 0.1.0
 */
export const permanent: Verdict = { _tag: "Permanent" }

/**
 * Whether a retry may succeed without anybody's help.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRetryable = (self: Verdict): boolean => self._tag === "Transient" || self._tag === "Throttled"

/**
 * How long the failure asks the caller to wait, if it says so.
 *
 * @category getters
 * @since 0.1.0
 */
export const retryAfter = (self: Verdict): Duration.Duration | undefined =>
  self._tag === "Throttled" ? self.retryAfter : undefined

/**
 * A verdict in a few words, for a log line or a table.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (self: Verdict): string => {
  switch (self._tag) {
    case "Transient":
      return self.limit === undefined ? `${self.pace} retry` : `${self.pace} retry, at most ${self.limit}`
    case "Throttled":
      return `wait${self.retryAfter === undefined ? "" : ` ${Duration.format(self.retryAfter)}`}, then retry`
    case "Parked":
      return `parked until ${self.until}`
    case "Permanent":
      return "give up"
  }
}
