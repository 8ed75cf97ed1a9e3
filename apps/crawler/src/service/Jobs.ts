/**
 * Jobs, from when somebody asks for one until it is forgotten. `JobQueries` has what the API answers of them, `Pages` how their pages come in.
 */
import { randomUUID } from "node:crypto"
import type * as CrawlApi from "@redrive/crawl/CrawlApi"
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
import { now, orderOf } from "./Database.ts"
import { Accounts } from "./Accounts.ts"
import * as Deliveries from "./Deliveries.ts"
import * as JobQueries from "./JobQueries.ts"
import { adding, type Task } from "./Pages.ts"
import { isUnpaid, type JobRow, readRequest, requestJson } from "./rows.ts"

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

/** The job whose pages another one takes again, and the address by which whoever asked for that reached the service. */
interface Again {
  readonly of: string
  readonly origin: string
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
      from: Again,
      pages: ReadonlyArray<Pick<Task, "url" | "depth">>
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

/** What jobs are kept with. */
interface Keeper {
  readonly sql: SqlClient.SqlClient
  readonly store: Store["Service"]
  readonly accounts: Accounts["Service"]
  readonly add: ReturnType<typeof adding>
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const store = yield* Store
  const keeper: Keeper = { sql, store, accounts: yield* Accounts, add: adding(sql) }
  return Jobs.of({
    create: (accountId, request, origin) => create(keeper, accountId, request, origin),
    again: (work, from, pages) => again(keeper, work, from, pages),
    resume: (jobId) => resume(keeper, jobId),
    resend: (jobId) => resend(keeper, jobId),
    end: (jobId, status, error) => end(keeper, jobId, status, error),
    endUnpaid: (work, error) => endUnpaid(keeper, work, error),
    remove: (jobId) => remove(keeper, jobId),
    expire: (before) => expire(keeper, before),
    unfinished: unfinished(sql),
    state: (accountId, jobId) => JobQueries.state(keeper, accountId, jobId),
    answer: (accountId, jobId, links, view) => JobQueries.answer(keeper, accountId, jobId, links, view),
    list: (accountId, most, before) => JobQueries.list(keeper, accountId, most, before),
    first: (jobId) => JobQueries.first(keeper, jobId),
    text: (jobId, itemId, format) => JobQueries.text(keeper, jobId, itemId, format),
    texts: (jobId) => JobQueries.texts(keeper, jobId),
    markdown: (accountId, jobId, itemId) => JobQueries.markdown(keeper, accountId, jobId, itemId),
    secret: JobQueries.secret(keeper)
  })
})

const encodeRequest = Schema.encodeSync(requestJson)
const encodeJobReason = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(JobError.Reason)))

const workOf = ({ account_id: accountId, id, pace, request }: JobRow): Work => ({
  id,
  accountId,
  request: readRequest(request),
  pace
})

const inTransaction = <A, E, R>(self: Effect.Effect<A, E, R>, { sql }: Pick<Keeper, "sql">) => sql.withTransaction(self)

const insert = (
  sql: SqlClient.SqlClient,
  work: Work,
  more: { readonly origin: string; readonly again_of?: string },
  at: string
) =>
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

const create = Effect.fnUntraced(function* (
  { add, sql }: Keeper,
  accountId: string,
  request: CrawlApi.CrawlRequest,
  origin: string
) {
  const work: Work = { id: randomUUID(), accountId, request, pace: 0 }
  yield* insert(sql, work, { origin }, yield* now)
  yield* add(work, [Scope.pageOf(request.url)], { url: "", depth: 0 })
  return work
}, inTransaction)

const again = Effect.fnUntraced(function* (
  { add, sql }: Keeper,
  work: Work,
  { of, origin }: Again,
  pages: ReadonlyArray<Pick<Task, "url" | "depth">>
) {
  if ((yield* insert(sql, work, { origin, again_of: of }, yield* now)).length === 0) return false
  for (const some of Object.values(Arr.groupBy(pages, ({ depth }) => String(depth))))
    yield* add(
      work,
      some.map(({ url }) => url),
      { url: "", depth: some[0].depth }
    )
  return true
})

const resume = Effect.fnUntraced(function* ({ sql }: Keeper, jobId: string) {
  const [row] = yield* sql<JobRow>`UPDATE jobs
      SET status = 'in_progress', error = NULL, finished_at = NULL, version = version + 1, updated_at = ${yield* now}
      WHERE id = ${jobId} AND ${isUnpaid(sql)} RETURNING *`
  if (row === undefined) return Option.none()
  yield* sql`UPDATE items SET status = 'new', attempts = 0, story = '', next_at = NULL, claim = NULL
      WHERE job_id = ${jobId} AND status = 'cancelled'`
  return Option.some(workOf(row))
}, inTransaction)

/** Whoever asks again hears that something has changed. */
const changed = (sql: SqlClient.SqlClient, jobId: string) =>
  sql`UPDATE jobs SET version = version + 1 WHERE id = ${jobId}`

/** Queues the webhook of a job that has ended. The caller has locked the job: each delivery has a count of its own. */
const deliver = Effect.fnUntraced(function* ({ sql, store }: Keeper, job: JobRow) {
  const { account_id: accountId, deliveries, id: jobId, origin } = job
  const url = readRequest(job.request).webhookUrl ?? ""
  if (url === "") return Option.none()
  yield* sql`UPDATE jobs SET deliveries = ${deliveries + 1} WHERE id = ${jobId}`
  yield* Effect.provideService(Deliveries.add({ accountId, jobId, url, origin }, deliveries + 1), Store, store)
  return Option.some(url)
})

const resend = Effect.fnUntraced(function* (self: Keeper, jobId: string) {
  const { sql } = self
  const [job] = yield* sql<JobRow>`UPDATE jobs SET version = version + 1 WHERE id = ${jobId} AND finished_at IS NOT NULL
      RETURNING *`
  return job === undefined ? Option.none() : yield* deliver(self, job)
}, inTransaction)

const end = Effect.fnUntraced(function* (
  self: Keeper,
  jobId: string,
  status: "done" | "error" | "cancelled",
  error?: JobError.Reason
) {
  const { sql } = self
  const at = yield* now
  const reason = error === undefined ? null : encodeJobReason(error)
  const ended = { status, error: reason, updated_at: at, finished_at: at }
  const [job] = yield* sql<JobRow>`UPDATE jobs SET ${sql.update(ended)} WHERE id = ${jobId} AND finished_at IS NULL
      RETURNING *`
  yield* sql`UPDATE items SET status = 'cancelled', updated_at = ${at}
               WHERE job_id = ${jobId} AND status IN ('new', 'in_progress')`
  yield* changed(sql, jobId)
  if (job !== undefined) yield* deliver(self, job)
}, inTransaction)

const endUnpaid = Effect.fnUntraced(function* (self: Keeper, { accountId, id }: Work, error: JobError.Reason) {
  yield* changed(self.sql, id)
  if (yield* self.accounts.canPay(accountId)) return false
  yield* end(self, id, "error", error)
  return true
}, inTransaction)

const remove = Effect.fnUntraced(function* ({ sql }: Keeper, jobId: string) {
  yield* sql`DELETE FROM items WHERE job_id = ${jobId}`
  yield* sql`DELETE FROM jobs WHERE id = ${jobId}`
}, inTransaction)

const expire = Effect.fnUntraced(function* (self: Keeper, before: DateTime.DateTime) {
  const { sql } = self
  const ended = yield* sql<{ id: string }>`SELECT id FROM jobs WHERE finished_at < ${DateTime.formatIso(before)}`
  // One at a time: a job may have a gigabyte of pages.
  yield* Effect.forEach(ended, ({ id }) => remove(self, id), { discard: true })
  return ended.length
})

const unfinished = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<JobRow>`SELECT * FROM jobs WHERE finished_at IS NULL ORDER BY ${orderOf(sql, "jobs")}`, (rows) =>
    rows.map(workOf)
  )
