import { createHash } from "node:crypto"
import * as Outbox from "../Outbox.ts"

/** Keys and ids may be longer than an index takes. */
export const hashOf = (...parts: ReadonlyArray<string>): string =>
  createHash("sha256").update(parts.join("\n")).digest("hex")

/** What was kept, given the texts in a store. What cannot be read is counted. */
export const keptOf = (
  incidents: ReadonlyArray<{ readonly route: string; readonly body: string }>,
  alerts: ReadonlyArray<{ readonly sink: string; readonly body: string }>
): Outbox.Kept => {
  const kept = incidents.flatMap(({ body, route }) => {
    const incident = Outbox.decodeIncident(body)
    return incident === undefined ? [] : [{ route, incident }]
  })
  const pending = alerts.flatMap(({ body, sink }) => {
    const alert = Outbox.decodeAlert(body)
    return alert === undefined ? [] : [{ sink, alert }]
  })
  return { incidents: kept, pending, unread: incidents.length + alerts.length - kept.length - pending.length }
}
