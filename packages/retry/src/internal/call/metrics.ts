import type * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"

/** Adds one to a counter of the fiber's registry, under the call's name and the value of a second label, if the counter has one. */
type Count = (fiber: Fiber.Fiber<unknown, unknown>, call: string, value?: string) => void

/** The most label combinations: a program that names every call differently must not fill the memory. */
const most = 1000

/** A counter with labels: call names and words of a closed set, never a key, a URL or a message. */
const counter = (name: string, what: string, ...labels: ReadonlyArray<string>): Count => {
  const description = `${what}, by ${labels.join(" and ")}`
  // A text that is made for each count would be hashed each time.
  const known = new Map<string, Map<string, Metric.Counter<number>>>()
  let size = 0
  const make = (values: ReadonlyArray<string | undefined>) => {
    const attributes = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? "other"]))
    return Metric.counter(`redrive_${name}_total`, { description, incremental: true, attributes })
  }
  const add = (call: string, value: string) => {
    const made = make([call, value])
    const ofCall = known.get(call) ?? new Map<string, Metric.Counter<number>>()
    known.set(call, ofCall.set(value, made))
    size++
    return made
  }
  let others: Metric.Counter<number> | undefined
  const other = () => (others ??= make([]))
  return (fiber, call, value = "") => {
    const metric = known.get(call)?.get(value) ?? (size < most ? add(call, value) : other())
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
