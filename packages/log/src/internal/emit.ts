import type * as Fiber from "effect/Fiber"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import type * as Observer from "@redrive/core/Observer"
import type * as Report from "@redrive/core/Report"
import { known, reportFields } from "./fields.ts"

type IsNew = (fiber: Fiber.Fiber<unknown, unknown>, what: object, at?: bigint) => boolean

/** Several adapters hear the same failure or event; only the first logs it, to the loggers that they share. */
const once = (): IsNew => {
  const said = new WeakMap<ReadonlySet<unknown>, WeakMap<object, bigint>>()
  return (fiber, what, at = 0n) => {
    const loggers = fiber.getRef(Logger.CurrentLoggers)
    const known = said.get(loggers) ?? new WeakMap<object, bigint>()
    const before = known.get(what)
    if (before !== undefined && at - before < again) return false
    said.set(loggers, known.set(what, at))
    return true
  }
}

/** Whether an event has no line yet. All observers get the same object. */
export const isNewEvent = once()

/** Whether no line says yet that the program went on after a call was given up. */
export const isNewWarning = once()

const isNewFailure = once()

/** A fiber's time in nanoseconds since the epoch. */
export const nowOf = (fiber: Fiber.Fiber<unknown, unknown>): bigint =>
  fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()

/** The same object, raised later, is another failure. */
const again = 1_000_000_000n

/** Whether a fiber's minimum level allows a line. To be asked before the line is made, since most programs log no `Debug`. */
export const isLogged = (fiber: Fiber.Fiber<unknown, unknown>, level: LogLevel.LogLevel): boolean =>
  !LogLevel.isLessThan(level, fiber.getRef(References.MinimumLogLevel))

/** Logs synchronously, through the fiber's own loggers. */
const emit = (
  fiber: Fiber.Fiber<unknown, unknown>,
  logLevel: LogLevel.LogLevel,
  message: ReadonlyArray<unknown>
): void => {
  const date = new Date(fiber.getRef(Clock.Clock).currentTimeMillisUnsafe())
  for (const logger of fiber.getRef(Logger.CurrentLoggers)) {
    try {
      logger.log({ message, logLevel, cause: Cause.empty, fiber, date })
    } catch {
      // A logger that throws must not keep the line from the others.
    }
  }
}

/** Fields that stand for a whole report: other loggers see plain fields, ours the report. */
const reports = new WeakMap<object, Report.Report>()

export const reportOf = (fields: object): Report.Report | undefined => reports.get(fields)

/** The subject of a record, with its class. `mayStorm` if one fault may make thousands of such records a second. */
export interface Subject {
  readonly class: string
  readonly mayStorm: boolean
}

/** The subjects of fields that do not stand for a report. */
const subjects = new WeakMap<object, Subject>()

/** The subject of a message, if it is one of our lines about a failure. */
export const subjectOf = (message: unknown): Subject | undefined => {
  if (!Array.isArray(message)) return undefined
  const fields: unknown = message[1]
  if (!Predicate.isObjectKeyword(fields)) return undefined
  const report = reports.get(fields)
  return report === undefined
    ? subjects.get(fields)
    : { class: report.fingerprint, mayStorm: report.engine === "refused" }
}

/** Logs a line about a subject, if the fiber's minimum level allows. */
export const emitAbout = (
  subject: Subject | undefined,
  fiber: Fiber.Fiber<unknown, unknown>,
  level: LogLevel.LogLevel,
  message: string,
  fields: object
): void => {
  if (!isLogged(fiber, level)) return
  if (subject !== undefined) subjects.set(fields, subject)
  emit(fiber, level, [message, fields])
}

/** Turns a report into the fields of a record. */
const fieldsOf = (report: Report.Report): object => {
  const fields = known(reportFields(report))
  reports.set(fields, report)
  return fields
}

/** Logs a failure as one record, at the level of its severity, unless the fiber's loggers already have it. */
export const logFailure = (report: Report.Report, { at, cause, failure, fiber }: Observer.Told): void => {
  if (!isLogged(fiber, report.severity)) return
  // A failure that is not an object, such as a thrown text, is identified by its cause.
  if (!isNewFailure(fiber, Predicate.isObjectKeyword(failure) ? failure : cause, at)) return
  emit(fiber, report.severity, [report.message, fieldsOf(report)])
}
