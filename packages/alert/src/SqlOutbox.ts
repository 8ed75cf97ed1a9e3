/**
 * An outbox in a SQL database: SQLite or PostgreSQL, by the `SqlClient` in context.
 *
 * One process uses the rows of one `name` at a time. Two tables are made if they are not there.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { createHash } from "node:crypto"
import {
  type Changes,
  decodeAlert,
  decodeIncident,
  encodeAlert,
  encodeIncident,
  Outbox,
  OutboxError
} from "./Outbox.ts"

/**
 * Whose rows these are, and how long a statement may take.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The name of the program, for databases that several share. Default: `default`. */
  readonly name?: string | undefined
  /** The longest time for a commit; beyond, alerts are sent without being kept. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = { name: Check.text, timeout: Check.duration() }

/** Keys and ids may be longer than an index takes. */
const hashOf = (...parts: ReadonlyArray<string>): string => createHash("sha256").update(parts.join("\n")).digest("hex")

interface Row {
  readonly route: string
  readonly sink: string
  readonly body: string
  readonly added: number | bigint | string
}

/**
 * Keeps incidents and alerts in the tables `redrive_incidents` and `redrive_alerts`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never, OutboxError, SqlClient.SqlClient> => {
  const { name = "default", timeout = "5 seconds" } = Check.options("SqlOutbox.layer", rules, options)
  const bounded = <A>(what: string, effect: Effect.Effect<A, SqlError.SqlError>): Effect.Effect<A, OutboxError> =>
    effect.pipe(
      Effect.timeout(timeout),
      // A connection that is lost within a transaction is a defect to Effect.
      Effect.catchCause((cause) => Effect.fail(new OutboxError({ message: `the outbox could not be ${what}`, cause })))
    )
  return Layer.effect(
    Outbox,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* bounded(
        "made",
        Effect.gen(function* () {
          yield* sql`CREATE TABLE IF NOT EXISTS redrive_incidents (
            id VARCHAR(64) PRIMARY KEY, program TEXT NOT NULL, route TEXT NOT NULL, body TEXT NOT NULL)`
          yield* sql`CREATE TABLE IF NOT EXISTS redrive_alerts (
            id VARCHAR(64) PRIMARY KEY, program TEXT NOT NULL, sink TEXT NOT NULL, added BIGINT NOT NULL, body TEXT NOT NULL)`
        })
      )
      let added = 0
      const write = Effect.fnUntraced(function* ({ added: pending, done, incidents }: Changes) {
        for (const { incident, key, route } of incidents) {
          const id = hashOf(name, route, key)
          if (incident === undefined) yield* sql`DELETE FROM redrive_incidents WHERE id = ${id}`
          else
            yield* sql`INSERT INTO redrive_incidents (id, program, route, body)
              VALUES (${id}, ${name}, ${route}, ${encodeIncident(incident)})
              ON CONFLICT (id) DO UPDATE SET body = excluded.body`
        }
        for (const { alert, sink } of pending)
          yield* sql`INSERT INTO redrive_alerts (id, program, sink, added, body)
            VALUES (${hashOf(name, sink, alert.id)}, ${name}, ${sink}, ${added++}, ${encodeAlert(alert)})
            ON CONFLICT (id) DO NOTHING`
        for (const { id, sink } of done) yield* sql`DELETE FROM redrive_alerts WHERE id = ${hashOf(name, sink, id)}`
      })
      return {
        load: bounded(
          "read",
          Effect.gen(function* () {
            const incidents = yield* sql<Row>`SELECT route, body FROM redrive_incidents WHERE program = ${name}`
            const alerts = yield* sql<Row>`SELECT sink, body, added FROM redrive_alerts
              WHERE program = ${name} ORDER BY added`
            // New alerts come after all that are there.
            added = Number(alerts.at(-1)?.added ?? -1) + 1
            const kept = incidents.flatMap(({ body, route }) => {
              const incident = decodeIncident(body)
              return incident === undefined ? [] : [{ route, incident }]
            })
            const pending = alerts.flatMap(({ body, sink }) => {
              const alert = decodeAlert(body)
              return alert === undefined ? [] : [{ sink, alert }]
            })
            const unread = incidents.length + alerts.length - kept.length - pending.length
            return { incidents: kept, pending, unread }
          })
        ),
        commit: (changes) => bounded("written", sql.withTransaction(write(changes)))
      }
    })
  )
}
