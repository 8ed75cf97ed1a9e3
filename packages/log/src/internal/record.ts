import * as Cause from "effect/Cause"
import type * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as References from "effect/References"
import * as Plain from "@redrive/core/Plain"
import * as Report from "@redrive/core/Report"
import type { Record } from "../Format.ts"
import { reportOf } from "./emit.ts"

type Fields = { [name: string]: Plain.Plain }

/**
 * What Effect hands to a logger: texts become the message, errors and causes reports; plain objects, annotations and spans become
 * fields. Nothing of it is trusted.
 */
export const recordOf = ({ cause, date, fiber, logLevel, message }: Logger.Options<unknown>): Record => {
  const options = { secrets: fiber.getRef(Report.Secrets) }
  const texts: Array<string> = []
  const reports: Array<Report.Report> = []
  const fields: Fields = {}
  const take = (part: unknown) => {
    try {
      read(part)
    } catch {
      texts.push("unreadable")
    }
  }
  const read = (part: unknown) => {
    const report = Predicate.isObjectKeyword(part) ? reportOf(part) : undefined
    if (report !== undefined) reports.push(report)
    else if (typeof part === "string") texts.push(Plain.text(part, options))
    else if (Cause.isCause(part)) reports.push(...Report.fromCause(part, options))
    else if (part instanceof Error) {
      const made = Report.make(part, options)
      reports.push(made)
      texts.push(made.level === "program" ? `${made.code}: ${made.message}` : made.message)
    } else if (isPlain(part)) Object.assign(fields, fieldsOf(part, options))
    else texts.push(textOf(Plain.make(part, options)))
  }
  if (Array.isArray(message)) for (const part of message) take(part)
  else take(message)
  const spans = fiber.getRef(References.CurrentLogSpans)
  if (spans.length > 0) {
    fields.spans_ms = Object.fromEntries(spans.map(([label, since]) => [label, date.getTime() - since]))
  }
  if (cause.reasons.length > 0) reports.push(...Report.fromCause(cause, options))
  const { span } = fiber.cache
  return {
    date,
    level: logLevel,
    message: texts.length === 0 ? (reports[0]?.message ?? "") : texts.join(" "),
    annotations: annotationsOf(fiber.getRef(References.CurrentLogAnnotations), options),
    fields,
    reports,
    ...(span === undefined ? {} : { trace: { traceId: span.traceId, spanId: span.spanId } })
  }
}

/** A field by itself, so that one which cannot be read costs the others nothing. */
const fieldsOf = (part: object, options: Plain.Options): Fields => {
  const fields: Fields = {}
  for (const name of Object.keys(part)) fields[name] = Plain.field(part, name, options)
  return fields
}

/** Annotations stay the same for many records: what they come to is kept with them. */
const known = new WeakMap<object, { readonly secrets: Plain.Options["secrets"]; readonly fields: Fields }>()

const annotationsOf = (annotations: object, options: Plain.Options): Fields => {
  const found = known.get(annotations)
  if (found !== undefined && found.secrets === options.secrets) return found.fields
  const fields = fieldsOf(annotations, options)
  known.set(annotations, { secrets: options.secrets, fields })
  return fields
}

const isPlain = (value: unknown): value is object => {
  try {
    return Predicate.isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value))
  } catch {
    return false
  }
}

const textOf = (value: Plain.Plain): string => (typeof value === "string" ? value : JSON.stringify(value))
