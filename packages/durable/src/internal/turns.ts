import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import type { Claim, End, Turned } from "../Store.ts"
import * as Rows from "./rows.ts"

/** A row that a turn of PostgreSQL gives: the id of a task that it ended, or a task that it took. */
type Given = Rows.Row & { readonly ended: string | null }

/** Ends claims and takes tasks, in one commit: a disk takes longer for a commit than a database for the rows. */
export const make = (
  sql: SqlClient.SqlClient
): ((ends: ReadonlyArray<End>, claim: Claim | undefined, now: number) => Effect.Effect<Turned, SqlError.SqlError>) => {
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

  /** When gates were looked at last, by queue, while claims come back full: then, once a second is enough. */
  const lookedAt = new Map<string, number>()

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

  /** Whether a claim that could not be ended was ended before: the database may have taken it, and its answer was lost. If not, the end came too late. */
  const endedBefore = Effect.fnUntraced(function* ({ claim, what }: End, now: number) {
    const [before] = yield* sql`SELECT 1 AS one FROM redrive_tasks
      WHERE id = ${claim.row} AND claim = ${claim.claim} AND state <> 'running'`
    if (before !== undefined) return true
    yield* sql`INSERT INTO redrive_late ${sql.insert(Rows.late(claim, what, now))} ON CONFLICT (id) DO NOTHING`
    return false
  })

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
