import type * as LogLevel from "effect/LogLevel"
import type { Plain } from "@redrive/core/Plain"
import type * as Report from "@redrive/core/Report"
import type { Record, Service } from "../Format.ts"
import { alsoOf, attributesOf, causesOf, classOf, type Fields, namedOf, placeOf, rest, some, untold } from "./fields.ts"
import { moment } from "./moment.ts"

// A record in the names that a collector knows.

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
    timestamp: moment(date),
    severity_text: level.toUpperCase(),
    severity_number: numbers[level],
    body: message,
    trace_id: trace?.traceId,
    span_id: trace?.spanId,
    resource: some({ "service.name": service.service, "service.version": service.version }),
    attributes: some(attributesOf(record))
  }
}

export const ecsOf = (record: Record, service: Service): Fields => {
  const { date, level, message, reports, trace } = record
  const [report] = reports
  const { address, port } = placeOf(report?.host)
  return {
    "@timestamp": moment(date),
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
      "server.address": address,
      "server.port": port,
      "http.response.status_code": report.attributes.status
    }),
    // Whatever has no field of its own goes under labels, where the schema wants texts.
    labels: labelsOf(record, report)
  }
}

const labelsOf = (record: Record, report: Report.Report | undefined): Plain | undefined => {
  const { actor, detail, fingerprint, itemId, jobId, level } = report ?? {}
  const ours = {
    actor,
    detail,
    fingerprint,
    item: itemId,
    job: jobId,
    error_level: level,
    ...(report && { causes: causesOf(report), status: undefined }),
    also: alsoOf(record.reports)
  }
  const labels = Object.entries(rest(record, ours)).map(([name, value]) => [
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
    time: moment(date),
    message,
    [`${prefix}trace`]:
      trace && (project === undefined ? trace.traceId : `projects/${project}/traces/${trace.traceId}`),
    [`${prefix}spanId`]: trace?.spanId,
    ...(report && namedOf(report)),
    error: untold(report, message),
    also: alsoOf(reports),
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
  const { address, port } = placeOf(report?.host)
  const http = { url: report?.url, status_code: report?.attributes.status }
  return rest(record, {
    timestamp: moment(date),
    status: level === "Fatal" ? "critical" : level.toLowerCase(),
    message,
    service: service.service,
    version: service.version,
    dd: trace && { trace_id: trace.traceId, span_id: decimal(trace.spanId) },
    also: alsoOf(reports),
    ...(report && {
      ...namedOf(report),
      // Its own names for these; `host` is the machine's that writes.
      stack: undefined,
      fingerprint: undefined,
      url: undefined,
      host: undefined,
      http: some({ ...http, url_details: some({ host: address, port }) }),
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
