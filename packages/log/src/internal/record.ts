import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import type * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import * as Redactable from "effect/Redactable"
import * as References from "effect/References"
import * as Plain from "@redrive/core/Plain"
import * as Report from "@redrive/core/Report"
import type { Record } from "../Format.ts"
import { reportOf } from "./emit.ts"
import { another } from "./fields.ts"

type Fields = { readonly [name: string]: Plain.Plain }

/** The most reports in a record. Fields and annotations have 32 kB each, and each report is bounded, so a line is bounded too. */
const most = { parts: 64, text: 8000, spans: 32, reports: 8 }

const noFields: Fields = {}
const noReports: ReadonlyArray<Report.Report> = []

/**
 * Makes a record of the options that Effect gives to a logger. Texts become the message, errors and causes become reports, and plain
 * objects, annotations and log spans become fields. None of the values is trusted.
 */
export const recordOf = ({ cause, date, fiber, logLevel, message }: Logger.Options<unknown>): Record => {
  const { annotations, options, spans } = surroundingsOf(fiber)
  const parts: Parts = { text: undefined, sets: [], reports: noReports }
  const all: ReadonlyArray<unknown> = Array.isArray(message) ? message : [message]
  const taken = Math.min(all.length, most.parts)
  for (let part = 0; part < taken; part++) take(all[part], parts, options)
  if (all.length > taken) addText(parts, `… ${all.length - taken} more`)
  if (cause.reasons.length > 0) addReports(parts, reportsOf(cause, options))
  const { span } = fiber.cache
  return {
    date,
    level: logLevel,
    message: parts.text ?? parts.reports[0]?.message ?? "",
    annotations,
    fields: withSpans(fieldsOf(parts.sets, options), spans, date, options),
    reports: parts.reports,
    trace: span === undefined ? undefined : { traceId: span.traceId, spanId: span.spanId, sampled: span.sampled }
  }
}

/** The parts of a message, sorted. */
interface Parts {
  text: string | undefined
  readonly sets: Array<object>
  reports: ReadonlyArray<Report.Report>
}

const take = (part: unknown, parts: Parts, options: Plain.Options): void => {
  try {
    if (typeof part === "string") addText(parts, Plain.text(part, options))
    else if (Predicate.isObjectKeyword(part)) takeObject(part, parts, options)
    else addText(parts, textOf(Plain.make(part, options)))
  } catch {
    addText(parts, "unreadable")
  }
}

const takeObject = (part: object, parts: Parts, options: Plain.Options): void => {
  const report = reportOf(part)
  if (report !== undefined) addReports(parts, [report])
  else if (isFields(part)) parts.sets.push(part)
  else if (Cause.isCause(part)) addReports(parts, reportsOf(part, options))
  else if (Plain.isError(part) && !Redactable.isRedactable(part)) {
    const made = Report.make(part, options)
    addReports(parts, [made])
    addText(parts, textOfReport(made))
  } else {
    const said = Plain.make(part, options)
    if (isRecord(said) && isPlain(part)) parts.sets.push(said)
    else addText(parts, textOf(said))
  }
}

/** Merges sets of fields, within the limits of one set. */
const fieldsOf = (sets: ReadonlyArray<object>, options: Plain.Options): Fields => {
  const [only] = sets
  if (only === undefined) return noFields
  return sets.length === 1 ? Plain.fields(only, options) : Plain.fieldsOfAll(sets, options)
}

/** With the times of spans, which no rule for the names of secrets hides. A name that is already there gets a `_`. */
const withSpans = (fields: Fields, spans: Spans, date: Date, options: Plain.Options): Fields => {
  if (spans.length === 0) return fields
  const times = new Map<string, number>()
  for (const [label, since] of spans.slice(0, most.spans))
    times.set(
      freeIn(Plain.text(label, options), (name) => times.has(name)),
      date.getTime() - since
    )
  const name = freeIn("spans_ms", (name) => Object.hasOwn(fields, name))
  return { ...fields, [name]: Object.fromEntries(times) }
}

const freeIn = (name: string, isTaken: (name: string) => boolean): string =>
  isTaken(name) ? another(name, isTaken) : name

/** The message of a record that has only a failure. A message made from fields already begins with the error's name. */
const textOfReport = ({ code, level, message }: Report.Report): string =>
  level !== "program" || message === code || message.startsWith(`${code} `) ? message : `${code}: ${message}`

/** The reports of a cause, up to the limit of a record. */
const reportsOf = (cause: Cause.Cause<unknown>, options: Plain.Options): ReadonlyArray<Report.Report> =>
  Report.fromCause(Cause.fromReasons(cause.reasons.slice(0, most.reports)), options)

const addText = (parts: Parts, text: string): void => {
  const whole = parts.text === undefined ? text : `${parts.text} ${text}`
  parts.text = whole.length > most.text ? `${Plain.cut(whole, most.text)}…` : whole
}

const addReports = (parts: Parts, reports: ReadonlyArray<Report.Report>): void => {
  parts.reports = parts.reports === noReports ? reports : [...parts.reports, ...reports].slice(0, most.reports)
}

/** The parts that all records of a fiber share. */
interface Surroundings {
  readonly options: Plain.Options
  readonly annotations: Fields
  readonly spans: Spans
}

type Spans = ReadonlyArray<readonly [label: string, since: number]>

/** Many records share one context, so its parts are cached by it. */
const known = new WeakMap<Context.Context<never>, Surroundings>()
const plainAnnotations = new WeakMap<object, { readonly secrets: Plain.Options["secrets"]; readonly fields: Fields }>()

const surroundingsOf = (fiber: Fiber.Fiber<unknown, unknown>): Surroundings => {
  const found = known.get(fiber.context)
  if (found !== undefined) return found
  const options = { secrets: Report.secretsOf(fiber.context), context: fiber.context }
  const annotations = annotationsOf(fiber.getRef(References.CurrentLogAnnotations), options)
  const made = { options, annotations, spans: fiber.getRef(References.CurrentLogSpans) }
  known.set(fiber.context, made)
  return made
}

const annotationsOf = (annotations: object, options: Plain.Options): Fields => {
  const found = plainAnnotations.get(annotations)
  if (found !== undefined && found.secrets === options.secrets) return found.fields
  const fields = Plain.fields(annotations, options)
  // The redacted form of an object depends on the context.
  if (!Object.values(annotations).some(Predicate.isObjectKeyword))
    plainAnnotations.set(annotations, { secrets: options.secrets, fields })
  return fields
}

/** Whether an object is a plain set of fields, without a form of its own such as `toJSON`. */
const isFields = (value: object): boolean => isPlain(value) && !("toJSON" in value) && !Redactable.isRedactable(value)

const isRecord = (value: Plain.Plain): value is Fields => Predicate.isObject(value)

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

const textOf = (value: Plain.Plain): string => (typeof value === "string" ? value : JSON.stringify(value))
