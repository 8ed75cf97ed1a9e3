/**
 * The JSON that a webhook receives: an event with a type, a time, and the alerts of one delivery.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import { type Alert, isOver, title } from "./Alert.ts"

/**
 * The body of a delivery, the same for each attempt. Its type is `alert.resolved` if every alert is the last word about its incident. What an alert does not
 * know is null; times are ISO 8601 in UTC.
 *
 * @category encoding
 * @since 0.1.0
 */
export const body = (alerts: ReadonlyArray<Alert>) => ({
  type: alerts.every(isOver) ? "alert.resolved" : "alert.raised",
  timestamp: DateTime.formatIso(latest(alerts)),
  data: { alerts: alerts.map(alertJson) }
})

const latest = (alerts: ReadonlyArray<Alert>): DateTime.Utc =>
  alerts.reduce((last, { at }) => DateTime.max(last, at), DateTime.makeUnsafe(0))

/**
 * The JSON of a delivery.
 *
 * @category models
 * @since 0.1.0
 */
export type Body = ReturnType<typeof body>

/**
 * An alert in JSON.
 *
 * @category encoding
 * @since 0.1.0
 */
export const alertJson = (alert: Alert) => ({
  id: alert.id,
  incident: alert.incident,
  key: alert.key,
  route: alert.route,
  status: alert.status,
  title: title(alert),
  severity: alert.severity.toLowerCase(),
  level: alert.level,
  code: alert.code,
  detail: alert.detail ?? null,
  host: alert.host ?? null,
  actor: alert.actor,
  message: alert.message,
  count: alert.count,
  total: alert.total,
  at: DateTime.formatIso(alert.at),
  first_at: DateTime.formatIso(alert.firstAt),
  last_at: DateTime.formatIso(alert.lastAt),
  next_at: alert.nextAt === undefined ? null : DateTime.formatIso(alert.nextAt),
  urls: alert.urls,
  job_ids: alert.jobIds,
  is_test: alert.isTest === true
})
