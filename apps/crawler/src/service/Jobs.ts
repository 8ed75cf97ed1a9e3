/**
 * Jobs, from when somebody asks for one until it is forgotten, and what the API answers of them. `Pages` has how their pages come in.
 */
import { randomUUID } from "node:crypto"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import type * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import { Store, type StoreError } from "@redrive/durable/Store"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Stream from "effect/Stream"
import * as Scope from "../page/Scope.ts"
import { orderOf } from "./Database.ts"
import * as Deliveries from "./Deliveries.ts"
import { formatsOf } from "./formats.ts"
import { adding, withoutNul } from "./Pages.ts"
import { Accounts } from "./Accounts.ts"
import { isUnpaid, itemJson, jobJson, type JobRow } from "./rows.ts"

/** A job that is to be worked on. */
export interface Work {
  readonly id: string
  readonly accountId: string
  readonly request: CrawlApi.CrawlRequest
  /** The least time between two of its pages in a process, in milliseconds; 0 for none. */
  readonly pace: number
}

/** How a job is. */
export interface State {
  readonly status: Job.Status
  /** Grows with every change of the job and its items. */
  readonly version: number
  /** What became of its webhook. */
  readonly webhook: Deliveries.State
  /** In which its pages are kept. */
  readonly formats: ReadonlySet<Job.Format>
}

/** Which items of a job an answer has, and whether they list the links of their pages. */
export interface View {
  readonly limit: number
  readonly offset: number
  readonly links: boolean
}

/** All items with their links. A job has at most 100,000. */
export const whole: View = { limit: 100_000, offset: 0, links: true }

/** The item of a job that has one page. */
export interface First {
  readonly status: Job.Status
  readonly page_status: number
  readonly title: string
  readonly markdown: string
  readonly html: string
  readonly cleaned: string
  readonly answer: string
}

export class Jobs extends Context.Service<
  Jobs,
  {
    /** Creates a job with its first item. `origin` is the address by which the caller reached the service. */
    readonly create: (
      accountId: string,
      request: CrawlApi.CrawlRequest,
      origin: string
    ) => Effect.Effect<Work, SqlError>
    /** Creates a job that takes pages of another one again, in the transaction of whoever calls; gives whether it was not there. */
    readonly again: (
      work: Work,
      from: { readonly of: string; readonly origin: string },
      pages: ReadonlyArray<{ readonly url: string; readonly depth: number }>
    ) => Effect.Effect<boolean, SqlError>
    /** Takes up a job that ended since its account could not pay, with the pages that it left. */
    readonly resume: (jobId: string) => Effect.Effect<Option.Option<Work>, SqlError>
    /** How a job is, without its items. */
    readonly state: (accountId: string, jobId: string) => Effect.Effect<Option.Option<State>, SqlError | StoreError>
    /** The job as the API answers it; `links` is what the links to its pages' texts begin with. */
    readonly answer: (
      accountId: string,
      jobId: string,
      links: string,
      view: View
    ) => Effect.Effect<Option.Option<string>, SqlError | StoreError>
    readonly markdown: (
      accountId: string,
      jobId: string,
      itemId: string
    ) => Effect.Effect<Option.Option<string>, SqlError>
    /** The text of an item, whoever asks: the caller has looked at the link. */
    readonly text: (jobId: string, itemId: string, format: Job.Format) => Effect.Effect<Option.Option<string>, SqlError>
    /** The texts of all pages of a job, in the order in which they were found. */
    readonly texts: (jobId: string) => Stream.Stream<{ readonly url: string; readonly markdown: string }, SqlError>
    /** The first item of a job. */
    readonly first: (jobId: string) => Effect.Effect<Option.Option<First>, SqlError>
    /** Queues the webhook of a job that has ended once more; gives its address. None if the job has no webhook or has not ended. */
    readonly resend: (jobId: string) => Effect.Effect<Option.Option<string>, SqlError | StoreError>
    /** The jobs of an account, newest first, from after one of them on. */
    readonly list: (
      accountId: string,
      most: number,
      before: string | undefined
    ) => Effect.Effect<ReadonlyArray<typeof CrawlApi.JobSummary.Type>, SqlError>
    /** Deletes a job that has ended, with all its pages. */
    readonly remove: (jobId: string) => Effect.Effect<void, SqlError>
    /** Deletes the jobs that ended before a time; gives how many. */
    readonly expire: (before: DateTime.DateTime) => Effect.Effect<number, SqlError>
    /** What links to texts are signed with: the same as long as the database. */
    readonly secret: Effect.Effect<string, SqlError>
    /** The jobs that have not ended, whichever process they were asked of. */
    readonly unfinished: Effect.Effect<ReadonlyArray<Work>, SqlError>
    /** Ends a job that has not ended; items that are not finished end with it, as cancelled. Who wants to hear of it is told from then on. */
    readonly end: (
      jobId: string,
      status: "done" | "error" | "cancelled",
      error?: JobError.Reason
    ) => Effect.Effect<void, SqlError | StoreError>
    /**
     * Ends a job whose account could not pay, unless it can by now; gives whether it has ended. Whoever paid while the job's pages were stopped found no
     * job that had ended, and takes none up.
     */
    readonly endUnpaid: (work: Work, error: JobError.Reason) => Effect.Effect<boolean, SqlError | StoreError>
  }
>()("@redrive/crawler/service/Jobs") {
  static readonly layer = Layer.effect(
    Jobs,
    Effect.suspend(() => make)
  )
}

const now = Effect.map(DateTime.now, DateTime.formatIso)

const requestJson = Schema.fromJsonString(Schema.toCodecJson(CrawlApi.CrawlRequestBody))
const encodeRequest = Schema.encodeSync(requestJson)
const decodeRequest = Schema.decodeSync(requestJson)
const encodeJobReason = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(JobError.Reason)))

const workOf = ({ account_id: accountId, id, pace, request }: JobRow): Work => ({
  id,
  accountId,
  request: decodeRequest(request),
  pace
})

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const store = yield* Store
  const accounts = yield* Accounts

  const toStore = Effect.provideService(Store, store)

  const add = adding(sql)
  const order = orderOf(sql, "items")
  const jobOrder = orderOf(sql, "jobs")

  const insert = (work: Work, more: { readonly origin: string; readonly again_of?: string }, at: string) =>
    sql`INSERT INTO jobs ${sql.insert({
      id: work.id,
      account_id: work.accountId,
      request: encodeRequest(work.request),
      status: "new",
      pace: work.pace,
      ...more,
      created_at: at,
      updated_at: at
    })} ON CONFLICT (id) DO NOTHING RETURNING id`

  const create = Effect.fnUntraced(function* (accountId: string, request: CrawlApi.CrawlRequest, origin: string) {
    const work: Work = { id: randomUUID(), accountId, request, pace: 0 }
    yield* insert(work, { origin }, yield* now)
    yield* add(work, [Scope.pageOf(request.url)], { url: "", depth: 0 })
    return work
  }, sql.withTransaction)

  const again: Jobs["Service"]["again"] = Effect.fnUntraced(function* (work, { of, origin }, pages) {
    if ((yield* insert(work, { origin, again_of: of }, yield* now)).length === 0) return false
    for (const some of Object.values(Arr.groupBy(pages, ({ depth }) => String(depth))))
      yield* add(
        work,
        some.map(({ url }) => url),
        { url: "", depth: some[0].depth }
      )
    return true
  })

  const resume = Effect.fnUntraced(function* (jobId: string) {
    const [row] = yield* sql<JobRow>`UPDATE jobs
      SET status = 'in_progress', error = NULL, finished_at = NULL, version = version + 1, updated_at = ${yield* now}
      WHERE id = ${jobId} AND ${isUnpaid(sql)} RETURNING *`
    if (row === undefined) return Option.none()
    yield* sql`UPDATE items SET status = 'new', attempts = 0, story = '', next_at = NULL, claim = NULL
      WHERE job_id = ${jobId} AND status = 'cancelled'`
    return Option.some(workOf(row))
  }, sql.withTransaction)

  /** Whoever asks again hears that something has changed. */
  const changed = (jobId: string) => sql`UPDATE jobs SET version = version + 1 WHERE id = ${jobId}`

  const answer = Effect.fnUntraced(function* (accountId: string, jobId: string, links: string, view: View) {
    const [job] = yield* sql<JobRow>`SELECT * FROM jobs WHERE id = ${jobId} AND account_id = ${accountId}`
    if (job === undefined) return Option.none()
    const request = decodeRequest(job.request)
    const item = itemJson(sql, formatsOf(request), links, view.links)
    const items = yield* sql<{ readonly item: string }>`SELECT ${item} AS item FROM items WHERE job_id = ${jobId}
      ORDER BY ${order} LIMIT ${view.limit} OFFSET ${view.offset}`
    const webhook = yield* toStore(Deliveries.state(jobId, job.deliveries))
    return Option.some(jobJson(job, request, items, webhook))
  })

  /** Queues the webhook of a job that has ended. The caller has locked the job: each delivery has a count of its own. */
  const deliver = Effect.fnUntraced(function* ({
    account_id: accountId,
    deliveries,
    id: jobId,
    origin,
    request
  }: JobRow) {
    const url = decodeRequest(request).webhookUrl ?? ""
    if (url === "") return Option.none()
    yield* sql`UPDATE jobs SET deliveries = ${deliveries + 1} WHERE id = ${jobId}`
    yield* toStore(Deliveries.add({ accountId, jobId, url, origin }, deliveries + 1))
    return Option.some(url)
  })

  const resend = Effect.fnUntraced(function* (jobId: string) {
    const [job] =
      yield* sql<JobRow>`UPDATE jobs SET version = version + 1 WHERE id = ${jobId} AND finished_at IS NOT NULL
      RETURNING *`
    return job === undefined ? Option.none() : yield* deliver(job)
  }, sql.withTransaction)

  const end = Effect.fnUntraced(function* (
    jobId: string,
    status: "done" | "error" | "cancelled",
    error?: JobError.Reason
  ) {
    const at = yield* now
    const reason = error === undefined ? null : encodeJobReason(error)
    const ended = { status, error: reason, updated_at: at, finished_at: at }
    const [job] = yield* sql<JobRow>`UPDATE jobs SET ${sql.update(ended)} WHERE id = ${jobId} AND finished_at IS NULL
      RETURNING *`
    yield* sql`UPDATE items SET status = 'cancelled', updated_at = ${at}
               WHERE job_id = ${jobId} AND status IN ('new', 'in_progress')`
    yield* changed(jobId)
    if (job !== undefined) yield* deliver(job)
  }, sql.withTransaction)

  const endUnpaid: Jobs["Service"]["endUnpaid"] = Effect.fnUntraced(function* ({ accountId, id }, error) {
    yield* changed(id)
    if (yield* accounts.canPay(accountId)) return false
    yield* end(id, "error", error)
    return true
  }, sql.withTransaction)

  const remove = Effect.fnUntraced(function* (jobId: string) {
    yield* sql`DELETE FROM items WHERE job_id = ${jobId}`
    yield* sql`DELETE FROM jobs WHERE id = ${jobId}`
  }, sql.withTransaction)

  const expire = Effect.fnUntraced(function* (before: DateTime.DateTime) {
    const ended = yield* sql<{ id: string }>`SELECT id FROM jobs WHERE finished_at < ${DateTime.formatIso(before)}`
    // One at a time: a job may have a gigabyte of pages.
    yield* Effect.forEach(ended, ({ id }) => remove(id), { discard: true })
    return ended.length
  })

  const list = (accountId: string, most: number, before: string | undefined) =>
    Effect.map(
      sql<JobRow>`SELECT * FROM jobs WHERE account_id = ${accountId} AND ${jobOrder} < coalesce(
          (SELECT ${jobOrder} FROM jobs WHERE id = ${withoutNul(before ?? "")} AND account_id = ${accountId}), 9000000000000000)
        ORDER BY ${jobOrder} DESC LIMIT ${most}`,
      (rows) =>
        rows.map(({ created_at, done, failed, finished_at, id, request, status, total }) => ({
          id,
          url: decodeRequest(request).url,
          status,
          created_at,
          finished_at,
          items_total: total,
          items_done: done,
          items_failed: failed
        }))
    )

  return Jobs.of({
    list,
    remove,
    expire,
    create,
    again,
    resume,
    answer,
    resend,
    state: Effect.fnUntraced(function* (accountId: string, jobId: string) {
      const [job] = yield* sql<Pick<JobRow, "status" | "version" | "deliveries" | "request">>`
        SELECT status, version, deliveries, request FROM jobs WHERE id = ${withoutNul(jobId)} AND account_id = ${accountId}`
      if (job === undefined) return Option.none()
      const { deliveries, request, status, version } = job
      const webhook = yield* toStore(Deliveries.state(jobId, deliveries))
      return Option.some({ status, version, webhook, formats: formatsOf(decodeRequest(request)) })
    }),
    text: (jobId, itemId, format) =>
      Effect.map(
        sql<{ text: string }>`SELECT ${sql(format)} AS text FROM items JOIN texts ON item_id = id
          WHERE id = ${withoutNul(itemId)} AND job_id = ${jobId} AND status = 'done'`,
        ([item]) => Option.map(Option.fromUndefinedOr(item), ({ text }) => text)
      ),
    texts: (jobId) =>
      sql<{ url: string; markdown: string }>`SELECT url, markdown FROM items JOIN texts ON item_id = id
        WHERE job_id = ${jobId} AND status = 'done' ORDER BY ${order}`.stream,
    first: (jobId) =>
      Effect.map(
        sql<First>`SELECT status, page_status, title, coalesce(markdown, '') AS markdown, coalesce(html, '') AS html,
          coalesce(cleaned, '') AS cleaned, answer FROM items LEFT JOIN texts ON item_id = id
          WHERE job_id = ${jobId} ORDER BY ${order} LIMIT 1`,
        ([item]) => Option.fromUndefinedOr(item)
      ),
    secret: Effect.map(
      sql<{ value: string }>`SELECT value FROM settings WHERE name = 'links'`,
      ([setting]) => setting?.value ?? ""
    ),
    end,
    endUnpaid,
    markdown: (accountId, jobId, itemId) =>
      Effect.map(
        sql<{ markdown: string }>`
          SELECT markdown FROM items JOIN texts ON item_id = items.id JOIN jobs ON jobs.id = items.job_id
          WHERE items.id = ${withoutNul(itemId)} AND jobs.id = ${jobId} AND account_id = ${accountId} AND items.status = 'done'`,
        ([item]) => Option.map(Option.fromUndefinedOr(item), ({ markdown }) => markdown)
      ),
    unfinished: Effect.map(sql<JobRow>`SELECT * FROM jobs WHERE finished_at IS NULL ORDER BY ${jobOrder}`, (rows) =>
      rows.map(workOf)
    )
  })
})
