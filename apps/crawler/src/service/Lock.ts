/**
 * One process at a time works the jobs of a database file: two would fetch every page twice and charge for it twice.
 *
 * The lock is a transaction on an empty database next to the file. The operating system ends it with the process, however that ends, so
 * that no lock is ever left behind. The file itself stays open to everybody, as for a look at its tables.
 */
import { statSync } from "node:fs"
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { sqliteError } from "./sqliteError.ts"

/** Another process has the database; `pid` is its id, where it is known. */
export class DatabaseInUse extends Data.TaggedError("DatabaseInUse")<{
  readonly file: string
  readonly pid: number | undefined
}> {
  override get message(): string {
    return `database ${this.file} is in use by ${this.pid === undefined ? "another process" : `process ${this.pid}`}`
  }
}

/** The lock file next to a database cannot be used. */
export class LockUnusable extends Data.TaggedError("LockUnusable")<{
  readonly file: string
  readonly cause: SqlError
}> {
  override get message(): string {
    return this.cause.message
  }
}

/** A database file has several names by hard links. SQLite keeps a log for each name, so that two users would damage the file. */
export class HardLinked extends Data.TaggedError("HardLinked")<{ readonly file: string; readonly names: number }> {
  override get message(): string {
    return `database ${this.file} has ${this.names} names (hard links)`
  }
}

/** A process that was told to end, or killed, needs a moment to be gone. */
const patience = Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(10)])

/** Why a database file is not served. */
export type Refused = DatabaseInUse | HardLinked | LockUnusable

/** Locks the file of the database in context for as long as the scope. A database in memory needs no lock. */
export const acquire: Effect.Effect<void, Refused | SqlError, SqlClient.SqlClient | Scope.Scope> = Effect.gen(
  function* () {
    const sql = yield* SqlClient.SqlClient
    // SQLite's own name of the file is absolute and without symbolic links: the same for all who open it.
    const [main] = yield* sql<{ file: string }>`SELECT file FROM pragma_database_list WHERE name = 'main'`
    const file = main?.file ?? ""
    if (file === "") return
    const names = statSync(file, { throwIfNoEntry: false })?.nlink ?? 1
    if (names > 1) return yield* new HardLinked({ file, names })
    const lock = `${file}-lock`
    const inUse = Effect.flatMap(holder(sql), (pid) => Effect.fail(new DatabaseInUse({ file, pid })))
    yield* Effect.acquireRelease(
      Effect.retry(take(lock), { schedule: patience, while: isBusy }).pipe(
        Effect.catch((error): Effect.Effect<never, DatabaseInUse | LockUnusable> =>
          isBusy(error) ? inUse : Effect.fail(new LockUnusable({ file: lock, cause: error }))
        )
      ),
      (held) => Effect.sync(() => held.close())
    )
  }
)

/** Notes which process has the database, for whoever is refused. */
export const sign: Effect.Effect<void, SqlError, SqlClient.SqlClient> = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`DELETE FROM holder`
  yield* sql`INSERT INTO holder ${sql.insert({ pid: process.pid })}`
})

/** A database that an older version made has no such table. */
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
    catch: (cause) => sqliteError(cause, `cannot lock ${file}`)
  })

const isBusy = ({ reason }: SqlError): boolean => reason._tag === "LockTimeoutError"
