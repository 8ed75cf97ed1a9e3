import * as Effect from "effect/Effect"

/** Places for calls that run at once, and a line of those that wait for one. */
export interface Bulkhead {
  /** Takes a place: at once, after a wait, or never, which is `false`. */
  readonly take: () => Effect.Effect<boolean> | boolean
  /** Gives a place back, to whoever has waited longest. */
  readonly release: () => void
}

export const make = (concurrent: number, queue: number): Bulkhead => {
  let free = concurrent
  const waiting = new Set<() => void>()
  return {
    take: () => {
      if (free > 0) {
        free--
        return true
      }
      if (waiting.size >= queue) return false
      return Effect.callback<boolean>((resume) => {
        const turn = () => resume(Effect.succeed(true))
        waiting.add(turn)
        // Who no longer waits leaves the line: its place goes to the next one.
        return Effect.sync(() => void waiting.delete(turn))
      })
    },
    release: () => {
      const [next] = waiting
      if (next === undefined) {
        free++
        return
      }
      waiting.delete(next)
      next()
    }
  }
}
