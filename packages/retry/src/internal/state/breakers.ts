import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import type * as Observer from "@redrive/core/Observer"
import * as Breaker from "../../Breaker.ts"
import * as Events from "../call/events.ts"

/** The breakers of a runner, one for each key. */
export interface State {
  /** The breaker of a key, made on first use. */
  readonly of: (key: string) => Breaker.State
  /** Reports the breakers' changes since the last report, under the name of this call. */
  readonly tellChanges: (fiber: Fiber.Fiber<unknown, unknown>, name: string) => void
}

type Change = Observer.BreakerOpened | Observer.BreakerClosed

/** Keeps breakers for the 5,000 newest keys, and for up to 5,000 keys before them that are open. A forgotten breaker starts anew, closed. */
const mostKeys = 5000

export const make = (breaker: Breaker.Breaker): State => {
  let newest = new Map<string, Breaker.State>()
  let earlier = newest
  let changes: Array<(name: string) => Change> = []

  const fresh = (key: string): Breaker.State =>
    Breaker.make(breaker, (change) =>
      changes.push((name) =>
        change.to === "open"
          ? { _tag: "BreakerOpened", name, key, delay: Duration.millis(change.delay) }
          : { _tag: "BreakerClosed", name, key }
      )
    )

  return {
    of: (key) => {
      const known = newest.get(key)
      if (known !== undefined) return known
      if (newest.size >= mostKeys) {
        const open = [...earlier].filter(([, state]) => state.condition(Infinity) !== "closed").slice(-mostKeys)
        earlier = new Map([...open, ...newest])
        newest = new Map()
      }
      const state = earlier.get(key) ?? fresh(key)
      newest.set(key, state)
      return state
    },
    tellChanges: (fiber, name) => {
      if (changes.length === 0) return
      const told = changes
      changes = []
      for (const change of told) Events.breakerChanged(fiber, change(name))
    }
  }
}
