import * as Check from "@redrive/core/Check"
import * as Duration from "effect/Duration"

/** Whole milliseconds, as the columns of times have them. */
export const millis = (input: Duration.Input): number => Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(input)))

/** A lease or a look of no time at all would ask the database without a pause. */
export const pause = Check.where(
  "a duration of a millisecond or more that has an end",
  (value) => Check.duration().isRight(value) && millis(value as Duration.Input) >= 1
)
