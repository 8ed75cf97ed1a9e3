/**
 * The JSON of Prometheus Alertmanager's API v2.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Alert from "./Alert.ts"

/**
 * An alert as Alertmanager knows it. It is the same one as long as its labels are the same, so that these hold nothing that changes within an incident. A
 * firing alert ends at `endsAt` unless it is sent again before.
 *
 * @category encoding
 * @since 0.1.0
 */
export const alert = (one: Alert.Alert, endsAt: DateTime.Utc) => ({
  labels: {
    alertname: one.code,
    incident: one.incident,
    level: one.level,
    route: one.route,
    ...(one.host !== undefined && { host: one.host })
  },
  annotations: {
    summary: Alert.title(one),
    description: one.message,
    severity: one.severity.toLowerCase(),
    actor: one.actor,
    failures: String(one.total),
    ...(one.urls.length > 0 && { pages: one.urls.join("\n") }),
    ...(one.jobIds.length > 0 && { jobs: one.jobIds.join(", ") })
  },
  startsAt: DateTime.formatIso(one.firstAt),
  endsAt: DateTime.formatIso(endsAt)
})
