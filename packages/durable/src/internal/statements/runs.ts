import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { StoreError } from "../../Store.ts"
import type { Begun, Of } from "../records.ts"
import { idOf } from "../rows.ts"

type Count = number | bigint | string

export const runOf = ({ execution, workflow }: Of) => idOf(workflow, execution)

/** Executions, their steps, and their ends. */
export const make = (sql: SqlClient.SqlClient) => {
  const begin = Effect.fnUntraced(function* (of: Of) {
    const row = {
      id: runOf(of),
      workflow: of.workflow,
      execution: of.execution,
      begun_at: yield* Clock.currentTimeMillis
    }
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
      Clock.currentTimeMillis,
      (at) => sql`UPDATE redrive_runs SET state = ${state}, why = ${why}, ended_at = ${at}
        WHERE id = ${runOf(of)} AND state NOT IN ('done', 'failed') RETURNING id`
    )

  const stuck = Effect.map(
    sql<Of & { readonly why: string; readonly ended_at: Count }>`SELECT workflow, execution, why, ended_at
          FROM redrive_runs WHERE state = 'stuck' ORDER BY ended_at LIMIT 1000`,
    (rows) => rows.map(({ ended_at, ...row }) => ({ ...row, at: Number(ended_at) }))
  )

  return {
    begin,
    known,
    step: <R>(of: Of, begun: Begun, also: Effect.Effect<void, StoreError, R>) =>
      sql.withTransaction(step(of, begun, also)),
    end,
    stuck
  }
}
