/**
 * Failures and retry events as log lines: for eyes on a terminal, as JSON elsewhere.
 *
 * One layer installs a logger, an `ErrorReporter` that writes one record for each failure, and an observer of the retry engine.
 * Records go through Effect's own loggers, so another logger beside this one gets them too. It never changes a program's exit.
 *
 * @since 0.1.0
 */
import process from "node:process"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import { emit } from "./internal/emit.ts"
import { ofEvent } from "./internal/event.ts"
import * as Json from "./internal/json.ts"
import * as Pretty from "./internal/pretty.ts"
import { recordOf } from "./internal/record.ts"
import { fieldsOf } from "./internal/report.ts"

/**
 * Where lines are written: a Node.js stream, or anything like one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stream {
  readonly isTTY?: boolean | undefined
  readonly write: (line: string) => unknown
}

/**
 * `stream` that lines are written to (stderr); `format` of a line (`auto`: `pretty` on a terminal, else `json`); `colors` of pretty
 * lines (on a terminal, unless `NO_COLOR` is set). Which levels are logged is up to Effect's `MinimumLogLevel` (`Info`).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly stream?: Stream | undefined
  readonly format?: "auto" | "pretty" | "json" | undefined
  readonly colors?: boolean | undefined
}

/**
 * A logger that writes a line for each record, in place of nothing else: install it with Effect's `Logger.layer`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const logger = (options: Options = {}): Logger.Logger<unknown, void> => {
  const { format = "auto", stream = process.stderr } = options
  const isTTY = stream.isTTY === true
  const pretty = format === "pretty" || (format === "auto" && isTTY)
  const colors = options.colors ?? (isTTY && (process.env.NO_COLOR ?? "") === "")
  return Logger.make((logged) => {
    try {
      const record = recordOf(logged)
      stream.write(`${pretty ? Pretty.format(record, colors) : Json.format(record)}\n`)
    } catch {
      // A sink that fails takes its line with it, and nothing else.
    }
  })
}

/**
 * Writes each reported failure as one record, at the level of its severity, through the loggers of the fiber it happened on.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reporter = (): ErrorReporter.ErrorReporter =>
  Report.reporter((report, { fiber }) => emit(fiber, report.severity, [report.message, fieldsOf(report)]))

/**
 * Writes what the retry engine does: a failed attempt and giving up at `Debug`, a recovery and a redrive at `Info`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const observer: Observer.Observer = (event, fiber) => {
  const { fields, level, message } = ofEvent(event)
  emit(fiber, level, [message, fields])
}

/**
 * The logger in place of Effect's own, and the reporter and the observer beside those that are there.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([logger(options)]),
    ErrorReporter.layer([Effect.sync(reporter)], { mergeWithExisting: true }),
    Observer.layer(observer)
  )
