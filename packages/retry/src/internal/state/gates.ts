import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import * as Observer from "@redrive/core/Observer"
import type { Parking } from "../../Parking.ts"
import type { Time } from "../time/monotonic.ts"
import * as Gate from "./gate.ts"

/** The gates of a runner's parked keys. */
export interface State {
  /** The keys whose gates are shut. */
  readonly keys: () => Iterable<string>
  readonly get: (key: string) => Gate.Gate | undefined
  readonly shut: (key: string, until: string, time: Time, random: number) => Gate.Gate
  /** Handles a probe that did not open its gate; `isCounted` if it was too early, so that the next probe waits longer. */
  readonly probed: (gate: Gate.Gate, isCounted: boolean, now: number, random: number) => void
  /** Opens the gate of a key, if it is shut. */
  readonly open: (fiber: Fiber.Fiber<unknown, unknown>, key: string) => void
}

/** Keeps this many idle gates. After a forgotten gate, the next call of its key is an ordinary attempt. */
const mostIdle = 5000

export const make = (parking: Parking, name: string): State => {
  const gates = new Map<string, Gate.Gate>()
  const longest = Duration.toMillis(parking.maximum)

  /** Forgets idle gates: the oldest beyond `mostIdle`, and those without a probe for as long as a call would wait. */
  const forget = (now: number) => {
    let looks = 8
    for (const [key, gate] of gates) {
      const isOld = gates.size > mostIdle || now > gate.probeAt + longest
      if (!isOld || looks-- === 0) return
      gates.delete(key)
      // A gate in use becomes the newest.
      if (!Gate.isIdle(gate)) gates.set(key, gate)
    }
  }

  return {
    keys: () => gates.keys(),
    get: (key) => gates.get(key),
    shut: (key, until, time, random) => {
      const gate = Gate.shut(parking, until, time, random)
      gates.set(key, gate)
      forget(time.now())
      return gate
    },
    probed: (gate, isCounted, now, random) => Gate.probed(gate, parking, isCounted, now, random),
    open: (fiber, key) => {
      const gate = gates.get(key)
      if (gate === undefined) return
      gates.delete(key)
      Gate.open(gate)
      Observer.tellUnsafe(fiber, () => ({ _tag: "Resumed", name, key }))
    }
  }
}
