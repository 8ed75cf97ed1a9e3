/**
 * Keeps what the retry engine told and what was reported, for a test to look at.
 *
 * It listens where real adapters do, beside those that listen already: core's `Observer`, and Effect's `ErrorReporter`. What
 * Effect would not report (interrupts, ignored errors, the same error again) is not recorded.
 *
 * @since 0.1.0
 */
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"

/**
 * `events` of the engine and `reports` of failures so far, in order; `clear` forgets both.
 *
 * `observer` and `reporter` are its two ears, for tests that install them by hand; `layer` installs both.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recorder {
  readonly events: Effect.Effect<ReadonlyArray<Observer.Event>>
  readonly reports: Effect.Effect<ReadonlyArray<Report.Report>>
  readonly clear: Effect.Effect<void>
  readonly observer: Observer.Observer
  readonly reporter: ErrorReporter.ErrorReporter
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
  const listen = () =>
    Report.reporter((report) => {
      reports = [...reports, report]
    })
  // What was forgotten is recorded anew: each clearing begins with a reporter that knows no failure yet.
  let ear = listen()

  return {
    events: Effect.sync(() => events),
    reports: Effect.sync(() => reports),
    clear: Effect.sync(() => {
      events = []
      reports = []
      ear = listen()
    }),
    observer: (event) => {
      events = [...events, event]
    },
    reporter: { [ErrorReporter.TypeId]: ErrorReporter.TypeId, report: (told) => ear.report(told) }
  }
})

/**
 * A recorder that listens to everything below this layer, beside who listens already.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Recorder> = Layer.unwrap(
  Effect.map(make, (recorder) =>
    Layer.mergeAll(
      Layer.succeed(Recorder, recorder),
      Observer.layer(recorder.observer),
      ErrorReporter.layer([recorder.reporter], { mergeWithExisting: true })
    )
  )
)
