import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { CircuitBreakerStore } from "effect/persistence/CircuitBreaker"

type Service = CircuitBreakerStore["Service"]

/** A store whose scope waits up to half a second for records under way, since calls end before their outcomes are stored. */
export const draining = Effect.fnUntraced(function* (store: Service) {
  const idle = Latch.makeUnsafe(true)
  let recording = 0
  yield* Effect.addFinalizer(() => Effect.timeoutOption(idle.await, "500 millis"))
  const began = Effect.sync(() => {
    recording++
    idle.closeUnsafe()
  })
  const ended = Effect.sync(() => {
    if (--recording === 0) idle.openUnsafe()
  })
  const record: Service["record"] = (options) =>
    Effect.acquireUseRelease(
      began,
      () => store.record(options),
      () => ended
    )
  return { ...store, record }
})
