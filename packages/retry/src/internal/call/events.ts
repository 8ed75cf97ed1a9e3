import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import type { RetryExhausted } from "../../RetryExhausted.ts"
import type { Call, Entry } from "./call.ts"
import * as metrics from "./metrics.ts"

// Reports a call's events to observers, metrics and the fiber's span. No report can fail or wait.

type AnyCall = Pick<Call<unknown, unknown, unknown>, "time" | "fiber" | "key" | "name" | "past">

/** Calls that name no key share the empty one. */
const keyOf = ({ key }: AnyCall) => (key === "" ? undefined : { key })

export const attemptFailed = (call: AnyCall, { duration, failure, verdict }: Entry): void => {
  const { fiber, name, past } = call
  Observer.tellUnsafe(fiber, () => ({
    _tag: "AttemptFailed",
    name,
    ...keyOf(call),
    attempt: past.state.attempts + 1,
    error: failure,
    verdict,
    duration: Duration.millis(duration)
  }))
  metrics.attemptFailed(fiber, name, verdict._tag)
}

export const retryScheduled = (call: AnyCall, { failure, verdict }: Entry, delay: Duration.Duration): void => {
  const { fiber, name, past } = call
  Observer.tellUnsafe(fiber, () => ({
    _tag: "RetryScheduled",
    name,
    ...keyOf(call),
    attempt: past.state.attempts,
    error: failure,
    verdict,
    delay
  }))
  metrics.retryScheduled(fiber, name, verdict._tag)
  note(call, "retry scheduled", { verdict: verdict._tag, delay_ms: Duration.toMillis(delay) })
}

export const recovered = (call: AnyCall): void => {
  const { fiber, name, past } = call
  Observer.tellUnsafe(fiber, () => ({ _tag: "Recovered", name, ...keyOf(call), attempt: past.state.attempts + 1 }))
  metrics.callRecovered(fiber, name)
}

/** A call succeeded at once, which is told only where somebody expects it. */
export const succeeded = (call: AnyCall): void => {
  const { fiber, key, name } = call
  if (!Observer.isSuccessExpected(name, key)) return
  Observer.tellUnsafe(fiber, () => ({ _tag: "Succeeded", name, ...keyOf(call), attempt: 1 }))
}

export const gaveUp = (call: AnyCall, exhausted: RetryExhausted): void => {
  const { fiber, name, past } = call
  const { because, failure } = exhausted
  Observer.tellUnsafe(fiber, () => ({
    _tag: "GaveUp",
    name,
    ...keyOf(call),
    // Parked attempts are not counted, but they are attempts.
    attempt: past.failed.length === 0 ? 0 : Math.max(1, past.state.attempts),
    error: failure,
    because,
    call: exhausted[Report.call]
  }))
  metrics.callGivenUp(fiber, name, because)
  note(call, "gave up", { because })
}

export const fellBack = ({ attempts, because, failure, key, name }: RetryExhausted): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const attempt = attempts.length
    Observer.tellUnsafe(fiber, () => ({ _tag: "FellBack", name, key, attempt, error: failure, because }))
    metrics.callFellBack(fiber, name)
    return Effect.void
  })

export const parked = ({ fiber, key, name }: AnyCall, until: string, failure: unknown): void => {
  Observer.tellUnsafe(fiber, () => ({ _tag: "Parked", name, key, until, error: failure }))
  metrics.gateShut(fiber, name)
}

export const breakerChanged = (
  fiber: Fiber.Fiber<unknown, unknown>,
  event: Observer.BreakerOpened | Observer.BreakerClosed
): void => {
  Observer.tellUnsafe(fiber, () => event)
  if (event._tag === "BreakerOpened") metrics.breakerOpened(fiber, event.name)
}

/** Adds an event to the fiber's span, if the fiber is traced. */
const note = ({ fiber, name, past, time }: AnyCall, event: string, attributes: Record<string, unknown>): void => {
  const { span } = fiber.cache
  if (span?._tag !== "Span") return
  span.event(event, time.clock.currentTimeNanosUnsafe(), { call: name, attempt: past.state.attempts, ...attributes })
}
