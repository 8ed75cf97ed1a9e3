import * as Cause from "effect/Cause"
import * as Formatter from "effect/Formatter"
import type * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"

/** A log record as both formats write it. */
export interface LogRecord {
  readonly date: Date
  readonly level: LogLevel.LogLevel
  readonly message: string
  readonly fields: { readonly [name: string]: unknown }
}

/** What Effect hands to a logger: texts become the message; plain objects, annotations, spans and a cause become fields. */
export const recordOf = ({ cause, date, fiber, logLevel, message }: Logger.Options<unknown>): LogRecord => {
  const texts: Array<string> = []
  let fields: LogRecord["fields"] = fiber.getRef(References.CurrentLogAnnotations)
  for (const part of Array.isArray(message) ? message : [message]) {
    if (isPlain(part)) fields = { ...fields, ...part }
    else texts.push(textOf(part))
  }
  const spans = fiber.getRef(References.CurrentLogSpans)
  if (spans.length > 0) {
    const took = spans.map(([label, since]) => [label, date.getTime() - since])
    fields = { ...fields, spans_ms: Object.fromEntries(took) }
  }
  if (cause.reasons.length > 0) fields = { ...fields, cause: Cause.pretty(cause) }
  return { date, level: logLevel, message: texts.join(" "), fields }
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  Predicate.isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value))

const textOf = (value: unknown): string => {
  if (typeof value === "string") return value
  return value instanceof Error ? `${value.name}: ${value.message}` : Formatter.format(value)
}
