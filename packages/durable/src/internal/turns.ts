import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import type { Claim, End, Turned } from "../Store.ts"
import * as Rows from "./rows.ts"
import * as Ends from "./statements/ends.ts"
import * as Taking from "./statements/taking.ts"

/** A row that a turn of PostgreSQL gives: the id of a task that it ended, or a task that it took. */
type Given = Rows.Row & { readonly ended: string | null }

/** Ends claims and takes tasks, in one commit: a disk takes longer for a commit than a database for the rows. */
export const make = (
  sql: SqlClient.SqlClient
): ((ends: ReadonlyArray<End>, claim: Claim | undefined, now: number) => Effect.Effect<Turned, SqlError.SqlError>) => {
  const { keepBack, take } = Taking.make(sql)
  const { endAll, endedBefore, endOne, endsIn } = Ends.make(sql)

  /** In one statement, which is one round to the server and one commit. */
  const atOnce = Effect.fnUntraced(function* (ends: ReadonlyArray<End>, claim: Claim | undefined, now: number) {
    if (claim === undefined) {
      const rows = yield* sql<{ readonly id: string }>`WITH ends AS (${endsIn(ends, now)}) ${endAll}`
      return { ended: rows.map(({ id }) => id), taken: [] }
    }
    // A lease may be over before its task ends: one statement cannot change a row twice.
    const taking = take(claim, now, sql`AND t.id NOT IN (SELECT id FROM ended)`)
    const rows = yield* sql<Given>`WITH ends AS (${endsIn(ends, now)}), ended AS (${endAll}), taken AS (${taking})
      SELECT ended.id AS ended, (NULL::redrive_tasks).* FROM ended UNION ALL SELECT NULL, taken.* FROM taken`
    return {
      ended: rows.flatMap(({ ended }) => (ended === null ? [] : [ended])),
      taken: rows.filter(({ ended }) => ended === null)
    }
  })

  const oneByOne = Effect.fnUntraced(function* (ends: ReadonlyArray<End>, claim: Claim | undefined, now: number) {
    const ended: Array<string> = []
    for (const end of ends) for (const { id } of yield* endOne(end, now)) ended.push(id)
    return { ended, taken: claim === undefined ? [] : yield* take(claim, now) }
  })

  const both = (ends: ReadonlyArray<End>, claim: Claim | undefined, now: number) => {
    const isSingle = ends.length + (claim === undefined ? 0 : 1) === 1
    return isSingle
      ? oneByOne(ends, claim, now)
      : sql.onDialectOrElse({
          pg: () => atOnce(ends, claim, now),
          orElse: () => sql.withTransaction(oneByOne(ends, claim, now))
        })
  }

  /** When gates were looked at last, by queue, while claims come back full: then, once a second is enough. */
  const lookedAt = new Map<string, number>()

  return Effect.fnUntraced(function* (ends, claim, now) {
    const at = claim && lookedAt.get(claim.queue)
    const isKept = at !== undefined && now - at < 1000
    if (claim !== undefined && !isKept) yield* keepBack(claim.queue, now)
    const { ended, taken } = yield* both(ends, claim, now)
    if (claim !== undefined) {
      if (taken.length < claim.most) lookedAt.delete(claim.queue)
      else if (!isKept) lookedAt.set(claim.queue, now)
    }
    const isEnded = new Set(ended)
    const held: Array<boolean> = []
    for (const end of ends) held.push(isEnded.has(end.claim.row) || (yield* endedBefore(end, now)))
    return { held, claimed: taken.map(Rows.claimed) }
  })
}
