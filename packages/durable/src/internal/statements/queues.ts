import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Before } from "../../Store.ts"
import * as Rows from "../rows.ts"

/** What queues have: read, counted, and forgotten. */
export const make = (sql: SqlClient.SqlClient) => {
  const get = (queue: string, id: string) =>
    Effect.map(
      sql<Rows.Row>`SELECT * FROM redrive_tasks WHERE id = ${Rows.idOf(queue, id)}`,
      ([row]) => row && Rows.task(row)
    )

  const hasTasks = (queue: string) =>
    Effect.map(sql`SELECT 1 AS one FROM redrive_tasks WHERE queue = ${queue} LIMIT 1`, ({ length }) => length > 0)

  const names = Effect.map(
    sql<{ readonly queue: string }>`SELECT DISTINCT queue FROM redrive_tasks ORDER BY queue LIMIT 100`,
    (rows) => rows.map(({ queue }) => queue)
  )

  const oldestDue = (queue: string, now: number) =>
    Effect.map(
      sql<{ readonly due: number | bigint | string | null }>`SELECT min(ready_at) AS due
        FROM redrive_tasks WHERE queue = ${queue} AND active = 1 AND state = 'waiting' AND ready_at <= ${now}`,
      ([row]) => (row === undefined || row.due === null ? undefined : Number(row.due))
    )

  const health = Effect.fnUntraced(function* (queue: string, now: number) {
    const counts = yield* sql<{ readonly state: string; readonly count: number | bigint | string }>`
      SELECT state, count(*) AS count FROM redrive_tasks WHERE queue = ${queue} GROUP BY state`
    const of = (state: string) => Number(counts.find((one) => one.state === state)?.count ?? 0)
    return {
      waiting: of("waiting"),
      running: of("running"),
      done: of("done"),
      failed: of("failed"),
      oldestDue: yield* oldestDue(queue, now)
    }
  })

  const sweep = Effect.fnUntraced(function* ({ done, failed, queue }: Before) {
    let deleted = 0
    for (const [state, before] of [
      ["done", done],
      ["failed", failed]
    ] as const) {
      for (;;) {
        const rows = yield* sql`DELETE FROM redrive_tasks WHERE id IN (SELECT id FROM redrive_tasks
          WHERE active = 0 AND state = ${state} AND queue = ${queue} AND ended_at < ${before}
            AND NOT EXISTS (SELECT 1 FROM redrive_waiters w WHERE w.task = redrive_tasks.id AND w.answer IS NULL)
          LIMIT ${Rows.most}) RETURNING id`
        deleted += rows.length
        if (rows.length < Rows.most) break
      }
    }
    // A late answer stays as long as the tasks of its queue.
    yield* sql`DELETE FROM redrive_late WHERE at < ${failed}
      AND NOT EXISTS (SELECT 1 FROM redrive_tasks t WHERE t.id = redrive_late.task AND t.queue <> ${queue})`
    yield* sql`DELETE FROM redrive_gates WHERE until < ${done}`
    return deleted
  })

  return { get, hasTasks, names, oldestDue, health, sweep }
}
