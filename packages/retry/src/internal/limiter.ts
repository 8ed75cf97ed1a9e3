import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as RateLimiter from "effect/persistence/RateLimiter"
import type { RateLimit } from "../RateLimit.ts"
import { type Limiter, Refusal } from "./shared.ts"
import { keyOf, type Store } from "./store.ts"

type Answer = RateLimiter.ConsumeResult | RateLimiter.RateLimitExceeded

/** Asks a store that is never away. */
const local: Store["ask"] = (question) => Effect.orDie(question)

/**
 * Counts calls with Effect's limiter. It checks before it reserves, so that a refused call does not count. Reservations of this process
 * that are still under way are added to the wait that the check finds. Other processes may reserve in between, so the wait of the
 * reservation is checked too.
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

  return (key, most) => {
    const patience = Duration.min(maximumWait, most)
    const call = { key: keyOf(name, key), algorithm, limit, window }
    const consumed = (onExceeded: "delay" | "fail") => ask(answerOf(consume({ ...call, onExceeded })), { most })
    const counted = (by: number) => Effect.sync(() => count(key, by))
    const reserve = Effect.acquireUseRelease(
      counted(1),
      () => consumed("delay"),
      () => counted(-1)
    )
    const turn = (wait: Duration.Duration) =>
      isLonger(wait, patience) ? Effect.fail(new Refusal(wait)) : Effect.succeed(wait)
    const waited = (answer: Answer | undefined) => {
      // A store that is away must not stop the calls.
      if (answer === undefined) return Effect.succeed(Duration.zero)
      return turn("delay" in answer ? answer.delay : answer.retryAfter)
    }
    return Effect.flatMap(consumed("fail"), (found) => {
      if (found === undefined || "delay" in found) return Effect.succeed(Duration.zero)
      const ahead = Duration.millis((reserving.get(key) ?? 0) * interval)
      return Effect.andThen(turn(Duration.sum(found.retryAfter, ahead)), Effect.flatMap(reserve, waited))
    })
  }
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
