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
 * The database file, and how long to wait for its lock.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The database file, created if it does not exist, or `:memory:`. Required. */
  readonly filename: string
  /** How long a statement waits for another connection's lock. The event loop stands still for that time. Default: 5 seconds. */
  readonly busyTimeout?: Duration.Input | undefined
  /**
   * How long a statement, a transaction or a stream waits while streams of the same client hold the connection, in all. A statement that the
   * stream's own reader runs would wait for ever. Default: 30 seconds.
   */
  readonly streamTimeout?: Duration.Input | undefined
}

/**
 * A client of a database, closed with its scope. Fails with an `SqlError` if an option is wrong, or the file cannot be opened. A file that
 * is no database is left as it is.
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
    // Statements borrow the connection; only a stream takes it by this way.
    acquirer: queue.stream,
    borrower: queue.statement,
    // What begins a transaction by itself on a reserved connection, and does not end it, has none afterwards.
    transactionAcquirer: queue.lease.pipe(
      Effect.andThen(Effect.addFinalizer(() => Effect.sync(() => rolledBack(database)))),
      Effect.map(() => connect(true))
    ),
    compiler: Statement.makeCompilerSqlite(),
    driver: "node:sqlite",
    spanAttributes: [["db.system.name", "sqlite"]],
    prepareTransactionControls: true,
    // A transaction that reads first and writes later would fail where another process wrote in between.
    beginTransaction: "BEGIN IMMEDIATE"
  })
})

/**
 * A client of a database for a program, as `make` opens it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(SqlClient.SqlClient, make(options)).pipe(Layer.provide(Reactivity.layer))

/**
 * A statement that a stream's reader runs waits for the stream, which waits for its reader. So whatever stands behind a stream waits for a
 * limited time. The time counts while a stream holds the connection, and adds up over all streams ahead: a transaction may take longer.
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

  /** The scope of its own gives the connection back if it comes at the moment at which the time is over. */
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

  // It is counted once its own way is chosen: before, it would stand behind itself.
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
      // SQLite takes an empty name for a database that is deleted when it is closed.
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
  const read = Duration.fromInput(given)
  if (Option.isNone(read) || Number.isNaN(given)) throw new TypeError(`${option} is not a duration`)
  return read.value
}

/** SQLite counts milliseconds in 32 bits. */
const longestTimeout = 2 ** 31 - 1

const open = (filename: string, busyTimeout: Duration.Duration): Effect.Effect<DatabaseSync, SqlError> =>
  Effect.try({
    try: () => {
      const timeout = Math.min(Math.ceil(Duration.toMillis(busyTimeout)), longestTimeout)
      const database = new DatabaseSync(filename, { timeout })
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
