/**
 * The pages of jobs as a table from which processes claim them. What is finished stays finished: every page is committed as it ends, and is charged once.
 *
 * A claim names the process that has it. Each process says every few seconds that it lives; what one holds that does not is claimed by another. Whoever
 * has lost a claim changes nothing and charges nothing any more. Every change locks the row of its job first, so that no two wait for each other.
 *
 * A page that was under way when its process was lost is a suspect: it may have taken the process with it. Suspects are claimed one by one.
 */
import { randomUUID } from "node:crypto"
import * as ItemError from "@redrive/core/ItemError"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { Accounts, pagePrice } from "./Accounts.ts"
import { orderOf } from "./Database.ts"
import type { Work } from "./Jobs.ts"
import { Story } from "../page/Story.ts"
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
    readonly wait: (
      task: Task,
      so: { readonly attempts: number; readonly story: Story; readonly nextAt: number }
    ) => Effect.Effect<void, SqlError>
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

const now = Effect.map(DateTime.now, DateTime.formatIso)

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

const make = Effect.fnUntraced(function* (
  lease: number
): Effect.fn.Return<Pages["Service"], SqlError, Accounts | Scope.Scope | SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const accounts = yield* Accounts
  const add = adding(sql)
  const order = orderOf(sql, "items")
  const self = randomUUID()
  // A SQLite file is locked by its process: whoever else was there is gone.
  const isShared = sql.onDialectOrElse({ sqlite: () => false, orElse: () => true })

  /** Says that this process lives, and forgets those that do not. */
  const live = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    yield* sql`INSERT INTO runners ${sql.insert({ id: self, until: at + lease })}
      ON CONFLICT (id) DO UPDATE SET until = excluded.until`
    yield* sql`DELETE FROM runners WHERE ${isShared ? sql`until < ${at}` : sql`id <> ${self}`}`
  })

  // An older version made no claims.
  if (!isShared) yield* sql`UPDATE items SET status = 'new' WHERE status = 'in_progress' AND claim IS NULL`
  yield* live
  yield* Effect.addFinalizer(() =>
    Effect.ignoreCause(Effect.timeout(Effect.ensuring(giveBack, Effect.ignoreCause(leave)), "5 seconds"))
  )
  const living = Effect.sleep(lease / 3).pipe(
    Effect.andThen(Effect.catchCause(live, (cause) => Effect.logWarning("no sign of life could be given", cause))),
    Effect.forever
  )
  if (isShared) yield* Effect.forkScoped(living)

  /** Locks a job until the transaction ends. Whoever asks again hears that something has changed. */
  const change = (jobId: string) => sql`UPDATE jobs SET version = version + 1 WHERE id = ${jobId}`

  const isOwn = sql.and([sql`status = 'in_progress'`, sql`claim = ${self}`])

  const begin = Effect.fnUntraced(function* (jobId: string) {
    yield* change(jobId)
    yield* sql`UPDATE jobs SET status = 'in_progress', updated_at = ${yield* now} WHERE id = ${jobId} AND status = 'new'`
    yield* sql`UPDATE items SET status = 'new', attempts = 0, story = '', next_at = NULL, claim = NULL WHERE job_id = ${jobId} AND ${isOwn}`
  }, sql.withTransaction)

  /** What this process has not finished waits again, job by job. */
  const giveBack = Effect.gen(function* () {
    const jobs = yield* sql<{ job_id: string }>`SELECT DISTINCT job_id FROM items WHERE ${isOwn}`
    for (const { job_id } of jobs) yield* begin(job_id)
  })
  const leave = sql`DELETE FROM runners WHERE id = ${self}`

  const isSuspect = sql`kills > 0`
  const isUnsuspected = sql`kills = 0`

  const waiting = (jobId: string, which: Statement.Fragment, most: number) =>
    sql`SELECT id FROM items WHERE job_id = ${jobId} AND status = 'new' AND ${which} ORDER BY ${order} LIMIT ${most}`

  /** The caller has locked the job. */
  const take = Effect.fnUntraced(function* (jobId: string, most: number, which = isUnsuspected) {
    if (most <= 0) return []
    const rows = yield* sql<Task & { readonly place: number | string }>`UPDATE items
      SET status = 'in_progress', attempts = 0, claim = ${self}, updated_at = ${yield* now}
      WHERE id IN (${waiting(jobId, which, most)}) RETURNING id, url, depth, kills, ${order} AS place`
    return rows
      .toSorted((one, other) => Number(one.place) - Number(other.place))
      .map(({ depth, id, kills, url }): Task => ({ depth, id, jobId, kills, url }))
  })

  /** Pages of a job whose processes do not live. One that was taken for lost may have claimed more since. */
  const isLeft = (jobId: string) => sql`job_id = ${jobId} AND status = 'in_progress' AND claim <> ${self}
    AND NOT EXISTS (SELECT 1 FROM runners WHERE runners.id = items.claim)`

  const claim = Effect.fnUntraced(function* (jobId: string, most: number, admitted: boolean) {
    // Most of the time there is none, which costs no transaction.
    const isWaiting = (yield* waiting(jobId, isUnsuspected, 1)).length > 0
    const left = isWaiting ? [] : yield* sql`SELECT 1 AS one FROM items WHERE ${isLeft(jobId)} LIMIT 1`
    const suspects = isWaiting || !admitted ? [] : yield* waiting(jobId, isSuspect, 1)
    if (!isWaiting && left.length === 0 && suspects.length === 0) return []
    return yield* sql.withTransaction(
      Effect.gen(function* () {
        yield* change(jobId)
        if (left.length > 0)
          yield* sql`UPDATE items SET status = 'new', attempts = 0, story = '', next_at = NULL, claim = NULL, kills = kills + 1 WHERE ${isLeft(jobId)}`
        const tasks = yield* take(jobId, most)
        return tasks.length === 0 && admitted ? yield* take(jobId, 1, isSuspect) : tasks
      })
    )
  })

  const isElsewhere = ({ id, jobId }: Task, landed: string) => {
    // What PostgreSQL's index has of a URL.
    const isIndexed = sql.onDialectOrElse({
      sqlite: () => sql``,
      orElse: () => sql`AND md5(other.landed_url) = md5(CAST(${landed} AS TEXT))`
    })
    return sql`EXISTS (SELECT 1 FROM items other
      WHERE other.job_id = ${jobId} AND other.landed_url = ${landed} ${isIndexed} AND other.id <> ${id})`
  }

  const keep = Effect.fnUntraced(function* (
    work: Work,
    task: Task,
    page: Fetched,
    most: number
  ): Effect.fn.Return<Kept, SqlError | Unpaid> {
    yield* change(work.id)
    const { attempts, landing: landed_url, links, status: page_status } = page
    const done = {
      status: "done",
      page_status,
      attempts,
      landed_url,
      title: withoutNul(page.title),
      story: storyJson(page.story),
      next_at: null,
      cost: pagePrice,
      updated_at: yield* now
    }
    const texts = {
      item_id: task.id,
      links: JSON.stringify(links),
      markdown: withoutNul(page.markdown),
      html: withoutNul(page.html),
      cleaned: withoutNul(page.cleaned)
    }
    const kept = yield* sql`UPDATE items SET ${sql.update(done)}
      WHERE id = ${task.id} AND ${isOwn} AND NOT ${isElsewhere(task, landed_url)} RETURNING id`
    if (kept.length > 0) {
      if (!(yield* accounts.charge(work.accountId, task.id))) return yield* new Unpaid()
      yield* sql`INSERT INTO texts ${sql.insert(texts)}`
      yield* tally(task, "done", { code: "", detail: "", page_status: 0, because: "", actor: "" })
      yield* add(work, page.fresh, { url: task.url, depth: task.depth + 1 })
      return { outcome: "kept", next: yield* take(work.id, most) }
    }
    const [found] = yield* sql`SELECT 1 AS one FROM items WHERE id = ${task.id} AND ${isOwn}`
    if (found !== undefined) return { outcome: "duplicate", next: [] }
    // What has ended meanwhile, such as by a cancellation, or was claimed by another process, costs nothing here.
    return { outcome: "lost", next: yield* take(work.id, most) }
  }, sql.withTransaction)

  const succeed = (work: Work, task: Task, page: Fetched, most: number): Effect.Effect<Kept, SqlError> =>
    Effect.catchTag(keep(work, task, page, most), "Unpaid", () => Effect.succeed<Kept>({ outcome: "unpaid", next: [] }))

  /** Counts a page that has ended. The caller has locked the job. */
  const tally = Effect.fnUntraced(function* ({ jobId, url }: Task, column: "done" | "failed", facts: Facts) {
    yield* sql`UPDATE jobs SET ${sql(column)} = ${sql(column)} + 1 WHERE id = ${jobId}`
    const minute = Math.floor((yield* Clock.currentTimeMillis) / 60_000)
    yield* sql`INSERT INTO paces ${sql.insert({ job_id: jobId, minute, done: 0, failed: 0, [column]: 1 })}
      ON CONFLICT (job_id, minute) DO UPDATE SET ${sql(column)} = paces.${sql(column)} + 1`
    yield* sql`INSERT INTO tallies ${sql.insert({ job_id: jobId, host: new URL(url).host, ...facts, count: 1 })}
      ON CONFLICT (job_id, host, code, detail, page_status, because) DO UPDATE SET count = tallies.count + 1`
  })

  const fail = Effect.fnUntraced(function* (task: Task, error: ItemError.ItemError, how: GivenUp) {
    const page_status = "status" in error.reason ? (error.reason.status ?? 0) : 0
    const facts = { ...failureOf(error), page_status, because: how.because }
    const said = { error: encodeItemError(error), answer: answerOf(error), story: storyJson(how.story) }
    const failed = { status: "error", ...facts, ...said, attempts: how.attempts, next_at: null, updated_at: yield* now }
    yield* change(task.jobId)
    const rows = yield* sql`UPDATE items SET ${sql.update(failed)} WHERE id = ${task.id} AND ${isOwn} RETURNING id`
    if (rows.length > 0) yield* tally(task, "failed", facts)
  }, sql.withTransaction)

  const wait: Pages["Service"]["wait"] = Effect.fnUntraced(function* ({ id, jobId }, { attempts, nextAt, story }) {
    yield* change(jobId)
    const so = { attempts, story: storyJson(story), next_at: nextAt, updated_at: yield* now }
    // A note that comes late says nothing new.
    yield* sql`UPDATE items SET ${sql.update(so)} WHERE id = ${id} AND ${isOwn} AND attempts <= ${attempts}`
  }, sql.withTransaction)

  return Pages.of({
    isShared,
    begin,
    claim,
    succeed,
    fail,
    wait,
    areOver: (jobId) =>
      Effect.map(
        sql`SELECT 1 AS one FROM items WHERE job_id = ${jobId} AND status = 'new' UNION ALL
          SELECT 1 AS one FROM items WHERE job_id = ${jobId} AND status = 'in_progress' LIMIT 1`,
        ({ length }) => length === 0
      ),
    landing: (jobId) =>
      Effect.map(
        sql<{ landed_url: string }>`
          SELECT landed_url FROM items WHERE job_id IN (${jobId}, (SELECT again_of FROM jobs WHERE id = ${jobId}))
            AND depth = 0 AND landed_url IS NOT NULL`,
        ([start]) => Option.map(Option.fromUndefinedOr(start), ({ landed_url }) => landed_url)
      )
  })
})
