/**
 * The JSON that a webhook receives: an event with a type, a time, and the alerts of one delivery.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import type { Alert } from "./Alert.ts"

/**
 * The body of a delivery at a time. What an alert does not know is null; times are ISO 8601 in UTC.
 *
 * @category encoding
 * @since 0.1.0
 */
export const body = (alerts: ReadonlyArray<Alert>, at: DateTime.Utc) => ({
  type: "alert.raised",
  timestamp: DateTime.formatIso(at),
  data: { alerts: alerts.map(alertJson) }
})

/**
 * What a delivery holds.
 *
 * @category models
 * @since 0.1.0
 */
export type Body = ReturnType<typeof body>

const alertJson = (alert: Alert) => ({
  key: alert.key,
  severity: alert.severity.toLowerCase(),
  level: alert.level,
  code: alert.code,
  detail: alert.detail ?? null,
  host: alert.host ?? null,
  actor: alert.actor,
  message: alert.message,
  count: alert.count,
  first_at: DateTime.formatIso(alert.firstAt),
  last_at: DateTime.formatIso(alert.lastAt),
  urls: alert.urls,
  job_ids: alert.jobIds
})
