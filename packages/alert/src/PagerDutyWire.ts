/**
 * The JSON of PagerDuty's Events API v2.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import { createHash } from "node:crypto"
import * as Alert from "./Alert.ts"
import { cut } from "./internal/texts.ts"

/** The limits of the API, in characters and bytes. */
const most = { key: 255, summary: 1024, body: 512 * 1024 }

const severities = {
  Fatal: "critical",
  Error: "error",
  Warn: "warning",
  Info: "info",
  Debug: "info",
  Trace: "info"
} as const satisfies { readonly [Severity in Alert.Alert["severity"]]: string }

/**
 * The event of an alert. The first alert of an incident and its news trigger under one key, and its last one resolves that. `source` names the service. What
 * does not fit into 512 kB is left out, and said to be.
 *
 * @category encoding
 * @since 0.1.0
 */
export const body = (alert: Alert.Alert, routingKey: string, source: string) => {
  const event = {
    routing_key: routingKey,
    event_action: Alert.isOver(alert) ? ("resolve" as const) : ("trigger" as const),
    dedup_key: keyOf(alert.incident),
    payload: {
      summary: cut(`${Alert.title(alert)}: ${alert.message}`, most.summary),
      source: alert.host ?? source,
      severity: severities[alert.severity],
      timestamp: DateTime.formatIso(alert.lastAt),
      component: source,
      group: alert.route,
      class: alert.code,
      custom_details: detailsOf(alert)
    }
  }
  if (Buffer.byteLength(JSON.stringify(event)) <= most.body) return event
  const custom_details = { error: "the details were left out: they are larger than PagerDuty takes" }
  return { ...event, payload: { ...event.payload, custom_details } }
}

/** A key that is too long is told apart by its hash. */
const keyOf = (incident: string): string =>
  incident.length <= most.key ? incident : createHash("sha256").update(incident).digest("hex")

const detailsOf = ({
  actor,
  count,
  detail,
  firstAt,
  jobIds,
  key,
  level,
  message,
  status,
  total,
  urls
}: Alert.Alert) => ({
  key,
  level,
  ...(detail !== undefined && { detail }),
  who_acts: actor,
  status,
  message,
  failures: total,
  new_failures: count,
  first_at: DateTime.formatIso(firstAt),
  pages: urls,
  jobs: jobIds
})
