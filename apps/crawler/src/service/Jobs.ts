/**
 * Jobs and their items in SQLite. What is finished stays finished: every item is committed as it ends.
 */
import { randomUUID } from "node:crypto"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as ItemError from "@redrive/core/ItemError"
import type * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import { Store, type StoreError } from "@redrive/durable/Store"
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
import { Accounts, pagePrice } from "./Accounts.ts"
import { hasChanged } from "./Database.ts"
import * as Deliveries from "./Deliveries.ts"
import { answerOf, itemColumns, type ItemRow, jobJson, type JobRow } from "./rows.ts"

/** An item that is to be fetched. */
export interface Task {
  readonly id: string
  readonly jobId: string
  readonly url: string
  readonly depth: number
}

/** A job that is to be worked on. */
export interface Work {
  readonly id: string
  readonly accountId: string
  readonly request: CrawlApi.CrawlRequest
}

/** What a fetched page brought. */
export interface Fetched {
  readonly status: number
  /** The URL where it was found. */
  readonly landing: string
  readonly title: string
  readonly markdown: string
  readonly links: ReadonlyArray<string>
  /** Those of its links that the job may not have yet. */
  readonly fresh: ReadonlyArray<string>
  readonly attempts: number
}

/** How a job is. */
export interface State {
  readonly status: Job.Status
  /** Grows with every change of the job and its items. */
  readonly version: number
}

/** The item of a job that has one page. */
export interface First {
  readonly status: Job.Status
  readonly page_status: number
  readonly title: string
  readonly markdown: string
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
    /** How a job is, without its items. */
    readonly state: (accountId: string, jobId: string) => Effect.Effect<Option.Option<State>, SqlError>
    /** The whole job as the API answers it; `link` is where the text of an item is. */
    readonly answer: (
      accountId: string,
      jobId: string,
      link: (itemId: string) => string
    ) => Effect.Effect<Option.Option<string>, SqlError | StoreError>
    readonly markdown: (
      accountId: string,
      jobId: string,
      itemId: string
    ) => Effect.Effect<Option.Option<string>, SqlError>
    /** The text of an item, whoever asks: the caller has looked at the link. */
    readonly text: (jobId: string, itemId: string) => Effect.Effect<Option.Option<string>, SqlError>
    /** The texts of all pages of a job, in the order in which they were found. */
    readonly texts: (jobId: string) => Stream.Stream<{ readonly url: string; readonly markdown: string }, SqlError>
    /** The first item of a job. */
    readonly first: (jobId: string) => Effect.Effect<Option.Option<First>, SqlError>
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
    /** The jobs that have not ended, as an earlier process left them. */
    readonly unfinished: Effect.Effect<ReadonlyArray<Work>, SqlError>
    /** Marks a job as being worked on and gives what is left to fetch, what was cut short included. */
    readonly begin: (jobId: string) => Effect.Effect<ReadonlyArray<Task>, SqlError>
    /** Notes that attempts at an item have ended and another one begins. */
    readonly attempting: (task: Task, ended: number) => Effect.Effect<void, SqlError>
    /** Where the start's redirects led, once the start was fetched. */
    readonly landing: (jobId: string) => Effect.Effect<Option.Option<string>, SqlError>
    /**
     * Charges for a page and keeps it; none, and nothing kept, where the balance is not enough. `duplicate`, and nothing charged or kept, if another item
     * of the job has the page.
     */
    readonly succeed: (
      work: Work,
      task: Task,
      page: Fetched
    ) => Effect.Effect<Option.Option<ReadonlyArray<Task>> | "duplicate", SqlError>
    readonly fail: (task: Task, error: ItemError.ItemError, attempts: number) => Effect.Effect<void, SqlError>
    /** Ends a job that has not ended; items that are not finished end with it, as cancelled. Who wants to hear of it is told from then on. */
    readonly end: (
      jobId: string,
      status: "done" | "error" | "cancelled",
      error?: JobError.Reason
    ) => Effect.Effect<void, SqlError | StoreError>
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
const encodeItemError = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(ItemError.ItemError)))
const encodeJobReason = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(JobError.Reason)))

const nobody = { status: "", error: "" }

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const accounts = yield* Accounts
  const store = yield* Store

  const toStore = Effect.provideService(Store, store)

  /** Adds items for URLs that the job does not have yet, as far as its limit allows. */
  const add = Effect.fnUntraced(function* (work: Work, urls: ReadonlyArray<string>, from: Pick<Task, "url" | "depth">) {
    if (urls.length === 0) return []
    const [count] = yield* sql<{ n: number }>`SELECT count(*) AS n FROM items WHERE job_id = ${work.id}`
    let room = work.request.itemsLimit - (count?.n ?? 0)
    const at = yield* now
    const added: Array<Task> = []
    for (const url of urls) {
      if (room <= 0) break
      const task = { id: randomUUID(), jobId: work.id, url, depth: from.depth }
      const row = { id: task.id, job_id: work.id, url, referred_url: from.url, depth: from.depth, status: "new" }
      const inserted = sql`
        INSERT INTO items ${sql.insert({ ...row, created_at: at, updated_at: at })} ON CONFLICT DO NOTHING`
      if (!(yield* hasChanged(inserted))) continue
      room--
      added.push(task)
    }
    return added
  })

  const create = Effect.fnUntraced(function* (accountId: string, request: CrawlApi.CrawlRequest, origin: string) {
    const work: Work = { id: randomUUID(), accountId, request }
    const at = yield* now
    yield* sql`INSERT INTO jobs ${sql.insert({
      id: work.id,
      account_id: accountId,
      request: encodeRequest(request),
      status: "new",
      origin,
      created_at: at,
      updated_at: at
    })}`
    yield* add(work, [Scope.pageOf(request.url)], { url: "", depth: 0 })
    return work
  }, sql.withTransaction)

  /** Whoever asks again hears that something has changed. */
  const changed = (jobId: string) => sql`UPDATE jobs SET version = version + 1 WHERE id = ${jobId}`

  const answer = Effect.fnUntraced(function* (accountId: string, jobId: string, link: (itemId: string) => string) {
    const [job] = yield* sql<JobRow>`SELECT * FROM jobs WHERE id = ${jobId} AND account_id = ${accountId}`
    if (job === undefined) return Option.none()
    const items =
      yield* sql<ItemRow>`SELECT ${sql.literal(itemColumns)} FROM items WHERE job_id = ${jobId} ORDER BY rowid`
    const request = decodeRequest(job.request)
    const webhook = (request.webhookUrl ?? "") === "" ? nobody : yield* toStore(Deliveries.state(jobId))
    return Option.some(jobJson(job, request, items, link, webhook))
  })

  const begin = Effect.fnUntraced(function* (jobId: string) {
    yield* sql`UPDATE jobs SET status = 'in_progress', updated_at = ${yield* now} WHERE id = ${jobId}`
    yield* sql`UPDATE items SET status = 'new', attempts = 0 WHERE job_id = ${jobId} AND status = 'in_progress'`
    yield* changed(jobId)
    return yield* sql<Task>`
      SELECT id, job_id AS jobId, url, depth FROM items WHERE job_id = ${jobId} AND status = 'new' ORDER BY rowid`
  }, sql.withTransaction)

  const succeed = Effect.fnUntraced(function* (work: Work, task: Task, page: Fetched) {
    // What has ended meanwhile, such as by a cancellation, costs nothing.
    const [open] = yield* sql`SELECT 1 AS one FROM items WHERE id = ${task.id} AND status IN ('new', 'in_progress')`
    if (open === undefined) return Option.some([])
    const claim = sql`UPDATE OR IGNORE items SET landed_url = ${page.landing} WHERE id = ${task.id}`
    if (!(yield* hasChanged(claim))) return "duplicate"
    if (!(yield* accounts.charge(work.accountId, task.id))) return Option.none()
    const { attempts, fresh, links, markdown, status: page_status, title } = page
    const fetched = { page_status, title, markdown, links: JSON.stringify(links), attempts, cost: pagePrice }
    yield* sql`UPDATE items SET ${sql.update({ ...fetched, status: "done", updated_at: yield* now })} WHERE id = ${task.id}`
    yield* changed(work.id)
    return Option.some(yield* add(work, fresh, { url: task.url, depth: task.depth + 1 }))
  }, sql.withTransaction)

  const fail = Effect.fnUntraced(function* (task: Task, error: ItemError.ItemError, attempts: number) {
    const page_status = "status" in error.reason ? (error.reason.status ?? 0) : 0
    const failed = { status: "error", error: encodeItemError(error), answer: answerOf(error), page_status, attempts }
    yield* sql`UPDATE items SET ${sql.update({ ...failed, updated_at: yield* now })}
      WHERE id = ${task.id} AND status IN ('new', 'in_progress')`
    yield* changed(task.jobId)
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
    const url = job === undefined ? "" : (decodeRequest(job.request).webhookUrl ?? "")
    if (job === undefined || url === "") return
    yield* toStore(Deliveries.add({ accountId: job.account_id, jobId, url, origin: job.origin }))
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
      sql<JobRow & { readonly items: number; readonly done: number; readonly failed: number }>`
        SELECT jobs.*, count(items.id) AS items, coalesce(sum(items.status = 'done'), 0) AS done,
          coalesce(sum(items.status = 'error'), 0) AS failed
        FROM jobs LEFT JOIN items ON items.job_id = jobs.id
        WHERE jobs.account_id = ${accountId}
          AND jobs.rowid < coalesce((SELECT rowid FROM jobs WHERE id = ${before ?? ""} AND account_id = ${accountId}), 9e15)
        GROUP BY jobs.rowid ORDER BY jobs.rowid DESC LIMIT ${most}`,
      (rows) =>
        rows.map(({ created_at, done, failed, finished_at, id, items, request, status }) => ({
          id,
          url: decodeRequest(request).url,
          status,
          created_at,
          finished_at,
          items,
          items_done: done,
          items_failed: failed
        }))
    )

  return Jobs.of({
    list,
    remove,
    expire,
    create,
    answer,
    state: (accountId, jobId) =>
      Effect.map(
        sql<State>`SELECT status, version FROM jobs WHERE id = ${jobId} AND account_id = ${accountId}`,
        ([job]) => Option.fromUndefinedOr(job)
      ),
    text: (jobId, itemId) =>
      Effect.map(
        sql<{
          markdown: string
        }>`SELECT markdown FROM items WHERE id = ${itemId} AND job_id = ${jobId} AND status = 'done'`,
        ([item]) => Option.map(Option.fromUndefinedOr(item), ({ markdown }) => markdown)
      ),
    texts: (jobId) =>
      sql<{ url: string; markdown: string }>`SELECT url, markdown FROM items
        WHERE job_id = ${jobId} AND status = 'done' ORDER BY rowid`.stream,
    first: (jobId) =>
      Effect.map(
        sql<First>`SELECT status, page_status, title, markdown, answer FROM items WHERE job_id = ${jobId} ORDER BY rowid LIMIT 1`,
        ([item]) => Option.fromUndefinedOr(item)
      ),
    secret: Effect.map(
      sql<{ value: string }>`SELECT value FROM settings WHERE name = 'links'`,
      ([setting]) => setting?.value ?? ""
    ),
    begin,
    succeed,
    fail,
    end,
    landing: (jobId) =>
      Effect.map(
        sql<{ landed_url: string }>`
          SELECT landed_url FROM items WHERE job_id = ${jobId} AND depth = 0 AND landed_url IS NOT NULL`,
        ([start]) => Option.map(Option.fromUndefinedOr(start), ({ landed_url }) => landed_url)
      ),
    markdown: (accountId, jobId, itemId) =>
      Effect.map(
        sql<{ markdown: string }>`
          SELECT items.markdown FROM items JOIN jobs ON jobs.id = items.job_id
          WHERE items.id = ${itemId} AND jobs.id = ${jobId} AND account_id = ${accountId} AND items.status = 'done'`,
        ([item]) => Option.map(Option.fromUndefinedOr(item), ({ markdown }) => markdown)
      ),
    unfinished: Effect.map(sql<JobRow>`SELECT * FROM jobs WHERE finished_at IS NULL ORDER BY rowid`, (rows) =>
      rows.map((row) => ({ id: row.id, accountId: row.account_id, request: decodeRequest(row.request) }))
    ),
    attempting: (task, ended) =>
      Effect.flatMap(
        now,
        (at) =>
          sql`UPDATE items SET status = 'in_progress', attempts = ${ended}, updated_at = ${at}
            WHERE id = ${task.id} AND status IN ('new', 'in_progress')`
      ).pipe(Effect.andThen(changed(task.jobId)), sql.withTransaction)
  })
})
