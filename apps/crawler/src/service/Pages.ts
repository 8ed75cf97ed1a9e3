/**
 * The pages of jobs as a table from which processes claim them. What is finished stays finished: every page is committed as it ends, and is charged once.
 *
 * A claim names the process that has it (`Claims`). Each process says every few seconds that it lives (`Presence`); what one holds that does not is
 * claimed by another. Whoever has lost a claim changes nothing and charges nothing any more. Every change locks the row of its job first, so that no two
 * wait for each other.
 */
import { randomUUID } from "node:crypto"
import * as ItemError from "@redrive/core/ItemError"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Accounts, pagePrice } from "./Accounts.ts"
import * as Claims from "./Claims.ts"
import { now } from "./Database.ts"
import type { Work } from "./Jobs.ts"
import { Story } from "../page/Story.ts"
import * as Presence from "./Presence.ts"
import { answerOf, failureOf } from "./rows.ts"

/** A page that is to be fetched. */
export interface Task {
  readonly id: string
  readonly jobId: string
  readonly url: string
  readonly depth: number
  /** How often its process was lost while it was under way. */
  readonly kills: number
}

/** What a fetched page brought. */
export interface Fetched {
  /** The URL where it was found. */
  readonly landing: string
  readonly status: number
  readonly title: string
  readonly markdown: string
  readonly html: string
  readonly cleaned: string
  readonly links: ReadonlyArray<string>
  /** Those of its links that the job may not have yet. */
  readonly fresh: ReadonlyArray<string>
  readonly attempts: number
  readonly story: Story
}

/** How the attempts at a page ended without it. */
export interface GivenUp {
  readonly attempts: number
  readonly story: Story
  /** The engine's reason. */
  readonly because: string
}

/** How a page waits for its next attempt. */
export interface Waiting {
  readonly attempts: number
  readonly story: Story
  readonly nextAt: number
}

/** What became of a page that was fetched. */
export interface Kept {
  /**
   * `duplicate` if another item of the job has the page, `unpaid` where the balance is not enough, and `lost` if this process does not have the page any
   * more: then nothing is kept or charged.
   */
  readonly outcome: "kept" | "duplicate" | "unpaid" | "lost"
  /** Pages that were claimed in its place. */
  readonly next: ReadonlyArray<Task>
}

/** By which ended pages are counted. */
type Facts = Readonly<Record<"code" | "detail" | "actor" | "because", string>> & { readonly page_status: number }

/** Takes a transaction back. */
class Unpaid extends Data.TaggedError("Unpaid")<{}> {}

export class Pages extends Context.Service<
  Pages,
  {
    /** Whether other processes may work on the same jobs. */
    readonly isShared: boolean
    /** Marks a job as being worked on. What this process had claimed of it waits again. */
    readonly begin: (jobId: string) => Effect.Effect<void, SqlError>
    /**
     * Claims pages of a job that wait, in the order in which they were found. If none does, those of processes that do not live any more become
     * suspects, and, where one is `admitted`, it is claimed.
     */
    readonly claim: (jobId: string, most: number, admitted: boolean) => Effect.Effect<ReadonlyArray<Task>, SqlError>
    /** Whether no page of a job waits, and none is under way in any process. */
    readonly areOver: (jobId: string) => Effect.Effect<boolean, SqlError>
    /** Notes that a page waits for its next attempt. */
    readonly wait: (task: Task, so: Waiting) => Effect.Effect<void, SqlError>
    /** Where the start's redirects led, once the start was fetched: in this job, or in the one whose pages it takes again. */
    readonly landing: (jobId: string) => Effect.Effect<Option.Option<string>, SqlError>
    /** Charges for a page, keeps it, adds those that it leads to, and claims some that wait, all in one commit. */
    readonly succeed: (work: Work, task: Task, page: Fetched, most: number) => Effect.Effect<Kept, SqlError>
    readonly fail: (task: Task, error: ItemError.ItemError, how: GivenUp) => Effect.Effect<void, SqlError>
  }
>()("@redrive/crawler/service/Pages") {
  /** `lease` is how long a process may give no sign of life until others take its pages over. Default: 10 seconds. */
  static readonly layer = (lease: Duration.Input = "10 seconds") => Layer.effect(Pages, make(Duration.toMillis(lease)))
}

const encodeStory = Schema.encodeSync(Schema.fromJsonString(Story))

/** A page that was read at once has none. */
const storyJson = (story: Story): string => (story.length === 0 ? "" : encodeStory(story))

const encodeItemError = Schema.encodeSync(Schema.fromJsonString(Schema.toCodecJson(ItemError.ItemError)))

/** The most rows of one statement: databases bound its parameters. */
const mostRows = 500

/** PostgreSQL's texts have no such character. */
export const withoutNul = (text: string): string => text.replaceAll("\0", "\uFFFD")

/** Adds items for URLs that a job does not have yet, as far as its limit allows. The caller has locked the job. */
export const adding = (sql: SqlClient.SqlClient) =>
  Effect.fnUntraced(function* (work: Work, urls: ReadonlyArray<string>, from: Pick<Task, "url" | "depth">) {
    if (urls.length === 0) return
    const [job] = yield* sql<{ total: number }>`SELECT total FROM jobs WHERE id = ${work.id}`
    const before = job?.total ?? 0
    let room = work.request.itemsLimit - before
    const at = yield* now
    const about = { job_id: work.id, referred_url: from.url, depth: from.depth, status: "new" }
    let left: ReadonlyArray<string> = [...new Set(urls)]
    while (room > 0 && Arr.isReadonlyArrayNonEmpty(left)) {
      const [some, rest] = Arr.splitAtNonEmpty(left, Math.min(room, mostRows))
      left = rest
      const rows = Arr.map(some, (url) => {
        const { host } = new URL(url)
        return { ...about, id: randomUUID(), url, host, created_at: at, updated_at: at }
      })
      const added = yield* sql`INSERT INTO items ${sql.insert(rows)} ON CONFLICT DO NOTHING RETURNING id`
      room -= added.length
    }
    const total = work.request.itemsLimit - room
    if (total > before) yield* sql`UPDATE jobs SET total = ${total} WHERE id = ${work.id}`
  })

/** What pages are kept with. */
interface Keeper {
  readonly sql: SqlClient.SqlClient
  readonly accounts: Accounts["Service"]
  readonly claims: Claims.Claims
  readonly add: ReturnType<typeof adding>
}

const make = Effect.fnUntraced(function* (
  lease: number
): Effect.fn.Return<Pages["Service"], SqlError, Accounts | Scope.Scope | SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const accounts = yield* Accounts
  // A SQLite file is locked by its process: whoever else was there is gone.
  const isShared = sql.onDialectOrElse({ sqlite: () => false, orElse: () => true })
  // An older version made no claims.
  if (!isShared) yield* sql`UPDATE items SET status = 'new' WHERE status = 'in_progress' AND claim IS NULL`
  const process = randomUUID()
  const claims = Claims.make(sql, process)
  yield* Presence.keep(sql, process, { isShared, lease, giveBack: Claims.giveBack(claims) })
  const keeper: Keeper = { sql, accounts, claims, add: adding(sql) }
  return Pages.of({
    isShared,
    begin: (jobId) => Claims.begin(claims, jobId),
    claim: (jobId, most, admitted) => Claims.claim(claims, jobId, most, admitted),
    areOver: (jobId) => Claims.areOver(claims, jobId),
    succeed: (work, task, page, most) => succeed(keeper, work, task, page, most),
    fail: (task, error, how) => fail(keeper, task, error, how),
    wait: (task, so) => wait(keeper, task, so),
    landing: (jobId) =>
      Effect.map(
        sql<{ landed_url: string }>`
          SELECT landed_url FROM items WHERE job_id IN (${jobId}, (SELECT again_of FROM jobs WHERE id = ${jobId}))
            AND depth = 0 AND landed_url IS NOT NULL`,
        ([start]) => Option.map(Option.fromUndefinedOr(start), ({ landed_url }) => landed_url)
      )
  })
})

const inTransaction = <A, E, R>(self: Effect.Effect<A, E, R>, { sql }: Keeper) => sql.withTransaction(self)

/** Whether another item of the job has the page that was found at a URL. */
const isElsewhere = (sql: SqlClient.SqlClient, { id, jobId }: Task, landed: string) => {
  // What PostgreSQL's index has of a URL.
  const isIndexed = sql.onDialectOrElse({
    sqlite: () => sql``,
    orElse: () => sql`AND md5(other.landed_url) = md5(CAST(${landed} AS TEXT))`
  })
  return sql`EXISTS (SELECT 1 FROM items other
      WHERE other.job_id = ${jobId} AND other.landed_url = ${landed} ${isIndexed} AND other.id <> ${id})`
}

/** The columns of an item whose page was fetched. */
const doneOf = ({ attempts, landing, status, story, title }: Fetched, at: string) => ({
  status: "done",
  page_status: status,
  attempts,
  landed_url: landing,
  title: withoutNul(title),
  story: storyJson(story),
  next_at: null,
  cost: pagePrice,
  updated_at: at
})

const textsOf = ({ id }: Task, { cleaned, html, links, markdown }: Fetched) => ({
  item_id: id,
  links: JSON.stringify(links),
  markdown: withoutNul(markdown),
  html: withoutNul(html),
  cleaned: withoutNul(cleaned)
})

const keep = Effect.fnUntraced(function* (
  self: Keeper,
  work: Work,
  task: Task,
  page: Fetched,
  most: number
): Effect.fn.Return<Kept, SqlError | Unpaid> {
  const { accounts, add, claims, sql } = self
  yield* Claims.change(sql, work.id)
  const kept = yield* sql`UPDATE items SET ${sql.update(doneOf(page, yield* now))}
      WHERE id = ${task.id} AND ${claims.isOwn} AND NOT ${isElsewhere(sql, task, page.landing)} RETURNING id`
  if (kept.length > 0) {
    if (!(yield* accounts.charge(work.accountId, task.id))) return yield* new Unpaid()
    yield* sql`INSERT INTO texts ${sql.insert(textsOf(task, page))}`
    yield* tally(sql, task, "done", { code: "", detail: "", page_status: 0, because: "", actor: "" })
    yield* add(work, page.fresh, { url: task.url, depth: task.depth + 1 })
    return { outcome: "kept", next: yield* Claims.take(claims, work.id, most) }
  }
  const [found] = yield* sql`SELECT 1 AS one FROM items WHERE id = ${task.id} AND ${claims.isOwn}`
  if (found !== undefined) return { outcome: "duplicate", next: [] }
  // What has ended meanwhile, such as by a cancellation, or was claimed by another process, costs nothing here.
  return { outcome: "lost", next: yield* Claims.take(claims, work.id, most) }
}, inTransaction)

const succeed = (self: Keeper, work: Work, task: Task, page: Fetched, most: number): Effect.Effect<Kept, SqlError> =>
  Effect.catchTag(keep(self, work, task, page, most), "Unpaid", () =>
    Effect.succeed<Kept>({ outcome: "unpaid", next: [] })
  )

/** Counts a page that has ended. The caller has locked the job. */
const tally = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  { jobId, url }: Task,
  column: "done" | "failed",
  facts: Facts
) {
  yield* sql`UPDATE jobs SET ${sql(column)} = ${sql(column)} + 1 WHERE id = ${jobId}`
  const minute = Math.floor((yield* Clock.currentTimeMillis) / 60_000)
  yield* sql`INSERT INTO paces ${sql.insert({ job_id: jobId, minute, done: 0, failed: 0, [column]: 1 })}
      ON CONFLICT (job_id, minute) DO UPDATE SET ${sql(column)} = paces.${sql(column)} + 1`
  yield* sql`INSERT INTO tallies ${sql.insert({ job_id: jobId, host: new URL(url).host, ...facts, count: 1 })}
      ON CONFLICT (job_id, host, code, detail, page_status, because) DO UPDATE SET count = tallies.count + 1`
})

const fail = Effect.fnUntraced(function* (
  { claims, sql }: Keeper,
  task: Task,
  error: ItemError.ItemError,
  how: GivenUp
) {
  const page_status = "status" in error.reason ? (error.reason.status ?? 0) : 0
  const facts = { ...failureOf(error), page_status, because: how.because }
  const said = { error: encodeItemError(error), answer: answerOf(error), story: storyJson(how.story) }
  const failed = { status: "error", ...facts, ...said, attempts: how.attempts, next_at: null, updated_at: yield* now }
  yield* Claims.change(sql, task.jobId)
  const rows = yield* sql`UPDATE items SET ${sql.update(failed)} WHERE id = ${task.id} AND ${claims.isOwn} RETURNING id`
  if (rows.length > 0) yield* tally(sql, task, "failed", facts)
}, inTransaction)

const wait = Effect.fnUntraced(function* (
  { claims, sql }: Keeper,
  { id, jobId }: Task,
  { attempts, nextAt, story }: Waiting
) {
  yield* Claims.change(sql, jobId)
  const so = { attempts, story: storyJson(story), next_at: nextAt, updated_at: yield* now }
  // A note that comes late says nothing new.
  yield* sql`UPDATE items SET ${sql.update(so)} WHERE id = ${id} AND ${claims.isOwn} AND attempts <= ${attempts}`
}, inTransaction)
