import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"

/** The store of a breaker or of a rate limit, and what is said of it in the log. */
export type Kind = keyof typeof messages

const messages = {
  breaker: {
    away: "the store of the breaker cannot be reached: calls are not guarded",
    back: "the store of the breaker answers again: calls are guarded"
  },
  "rate limit": {
    away: "the store of the rate limit cannot be reached: calls are not limited",
    back: "the store of the rate limit answers again: calls are limited"
  }
} as const

/** The health of a store: whether it is asked, and what is logged of it. */
export interface Health {
  /** Whether the next question is asked, is not (`rest`), or is asked to find out whether the store is back (`try`). */
  readonly next: Effect.Effect<"ask" | "rest" | "try">
  readonly answered: Effect.Effect<void>
  readonly failed: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
  /** It did not answer in time. */
  readonly silent: (isTrial: boolean) => Effect.Effect<void>
}

/** How long a silent store is left alone, in milliseconds: twice as long each time. */
const shortestRest = 1000
const longestRest = 30_000

/** Failures are logged at most once in so many milliseconds. */
const loggedEvery = 10_000

export const make = (kind: Kind, timeout: Duration.Duration): Health => {
  let isLogged = false
  let loggedAt = -Infinity
  // Zero unless the store is silent: one that fails at once costs a call nothing, and is asked by each.
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
    return log(undefined, messages[kind].away, cause)
  }

  return {
    next: Effect.map(millis, (at) => {
      if (at < restsUntil) return "rest"
      if (rest === 0) return "ask"
      // One question at a time, whose end says when there may be another.
      restsUntil = Infinity
      return "try"
    }),
    answered: Effect.suspend(() => {
      wake()
      if (!isLogged) return Effect.void
      isLogged = false
      return log("Info", messages[kind].back)
    }),
    failed: (cause) =>
      Effect.flatMap(millis, (at) => {
        wake()
        return away(at, cause)
      }),
    silent: (isTrial) =>
      Effect.flatMap(millis, (at) => {
        // Of many questions asked at once the first one speaks for all.
        if (!isTrial && rest > 0) return Effect.void
        rest = Math.min(longestRest, Math.max(shortestRest, rest * 2))
        restsUntil = at + rest
        return away(at, Cause.fail(new Cause.TimeoutError(`no answer within ${Duration.format(timeout)}`)))
      })
  }
}

/** A clock that nobody sets. */
const millis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/** Logs at a level (`References.UnhandledLogLevel`), unless that is to be silent. */
const log = (
  level: LogLevel.Severity | undefined,
  message: string,
  ...cause: ReadonlyArray<Cause.Cause<unknown>>
): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const unhandled = fiber.getRef(References.UnhandledLogLevel)
    if (unhandled === undefined) return Effect.void
    // A logger that fails must not fail the call.
    return Effect.ignoreCause(Effect.logWithLevel(level ?? unhandled)(message, ...cause))
  })
