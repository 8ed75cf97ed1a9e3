import type * as LogLevel from "effect/LogLevel"
import type { Plain } from "@redrive/core/Plain"
import type * as Report from "@redrive/core/Report"
import type { Record, Service } from "../Format.ts"

/** Names and values of a line; what is undefined is left out of it. */
type Fields = { readonly [name: string]: Plain | undefined }

/** A report by our own names. */
export const reportFields = (report: Report.Report): Fields => {
  const { actor, attributes, causes, code, detail, fingerprint, host, itemId, jobId, level, stack, url } = report
  return {
    error_level: level,
    code,
    detail,
    actor,
    job: jobId,
    item: itemId,
    url,
    host,
    ...attributes,
    causes: causes.length === 0 ? undefined : (causes as unknown as Plain),
    stack,
    fingerprint
  }
}

/** What a record says besides its failure; a field of a name that the line has already gets a `_`. */
const rest = ({ annotations, fields }: Record, known: Fields): Fields => {
  const all: { [name: string]: Plain | undefined } = { ...known }
  for (const more of [annotations, fields]) {
    for (const name of Object.keys(more)) {
      const value = more[name]
      if (all[name] === undefined) all[name] = value
      else if (all[name] !== value) all[`${name}_`] = value
    }
  }
  return all
}

export const ownOf = (record: Record): Fields => {
  const { date, level, message, reports, trace } = record
  const [report, ...also] = reports
  return rest(record, {
    timestamp: date.toISOString(),
    level: level.toLowerCase(),
    message,
    error: untold(report, message),
    ...(report && reportFields(report)),
    also: also.length === 0 ? undefined : also.map(messageOf),
    trace_id: trace?.traceId,
    span_id: trace?.spanId
  })
}

/** What a failure says, where the line's message is another. */
export const untold = (report: Report.Report | undefined, message: string): string | undefined =>
  report === undefined || message.includes(report.message) ? undefined : report.message

/** A failure that shares its line with another. */
const messageOf = ({ code, message }: Report.Report) => ({ code, message })

/** The class of what was thrown, as far as it is known. */
const classOf = ({ code, level }: Report.Report): string =>
  level === "program" ? code : level === "item" ? "ItemError" : "JobError"

const numbers: { readonly [Level in LogLevel.LogLevel]: number } = {
  All: 1,
  Trace: 1,
  Debug: 5,
  Info: 9,
  Warn: 13,
  Error: 17,
  Fatal: 21,
  None: 24
}

/** Attributes of the semantic conventions for exceptions, and of ours what they have no name for. */
export const exceptionOf = (report: Report.Report): Fields => {
  const { actor, attributes, causes, code, detail, fingerprint, host, itemId, jobId, level, message, stack, url } =
    report
  return {
    "error.type": code,
    "exception.type": classOf(report),
    "exception.message": message,
    "exception.stacktrace": stack,
    "url.full": url,
    "server.address": host,
    "http.response.status_code": attributes.status,
    "redrive.level": level,
    "redrive.detail": detail,
    "redrive.actor": actor,
    "redrive.job.id": jobId,
    "redrive.item.id": itemId,
    "redrive.fingerprint": fingerprint,
    "redrive.causes": causes.length === 0 ? undefined : causes.map(({ message, name }) => `${name}: ${message}`)
  }
}

export const otelOf = (record: Record, service: Service): Fields => {
  const { annotations, date, fields, level, message, reports, trace } = record
  const [report] = reports
  return {
    timestamp: date.toISOString(),
    severity_text: level.toUpperCase(),
    severity_number: numbers[level],
    body: message,
    trace_id: trace?.traceId,
    span_id: trace?.spanId,
    resource: some({ "service.name": service.service, "service.version": service.version }),
    attributes: some({ ...annotations, ...fields, ...(report && exceptionOf(report)) })
  }
}

/** An object with what is known of it. */
export const known = (fields: Fields): { [name: string]: Plain } => {
  const all: { [name: string]: Plain } = {}
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) all[name] = value
  return all
}

/** The same, if anything is. */
const some = (fields: Fields): Plain | undefined => {
  const all = known(fields)
  return Object.keys(all).length === 0 ? undefined : all
}

export const ecsOf = (record: Record, service: Service): Fields => {
  const { date, level, message, reports, trace } = record
  const [report] = reports
  return {
    "@timestamp": date.toISOString(),
    "log.level": level.toLowerCase(),
    message,
    "ecs.version": "8.17.0",
    "service.name": service.service,
    "service.version": service.version,
    "trace.id": trace?.traceId,
    "span.id": trace?.spanId,
    ...(report && {
      "error.code": report.code,
      "error.type": classOf(report),
      "error.message": report.message,
      "error.stack_trace": report.stack,
      "url.full": report.url,
      "server.address": report.host,
      "http.response.status_code": report.attributes.status
    }),
    // Whatever has no field of its own goes under labels, where the schema wants texts.
    labels: labelsOf(record, report)
  }
}

const labelsOf = ({ annotations, fields }: Record, report: Report.Report | undefined): Plain | undefined => {
  const { actor, detail, fingerprint, itemId, jobId, level } = report ?? {}
  const ours = { actor, detail, fingerprint, item: itemId, job: jobId, error_level: level }
  const labels = Object.entries({ ...annotations, ...fields, ...ours }).map(([name, value]) => [
    name.replaceAll(".", "_"),
    value === undefined || typeof value === "string" ? value : JSON.stringify(value)
  ])
  return some(Object.fromEntries(labels))
}

const severities: { readonly [Level in LogLevel.LogLevel]?: string } = {
  Trace: "DEBUG",
  Debug: "DEBUG",
  Warn: "WARNING",
  Error: "ERROR",
  Fatal: "CRITICAL"
}

/** Error Reporting reads an event by this type. */
const reportedError = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"

export const gcpOf = (
  record: Record,
  { project, service, version }: Service & { readonly project?: string | undefined }
): Fields => {
  const { date, level, message, reports, trace } = record
  const [report] = reports
  const isError = report !== undefined && (level === "Error" || level === "Fatal")
  const prefix = "logging.googleapis.com/"
  return rest(record, {
    severity: severities[level] ?? "INFO",
    time: date.toISOString(),
    message,
    [`${prefix}trace`]:
      trace && (project === undefined ? trace.traceId : `projects/${project}/traces/${trace.traceId}`),
    [`${prefix}spanId`]: trace?.spanId,
    ...(report && reportFields(report)),
    error: untold(report, message),
    "@type": isError ? reportedError : undefined,
    stack: undefined,
    // It is grouped by its stack, which must begin with the message; without one the place of the report is what is known.
    stack_trace: report?.stack,
    context: isError && report.stack === undefined ? { reportLocation: { functionName: report.code } } : undefined,
    serviceContext: some({ service, version })
  })
}

export const datadogOf = (record: Record, service: Service): Fields => {
  const { date, level, message, reports, trace } = record
  const [report] = reports
  return rest(record, {
    timestamp: date.toISOString(),
    status: level === "Fatal" ? "critical" : level.toLowerCase(),
    message,
    service: service.service,
    version: service.version,
    dd: trace && { trace_id: trace.traceId, span_id: decimal(trace.spanId) },
    ...(report && {
      ...reportFields(report),
      stack: undefined,
      fingerprint: undefined,
      error: some({
        kind: classOf(report),
        message: report.message,
        stack: report.stack,
        fingerprint: report.fingerprint
      })
    })
  })
}

/** Datadog knows spans by decimal numbers, and since traces have 128 bits these by hexadecimal ones. */
const decimal = (hex: string): string => (/^[\da-f]{1,16}$/i.test(hex) ? BigInt(`0x${hex}`).toString() : hex)
