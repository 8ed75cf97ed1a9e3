import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { StoreError } from "../Store.ts"
import { idOf } from "./rows.ts"

/** Which execution of which workflow. */
export interface Of {
  readonly workflow: string
  readonly execution: string
}

/** A step that an execution has begun: what it is called, and what kind it is. */
export interface Begun {
  readonly step: string
  readonly kind: string
}

/** A workflow that waits for a task, and how the task ended. */
export interface Answer {
  readonly waiter: string
  readonly workflow: string
  readonly execution: string
  readonly deferred: string
  readonly state: "done" | "failed" | null
  readonly result: string | null
  readonly code: string | null
  readonly actor: string | null
  readonly because: string | null
  readonly message: string | null
}

/** An execution that cannot go on with this version of the program. */
export interface Stuck extends Of {
  readonly why: string
  readonly at: number
}

/** What is kept of executions beside what the engine keeps. */
export interface Records {
  /** Notes that an execution runs; gives the steps that it has begun before. */
  readonly begin: (of: Of) => Effect.Effect<ReadonlyArray<Begun>, StoreError>
  /** Notes that a step has begun, together with something else, or not at all. */
  readonly step: <R>(
    of: Of,
    begun: Begun,
    also: Effect.Effect<void, StoreError, R>
  ) => Effect.Effect<void, StoreError, R>
  /** Notes that an execution waits for a task. */
  readonly wait: (of: Of, deferred: string, queue: string, task: string) => Effect.Effect<void, StoreError>
  readonly end: (of: Of, isDone: boolean) => Effect.Effect<void, StoreError>
  readonly stick: (of: Of, why: string) => Effect.Effect<void, StoreError>
  readonly stuck: Effect.Effect<ReadonlyArray<Stuck>, StoreError>
  /** Those that wait for tasks that have ended, the first 100. */
  readonly answers: Effect.Effect<ReadonlyArray<Answer>, StoreError>
  readonly answered: (waiters: ReadonlyArray<string>) => Effect.Effect<void, StoreError>
  /** Forgets executions that ended before these times, with all that the engine keeps of them; gives how many. */
  readonly sweep: (before: { readonly done: number; readonly failed: number }) => Effect.Effect<number, StoreError>
}

type Count = number | bigint | string

const runOf = ({ execution, workflow }: Of) => idOf(workflow, execution)

export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const bounded = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, StoreError, R> =>
    effect.pipe(
      Effect.timeout("5 seconds"),
      // A connection that is lost within a transaction is a defect to Effect.
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.interrupt
          : Effect.fail(new StoreError({ message: `workflows could not be ${what}`, cause }))
      )
    )
  yield* bounded("kept: no tables", tables(sql))
  // The engine looks for all messages of an execution when that ends, and has no index for it.
  yield* bounded(
    "kept: no index",
    sql`CREATE INDEX IF NOT EXISTS redrive_cluster_messages_of ON cluster_messages (entity_id)`
  )
  const now = Clock.currentTimeMillis

  const begin = Effect.fnUntraced(function* (of: Of) {
    const row = { id: runOf(of), workflow: of.workflow, execution: of.execution, begun_at: yield* now }
    yield* sql`INSERT INTO redrive_runs ${sql.insert({ ...row, state: "running", why: "" })}
      ON CONFLICT (id) DO UPDATE SET state = 'running', ended_at = NULL`
    return yield* sql<Begun>`SELECT step, kind FROM redrive_steps WHERE run = ${row.id}`
  })

  const step = Effect.fnUntraced(function* <R>(
    of: Of,
    { kind, step: name }: Begun,
    also: Effect.Effect<void, StoreError, R>
  ) {
    const run = runOf(of)
    yield* sql`INSERT INTO redrive_steps ${sql.insert({ id: idOf(run, name), run, step: name, kind })}
      ON CONFLICT (id) DO NOTHING`
    yield* also
  })

  const end = (of: Of, state: string, why: string) =>
    Effect.flatMap(
      now,
      (at) => sql`UPDATE redrive_runs SET state = ${state}, why = ${why}, ended_at = ${at} WHERE id = ${runOf(of)}`
    )

  /** The engine keeps its messages by the id of the execution, and answers by that of the message. */
  const forget = Effect.fnUntraced(function* (
    rows: ReadonlyArray<{ readonly id: string; readonly workflow: string; readonly execution: string }>
  ) {
    const messages = sql`SELECT request_id FROM cluster_messages WHERE ${sql.or(
      rows.map(
        ({ execution, workflow }) =>
          sql`(entity_id = ${execution} AND entity_type IN (${`Workflow/${workflow}`}, 'Workflow/-/DurableClock'))`
      )
    )}`
    yield* sql`DELETE FROM cluster_replies WHERE request_id IN (${messages})`
    yield* sql`DELETE FROM cluster_messages WHERE request_id IN (${messages})`
    const ids = rows.map(({ id }) => id)
    yield* sql`DELETE FROM redrive_steps WHERE ${sql.in("run", ids)}`
    yield* sql`DELETE FROM redrive_runs WHERE ${sql.in("id", ids)}`
  })

  const sweep: Records["sweep"] = (before) =>
    Effect.gen(function* () {
      let count = 0
      for (;;) {
        const rows = yield* bounded(
          "swept",
          sql.withTransaction(
            Effect.tap(
              sql<{ readonly id: string; readonly workflow: string; readonly execution: string }>`
                SELECT id, workflow, execution FROM redrive_runs
                WHERE (state = 'done' AND ended_at < ${before.done}) OR (state = 'failed' AND ended_at < ${before.failed}) LIMIT 100`,
              (found) => (found.length === 0 ? Effect.void : forget(found))
            )
          )
        )
        count += rows.length
        if (rows.length < 100) return count
      }
    })

  const records: Records = {
    begin: (of) => bounded("begun", sql.withTransaction(begin(of))),
    step: (of, begun, also) => bounded("begun", sql.withTransaction(step(of, begun, also))),
    wait: (of, deferred, queue, task) =>
      bounded(
        "kept waiting",
        sql`INSERT INTO redrive_waiters ${sql.insert({
          id: idOf(runOf(of), deferred),
          task: idOf(queue, task),
          workflow: of.workflow,
          execution: of.execution,
          deferred
        })} ON CONFLICT (id) DO NOTHING`
      ).pipe(Effect.asVoid),
    end: (of, isDone) => Effect.asVoid(bounded("ended", end(of, isDone ? "done" : "failed", ""))),
    stick: (of, why) => Effect.asVoid(bounded("ended", end(of, "stuck", why))),
    stuck: bounded(
      "read",
      Effect.map(
        sql<Of & { readonly why: string; readonly ended_at: Count }>`SELECT workflow, execution, why, ended_at
          FROM redrive_runs WHERE state = 'stuck' ORDER BY ended_at LIMIT 1000`,
        (rows) => rows.map(({ ended_at, ...row }) => ({ ...row, at: Number(ended_at) }))
      )
    ),
    answers: bounded(
      "read",
      sql<Answer>`SELECT w.id AS waiter, w.workflow, w.execution, w.deferred, t.state, t.result, t.code, t.actor, t.because, t.message
        FROM redrive_waiters w LEFT JOIN redrive_tasks t ON t.id = w.task WHERE COALESCE(t.active, 0) = 0 LIMIT 100`
    ),
    answered: (waiters) =>
      Effect.asVoid(bounded("answered", sql`DELETE FROM redrive_waiters WHERE ${sql.in("id", waiters)}`)),
    sweep
  }
  return records
})

const tables = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_runs (
    id VARCHAR(64) PRIMARY KEY, workflow TEXT NOT NULL, execution TEXT NOT NULL, state VARCHAR(10) NOT NULL, why TEXT NOT NULL,
    begun_at BIGINT NOT NULL, ended_at BIGINT)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_runs_ended ON redrive_runs (state, ended_at)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_steps (
    id VARCHAR(64) PRIMARY KEY, run VARCHAR(64) NOT NULL, step TEXT NOT NULL, kind TEXT NOT NULL)`
  yield* sql`CREATE INDEX IF NOT EXISTS redrive_steps_run ON redrive_steps (run)`
  yield* sql`CREATE TABLE IF NOT EXISTS redrive_waiters (
    id VARCHAR(64) PRIMARY KEY, task VARCHAR(64) NOT NULL, workflow TEXT NOT NULL, execution TEXT NOT NULL, deferred TEXT NOT NULL)`
})
