/**
 * How many requests a host sees at a time: half as many after each time that it asked for fewer, and one more after a run of good answers.
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

export interface Lane {
  readonly permits: Semaphore.Semaphore
  /** Whoever has its one permit asks a host whether it answers again. */
  readonly probe: Semaphore.Semaphore
  readonly narrow: Effect.Effect<void>
  readonly widen: Effect.Effect<void>
}

/** The good answers in a row that earn one more request at a time. */
const goodRun = 50

export const make = Effect.fnUntraced(function* (most: number): Effect.fn.Return<Lane> {
  const permits = yield* Semaphore.make(most)
  const probe = yield* Semaphore.make(1)
  let width = most
  let good = 0
  const narrow = Effect.suspend(() => {
    good = 0
    width = Math.max(1, Math.floor(width / 2))
    return permits.resize(width)
  })
  const widen = Effect.suspend(() => {
    if (width === most || ++good < goodRun) return Effect.void
    good = 0
    return permits.resize(++width)
  })
  return { permits, probe, narrow, widen }
})
