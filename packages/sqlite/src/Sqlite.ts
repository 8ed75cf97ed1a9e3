/**
 * Effect's `SqlClient` over the SQLite that comes with Node.js.
 *
 * It has one connection, runs one transaction at a time, and prepares each statement once. The database is in write-ahead mode, checks foreign
 * keys, and waits for another process's lock. Statements run synchronously, so a slow one blocks the event loop.
 *
 * @since 0.1.0
 */
import { DatabaseSync } from "node:sqlite"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlConnection from "effect/sql/SqlConnection"
import { LockTimeoutError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { connectionsTo, rolledBack } from "./internal/connection.ts"
import { sqlError } from "./internal/error.ts"

/**
 * The database file, and how long to wait for locks and streams.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The path of the database file, created if it does not exist, or `:memory:`. No default. */
  readonly filename: string
  /** The longest wait of a statement for another connection's lock. The event loop is blocked meanwhile. Default: 5 seconds. */
  readonly busyTimeout?: Duration.Input | undefined
  /**
   * The longest wait of a statement, a transaction or a stream for streams of the same client, which hold the connection. It then fails with a
   * `LockTimeoutError`: without a limit, a statement that the stream's own reader runs would wait for ever. Default: 30 seconds.
   */
  readonly streamTimeout?: Duration.Input | undefined
}

/**
 * Opens a database, and closes it with the scope. Fails with an `SqlError` if an option is wrong or the file cannot be opened. A file that is
 * not a database is left as it is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<SqlClient.SqlClient, SqlError, Scope.Scope | Reactivity.Reactivity> {
  const { busyTimeout, filename, streamTimeout } = yield* checked(options)
  const database = yield* Effect.acquireRelease(open(filename, busyTimeout), (database) =>
    Effect.sync(() => database.close())
  )
  const connect = connectionsTo(database)
  const semaphore = yield* Semaphore.make(1)
  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connect(false)),
    semaphore,
    isTransaction: () => database.isOpen && database.isTransaction
  })
  const queue = queueOf(acquirers.acquirer, acquirers.borrower, streamTimeout)
  return yield* SqlClient.make({
    ...acquirers,
    // Statements borrow the connection; only a stream acquires it.
    acquirer: queue.stream,
    borrower: queue.statement,
    // A transaction that a program leaves open on a reserved connection is rolled back.
    transactionAcquirer: queue.lease.pipe(
      Effect.andThen(Effect.addFinalizer(() => Effect.sync(() => rolledBack(database)))),
      Effect.map(() => connect(true))
    ),
    compiler: Statement.makeCompilerSqlite(),
    driver: "node:sqlite",
    spanAttributes: [["db.system.name", "sqlite"]],
    prepareTransactionControls: true,
    // A transaction that reads first and writes later would fail if another process wrote in between.
    beginTransaction: "BEGIN IMMEDIATE"
  })
})

/**
 * Provides a client of a database, opened as `make` does. Fails with an `SqlError` as `make` does.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

/**
 * A statement that a stream's reader runs waits for the stream, which waits for its reader. So a wait behind a stream is limited. Only the time
 * in which a stream holds the connection counts, added up over all streams ahead. Waiting for a transaction does not count.
 */
const queueOf = (connection: SqlConnection.Acquirer, borrower: SqlConnection.Borrower, atMost: Duration.Duration) => {
  const someStream = Latch.makeUnsafe(false)
  const noStream = Latch.makeUnsafe(true)
  let streams = 0

  const counted = Effect.acquireRelease(
    Effect.sync(() => streams++),
    () => Effect.sync(() => streams--)
  )
  const holding = Effect.acquireRelease(Effect.andThen(noStream.close, someStream.open), () =>
    Effect.andThen(someStream.close, noStream.open)
  )

  const timeOut = (left: Duration.Duration): Effect.Effect<never, SqlError> =>
    someStream.await.pipe(
      Effect.andThen(Effect.timed(Effect.timeoutOrElse(noStream.await, { duration: left, orElse: heldByStream }))),
      Effect.flatMap(([waited]) => timeOut(Duration.subtract(left, waited)))
    )

  /** Its own scope gives the connection back if it arrives just as the time is over. */
  const leaseInTime = Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.fork(yield* Effect.scope)
      const leased = Effect.raceFirst(Scope.provide(connection, scope), timeOut(atMost))
      return yield* Effect.onError(restore(leased), (cause) => Scope.close(scope, Exit.failCause(cause)))
    })
  )

  const lease = Effect.suspend(() => (streams === 0 ? connection : leaseInTime))
  const statement: SqlConnection.Borrower = (use) =>
    Effect.suspend(() =>
      streams === 0
        ? borrower(use)
        : Effect.acquireUseRelease(
            Scope.make(),
            (scope) => Effect.flatMap(Scope.provide(leaseInTime, scope), use),
            Scope.close
          )
    )

  // A stream is counted after it has chosen how to wait; otherwise it would wait for itself.
  const stream = Effect.suspend(() => {
    const own = streams === 0 ? connection : leaseInTime
    return counted.pipe(Effect.andThen(own), Effect.tap(holding))
  })
  return { lease, statement, stream }
}

const heldByStream = (): Effect.Effect<never, SqlError> => {
  const cause = new Error(
    "a stream holds the connection: read it to its end first, or run it and the statement in one sql.withTransaction"
  )
  return Effect.fail(
    new SqlError({ reason: new LockTimeoutError({ cause, message: cause.message, operation: "acquire" }) })
  )
}

const optionNames: ReadonlyArray<string> = ["filename", "busyTimeout", "streamTimeout"] satisfies ReadonlyArray<
  keyof Options
>

interface Checked {
  readonly filename: string
  readonly busyTimeout: Duration.Duration
  readonly streamTimeout: Duration.Duration
}

const checked = (options: Options): Effect.Effect<Checked, SqlError> =>
  Effect.try({
    try: () => {
      const unknown = Object.keys(options).filter((name) => !optionNames.includes(name))
      if (unknown.length > 0) {
        throw new TypeError(`unknown option ${unknown.join(", ")}; the options are ${optionNames.join(", ")}`)
      }
      const { busyTimeout = "5 seconds", filename, streamTimeout = "30 seconds" } = options
      // For SQLite, an empty name means a temporary database.
      if (typeof filename !== "string" || filename === "") throw new TypeError("filename is not the name of a file")
      return {
        filename,
        busyTimeout: duration("busyTimeout", busyTimeout),
        streamTimeout: duration("streamTimeout", streamTimeout)
      }
    },
    catch: (cause) => sqlError(cause, "open", "cannot open database")
  })

const duration = (option: string, given: Duration.Input): Duration.Duration => {
  const parsed = Duration.fromInput(given)
  if (Option.isNone(parsed) || Number.isNaN(given)) throw new TypeError(`${option} is not a duration`)
  return parsed.value
}

/** SQLite counts milliseconds in 32 bits. */
const longestTimeout = 2 ** 31 - 1

const open = (filename: string, busyTimeout: Duration.Duration): Effect.Effect<DatabaseSync, SqlError> =>
  Effect.try({
    try: () => {
      const timeout = Math.min(Math.ceil(Duration.toMillis(busyTimeout)), longestTimeout)
      const database = new DatabaseSync(filename, { timeout })
      try {
        // The first statement fails if the file is not a database, before anything is written to it.
        database.exec("PRAGMA schema_version; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        return database
      } catch (cause) {
        database.close()
        throw cause
      }
    },
    catch: (cause) => sqlError(cause, "open", `cannot open database ${filename}`)
  })
