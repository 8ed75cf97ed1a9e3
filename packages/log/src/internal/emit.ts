import type * as Fiber from "effect/Fiber"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import type * as Report from "@redrive/core/Report"
import { known, reportFields } from "./fields.ts"

/** Logs from where no effect can be run: through the fiber's own loggers, if its minimum level lets the record pass. */
export const emit = (
  fiber: Fiber.Fiber<unknown, unknown>,
  logLevel: LogLevel.LogLevel,
  message: ReadonlyArray<unknown>
): void => {
  if (LogLevel.isLessThan(logLevel, fiber.getRef(References.MinimumLogLevel))) return
  const date = new Date(fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())
  for (const logger of fiber.getRef(Logger.CurrentLoggers)) {
    try {
      logger.log({ message, logLevel, cause: Cause.empty, fiber, date })
    } catch {
      // One logger that fails keeps its line from itself, and from no other.
    }
  }
}

/** Which fields are a whole report: other loggers see plain fields, ours what they stand for. */
const reports = new WeakMap<object, Report.Report>()

export const reportOf = (fields: object): Report.Report | undefined => reports.get(fields)

/** A report as the fields of a record. */
export const fieldsOf = (report: Report.Report): object => {
  const fields = known(reportFields(report))
  reports.set(fields, report)
  return fields
}
