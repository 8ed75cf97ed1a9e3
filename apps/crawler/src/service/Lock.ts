/**
 * Locks a database file to one process, since two would fetch every page twice and charge for it twice.
 *
 * The lock is a transaction on an empty database next to the file. The operating system releases it however the process ends, so no lock
 * is left behind. Other programs can still read and write the file itself.
 */
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"

/** Another process uses the database; `pid` is its id, if known. */
export class DatabaseInUse extends Data.TaggedError("DatabaseInUse")<{
  readonly file: string
  readonly pid: number | undefined
}> {
  override get message(): string {
    return `database ${this.file} is in use by ${this.pid === undefined ? "another process" : `process ${this.pid}`}`
  }
}

/** A process that was stopped or killed needs a moment to end. */
const patience = Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(10)])

/** Locks the file of the context's database until the scope closes. A database in memory needs no lock. */
export const acquire: Effect.Effect<void, DatabaseInUse | SqlError, SqlClient.SqlClient | Scope.Scope> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    // SQLite reports the file's absolute path without symbolic links, so it is the same for every process.
    const [main] = yield* sql<{ file: string }>`SELECT file FROM pragma_database_list WHERE name = 'main'`
    const file = main?.file ?? ""
    if (file === "") return
    const inUse = Effect.flatMap(holder(sql), (pid) => Effect.fail(new DatabaseInUse({ file, pid })))
    yield* Effect.acquireRelease(
      Effect.retry(take(`${file}-lock`), { schedule: patience, while: isBusy }).pipe(
        Effect.catchIf(isBusy, () => inUse)
      ),
      (held) => Effect.sync(() => held.close())
    )
  }
)

/** Notes this process in the database, for the message to a process that is refused. */
export const sign: Effect.Effect<void, SqlError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`DELETE FROM holder`
  yield* sql`INSERT INTO holder ${sql.insert({ pid: process.pid })}`
})

/** Reads the process that uses the database; a database made by an older version has no such table. */
const holder = (sql: SqlClient.SqlClient) =>
  Effect.map(
    Effect.orElseSucceed(sql<{ pid: number }>`SELECT pid FROM holder`, () => []),
    ([row]) => row?.pid
  )

const take = (file: string): Effect.Effect<DatabaseSync, SqlError> =>
  Effect.try({
    try: () => {
      const database = new DatabaseSync(file, { timeout: 0 })
      try {
        database.exec("BEGIN EXCLUSIVE")
        return database
      } catch (cause) {
        database.close()
        throw cause
      }
    },
    catch: (cause) => {
      const errno = Predicate.hasProperty(cause, "errcode") ? cause.errcode : undefined
      const said = cause instanceof Error ? cause.message : String(cause)
      return new SqlError({
        reason: classifySqliteError({ errno, cause }, { message: `cannot lock database ${file}: ${said}` })
      })
    }
  })

const isBusy = ({ reason }: SqlError): boolean => reason._tag === "LockTimeoutError"
