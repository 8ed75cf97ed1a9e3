/**
 * What people are told: one thing about one incident.
 *
 * @since 0.1.0
 */
import type * as DateTime from "effect/DateTime"
import type * as LogLevel from "effect/LogLevel"
import type * as Incident from "./Incident.ts"

/**
 * An alert.
 *
 * @category models
 * @since 0.1.0
 */
export interface Alert extends Incident.About {
  /** The same for all attempts to deliver this alert, and for no other alert: a receiver may know by it what it has had already. */
  readonly id: string
  /** The route that it came by. */
  readonly route: string
  /** What groups the failures of the incident. */
  readonly key: string
  /** The key with the number of the incident: the same from its first alert to its last. */
  readonly incident: string
  /** What people are told. */
  readonly status: Incident.Status
  /** The highest severity of the incident. */
  readonly severity: LogLevel.Severity
  /** How many failures no earlier alert has counted. */
  readonly count: number
  /** How many failures the incident has had. */
  readonly total: number
  /** When the alert was made. */
  readonly at: DateTime.Utc
  /** The first failure of the incident. */
  readonly firstAt: DateTime.Utc
  /** The last failure. */
  readonly lastAt: DateTime.Utc
  /** When the next attempt is, while a policy retries. */
  readonly nextAt?: DateTime.Utc
  /** Whether somebody only wanted to see where it goes. Default: `false`. */
  readonly isTest?: boolean
  /** For one that stands for many that waited: how many of them have which status. Default: it stands for itself. */
  readonly digest?: { readonly [Status in Incident.Status]?: number }
}

/**
 * Whether an alert is the last word about its incident.
 *
 * @category guards
 * @since 0.1.0
 */
export const isOver = ({ status }: Alert): boolean => status === "resolved" || status === "expired"

/**
 * An alert's first line, such as `Error: host_returned_error unavailable at example.com (12 failures)`. For channels that show one line.
 *
 * @category formatting
 * @since 0.1.0
 */
export const title = (alert: Alert): string => `${alert.isTest === true ? "Test: " : ""}${titleOf(alert)}`

const titleOf = ({ code, count, detail, digest, host, severity, status, total }: Alert): string => {
  if (digest !== undefined) return digestTitle(digest, count)
  const what = [code, detail].filter((word) => word !== undefined).join(" ")
  const where = host === undefined ? "" : ` at ${host}`
  // What is wrong with the alerter itself is about no failure.
  const all = total === 0 ? "" : ` (${failures(total)})`
  switch (status) {
    case "resolved":
      return `Resolved: ${what}${where}${all}`
    case "expired":
      return `Expired: ${what}${where}, nothing was heard of it since${all}`
    case "retrying":
      return `Still retrying: ${what}${where}`
    case "reminder":
      return `${severity}, still: ${what}${where} (${failures(count)} more, ${total} in all)`
    case "escalated":
      return `${severity}, escalated: ${what}${where}${all}`
    default:
      return `${severity}: ${what}${where}${all}`
  }
}

const failures = (count: number): string => `${count} ${count === 1 ? "failure" : "failures"}`

const digestTitle = (digest: NonNullable<Alert["digest"]>, count: number): string => {
  const parts = Object.entries(digest).map(([status, alerts]) => `${alerts} ${status}`)
  const alerts = Object.values(digest).reduce((sum, one) => sum + one, 0)
  return `${alerts} alerts: ${parts.join(", ")} (${failures(count)})`
}
