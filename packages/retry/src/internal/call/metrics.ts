import type * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"

/** Adds one to a counter of the fiber's registry, under these values of its labels. */
type Count = (fiber: Fiber.Fiber<unknown, unknown>, ...values: ReadonlyArray<string>) => void

/** The most label combinations: a program that names every call differently must not fill the memory. */
const most = 1000

/** A counter with labels: call names and words of a closed set, never a key, a URL or a message. */
const counter = (name: string, what: string, ...labels: ReadonlyArray<string>): Count => {
  const description = `${what}, by ${labels.join(" and ")}`
  const known = new Map<string, Metric.Counter<number>>()
  const add = (key: string, values: ReadonlyArray<string>) => {
    const attributes = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? "other"]))
    const made = Metric.counter(`redrive_${name}_total`, { description, incremental: true, attributes })
    known.set(key, made)
    return made
  }
  const other = () => known.get("") ?? add("", [])
  return (fiber, ...values) => {
    const key = values.join("\n")
    const metric = known.get(key) ?? (known.size < most ? add(key, values) : other())
    metric.updateUnsafe(1, fiber.context)
  }
}

export const attemptFailed = counter("attempts_failed", "Failed attempts", "call", "verdict")
export const retryScheduled = counter("retries", "Scheduled retries", "call", "verdict")
export const attemptHedged = counter("attempts_hedged", "Hedged attempts", "call")
export const callRecovered = counter("calls_recovered", "Calls that succeeded after failed attempts", "call")
export const callGivenUp = counter("calls_given_up", "Calls given up", "call", "because")
export const callFellBack = counter("calls_fallen_back", "Calls that ended with their fallback", "call")
export const breakerOpened = counter("breakers_opened", "Opened breakers", "call")
export const gateShut = counter("gates_shut", "Gates shut until somebody acts", "call")
