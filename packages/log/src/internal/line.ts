import type { Record } from "../Format.ts"
import { alsoOf, type Fields, namedOf, ownOf, untold } from "./fields.ts"
import { isoOf } from "./iso.ts"
import { json, quoted, valueOf } from "./json.ts"

/**
 * A record as one line of JSON under our own names: what `json(ownOf(record))` gives.
 *
 * An object of all fields is needed only where a name might be in it twice. To make it, and to read it again, costs more than the rest of a
 * line, so that other lines are written directly.
 */
export const lineOf = (record: Record): string => direct(record) ?? json(ownOf(record))

const direct = (record: Record): string | undefined => {
  const {
    annotations,
    fields,
    reports: [report]
  } = record
  const own = report === undefined ? nothing : membersOf(report.attributes)
  const around = membersKept(annotations)
  const told = membersOf(fields)
  if (Math.max(own.by, around.by, told.by) >= (report === undefined ? by.records : by.failures)) return undefined
  if (around.text !== "" && told.text !== "" && isShared(fields, annotations)) return undefined
  if (own.text !== "" && (isShared(report?.attributes, annotations) || isShared(report?.attributes, fields)))
    return undefined
  return `${headOf(record)}${own.text}${around.text}${told.text}}`
}

/** The facts that each record has, and those of its failure. */
const headOf = ({ date, level, message, reports, trace }: Record): string => {
  const [report] = reports
  const head = `{"timestamp":"${isoOf(date)}","level":"${level.toLowerCase()}","message":${quoted(message)}`
  const ofTrace = trace === undefined ? "" : membersOf({ trace_id: trace.traceId, span_id: trace.spanId }).text
  if (report === undefined) return head + ofTrace
  const error = membersOf({ error: untold(report, message) }).text
  return head + error + membersOf(namedOf(report)).text + membersOf({ also: alsoOf(reports) }).text + ofTrace
}

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
    const value = valueOf(fields[key])
    if (value === undefined) continue
    const name = nameOf(key)
    text += name.text + value
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
const isShared = (fields: Fields = {}, others: Fields): boolean =>
  Object.keys(fields).some((name) => Object.hasOwn(others, name))

/** A name within a line, with what is around it. */
interface Name {
  readonly text: string
  readonly by: number
}

/** Programs use the same few names with every line. */
const names = new Map<string, Name>()

const most = { names: 1000, length: 200 }

const nameOf = (key: string): Name => {
  const found = names.get(key)
  if (found !== undefined) return found
  const made = { text: `,${quoted(key)}:`, by: writerOf(key) }
  if (names.size < most.names && key.length <= most.length) names.set(key, made)
  return made
}

/** An object has numbers before all other names, and no field `__proto__`; a record with such a name is made an object, too. */
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
