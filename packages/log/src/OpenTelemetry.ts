/**
 * Failures and retry events under the names of OpenTelemetry's semantic conventions.
 *
 * It has no exporter of its own: the program's exporter, such as Effect's `Otlp`, sends them. The log record of a failure has `error.type` and
 * `exception.*`. The span that it happened in has `error.type`, and an event for each failed attempt. The tracer itself writes the exception
 * that ends a span, and does not remove secrets from its message.
 *
 * @since 0.1.0
 */
import process from "node:process"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type { Span } from "effect/Tracer"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import { attributesOf, exceptionOf, known } from "./internal/fields.ts"
import { recordOf } from "./internal/record.ts"
import * as Log from "./Log.ts"

/**
 * Wraps a logger that exports records: it gets each record bounded, without secrets, and with the failure as annotations.
 *
 * @category constructors
 * @since 0.1.0
 */
export const logger = (inner: Logger.Logger<unknown, unknown>): Logger.Logger<unknown, void> =>
  Logger.make((logged) => {
    try {
      const record = recordOf(logged)
      const { message } = record
      within(logged.fiber, known(attributesOf(record)), () =>
        inner.log({ ...logged, message: [message], cause: Cause.empty })
      )
    } catch {
      // A logger that fails loses its own record only.
    }
  })

/** Gives the fiber other annotations while a logger writes one record. */
const within = (fiber: Fiber.Fiber<unknown, unknown>, annotations: object, write: () => void): void => {
  const { context } = fiber
  fiber.setContext(Context.add(context, References.CurrentLogAnnotations, annotations as { [name: string]: unknown }))
  try {
    write()
  } finally {
    fiber.setContext(context)
  }
}

/** The span that a fiber is in, if it is traced. */
const spanOf = (fiber: Fiber.Fiber<unknown, unknown>): Span | undefined => {
  const { span } = fiber.cache
  return span?._tag === "Span" ? span : undefined
}

const observer: Observer.Observer = {
  event: (event, fiber) => {
    const span = spanOf(fiber)
    if (span !== undefined && event._tag === "AttemptFailed") {
      const { attempt, duration, error, name, verdict } = event
      span.event("attempt failed", fiber.getRef(Clock.Clock).currentTimeNanosUnsafe(), {
        "redrive.call": name,
        "redrive.attempt": attempt,
        "redrive.duration_ms": Duration.toMillis(duration),
        "redrive.verdict": Verdict.format(verdict),
        ...known(exceptionOf(Report.make(error, { secrets: Report.secretsOf(fiber.context) })))
      })
    }
    Log.observer.event(event, fiber)
  },
  report: (report, told) => {
    const span = spanOf(told.fiber)
    for (const [name, value] of Object.entries(known(exceptionOf(report)))) {
      // The exception itself is the tracer's to tell, when the span ends with it.
      if (!name.startsWith("exception.")) span?.attribute(name, value)
    }
    Log.observer.report(report, told)
  }
}

/**
 * Hands the log to the loggers that are provided to it, such as those of Effect's `Otlp`, each wrapped by `logger`.
 *
 * Like any other adapter, it replaces Effect's default loggers, and hears failures and events together with the other adapters. If no logger is
 * provided to it, it says so on stderr.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<never> = Layer.unwrap(
  Effect.map(Logger.CurrentLoggers, (loggers) => {
    const exporters = [...loggers].filter((one) => !others.includes(one)).map(logger)
    if (exporters.length === 0) process.stderr.write(missing)
    const log = (record: Logger.Options<unknown>) => exporters.forEach((exporter) => exporter.log(record))
    return Layer.provide(Observer.layer({ ...observer, log }), Logger.layer([]))
  })
)

/** The loggers that export nothing: Effect's default loggers, and the one of the other adapters. */
const others: ReadonlyArray<Logger.Logger<unknown, void>> = [Observer.logger, Logger.defaultLogger, Logger.tracerLogger]

const missing = "OpenTelemetry.layer exports no logs: provide a layer with a logger to it, such as Effect's Otlp.\n"
