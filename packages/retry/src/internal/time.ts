import * as Clock from "effect/Clock"
import * as Context from "effect/Context"

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
  const made = clock === live ? { clock, now: liveNow } : { clock, now: nowOf(clock) }
  known.set(clock, made)
  return made
}

const nowOf = (clock: Clock.Clock) => {
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const origin = clock.currentTimeMillisUnsafe() - monotonic()
  return () => origin + monotonic()
}

/** The clock of programs that provide none. */
const live = Context.get(Context.empty(), Clock.Clock)

/** Every call reads it, and this takes two thirds of the time that nanoseconds in a bigint take. */
const liveNow = (): number => origin + performance.now()

const origin = performance.timeOrigin
