import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Gate } from "../../Store.ts"
import type { News } from "../news.ts"
import * as Rows from "../rows.ts"

/** Gates, and the tasks that are parked behind them. */
export const make = (sql: SqlClient.SqlClient, news: News) => {
  const shut = (gate: Gate) =>
    sql`INSERT INTO redrive_gates ${sql.insert({ ...Rows.gate(gate) })} ON CONFLICT (gate) DO UPDATE SET
          until = excluded.until, why = excluded.why, shut_by = excluded.shut_by, at = excluded.at
          WHERE redrive_gates.until < excluded.until`

  const open = (gate: string, now: number) =>
    Effect.gen(function* () {
      const rows = yield* sql`DELETE FROM redrive_gates WHERE gate = ${gate} AND until > ${now} RETURNING gate`
      yield* sql`DELETE FROM redrive_gates WHERE gate = ${gate}`
      // Another gate that is still shut puts them back. Each side of OR says what its index holds, or SQLite reads all that waits.
      yield* sql`UPDATE redrive_tasks SET ready_at = due, parked_until = CASE
          WHEN EXISTS (SELECT 1 FROM redrive_gates g WHERE g.gate IN (redrive_tasks.key, redrive_tasks.grp) AND g.until > ${now})
          THEN parked_until ELSE ${Rows.never} END
        WHERE (active = 1 AND state = 'waiting' AND key = ${gate} AND key <> '')
          OR (active = 1 AND state = 'waiting' AND grp = ${gate} AND grp <> '')`
      yield* news.tell()
      return rows.length > 0
    })

  const list = (now: number) =>
    Effect.map(sql<Rows.GateRow>`SELECT * FROM redrive_gates WHERE until > ${now} ORDER BY at LIMIT 1000`, (rows) =>
      rows.map(Rows.gateOf)
    )

  /** A task that waits for somebody is put back for good. Most of the time there is none, which costs a read. */
  const endParked = Effect.fnUntraced(function* (queue: string, now: number) {
    const isLate = sql.and([
      sql`queue = ${queue}`,
      sql`active = 1`,
      sql`ready_at = ${Rows.never}`,
      sql`state = 'waiting'`,
      sql`parked_until <= ${now}`
    ])
    const [found] = yield* sql`SELECT 1 AS one FROM redrive_tasks WHERE ${isLate} LIMIT 1`
    if (found === undefined) return []
    const rows = yield* sql<Rows.Row>`UPDATE redrive_tasks
      SET state = 'failed', active = 0, ended_at = ${now}, because = 'parked_too_long' WHERE ${isLate} RETURNING *`
    return rows.map(Rows.task)
  })

  return { shut, open: (gate: string, now: number) => sql.withTransaction(open(gate, now)), list, endParked }
}
