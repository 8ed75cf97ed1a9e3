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

/** Several adapters hear of the same, and one of them says it to the loggers of the fiber, which all of them share. */
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

/** Whether an event, which is one object for all that hear of it, has no line yet. */
export const isNewEvent = once()

/** Whether nobody has said yet that a call was given up, and the program went on. */
export const isNewWarning = once()

const isNewFailure = once()

/** A fiber's time in nanoseconds since the epoch. */
export const nowOf = (fiber: Fiber.Fiber<unknown, unknown>): bigint =>
  fiber.getRef(Clock.Clock).currentTimeNanosUnsafe()

/** A failure that is raised later is another one, though it may be the same object. */
const again = 1_000_000_000n

/** Logs from where no effect can be run: through the fiber's own loggers, if its minimum level lets the record pass. */
const emit = (
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

/** What a record is about: those of one class say the same. `mayStorm` if one fault may make thousands of them in a second. */
export interface Subject {
  readonly class: string
  readonly mayStorm: boolean
}

/** The subjects of fields that are no report. */
const subjects = new WeakMap<object, Subject>()

/** The subject of what a logger gets, if that is a line of ours about a failure. */
export const subjectOf = (message: unknown): Subject | undefined => {
  if (!Array.isArray(message)) return undefined
  const fields: unknown = message[1]
  if (!Predicate.isObjectKeyword(fields)) return undefined
  const report = reports.get(fields)
  return report === undefined
    ? subjects.get(fields)
    : { class: report.fingerprint, mayStorm: report.engine === "refused" }
}

/** Logs a line about a subject, as `emit` does. */
export const emitAbout = (
  subject: Subject | undefined,
  fiber: Fiber.Fiber<unknown, unknown>,
  level: LogLevel.LogLevel,
  message: string,
  fields: object
): void => {
  if (subject !== undefined) subjects.set(fields, subject)
  emit(fiber, level, [message, fields])
}

/** A report as the fields of a record. */
const fieldsOf = (report: Report.Report): object => {
  const fields = known(reportFields(report))
  reports.set(fields, report)
  return fields
}

/** Logs a failure as one record, at the level of its severity, unless the loggers of the fiber have it already. */
export const logFailure = (report: Report.Report, { at, cause, failure, fiber }: Observer.Told): void => {
  // What is no object, such as a text that was thrown, is known by its cause.
  if (!isNewFailure(fiber, Predicate.isObjectKeyword(failure) ? failure : cause, at)) return
  emit(fiber, report.severity, [report.message, fieldsOf(report)])
}
