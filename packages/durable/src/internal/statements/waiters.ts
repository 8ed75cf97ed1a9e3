import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Ended, Of, Unaware } from "../records.ts"
import { idOf } from "../rows.ts"
import { runOf } from "./runs.ts"

type Count = number | bigint | string

/** An execution is woken at most once in so many milliseconds for each of its steps, as long as it waits for more tasks. */
const perStep = 10

/** Steps that wait for tasks: how these ended, and whether the executions know. */
export const make = (sql: SqlClient.SqlClient) => {
  const wait = (of: Of, step: string, queue: string, task: string) =>
    sql`INSERT INTO redrive_waiters ${sql.insert({
      id: idOf(runOf(of), step),
      run: runOf(of),
      step,
      task: idOf(queue, task),
      told: 0
    })} ON CONFLICT (id) DO NOTHING`

  const ended = sql<Ended>`SELECT w.id AS waiter, t.state, t.result, t.code, t.actor, t.because, t.message
        FROM redrive_waiters w LEFT JOIN redrive_tasks t ON t.id = w.task
        WHERE w.answer IS NULL AND COALESCE(t.active, 0) = 0 LIMIT 500`

  const answer = (answers: ReadonlyArray<readonly [waiter: string, answer: string]>) =>
    sql.withTransaction(
      Effect.forEach(
        answers,
        ([waiter, answer]) => sql`UPDATE redrive_waiters SET answer = ${answer} WHERE id = ${waiter}`,
        {
          discard: true
        }
      )
    )

  const unaware = Effect.flatMap(
    Clock.currentTimeMillis,
    (at) => sql<
      Omit<Unaware, "wakes"> & { readonly wakes: Count }
    >`SELECT r.id AS run, r.workflow, r.execution, r.wakes FROM redrive_runs r
          WHERE r.id IN (SELECT run FROM redrive_waiters WHERE told = 0 AND answer IS NOT NULL)
            AND (NOT EXISTS (SELECT 1 FROM redrive_waiters w WHERE w.run = r.id AND w.answer IS NULL)
              OR r.woken_at + ${perStep} * (SELECT count(*) FROM redrive_steps s WHERE s.run = r.id) <= ${at})
          LIMIT 100`
  ).pipe(Effect.map((rows) => rows.map((row) => ({ ...row, wakes: Number(row.wakes) }))))

  const woken = (all: ReadonlyArray<Unaware>) =>
    sql.withTransaction(
      Effect.forEach(
        all,
        ({ run, wakes }) =>
          Effect.gen(function* () {
            const at = yield* Clock.currentTimeMillis
            const rows = yield* sql`UPDATE redrive_runs SET wakes = ${wakes + 1}, woken_at = ${at}
                  WHERE id = ${run} AND wakes = ${wakes} RETURNING id`
            // Another process has woken it, and has noted that: what was answered since is told by the next wake.
            if (rows.length === 0) return
            yield* sql`UPDATE redrive_waiters SET told = 1 WHERE run = ${run} AND answer IS NOT NULL`
          }),
        { discard: true }
      )
    )

  return { wait, ended, answer, unaware, woken }
}
