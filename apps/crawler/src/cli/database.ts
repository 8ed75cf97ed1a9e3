/**
 * Commands that look into a database that `serve`, or a program with `@redrive/durable`, has made.
 */
import { DatabaseSync } from "node:sqlite"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Database from "../service/Database.ts"
import * as DatabaseName from "../service/DatabaseName.ts"
import { sqliteError } from "../service/sqliteError.ts"
import { Problem } from "./Problem.ts"

/** What a command needs of a database. */
export interface Needs {
  /** A table that is there if the database has what the command looks at. */
  readonly table: string
  /** What it looks at, such as `accounts`. */
  readonly what: string
  /** What to do where there is no database. */
  readonly missing: string
  /** What to do where it is not what the command needs. */
  readonly unusable: string
}

/**
 * Runs a command on a database that is there, which others may use meanwhile. A wrong name must not make an empty one, and a wrong file must stay as it
 * is: it is looked at before anything is made in it.
 */
export const on = <A, E extends Error, R, E2 extends Error>(
  database: string,
  services: Layer.Layer<R, E2, SqlClient.SqlClient>,
  needs: Needs,
  command: Effect.Effect<A, E, R>
): Effect.Effect<A, Problem, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    yield* admit(database)
    const isFile = !DatabaseName.isPostgres(database)
    if (isFile && !(yield* Effect.orElseSucceed(fs.exists(database), () => false)))
      return yield* new Problem({ wrong: `there is no database ${database}.`, advice: needs.missing })
    const has = isFile
      ? isInFile(database, needs.table)
      : Effect.provide(isInPostgres(needs.table), Database.client(database))
    const lacking = new Problem({
      wrong: `the database ${DatabaseName.nameOf(database)} has no ${needs.what}.`,
      advice: needs.unusable
    })
    const work = Effect.provide(command, Layer.provide(services, Database.client(database)))
    const admitted = Effect.gen(function* () {
      if (!(yield* has)) return yield* lacking
      return yield* work
    })
    return yield* Effect.mapError(admitted, (error) =>
      error instanceof Problem ? error : new Problem({ wrong: unusable(database, error), advice: needs.unusable })
    )
  })

/** Whether a SQLite file has a table. The client is not asked: it would give the file a write-ahead log. */
const isInFile = (file: string, table: string): Effect.Effect<boolean, SqlError> =>
  Effect.try({
    try: () => {
      const database = new DatabaseSync(file, { timeout: 5000 })
      try {
        return (
          database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table) !== undefined
        )
      } finally {
        database.close()
      }
    },
    catch: (cause) => sqliteError(cause, `cannot open database ${file}`)
  })

const isInPostgres = (table: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(sql<{ is: boolean }>`SELECT to_regclass(${table}) IS NOT NULL AS is`, ([row]) => row?.is === true)
  )

/** Refuses the address of another server, which may have a password: it would be taken for the name of a file, and shown. */
const admit = (database: string): Effect.Effect<void, Problem> =>
  DatabaseName.isUnknown(database)
    ? new Problem({
        wrong: "--database is neither a file nor PostgreSQL's.",
        advice: "Give it the name of a SQLite file, or postgres://USER@HOST/DATABASE."
      })
    : Effect.void

/** Says that a database cannot be used, and why, without what it was called with. */
export const unusable = (database: string, error: Error): string => {
  const why = whyOf(error)
  const name = DatabaseName.nameOf(database)
  return why.includes(name) ? `${why}.` : `cannot use the database ${name}: ${why}.`
}

const whyOf = (error: Error): string => {
  const said = saidBy(error)
  if (!isSqlError(said)) return error.message
  const { cause, message } = said.reason
  // The client of PostgreSQL says only that it failed to connect.
  return message === "PgConnection: Failed to connect" && cause instanceof Error && cause.message !== ""
    ? cause.message
    : message
}

/** A store of tasks says what it could not do, and its cause why. */
const saidBy = (error: unknown): unknown => {
  const cause = Predicate.hasProperty(error, "cause") ? error.cause : undefined
  return !isSqlError(error) && Cause.isCause(cause) ? Cause.squash(cause) : error
}
