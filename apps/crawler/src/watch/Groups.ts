/**
 * Pages that failed alike, counted as they failed: what a filter has of them is a sum of few rows, however many pages there are.
 */
import * as Catalogue from "@redrive/core/Catalogue"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import { meanings } from "@redrive/core/CrawlMeanings"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { orderOf } from "../service/Database.ts"
import type { Filter } from "./Filter.ts"
import type { Failures, Group } from "./Model.ts"
import type { Whole } from "./rows.ts"

/** The pages of one job that failed alike. */
export interface JobGroup extends Group {
  readonly jobId: string
  /** Where the job is among the jobs. */
  readonly jobPlace: number
}

/** What a filter asks of failures; no text, which no group has. */
const conditionsOf = (sql: SqlClient.SqlClient, { actor, because, code, detail, host, job }: Filter) => {
  const asked: ReadonlyArray<readonly [column: string, value: string | undefined]> = [
    ["job_id", job],
    ["host", host],
    ["code", code],
    ["detail", detail],
    ["actor", actor],
    ["because", because]
  ]
  return sql.and(asked.flatMap(([column, value]) => (value === undefined ? [] : [sql`${sql(column)} = ${value}`])))
}

/** The most groups that are looked at: a job has one for each host and way to fail. */
const mostGroups = 20_000

/** The groups of a filter, those of the newest jobs first. `from` leaves out those before a place in that order. */
export const list = (
  filter: Filter,
  from?: Statement.Fragment
): Effect.Effect<ReadonlyArray<JobGroup>, SqlError, SqlClient.SqlClient> =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => {
    const place = orderOf(sql, "jobs")
    return Effect.map(
      sql<Omit<JobGroup, "jobPlace" | "status"> & { readonly place: Whole; readonly page_status: number }>`
        SELECT job_id AS ${sql("jobId")}, ${place} AS place, host, code, detail, page_status, actor, because, count
        FROM tallies JOIN jobs ON jobs.id = job_id
        WHERE code <> '' AND count > 0 AND ${conditionsOf(sql, filter)} ${from === undefined ? sql`` : sql`AND ${from}`}
        ORDER BY place DESC, host, code, detail, page_status, because LIMIT ${mostGroups}`,
      (rows) => rows.map(({ place, page_status, ...row }) => ({ ...row, jobPlace: Number(place), status: page_status }))
    )
  })

/** How many pages groups have. */
export const countOf = (groups: ReadonlyArray<Pick<Group, "count">>): number =>
  groups.reduce((sum, { count }) => sum + count, 0)

const details: { readonly [code: string]: { readonly [detail: string]: string } } = meanings.item

/** What a detail means, in words; else what its code does. */
export const meaningOf = (code: string, detail: string): string =>
  details[code]?.[detail] ?? Catalogue.entry(catalogue, "item", code)?.meaning ?? code

/** Failures of one code and detail, whatever the host, the most frequent first. */
export const sum = (groups: ReadonlyArray<Group>): ReadonlyArray<Failures> => {
  const sums = new Map<string, { readonly group: Group; count: number; readonly hosts: Set<string> }>()
  for (const group of groups) {
    const key = [group.code, group.detail, group.actor, group.because].join("\n")
    const found = sums.get(key) ?? { group, count: 0, hosts: new Set<string>() }
    sums.set(key, found)
    found.count += group.count
    found.hosts.add(group.host)
  }
  return [...sums.values()]
    .map(({ count, group: { actor, because, code, detail }, hosts }) => ({
      code,
      detail,
      actor,
      because,
      count,
      hosts: hosts.size,
      meaning: meaningOf(code, detail)
    }))
    .toSorted((one, other) => other.count - one.count)
}
