import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

/**
 * Runs an effect, and runs it a second time if it is slow and `mayHedge` allows it. The first success wins, and the other run is
 * interrupted. If the first run fails before the second has started, that failure is the result.
 */
export const hedged = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  after: Duration.Duration,
  mayHedge: Effect.Effect<boolean>
): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const first = yield* Effect.forkChild(self, { startImmediately: true })
    const fibers = [first]
    const raced = Effect.gen(function* () {
      const early = yield* Effect.timeoutOption(Fiber.await(first), after)
      if (Option.isSome(early)) return yield* early.value
      if (!(yield* mayHedge)) return yield* Fiber.join(first)
      const second = yield* Effect.forkChild(self, { startImmediately: true })
      fibers.push(second)
      return yield* Effect.race(Fiber.join(first), Fiber.join(second))
    })
    return yield* Effect.onExit(raced, () => Fiber.interruptAll(fibers))
  })
