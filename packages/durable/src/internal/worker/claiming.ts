import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Claim, Store, StoreError } from "../../Store.ts"
import type { Claims } from "./claims.ts"
import type { Ends } from "./ends.ts"
import type { Lease } from "./lease.ts"

/** What a worker claims, and what it gives back. */
export interface Claiming {
  /** What a worker wants next, if it has room; ends that come with it make room. */
  readonly wanted: Effect.Effect<Claim | undefined, StoreError>
  /** Gives back all that the database may hold for this worker. */
  readonly giveBack: Effect.Effect<void>
}

export const make = ({
  claims,
  concurrency,
  ends,
  lease,
  queue,
  store
}: {
  readonly store: Store["Service"]
  readonly queue: string
  readonly concurrency: number
  readonly claims: Claims
  readonly ends: Ends
  readonly lease: Lease
}): Claiming => {
  const release = (tokens: ReadonlyArray<string>) =>
    tokens.length === 0
      ? Effect.void
      : Effect.flatMap(Clock.currentTimeMillis, (now) => store.release(queue, tokens, now))
  return {
    wanted: Effect.gen(function* () {
      const ending = ends.next()
      const most = concurrency - claims.size() + ending.filter(({ claim }) => claims.isHeld(claim)).length
      if (most <= 0) return undefined
      const now = yield* Clock.currentTimeMillis
      // After the process stood still for longer than its lease, it would take its own tasks over.
      if (claims.size() > 0 && lease.isOver(now)) yield* lease.hold
      yield* release(claims.unanswered())
      claims.forget(now)
      return { queue, token: claims.token(), until: lease.until(now), most }
    }),
    giveBack: Effect.suspend(() =>
      Effect.catch(release(claims.tokens()), (error) =>
        Effect.logWarning(`${error.message}: tasks that ran come back when their lease is over`, error.cause)
      )
    )
  }
}
