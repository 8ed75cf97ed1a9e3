/**
 * Records the events of the retry engine and the reported failures, for tests.
 *
 * It is an observer like any adapter, and can be installed with others. Interrupts, ignored errors and repeated reports of one failure reach no
 * observer, so they are not recorded.
 *
 * @since 0.1.0
 */
import * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * The events and reports that were recorded.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recorder {
  /** The events of the retry engine since the last `clear`, in order. */
  readonly events: Effect.Effect<ReadonlyArray<Observer.Event>>
  /** The reports of failures since the last `clear`, in order. */
  readonly reports: Effect.Effect<ReadonlyArray<Report.Report>>
  /** Forgets all events and reports. */
  readonly clear: Effect.Effect<void>
  /** The observer that records, for tests that install it themselves; `layer` installs it. */
  readonly observer: Observer.Observer
}

/**
 * The recorder that a test reads.
 *
 * @category services
 * @since 0.1.0
 */
export const Recorder: Context.Service<Recorder, Recorder> = Context.Service<Recorder>("@redrive/testing/Recorder")

/**
 * Makes a recorder that is not installed yet.
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
 * Provides a recorder, and installs its observer for the scope of this layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Recorder> = Layer.unwrap(
  Effect.map(make, (recorder) => Layer.merge(Layer.succeed(Recorder, recorder), Observer.layer(recorder.observer)))
)
