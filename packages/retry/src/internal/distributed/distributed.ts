import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "../../Backoff.ts"
import type * as Breaker from "../../Breaker.ts"
import * as BreakerStore from "./breakerStore.ts"
import { isRefusal, Refusal } from "../call/refusal.ts"
import type { Guard } from "../state/runnerState.ts"
import * as Store from "./store.ts"

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

/** Guards attempts with a breaker whose state is in the context's store, and reports its changes within the scope. */
export const guard = Effect.fnUntraced(function* (
  { openFor, trip }: Breaker.Breaker,
  maxOpenDuration: Duration.Duration,
  name: string,
  timeout: Duration.Duration
) {
  const askings: BreakerStore.Askings = new WeakMap()
  const options = { tripPolicy: tripPolicy(trip), openDuration: Backoff.schedule(openFor), maxOpenDuration }
  const inner = yield* CircuitBreaker.CircuitBreakerStore
  const store = yield* BreakerStore.make(inner, { askings, name, timeout, tripPolicy: options.tripPolicy })
  const breaker = yield* Effect.provideService(CircuitBreaker.make(options), CircuitBreaker.CircuitBreakerStore, store)
  const through: Guard = <A, E, R>(
    self: Effect.Effect<A, E, R>,
    key: string,
    verdictOf: (failure: E) => Verdict.Verdict,
    most?: Duration.Duration
  ): Effect.Effect<A, E | Refusal, R> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.withFiber((fiber) => {
        let isAdmitted = false
        const call: BreakerStore.Call = { most, restore, isProbe: false }
        askings.set(fiber, call)
        const admitted = Effect.suspend(() => {
          isAdmitted = true
          return self
        })
        const guarded = breaker.execute(restore(admitted), {
          key: Store.keyOf(name, key),
          classify: outcomeOf(verdictOf, call)
        })
        // The breaker's own errors come only before the attempt; later ones are the attempt's.
        return Effect.mapError(guarded, (error) => (isAdmitted ? (error as E) : refusal(error)))
      })
    )
  return through
})

const refusal = (error: unknown): Refusal => {
  const isOpen = error instanceof CircuitBreaker.CircuitBreakerError && error.reason._tag === "CircuitOpen"
  return new Refusal(isOpen ? error.reason.retryAfter : undefined)
}

/**
 * Retryable failures count against the breaker, as with a local one. A permanent failure is an answer: it closes the breaker if the call is
 * a probe, and says nothing about the other side's health otherwise.
 */
const outcomeOf =
  <E>(verdictOf: (failure: E) => Verdict.Verdict, call: BreakerStore.Call) =>
  (exit: Exit.Exit<unknown, E>): CircuitBreaker.Outcome => {
    if (Exit.isSuccess(exit)) return CircuitBreaker.success
    const failure = Cause.hasDies(exit.cause) ? Option.none() : Cause.findErrorOption(exit.cause)
    // A call without time for an attempt is refused, and has no answer.
    if (Option.isNone(failure) || isRefusal(failure.value)) return CircuitBreaker.ignored
    const verdict = verdictOf(failure.value)
    if (verdict._tag === "Permanent" && call.isProbe) return CircuitBreaker.success
    if (!Verdict.isRetryable(verdict)) return CircuitBreaker.ignored
    return CircuitBreaker.failure({ retryAfter: Verdict.retryAfter(verdict) })
  }
