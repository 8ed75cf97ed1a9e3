import {
  type Breadcrumb,
  type Event,
  type Exception,
  getCurrentScope,
  type SeverityLevel,
  type StackParser
} from "@sentry/core"
import type * as LogLevel from "effect/LogLevel"
import type * as Report from "@redrive/core/Report"

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

/** An event with what was in Sentry's scope when the failure was reported. */
export interface Captured {
  readonly event: Event
  readonly scope: ReturnType<typeof getCurrentScope>
}

/** A report as an event: bounded and without secrets, as the report is. The error itself is never handed over. */
export const eventOf = (
  report: Report.Report,
  breadcrumbs: ReadonlyArray<Breadcrumb>,
  at: bigint,
  trace: Trace | undefined,
  parse: StackParser
): Captured => {
  const { actor, attributes, code, detail, fingerprint, host, itemId, jobId, level, severity, url } = report
  const failure = { code, detail, level, actor, job: jobId, item: itemId, url, host, ...attributes }
  return {
    scope: getCurrentScope().clone(),
    event: {
      level: levels[severity],
      timestamp: Number(at / 1_000_000n) / 1000,
      platform: "node",
      exception: { values: exceptionsOf(report, parse) },
      tags: { code, detail, error_level: level, actor, host },
      contexts: {
        failure,
        ...(trace && { trace: { trace_id: trace.traceId, span_id: trace.spanId } })
      },
      fingerprint: [fingerprint],
      breadcrumbs: [...breadcrumbs]
    }
  }
}

/** What was thrown first comes first, as Sentry wants it; the stack is its. */
const exceptionsOf = ({ causes, code, message, stack }: Report.Report, parse: StackParser): Array<Exception> => {
  const mechanism = { type: "redrive", handled: true }
  const chained = causes.map(({ code: of, fields, message, name }) => ({
    type: name,
    value: of === undefined || message.includes(of) ? message : `${message} (${of})`,
    mechanism: { ...mechanism, type: "chained", ...(fields && { data: { ...fields } }) }
  }))
  const values: Array<Exception> = [...chained.toReversed(), { type: code, value: message, mechanism }]
  const [first, ...rest] = values
  return stack === undefined || first === undefined
    ? values
    : [{ ...first, stacktrace: { frames: parse(stack) } }, ...rest]
}
