/**
 * Failed pages go again as jobs of their own: for each job of a filter, one that takes its pages.
 */
import { createHash } from "node:crypto"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import type * as ItemError from "@redrive/core/ItemError"
import * as Redrive from "@redrive/retry/Redrive"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Accounts, pagePrice } from "../service/Accounts.ts"
import { Jobs, type Work } from "../service/Jobs.ts"
import { type JobRow, readError } from "../service/rows.ts"
import * as ActionLog from "./ActionLog.ts"
import { type Filter, inWords } from "./Filter.ts"
import * as Groups from "./Groups.ts"
import * as Items from "./Items.ts"
import type { PlanView } from "./Model.ts"
import { hasText, type ItemRow, requestOf } from "./rows.ts"

type Needs = Accounts | SqlClient.SqlClient

/** The most pages that go again at once: a transaction takes them. */
const mostPages = 20_000

interface Sample {
  readonly group: Groups.JobGroup
  readonly error: ItemError.ItemError
}

/** A failure of each kind: pages that failed alike are judged alike. */
const samples = Effect.fnUntraced(function* (
  groups: ReadonlyArray<Groups.JobGroup>
): Effect.fn.Return<ReadonlyArray<Sample>, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const known = new Map<string, ItemError.ItemError>()
  const found: Array<Sample> = []
  for (const group of groups) {
    const kind = [group.code, group.detail, group.status].join("\n")
    const [row] = known.has(kind) ? [] : yield* first(sql, group)
    if (row !== undefined) known.set(kind, readError(row.error))
    const error = known.get(kind)
    if (error !== undefined) found.push({ group, error })
  }
  return found
})

const first = (sql: SqlClient.SqlClient, group: Groups.JobGroup) =>
  sql<{ readonly error: string }>`SELECT error FROM items WHERE ${Items.isMember(sql, group)} LIMIT 1`

/** What would go again, and what the policy gives up for good. Pages of a text are those that it is found in. */
interface Plan {
  readonly again: ReadonlyArray<Groups.JobGroup>
  readonly final: ReadonlyArray<{ readonly group: Groups.JobGroup; readonly why: string }>
}

const planOf = Effect.fnUntraced(function* (
  filter: Filter,
  policy: RetryPolicy.RetryPolicy
): Effect.fn.Return<Plan, SqlError, SqlClient.SqlClient> {
  const found = yield* samples(yield* Items.groups(filter))
  const failed = found.map(({ error, group }) => ({ item: group, error }))
  const { again, final } = Redrive.plan(failed, { policy }, 0.5)
  return {
    again: again.map(({ item }) => item),
    final: final.map(({ because, item }) => ({ group: item, why: because }))
  }
})

/** Shows what a redrive of a filter would do, and what it would cost. */
export const plan = Effect.fnUntraced(function* (
  filter: Filter,
  policy: RetryPolicy.RetryPolicy
): Effect.fn.Return<Pick<PlanView, "again" | "final" | "hosts" | "count" | "price" | "balance">, SqlError, Needs> {
  const { again, final } = yield* planOf(filter, policy)
  const groups = [...again, ...final.map(({ group }) => group)]
  const count = Groups.countOf(again)
  return {
    again,
    final: final.map(({ group, why }) => ({ ...group, why })),
    hosts: [...new Set(groups.map(({ host }) => host))],
    count,
    price: count * pagePrice,
    balance: yield* balanceOf(groups)
  }
})

/** What the accounts have whose jobs these are. */
const balanceOf = Effect.fnUntraced(function* (groups: ReadonlyArray<Groups.JobGroup>) {
  const sql = yield* SqlClient.SqlClient
  const jobs = [...new Set(groups.map(({ jobId }) => jobId))].slice(0, 500)
  if (jobs.length === 0) return 0
  const [sum] = yield* sql<{ readonly balance: number | string | null }>`SELECT sum(balance) AS balance FROM accounts
    WHERE id IN (SELECT account_id FROM jobs WHERE ${sql.in("id", jobs)})`
  return Number(sum?.balance ?? 0)
})

/** How a redrive is to be done. `id` is that of the form: whoever sends it twice asks for one. */
export interface Options {
  readonly id: string
  readonly who: string
  /** Whether pages go again that the policy gives up for good. */
  readonly final: boolean
  /** The least time between two pages, in milliseconds. */
  readonly pace: number
}

const inTransaction = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.withTransaction(self))

/** Lets the failed pages of a filter go again; gives the jobs that take them. */
export const redrive = Effect.fnUntraced(function* (
  filter: Filter,
  policy: RetryPolicy.RetryPolicy,
  options: Options
): Effect.fn.Return<ReadonlyArray<Work>, SqlError, Jobs | Needs> {
  const { again, final } = yield* planOf(filter, policy)
  const groups = [...again, ...(options.final ? final.map(({ group }) => group) : [])]
  const matches = hasText(filter)
  const byJob = new Map<string, Array<ItemRow>>()
  let room = mostPages
  for (const group of groups) {
    const pages = byJob.get(group.jobId) ?? []
    byJob.set(group.jobId, pages)
    const taken = yield* Items.matching(group, matches, room)
    pages.push(...taken)
    room -= taken.length
  }
  const works = (yield* Effect.forEach(byJob, ([jobId, pages]) => take(jobId, pages, options))).flat()
  const count = mostPages - room
  if (works.length > 0) yield* ActionLog.note({ who: options.who, what: "redrive", about: inWords(filter), count })
  return works
}, inTransaction)

/** The pages of one job go again as another one. A form that is sent twice makes it once. */
const take = Effect.fnUntraced(function* (jobId: string, rows: ReadonlyArray<ItemRow>, { id, pace }: Options) {
  const sql = yield* SqlClient.SqlClient
  const jobs = yield* Jobs
  yield* sql`UPDATE jobs SET version = version + 1 WHERE id = ${jobId}`
  const [job] = yield* sql<JobRow>`SELECT * FROM jobs WHERE id = ${jobId}`
  if (job === undefined || rows.length === 0) return []
  const request = requestOf(job)
  // The start leads on; all others lead nowhere that their job has not been.
  const bounds = rows.some(({ depth }) => depth === 0) ? {} : { itemsLimit: rows.length, maxDepth: 0 }
  const work: Work = {
    id: createHash("sha256").update(`${id} ${jobId}`).digest("hex").slice(0, 32),
    accountId: job.account_id,
    request: new CrawlApi.CrawlRequest(Object.assign({}, request, bounds)),
    pace
  }
  if (!(yield* jobs.again(work, { of: job.again_of ?? job.id, origin: job.origin }, rows))) return []
  for (const some of Arr.chunksOf(rows, 500))
    yield* sql`UPDATE items SET again_by = ${work.id} WHERE ${sql.in(
      "id",
      some.map((row) => row.id)
    )}`
  for (const some of Object.values(Arr.groupBy(rows, (row) => JSON.stringify(kindOf(row))))) {
    const kind = Object.entries(kindOf(some[0])).map(([column, value]) => sql`${sql(column)} = ${value}`)
    yield* sql`UPDATE tallies SET count = count - ${some.length} WHERE ${sql.and(kind)}`
  }
  return [work]
})

/** By which failures are counted. */
const kindOf = ({ because, code, detail, host, job_id, page_status }: ItemRow) => ({
  job_id,
  host,
  code,
  detail,
  page_status,
  because
})
