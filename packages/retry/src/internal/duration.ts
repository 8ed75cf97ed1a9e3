import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** A duration of a policy: text in JSON, never below zero. */
export const PolicyDuration = Schema.DurationFromString.check(
  Schema.makeFilter((duration) => !Duration.isNegative(duration) || "a duration below zero")
)
