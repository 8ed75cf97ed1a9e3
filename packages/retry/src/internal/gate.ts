import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Backoff from "../Backoff.ts"
import type { Parking } from "../Parking.ts"
import * as Deadlines from "./deadlines.ts"
import type { Time } from "./time.ts"

/** A gate that is shut until somebody has acted. Times are monotonic. */
export interface Gate {
  readonly until: string
  readonly deadlines: Deadlines.Deadlines
  /** Those who wait, the longest first: a call of its own each, so they are small. */
  readonly waiting: Set<Waiting>
  isOpen: boolean
  /** Whether a probe is on its way, and when the next one may go. */
  isProbed: boolean
  probeAt: number
  probes: number
  /** Sends the next probe. */
  alarm: Deadlines.Entry | undefined
}

/** How a wait at a gate ends: it is open, one may go and probe, or it took too long. */
export type Passage = "open" | "probe" | "too long"

interface Waiting {
  readonly prober: Prober
  readonly go: (passage: Passage) => void
}

/** Who goes ahead to probe a gate, and knows it. */
export interface Prober {
  probing: Gate | undefined
}

export const shut = (parking: Parking, until: string, time: Time, random: number): Gate => ({
  until,
  deadlines: Deadlines.of(time),
  waiting: new Set(),
  isOpen: false,
  isProbed: false,
  probeAt: time.now() + Duration.toMillis(Backoff.delay(parking.probe, 1, random)),
  probes: 1,
  alarm: undefined
})

/** Whether nobody would notice if the gate were gone: no call waits at it, and none is on its way as its probe. */
export const isIdle = ({ isProbed, waiting }: Gate): boolean => !isProbed && waiting.size === 0

export const open = (gate: Gate): void => {
  gate.isOpen = true
  for (const { go } of gate.waiting) go("open")
}

/** A probe came back without having opened the gate; `isCounted` if it found out that it is too early. */
export const probed = (gate: Gate, parking: Parking, isCounted: boolean, now: number, random: number): void => {
  gate.isProbed = false
  if (isCounted) gate.probeAt = now + Duration.toMillis(Backoff.delay(parking.probe, ++gate.probes, random))
  arm(gate)
}

/** Waits at a gate until it `ends` at the latest. Nobody but the first goes and probes, and knows it in the same step. */
export const wait = (gate: Gate, prober: Prober, now: number, ends: number): Effect.Effect<Passage> => {
  if (gate.isOpen) return Effect.succeed("open")
  if (now >= ends) return Effect.succeed("too long")
  if (!gate.isProbed && now >= gate.probeAt) {
    send(gate, prober)
    return Effect.succeed("probe")
  }
  return Effect.callback<Passage>((resume) => {
    const leave = () => {
      gate.waiting.delete(one)
      gate.deadlines.remove(end)
      // Nobody is left to send: an alarm would keep the process.
      if (gate.waiting.size === 0) disarm(gate)
    }
    const go = (passage: Passage) => {
      leave()
      resume(Effect.succeed(passage))
    }
    const one: Waiting = { prober, go }
    const end = gate.deadlines.add(ends, () => go("too long"))
    gate.waiting.add(one)
    arm(gate)
    return Effect.sync(leave)
  })
}

const send = (gate: Gate, prober: Prober): void => {
  gate.isProbed = true
  prober.probing = gate
  disarm(gate)
}

const arm = (gate: Gate): void => {
  if (gate.isProbed || gate.alarm !== undefined || gate.waiting.size === 0) return
  gate.alarm = gate.deadlines.add(gate.probeAt, () => {
    gate.alarm = undefined
    for (const { go, prober } of gate.waiting) {
      send(gate, prober)
      return go("probe")
    }
  })
}

const disarm = (gate: Gate): void => {
  if (gate.alarm !== undefined) gate.deadlines.remove(gate.alarm)
  gate.alarm = undefined
}
