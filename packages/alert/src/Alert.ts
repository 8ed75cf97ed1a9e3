/**
 * What people are told of failures of one kind: a group of reports with the same level, code and host. Calls that the retry engine refused
 * or timed out are told apart by their fingerprint, too: each call and each upstream is a kind of its own.
 *
 * The first report gives the text; later ones add to the count and, up to a bound, to the places. It is data, and knows no sink.
 *
 * @since 0.1.0
 */
import type * as Report from "@redrive/core/Report"
import * as DateTime from "effect/DateTime"
import type * as LogLevel from "effect/LogLevel"

/**
 * A group of reports. `severity` is the highest of them; `urls` and `jobIds` are the first few different ones.
 *
 * @category models
 * @since 0.1.0
 */
export interface Alert {
  readonly key: string
  readonly level: Report.Report["level"]
  readonly code: string
  readonly detail?: string
  readonly host?: string
  readonly severity: LogLevel.Severity
  readonly actor: Report.Report["actor"]
  readonly message: string
  readonly count: number
  readonly firstAt: DateTime.Utc
  readonly lastAt: DateTime.Utc
  readonly urls: ReadonlyArray<string>
  readonly jobIds: ReadonlyArray<string>
}

/** No alert lists more places of a kind. */
const mostPlaces = 5

/**
 * The key of the group that a report belongs to.
 *
 * @category getters
 * @since 0.1.0
 */
export const keyOf = ({ code, engine, fingerprint, host, level }: Report.Report): string =>
  [level, code, ...(host === undefined ? [] : [host]), ...(engine === undefined ? [] : [fingerprint])].join("/")

/**
 * The alert of a group's first report.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (report: Report.Report, at: DateTime.Utc): Alert => {
  const { actor, code, detail, host, jobId, level, message, severity, url } = report
  return {
    key: keyOf(report),
    level,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(host === undefined ? {} : { host }),
    severity,
    actor,
    message,
    count: 1,
    firstAt: at,
    lastAt: at,
    urls: url === undefined ? [] : [url],
    jobIds: jobId === undefined ? [] : [jobId]
  }
}

/**
 * Two alerts of a group as one; the first gives the text. A detail that they do not share is dropped.
 *
 * @category combining
 * @since 0.1.0
 */
export const merge = (self: Alert, that: Alert): Alert => {
  const { detail, ...rest } = self
  return {
    ...rest,
    ...(detail === undefined || detail !== that.detail ? {} : { detail }),
    severity: louder(self.severity, that.severity),
    count: self.count + that.count,
    firstAt: DateTime.min(self.firstAt, that.firstAt),
    lastAt: DateTime.max(self.lastAt, that.lastAt),
    urls: places(self.urls, that.urls),
    jobIds: places(self.jobIds, that.jobIds)
  }
}

const severities: ReadonlyArray<LogLevel.Severity> = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"]

const louder = (a: LogLevel.Severity, b: LogLevel.Severity): LogLevel.Severity =>
  severities.indexOf(a) >= severities.indexOf(b) ? a : b

const places = (some: ReadonlyArray<string>, more: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set([...some, ...more])].slice(0, mostPlaces)
