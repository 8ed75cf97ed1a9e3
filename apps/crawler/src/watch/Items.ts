/**
 * The pages of a filter, some at a time. Every list goes along an index, and looks at so many rows at most: what is behind them is behind the list's cursor.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { orderOf } from "../service/Database.ts"
import * as Cursor from "./Cursor.ts"
import { type Filter, ofFailures, type Status } from "./Filter.ts"
import * as Groups from "./Groups.ts"
import type { ItemLine, ItemList } from "./Model.ts"
import { columns, hasText, itemOf, type ItemRow, type Whole } from "./rows.ts"
import * as Waits from "./Waits.ts"

/** How many pages a list has at most. */
const mostItems = 50

/** How many rows a list looks at, at most. */
const mostLooked = 5000

type Read<A> = Effect.Effect<A, SqlError, SqlClient.SqlClient>

/** The statuses that a filter's fields ask for. Pages that wait have not failed, and failures have ended. */
const statusesOf = (filter: Filter): ReadonlySet<Status> =>
  new Set([
    ...(filter.status === undefined ? [] : [filter.status]),
    ...(filter.next === undefined ? [] : ["waiting" as const]),
    ...(ofFailures.every((field) => filter[field] === undefined) ? [] : ["failed" as const])
  ])

export const list = (filter: Filter, after?: string): Read<ItemList> => {
  const statuses = statusesOf(filter)
  // No page is both.
  if (statuses.size > 1) return Effect.succeed({ filter, items: [], count: 0 })
  if (statuses.has("failed")) return failures(filter, after)
  if (statuses.has("running")) return running(filter, after)
  if (statuses.has("waiting")) return Waits.list(filter, after, { items: mostItems, looked: mostLooked })
  return others(filter, after)
}

const FailureCursor = Schema.Tuple([
  Schema.Finite,
  Schema.String,
  Schema.String,
  Schema.String,
  Schema.Finite,
  Schema.String,
  Schema.Finite
])

/** The pages of a group that match, so many at most. */
export const matching = Effect.fnUntraced(function* (
  group: Groups.JobGroup,
  matches: (row: ItemRow) => boolean,
  most: number
): Effect.fn.Return<ReadonlyArray<ItemRow>, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const found: Array<ItemRow> = []
  for (let place = 0; found.length < most;) {
    const rows: ReadonlyArray<ItemRow> = yield* members(sql, group, place)
    found.push(...rows.filter(matches).slice(0, most - found.length))
    const last = rows.at(-1)
    if (last === undefined || rows.length < mostRows) break
    place = Number(last.place)
  }
  return found
})

/** The groups of a filter, with as many pages as a text is found in. */
export const groups = Effect.fnUntraced(function* (
  filter: Filter
): Effect.fn.Return<ReadonlyArray<Groups.JobGroup>, SqlError, SqlClient.SqlClient> {
  const all = [...statusesOf(filter)].every((status) => status === "failed") ? yield* Groups.list(filter) : []
  if (filter.text === undefined) return all
  const matches = hasText(filter)
  const found: Array<Groups.JobGroup> = []
  for (const group of all) {
    const count = (yield* matching(group, matches, Infinity)).length
    if (count > 0) found.push({ ...group, count })
  }
  return found
})

/** Failures go by their groups: those of the newest job first, and in it host by host. */
const failures = Effect.fnUntraced(function* (
  filter: Filter,
  cursor: string | undefined
): Effect.fn.Return<ItemList, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const from = Cursor.decode(FailureCursor, cursor)
  const all = yield* Groups.list(filter)
  const groups = from === undefined ? all : yield* Groups.list(filter, since(sql, from))
  const count = filter.text === undefined ? Groups.countOf(all) : undefined
  const items: Array<ItemLine> = []
  const matches = hasText(filter)
  let looked = 0
  for (const [index, group] of groups.entries()) {
    let last = index === 0 ? placeIn(group, from) : 0
    for (;;) {
      const rows = yield* members(sql, group, last)
      for (const row of rows) {
        if (items.length === mostItems || looked === mostLooked) {
          const after = Cursor.encode([...orderOfGroup(group), last])
          return { filter, items, ...(count === undefined ? { looked } : { count }), after }
        }
        last = Number(row.place)
        looked++
        if (matches(row)) items.push(itemOf(row, now))
      }
      if (rows.length < mostRows) break
    }
  }
  return { filter, items, count: count ?? items.length, ...(filter.text !== undefined && { looked }) }
})

const orderOfGroup = ({ because, code, detail, host, jobPlace, status }: Groups.JobGroup) =>
  [jobPlace, host, code, detail, status, because] as const

type From = typeof FailureCursor.Type

/** Where a list goes on within a group; at its beginning if it has not come there. */
const placeIn = (group: Groups.JobGroup, from: From | undefined): number =>
  from !== undefined && orderOfGroup(group).every((part, index) => part === from[index]) ? from[6] : 0

const since = (sql: SqlClient.SqlClient, [place, host, code, detail, status, because]: From) => {
  const jobs = orderOf(sql, "jobs")
  return sql`(${jobs} < ${place} OR (${jobs} = ${place}
    AND (host, code, detail, page_status, because) >= (${host}, ${code}, ${detail}, ${status}, ${because})))`
}

/** How many pages of a group are read at a time. */
const mostRows = 100

/** Whether a page is one of a group that has not gone again. */
export const isMember = (sql: SqlClient.SqlClient, { because, code, detail, host, jobId, status }: Groups.JobGroup) =>
  sql`status = 'error' AND again_by = '' AND job_id = ${jobId} AND host = ${host} AND code = ${code}
    AND detail = ${detail} AND page_status = ${status} AND because = ${because}`

/** The pages of a group, from after a place on. */
const members = (sql: SqlClient.SqlClient, group: Groups.JobGroup, after: number) =>
  sql<ItemRow>`SELECT ${columns(sql)} FROM items WHERE ${isMember(sql, group)} AND ${orderOf(sql, "items")} > ${after}
    ORDER BY ${orderOf(sql, "items")} LIMIT ${mostRows}`

const RunningCursor = Schema.Tuple([Schema.String, Schema.Finite])

/** The pages that processes have in hand, of which there are few: those that have been running longest at the top. */
const running = Effect.fnUntraced(function* (
  filter: Filter,
  cursor: string | undefined
): Effect.fn.Return<ItemList, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const order = sql`updated_at, ${orderOf(sql, "items")}`
  const conditions = [sql`status = 'in_progress'`, sql`(next_at IS NULL OR next_at <= ${now})`, ...where(sql, filter)]
  const from = Cursor.decode(RunningCursor, cursor)
  const rest = from === undefined ? [] : [sql`(${order}) > (${from[0]}, ${from[1]})`]
  const rows = yield* sql<ItemRow>`SELECT ${columns(sql)} FROM items
    WHERE ${sql.and([...conditions, ...rest])} ORDER BY ${order} LIMIT ${mostLooked}`
  const found = rows.filter(hasText(filter))
  const listed = found.slice(0, mostItems)
  const isWhole = rows.length < mostLooked
  const last = found.length > mostItems ? listed.at(-1) : isWhole ? undefined : rows.at(-1)
  const count = from === undefined && isWhole ? found.length : yield* countOf(filter, sql.and(conditions))
  return {
    filter,
    items: listed.map((row) => itemOf(row, now)),
    ...(count !== undefined && { count }),
    ...(last !== undefined && { after: Cursor.encode([last.updated_at, Number(last.place)]) })
  }
})

/** How many pages there are; unknown where a text would be looked for in each of them. */
const countOf = Effect.fnUntraced(function* (
  { text }: Filter,
  condition: Statement.Fragment
): Effect.fn.Return<number | undefined, SqlError, SqlClient.SqlClient> {
  if (text !== undefined) return undefined
  const sql = yield* SqlClient.SqlClient
  const [found] = yield* sql<{ readonly count: Whole }>`SELECT count(*) AS count FROM items WHERE ${condition}`
  return Number(found?.count ?? 0)
})

const where = (sql: SqlClient.SqlClient, { host, job }: Filter): ReadonlyArray<Statement.Fragment> => [
  ...(job === undefined ? [] : [sql`job_id = ${job}`]),
  ...(host === undefined ? [] : [sql`host = ${host}`])
]

/** How the rows of the database say it. The other statuses have lists of their own. */
const stored: { readonly [S in Status]?: string } = { queued: "new", done: "done", cancelled: "cancelled" }

const PlaceCursor = Schema.Tuple([Schema.Finite, Schema.Finite])

interface Part {
  readonly id: string
  readonly place: number
}

/** All others go job by job, the newest one first, in the order in which they were found. */
const others = Effect.fnUntraced(function* (
  filter: Filter,
  cursor: string | undefined
): Effect.fn.Return<ItemList, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const [jobPlace, first] = Cursor.decode(PlaceCursor, cursor) ?? [undefined, 0]
  const items: Array<ItemLine> = []
  const matches = hasText(filter)
  let room = mostLooked
  let from: number | undefined = jobPlace
  let last = first
  for (;;) {
    const job: Part | undefined = yield* nextJob(sql, filter, from)
    if (job === undefined) break
    if (job.place !== from) last = 0
    from = job.place
    const rows: ReadonlyArray<ItemRow> = yield* some(sql, filter, job.id, last, room)
    for (const row of rows) {
      if (items.length === mostItems) return yield* listed(filter, items, Cursor.encode([job.place, last]))
      last = Number(row.place)
      if (isAsked(filter, row) && matches(row)) items.push(itemOf(row, now))
    }
    room -= rows.length
    if (room <= 0) return yield* listed(filter, items, Cursor.encode([job.place, last]))
    from = job.place - 1
  }
  return yield* listed(filter, items)
})

const isAsked = ({ host, status }: Filter, row: ItemRow): boolean =>
  (host === undefined || row.host === host) && (status === undefined || row.status === stored[status])

/** The newest job at a place or before it. */
const nextJob = (sql: SqlClient.SqlClient, { job, status }: Filter, from: number | undefined) => {
  const place = orderOf(sql, "jobs")
  const conditions = [
    ...(job === undefined ? [] : [sql`id = ${job}`]),
    ...(from === undefined ? [] : [sql`${place} <= ${from}`]),
    // Only jobs that run have pages that wait.
    ...(status === "queued" ? [sql`finished_at IS NULL`] : [])
  ]
  return Effect.map(
    sql<{ id: string; place: number | string }>`SELECT id, ${place} AS place FROM jobs
      WHERE ${sql.and(conditions)} ORDER BY place DESC LIMIT 1`,
    ([found]) => (found === undefined ? undefined : { id: found.id, place: Number(found.place) })
  )
}

const some = (sql: SqlClient.SqlClient, { status }: Filter, jobId: string, after: number, most: number) => {
  const place = orderOf(sql, "items")
  // Where there is an index of its own.
  const isNew = status === "queued" ? sql`AND status = 'new'` : sql``
  return sql<ItemRow>`SELECT ${columns(sql)} FROM items WHERE job_id = ${jobId} AND ${place} > ${after} ${isNew}
    ORDER BY ${place} LIMIT ${most}`
}

/** With how many there are, where that is known without counting. */
const listed = Effect.fnUntraced(function* (
  filter: Filter,
  items: ReadonlyArray<ItemLine>,
  after?: string
): Effect.fn.Return<ItemList, SqlError, SqlClient.SqlClient> {
  const { host, job, status, text } = filter
  const isKnown = host === undefined && text === undefined
  const sql = yield* SqlClient.SqlClient
  const [sums] = isKnown
    ? yield* sql<{ total: number; done: number; cancelled: number }>`SELECT
        CAST(coalesce(sum(total), 0) AS INTEGER) AS total, CAST(coalesce(sum(done), 0) AS INTEGER) AS done,
        CAST(coalesce(sum(CASE WHEN finished_at IS NULL THEN 0 ELSE total - done - failed END), 0) AS INTEGER) AS cancelled
        FROM jobs ${job === undefined ? sql`` : sql`WHERE id = ${job}`}`
    : []
  const count =
    status === undefined ? sums?.total : status === "done" || status === "cancelled" ? sums?.[status] : undefined
  return { filter, items, ...(count === undefined ? {} : { count }), ...(after === undefined ? {} : { after }) }
})
