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
 * What every event tells: the call's name, and which attempt it was about, from 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  readonly name: string
  readonly attempt: number
}

/**
 * An attempt failed and another one follows after `delay`.
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
 * What the engine did.
 *
 * @category models
 * @since 0.1.0
 */
export type Event = RetryScheduled | Recovered | GaveUp | Redriven

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
 * Tells every observer of the fiber; one that throws is ignored.
 *
 * @category running
 * @since 0.1.0
 */
export const tell = (event: Event): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    for (const observer of fiber.getRef(Observers)) {
      try {
        observer(event, fiber)
      } catch {
        // A listener never changes what it listens to.
      }
    }
    return Effect.void
  })
