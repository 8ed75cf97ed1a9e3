import * as LogLevel from "effect/LogLevel"
import type * as Report from "@redrive/core/Report"
import type { Record } from "../Format.ts"
import { alsoOf, type Fields, factsOf, ownOf, untold } from "./fields.ts"
import { isoAfter } from "./iso.ts"
import { json, quoted } from "./json.ts"

/**
 * A record as one line of JSON under our own names: what `json(ownOf(record))` gives.
 *
 * That object is needed only where a name might be in it twice, and making it costs more than the rest of the line. Other lines are written
 * directly, of few parts: each part that is joined costs as much as twenty characters when the line is sent.
 */
export const lineOf = (record: Record): string => direct(record) ?? json(ownOf(record))

const direct = (record: Record): string | undefined => {
  const { annotations, fields, reports } = record
  const report = reports[0]
  const own = report === undefined ? nothing : membersOf(report.attributes)
  const around = membersKept(annotations)
  const told = membersOf(fields)
  if (Math.max(own.by, around.by, told.by) >= (report === undefined ? by.records : by.failures)) return undefined
  if (around.text !== "" && told.text !== "" && isShared(fields, annotations)) return undefined
  if (report !== undefined && own.text !== "" && [annotations, fields].some((one) => isShared(report.attributes, one)))
    return undefined
  return `${headOf(record)}${own.text}${around.text}${told.text}}`
}

/** The facts that each record has, and those of its failure. */
const headOf = ({ date, level, message, reports, trace }: Record): string => {
  const report = reports[0]
  const head = `${timeOf(date)}${levels[level]}${quoted(message)}`
  const ofTrace = trace === undefined ? "" : textOf({ trace_id: trace.traceId, span_id: trace.spanId })
  return report === undefined ? head + ofTrace : head + ofFailure(report, reports, message) + ofTrace
}

const timeOf = isoAfter('{"timestamp":"')

/** What is between the time and the message. */
const levels: { readonly [level: string]: string } = Object.fromEntries(
  LogLevel.values.map((level) => [level, `","level":"${level.toLowerCase()}","message":`])
)

const ofFailure = (report: Report.Report, reports: Record["reports"], message: string): string => {
  const { fingerprint, stack } = report
  const error = untold(report, message)
  const told = error === undefined ? "" : `,"error":${quoted(error)}`
  const ofStack = stack === undefined ? "" : `,"stack":${quoted(stack)}`
  const also = reports.length === 1 ? "" : textOf({ also: alsoOf(reports) })
  return `${told}${textOf(factsOf(report))}${ofStack},"fingerprint":${quoted(fingerprint)}${also}`
}

/** Who writes a name besides the program: nobody, records of failures, or all records. */
const by = { nobody: 0, failures: 1, records: 2 }

/** The fields of an object within a line, and who else writes one of their names. */
interface Members {
  readonly text: string
  readonly by: number
}

const nothing: Members = { text: "", by: by.nobody }

const membersOf = (fields: Fields): Members => {
  const names = Object.keys(fields)
  if (names.length === 0) return nothing
  let most = by.nobody
  for (const name of names) most = Math.max(most, writerOf(name))
  return { text: textOf(fields), by: most }
}

/** The fields of an object, after a comma. */
const textOf = (fields: Fields): string => {
  const text = json(fields)
  return text === "{}" ? "" : `,${text.slice(1, -1)}`
}

/** The annotations of a fiber are the same for many lines. */
const kept = new WeakMap<Record["annotations"], Members>()

const membersKept = (annotations: Record["annotations"]): Members => {
  const found = kept.get(annotations)
  if (found !== undefined) return found
  const made = membersOf(annotations)
  kept.set(annotations, made)
  return made
}

/** Whether two objects have a name in common. */
const isShared = (fields: Fields, others: Fields): boolean =>
  Object.keys(fields).some((name) => Object.hasOwn(others, name))

/** An object has numbers before all other names, and no field `__proto__`: a record with such a name is made an object, too. */
const writerOf = (name: string): number => {
  const first = name.charCodeAt(0)
  return first >= 48 && first <= 57 ? by.records : (writers.get(name) ?? by.nobody)
}

const writers: ReadonlyMap<string, number> = new Map([
  ..."timestamp level message error also trace_id span_id __proto__"
    .split(" ")
    .map((name) => [name, by.records] as const),
  ..."error_level code detail actor job item url host causes stack fingerprint"
    .split(" ")
    .map((name) => [name, by.failures] as const)
])
