import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/**
 * A clock's monotonic time in milliseconds, which setting the clock does not move. It starts as epoch milliseconds, so that it reads
 * like a date, and differs from the wall clock only after that was set.
 */
export interface Time {
  readonly clock: Clock.Clock
  readonly now: () => number
  /** Runs something after a wait in milliseconds. */
  readonly after: (wait: number, run: () => void) => Timer
}

/** A wait that has begun. */
export interface Timer {
  readonly stop: () => void
  /** Says whether the process has to live until the wait ends. Absent where a timer cannot be told. */
  readonly hold?: (isNeeded: boolean) => void
}

const known = new WeakMap<Clock.Clock, Time>()

/** Returns the same `Time` for the same clock: times with different origins cannot be compared. */
export const of = (clock: Clock.Clock): Time => {
  const found = known.get(clock)
  if (found !== undefined) return found
  const made =
    clock === live ? { clock, now: liveNow, after: liveAfter } : { clock, now: nowOf(clock), after: afterOn(clock) }
  known.set(clock, made)
  return made
}

const nowOf = (clock: Clock.Clock) => {
  const monotonic = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const origin = clock.currentTimeMillisUnsafe() - monotonic()
  return () => origin + monotonic()
}

const afterOn =
  (clock: Clock.Clock): Time["after"] =>
  (wait, run) => {
    const timer = Effect.runFork(Effect.andThen(clock.sleep(Duration.millis(wait)), Effect.sync(run)))
    return { stop: () => timer.interruptUnsafe() }
  }

/** The clock of programs that do not provide one. */
const live = Context.get(Context.empty(), Clock.Clock)

/** Every call reads the time, and this costs a third less than nanoseconds in a bigint. */
const liveNow = (): number => origin + performance.now()

const origin = performance.timeOrigin

/** Costs a tenth of a fiber that sleeps. */
const liveAfter: Time["after"] = (wait, run) => {
  const timer = setTimeout(run, wait)
  const stop = () => clearTimeout(timer)
  // A browser's timer is a number.
  return typeof timer === "object"
    ? { stop, hold: (isNeeded) => void (isNeeded ? timer.ref() : timer.unref()) }
    : { stop }
}
