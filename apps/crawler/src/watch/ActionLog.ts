/**
 * What people did on the page: by whom, when, and about how many pages.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { ActionLine } from "./Model.ts"
import type { Whole } from "./rows.ts"

/** Notes an action, in the transaction of whoever calls. */
export const note = Effect.fnUntraced(function* (
  action: Omit<ActionLine, "at">
): Effect.fn.Return<void, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  yield* sql`INSERT INTO actions ${sql.insert({ ...action, at: yield* Clock.currentTimeMillis })}`
  yield* Effect.logInfo(`${action.what}: ${action.about}`).pipe(
    Effect.annotateLogs({ who: action.who, count: action.count })
  )
})

/** How many actions are listed. */
const mostActions = 20

/** The last actions, newest first, and whether there were any before them. */
export const latest: Effect.Effect<
  { readonly actions: ReadonlyArray<ActionLine>; readonly isMore: boolean },
  SqlError,
  SqlClient.SqlClient
> = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<Omit<ActionLine, "at"> & { readonly at: Whole }>`
        SELECT at, who, what, about, count FROM actions ORDER BY at DESC LIMIT ${mostActions + 1}`,
    (rows) => ({
      actions: rows.slice(0, mostActions).map((row) => ({ ...row, at: Number(row.at) })),
      isMore: rows.length > mostActions
    })
  )
)
