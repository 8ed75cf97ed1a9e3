import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Latch from "effect/Latch"
import type { Claim, Claimed, Settled, Store, StoreError } from "../../Store.ts"
import type { Claims } from "./claims.ts"
import * as Ends from "./ends.ts"
import { warn } from "./faults.ts"

/** How claims end: together, with the next turn, as long as the worker takes turns, and then each alone. */
export interface Settling {
  /** What a store does not take is tried again as long as the claim lasts: the work is done. Gives `lost` if it was not taken. */
  readonly persist: <X>(claim: Claimed, statement: Effect.Effect<X, StoreError>, lost: X) => Effect.Effect<X>
  /** Ends a claim; gives whether it was still held. */
  readonly settle: (claim: Claimed, what: Settled) => Effect.Effect<boolean>
  /** The ends that the next turn takes along. */
  readonly ends: Ends.Ends
  /** Asks the store for a turn, and tells those who wait for their ends. Gives nothing if it failed, and they know. */
  readonly turn: (
    ending: ReadonlyArray<Ends.Ending>,
    claim?: Claim
  ) => Effect.Effect<ReadonlyArray<Claimed> | undefined, StoreError>
  /** Whether nobody takes turns any more. */
  readonly isEnding: () => boolean
  /** Records what has just ended, without waiting for it. What ends from now on is recorded by itself. */
  readonly end: Effect.Effect<void>
}

export const make = (store: Store["Service"], claims: Claims, news: Latch.Latch, pollInterval: number): Settling => {
  let isEnding = false
  const ends = Ends.make()

  const persist: Settling["persist"] = (claim, statement, lost) =>
    Effect.catch(statement, (error) =>
      claims.isHeld(claim) && !isEnding
        ? Effect.andThen(
            Effect.andThen(warn(error), Effect.exit(Effect.interruptible(Effect.sleep(pollInterval)))),
            Effect.suspend(() => persist(claim, statement, lost))
          )
        : Effect.as(warn(error), lost)
    )

  const settle: Settling["settle"] = (claim, what) => {
    let isFirst = true
    const once: Effect.Effect<boolean, StoreError> = Effect.suspend(() => {
      const ending: Ends.Ending = { claim, what, held: Deferred.makeUnsafe() }
      // What fails among others is tried again alone, since only one of them may be at fault.
      const isAlone = isEnding || !isFirst
      isFirst = false
      if (isAlone) return Effect.andThen(turn([ending]), Deferred.await(ending.held))
      ends.add(ending)
      news.openUnsafe()
      // A worker that ends has no later for it.
      return Effect.catch(Deferred.await(ending.held), (error) => (isEnding ? once : Effect.fail(error)))
    })
    return persist(claim, once, false)
  }

  const turn: Settling["turn"] = Effect.fnUntraced(function* (ending, claim) {
    const now = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(store.turn({ ends: ending, claim, now }))
    if (Exit.isFailure(exit)) {
      // The worker ends, and says so again by itself.
      if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
      for (const { held } of ending) Deferred.doneUnsafe(held, Exit.failCause(exit.cause))
      return ending.length > 0 ? undefined : yield* Effect.failCause(exit.cause)
    }
    ending.forEach(({ claim, held }, at) => {
      const isDone = exit.value.held[at] ?? false
      if (isDone) claims.drop(claim)
      Deferred.doneUnsafe(held, Effect.succeed(isDone))
    })
    return exit.value.claimed
  })

  return {
    persist,
    settle,
    ends,
    turn,
    isEnding: () => isEnding,
    end: Effect.suspend(() => {
      isEnding = true
      return ends.isEmpty() ? Effect.void : Effect.forkDetach(Effect.ignore(turn(ends.all)))
    })
  }
}
