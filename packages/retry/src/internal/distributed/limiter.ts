import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as RateLimiter from "effect/persistence/RateLimiter"
import type { RateLimit } from "../../RateLimit.ts"
import { Refusal } from "../call/refusal.ts"
import type { Limiter } from "../state/runnerState.ts"
import { keyOf, type Store } from "./store.ts"
import * as Time from "../time/monotonic.ts"

type Answer = RateLimiter.ConsumeResult | RateLimiter.RateLimitExceeded

/** Asks a store that is never away. */
const local: Store["ask"] = (question) => Effect.orDie(question)

/**
 * Counts calls with Effect's limiter. It checks before it reserves, so that a refused call does not count. Reservations of this process
 * that are still under way are added to the wait that the check finds. Other processes may reserve in between, so the wait of the
 * reservation is checked too. The store's round trips count as waiting: a reservation is expected to take as long as the check did.
 */
export const limiter = (
  { consume }: RateLimiter.RateLimiter,
  { algorithm, limit, maximumWait, window }: RateLimit,
  name: string,
  ask = local
): Limiter => {
  const interval = Duration.toMillis(window) / limit
  // How many reservations are under way, by key.
  const reserving = new Map<string, number>()

  const count = (key: string, by: number) => {
    const left = (reserving.get(key) ?? 0) + by
    if (left > 0) reserving.set(key, left)
    else reserving.delete(key)
  }

  const attemptOf = (time: Time.Time, key: string, most: Duration.Duration) => {
    const begun = time.now()
    const elapsed = () => Duration.millis(time.now() - begun)
    // The last colon keeps `KEY:refill`, where Effect's store has a bucket's time, from being another call's key.
    const call = { key: `${keyOf(name, key)}:`, algorithm, limit, window }
    const consumed = (onExceeded: "delay" | "fail") =>
      ask(answerOf(consume({ ...call, onExceeded })), {
        most: Duration.max(Duration.subtract(most, elapsed()), Duration.zero)
      })
    const counted = (by: number) => Effect.sync(() => count(key, by))
    const reserve = Effect.acquireUseRelease(
      counted(1),
      () => consumed("delay"),
      () => counted(-1)
    )
    const refusedOr = <A, E>(wait: Duration.Duration, whole: Duration.Duration, next: Effect.Effect<A, E>) =>
      isLonger(whole, Duration.min(maximumWait, most)) ? Effect.fail(new Refusal(wait)) : next
    const waited = (answer: Answer | undefined) => {
      // A store that is away must not stop the calls.
      if (answer === undefined) return Effect.succeed(Duration.zero)
      const wait = "delay" in answer ? answer.delay : answer.retryAfter
      // A turn that has come is used, since a refusal would waste it.
      const whole = Duration.isZero(wait) ? wait : Duration.sum(elapsed(), wait)
      return refusedOr(wait, whole, Effect.succeed(wait))
    }
    return Effect.flatMap(consumed("fail"), (found) => {
      if (found === undefined || "delay" in found) return Effect.succeed(Duration.zero)
      const wait = Duration.sum(found.retryAfter, Duration.millis((reserving.get(key) ?? 0) * interval))
      const took = elapsed()
      return refusedOr(wait, Duration.sum(took, Duration.max(wait, took)), Effect.flatMap(reserve, waited))
    })
  }

  return (key, most) => Clock.clockWith((clock) => attemptOf(Time.of(clock), key, most))
}

/** Ignores fractions of a millisecond, which come from dividing a window. */
const isLonger = (wait: Duration.Duration, than: Duration.Duration): boolean =>
  Math.floor(Duration.toMillis(wait)) > Duration.toMillis(than)

/** An exceeded limit is an answer; any other error is a failure of the store. */
const answerOf = (
  consumed: Effect.Effect<RateLimiter.ConsumeResult, RateLimiter.RateLimiterError>
): Effect.Effect<Answer, RateLimiter.RateLimiterError> =>
  Effect.catch(consumed, (error): Effect.Effect<Answer, RateLimiter.RateLimiterError> => {
    const { reason } = error
    return reason._tag === "RateLimitExceeded" ? Effect.succeed(reason) : Effect.fail(error)
  })
