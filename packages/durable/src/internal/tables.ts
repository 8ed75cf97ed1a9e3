import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"

/** Makes the tables and indices that are not there. `active` is 1 until a task has ended, so that one index finds what is due. */
export const tables = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_tasks (
    id VARCHAR(64) PRIMARY KEY, queue VARCHAR(255) NOT NULL, task TEXT NOT NULL, key TEXT NOT NULL, grp TEXT NOT NULL,
    state VARCHAR(10) NOT NULL, active INTEGER NOT NULL, due BIGINT NOT NULL, ready_at BIGINT NOT NULL, claim TEXT,
    payload TEXT NOT NULL, policy TEXT NOT NULL, attempts INTEGER NOT NULL, kills INTEGER NOT NULL, calls INTEGER NOT NULL, call TEXT, paused BIGINT NOT NULL,
    parked_until BIGINT NOT NULL, generation INTEGER NOT NULL, redrive TEXT, added_at BIGINT NOT NULL, begun_at BIGINT, ended_at BIGINT,
    result TEXT, code TEXT NOT NULL, actor TEXT NOT NULL, because TEXT NOT NULL, message TEXT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_ready ON redrive_tasks (queue, active, ready_at)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_ended ON redrive_tasks (active, state, ended_at)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_key ON redrive_tasks (key, active)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_tasks_grp ON redrive_tasks (grp, active)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_gates (
    gate VARCHAR(500) PRIMARY KEY, until BIGINT NOT NULL, why TEXT NOT NULL, shut_by TEXT NOT NULL, at BIGINT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_gates_until ON redrive_gates (until)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_redrives (
    id VARCHAR(255) PRIMARY KEY, queue TEXT NOT NULL, filter TEXT NOT NULL, asked_by TEXT NOT NULL, at BIGINT NOT NULL, tasks INTEGER NOT NULL)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_late (
    id VARCHAR(64) PRIMARY KEY, task VARCHAR(64) NOT NULL, claim TEXT NOT NULL, at BIGINT NOT NULL, outcome TEXT NOT NULL)`
})
