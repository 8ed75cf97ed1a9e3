/**
 * The pages that wait, those that go again first at the top. The list goes along the times of their next attempts.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { orderOf } from "../service/Database.ts"
import * as Cursor from "./Cursor.ts"
import { type Filter, rangeOf } from "./Filter.ts"
import type { ItemLine, ItemList } from "./Model.ts"
import { columns, hasText, itemOf, type ItemRow } from "./rows.ts"

/** How many pages are read at a time, where some of them are not asked for. */
const mostRows = 500

/** The most pages that are counted. */
const mostCounted = 20_000

interface Most {
  /** How many pages a list has at most. */
  readonly items: number
  /** How many it looks at, at most. */
  readonly looked: number
}

const Place = Schema.Tuple([Schema.Finite, Schema.Finite])

/** What is asked of a page that waits; its host and text are looked at row by row. */
const conditionsOf = (sql: SqlClient.SqlClient, { job, next }: Filter, now: number): Statement.Fragment => {
  const [after, until] = next === undefined ? [0, Infinity] : rangeOf(next)
  return sql.and([
    sql`status = 'in_progress' AND next_at > ${now + after}`,
    ...(until === Infinity ? [] : [sql`next_at <= ${now + until}`]),
    ...(job === undefined ? [] : [sql`job_id = ${job}`])
  ])
}

/** How many there are; nothing where they are too many to be counted. */
const countOf = Effect.fnUntraced(function* (
  condition: Statement.Fragment
): Effect.fn.Return<number | undefined, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const [found] = yield* sql<{ readonly count: number | string }>`SELECT count(*) AS count FROM (
    SELECT 1 AS one FROM items WHERE ${condition} LIMIT ${mostCounted + 1}) counted`
  const count = Number(found?.count ?? 0)
  return count > mostCounted ? undefined : count
})

const rowsAfter = (
  sql: SqlClient.SqlClient,
  condition: Statement.Fragment,
  [at, place]: typeof Place.Type,
  most: number
) => {
  const order = sql`next_at, ${orderOf(sql, "items")}`
  return sql<ItemRow>`SELECT ${columns(sql)} FROM items
    WHERE ${condition} AND (${order}) > (${at}, ${place}) ORDER BY ${order} LIMIT ${most}`
}

export const list = Effect.fnUntraced(function* (
  filter: Filter,
  cursor: string | undefined,
  most: Most
): Effect.fn.Return<ItemList, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const condition = conditionsOf(sql, filter, now)
  const isWhole = filter.host === undefined && filter.text === undefined
  const count = isWhole ? yield* countOf(condition) : undefined
  const matches = hasText(filter)
  const size = isWhole ? most.items + 1 : mostRows
  const items: Array<ItemLine> = []
  let last = Cursor.decode(Place, cursor) ?? ([0, 0] as const)
  let looked = 0
  const found = () => ({ filter, items, ...(isWhole ? count !== undefined && { count } : { looked }) })
  for (;;) {
    const rows: ReadonlyArray<ItemRow> = yield* rowsAfter(sql, condition, last, size)
    for (const row of rows) {
      if (items.length === most.items || looked === most.looked) return { ...found(), after: Cursor.encode(last) }
      last = [Number(row.next_at), Number(row.place)]
      looked++
      if ((filter.host === undefined || row.host === filter.host) && matches(row)) items.push(itemOf(row, now))
    }
    if (rows.length < size) break
  }
  return { ...found(), ...(!isWhole && cursor === undefined && { count: items.length }) }
})
