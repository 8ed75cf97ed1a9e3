import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Added } from "../../Store.ts"
import type { News } from "../news.ts"
import * as Rows from "../rows.ts"

/** Adds tasks, and tells the workers of their queue. All or none are added. */
export const make = (sql: SqlClient.SqlClient, news: News) => {
  const add = Effect.fnUntraced(function* (queue: string, tasks: ReadonlyArray<Added>, now: number) {
    const rows = tasks.map((task) => Rows.added(queue, task, now))
    const found: Array<string> = []
    for (const some of Arr.chunksOf(rows, Rows.most)) {
      const added = yield* sql<{ readonly task: string }>`INSERT INTO redrive_tasks ${sql.insert(some)}
        ON CONFLICT (id) DO NOTHING RETURNING task`
      found.push(...added.map(({ task }) => task))
    }
    if (found.length > 0) yield* news.tell(queue)
    return found
  })

  return (queue: string, tasks: ReadonlyArray<Added>, now: number) =>
    tasks.length <= Rows.most ? add(queue, tasks, now) : sql.withTransaction(add(queue, tasks, now))
}
