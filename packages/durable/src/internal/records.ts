import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { StoreError } from "../Store.ts"
import { idOf } from "./rows.ts"
import { forTables, made, workflowTables } from "./tables.ts"

/** Which execution of which workflow. */
export interface Of {
  readonly workflow: string
  readonly execution: string
}

/** A step that an execution has begun. */
export interface Begun {
  readonly step: string
  /** What kind of step it is. */
  readonly kind: string
  /** When its wait is over; 0 for other kinds. */
  readonly due: number
}

/** What is known of an execution. */
export interface Known {
  readonly steps: ReadonlyArray<Begun>
  /** How the tasks ended that it waited for, as JSON, by step. */
  readonly answers: ReadonlyMap<string, string>
  /** How often it was woken by the ends of tasks. */
  readonly wakes: number
}

/** A task that a step waits for, and how it ended. */
export interface Ended {
  readonly waiter: string
  readonly state: "done" | "failed" | null
  readonly result: string | null
  readonly code: string | null
  readonly actor: string | null
  readonly because: string | null
  readonly message: string | null
}

/** An execution that has answers of which it does not know. */
export interface Unaware extends Of {
  readonly run: string
  readonly wakes: number
}

/** An execution that cannot go on with this version of the program. */
export interface Stuck extends Of {
  readonly why: string
  readonly at: number
}

/** What is kept of executions beside what the engine keeps. */
export interface Records {
  /** Notes that an execution runs. */
  readonly begin: (of: Of) => Effect.Effect<void, StoreError>
  readonly known: (of: Of) => Effect.Effect<Known, StoreError>
  /** Notes that a step has begun, together with something else, or not at all. */
  readonly step: <R>(
    of: Of,
    begun: Begun,
    also: Effect.Effect<void, StoreError, R>
  ) => Effect.Effect<void, StoreError, R>
  /** Notes that a step waits for a task. */
  readonly wait: (of: Of, step: string, queue: string, task: string) => Effect.Effect<void, StoreError>
  /** Notes that it has ended; gives whether nobody had noted that. */
  readonly end: (of: Of, isDone: boolean) => Effect.Effect<boolean, StoreError>
  readonly stick: (of: Of, why: string) => Effect.Effect<void, StoreError>
  readonly stuck: Effect.Effect<ReadonlyArray<Stuck>, StoreError>
  /** The tasks that have ended and that somebody waits for, the first 500. */
  readonly ended: Effect.Effect<ReadonlyArray<Ended>, StoreError>
  /** Keeps how tasks ended. */
  readonly answer: (
    answers: ReadonlyArray<readonly [waiter: string, answer: string]>
  ) => Effect.Effect<void, StoreError>
  /**
   * The executions that are to be woken, the first 100: at once if all their tasks have ended, and otherwise the less often the more steps they have,
   * since each begins anew.
   */
  readonly unaware: Effect.Effect<ReadonlyArray<Unaware>, StoreError>
  /** Notes that they have been woken. */
  readonly woken: (all: ReadonlyArray<Unaware>) => Effect.Effect<void, StoreError>
  /** Forgets executions that ended before these times, with all that the engine keeps of them; gives how many. */
  readonly sweep: (before: { readonly done: number; readonly failed: number }) => Effect.Effect<number, StoreError>
}

type Count = number | bigint | string

/** An execution is woken at most once in so many milliseconds for each of its steps, as long as it waits for more tasks. */
const perStep = 10

const runOf = ({ execution, workflow }: Of) => idOf(workflow, execution)

const timeout = "5 seconds"

/** In a time that has an end: a pool waits for a connection without one. */
const bounded = <A, E, R>(
  what: string,
  effect: Effect.Effect<A, E, R>,
  limit: Duration.Input = timeout
): Effect.Effect<A, StoreError, R> =>
  effect.pipe(
    Effect.timeout(limit),
    // A connection that is lost within a transaction is a defect to Effect.
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.fail(new StoreError({ message: `workflows could not be ${what}`, cause }))
    )
  )

/**
 * The cluster's locks have the session's local time: with another zone for each process they would take each other for lost, and once a year all
 * locks would be an hour old.
 */
const inUtc = (sql: SqlClient.SqlClient): Effect.Effect<void, StoreError> => {
  const offsets = sql<{ readonly winter: Count; readonly summer: Count }>`SELECT
    extract(timezone FROM TIMESTAMPTZ '2026-01-01 00:00:00+00') AS winter,
    extract(timezone FROM TIMESTAMPTZ '2026-07-01 00:00:00+00') AS summer`
  const message =
    "the sessions of this database are not in UTC, as workflows need them: ALTER ROLE the_role SET timezone = 'UTC', and connect again"
  return sql.onDialectOrElse({
    pg: () =>
      Effect.flatMap(bounded("checked", offsets, forTables(timeout)), ([row]) =>
        Number(row?.winter ?? 0) === 0 && Number(row?.summer ?? 0) === 0
          ? Effect.void
          : Effect.fail(new StoreError({ message }))
      ),
    orElse: () => Effect.void
  })
}

/** What the engine's own tables need, once they are there. */
export const prepare = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* inUtc(sql)
  // The engine looks for all messages of an execution when that ends, and has no index for it.
  yield* bounded(
    "kept: no index",
    sql`CREATE INDEX IF NOT EXISTS redrive_cluster_messages_of ON cluster_messages (entity_id)`,
    forTables(timeout)
  )
})

export const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const tables = made(sql, workflowTables(sql), "redrive_runs, redrive_steps, redrive_waiters")
  yield* bounded("kept: no tables", tables, forTables(timeout))
  const now = Clock.currentTimeMillis

  const begin = Effect.fnUntraced(function* (of: Of) {
    const row = { id: runOf(of), workflow: of.workflow, execution: of.execution, begun_at: yield* now }
    yield* sql`INSERT INTO redrive_runs ${sql.insert({ ...row, state: "running", why: "", wakes: 0, woken_at: 0 })}
      ON CONFLICT (id) DO UPDATE SET state = 'running', ended_at = NULL`
  })

  const known = Effect.fnUntraced(function* (of: Of) {
    const run = runOf(of)
    // The answers come after the number: what is answered between the two wakes once more.
    const [row] = yield* sql<{ readonly wakes: Count }>`SELECT wakes FROM redrive_runs WHERE id = ${run}`
    const steps = yield* sql<
      Omit<Begun, "due"> & { readonly due: Count }
    >`SELECT step, kind, due FROM redrive_steps WHERE run = ${run}`
    const answers = yield* sql<{
      readonly step: string
      readonly answer: string
    }>`SELECT step, answer FROM redrive_waiters
      WHERE run = ${run} AND answer IS NOT NULL`
    return {
      steps: steps.map((one) => ({ ...one, due: Number(one.due) })),
      answers: new Map(answers.map(({ answer, step }) => [step, answer])),
      wakes: Number(row?.wakes ?? 0)
    }
  })

  const step = Effect.fnUntraced(function* <R>(
    of: Of,
    { due, kind, step: name }: Begun,
    also: Effect.Effect<void, StoreError, R>
  ) {
    const run = runOf(of)
    yield* sql`INSERT INTO redrive_steps ${sql.insert({ id: idOf(run, name), run, step: name, kind, due })}
      ON CONFLICT (id) DO NOTHING`
    yield* also
  })

  const end = (of: Of, state: string, why: string) =>
    Effect.flatMap(
      now,
      (at) => sql`UPDATE redrive_runs SET state = ${state}, why = ${why}, ended_at = ${at}
        WHERE id = ${runOf(of)} AND state NOT IN ('done', 'failed') RETURNING id`
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
    yield* sql`DELETE FROM redrive_waiters WHERE ${sql.in("run", ids)}`
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
    begin: (of) => bounded("begun", begin(of)),
    known: (of) => bounded("read", known(of)),
    step: (of, begun, also) => bounded("begun", sql.withTransaction(step(of, begun, also))),
    wait: (of, step, queue, task) =>
      bounded(
        "kept waiting",
        sql`INSERT INTO redrive_waiters ${sql.insert({
          id: idOf(runOf(of), step),
          run: runOf(of),
          step,
          task: idOf(queue, task),
          told: 0
        })} ON CONFLICT (id) DO NOTHING`
      ).pipe(Effect.asVoid),
    end: (of, isDone) =>
      Effect.map(bounded("ended", end(of, isDone ? "done" : "failed", "")), ({ length }) => length > 0),
    stick: (of, why) => Effect.asVoid(bounded("ended", end(of, "stuck", why))),
    stuck: bounded(
      "read",
      Effect.map(
        sql<Of & { readonly why: string; readonly ended_at: Count }>`SELECT workflow, execution, why, ended_at
          FROM redrive_runs WHERE state = 'stuck' ORDER BY ended_at LIMIT 1000`,
        (rows) => rows.map(({ ended_at, ...row }) => ({ ...row, at: Number(ended_at) }))
      )
    ),
    ended: bounded(
      "read",
      sql<Ended>`SELECT w.id AS waiter, t.state, t.result, t.code, t.actor, t.because, t.message
        FROM redrive_waiters w LEFT JOIN redrive_tasks t ON t.id = w.task
        WHERE w.answer IS NULL AND COALESCE(t.active, 0) = 0 LIMIT 500`
    ),
    answer: (answers) =>
      bounded(
        "answered",
        sql.withTransaction(
          Effect.forEach(
            answers,
            ([waiter, answer]) => sql`UPDATE redrive_waiters SET answer = ${answer} WHERE id = ${waiter}`,
            {
              discard: true
            }
          )
        )
      ),
    unaware: bounded(
      "read",
      Effect.flatMap(
        now,
        (at) => sql<
          Omit<Unaware, "wakes"> & { readonly wakes: Count }
        >`SELECT r.id AS run, r.workflow, r.execution, r.wakes FROM redrive_runs r
          WHERE r.id IN (SELECT run FROM redrive_waiters WHERE told = 0 AND answer IS NOT NULL)
            AND (NOT EXISTS (SELECT 1 FROM redrive_waiters w WHERE w.run = r.id AND w.answer IS NULL)
              OR r.woken_at + ${perStep} * (SELECT count(*) FROM redrive_steps s WHERE s.run = r.id) <= ${at})
          LIMIT 100`
      )
    ).pipe(Effect.map((rows) => rows.map((row) => ({ ...row, wakes: Number(row.wakes) })))),
    woken: (all) =>
      bounded(
        "woken",
        sql.withTransaction(
          Effect.forEach(
            all,
            ({ run, wakes }) =>
              Effect.gen(function* () {
                const at = yield* now
                const rows = yield* sql`UPDATE redrive_runs SET wakes = ${wakes + 1}, woken_at = ${at}
                  WHERE id = ${run} AND wakes = ${wakes} RETURNING id`
                // Another process has woken it, and has noted that: what was answered since is told by the next wake.
                if (rows.length === 0) return
                yield* sql`UPDATE redrive_waiters SET told = 1 WHERE run = ${run} AND answer IS NOT NULL`
              }),
            { discard: true }
          )
        )
      ),
    sweep
  }
  return records
})
