import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"

/** Makes the tables and indices that are not there. `active` is 1 until a task has ended. Each change of a row writes it into the indices that hold it: so they hold little. */
export const tables = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_tasks (
    id VARCHAR(64) PRIMARY KEY, queue VARCHAR(255) NOT NULL, task TEXT NOT NULL, key TEXT NOT NULL, grp TEXT NOT NULL,
    state VARCHAR(10) NOT NULL, active INTEGER NOT NULL, due BIGINT NOT NULL, ready_at BIGINT NOT NULL, claim TEXT,
    payload TEXT NOT NULL, policy TEXT NOT NULL, attempts INTEGER NOT NULL, kills INTEGER NOT NULL, call TEXT, paused BIGINT NOT NULL,
    parked_until BIGINT NOT NULL, generation INTEGER NOT NULL, redrive TEXT, added_at BIGINT NOT NULL, begun_at BIGINT, ended_at BIGINT,
    result TEXT, code TEXT NOT NULL, actor TEXT NOT NULL, because TEXT NOT NULL, message TEXT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_ready ON redrive_tasks (queue, ready_at) WHERE active = 1`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_ended ON redrive_tasks (state, ended_at) WHERE active = 0`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_key ON redrive_tasks (key) WHERE active = 1 AND key <> ''`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_grp ON redrive_tasks (grp) WHERE active = 1 AND grp <> ''`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_gates (
    gate VARCHAR(500) PRIMARY KEY, until BIGINT NOT NULL, why TEXT NOT NULL, shut_by TEXT NOT NULL, at BIGINT NOT NULL)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_redrives (
    id VARCHAR(255) PRIMARY KEY, queue TEXT NOT NULL, filter TEXT NOT NULL, asked_by TEXT NOT NULL, at BIGINT NOT NULL, tasks INTEGER NOT NULL)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_late (
    id VARCHAR(64) PRIMARY KEY, task VARCHAR(64) NOT NULL, claim TEXT NOT NULL, at BIGINT NOT NULL, outcome TEXT NOT NULL)`
})
