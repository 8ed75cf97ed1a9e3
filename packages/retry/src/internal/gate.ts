import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Backoff from "../Backoff.ts"
import type { Parking } from "../Parking.ts"

/** A gate that is shut until somebody has acted. Times are epoch milliseconds. */
export interface Gate {
  readonly until: string
  /** Whether a probe is on its way, and when the next one may go. */
  isProbed: boolean
  probeAt: number
  probes: number
  isOpen: boolean
  /** Wakes everybody who waits, to look again. */
  changed: Deferred.Deferred<void>
}

export const shut = (parking: Parking, until: string, now: number, random: number): Gate => ({
  until,
  isProbed: false,
  probeAt: now + Duration.toMillis(Backoff.delay(parking.probe, 1, random)),
  probes: 1,
  isOpen: false,
  changed: Deferred.makeUnsafe<void>()
})

const wake = (gate: Gate): void => {
  const { changed } = gate
  gate.changed = Deferred.makeUnsafe<void>()
  Deferred.doneUnsafe(changed, Exit.void)
}

export const open = (gate: Gate): void => {
  gate.isOpen = true
  wake(gate)
}

/** A probe came back without having opened the gate; `isCounted` if it was told that nobody has acted yet. */
export const probed = (gate: Gate, parking: Parking, isCounted: boolean, now: number, random: number): void => {
  gate.isProbed = false
  if (isCounted) gate.probeAt = now + Duration.toMillis(Backoff.delay(parking.probe, ++gate.probes, random))
  wake(gate)
}

/** How a wait at a gate ends: it is open, one may go and probe, or it took too long. */
export type Passage = "open" | "probe" | "too long"

/** Somebody at a gate: since when, and whether it is who goes ahead to probe it. */
export interface Waiting {
  readonly parkedAt: number
  readonly who: { probing: Gate | undefined }
}

/** Waits at a gate. Nobody but the first who looks after `probeAt` goes and probes, and knows it in the same step. */
export const wait = (gate: Gate, parking: Parking, { parkedAt, who }: Waiting): Effect.Effect<Passage> =>
  Effect.clockWith((clock) => {
    if (gate.isOpen) return Effect.succeed<Passage>("open")
    const now = clock.currentTimeMillisUnsafe()
    const ends = parkedAt + Duration.toMillis(parking.maximum)
    if (now >= ends) return Effect.succeed<Passage>("too long")
    if (!gate.isProbed && now >= gate.probeAt) {
      gate.isProbed = true
      who.probing = gate
      return Effect.succeed<Passage>("probe")
    }
    const next = gate.isProbed ? ends : Math.min(ends, gate.probeAt)
    const woken = Effect.raceFirst(Deferred.await(gate.changed), Effect.sleep(Duration.millis(next - now)))
    return Effect.flatMap(woken, () => wait(gate, parking, { parkedAt, who }))
  })
