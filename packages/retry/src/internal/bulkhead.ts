import * as Effect from "effect/Effect"
import * as Deadlines from "./deadlines.ts"
import type { Time } from "./time.ts"

/** Who has a place, or not. */
export interface Holder {
  hasPlace: boolean
}

/** Places for calls that run at once, and a line of those that wait for one. */
export interface Bulkhead {
  /**
   * Takes a place: at once, after a wait until `ends` at the latest, or not at all because the line is full. The holder knows in the
   * same step, and `hasPlace` says whether the wait was long enough.
   */
  readonly take: (holder: Holder, ends: number, time: Time) => Effect.Effect<void> | "full" | undefined
  /** Gives a place back, to whoever has waited longest. */
  readonly release: (holder: Holder) => void
}

export const make = (concurrent: number, queue: number): Bulkhead => {
  let free = concurrent
  const waiting = new Map<Holder, () => void>()
  return {
    take: (holder, ends, time) => {
      if (free > 0) {
        free--
        holder.hasPlace = true
        return undefined
      }
      if (waiting.size >= queue) return "full"
      return Effect.callback<void>((resume) => {
        const deadlines = ends === Infinity ? undefined : Deadlines.of(time)
        const end = deadlines?.add(ends, () => go())
        // A call that no longer waits leaves the line: its place goes to the next one.
        const leave = () => {
          waiting.delete(holder)
          if (end !== undefined) deadlines?.remove(end)
        }
        const go = () => {
          leave()
          resume(Effect.void)
        }
        waiting.set(holder, go)
        return Effect.sync(leave)
      })
    },
    release: (holder) => {
      holder.hasPlace = false
      for (const [next, turn] of waiting) {
        next.hasPlace = true
        return turn()
      }
      free++
    }
  }
}
