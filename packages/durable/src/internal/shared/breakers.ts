import * as Duration from "effect/Duration"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Schema from "effect/Schema"
import { never } from "../rows.ts"
import type { Step } from "./states.ts"

type Service = CircuitBreaker.CircuitBreakerStore["Service"]
type Recorded = Parameters<Service["record"]>[0]

/** A circuit. Its fields mean what they do in Effect's Redis store. */
export const Circuit = Schema.Struct({
  state: Schema.Literals(["Closed", "Open", "HalfOpen"]),
  /** Fences admissions: an outcome counts only if it names the generation that it was admitted in. */
  generation: Schema.Finite,
  /** Failures in a row. */
  streak: Schema.Finite,
  /** The last outcomes, oldest first: `1` for a failure and `0` for a success. */
  ring: Schema.String,
  openUntil: Schema.Finite,
  openings: Schema.Finite,
  lastOpenFor: Schema.Finite,
  /** When a closed circuit forgets its openings. */
  resetAt: Schema.Finite,
  /** Until when the probe holds its place without a renewal. */
  leaseUntil: Schema.Finite,
  expiresAt: Schema.Finite
})

type Circuit = typeof Circuit.Type

/** For how long a probe holds its place, and an idle circuit is kept, in milliseconds. */
export interface Times {
  readonly lease: number
  readonly idle: number
}

/** The answer to a call that asks to be admitted. */
export type Answer =
  | { readonly _tag: "Admitted"; readonly admission: CircuitBreaker.Admission }
  | { readonly _tag: "Refused"; readonly reason: CircuitBreaker.CircuitOpen | CircuitBreaker.CircuitHalfOpen }

/** Keeps a circuit for at least its idle time after `from`. */
const kept = (circuit: Circuit, { idle }: Times, from: number): Circuit => ({
  ...circuit,
  expiresAt: Math.min(from + idle * 1.125, never)
})

/** Notes that a circuit is in use. It is not written again until an eighth of its idle time has passed. */
const used = (circuit: Circuit, times: Times, now: number): Circuit =>
  circuit.expiresAt - now >= times.idle ? circuit : kept(circuit, times, now)

/** A circuit that expired and was made again must not use a generation that an old admission still names. */
const nextGeneration = (circuit: Circuit | undefined, now: number): number =>
  Math.max((circuit?.generation ?? 0) + 1, now * 1000)

const made = (now: number): Circuit => ({
  state: "Closed",
  generation: nextGeneration(undefined, now),
  streak: 0,
  ring: "",
  openUntil: 0,
  openings: 0,
  lastOpenFor: 0,
  resetAt: 0,
  leaseUntil: 0,
  expiresAt: 0
})

const admitted = (
  { generation, openings }: Circuit,
  transition?: CircuitBreaker.Transition,
  probe = false
): Answer => ({
  _tag: "Admitted",
  admission: { generation, probe, consecutiveOpenings: openings, transition }
})

/** Admits a call, as the probe if the circuit is half-open and has none, or refuses it. */
export const admit =
  (key: string, times: Times): Step<Circuit, Answer> =>
  (found, now) => {
    if (found === undefined || found.state === "Closed") {
      const circuit = found ?? made(now)
      const isReset = circuit.openings > 0 && now >= circuit.resetAt
      const next = used(isReset ? { ...circuit, openings: 0 } : circuit, times, now)
      return [next, admitted(next)]
    }
    if (found.state === "Open" && now < found.openUntil) {
      const retryAfter = Duration.millis(found.openUntil - now)
      return [found, { _tag: "Refused", reason: new CircuitBreaker.CircuitOpen({ key, retryAfter }) }]
    }
    if (found.state === "HalfOpen" && found.leaseUntil > now)
      return [found, { _tag: "Refused", reason: new CircuitBreaker.CircuitHalfOpen({ key }) }]
    const leaseUntil = now + times.lease
    const generation = nextGeneration(found, now)
    const next = kept({ ...found, state: "HalfOpen", generation, leaseUntil }, times, leaseUntil)
    return [next, admitted(next, found.state === "Open" ? { key, from: "Open", to: "HalfOpen" } : undefined, true)]
  }

const cleared = { streak: 0, ring: "", leaseUntil: 0 } as const

const opened = (found: Circuit, { key, openFor }: Recorded, times: Times, now: number) => {
  const lastOpenFor = Math.min(Math.max(0, Duration.toMillis(openFor)), never - now)
  const openUntil = now + lastOpenFor
  const openings = found.openings + 1
  const generation = nextGeneration(found, now)
  const next = { ...found, ...cleared, state: "Open", generation, openUntil, openings, lastOpenFor } as const
  const from = found.state === "HalfOpen" ? "HalfOpen" : "Closed"
  return [
    kept(next, times, openUntil),
    { key, from, to: "Open", retryAfter: openFor, consecutiveOpenings: openings }
  ] as const
}

/** Counts an outcome. One that was admitted in an earlier generation changes nothing. */
export const record =
  (outcome: Recorded, times: Times): Step<Circuit, CircuitBreaker.Transition | undefined> =>
  (found, now) => {
    if (found === undefined || found.generation !== outcome.generation) return [found, undefined]
    if (found.state === "HalfOpen") return recordProbe(found, outcome, times, now)
    if (found.state === "Open") return [found, undefined]
    if (outcome.outcome === "Ignored") return [used(found, times, now), undefined]
    const next = counted(found, outcome)
    if (trips(next, outcome.tripPolicy)) return opened(next, outcome, times, now)
    return [used(next, times, now), undefined]
  }

const recordProbe = (
  found: Circuit,
  outcome: Recorded,
  times: Times,
  now: number
): readonly [Circuit, CircuitBreaker.Transition | undefined] => {
  if (outcome.outcome === "Failure") return opened(found, outcome, times, now)
  // A new generation fences a renewal that is under way, so that a place that was given up stays free.
  const over = { ...found, leaseUntil: 0, generation: nextGeneration(found, now) }
  if (outcome.outcome === "Ignored") return [kept(over, times, now), undefined]
  const closed = { ...over, ...cleared, state: "Closed", resetAt: now + found.lastOpenFor } as const
  return [kept(closed, times, now), { key: outcome.key, from: "HalfOpen", to: "Closed" }]
}

/** Counts an outcome of a closed circuit. A success that changes no count gives the same circuit, which needs no write. */
const counted = (found: Circuit, { outcome, tripPolicy }: Recorded): Circuit => {
  const hasFailed = outcome === "Failure"
  const streak = hasFailed ? found.streak + 1 : 0
  const ring = tripPolicy._tag === "Rate" ? `${found.ring}${hasFailed ? 1 : 0}`.slice(-tripPolicy.size) : found.ring
  return streak === found.streak && ring === found.ring ? found : { ...found, streak, ring }
}

const trips = ({ ring, streak }: Circuit, policy: CircuitBreaker.TripPolicy): boolean => {
  if (policy._tag === "Consecutive") return streak >= policy.failures
  const failures = ring.replaceAll("0", "").length
  return ring.length >= policy.minimumCalls && failures > 0 && failures / ring.length >= policy.threshold
}

/** Renews the lease of a probe, and returns whether it still held its place. */
export const renew =
  (generation: number, times: Times): Step<Circuit, boolean> =>
  (found, now) => {
    if (found?.state !== "HalfOpen" || found.generation !== generation) return [found, false]
    const leaseUntil = now + times.lease
    return [kept({ ...found, leaseUntil }, times, leaseUntil), true]
  }

/** Reads a circuit. */
export const look =
  (key: string): Step<Circuit, CircuitBreaker.State> =>
  (found, now) => {
    if (found === undefined || found.state === "Closed") return [found, { _tag: "Closed", key }]
    const consecutiveOpenings = found.openings
    if (found.state === "HalfOpen")
      return [found, { _tag: "HalfOpen", key, probing: found.leaseUntil > now, consecutiveOpenings }]
    const retryAfter = Duration.millis(Math.max(0, found.openUntil - now))
    return [found, { _tag: "Open", key, retryAfter, consecutiveOpenings }]
  }
