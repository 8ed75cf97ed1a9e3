/**
 * Why somebody was told of something, or was not, kept in a SQL database: SQLite or PostgreSQL, by the `SqlClient` in context.
 *
 * Decisions are written once in a second, and forgotten after 30 days.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Entries from "./internal/entries.ts"
import { created, hashOf, withoutNul } from "./internal/kept.ts"
import { type Entry, format, type Writer } from "./Journal.ts"

/**
 * Whose decisions these are, and how long they are kept.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The name of the program, for databases that several share. Default: `default`. */
  readonly name?: string | undefined
  /** How long decisions are kept. Default: 30 days. */
  readonly retention?: Duration.Input | undefined
  /** How often decisions are written. Default: 1 second. */
  readonly interval?: Duration.Input | undefined
}

/**
 * Which decisions are looked for.
 *
 * @category options
 * @since 0.1.0
 */
export interface Query {
  /** The key of an incident. Default: every key. */
  readonly key?: string | undefined
  /** The first moment, in epoch milliseconds. Default: the beginning. */
  readonly from?: number | undefined
  /** The moment after the last, in epoch milliseconds. Default: the end. */
  readonly until?: number | undefined
  /** The most entries; the last ones. Default: 1000. */
  readonly most?: number | undefined
}

/**
 * A journal in a database: give it to an alerter as `journal`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SqlJournal extends Writer {
  /** What was decided, oldest first, with what this process has still to write. */
  readonly entries: (query: Query) => Effect.Effect<ReadonlyArray<Entry>, SqlError.SqlError>
  /** The same in words, a line for each. */
  readonly explain: (query: Query) => Effect.Effect<ReadonlyArray<string>, SqlError.SqlError>
}

const rules: Check.Rules<Options> = { name: Check.text, retention: Check.duration(), interval: Check.duration() }

/** No more decisions wait to be written; the oldest make room. */
const mostWaiting = 10_000

/** No statement has more rows: databases bound the number of parameters. */
const mostRows = 500

interface Row {
  readonly name: string
  readonly at: number | bigint | string
  readonly route: string
  readonly incident: string
  readonly decision: Entry["decision"]
  readonly why: string
  readonly sinks: string
  readonly count: number | bigint | string
}

/**
 * Makes a journal, and its table `redrive_decisions` if it is not there. What waits is written at the end of the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<SqlJournal, SqlError.SqlError, SqlClient.SqlClient | Scope.Scope> {
  const { interval = "1 second", name = "default", retention = "30 days" } = Check.options("SqlJournal", rules, options)
  const sql = yield* SqlClient.SqlClient
  const clock = yield* Clock.Clock
  const kept = Duration.toMillis(Duration.fromInputUnsafe(retention))
  yield* tables(sql)

  const { note, write } = writing(sql, name)
  const forget = Effect.suspend(
    () => sql`DELETE FROM redrive_decisions WHERE program = ${name} AND at < ${clock.currentTimeMillisUnsafe() - kept}`
  ).pipe(Effect.ignoreCause)

  yield* Effect.addFinalizer(() => write)
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(interval), write)))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(forget, Effect.sleep("1 hour"))))

  const entries = (query: Query) => Effect.andThen(write, found(sql, name, query))
  return { note, entries, explain: (query) => Effect.map(entries(query), (all) => all.map(format)) }
})

const tables = (sql: SqlClient.SqlClient) =>
  created([
    sql`CREATE TABLE IF NOT EXISTS redrive_decisions (
      id VARCHAR(64) PRIMARY KEY, program TEXT NOT NULL, subject VARCHAR(64) NOT NULL, name TEXT NOT NULL, at BIGINT NOT NULL,
      route TEXT NOT NULL, incident TEXT NOT NULL, decision TEXT NOT NULL, why TEXT NOT NULL, sinks TEXT NOT NULL, count BIGINT NOT NULL)`,
    sql`CREATE INDEX IF NOT EXISTS redrive_decisions_of ON redrive_decisions (subject, at)`,
    sql`CREATE INDEX IF NOT EXISTS redrive_decisions_at ON redrive_decisions (program, at)`
  ])

/** Decisions that wait to be written, which are written together. */
const writing = (sql: SqlClient.SqlClient, program: string) => {
  let waiting = new Map<string, Entry>()
  const note = (entry: Entry) => Entries.note(waiting, entry, mostWaiting)

  const write = Effect.suspend(() => {
    const entries = [...waiting]
    if (entries.length === 0) return Effect.void
    waiting = new Map()
    const rows = entries.map(([id, entry]) => rowOf(program, id, entry))
    const all = Effect.forEach(
      Arr.chunksOf(rows, mostRows),
      (some) =>
        sql`INSERT INTO redrive_decisions ${sql.insert(some)}
          ON CONFLICT (id) DO UPDATE SET count = redrive_decisions.count + excluded.count`,
      { discard: true }
    )
    // What cannot be written, or is interrupted, waits for the next turn, as long as there is room.
    const back = Effect.sync(() => {
      const since = waiting
      waiting = new Map()
      for (const entry of [...entries, ...since]) note(entry[1])
    })
    return Effect.ignoreCause(Effect.onError(sql.withTransaction(all), () => back))
  })
  return { note, write }
}

const rowOf = (
  program: string,
  id: string,
  { at, count, decision, incident, key, route, sinks, why }: Entry
): Readonly<Record<string, string | number>> => ({
  id: hashOf(program, id),
  program,
  subject: hashOf(program, key),
  name: withoutNul(key),
  at,
  route,
  incident: withoutNul(incident),
  decision,
  why: withoutNul(why),
  sinks: JSON.stringify(sinks),
  count
})

/** The decisions of a program that have been written. */
const found = (
  sql: SqlClient.SqlClient,
  program: string,
  { from = 0, key, most = 1000, until = Number.MAX_SAFE_INTEGER }: Query
) =>
  Effect.map(
    sql<Row>`SELECT name, at, route, incident, decision, why, sinks, count FROM redrive_decisions
      WHERE ${key === undefined ? sql`program = ${program}` : sql`subject = ${hashOf(program, key)}`}
      AND at >= ${from} AND at < ${until} ORDER BY at DESC LIMIT ${most}`,
    (rows) =>
      rows
        .map(({ at, count, name, sinks, ...rest }): Entry => ({
          ...rest,
          key: key ?? name,
          at: Number(at),
          count: Number(count),
          sinks: JSON.parse(sinks)
        }))
        .toReversed()
  )
