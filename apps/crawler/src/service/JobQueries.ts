/**
 * What the API answers of jobs and their pages. Nothing here changes any.
 */
import type * as Job from "@redrive/core/Job"
import { Store } from "@redrive/durable/Store"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import { orderOf } from "./Database.ts"
import * as Deliveries from "./Deliveries.ts"
import { formatsOf } from "./formats.ts"
import type { First, View } from "./Jobs.ts"
import { withoutNul } from "./Pages.ts"
import { itemJson, jobJson, type JobRow, readRequest } from "./rows.ts"

/** What is read from: the database, and its tasks, which webhooks are. */
interface Source {
  readonly sql: SqlClient.SqlClient
  readonly store: Store["Service"]
}

const webhookOf = ({ store }: Source, jobId: string, deliveries: number) =>
  Effect.provideService(Deliveries.state(jobId, deliveries), Store, store)

/** How a job is, without its items. */
export const state = Effect.fnUntraced(function* (source: Source, accountId: string, jobId: string) {
  const { sql } = source
  const [job] = yield* sql<Pick<JobRow, "status" | "version" | "deliveries" | "request">>`
        SELECT status, version, deliveries, request FROM jobs WHERE id = ${withoutNul(jobId)} AND account_id = ${accountId}`
  if (job === undefined) return Option.none()
  const { deliveries, request, status, version } = job
  const webhook = yield* webhookOf(source, jobId, deliveries)
  return Option.some({ status, version, webhook, formats: formatsOf(readRequest(request)) })
})

/** A job with its items, as the API writes them. */
export const answer = Effect.fnUntraced(function* (
  source: Source,
  accountId: string,
  jobId: string,
  links: string,
  view: View
) {
  const { sql } = source
  const [job] = yield* sql<JobRow>`SELECT * FROM jobs WHERE id = ${jobId} AND account_id = ${accountId}`
  if (job === undefined) return Option.none()
  const request = readRequest(job.request)
  const item = itemJson(sql, formatsOf(request), links, view.links)
  const items = yield* sql<{ readonly item: string }>`SELECT ${item} AS item FROM items WHERE job_id = ${jobId}
      ORDER BY ${orderOf(sql, "items")} LIMIT ${view.limit} OFFSET ${view.offset}`
  return Option.some(jobJson(job, request, items, yield* webhookOf(source, jobId, job.deliveries)))
})

/** Jobs of an account, newest first, from after one of them on. */
export const list = ({ sql }: Source, accountId: string, most: number, before: string | undefined) => {
  const order = orderOf(sql, "jobs")
  return Effect.map(
    sql<JobRow>`SELECT * FROM jobs WHERE account_id = ${accountId} AND ${order} < coalesce(
          (SELECT ${order} FROM jobs WHERE id = ${withoutNul(before ?? "")} AND account_id = ${accountId}), 9000000000000000)
        ORDER BY ${order} DESC LIMIT ${most}`,
    (rows) =>
      rows.map(({ created_at, done, failed, finished_at, id, request, status, total }) => ({
        id,
        url: readRequest(request).url,
        status,
        created_at,
        finished_at,
        items_total: total,
        items_done: done,
        items_failed: failed
      }))
  )
}

export const first = ({ sql }: Source, jobId: string) =>
  Effect.map(
    sql<First>`SELECT status, page_status, title, coalesce(markdown, '') AS markdown, coalesce(html, '') AS html,
          coalesce(cleaned, '') AS cleaned, answer FROM items LEFT JOIN texts ON item_id = id
          WHERE job_id = ${jobId} ORDER BY ${orderOf(sql, "items")} LIMIT 1`,
    ([item]) => Option.fromUndefinedOr(item)
  )

export const text = ({ sql }: Source, jobId: string, itemId: string, format: Job.Format) =>
  Effect.map(
    sql<{ text: string }>`SELECT ${sql(format)} AS text FROM items JOIN texts ON item_id = id
          WHERE id = ${withoutNul(itemId)} AND job_id = ${jobId} AND status = 'done'`,
    ([item]) => Option.map(Option.fromUndefinedOr(item), ({ text }) => text)
  )

/** The texts of all pages of a job, in the order in which they were found. */
export const texts = ({ sql }: Source, jobId: string) =>
  sql<{ url: string; markdown: string }>`SELECT url, markdown FROM items JOIN texts ON item_id = id
        WHERE job_id = ${jobId} AND status = 'done' ORDER BY ${orderOf(sql, "items")}`.stream

export const markdown = ({ sql }: Source, accountId: string, jobId: string, itemId: string) =>
  Effect.map(
    sql<{ markdown: string }>`
          SELECT markdown FROM items JOIN texts ON item_id = items.id JOIN jobs ON jobs.id = items.job_id
          WHERE items.id = ${withoutNul(itemId)} AND jobs.id = ${jobId} AND account_id = ${accountId} AND items.status = 'done'`,
    ([item]) => Option.map(Option.fromUndefinedOr(item), ({ markdown }) => markdown)
  )

/** What links to texts are signed with. */
export const secret = ({ sql }: Source) =>
  Effect.map(
    sql<{ value: string }>`SELECT value FROM settings WHERE name = 'links'`,
    ([setting]) => setting?.value ?? ""
  )
