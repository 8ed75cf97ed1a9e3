import type * as Clock from "effect/Clock"

/**
 * A clock's monotonic time in milliseconds, which no setting of the clock moves. It starts as epoch milliseconds, so that it reads like
 * a date; it drifts from the wall clock only when that is set.
 */
export interface Time {
  readonly clock: Clock.Clock
  readonly now: () => number
}

const known = new WeakMap<Clock.Clock, Time>()

/** The one time of a clock: readings of two origins could not be compared. */
export const of = (clock: Clock.Clock): Time => {
  const found = known.get(clock)
  if (found !== undefined) return found
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const origin = clock.currentTimeMillisUnsafe() - monotonic()
  const made = { clock, now: () => origin + monotonic() }
  known.set(clock, made)
  return made
}
