import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"
import type { Presence } from "../presence.ts"
import * as Rows from "../rows.ts"

/** Claims that are held longer, given back, or taken over. */
export const make = (sql: SqlClient.SqlClient, presence: Presence) => {
  /** A condition of a thousand parts is too deep for SQLite. */
  const hold = Effect.fnUntraced(function* (claims: ReadonlyArray<Rows.Claimed>, until: number) {
    const held: Array<string> = []
    for (const some of Arr.chunksOf(claims, Rows.most)) {
      const parts = some.map(({ claim: token, row }) => sql`(id = ${row} AND claim = ${token})`)
      const isOurs = sql`state = 'running' AND ${sql.or(parts)}`
      const longer = (which: Statement.Fragment) => sql`UPDATE redrive_tasks SET ready_at = ${until} WHERE ${which}`
      const rows = yield* sql.onDialectOrElse({
        // A turn that ends some of them locks rows in another order: what it has is still held, and is not waited for.
        pg: () => sql<{ readonly task: string }>`WITH held AS (
          ${longer(sql`id IN (SELECT id FROM redrive_tasks WHERE ${isOurs} FOR UPDATE SKIP LOCKED)`)}
        ) SELECT task FROM redrive_tasks WHERE ${isOurs}`,
        orElse: () => sql<{ readonly task: string }>`${longer(isOurs)} RETURNING task`
      })
      held.push(...rows.map(({ task }) => task))
    }
    return held
  })

  const takeOver = Effect.fnUntraced(function* (lost: ReadonlyArray<string>, now: number) {
    let count = 0
    for (const worker of lost) {
      // What follows the name in a token is a space.
      const rows = yield* sql`UPDATE redrive_tasks SET ready_at = ${now}
        WHERE active = 1 AND state = 'running' AND claim > ${`${worker} `} AND claim < ${`${worker}!`} RETURNING id`
      count += rows.length
      yield* presence.forget(worker)
    }
    return count
  })

  const release = Effect.fnUntraced(function* (queue: string, tokens: ReadonlyArray<string>, now: number) {
    // It is due as it was, ahead of what came later.
    for (const some of Arr.chunksOf(tokens, Rows.most))
      yield* sql`UPDATE redrive_tasks SET state = 'waiting', claim = NULL, ready_at = due, due = ${now}
        WHERE queue = ${queue} AND active = 1 AND state = 'running' AND ${sql.in("claim", some)}`
  })

  return { hold, takeOver, release }
}
