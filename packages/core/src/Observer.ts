/**
 * The events of the retry engine, and the observers that receive them.
 *
 * Observers are in a fiber-local reference. They are called synchronously, before the engine sleeps or gives up; one that throws is
 * ignored. With no observers it costs nothing. Final failures are not events: they go through Effect's `ErrorReporter`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Verdict from "./Verdict.ts"

/**
 * The fields of every event about a call: the call's name, and the number of the attempt, from 1. It is 0 for a call that was refused
 * before its first attempt.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  readonly name: string
  readonly attempt: number
}

/**
 * An attempt failed, after `duration`. The next event says what follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface AttemptFailed extends Attempt {
  readonly _tag: "AttemptFailed"
  readonly error: unknown
  readonly verdict: Verdict.Verdict
  readonly duration: Duration.Duration
}

/**
 * Another attempt follows after `delay`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RetryScheduled extends Attempt {
  readonly _tag: "RetryScheduled"
  readonly error: unknown
  readonly verdict: Verdict.Verdict
  readonly delay: Duration.Duration
}

/**
 * A call succeeded after failed attempts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recovered extends Attempt {
  readonly _tag: "Recovered"
}

/**
 * A call was given up; `because` is the engine's reason.
 *
 * @category models
 * @since 0.1.0
 */
export interface GaveUp extends Attempt {
  readonly _tag: "GaveUp"
  readonly error: unknown
  readonly because: string
}

/**
 * A call that was given up succeeded with its fallback.
 *
 * @category models
 * @since 0.1.0
 */
export interface FellBack extends Attempt {
  readonly _tag: "FellBack"
  readonly error: unknown
  readonly because: string
}

/**
 * Failed items run in another round, after `delay`; `attempt` is the number of the round, from 2.
 *
 * @category models
 * @since 0.1.0
 */
export interface Redriven extends Attempt {
  readonly _tag: "Redriven"
  readonly items: number
  readonly delay: Duration.Duration
}

/**
 * A circuit breaker opened: it refuses calls of its `key` for `delay`.
 *
 * @category models
 * @since 0.1.0
 */
export interface BreakerOpened {
  readonly _tag: "BreakerOpened"
  readonly name: string
  readonly key: string
  readonly delay: Duration.Duration
}

/**
 * A circuit breaker closed: it lets calls of its `key` through again.
 *
 * @category models
 * @since 0.1.0
 */
export interface BreakerClosed {
  readonly _tag: "BreakerClosed"
  readonly name: string
  readonly key: string
}

/**
 * Calls of a `key` wait at a gate, without attempts, until somebody has acted; `until` names the action, such as `top up`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parked {
  readonly _tag: "Parked"
  readonly name: string
  readonly key: string
  readonly until: string
  readonly error: unknown
}

/**
 * The gate of a `key` is open again.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resumed {
  readonly _tag: "Resumed"
  readonly name: string
  readonly key: string
}

/**
 * An event of the retry engine.
 *
 * @category models
 * @since 0.1.0
 */
export type Event =
  | AttemptFailed
  | RetryScheduled
  | Recovered
  | GaveUp
  | FellBack
  | Redriven
  | BreakerOpened
  | BreakerClosed
  | Parked
  | Resumed

/**
 * Receives events synchronously, on the fiber that caused them.
 *
 * @category models
 * @since 0.1.0
 */
export type Observer = (event: Event, fiber: Fiber.Fiber<unknown, unknown>) => void

/**
 * The observers of the current fiber. None by default.
 *
 * @category references
 * @since 0.1.0
 */
export const Observers: Context.Reference<ReadonlyArray<Observer>> = Context.Reference<ReadonlyArray<Observer>>(
  "@redrive/core/Observer/Observers",
  { defaultValue: () => [] }
)

/**
 * Adds an observer to those that are already installed.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (observer: Observer): Layer.Layer<never> =>
  Layer.effect(
    Observers,
    Effect.map(Observers, (observers) => [...observers, observer])
  )

/**
 * Tells every observer of a fiber; one that throws is ignored. The event is made once, and only if there is an observer.
 *
 * @category running
 * @since 0.1.0
 */
export const tellUnsafe = (fiber: Fiber.Fiber<unknown, unknown>, event: () => Event): void => {
  const observers = fiber.getRef(Observers)
  if (observers.length === 0) return
  const told = event()
  for (const observer of observers) {
    try {
      observer(told, fiber)
    } catch {
      // An observer that throws must not affect the call.
    }
  }
}

/**
 * Tells every observer of the current fiber, as `tellUnsafe` does.
 *
 * @category running
 * @since 0.1.0
 */
export const tell = (event: () => Event): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    tellUnsafe(fiber, event)
    return Effect.void
  })
