import * as Effect from "effect/Effect"
import type * as SqlError from "effect/sql/SqlError"
import { createHash } from "node:crypto"
import * as Outbox from "../Outbox.ts"

/** Keys and ids may be longer than an index takes. */
export const hashOf = (...parts: ReadonlyArray<string>): string =>
  createHash("sha256").update(parts.join("\n")).digest("hex")

/** Makes tables and indices. PostgreSQL refuses `IF NOT EXISTS` while another process makes the same one: then it is there. */
export const created = (statements: ReadonlyArray<Effect.Effect<unknown, SqlError.SqlError>>) =>
  Effect.forEach(statements, (statement) => Effect.retry(statement, { times: 2 }), { discard: true })

/** PostgreSQL's texts have no such character. */
export const withoutNul = (text: string): string => text.replaceAll("\0", "\uFFFD")

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
