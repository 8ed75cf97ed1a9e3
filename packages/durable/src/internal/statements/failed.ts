import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Filter, Redrive } from "../../Store.ts"
import type { News } from "../news.ts"
import * as Rows from "../rows.ts"

/** Tasks that failed, counted and redriven. */
export const make = (sql: SqlClient.SqlClient, news: News) => {
  const where = (queue: string, filter: Filter) =>
    sql.and([
      sql`queue = ${queue}`,
      sql`active = 0`,
      sql`state = 'failed'`,
      ...(filter.code === undefined ? [] : [sql`code = ${filter.code}`]),
      ...(filter.actor === undefined ? [] : [sql`actor = ${filter.actor}`]),
      ...(filter.because === undefined ? [] : [sql`because = ${filter.because}`]),
      ...(filter.key === undefined ? [] : [sql`key = ${filter.key}`]),
      ...(filter.group === undefined ? [] : [sql`grp = ${filter.group}`]),
      ...(filter.from === undefined ? [] : [sql`ended_at >= ${filter.from}`]),
      ...(filter.until === undefined ? [] : [sql`ended_at < ${filter.until}`]),
      ...(filter.attempts === undefined ? [] : [sql`attempts >= ${filter.attempts}`]),
      ...(filter.text === undefined ? [] : [sql`message LIKE ${Rows.containing(filter.text)} ESCAPE '!'`])
    ])

  const count = (queue: string, filter: Filter) =>
    Effect.map(
      sql<Rows.CountRow>`SELECT code, actor, because, count(*) AS count FROM redrive_tasks
            WHERE ${where(queue, filter)} GROUP BY code, actor, because ORDER BY count(*) DESC, code`,
      (rows) => rows.map(({ count, ...rest }) => ({ ...rest, count: Number(count) }))
    )

  const redrive = ({ by, delay, filter, id, most, now, pace, queue }: Redrive) =>
    Effect.gen(function* () {
      const row = {
        id: Rows.idOf(queue, id),
        queue,
        redrive: id,
        filter: JSON.stringify(filter),
        asked_by: by,
        at: now
      }
      const [known] = yield* sql<{
        readonly count: number | bigint | string
      }>`SELECT tasks AS count FROM redrive_redrives
        WHERE id = ${row.id}`
      if (known !== undefined) return Number(known.count)
      const rows =
        yield* sql`UPDATE redrive_tasks SET state = 'waiting', active = 1, attempts = 0, call = NULL, calls = 0, kills = 0,
          paused = 0, begun_at = NULL, ended_at = NULL, parked_until = ${Rows.never}, redrive = ${id},
          generation = generation + 1, due = chosen.at, ready_at = chosen.at
        FROM (SELECT id AS row_id, ${now} + ${delay} * (1 << CASE WHEN generation > 20 THEN 20 ELSE generation END) - ${delay}
            + (row_number() OVER (ORDER BY ended_at, id) - 1) * ${pace} AS at
          FROM redrive_tasks WHERE ${where(queue, filter)} ORDER BY ended_at, id LIMIT ${most}) AS chosen
        WHERE redrive_tasks.id = chosen.row_id RETURNING redrive_tasks.id`
      yield* sql`INSERT INTO redrive_redrives ${sql.insert({ ...row, tasks: rows.length })}`
      if (rows.length > 0) yield* news.tell(queue)
      return rows.length
    })

  return { count, redrive: (asked: Redrive) => sql.withTransaction(redrive(asked)) }
}
