import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { End } from "../../Store.ts"
import * as Rows from "../rows.ts"

/** What the end of a claim may change. */
const changing = [
  "state",
  "active",
  "due",
  "ready_at",
  "ended_at",
  "parked_until",
  "call",
  "calls",
  "kills",
  "attempts",
  "result",
  "because",
  "code",
  "actor",
  "message"
]

/** Claims end, each only if it is still held. */
export const make = (sql: SqlClient.SqlClient) => {
  const endOne = ({ claim, what }: End, now: number) =>
    sql<{ readonly id: string }>`UPDATE redrive_tasks SET ${sql.update(Rows.settled(claim, what, now))}
      WHERE id = ${claim.row} AND claim = ${claim.claim} AND state = 'running' RETURNING id`

  /** The ends as rows of PostgreSQL: one parameter, however many there are. */
  const endsIn = (ends: ReadonlyArray<End>, now: number) => {
    const rows = ends.map(({ claim, what }) => ({
      id: claim.row,
      claim: claim.claim,
      ...Rows.settled(claim, what, now)
    }))
    return sql`SELECT * FROM json_to_recordset(${JSON.stringify(rows)}::json) AS e (id TEXT, claim TEXT, state TEXT, active INTEGER,
      due BIGINT, ready_at BIGINT, ended_at BIGINT, parked_until BIGINT, call TEXT, calls INTEGER, kills INTEGER, attempts INTEGER,
      result TEXT, because TEXT, code TEXT, actor TEXT, message TEXT)`
  }

  /** What an end says nothing of stays as it is. Given the ids as an array, PostgreSQL looks each up, whatever it believes of the table's size. */
  const endAll = sql`UPDATE redrive_tasks t SET ${sql.literal(
    changing.map((column) => `${column} = COALESCE(ends.${column}, t.${column})`).join(", ")
  )} FROM ends WHERE t.id = ANY (ARRAY(SELECT id FROM ends)) AND t.id = ends.id AND t.claim = ends.claim AND t.state = 'running' RETURNING t.id`

  /** Whether a claim that could not be ended was ended before: the database may have taken it, and its answer was lost. If not, the end came too late. */
  const endedBefore = Effect.fnUntraced(function* ({ claim, what }: End, now: number) {
    const [before] = yield* sql`SELECT 1 AS one FROM redrive_tasks
      WHERE id = ${claim.row} AND claim = ${claim.claim} AND state <> 'running'`
    if (before !== undefined) return true
    yield* sql`INSERT INTO redrive_late ${sql.insert(Rows.late(claim, what, now))} ON CONFLICT (id) DO NOTHING`
    return false
  })

  return { endOne, endsIn, endAll, endedBefore }
}
