import * as Effect from "effect/Effect"

/** Who has a place, or not. */
export interface Holder {
  hasPlace: boolean
}

/** Places for calls that run at once, and a line of those that wait for one. */
export interface Bulkhead {
  /** Takes a place: at once, after a wait, or not at all because the line is full. The holder knows in the same step. */
  readonly take: (holder: Holder) => Effect.Effect<void> | "full" | undefined
  /** Gives a place back, to whoever has waited longest. */
  readonly release: (holder: Holder) => void
}

export const make = (concurrent: number, queue: number): Bulkhead => {
  let free = concurrent
  const waiting = new Map<Holder, () => void>()
  return {
    take: (holder) => {
      if (free > 0) {
        free--
        holder.hasPlace = true
        return undefined
      }
      if (waiting.size >= queue) return "full"
      return Effect.callback<void>((resume) => {
        waiting.set(holder, () => resume(Effect.void))
        // Who no longer waits leaves the line: its place goes to the next one.
        return Effect.sync(() => void waiting.delete(holder))
      })
    },
    release: (holder) => {
      holder.hasPlace = false
      for (const [next, turn] of waiting) {
        waiting.delete(next)
        next.hasPlace = true
        return turn()
      }
      free++
    }
  }
}
