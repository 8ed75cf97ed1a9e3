import type { Plain } from "@redrive/core/Plain"
import type * as Report from "@redrive/core/Report"
import type { Record } from "../Format.ts"
import { isoOf } from "./iso.ts"

/** Names and values of a line; undefined values are left out. */
export type Fields = { readonly [name: string]: Plain | undefined }

/** Whether this name has a meaning of its own for the collector. */
export type IsReserved = (name: string, value: Plain) => boolean

const nothing: IsReserved = () => false

/** Adds names and values. A name that is already there, or reserved, gets one or more `_`. */
const joined = (isReserved: IsReserved, first: Fields, ...more: ReadonlyArray<Fields>): Fields => {
  const all: { [name: string]: Plain | undefined } = { ...first }
  for (const one of more) {
    for (const name of Object.keys(one)) {
      const value = one[name]
      const held = all[name]
      if (value === undefined || value === held) continue
      if (isFree(held) && !isReserved(name, value)) all[name] = value
      else all[another(name, (other) => !isFree(all[other]) && all[other] !== value)] = value
    }
  }
  return all
}

/** Objects inherit names such as `constructor`. Their values are functions, which no field is. */
const isFree = (held: Plain | undefined): boolean => held === undefined || typeof held === "function"

/** A name with as many `_` as it needs to be free. */
export const another = (name: string, isTaken: (name: string) => boolean): string => {
  let other = `${name}_`
  while (isTaken(other)) other += "_"
  return other
}

/** A report under our own names, without the failure's own fields. */
export const namedOf = (report: Report.Report): Fields => {
  const { fingerprint, stack } = report
  return { ...factsOf(report), stack, fingerprint }
}

/** The same without its last ones, the stack and the fingerprint. */
export const factsOf = (report: Report.Report): Fields => {
  const { actor, causes, code, detail, host, itemId, jobId, level, url } = report
  return {
    error_level: level,
    code,
    detail,
    actor,
    job: jobId,
    item: itemId,
    url,
    host,
    causes: causes.length === 0 ? undefined : (causes as unknown as Plain)
  }
}

/** A report under our own names, with the failure's own fields. */
export const reportFields = (report: Report.Report): Fields => joined(nothing, namedOf(report), report.attributes)

/** The free fields of a record: the failure's own fields, the fiber's annotations, and the record's fields. */
export const rest = (
  { annotations, fields, reports }: Record,
  known: Fields,
  isReserved: IsReserved = nothing,
  own: Fields = reports[0]?.attributes ?? {}
): Fields => joined(isReserved, known, own, annotations, fields)

/** The HTTP status, for which collectors have a field, and the failure's other fields, which include any other `status`. */
export const answerOf = (attributes: Report.Fields): { readonly status?: number; readonly own: Fields } => {
  const { status, ...own } = attributes
  return typeof status === "number" && Number.isInteger(status) && status >= 100 && status <= 599
    ? { status, own }
    : { own: attributes }
}

/** The failure's message, if the line has another one. */
export const untold = (report: Report.Report | undefined, message: string): string | undefined =>
  report === undefined || message.includes(report.message) ? undefined : report.message

/** The other failures of a line, besides its first. */
export const alsoOf = ([, ...also]: ReadonlyArray<Report.Report>): Plain | undefined =>
  also.length === 0 ? undefined : also.map(({ code, message }) => ({ code, message }))

export const ownOf = (record: Record): Fields => {
  const { date, level, message, reports, trace } = record
  const [report] = reports
  return rest(record, {
    timestamp: isoOf(date),
    level: level.toLowerCase(),
    message,
    error: untold(report, message),
    ...(report && namedOf(report)),
    also: alsoOf(reports),
    trace_id: trace?.traceId,
    span_id: trace?.spanId
  })
}

/** The class of the thrown value, if known. */
export const classOf = ({ code, level }: Report.Report): string =>
  level === "program" ? code : level === "item" ? "ItemError" : "JobError"

/** The host's name and its port, if it is not the scheme's default, as collectors keep them; an IPv6 address loses its brackets. */
export const placeOf = (host: string | undefined): { readonly address?: string; readonly port?: number } => {
  if (host === undefined) return {}
  const [, inner, name, port] = /^(?:\[(.+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(host) ?? []
  return { address: inner ?? name ?? host, ...(port === undefined ? {} : { port: Number(port) }) }
}

/** Causes as texts. */
export const causesOf = ({ causes }: Report.Report): ReadonlyArray<string> | undefined =>
  causes.length === 0 ? undefined : causes.map(({ message, name }) => `${name}: ${message}`)

/** Attributes of the semantic conventions for exceptions, and our own for facts that have none there. */
export const exceptionOf = (report: Report.Report): Fields => {
  const { actor, attributes, code, detail, fingerprint, host, itemId, jobId, level, message, stack, url } = report
  const { address, port } = placeOf(host)
  const { own, status } = answerOf(attributes)
  const ours = Object.entries(own).map(([name, value]) => [`redrive.${name}`, value] as const)
  const named = {
    "error.type": code,
    "exception.type": classOf(report),
    "exception.message": message,
    "exception.stacktrace": stack,
    "url.full": url,
    "server.address": address,
    "server.port": port,
    "http.response.status_code": status,
    "redrive.level": level,
    "redrive.detail": detail,
    "redrive.actor": actor,
    "redrive.job.id": jobId,
    "redrive.item.id": itemId,
    "redrive.fingerprint": fingerprint,
    "redrive.causes": causesOf(report)
  }
  return joined(nothing, named, Object.fromEntries(ours))
}

/** A record as attributes: its failure's, the fiber's annotations, and fields. Each has a name and a value, as OpenTelemetry demands. */
export const attributesOf = ({ annotations, fields, reports }: Record): Fields => {
  const [report] = reports
  const ours = { ...(report && exceptionOf(report)), "redrive.also": alsoOf(reports) }
  const all = joined(nothing, ours, annotations, fields)
  const attributes: { [name: string]: Plain } = {}
  for (const name of Object.keys(all)) {
    const value = all[name]
    if (value !== undefined && value !== null) attributes[name === "" ? "_" : name] = value
  }
  return attributes
}

/** An object without its undefined fields. */
export const known = (fields: Fields): { [name: string]: Plain } => {
  const all: { [name: string]: Plain } = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) all[name] = value
  return all
}

/** The same, or undefined if no field is left. */
export const some = (fields: Fields): Plain | undefined => {
  const all = known(fields)
  return Object.keys(all).length === 0 ? undefined : all
}
