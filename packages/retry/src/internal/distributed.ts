import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import type * as RateLimiter from "effect/persistence/RateLimiter"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "../Backoff.ts"
import type * as Breaker from "../Breaker.ts"
import type { RateLimit } from "../RateLimit.ts"
import { type Guard, type Limiter, Refusal } from "./shared.ts"
import * as telling from "./telling.ts"

const tripPolicy = (trip: typeof Breaker.TripRule.Type): CircuitBreaker.TripPolicy => {
  switch (trip._tag) {
    case "Consecutive":
      return CircuitBreaker.consecutive(trip.failures)
    case "CountWindow":
      return CircuitBreaker.rate({ threshold: trip.rate, size: trip.size, minimumCalls: trip.minimum })
    case "TimeWindow":
      throw new Error("a shared breaker has no time window")
  }
}

/** Lets attempts through a breaker in the store of the context, and tells what it does for as long as the scope. */
export const guard = Effect.fnUntraced(function* (
  { openFor, trip }: Breaker.Breaker,
  maxOpenDuration: Duration.Duration,
  name: string
) {
  const openDuration = Backoff.schedule(openFor)
  const breaker = yield* CircuitBreaker.make({ tripPolicy: tripPolicy(trip), openDuration, maxOpenDuration })
  yield* Effect.forkScoped(Stream.runForEach(breaker.transitions, tell(name)), { startImmediately: true })
  const through: Guard = <A, E, R>(
    self: Effect.Effect<A, E, R>,
    key: string,
    verdictOf: (failure: E) => Verdict.Verdict
  ): Effect.Effect<A, E | Refusal, R> =>
    Effect.suspend(() => {
      let isAdmitted = false
      const admitted = Effect.suspend(() => {
        isAdmitted = true
        return self
      })
      const guarded = breaker.execute(admitted, { key: keyOf(name, key), classify: outcomeOf(verdictOf) })
      // The breaker's own errors come before the attempt; after it they are the attempt's.
      return Effect.mapError(guarded, (error) => (isAdmitted ? (error as E) : refusal(error)))
    })
  return through
})

/** One store serves many runners, whose policies differ: a circuit of a key is a runner's own. */
const keyOf = (name: string, key: string) => `${name}:${key}`

const refusal = (error: unknown): Refusal => {
  const isOpen = error instanceof CircuitBreaker.CircuitBreakerError && error.reason._tag === "CircuitOpen"
  return new Refusal(isOpen ? error.reason.retryAfter : undefined)
}

/** What the failure is decides, as with a local breaker: the caller's own doing says nothing of the other side's health. */
const outcomeOf =
  <E>(verdictOf: (failure: E) => Verdict.Verdict) =>
  (exit: Exit.Exit<unknown, E>): CircuitBreaker.Outcome => {
    if (Exit.isSuccess(exit)) return CircuitBreaker.success
    const failure = Cause.findErrorOption(exit.cause)
    if (Option.isNone(failure)) return CircuitBreaker.ignored
    const verdict = verdictOf(failure.value)
    if (!Verdict.isRetryable(verdict)) return CircuitBreaker.ignored
    return CircuitBreaker.failure({ retryAfter: Verdict.retryAfter(verdict) })
  }

const tell = (name: string) => (transition: CircuitBreaker.Transition) =>
  Effect.withFiber((fiber) => {
    const key = transition.key.slice(name.length + 1)
    if (transition.to === "Open") {
      telling.breakerChanged(fiber, { _tag: "BreakerOpened", name, key, delay: transition.retryAfter })
    } else if (transition.to === "Closed") telling.breakerChanged(fiber, { _tag: "BreakerClosed", name, key })
    return Effect.void
  })

/** Counts calls with Effect's limiter. A wait that is too long is refused before it is counted. */
export const limiter =
  ({ consume }: RateLimiter.RateLimiter, rule: RateLimit, name: string): Limiter =>
  (key, most) => {
    const { algorithm, limit, maximumWait, window } = rule
    const call = { key: keyOf(name, key), algorithm, limit, window }
    const patience = Duration.min(maximumWait, most)
    const delayed = consume({ ...call, onExceeded: "delay" })
    const refusedOrDelayed = (
      error: RateLimiter.RateLimiterError
    ): Effect.Effect<RateLimiter.ConsumeResult, RateLimiter.RateLimiterError | Refusal> => {
      const { reason } = error
      if (reason._tag !== "RateLimitExceeded") return Effect.fail(error)
      const { retryAfter } = reason
      return Duration.isGreaterThan(retryAfter, patience) ? Effect.fail(new Refusal(retryAfter)) : delayed
    }
    return consume({ ...call, onExceeded: "fail" }).pipe(
      Effect.catch(refusedOrDelayed),
      Effect.map(({ delay }) => delay),
      Effect.catchTag("RateLimiterError", (error) => Effect.as(unhandled(error), Duration.zero))
    )
  }

/** A store that cannot be reached must not stop what it was to protect. */
const unhandled = (error: RateLimiter.RateLimiterError): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const level = fiber.getRef(References.UnhandledLogLevel)
    if (level === undefined) return Effect.void
    return Effect.logWithLevel(level)("the store of the rate limit cannot be reached: calls are not limited", error)
  })
