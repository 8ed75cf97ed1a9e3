import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import { StoreError } from "../Store.ts"
import * as Forgetting from "./statements/forgetting.ts"
import * as Runs from "./statements/runs.ts"
import * as Waiters from "./statements/waiters.ts"
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

/** A database that is away for a while fails no workflow. */
export const patient = <A, R>(effect: Effect.Effect<A, StoreError, R>): Effect.Effect<A, never, R> =>
  effect.pipe(
    Effect.tapError(({ cause, message }) => Effect.logWarning(message, cause)),
    Effect.retry(Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")])),
    Effect.orDie
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
  const runs = Runs.make(sql)
  const waiters = Waiters.make(sql)
  const forget = Forgetting.make(sql)

  const sweep: Records["sweep"] = (before) =>
    Effect.gen(function* () {
      let count = 0
      for (;;) {
        const rows = yield* bounded("swept", forget(before))
        count += rows.length
        if (rows.length < Forgetting.most) return count
      }
    })

  const records: Records = {
    begin: (of) => bounded("begun", runs.begin(of)),
    known: (of) => bounded("read", runs.known(of)),
    step: (of, begun, also) => bounded("begun", runs.step(of, begun, also)),
    wait: (of, step, queue, task) => Effect.asVoid(bounded("kept waiting", waiters.wait(of, step, queue, task))),
    end: (of, isDone) =>
      Effect.map(bounded("ended", runs.end(of, isDone ? "done" : "failed", "")), ({ length }) => length > 0),
    stick: (of, why) => Effect.asVoid(bounded("ended", runs.end(of, "stuck", why))),
    stuck: bounded("read", runs.stuck),
    ended: bounded("read", waiters.ended),
    answer: (answers) => bounded("answered", waiters.answer(answers)),
    unaware: bounded("read", waiters.unaware),
    woken: (all) => bounded("woken", waiters.woken(all)),
    sweep
  }
  return records
})
