import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { logUnhandled } from "../logging.ts"
import * as Time from "../time/monotonic.ts"

/** A kind of store: that of a breaker or of a rate limit. */
export type Kind = keyof typeof messages

const messages = {
  breaker: {
    away: "the store of its breaker cannot be reached: calls are not guarded",
    back: "the store of its breaker answers again: calls are guarded"
  },
  "rate limit": {
    away: "the store of its rate limit cannot be reached: calls are not limited",
    back: "the store of its rate limit answers again: calls are limited"
  }
} as const

/** The health of a store: decides whether it is asked, and logs when it goes away and comes back. */
export interface Health {
  /** Whether to send the next request (`ask`), skip it (`rest`), or send it to find out whether the store is back (`try`). */
  readonly next: Effect.Effect<"ask" | "rest" | "try">
  readonly answered: Effect.Effect<void>
  readonly failed: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** Notes that the store did not answer in time. */
  readonly silent: (isTrial: boolean) => Effect.Effect<void>
}

/** How long a silent store is not asked, in milliseconds: twice as long each time. For so long, calls may go on after it is back. */
const shortestRest = 1000
const longestRest = 5000

/** Failures are logged at most once in this many milliseconds. */
const loggedEvery = 10_000

/** The health of a store of a runner of this name. */
export const make = (kind: Kind, name: string, timeout: Duration.Duration): Health => {
  let isLogged = false
  let loggedAt = -Infinity
  // Zero unless the store is silent: a store that fails at once costs a call no time, so every call asks it.
  let rest = 0
  let restsUntil = -Infinity

  const wake = () => {
    rest = 0
    restsUntil = -Infinity
  }

  const away = (at: number, cause: Cause.Cause<unknown>) => {
    if (isLogged || at < loggedAt + loggedEvery) return Effect.void
    isLogged = true
    loggedAt = at
    return logUnhandled(`${name}: ${messages[kind].away}`, cause)
  }

  return {
    next: Effect.map(millis, (at) => {
      if (at < restsUntil) return "rest"
      if (rest === 0) return "ask"
      // One trial at a time: its end sets the time of the next.
      restsUntil = Infinity
      return "try"
    }),
    answered: Effect.suspend(() => {
      wake()
      if (!isLogged) return Effect.void
      isLogged = false
      return logUnhandled(`${name}: ${messages[kind].back}`, undefined, "Info")
    }),
    failed: (cause) =>
      Effect.flatMap(millis, (at) => {
        wake()
        return away(at, cause)
      }),
    silent: (isTrial) =>
      Effect.flatMap(millis, (at) => {
        // Of many requests that time out together, only the first one counts.
        if (!isTrial && rest > 0) return Effect.void
        rest = Math.min(longestRest, Math.max(shortestRest, rest * 2))
        restsUntil = at + rest
        return away(at, Cause.fail(new Cause.TimeoutError(`no answer within ${Duration.format(timeout)}`)))
      })
  }
}

const millis = Clock.clockWith((clock) => Effect.sync(Time.of(clock).now))
