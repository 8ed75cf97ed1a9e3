import type { Breadcrumb, Event, Exception, SeverityLevel, StackParser } from "@sentry/core"
import type * as LogLevel from "effect/LogLevel"
import type * as Report from "@redrive/core/Report"
import type * as Sdk from "./sdk.ts"

const levels: { readonly [Level in LogLevel.Severity]: SeverityLevel } = {
  Trace: "debug",
  Debug: "debug",
  Info: "info",
  Warn: "warning",
  Error: "error",
  Fatal: "fatal"
}

/** Where a failure happened, in hexadecimal. */
export interface Trace {
  readonly traceId: string
  readonly spanId: string
}

/** An event, with Sentry's client and scopes at the moment when the failure was reported. */
export interface Captured extends Sdk.Current {
  readonly event: Event
}

/** A report as an event: bounded and without secrets, as the report is. The error itself is never handed over. */
export const eventOf = (
  { client, isolation, scope }: Sdk.Current,
  report: Report.Report,
  at: bigint,
  trace: Trace | undefined
): Captured => {
  const { actor, attributes, code, detail, fingerprint, host, itemId, jobId, level, severity, url } = report
  const failure = { code, detail, level, actor, job: jobId, item: itemId, url, host, ...attributes }
  return {
    client,
    scope: scope?.clone(),
    isolation: isolation?.clone(),
    event: {
      level: levels[severity],
      timestamp: Number(at / 1_000_000n) / 1000,
      platform: "node",
      exception: { values: exceptionsOf(report, client.getOptions().stackParser) },
      tags: { code, detail, error_level: level, actor, host },
      contexts: {
        failure,
        ...(trace && { trace: { trace_id: trace.traceId, span_id: trace.spanId } })
      },
      fingerprint: [fingerprint],
      breadcrumbs: breadcrumbsOf(report)
    }
  }
}

/** The attempts that led to a failure, oldest first, and that no further one followed. */
const breadcrumbsOf = ({ attributes, history = [] }: Report.Report): Array<Breadcrumb> => {
  const crumbs = history.map(({ attempt, call, delayMs, durationMs, message, startedAt, verdict }): Breadcrumb => ({
    category: "retry",
    type: "default",
    level: "info",
    timestamp: (Date.parse(startedAt) + durationMs) / 1000,
    message: `attempt ${attempt} failed: ${message}`,
    data: { call, attempt, verdict, duration_ms: durationMs, ...(delayMs !== undefined && { delay_ms: delayMs }) }
  }))
  const { because, call } = attributes
  const last = crumbs.at(-1)
  if (last === undefined || because === undefined) return crumbs
  return [...crumbs, { ...last, level: "warning", message: `gave up: ${String(because)}`, data: { call, because } }]
}

/** The innermost error comes first, as Sentry wants it. */
const exceptionsOf = ({ causes, code, message, stack }: Report.Report, parse: StackParser): Array<Exception> => {
  const mechanism = { type: "redrive", handled: true }
  const chained = causes.map(({ code: of, fields, message, name }) => ({
    type: name,
    value: of === undefined || message.includes(of) ? message : `${message} (${of})`,
    mechanism: { ...mechanism, type: "chained", ...(fields && { data: { ...fields } }) }
  }))
  const values: Array<Exception> = [...chained.toReversed(), { type: code, value: message, mechanism }]
  if (stack === undefined) return values
  const stacktrace = { frames: parse(stack) }
  const thrown = [{ name: code, message, depth: -1 }, ...causes]
  const owner = ownerOf(thrown, stack)
  // Causes that say nothing new are not listed, though they may be what was thrown first.
  if (owner === undefined)
    return [{ ...headerOf(stack), stacktrace, mechanism: { ...mechanism, type: "chained" } }, ...values]
  return values.map((value, index) => (index === thrown.length - 1 - owner ? { ...value, stacktrace } : value))
}

/** Which of those that were thrown a stack is of: it begins with the name and the message, and is of the innermost that has one. */
const ownerOf = (
  thrown: ReadonlyArray<{ readonly name: string; readonly message: string; readonly depth: number }>,
  stack: string
): number | undefined => {
  let owner: number | undefined
  for (const [index, { depth, message, name }] of thrown.entries()) {
    if (!stack.startsWith(`${name}: ${message.slice(0, 200)}`)) continue
    if (owner === undefined || depth > (thrown[owner]?.depth ?? 0)) owner = index
  }
  return owner
}

const headerOf = (stack: string): Exception => {
  const [header = ""] = stack.split("\n    at ", 1)
  const [type = ""] = header.split(": ", 1)
  return { type, value: header.slice(type.length + 2) }
}
