import type * as LogLevel from "effect/LogLevel"
import type { Plain } from "@redrive/core/Plain"
import type * as Report from "@redrive/core/Report"
import type { Record, Service } from "../Format.ts"
import * as Own from "./fields.ts"
import { alsoOf, type Fields, placeOf, rest, some, untold } from "./fields.ts"
import { isoOf } from "./iso.ts"

// A record under the field names of a collector.

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

export const otelOf = (record: Record, service: Service): Fields => {
  const { date, level, message, trace } = record
  return {
    timestamp: isoOf(date),
    severity_text: level.toUpperCase(),
    severity_number: numbers[level],
    body: message,
    trace_id: trace?.traceId,
    span_id: trace?.spanId,
    trace_flags: trace && flagsOf(trace),
    resource: some({ "service.name": service.service, "service.version": service.version }),
    attributes: some(Own.attributesOf(record))
  }
}

/** Trace flags in W3C's form: only the bit for a sampled trace. */
const flagsOf = ({ sampled }: { readonly sampled: boolean }): string => (sampled ? "01" : "00")

export const ecsOf = (record: Record, service: Service): Fields => {
  const { date, level, message, reports } = record
  const [report] = reports
  return {
    "@timestamp": isoOf(date),
    "log.level": level.toLowerCase(),
    message,
    "ecs.version": "8.17.0",
    "service.name": service.service,
    "service.version": service.version,
    ...traceOf(record),
    ...(report && {
      ...failureOf(report),
      "error.message": report.message,
      "error.stack_trace": report.stack
    }),
    labels: some(labelsOf(record))
  }
}

/** The failure and the trace of a record, for a logger that writes the rest itself. */
export const ecsFieldsOf = (record: Record): { readonly [name: string]: Plain } => {
  const [report] = record.reports
  const labels = Object.entries(labelsOf({ ...record, annotations: {}, fields: {} }))
  return Own.known({
    ...traceOf(record),
    ...(report && failureOf(report)),
    // Each label is a field of its own, because an object would replace the labels that the logger writes.
    ...Object.fromEntries(labels.map(([name, value]) => [`labels.${name}`, value]))
  })
}

const traceOf = ({ trace }: Record): Fields => ({ "trace.id": trace?.traceId, "span.id": trace?.spanId })

const failureOf = (report: Report.Report): Fields => {
  const { address, port } = placeOf(report.host)
  return {
    "error.code": report.code,
    "error.type": Own.classOf(report),
    "url.full": report.url,
    "server.address": address,
    "server.port": port,
    "http.response.status_code": Own.answerOf(report.attributes).status
  }
}

/** Everything without a field in the schema is a label. The schema demands texts, and names without dots. */
const labelsOf = (record: Record): Fields => {
  const [report] = record.reports
  const { actor, detail, fingerprint, itemId, jobId, level } = report ?? {}
  const ours = {
    actor,
    detail,
    fingerprint,
    item: itemId,
    job: jobId,
    error_level: level,
    causes: report && Own.causesOf(report),
    also: alsoOf(record.reports)
  }
  const labels = new Map<string, Plain>()
  const all = rest(record, ours, undefined, report && Own.answerOf(report.attributes).own)
  for (const [name, value] of Object.entries(all)) {
    if (value === undefined) continue
    // Elasticsearch refuses blank names.
    const label = name.trim() === "" ? "_" : name.replaceAll(".", "_")
    const isText = typeof value === "string" || value === null
    labels.set(
      labels.has(label) ? Own.another(label, (other) => labels.has(other)) : label,
      isText ? value : JSON.stringify(value)
    )
  }
  return Object.fromEntries(labels)
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

/** Names that Google's agents and Error Reporting reserve. */
const reservedByGoogle: ReadonlySet<string> = new Set([
  "severity",
  "message",
  "log",
  "time",
  "timestamp",
  "timestampSeconds",
  "timestampNanos",
  "@type",
  "stack_trace",
  "exception",
  "context",
  "eventTime",
  "serviceContext"
])

/** Names of objects, which a program may set as Google describes them. */
const objectsOfGoogle: ReadonlySet<string> = new Set([
  "httpRequest",
  "logging.googleapis.com/labels",
  "logging.googleapis.com/operation",
  "logging.googleapis.com/sourceLocation"
])

const isReservedByGoogle: Own.IsReserved = (name, value) =>
  reservedByGoogle.has(name) ||
  (objectsOfGoogle.has(name) ? !isObject(value) : name.startsWith("logging.googleapis.com/"))

const isObject = (value: Plain): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

/** Identifiers that are unique to this process, in ascending order: Google sorts entries with the same time by them. */
export const identifiers = (): (() => string) => {
  const run = crypto.randomUUID()
  let count = 0
  return () => `${(count++).toString(36).padStart(9, "0")}-${run}`
}

export const gcpOf = (
  record: Record,
  { project, service, version }: Service & { readonly project?: string | undefined },
  insertId: string
): Fields => {
  const { date, level, message, reports, trace } = record
  const [report] = reports
  const isError = report !== undefined && (level === "Error" || level === "Fatal")
  const known = {
    severity: severities[level] ?? "INFO",
    time: isoOf(date),
    message,
    "logging.googleapis.com/insertId": insertId,
    "logging.googleapis.com/trace":
      trace && (project === undefined ? trace.traceId : `projects/${project}/traces/${trace.traceId}`),
    "logging.googleapis.com/spanId": trace?.spanId,
    "logging.googleapis.com/trace_sampled": trace?.sampled === true ? true : undefined,
    ...(report && Own.namedOf(report)),
    error: untold(report, message),
    also: alsoOf(reports),
    "@type": isError ? reportedError : undefined,
    stack: undefined,
    // Google groups by stack, which must begin with the message. Without a stack, it needs the place of the report.
    stack_trace: report?.stack,
    context: isError && report.stack === undefined ? { reportLocation: { functionName: report.code } } : undefined,
    serviceContext: some({ service, version })
  }
  return rest(record, known, isReservedByGoogle)
}

/** Names that Datadog reserves, for the machine, the program, the source, the level, the time, the message and the trace of a log. */
const reservedByDatadog: ReadonlySet<string> = new Set([
  "host",
  "hostname",
  "service",
  "source",
  "ddsource",
  "ddtags",
  "status",
  "severity",
  "level",
  "timestamp",
  "@timestamp",
  "_timestamp",
  "Timestamp",
  "eventTime",
  "date",
  "published_date",
  "message",
  "msg",
  "log",
  "trace_id",
  "span_id",
  "version"
])

/** Objects that hold reserved names; these may be written with dots, too. */
const objectsOfDatadog: ReadonlySet<string> = new Set(["dd", "error", "syslog", "contextMap", "named_tags"])

const isReservedByDatadog: Own.IsReserved = (name, value) => {
  const dot = name.indexOf(".")
  if (dot > 0) return objectsOfDatadog.has(name.slice(0, dot))
  return reservedByDatadog.has(name) || objectsOfDatadog.has(name) || (name === "http" && !isObject(value))
}

export const datadogOf = (record: Record, service: Service): Fields => {
  const { date, level, message, reports, trace } = record
  const [report] = reports
  const { address, port } = placeOf(report?.host)
  const { own, status } = Own.answerOf(report?.attributes ?? {})
  const http = report && some({ url: report.url, status_code: status, url_details: some({ host: address, port }) })
  const known = {
    timestamp: isoOf(date),
    status: level === "Fatal" ? "critical" : level.toLowerCase(),
    message,
    service: service.service,
    version: service.version,
    dd: trace && { trace_id: trace.traceId, span_id: decimal(trace.spanId) },
    also: alsoOf(reports),
    ...(report && {
      ...Own.namedOf(report),
      // Datadog's own names; its `host` is the machine that writes the log.
      stack: undefined,
      fingerprint: undefined,
      url: undefined,
      host: undefined,
      http,
      error: some({
        kind: Own.classOf(report),
        message: report.message,
        stack: report.stack,
        fingerprint: report.fingerprint
      })
    })
  }
  // If a failure has set `http`, another value under it would set the same attribute twice.
  const isReserved: Own.IsReserved = (name, value) =>
    isReservedByDatadog(name, value) || (http !== undefined && name.startsWith("http."))
  return rest(record, known, isReserved, own)
}

/** Datadog writes the ids of spans in decimal, and those of traces, which have 128 bits, in hexadecimal. */
const decimal = (hex: string): string => (/^[\da-f]{1,16}$/i.test(hex) ? BigInt(`0x${hex}`).toString() : hex)
