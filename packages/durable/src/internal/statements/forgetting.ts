import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"

/** How many executions are forgotten at a time. */
export const most = 100

/** Executions that have ended are forgotten, a few at a time, with all that the engine keeps of them. */
export const make = (sql: SqlClient.SqlClient) => {
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

  return (before: { readonly done: number; readonly failed: number }) =>
    sql.withTransaction(
      Effect.tap(
        sql<{ readonly id: string; readonly workflow: string; readonly execution: string }>`
                SELECT id, workflow, execution FROM redrive_runs
                WHERE (state = 'done' AND ended_at < ${before.done}) OR (state = 'failed' AND ended_at < ${before.failed}) LIMIT 100`,
        (found) => (found.length === 0 ? Effect.void : forget(found))
      )
    )
}
