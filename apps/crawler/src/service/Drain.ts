/**
 * Lets work that is under way end before the process does, and begins none meanwhile.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Drain {
  /** Runs a piece of work. Once the scope closes, it waits for the interruption instead. */
  readonly run: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** When the scope closes, waits until no work is under way, at most for `grace`. */
export const make = Effect.fnUntraced(function* (grace: Duration.Input): Effect.fn.Return<Drain, never, Scope.Scope> {
  const idle = yield* Deferred.make<void>()
  let isClosing = false
  let under = 0
  const ended = Effect.suspend(() => (--under === 0 && isClosing ? Deferred.succeed(idle, undefined) : Effect.void))
  yield* Effect.addFinalizer(() => {
    isClosing = true
    if (under === 0 || Duration.toMillis(grace) === 0) return Effect.void
    return Effect.ignore(Effect.timeout(Effect.interruptible(Deferred.await(idle)), grace))
  })
  return {
    run: (work) =>
      Effect.suspend(() => {
        if (isClosing) return Effect.never
        under++
        return Effect.ensuring(work, ended)
      })
  }
})
