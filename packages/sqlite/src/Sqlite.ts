/**
 * Effect's `SqlClient` over the SQLite that comes with Node.js.
 *
 * One connection, one transaction at a time, statements prepared once. The database is in write-ahead mode, checks foreign keys, and
 * waits for another process's lock. It is synchronous: a slow statement blocks the event loop, as SQLite in a process does.
 *
 * @since 0.1.0
 */
import { DatabaseSync } from "node:sqlite"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { connectionTo } from "./internal/connection.ts"
import { sqlError } from "./internal/error.ts"

/**
 * The database file, and how long to wait for its lock.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The database file, created if it does not exist, or `:memory:`. Required. */
  readonly filename: string
  /** How long a statement waits for another connection's lock. Default: 5 seconds. */
  readonly busyTimeout?: Duration.Input | undefined
}

/**
 * A client of a database, closed with its scope. A file that is no database is refused and left as it is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SqlClient.SqlClient, SqlError, Scope.Scope | Reactivity.Reactivity> {
  const database = yield* Effect.acquireRelease(open(options), (database) => Effect.sync(() => database.close()))
  const semaphore = yield* Semaphore.make(1)
  return yield* SqlClient.make({
    ...SqlClient.makeSqliteAcquirers({
      connection: Effect.succeed(connectionTo(database)),
      semaphore,
      isTransaction: () => database.isTransaction
    }),
    compiler: Statement.makeCompilerSqlite(),
    driver: "node:sqlite",
    spanAttributes: [["db.system.name", "sqlite"]],
    prepareTransactionControls: true,
    // A transaction that reads first and writes later would fail where another process wrote in between.
    beginTransaction: "BEGIN IMMEDIATE"
  })
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

const open = ({ busyTimeout = Duration.seconds(5), filename }: Options): Effect.Effect<DatabaseSync, SqlError> =>
  Effect.try({
    try: () => {
      const database = new DatabaseSync(filename, { timeout: Duration.toMillis(busyTimeout) })
      try {
        // The first read tells whether the file is a database; only then is anything written to it.
        database.exec("PRAGMA schema_version; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        return database
      } catch (cause) {
        database.close()
        throw cause
      }
    },
    catch: (cause) => sqlError(cause, "open", `cannot open database ${filename}`)
  })
