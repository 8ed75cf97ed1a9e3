import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"
import type { Claim } from "../../Store.ts"
import type * as Rows from "../rows.ts"

/** Tasks that are due, and whose gates are open, are taken. */
export const make = (sql: SqlClient.SqlClient) => {
  /** Workers on PostgreSQL pass each other's rows by; SQLite has one writer. */
  const passing = sql.onDialectOrElse({ pg: () => sql`FOR UPDATE SKIP LOCKED`, orElse: () => sql`` })

  /** What a shut gate holds back need not be looked at again until it opens. */
  const putBack = (queue: string, now: number) => sql`UPDATE redrive_tasks SET ready_at =
      (SELECT max(until) FROM redrive_gates g WHERE g.gate IN (redrive_tasks.key, redrive_tasks.grp))
    WHERE queue = ${queue} AND active = 1 AND state = 'waiting' AND ready_at <= ${now}
      AND EXISTS (SELECT 1 FROM redrive_gates g WHERE g.gate IN (redrive_tasks.key, redrive_tasks.grp) AND g.until > ${now})`

  const keepBack = Effect.fnUntraced(function* (queue: string, now: number) {
    const [shut] = yield* sql`SELECT 1 AS one FROM redrive_gates WHERE until > ${now} LIMIT 1`
    if (shut !== undefined) yield* putBack(queue, now)
  })

  const take = ({ most, queue, token, until }: Claim, now: number, others: Statement.Fragment = sql``) =>
    sql<Rows.Row>`UPDATE redrive_tasks SET
        kills = kills + CASE WHEN state = 'running' THEN 1 ELSE 0 END,
        paused = paused + CASE WHEN state = 'waiting' AND begun_at IS NOT NULL AND due < ${now} THEN ${now} - due ELSE 0 END,
        begun_at = COALESCE(begun_at, ${now}), state = 'running', claim = ${token}, ready_at = ${until}
      WHERE id IN (SELECT id FROM redrive_tasks t
        WHERE queue = ${queue} AND active = 1 AND ready_at <= ${now} ${others}
          AND NOT EXISTS (SELECT 1 FROM redrive_gates g WHERE g.gate IN (t.key, t.grp) AND g.until > ${now})
        ORDER BY ready_at LIMIT ${most} ${passing})
      RETURNING *`

  return { keepBack, take }
}
