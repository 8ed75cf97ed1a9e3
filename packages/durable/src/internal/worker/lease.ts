import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Store, StoreError } from "../../Store.ts"
import type { Claims } from "./claims.ts"
import { surviving } from "./faults.ts"

/** How a worker keeps its claims, and gets those of workers that are lost. */
export interface Lease {
  /** Says that this worker lives. Whose claim is lost is stopped: another worker makes the same attempt. */
  readonly hold: Effect.Effect<void, StoreError>
  /** Whether claims may not be held any more. */
  readonly isOver: (now: number) => boolean
  /** Until when what is claimed now is held without a sign of life. */
  readonly until: (now: number) => number
  /** Makes due at once what workers hold whose processes have ended. */
  readonly takeOver: Effect.Effect<number, StoreError>
  /** Holds and takes over again and again, well before the lease is over. */
  readonly renewing: Effect.Effect<never>
}

export const make = Effect.fnUntraced(function* (
  store: Store["Service"],
  claims: Claims,
  lease: number
): Effect.fn.Return<Lease, never, Scope.Scope> {
  const scope = yield* Effect.scope
  /** All claims are held at least until then. */
  let heldUntil = (yield* Clock.currentTimeMillis) + lease

  const hold = Effect.gen(function* () {
    const all = claims.running()
    const now = yield* Clock.currentTimeMillis
    const held = new Set(
      yield* store.hold(
        all.map((one) => one.claim),
        now + lease
      )
    )
    heldUntil = now + lease
    for (const { claim, fiber } of all) {
      if (held.has(claim.id) || !claims.isHeld(claim)) continue
      claims.drop(claim)
      yield* Effect.forkIn(Fiber.interrupt(fiber), scope)
    }
  })
  const takeOver = Effect.flatMap(Clock.currentTimeMillis, store.takeOver)
  return {
    hold,
    until: (now) => now + lease,
    isOver: (now) => now >= heldUntil,
    takeOver,
    renewing: Effect.forever(Effect.andThen(Effect.sleep(lease / 3), surviving(Effect.andThen(hold, takeOver))))
  }
})
