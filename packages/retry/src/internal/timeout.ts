import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Deadlines from "./deadlines.ts"

/**
 * An effect that is interrupted at a time in epoch milliseconds, as `Effect.timeout` does it, with the timer that all share: many
 * that are under way take half of the memory, and one that ends at once takes no timer at all.
 */
export const timeout = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  limit: Duration.Duration,
  at: number,
  clock: Clock.Clock
): Effect.Effect<A, E | Cause.TimeoutError, R> =>
  Effect.flatMap(Effect.forkChild(self, { startImmediately: true }), (child) => {
    const early = child.pollUnsafe()
    if (early !== undefined) return early
    return Effect.callback<A, E | Cause.TimeoutError>((resume) => {
      const deadlines = Deadlines.of(clock)
      let isLate = false
      const entry = deadlines.add(at, () => {
        isLate = true
        child.interruptUnsafe()
      })
      child.addObserver((exit) => {
        deadlines.remove(entry)
        const isTimeout = isLate && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
        resume(isTimeout ? Effect.fail(timedOut(limit)) : exit)
      })
      return Effect.suspend(() => {
        deadlines.remove(entry)
        return Fiber.interrupt(child)
      })
    })
  })

const timedOut = (limit: Duration.Duration) =>
  new Cause.TimeoutError(`Operation timed out after '${Duration.format(limit)}'`)
