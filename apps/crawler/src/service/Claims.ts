/**
 * The pages that this process has claimed. A claim names its process; one of a process that does not live any more is claimed by another.
 *
 * A page that was under way when its process was lost is a suspect: it may have taken the process with it. Suspects are claimed one by one.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { now, orderOf } from "./Database.ts"
import type { Task } from "./Pages.ts"

export interface Claims {
  readonly sql: SqlClient.SqlClient
  /** The process that has them. */
  readonly process: string
  /** In which pages are claimed. */
  readonly order: Statement.Fragment
  /** Whether this process has a page. */
  readonly isOwn: Statement.Fragment
  /** Whether a page may have taken a process with it, or has not. */
  readonly isSuspect: Statement.Fragment
  readonly isUnsuspected: Statement.Fragment
}

export const make = (sql: SqlClient.SqlClient, process: string): Claims => ({
  sql,
  process,
  order: orderOf(sql, "items"),
  isOwn: sql.and([sql`status = 'in_progress'`, sql`claim = ${process}`]),
  isSuspect: sql`kills > 0`,
  isUnsuspected: sql`kills = 0`
})

/** Locks a job until the transaction ends. Whoever asks again hears that something has changed. */
export const change = (sql: SqlClient.SqlClient, jobId: string) =>
  sql`UPDATE jobs SET version = version + 1 WHERE id = ${jobId}`

/** Marks a job as being worked on. What this process had claimed of it waits again. */
export const begin = Effect.fnUntraced(
  function* ({ isOwn, sql }: Claims, jobId: string) {
    yield* change(sql, jobId)
    yield* sql`UPDATE jobs SET status = 'in_progress', updated_at = ${yield* now} WHERE id = ${jobId} AND status = 'new'`
    yield* sql`UPDATE items SET status = 'new', attempts = 0, story = '', next_at = NULL, claim = NULL WHERE job_id = ${jobId} AND ${isOwn}`
  },
  (self, { sql }) => sql.withTransaction(self)
)

/** What this process has not finished waits again, job by job. */
export const giveBack = Effect.fnUntraced(function* (self: Claims) {
  const { isOwn, sql } = self
  const jobs = yield* sql<{ job_id: string }>`SELECT DISTINCT job_id FROM items WHERE ${isOwn}`
  for (const { job_id } of jobs) yield* begin(self, job_id)
})

const waiting = ({ order, sql }: Claims, jobId: string, which: Statement.Fragment, most: number) =>
  sql`SELECT id FROM items WHERE job_id = ${jobId} AND status = 'new' AND ${which} ORDER BY ${order} LIMIT ${most}`

/** Claims pages of a job that wait, in the order in which they were found. The caller has locked the job. */
export const take = Effect.fnUntraced(function* (
  self: Claims,
  jobId: string,
  most: number,
  which: Statement.Fragment = self.isUnsuspected
): Effect.fn.Return<ReadonlyArray<Task>, SqlError> {
  const { order, process, sql } = self
  if (most <= 0) return []
  const rows = yield* sql<Task & { readonly place: number | string }>`UPDATE items
      SET status = 'in_progress', attempts = 0, claim = ${process}, updated_at = ${yield* now}
      WHERE id IN (${waiting(self, jobId, which, most)}) RETURNING id, url, depth, kills, ${order} AS place`
  return rows
    .toSorted((one, other) => Number(one.place) - Number(other.place))
    .map(({ depth, id, kills, url }): Task => ({ depth, id, jobId, kills, url }))
})

/** Pages of a job whose processes do not live. One that was taken for lost may have claimed more since. */
const isLeft = (
  { process, sql }: Claims,
  jobId: string
) => sql`job_id = ${jobId} AND status = 'in_progress' AND claim <> ${process}
    AND NOT EXISTS (SELECT 1 FROM runners WHERE runners.id = items.claim)`

/**
 * Claims pages of a job that wait. If none does, those of processes that do not live any more become suspects, and, where one is `admitted`, it is
 * claimed.
 */
export const claim = Effect.fnUntraced(function* (
  self: Claims,
  jobId: string,
  most: number,
  admitted: boolean
): Effect.fn.Return<ReadonlyArray<Task>, SqlError> {
  const { isSuspect, isUnsuspected, sql } = self
  // Most of the time there is none, which costs no transaction.
  const isWaiting = (yield* waiting(self, jobId, isUnsuspected, 1)).length > 0
  const left = isWaiting ? [] : yield* sql`SELECT 1 AS one FROM items WHERE ${isLeft(self, jobId)} LIMIT 1`
  const suspects = isWaiting || !admitted ? [] : yield* waiting(self, jobId, isSuspect, 1)
  if (!isWaiting && left.length === 0 && suspects.length === 0) return []
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      yield* change(sql, jobId)
      if (left.length > 0)
        yield* sql`UPDATE items SET status = 'new', attempts = 0, story = '', next_at = NULL, claim = NULL, kills = kills + 1 WHERE ${isLeft(self, jobId)}`
      const tasks = yield* take(self, jobId, most)
      return tasks.length === 0 && admitted ? yield* take(self, jobId, 1, isSuspect) : tasks
    })
  )
})

/** Whether no page of a job waits, and none is under way in any process. */
export const areOver = ({ sql }: Claims, jobId: string) =>
  Effect.map(
    sql`SELECT 1 AS one FROM items WHERE job_id = ${jobId} AND status = 'new' UNION ALL
          SELECT 1 AS one FROM items WHERE job_id = ${jobId} AND status = 'in_progress' LIMIT 1`,
    ({ length }) => length === 0
  )
