import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/**
 * How patient a retry must be: `quick` for a hiccup, `steady` for a server in trouble, `slow` for what takes minutes.
 *
 * @category models
 * @since 0.1.0
 */
export type Pace = typeof Pace.Type

/**
 * @category schemas
 * @since 0.1.0
 */
export const Pace = Schema.Literals(["quick", "steady", "slow"])

/**
 * It may pass on its own; `limit` is how many retries the failure merits at most, where it says so.
 *
 * @category models
 * @since 0.1.0
 */
export const Transient = Schema.TaggedStruct("Transient", { pace: Pace, limit: Schema.optionalKey(Schema.Int) })

/**
 * The other side asks for patience, and may say how long.
 *
 * @category models
 * @since 0.1.0
 */
export const Throttled = Schema.TaggedStruct("Throttled", { retryAfter: Schema.optionalKey(Schema.DurationFromMillis) })

/**
 * Nothing helps until somebody has acted; `until` names the action, such as `top up`.
 *
 * @category models
 * @since 0.1.0
 */
export const Parked = Schema.TaggedStruct("Parked", { until: Schema.String })

/**
 * It fails the same way every time.
 *
 * @category models
 * @since 0.1.0
 */
export const Permanent = Schema.TaggedStruct("Permanent", {})

/**
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
 * A failure that may pass on its own, at a pace, at most `limit` times.
 *
 * @category constructors
 * @since 0.1.0
 */
export const transient = (pace: Pace, limit?: number): Verdict =>
  limit === undefined ? { _tag: "Transient", pace } : { _tag: "Transient", pace, limit }

/**
 * A failure that asks the caller to come back later.
 *
 * @category constructors
 * @since 0.1.0
 */
export const throttled = (retryAfter?: Duration.Duration): Verdict =>
  retryAfter === undefined ? { _tag: "Throttled" } : { _tag: "Throttled", retryAfter }

/**
 * A failure that waits for a person.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parked = (until: string): Verdict => ({ _tag: "Parked", until })

/**
 * A failure that will not pass.
 *
 * @category constructors
 * @since 0.1.0
 */
export const permanent: Verdict = { _tag: "Permanent" }

/**
 * Whether trying again without anybody's help may succeed.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRetryable = (self: Verdict): boolean => self._tag === "Transient" || self._tag === "Throttled"

/**
 * How long the failure asks to wait, if it says so.
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
