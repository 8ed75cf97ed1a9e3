/**
 * The pages of a job that this process visits: it claims them, fetches them under the policy, keeps what they bring, and follows their links.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Classify from "@redrive/core/Classify"
import * as Retry from "@redrive/retry/Retry"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as FiberSet from "effect/FiberSet"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Extractor from "../page/Extractor.ts"
import * as Fetcher from "../page/Fetcher.ts"
import * as Pauses from "../page/Pauses.ts"
import * as Robots from "../page/Robots.ts"
import * as Scope from "../page/Scope.ts"
import * as Sitemaps from "../page/Sitemaps.ts"
import { formatsOf } from "./formats.ts"
import * as HostWait from "./HostWait.ts"
import * as Drain from "./Drain.ts"
import { failureOf } from "./rows.ts"
import { type Work } from "./Jobs.ts"
import * as Metrics from "./Metrics.ts"
import type * as Notes from "./Notes.ts"
import * as Recorder from "../page/Recorder.ts"
import { type GivenUp, Pages, type Task } from "./Pages.ts"
import * as Suspects from "./Suspects.ts"

/** What all jobs share. */
export interface Workers {
  readonly pagesPerJob: number
  readonly kills: number
  readonly suspects: Suspects.Suspects
  readonly robots: Robots.Robots
  readonly runner: Retry.Runner
  /** Of a page, for any failure but that its host asks for fewer requests. */
  readonly retries: number
  /** Writes the notes of pages that wait. */
  readonly notes: Notes.Write
  readonly drain: Drain.Drain
  /** Hears of links that are not followed. */
  readonly onLeftOut: ((links: LeftOut) => void) | undefined
}

/** Links of a page that are not followed: they lead out of the job's scope, or further from its start than was asked for. */
export interface LeftOut {
  readonly why: "scope" | "depth"
  readonly urls: ReadonlyArray<string>
}

/** A job, as far as this process has visited its pages. */
interface Visits {
  readonly work: Work
  readonly workers: Workers
  readonly pages: Pages["Service"]
  /** Which links are the job's. */
  scope: Scope.Scope
  /** Whether the scope is that of the page where the start led. */
  isLanded: boolean
  /** Where this process has found pages: neither a link nor a redirect leads there once more. */
  readonly landed: Set<string>
  /** URLs that the job has, or has no room for. A site's pages lead to each other again and again. */
  readonly known: Set<string>
  /** The pages under way, and how many they are. */
  readonly fibers: FiberSet.FiberSet<void, Failure>
  under: number
  /** Opened when a page has ended, which makes room and may have led to others. */
  readonly news: Latch.Latch
}

/** What ends a job. */
type Failure = JobError.JobError | JobError.InvalidRequest | SqlError

/** Fetches the job's pages and those that they lead to, until there are no more. */
export const all = Effect.fnUntraced(function* (work: Work, workers: Workers) {
  const self: Visits = {
    work,
    workers,
    pages: yield* Pages,
    scope: yield* scopeOf(work),
    isLanded: false,
    landed: new Set(),
    known: new Set(),
    fibers: yield* FiberSet.make<void, Failure>(),
    under: 0,
    news: Latch.makeUnsafe(false)
  }
  yield* Effect.raceFirst(claiming(self), FiberSet.join(self.fibers))
})

const scopeOf = (work: Work, landed?: string) => Effect.fromResult(Scope.make(work.request, landed))

/** Claims pages and begins with them, as long as there are any. */
const claiming = Effect.fnUntraced(function* (self: Visits) {
  const { news, pages, work } = self
  yield* pages.begin(work.id)
  for (;;) {
    news.closeUnsafe()
    const tasks = yield* claim(self)
    yield* begin(self, tasks)
    if (tasks.length > 0 && work.pace > 0) yield* Effect.sleep(work.pace)
    if (tasks.length > 0) continue
    if (self.under === 0 && (yield* pages.areOver(work.id))) return
    // Pages that others have may lead to more.
    yield* self.under > 0 && !pages.isShared
      ? Latch.await(news)
      : Effect.race(Latch.await(news), Effect.sleep("500 millis"))
  }
})

const claim = Effect.fnUntraced(function* ({ pages, under, work, workers }: Visits) {
  const room = workers.pagesPerJob - under
  if (room <= 0 || workers.suspects.has(work.id)) return []
  const admitted = under === 0 && workers.suspects.admit(work.id)
  const tasks = yield* pages.claim(work.id, work.pace > 0 ? 1 : room, admitted)
  if (!tasks.some(({ kills }) => kills > 0)) workers.suspects.leave(work.id)
  return tasks
})

/** Begins with pages that were claimed. */
const begin = Effect.fnUntraced(function* (
  self: Visits,
  tasks: ReadonlyArray<Task>
): Effect.fn.Return<void, JobError.InvalidRequest | SqlError, Extractor.Extractor | Fetcher.Fetcher | Pages> {
  const { fibers, pages, work, workers } = self
  // Another process may have fetched the start.
  if (!self.isLanded && tasks.some(({ depth }) => depth > 0)) {
    self.scope = yield* scopeOf(work, Option.getOrUndefined(yield* pages.landing(work.id)))
    self.isLanded = true
  }
  for (const task of tasks) {
    self.under++
    yield* FiberSet.run(fibers, Effect.ensuring(workers.drain.run(storing(visit(self, task))), ended(self)))
  }
})

const ended = (self: Visits) =>
  Effect.sync(() => {
    self.under--
    self.workers.suspects.leave(self.work.id)
    self.news.openUnsafe()
  })

const visit = Effect.fnUntraced(function* (self: Visits, task: Task) {
  const { landed, pages, work, workers } = self
  if (task.kills >= workers.kills)
    return yield* fail(self, task, errorOf(task, killed(task.kills)), {
      attempts: task.kills,
      story: [],
      because: "retries"
    })
  const { result, ...how } = yield* fetch(task, work, workers, (redirect) => admit(self, task, redirect))
  if (Result.isFailure(result))
    return yield* fail(self, task, result.failure.failure, { ...how, because: result.failure.because })
  const { links, ...page } = result.success
  landed.add(page.landing)
  if (task.depth === 0) self.scope = yield* scopeOf(work, page.landing)
  if (workers.onLeftOut !== undefined) leaveOut(self, task, links, workers.onLeftOut)
  const found = yield* linksOf(self, task, page.landing, links)
  const room = work.pace > 0 ? 0 : 1 + workers.pagesPerJob - self.under
  const { next, outcome } = yield* pages.succeed(work, task, { ...page, ...found, ...how }, room)
  if (outcome === "unpaid") return yield* outOfBalance(work)
  if (outcome === "duplicate")
    return yield* fail(self, task, errorOf(task, duplicate), { ...how, because: "permanent" })
  // This process may claim the page once more: then it is no duplicate, and its links are new.
  if (outcome === "lost") landed.delete(page.landing)
  else {
    yield* Metrics.pageDone
    remember(self, found.fresh)
  }
  return yield* begin(self, next)
})

const fail = ({ pages }: Visits, task: Task, error: ItemError.ItemError, how: GivenUp) =>
  pages
    .fail(task, error, how)
    .pipe(Effect.andThen(Metrics.pageFailed), Effect.andThen(ErrorReporter.report(Cause.fail(error))))

/** Whether a URL may be asked for: first the item's own, then those that its redirects lead to. */
const admit = (
  { landed, scope, work, workers }: Visits,
  task: Task,
  redirect?: Fetcher.Redirect
): Effect.Effect<void, ItemError.Reason> => {
  const robots = work.request.respectRobotsTxt ? workers.robots : Robots.ignored
  // The start may lead to another site, which is then the one that is crawled.
  const url = redirect === undefined || task.depth === 0 ? Scope.pageOf(redirect?.url ?? task.url) : scope(redirect.url)
  if (url === undefined) return Effect.fail(new ItemError.HostReturnedError({ status: redirect?.status ?? 0 }))
  return landed.has(url) ? Effect.fail(duplicate) : robots(url)
}

/** The links of a page that are followed, and with what a sitemap names those that are new. */
const linksOf = Effect.fnUntraced(function* (self: Visits, task: Task, landing: string, all: ReadonlyArray<string>) {
  const links = leads(self.work, task) ? insideOf(self, all) : []
  const fresh = [...links, ...(yield* inSitemaps(self, task, landing))].filter((url) => !self.known.has(url))
  return { links, fresh }
})

const insideOf = ({ landed, scope }: Visits, links: ReadonlyArray<string>) =>
  links.flatMap((link) => {
    const url = scope(link)
    return url === undefined || landed.has(url) ? [] : [url]
  })

/** What the site itself names, once it is known which one is crawled. */
const inSitemaps = Effect.fnUntraced(function* (self: Visits, task: Task, landing: string) {
  const { work } = self
  if (work.request.useSitemap !== true || task.depth > 0 || !leads(work, task)) return []
  return insideOf(self, yield* Sitemaps.pagesOf(yield* Fetcher.Fetcher, new URL(landing).origin))
})

/** Whether a page's links are followed. */
const leads = ({ request: { maxDepth } }: Work, { depth }: Task): boolean => maxDepth === undefined || depth < maxDepth

const leaveOut = (
  { scope, work }: Visits,
  task: Task,
  links: ReadonlyArray<string>,
  tell: NonNullable<Workers["onLeftOut"]>
) => {
  const pages = links.filter((link) => /^https?:/.test(link)).map(Scope.pageOf)
  tell({ why: "scope", urls: pages.filter((url) => scope(url) === undefined) })
  if (!leads(work, task)) tell({ why: "depth", urls: pages.filter((url) => scope(url) !== undefined) })
}

const remember = ({ known }: Visits, urls: ReadonlyArray<string>): void => {
  for (const url of urls) if (known.size < mostKnown) known.add(url)
}

/**
 * A store that fails is no failure of the page, and passes the page's policy by as a defect. A connection that is lost within a transaction is a defect
 * to Effect.
 */
export const storing = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.catchDefect(self, (defect) => (isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect)))

/** The most URLs of a job that are remembered beside its store: a page may have 10,000 links that no other has. */
const mostKnown = 100_000

const outOfBalance = (work: Work) =>
  new JobError.JobError({ operation: "run", jobId: work.id, reason: new JobError.InsufficientBalance({}) })

/** A page's content, or why it could not be had for good; and what happened until then. */
const fetch = Effect.fnUntraced(function* (
  task: Task,
  { request }: Work,
  { notes, retries, runner }: Workers,
  admit: (redirect?: Fetcher.Redirect) => Effect.Effect<void, ItemError.Reason>
) {
  const pages = yield* Pages
  const fetcher = yield* Fetcher.Fetcher
  const extractor = yield* Extractor.Extractor
  let attempts = 0
  /** The last URL that was asked for: its host is the one that may have refused. */
  let asked = task.url
  const follow = (redirect: Fetcher.Redirect) =>
    Effect.tap(admit(redirect), () => {
      asked = redirect.url
      return Effect.void
    })
  const attempt = Effect.gen(function* () {
    asked = task.url
    attempts++
    yield* Recorder.begin
    yield* admit()
    const page = yield* fetcher.fetch(task.url, { accept: accepted, follow })
    const formats = formatsOf(request)
    const content = yield* extractor.extract(page, {
      markdown: formats.has("markdown"),
      cleaned: formats.has("cleaned"),
      mainOnly: request.mainContentOnly
    })
    const html = formats.has("html") ? page.text : ""
    return { status: page.status, landing: Scope.pageOf(page.url), ...content, html }
  }).pipe(
    Effect.tapError((reason) => {
      // A page that was held back was not asked for.
      if (Pauses.isHeldBack(reason)) attempts--
      return Effect.void
    })
  )
  const failed = (failure: Thrown) => errorOf(task, failure)
  const verdict = (failure: ItemError.ItemError | Cause.TimeoutError) =>
    HostWait.verdictOf(failed(failure).verdict, retries, fetcher.pauses.of(new URL(asked).host))
  const recorder = Recorder.make(toldOf, (story, nextAt) => notes(pages.wait(task, { attempts, story, nextAt })))
  const result = yield* attempt.pipe(
    Effect.mapError(failed),
    runner.run({ key: new URL(task.url).host, verdict, errorOf: failed }),
    Effect.provideService(Recorder.Current, recorder),
    Effect.result,
    Effect.annotateLogs({ job: task.jobId, item: task.id, url: placeOf(task.url) })
  )
  const story = Result.isSuccess(result)
    ? Recorder.succeed(recorder, yield* Clock.currentTimeMillis)
    : recorder.attempts
  return { attempts, story, result }
})

/** What a page's story says of a failure. */
const toldOf = (error: unknown): Recorder.Failed => {
  if (!ItemError.isItemError(error)) return { isHeld: false, why: "backoff" }
  const { reason } = error
  const isHeld = Pauses.isHeldBack(reason)
  const { code, detail } = failureOf(error)
  return {
    code,
    ...(detail !== "" && { detail }),
    ...("status" in reason && reason.status !== undefined && { status: reason.status }),
    isHeld,
    why: isHeld ? "host_paused" : Pauses.waitOf(reason) === undefined ? "backoff" : "retry_after"
  }
}

/** A URL without its query, which may hold what no log should. */
const placeOf = (url: string): string => {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

/** Another item of the job has the page. */
const duplicate = new ItemError.HostReturnedError({ status: 0, detail: "duplicate" })

/** A page that took its process with it again and again. */
const killed = (kills: number) =>
  new ItemError.InternalError({
    detail: "defect",
    cause: new Error(`the process was lost ${kills} times while the page was under way`)
  })

const accepted = "text/html,application/xhtml+xml,text/plain"

/** How a page can fail. A policy may bound attempts and refuse calls, too: that is read as what Node.js throws is. */
type Thrown = ItemError.Reason | ItemError.ItemError | Retry.Added

/** The error of a page, which is the same from its first attempt to its report. */
const errorOf = ({ id, jobId, url }: Task, failure: Thrown): ItemError.ItemError => {
  if (ItemError.isItemError(failure)) return failure
  const isAdded = failure._tag === "TimeoutError" || failure._tag === "Refused"
  return new ItemError.ItemError({ jobId, itemId: id, url, reason: isAdded ? Classify.thrown(failure) : failure })
}
