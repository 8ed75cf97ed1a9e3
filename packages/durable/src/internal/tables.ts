import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"

/** Makes the tables and indices that are not there. `active` is 1 until a task has ended. Each change of a row writes it into the indices that hold it: so they hold little. */
export const tables = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_tasks (
    id VARCHAR(64) PRIMARY KEY, queue VARCHAR(255) NOT NULL, task TEXT NOT NULL, key TEXT NOT NULL, grp TEXT NOT NULL,
    state VARCHAR(10) NOT NULL, active INTEGER NOT NULL, due BIGINT NOT NULL, ready_at BIGINT NOT NULL, claim TEXT,
    payload TEXT NOT NULL, policy TEXT NOT NULL, attempts INTEGER NOT NULL, kills INTEGER NOT NULL, calls INTEGER NOT NULL, call TEXT, paused BIGINT NOT NULL,
    parked_until BIGINT NOT NULL, generation INTEGER NOT NULL, redrive TEXT, added_at BIGINT NOT NULL, begun_at BIGINT, ended_at BIGINT,
    result TEXT, code TEXT NOT NULL, actor TEXT NOT NULL, because TEXT NOT NULL, message TEXT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_ready ON redrive_tasks (queue, ready_at) WHERE active = 1`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_ended ON redrive_tasks (state, ended_at) WHERE active = 0`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_key ON redrive_tasks (key) WHERE active = 1 AND key <> ''`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_grp ON redrive_tasks (grp) WHERE active = 1 AND grp <> ''`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_gates (
    gate VARCHAR(500) PRIMARY KEY, until BIGINT NOT NULL, why TEXT NOT NULL, shut_by TEXT NOT NULL, at BIGINT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_gates_until ON redrive_gates (until)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_redrives (
    id VARCHAR(64) PRIMARY KEY, queue TEXT NOT NULL, redrive TEXT NOT NULL, filter TEXT NOT NULL, asked_by TEXT NOT NULL, at BIGINT NOT NULL, tasks INTEGER NOT NULL)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_late (
    id VARCHAR(64) PRIMARY KEY, task VARCHAR(64) NOT NULL, claim TEXT NOT NULL, at BIGINT NOT NULL, outcome TEXT NOT NULL)`
  yield* waiters(sql)
})

/** Who waits for tasks: as long as somebody does, an ended task stays. */
const waiters = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_waiters (
    id VARCHAR(64) PRIMARY KEY, run VARCHAR(64) NOT NULL, step TEXT NOT NULL, task VARCHAR(64) NOT NULL, answer TEXT,
    told INTEGER NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_waiters_run ON redrive_waiters (run)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_waiters_told ON redrive_waiters (told)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_waiters_task ON redrive_waiters (task)`
})

/** The same for workflows. */
export const workflowTables = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_runs (
    id VARCHAR(64) PRIMARY KEY, workflow TEXT NOT NULL, execution TEXT NOT NULL, state VARCHAR(10) NOT NULL, why TEXT NOT NULL,
    begun_at BIGINT NOT NULL, ended_at BIGINT, wakes INTEGER NOT NULL, woken_at BIGINT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_runs_ended ON redrive_runs (state, ended_at)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_steps (
    id VARCHAR(64) PRIMARY KEY, run VARCHAR(64) NOT NULL, step TEXT NOT NULL, kind TEXT NOT NULL, due BIGINT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_steps_run ON redrive_steps (run)`
  yield* waiters(sql)
})

/** The tables of tasks. */
export const tableNames = "redrive_tasks, redrive_gates, redrive_redrives, redrive_late, redrive_waiters"

/** Makes the table of states that processes share. PostgreSQL writes no log for it: a crash forgets the states, as it does in Redis. */
export const sharedTable = (sql: SqlClient.SqlClient) => {
  const columns =
    sql.literal(`redrive_shared (id VARCHAR(64) PRIMARY KEY, kind VARCHAR(20) NOT NULL, name TEXT NOT NULL,
    state TEXT NOT NULL, expires_at BIGINT NOT NULL)`)
  return sql.onDialectOrElse({
    // Rows change often: room in each page keeps the index out of it.
    pg: () => sql`CREATE UNLOGGED TABLE IF NOT EXISTS ${columns} WITH (fillfactor = 50)`,
    orElse: () => sql`CREATE TABLE IF NOT EXISTS ${columns}`
  })
}

/**
 * Makes tables in one transaction. Two processes that make a table at once can fail in PostgreSQL, even with IF NOT EXISTS, so they take turns. A
 * role that may make no tables, which PostgreSQL refuses even if they are there, uses those that another role has made.
 */
export const made = <A>(sql: SqlClient.SqlClient, make: Effect.Effect<A, SqlError.SqlError>, names: string) => {
  const turn = sql.onDialectOrElse({
    pg: () => sql`SELECT pg_advisory_xact_lock(${tablesLock})`,
    orElse: () => sql`SELECT 1`
  })
  return Effect.catchIf(
    sql.withTransaction(Effect.andThen(turn, make)),
    ({ reason }) => reason._tag === "AuthorizationError",
    (error) => Effect.mapError(sql`SELECT 1 FROM ${sql.literal(names)} LIMIT 0`, () => error)
  )
}

/** How long the making of tables may take: it connects first, and processes that start together take turns. */
export const forTables = (timeout: Duration.Input): Duration.Duration =>
  Duration.max(Duration.fromInputUnsafe(timeout), Duration.seconds(30))

/** Any number that no other program is likely to lock. */
const tablesLock = 7_236_017_431
