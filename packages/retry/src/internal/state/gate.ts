import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Backoff from "../../Backoff.ts"
import type { Parking } from "../../Parking.ts"
import * as Deadlines from "../time/deadlines.ts"
import type { Time } from "../time/monotonic.ts"

/** A gate that is shut until a person has acted. Times are monotonic. */
export interface Gate {
  readonly until: string
  readonly deadlines: Deadlines.Deadlines
  /** The waiting calls, the longest first. Each call has an entry, so entries are small. */
  readonly waiting: Set<Waiting>
  isOpen: boolean
  /** Whether a probe is running, and when the next one may start. */
  isProbed: boolean
  probeAt: number
  probes: number
  /** Starts the next probe. */
  alarm: Deadlines.Entry | undefined
}

/** How a wait at a gate ends: the gate is open, this call becomes the probe, or the wait took too long. */
export type Passage = "open" | "probe" | "too long"

interface Waiting {
  readonly prober: Prober
  readonly go: (passage: Passage) => void
}

/** A call that may become a gate's probe. */
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

/** Whether the gate can be forgotten: no call waits at it, and no probe is running. */
export const isIdle = ({ isProbed, waiting }: Gate): boolean => !isProbed && waiting.size === 0

export const open = (gate: Gate): void => {
  gate.isOpen = true
  for (const { go } of gate.waiting) go("open")
}

/** Handles a probe that did not open the gate; `isCounted` if it was too early, so that the next probe waits longer. */
export const probed = (gate: Gate, parking: Parking, isCounted: boolean, now: number, random: number): void => {
  gate.isProbed = false
  if (isCounted) gate.probeAt = now + Duration.toMillis(Backoff.delay(parking.probe, ++gate.probes, random))
  arm(gate)
}

/** Waits at a gate until `ends` at the latest. One call at a time becomes the probe, and is marked in the same step. */
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
      // With no call left to probe, the alarm would only keep the process alive.
      if (gate.waiting.size === 0) disarm(gate)
    }
    const go = (passage: Passage) => {
      leave()
      resume(Effect.succeed(passage))
    }
    const one: Waiting = { prober, go }
    const end = { at: ends, index: -1, due: () => go("too long") }
    gate.deadlines.add(end)
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
  const due = () => {
    gate.alarm = undefined
    for (const { go, prober } of gate.waiting) {
      send(gate, prober)
      return go("probe")
    }
  }
  gate.alarm = { at: gate.probeAt, index: -1, due }
  gate.deadlines.add(gate.alarm)
}

const disarm = (gate: Gate): void => {
  if (gate.alarm !== undefined) gate.deadlines.remove(gate.alarm)
  gate.alarm = undefined
}
