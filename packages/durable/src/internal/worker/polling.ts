import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { Claimed } from "../../Store.ts"
import type { Claiming } from "./claiming.ts"
import type { Claims } from "./claims.ts"
import { surviving, warn } from "./faults.ts"
import type { Settling } from "./settling.ts"

/** Takes turns: records what has ended, and runs what it claims. */
export const make = <R>({
  attempt,
  attempts,
  claims,
  news,
  pollInterval,
  settling: { ends, isEnding, turn },
  wanted
}: {
  readonly attempt: (claim: Claimed) => Effect.Effect<void, never, R>
  /** The scope of the attempts. */
  readonly attempts: Scope.Scope
  readonly claims: Claims
  readonly settling: Settling
  readonly wanted: Claiming["wanted"]
  readonly news: Latch.Latch
  readonly pollInterval: number
}): Effect.Effect<void, never, R> => {
  /** Runs a claimed task. Only its handler can be interrupted. */
  const start = Effect.fnUntraced(function* (claim: Claimed) {
    const ended = Effect.sync(() => {
      if (isEnding()) return
      claims.drop(claim)
      news.openUnsafe()
    })
    const fiber = yield* Effect.forkIn(Effect.ensuring(surviving(attempt(claim)), ended), attempts, {
      uninterruptible: true
    })
    claims.add({ claim, fiber })
  })

  /** One turn: what has ended since the last one, and what there is room for. Gives how many tasks it took. */
  const working = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const claim = yield* Effect.catch(restore(wanted), (error) =>
        // What has ended is recorded all the same, if it can be.
        ends.isEmpty() ? Effect.fail(error) : Effect.as(warn(error), undefined)
      )
      const ending = ends.take()
      if (!ends.isEmpty()) news.openUnsafe()
      if (claim === undefined && ending.length === 0) return 0
      if (claim !== undefined) claims.ask(claim)
      const found = yield* restore(turn(ending, claim)).pipe(
        Effect.onInterrupt(() => Effect.sync(() => ends.putBack(ending)))
      )
      // The database may have carried it out all the same: the claim is given back at the next look.
      if (found === undefined) return 0
      for (const one of found) yield* start(one)
      if (claim !== undefined) claims.answered(claim)
      return found.length
    })
  )

  return Effect.gen(function* () {
    news.closeUnsafe()
    let found = 0
    yield* surviving(Effect.tap(working, (count) => Effect.sync(() => (found = count))))
    if (found > 0) return
    yield* Effect.race(Latch.await(news), Effect.sleep(pollInterval))
  })
}
