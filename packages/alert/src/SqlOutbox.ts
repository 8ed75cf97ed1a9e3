/**
 * An outbox in a SQL database: SQLite or PostgreSQL, by the `SqlClient` in context.
 *
 * Several processes may share it: one of them tells people, and the others pass on to it what they hear. Its tables are made if they are not there.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import { randomUUID } from "node:crypto"
import { created, hashOf, keptOf } from "./internal/kept.ts"
import * as Lease from "./internal/lease.ts"
import {
  type Changes,
  type Message,
  encodeAlert,
  encodeIncident,
  type KeptIncident,
  Outbox,
  OutboxError,
  type PassedOn,
  type Service
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
  /** The longest time for a commit; beyond, alerts are sent without being kept. The start has 30 seconds at least. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** When nothing was heard for so long of the process that tells people, another one does. Each looks ten times in this time. Default: 10 seconds. */
  readonly lease?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = { name: Check.text, timeout: Check.duration(), lease: Check.duration() }

interface Row {
  readonly route: string
  readonly sink: string
  readonly body: string
  readonly added: number | bigint | string
}

/** No statement has more rows: databases bound the number of parameters. */
const mostRows = 1000

/**
 * Keeps incidents and alerts in the tables `redrive_incidents` and `redrive_alerts`, and what channels call their messages in `redrive_messages`. Who
 * holds them, and what the others heard, is in `redrive_owners` and `redrive_heard`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<never, OutboxError, SqlClient.SqlClient> =>
  Layer.effect(Outbox, make(Check.options("SqlOutbox.layer", rules, options)))

/**
 * The incidents that an outbox keeps, whichever process tells people of them: only that one has them in its alerter's `status`. An incident is kept some moments after
 * it changes. Fails if no `layer` has made the tables yet.
 *
 * @category queries
 * @since 0.1.0
 */
export const incidents = Effect.fnUntraced(function* (
  options: Pick<Options, "name"> = {}
): Effect.fn.Return<ReadonlyArray<KeptIncident>, SqlError.SqlError, SqlClient.SqlClient> {
  const { name = "default" } = Check.options("SqlOutbox.incidents", { name: Check.text }, options)
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<Row>`SELECT route, body FROM redrive_incidents WHERE program = ${name}`
  return keptOf(rows, []).incidents
})

const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Service, OutboxError, SqlClient.SqlClient> {
  const { lease = "10 seconds", name = "default", timeout = "5 seconds" } = options
  const sql = yield* SqlClient.SqlClient
  const self = randomUUID()
  const bounded = <A>(
    what: string,
    effect: Effect.Effect<A, SqlError.SqlError | OutboxError>,
    limit: Duration.Input = timeout
  ) =>
    effect.pipe(
      Effect.timeout(limit),
      // A connection that is lost within a transaction is a defect to Effect.
      Effect.catchCause((cause) => Effect.fail(Lease.errorOf(`the outbox could not be ${what}`, cause)))
    )
  // It connects first, and processes that start together wait for each other.
  yield* bounded("made", tables(sql), Duration.max(Duration.fromInputUnsafe(timeout), Duration.seconds(30)))

  let added = 0
  const write = Effect.fnUntraced(function* ({ added: pending, done, heard = [], incidents, messages = [] }: Changes) {
    const owners = yield* sql`UPDATE redrive_owners SET beat = beat + 1
      WHERE program = ${name} AND owner = ${self} RETURNING owner`
    if (owners.length === 0) return yield* Lease.takenOver
    const upserts = incidents.flatMap(({ incident, key, route }) =>
      incident === undefined
        ? []
        : [{ id: hashOf(name, route, key), program: name, route, body: encodeIncident(incident) }]
    )
    for (const rows of Arr.chunksOf(upserts, mostRows))
      yield* sql`INSERT INTO redrive_incidents ${sql.insert(rows)} ON CONFLICT (id) DO UPDATE SET body = excluded.body`
    const forgotten = incidents.flatMap(({ incident, key, route }) =>
      incident === undefined ? [hashOf(name, route, key)] : []
    )
    for (const ids of Arr.chunksOf(forgotten, mostRows))
      yield* sql`DELETE FROM redrive_incidents WHERE ${sql.in("id", ids)}`
    const alerts = pending.map(({ alert, sink }) => ({
      id: hashOf(name, sink, alert.id),
      program: name,
      sink,
      added: added++,
      body: encodeAlert(alert)
    }))
    for (const rows of Arr.chunksOf(alerts, mostRows))
      yield* sql`INSERT INTO redrive_alerts ${sql.insert(rows)} ON CONFLICT (id) DO NOTHING`
    const settled = done.map(({ id, sink }) => hashOf(name, sink, id))
    for (const ids of Arr.chunksOf(settled, mostRows)) yield* sql`DELETE FROM redrive_alerts WHERE ${sql.in("id", ids)}`
    for (const ids of Arr.chunksOf(heard, mostRows)) yield* sql`DELETE FROM redrive_heard WHERE ${sql.in("id", ids)}`
    // The last one of each counts.
    const last = new Map(messages.map((message) => [hashOf(name, message.sink, message.incident), message]))
    for (const ids of Arr.chunksOf(last.keys(), mostRows))
      yield* sql`DELETE FROM redrive_messages WHERE ${sql.in("id", ids)}`
    const named = [...last].flatMap(([id, { id: message, incident, sink }]) =>
      message === undefined ? [] : [{ id, program: name, body: JSON.stringify({ sink, incident, id: message }) }]
    )
    for (const rows of Arr.chunksOf(named, mostRows)) yield* sql`INSERT INTO redrive_messages ${sql.insert(rows)}`
  })

  const read = Effect.gen(function* () {
    const incidents = yield* sql<Row>`SELECT route, body FROM redrive_incidents WHERE program = ${name}`
    const alerts = yield* sql<Row>`SELECT sink, body, added FROM redrive_alerts
      WHERE program = ${name} ORDER BY added`
    // New alerts come after all that are there.
    added = Number(alerts.at(-1)?.added ?? -1) + 1
    const messages = yield* sql<Row>`SELECT body FROM redrive_messages WHERE program = ${name}`
    return { ...keptOf(incidents, alerts), messages: messages.map(({ body }): Message => JSON.parse(body)) }
  })

  const owner = Lease.make(self, Duration.fromInputUnsafe(lease), {
    read: Effect.map(
      sql<Lease.Row>`SELECT owner, beat, calls FROM redrive_owners WHERE program = ${name}`,
      (rows) => rows[0]
    ),
    begin: sql`INSERT INTO redrive_owners ${sql.insert({ program: name, owner: "", beat: 0, calls: "[]" })}
      ON CONFLICT (program) DO NOTHING`,
    beat: (calls) =>
      Effect.map(
        sql`UPDATE redrive_owners SET beat = beat + 1, calls = ${calls}
          WHERE program = ${name} AND owner = ${self} RETURNING owner`,
        (rows) => rows.length > 0
      ),
    seize: ({ beat, owner: before }) =>
      Effect.map(
        sql`UPDATE redrive_owners SET owner = ${self}, beat = beat + 1, calls = '[]'
          WHERE program = ${name} AND owner = ${before} AND beat = ${Number(beat)} RETURNING owner`,
        (rows) => rows.length > 0
      )
  })

  let passed = 0
  return {
    load: bounded("read", sql.withTransaction(read)),
    commit: (changes) => bounded("written", sql.withTransaction(write(changes))),
    share: {
      interval: owner.interval,
      hold: (calls) => bounded("held", owner.hold(calls)),
      letGo: bounded("let go", sql`UPDATE redrive_owners SET owner = '' WHERE program = ${name} AND owner = ${self}`),
      passOn: (body) =>
        bounded(
          "passed on to",
          Effect.flatMap(Clock.currentTimeMillis, (at) => {
            const row = { id: `${self} ${passed++}`, program: name, at, body }
            return sql`INSERT INTO redrive_heard ${sql.insert(row)}`
          })
        ),
      passedOn: bounded(
        "read",
        sql<PassedOn>`SELECT id, body AS text FROM redrive_heard
          WHERE program = ${name} ORDER BY at, id LIMIT ${mostRows}`
      )
    }
  }
})

const tables = (sql: SqlClient.SqlClient) =>
  created([
    sql`CREATE TABLE IF NOT EXISTS redrive_incidents (
      id VARCHAR(64) PRIMARY KEY, program TEXT NOT NULL, route TEXT NOT NULL, body TEXT NOT NULL)`,
    sql`CREATE TABLE IF NOT EXISTS redrive_alerts (
      id VARCHAR(64) PRIMARY KEY, program TEXT NOT NULL, sink TEXT NOT NULL, added BIGINT NOT NULL, body TEXT NOT NULL)`,
    sql`CREATE TABLE IF NOT EXISTS redrive_owners (
      program VARCHAR(255) PRIMARY KEY, owner TEXT NOT NULL, beat BIGINT NOT NULL, calls TEXT NOT NULL)`,
    sql`CREATE TABLE IF NOT EXISTS redrive_heard (
      id VARCHAR(64) PRIMARY KEY, program TEXT NOT NULL, at BIGINT NOT NULL, body TEXT NOT NULL)`,
    sql`CREATE TABLE IF NOT EXISTS redrive_messages (
      id VARCHAR(64) PRIMARY KEY, program TEXT NOT NULL, body TEXT NOT NULL)`
  ])
