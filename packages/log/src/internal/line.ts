import * as LogLevel from "effect/LogLevel"
import type { Record } from "../Format.ts"
import { alsoOf, type Fields, namedOf, ownOf, untold } from "./fields.ts"
import { isoAfter } from "./iso.ts"
import { json, quoted, textOf } from "./json.ts"
import { isSameInJson } from "./visible.ts"

/**
 * A record as one line of JSON under our own names: what `json(ownOf(record))` gives.
 *
 * That object is needed only where a name might be in it twice, and to make and read it costs more than the rest of the line, so that other
 * lines are written directly. They are made of few texts: each one that is joined costs as much as twenty characters when the line is sent.
 */
export const lineOf = (record: Record): string => direct(record) ?? json(ownOf(record))

const direct = (record: Record): string | undefined => {
  const { annotations, fields, reports } = record
  const [report] = reports
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
  const [report] = reports
  const head = `${timeOf(date)}${levels[level]}${quoted(message)}`
  const ofTrace = trace === undefined ? "" : membersOf({ trace_id: trace.traceId, span_id: trace.spanId }).text
  if (report === undefined) return head + ofTrace
  const error = membersOf({ error: untold(report, message) }).text
  return head + error + membersOf(namedOf(report)).text + membersOf({ also: alsoOf(reports) }).text + ofTrace
}

const timeOf = isoAfter('{"timestamp":"')

/** What is between the time and the message. */
const levels: { readonly [level: string]: string } = Object.fromEntries(
  LogLevel.values.map((level) => [level, `","level":"${level.toLowerCase()}","message":`])
)

/** Who writes a name besides the program: nobody, records of failures, or all records. */
const by = { nobody: 0, failures: 1, records: 2 }

/** The fields of an object within a line, each after a comma, and who else writes one of their names. */
interface Members {
  readonly text: string
  readonly by: number
}

const nothing: Members = { text: "", by: by.nobody }

const membersOf = (fields: Fields): Members => {
  let text = ""
  let most = by.nobody
  for (const key of Object.keys(fields)) {
    const value = fields[key]
    if (value === undefined) continue
    const name = nameOf(key)
    if (typeof value === "string" && isSameInJson(value)) text += `${name.ofText}${value}"`
    else {
      const written = textOf(value)
      if (written === undefined) continue
      text += `${name.of}${written}`
    }
    if (name.by > most) most = name.by
  }
  return text === "" ? nothing : { text, by: most }
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

/** A name within a line, up to its value and up to the text that its value is, and who else writes it. */
interface Name {
  readonly of: string
  readonly ofText: string
  readonly by: number
}

/** Programs use the same few names with every line. */
const names = new Map<string, Name>()

const most = { names: 1000, length: 200 }

const nameOf = (key: string): Name => {
  const found = names.get(key)
  if (found !== undefined) return found
  const name = `,${quoted(key)}:`
  const made = { of: name, ofText: `${name}"`, by: writerOf(key) }
  if (names.size < most.names && key.length <= most.length) names.set(key, made)
  return made
}

/** An object has numbers before all other names, and no field `__proto__`: a record with such a name is made an object, too. */
const writerOf = (key: string): number => {
  if (ofRecords.has(key) || /^\d/.test(key)) return by.records
  return ofFailures.has(key) ? by.failures : by.nobody
}

const ofRecords: ReadonlySet<string> = new Set(
  "timestamp level message error also trace_id span_id __proto__".split(" ")
)

const ofFailures: ReadonlySet<string> = new Set(
  "error_level code detail actor job item url host causes stack fingerprint".split(" ")
)
