/**
 * Keeps what the retry engine told and what was reported, for a test to look at.
 *
 * It is an observer like any adapter, beside those that listen already. What no observer hears (interrupts, ignored errors, the same error
 * again) is not recorded.
 *
 * @since 0.1.0
 */
import * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * A recorder of what happened.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recorder {
  /** The events of the retry engine since the last `clear`, in order. */
  readonly events: Effect.Effect<ReadonlyArray<Observer.Event>>
  /** The reports of failures since the last `clear`, in order. */
  readonly reports: Effect.Effect<ReadonlyArray<Report.Report>>
  /** Forgets both. */
  readonly clear: Effect.Effect<void>
  /** What listens, for tests that install it by hand; `layer` installs it. */
  readonly observer: Observer.Observer
}

/**
 * @category services
 * @since 0.1.0
 */
export const Recorder: Context.Service<Recorder, Recorder> = Context.Service<Recorder>("@redrive/testing/Recorder")

/**
 * A recorder that nobody talks to yet.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<Recorder> = Effect.sync(() => {
  let events: ReadonlyArray<Observer.Event> = []
  let reports: ReadonlyArray<Report.Report> = []
  return {
    events: Effect.sync(() => events),
    reports: Effect.sync(() => reports),
    clear: Effect.sync(() => {
      events = []
      reports = []
    }),
    observer: {
      event: (event) => {
        events = [...events, event]
      },
      report: (report) => {
        reports = [...reports, report]
      }
    }
  }
})

/**
 * A recorder that listens to everything below this layer, beside who listens already.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Recorder> = Layer.unwrap(
  Effect.map(make, (recorder) => Layer.merge(Layer.succeed(Recorder, recorder), Observer.layer(recorder.observer)))
)
