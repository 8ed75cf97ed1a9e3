import type * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

const counter = (name: string, description: string) =>
  Metric.counter(`redrive_${name}_total`, { description, incremental: true })

const failed = counter("attempts_failed", "Attempts that failed, by call and verdict")
const retries = counter("retries", "Retries that were scheduled, by call and verdict")
const hedged = counter("attempts_hedged", "Attempts that were sent once more because they were slow, by call")
const recovered = counter("calls_recovered", "Calls that succeeded after failed attempts, by call")
const gaveUp = counter("calls_given_up", "Calls that were given up, by call and reason")
const opened = counter("breakers_opened", "Times that a circuit breaker opened, by call")
const parked = counter("gates_shut", "Times that the gate of a key was shut until somebody acts, by call")

/** Counts under labels: names that a program gives and words of a closed set, never a key, a URL or a message. So they are few, and kept. */
const labelled = (metric: Metric.Counter<number>, ...labels: ReadonlyArray<string>) => {
  const known = new Map<string, Effect.Effect<void>>()
  return (...values: ReadonlyArray<string>): Effect.Effect<void> => {
    const key = values.join("\n")
    const found = known.get(key)
    if (found !== undefined) return found
    const attributes = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""]))
    const made = Metric.update(Metric.withAttributes(metric, attributes), 1)
    known.set(key, made)
    return made
  }
}

export const attemptFailed = labelled(failed, "call", "verdict")
export const retryScheduled = labelled(retries, "call", "verdict")
export const attemptHedged = labelled(hedged, "call")
export const callRecovered = labelled(recovered, "call")
export const callGivenUp = labelled(gaveUp, "call", "because")
export const breakerOpened = labelled(opened, "call")
export const gateShut = labelled(parked, "call")
