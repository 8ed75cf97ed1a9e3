/**
 * The seam through which the retry engine tells what it did.
 *
 * Observers stand in a fiber-local reference, are called synchronously before the engine sleeps or gives up, and are ignored
 * when they throw. Nobody listening costs nothing. It carries no final failures: those go through Effect's `ErrorReporter`.
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
 * What every event about a call tells: the call's name, and which attempt it was about, from 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  readonly name: string
  readonly attempt: number
}

/**
 * An attempt failed, after `duration`; what follows is told next.
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
 * No attempt follows; `because` says why in one word of the engine's own.
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
 * A call that was given up ended with its fallback all the same.
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
 * Items that failed go round again, after `delay`; `attempt` is the number of the round, from 2.
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
 * A circuit breaker opened: calls under its `key` are refused for `delay`.
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
 * A circuit breaker closed: calls under its `key` are let through again.
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
 * Calls under a `key` wait at a gate, without attempts, until somebody has acted; `until` names the action, such as `top up`.
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
 * The gate of a `key` is open again: what was waited for has happened.
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
 * What the engine did.
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
 * Somebody who listens, synchronously and on the fiber that did it.
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
 * Adds an observer to those that listen already.
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
 * Tells every observer of a fiber; one that throws is ignored. The event is made once, and only if somebody listens.
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
      // A listener never changes what it listens to.
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
