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

  const rows = rowsOf(sql, name)
  const owner = ownerOf(sql, name, self)
  const { hold, interval } = Lease.make(self, Duration.fromInputUnsafe(lease), owner)
  return {
    load: bounded("read", sql.withTransaction(rows.read)),
    commit: (changes) => bounded("written", sql.withTransaction(Effect.andThen(owner.confirm, rows.write(changes)))),
    share: {
      interval,
      hold: (calls) => bounded("held", hold(calls)),
      letGo: bounded("let go", owner.letGo),
      passOn: (body) => bounded("passed on to", rows.passOn(self, body)),
      passedOn: bounded("read", rows.passedOn)
    }
  }
})

/** The row that says which process holds the outbox. */
const ownerOf = (sql: SqlClient.SqlClient, program: string, self: string) => {
  const hasRow = Effect.map((rows: ReadonlyArray<unknown>) => rows.length > 0)
  const beat = hasRow(sql`UPDATE redrive_owners SET beat = beat + 1
    WHERE program = ${program} AND owner = ${self} RETURNING owner`)
  const store: Lease.Store<SqlError.SqlError> = {
    read: Effect.map(
      sql<Lease.Row>`SELECT owner, beat, calls FROM redrive_owners WHERE program = ${program}`,
      (rows) => rows[0]
    ),
    begin: sql`INSERT INTO redrive_owners ${sql.insert({ program, owner: "", beat: 0, calls: "[]" })}
      ON CONFLICT (program) DO NOTHING`,
    beat: (calls) =>
      hasRow(sql`UPDATE redrive_owners SET beat = beat + 1, calls = ${calls}
        WHERE program = ${program} AND owner = ${self} RETURNING owner`),
    seize: ({ beat, owner }) =>
      hasRow(sql`UPDATE redrive_owners SET owner = ${self}, beat = beat + 1, calls = '[]'
        WHERE program = ${program} AND owner = ${owner} AND beat = ${Number(beat)} RETURNING owner`)
  }
  return {
    ...store,
    /** Fails within a transaction unless this process holds the outbox. */
    confirm: Effect.flatMap(beat, (isHeld) => (isHeld ? Effect.void : Effect.fail(Lease.takenOver))),
    letGo: sql`UPDATE redrive_owners SET owner = '' WHERE program = ${program} AND owner = ${self}`
  }
}

/** What a program keeps. */
const rowsOf = (sql: SqlClient.SqlClient, program: string) => {
  /** The number of the next alert: alerts are read in the order in which they were added. */
  let next = 0
  /** How many texts this process has passed on. */
  let passed = 0

  const read = Effect.gen(function* () {
    const incidents = yield* sql<Row>`SELECT route, body FROM redrive_incidents WHERE program = ${program}`
    const alerts = yield* sql<Row>`SELECT sink, body, added FROM redrive_alerts
      WHERE program = ${program} ORDER BY added`
    // New alerts come after all that are there.
    next = Number(alerts.at(-1)?.added ?? -1) + 1
    const messages = yield* sql<Row>`SELECT body FROM redrive_messages WHERE program = ${program}`
    return { ...keptOf(incidents, alerts), messages: messages.map(({ body }): Message => JSON.parse(body)) }
  })

  const write = Effect.fnUntraced(function* ({ added, done, heard = [], incidents, messages = [] }: Changes) {
    yield* writeIncidents(sql, program, incidents)
    const first = next
    next += added.length
    yield* insertAlerts(sql, program, added, first)
    yield* remove(
      sql,
      "redrive_alerts",
      done.map(({ id, sink }) => hashOf(program, sink, id))
    )
    yield* remove(sql, "redrive_heard", heard)
    yield* writeMessages(sql, program, messages)
  })

  return {
    read,
    write,
    passOn: (self: string, body: string) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        const row = { id: `${self} ${passed++}`, program, at, body }
        return sql`INSERT INTO redrive_heard ${sql.insert(row)}`
      }),
    passedOn: sql<PassedOn>`SELECT id, body AS text FROM redrive_heard
      WHERE program = ${program} ORDER BY at, id LIMIT ${mostRows}`
  }
}

const remove = (sql: SqlClient.SqlClient, table: string, ids: Iterable<string>) =>
  Effect.forEach(Arr.chunksOf(ids, mostRows), (some) => sql`DELETE FROM ${sql(table)} WHERE ${sql.in("id", some)}`, {
    discard: true
  })

const writeIncidents = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  program: string,
  incidents: Changes["incidents"]
) {
  const upserts = incidents.flatMap(({ incident, key, route }) =>
    incident === undefined ? [] : [{ id: hashOf(program, route, key), program, route, body: encodeIncident(incident) }]
  )
  for (const rows of Arr.chunksOf(upserts, mostRows))
    yield* sql`INSERT INTO redrive_incidents ${sql.insert(rows)} ON CONFLICT (id) DO UPDATE SET body = excluded.body`
  const forgotten = incidents.flatMap(({ incident, key, route }) =>
    incident === undefined ? [hashOf(program, route, key)] : []
  )
  yield* remove(sql, "redrive_incidents", forgotten)
})

/** Numbers alerts from `first` on. */
const insertAlerts = (sql: SqlClient.SqlClient, program: string, added: Changes["added"], first: number) => {
  const alerts = added.map(({ alert, sink }, index) => ({
    id: hashOf(program, sink, alert.id),
    program,
    sink,
    added: first + index,
    body: encodeAlert(alert)
  }))
  return Effect.forEach(
    Arr.chunksOf(alerts, mostRows),
    (rows) => sql`INSERT INTO redrive_alerts ${sql.insert(rows)} ON CONFLICT (id) DO NOTHING`,
    { discard: true }
  )
}

const writeMessages = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  program: string,
  messages: ReadonlyArray<Message>
) {
  // The last one of each counts.
  const last = new Map(messages.map((message) => [hashOf(program, message.sink, message.incident), message]))
  yield* remove(sql, "redrive_messages", last.keys())
  const named = [...last].flatMap(([id, { id: message, incident, sink }]) =>
    message === undefined ? [] : [{ id, program, body: JSON.stringify({ sink, incident, id: message }) }]
  )
  for (const rows of Arr.chunksOf(named, mostRows)) yield* sql`INSERT INTO redrive_messages ${sql.insert(rows)}`
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
