import * as DateTime from "effect/DateTime"
import * as Alert from "../Alert.ts"
import * as Incident from "../Incident.ts"
import { nameOf } from "./notice.ts"

/** How many alerts a digest shows by their titles: the worst first. */
const shown = 10

/** One alert that says in short what many alerts say. */
export const digestOf = (alerts: ReadonlyArray<Alert.Alert>, now: number): Alert.Alert => {
  const worstFirst = alerts.toSorted((one, other) => {
    const isOver = Number(Alert.isOver(one)) - Number(Alert.isOver(other))
    if (isOver !== 0) return isOver
    if (one.severity === other.severity) return other.total - one.total
    return Incident.isHigher(one.severity, other.severity) ? -1 : 1
  })
  const titles = worstFirst.slice(0, shown).map(Alert.title)
  const more = alerts.length - titles.length
  const statuses = new Map<Incident.Status, number>()
  for (const { status } of alerts) statuses.set(status, (statuses.get(status) ?? 0) + 1)
  const sum = (of: (alert: Alert.Alert) => number) => alerts.reduce((all, alert) => all + of(alert), 0)
  const incident = nameOf("digest", now)
  const at = DateTime.makeUnsafe(now)
  return {
    // The same alerts again are the same digest.
    id: `digest/${alerts[0]?.id}/${alerts.at(-1)?.id}/${alerts.length}`,
    route: "digest",
    key: "digest",
    incident,
    status: alerts.every(Alert.isOver) ? "resolved" : "opened",
    severity: worstFirst[0]?.severity ?? "Error",
    level: "program",
    code: "alert_digest",
    actor: "operator",
    message: [...titles, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"),
    urls: [],
    jobIds: [],
    count: sum(({ count }) => count),
    total: sum(({ total }) => total),
    at,
    firstAt: alerts.reduce((least, { firstAt }) => DateTime.min(least, firstAt), at),
    lastAt: alerts.reduce((last, { lastAt }) => DateTime.max(last, lastAt), DateTime.makeUnsafe(0)),
    digest: Object.fromEntries(statuses)
  }
}
