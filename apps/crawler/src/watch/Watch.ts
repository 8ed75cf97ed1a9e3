/**
 * What the views show, read from the database. Nothing here reads a page's text, or counts pages one by one.
 */
import type * as CrawlApi from "@redrive/crawl/CrawlApi"
import type * as Job from "@redrive/core/Job"
import type { Store, StoreError } from "@redrive/durable/Store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { pagePrice } from "../service/Accounts.ts"
import { orderOf } from "../service/Database.ts"
import { formatsOf } from "../service/formats.ts"
import * as HostGates from "../service/HostGates.ts"
import { withoutNul } from "../service/Pages.ts"
import { isUnpaid, type JobRow } from "../service/rows.ts"
import * as ActionLog from "./ActionLog.ts"
import * as Cursor from "./Cursor.ts"
import type { Filter } from "./Filter.ts"
import * as Groups from "./Groups.ts"
import * as Items from "./Items.ts"
import type * as Model from "./Model.ts"
import { columns, itemOf, type ItemRow, jobOf, requestOf, type Whole } from "./rows.ts"
import * as Schema from "effect/Schema"

type Read<A> = Effect.Effect<A, SqlError, SqlClient.SqlClient>

/** How many jobs of a kind the overview has. */
const mostJobs = 30

const jobPlace = (sql: SqlClient.SqlClient) => orderOf(sql, "jobs")

type PlacedJob = JobRow & { readonly place: Whole }

const jobsWhere = (condition: (sql: SqlClient.SqlClient) => Statement.Fragment, most = mostJobs) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql<PlacedJob>`SELECT jobs.*, ${jobPlace(sql)} AS place FROM jobs WHERE ${condition(sql)} ORDER BY place DESC LIMIT ${most}`
  )

/** Where the list of jobs goes on: among those that run, or among all others. */
const JobCursor = Schema.Tuple([Schema.Literals(["running", "ended"]), Schema.Finite])

/** Jobs of a kind, the newest first, from a place on only those before it. */
const jobsBefore = (which: (sql: SqlClient.SqlClient) => Statement.Fragment, place: number | undefined) =>
  jobsWhere((sql) => sql`${which(sql)} AND ${place === undefined ? sql`1 = 1` : sql`${jobPlace(sql)} < ${place}`}`)

/** The cursor of what follows some jobs of a kind, unless they are all that there are. */
const nextOf = (kind: "running" | "ended", jobs: ReadonlyArray<PlacedJob>) => {
  const last = jobs.at(-1)
  return jobs.length < mostJobs || last === undefined ? undefined : Cursor.encode([kind, Number(last.place)])
}

/** Jobs that run, and after the last of these the newest of all others. */
const newestJobs = Effect.fnUntraced(function* (
  before: string | undefined
): Effect.fn.Return<
  { readonly jobs: ReadonlyArray<JobRow>; readonly next: string | undefined },
  SqlError,
  SqlClient.SqlClient
> {
  const [kind, place] = Cursor.decode(JobCursor, before) ?? (["running", undefined] as const)
  const running = kind === "ended" ? [] : yield* jobsBefore((sql) => sql`finished_at IS NULL`, place)
  const next = nextOf("running", running)
  if (next !== undefined) return { jobs: running, next }
  const ended = yield* jobsBefore((sql) => sql`finished_at IS NOT NULL`, kind === "ended" ? place : undefined)
  return { jobs: [...running, ...ended], next: nextOf("ended", ended) }
})

/** How many jobs run, and how many of their pages have not ended. */
const unfinished = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [sum] = yield* sql<{ jobs: Whole; pages: Whole | null }>`
    SELECT count(*) AS jobs, sum(total - done - failed) AS pages FROM jobs WHERE finished_at IS NULL`
  return { jobs: Number(sum?.jobs ?? 0), pages: Number(sum?.pages ?? 0) }
})

const sumBy = <A>(all: ReadonlyArray<A>, of: (one: A) => number): number => all.reduce((sum, one) => sum + of(one), 0)

/** A page that a process has. */
interface Open {
  readonly host: string
  /** Whether it waits for its next attempt. */
  readonly waits: boolean
}

const underWay = Effect.fnUntraced(function* (
  job?: string
): Effect.fn.Return<ReadonlyArray<Open>, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const rows = yield* sql<{ readonly host: string; readonly next_at: Whole | null }>`
    SELECT host, next_at FROM items WHERE status = 'in_progress'
      ${job === undefined ? sql`` : sql`AND job_id = ${job}`} LIMIT 20000`
  return rows.map(({ host, next_at }) => ({ host, waits: Number(next_at ?? 0) > now }))
})

/** How many pages that processes have run, and how many of them wait. */
const split = (open: ReadonlyArray<Open>) => {
  const waiting = open.filter(({ waits }) => waits).length
  return { running: open.length - waiting, waiting }
}

/** The failures of jobs. */
const failuresOf = Effect.fnUntraced(function* (
  jobs: ReadonlyArray<JobRow>
): Effect.fn.Return<ReadonlyArray<Model.Failures>, SqlError, SqlClient.SqlClient> {
  const failed = jobs.filter(({ failed }) => failed > 0)
  return Groups.sum((yield* Effect.forEach(failed, ({ id }) => Groups.list({ job: id }))).flat())
})

/** How many pages of jobs failed, without those that have gone again since: those are no failures that somebody must look at. */
const failedOf = Effect.fnUntraced(function* (jobs: ReadonlyArray<JobRow>) {
  const ids = jobs.flatMap(({ failed, id }) => (failed > 0 ? [id] : []))
  if (ids.length === 0) return 0
  const sql = yield* SqlClient.SqlClient
  const [sum] = yield* sql<{ failed: Whole | null }>`SELECT sum(count) AS failed FROM tallies
    WHERE ${sql.in("job_id", ids)} AND code <> ''`
  return Number(sum?.failed ?? 0)
})

/** How many minutes the pace shows. */
const mostMinutes = 60

const paceOf = Effect.fnUntraced(function* (jobs: ReadonlyArray<JobRow>, now: number) {
  const sql = yield* SqlClient.SqlClient
  const first = Math.floor(now / 60_000) - mostMinutes + 1
  const pace = Array.from({ length: mostMinutes }, () => [0, 0] as [number, number])
  if (jobs.length === 0) return pace
  const rows = yield* sql<{ minute: number; done: Whole; failed: Whole }>`
    SELECT minute, sum(done) AS done, sum(failed) AS failed FROM paces
    WHERE ${sql.in(
      "job_id",
      jobs.map(({ id }) => id)
    )} AND minute >= ${first} GROUP BY minute`
  for (const { done, failed, minute } of rows) {
    const cell = pace[minute - first]
    if (cell !== undefined) [cell[0], cell[1]] = [Number(done), Number(failed)]
  }
  return pace
})

const accountLines: Read<ReadonlyArray<Model.AccountLine>> = Effect.flatMap(SqlClient.SqlClient, (sql) =>
  Effect.map(
    sql<{ id: string; balance: Whole; jobs: Whole | null; pages: Whole | null }>`
      SELECT accounts.id, balance, unpaid.jobs, unpaid.pages FROM accounts LEFT JOIN (
        SELECT account_id, count(*) AS jobs, sum(total - done - failed) AS pages FROM jobs WHERE ${isUnpaid(sql)} GROUP BY account_id
      ) unpaid ON account_id = accounts.id ORDER BY accounts.id`,
    (rows) =>
      rows.map(({ balance, id, jobs, pages }) => ({
        id,
        balance: Number(balance),
        unpaidJobs: Number(jobs ?? 0),
        unpaidPages: Number(pages ?? 0)
      }))
  )
)

/** An account that cannot pay for a page, or did not pay for one. */
const isParked = ({ balance, unpaidPages }: Model.AccountLine): boolean => unpaidPages > 0 || balance < pagePrice

export const overview = Effect.fnUntraced(function* (
  before: string | undefined,
  incidents: ReadonlyArray<Model.IncidentLine>
): Effect.fn.Return<Model.Overview, SqlError | StoreError, SqlClient.SqlClient | Store> {
  const now = yield* Clock.currentTimeMillis
  const { jobs, next } = yield* newestJobs(before)
  const open = yield* underWay()
  const running = yield* unfinished
  const { actions, isMore } = yield* ActionLog.latest
  return {
    view: "overview",
    jobs: jobs.map(jobOf),
    ...(next !== undefined && { before: next }),
    running: running.jobs,
    totals: {
      ...split(open),
      queued: Math.max(0, running.pages - open.length),
      done: sumBy(jobs, ({ done }) => done),
      failed: yield* failedOf(jobs),
      spent: sumBy(jobs, ({ done }) => done * pagePrice)
    },
    failures: yield* failuresOf(jobs),
    waiting: (yield* Items.list({ status: "waiting" })).items.slice(0, 20),
    pauses: yield* HostGates.list,
    parked: (yield* accountLines).filter(isParked),
    incidents,
    actions,
    ...(isMore && { isActionLeft: true }),
    pace: yield* paceOf(jobs, now)
  }
})

const jobRow = (id: string): Read<JobRow | undefined> =>
  Effect.map(
    jobsWhere((sql) => sql`id = ${withoutNul(id)}`, 1),
    ([job]) => job
  )

/** Hosts with the pages that processes have of them, and their pauses. */
const hostLines = (
  rows: ReadonlyArray<{ readonly host: string; readonly done: Whole; readonly failed: Whole }>,
  open: ReadonlyArray<Open>,
  pauses: ReadonlyArray<Model.HostPause>
): ReadonlyArray<Model.HostLine> =>
  rows.map(({ done, failed, host }) => {
    const pause = pauses.find((one) => one.host === host)
    const own = open.filter((one) => one.host === host)
    return { host, done: Number(done), failed: Number(failed), ...split(own), ...(pause !== undefined && { pause }) }
  })

/** How many hosts a list has. */
const mostHosts = 50

const hostSums = (job: string | undefined, after: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<{ host: string; done: Whole; failed: Whole }>`
      SELECT host, sum(CASE code WHEN '' THEN count ELSE 0 END) AS done, sum(CASE code WHEN '' THEN 0 ELSE count END) AS failed
      FROM tallies WHERE ${sql.and([...(job === undefined ? [] : [sql`job_id = ${job}`]), sql`host > ${after}`])}
      GROUP BY host ORDER BY host LIMIT ${mostHosts}`
  )

/** The cursor of the hosts that follow some, unless they are all that there are. */
const hostsAfter = (lines: ReadonlyArray<Model.HostLine>): string | undefined => {
  const last = lines.at(-1)
  return lines.length < mostHosts || last === undefined ? undefined : Cursor.encode([last.host])
}

/** The hosts of a job, or of all. */
export const hosts = Effect.fnUntraced(function* (
  after: string | undefined,
  job?: string
): Effect.fn.Return<Model.HostsView, SqlError | StoreError, SqlClient.SqlClient | Store> {
  const from = Cursor.decode(Schema.Tuple([Schema.String]), after)?.[0] ?? ""
  const pauses = yield* HostGates.list
  const lines = hostLines(yield* hostSums(job, from), yield* underWay(job), pauses)
  const next = hostsAfter(lines)
  // A host may be paused before any of its pages has ended.
  const known = new Set(lines.map(({ host }) => host))
  const others = from === "" && job === undefined ? pauses.filter(({ host }) => !known.has(host)) : []
  const idle = others.map((pause) => ({ host: pause.host, done: 0, failed: 0, running: 0, waiting: 0, pause }))
  return {
    view: "hosts",
    hosts: [...idle, ...lines],
    ...(job !== undefined && { job }),
    ...(next !== undefined && { after: next })
  }
})

export const accounts: Read<Model.AccountsView> = Effect.map(accountLines, (accounts) => ({
  view: "accounts",
  accounts,
  price: pagePrice
}))

export const items = Effect.fnUntraced(function* (
  filter: Filter,
  after: string | undefined
): Effect.fn.Return<Model.ItemsView, SqlError, SqlClient.SqlClient> {
  return {
    view: "items",
    list: yield* Items.list(filter, after),
    // What a text is in is counted by nobody.
    failures: filter.text === undefined ? Groups.sum(yield* Items.groups(filter)) : []
  }
})

/** How many stories a job's axis has. */
const mostStories = 100

const stories = Effect.fnUntraced(function* (
  job: string
): Effect.fn.Return<ReadonlyArray<Model.ItemLine>, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const place = orderOf(sql, "items")
  const rows = yield* sql<ItemRow>`SELECT ${columns(sql)} FROM items WHERE job_id = ${job} AND story <> ''
    ORDER BY ${place} DESC LIMIT ${mostStories}`
  return rows.map((row) => itemOf(row, now))
})

const countStories = Effect.fnUntraced(function* (job: string) {
  const sql = yield* SqlClient.SqlClient
  const [found] = yield* sql<{ count: Whole }>`
    SELECT count(*) AS count FROM items WHERE job_id = ${job} AND story <> ''`
  return Number(found?.count ?? 0)
})

const countsOf = (job: JobRow, open: ReadonlyArray<Open>): Model.JobView["counts"] => {
  const rest = job.total - job.done - job.failed
  const isOver = job.finished_at !== null
  return {
    queued: isOver ? 0 : Math.max(0, rest - open.length),
    ...split(open),
    done: job.done,
    failed: job.failed,
    cancelled: isOver ? rest : 0
  }
}

/** How many pages of a job have not ended. */
export const left = Effect.fnUntraced(function* (
  id: string
): Effect.fn.Return<Option.Option<number>, SqlError, SqlClient.SqlClient> {
  const row = yield* jobRow(id)
  if (row === undefined) return Option.none()
  return Option.some(row.finished_at === null ? row.total - row.done - row.failed : 0)
})

export const job = Effect.fnUntraced(function* (
  id: string,
  filter: Filter,
  after: string | undefined
): Effect.fn.Return<Option.Option<Model.JobView>, SqlError | StoreError, SqlClient.SqlClient | Store> {
  const row = yield* jobRow(id)
  if (row === undefined) return Option.none()
  const open = yield* underWay(row.id)
  // A person asked for each of them.
  const again = yield* jobsWhere((sql) => sql`again_of = ${row.id}`, 1000)
  const hosts = hostLines(yield* hostSums(row.id, ""), open, yield* HostGates.list)
  const more = hostsAfter(hosts)
  const told = yield* stories(row.id)
  return Option.some({
    view: "job",
    job: jobOf(row),
    counts: countsOf(row, open),
    request: asked(requestOf(row)),
    failures: yield* failuresOf([row]),
    hosts,
    ...(more !== undefined && { moreHosts: more }),
    items: yield* Items.list({ ...filter, job: row.id }, after),
    stories: told,
    untold: told.length < mostStories ? 0 : (yield* countStories(row.id)) - told.length,
    again: again.map(jobOf)
  })
})

const isLeftOut = (value: unknown): boolean =>
  value === undefined || value === "" || value === false || (Array.isArray(value) && value.length === 0)

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value))

/** What a job was asked for, field by field, without what has its default. */
const asked = (request: CrawlApi.CrawlRequest): Model.JobView["request"] =>
  Object.entries(request).flatMap(([name, value]: [string, unknown]) =>
    isLeftOut(value) ? [] : [[name, Array.isArray(value) ? value.join(", ") : textOf(value)] as const]
  )

export const item = Effect.fnUntraced(function* (
  jobId: string,
  id: string,
  linkTo: (format: Job.Format) => string
): Effect.fn.Return<Option.Option<Model.ItemView>, SqlError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const now = yield* Clock.currentTimeMillis
  const job = yield* jobRow(jobId)
  const [row] = yield* sql<ItemRow & { readonly referred_url: string; readonly landed_url: string | null }>`
    SELECT ${columns(sql)}, referred_url, landed_url FROM items WHERE id = ${withoutNul(id)} AND job_id = ${withoutNul(jobId)}`
  if (row === undefined || job === undefined) return Option.none()
  const formats = row.status === "done" ? [...formatsOf(requestOf(job))] : []
  return Option.some({
    view: "item",
    item: itemOf(row, now),
    job: jobOf(job),
    referredUrl: row.referred_url,
    landedUrl: row.landed_url ?? "",
    meaning: row.code === "" ? "" : Groups.meaningOf(row.code, row.detail),
    texts: formats.map((format) => [format, linkTo(format)] as const)
  })
})
