import * as Effect from "effect/Effect"
import type { Bulkhead } from "../../Bulkhead.ts"
import * as Deadlines from "../time/deadlines.ts"
import type { Time } from "../time/monotonic.ts"

/** A call that may hold a place. */
export interface Holder {
  hasPlace: boolean
}

/** Places for calls that run at once, and a queue of calls that wait for one. */
export interface State {
  /**
   * Takes a place at once (`undefined`), or waits for one until `ends` at the latest, or refuses because the queue is `full`. `hasPlace` is
   * set in the step that gives the place, and tells after the wait whether there is one.
   */
  readonly take: (holder: Holder, ends: number, time: Time) => Effect.Effect<void> | "full" | undefined
  /** Gives a place back, to the call that has waited longest. */
  readonly release: (holder: Holder) => void
}

export const make = ({ concurrent, queue }: Bulkhead): State => {
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
        const end = { at: ends, index: -1, due: () => go() }
        deadlines?.add(end)
        // A call that no longer waits leaves the queue, and its turn goes to the next one.
        const leave = () => {
          waiting.delete(holder)
          deadlines?.remove(end)
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
