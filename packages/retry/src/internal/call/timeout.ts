import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Deadlines from "../time/deadlines.ts"
import { type Named, timedOut } from "./timedOut.ts"
import type { Time } from "../time/monotonic.ts"

/**
 * Interrupts an effect at a monotonic time, like `Effect.timeout`, but with one timer for all effects; the error names the call. Many concurrent calls take half
 * the memory, and an effect that ends at once needs no timer.
 */
export const timeout = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  limit: Duration.Duration,
  at: number,
  time: Time,
  call: Named
): Effect.Effect<A, E | Cause.TimeoutError, R> =>
  Effect.flatMap(Effect.forkChild(self, { startImmediately: true }), (child) => {
    const early = child.pollUnsafe()
    if (early !== undefined) return early
    return Effect.callback<A, E | Cause.TimeoutError>((resume) => {
      const deadlines = Deadlines.of(time)
      let isLate = false
      const entry = deadlines.add(at, () => {
        isLate = true
        child.interruptUnsafe()
      })
      child.addObserver((exit) => {
        deadlines.remove(entry)
        const isTimeout = isLate && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
        resume(isTimeout ? Effect.fail(timedOut(call, limit)) : exit)
      })
      return Effect.suspend(() => {
        deadlines.remove(entry)
        return Fiber.interrupt(child)
      })
    })
  })
