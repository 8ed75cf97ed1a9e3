import type * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

const counter = (name: string, description: string) =>
  Metric.counter(`redrive_${name}_total`, { description, incremental: true })

const failed = counter("attempts_failed", "Attempts that failed, by call and verdict")
const retries = counter("retries", "Retries that were scheduled, by call and verdict")
const recovered = counter("calls_recovered", "Calls that succeeded after failed attempts, by call")
const gaveUp = counter("calls_given_up", "Calls that were given up, by call and reason")
const opened = counter("breakers_opened", "Times that a circuit breaker opened, by call")
const parked = counter("gates_shut", "Times that the gate of a key was shut until somebody acts, by call")

// Labels are names that a program gives and words of a closed set: never a key, a URL or a message.
const count = (metric: Metric.Counter<number>, labels: { readonly [name: string]: string }): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(metric, labels), 1)

export const attemptFailed = (call: string, verdict: string) => count(failed, { call, verdict })
export const retryScheduled = (call: string, verdict: string) => count(retries, { call, verdict })
export const callRecovered = (call: string) => count(recovered, { call })
export const callGivenUp = (call: string, because: string) => count(gaveUp, { call, because })
export const breakerOpened = (call: string) => count(opened, { call })
export const gateShut = (call: string) => count(parked, { call })
