/**
 * Works jobs to their end: fetches pages under a retry policy, keeps what they bring, and follows their links.
 *
 * Jobs run side by side and survive the process: what an earlier one left unfinished is taken up at the start. The processes of one database
 * share the pages of every job: each claims as many as it works on at a time.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Classify from "@redrive/core/Classify"
import { StoreError } from "@redrive/durable/Store"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as FiberMap from "effect/FiberMap"
import * as FiberSet from "effect/FiberSet"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
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
import { Jobs, type Work } from "./Jobs.ts"
import * as Metrics from "./Metrics.ts"
import { pagePolicy } from "./PagePolicy.ts"
import * as Recorder from "../page/Recorder.ts"
import { type GivenUp, Pages, type Task } from "./Pages.ts"
import * as Suspects from "./Suspects.ts"

/** `policy` of a page (`pagePolicy`); `pagesPerJob` that are worked on at a time, waiting ones included (16); `grace` for pages under way at the end (none). */
export interface Options {
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  readonly pagesPerJob?: number | undefined
  readonly grace?: Duration.Input | undefined
  /** How often a page may take its process with it before it is given up; at least 1. Default: 3. */
  readonly kills?: number | undefined
  /** Hears of links that are not followed, page by page. Default: nobody does. */
  readonly onLeftOut?: ((links: LeftOut) => void) | undefined
}

/** Links of a page that are not followed: they lead out of the job's scope, or further from its start than was asked for. */
export interface LeftOut {
  readonly why: "scope" | "depth"
  readonly urls: ReadonlyArray<string>
}

export class Crawler extends Context.Service<
  Crawler,
  {
    /** Starts working on a job, and comes back at once. */
    readonly start: (work: Work) => Effect.Effect<void>
    /** Stops working on a job and ends it as cancelled. */
    readonly cancel: (jobId: string) => Effect.Effect<void, SqlError | StoreError>
  }
>()("@redrive/crawler/service/Crawler") {}

export const layer = (
  options: Options = {}
): Layer.Layer<Crawler, SqlError, Extractor.Extractor | Fetcher.Fetcher | Jobs | Pages> =>
  Layer.effect(
    Crawler,
    Effect.gen(function* () {
      const jobs = yield* Jobs
      const { isShared } = yield* Pages
      const context = yield* Effect.context<Extractor.Extractor | Fetcher.Fetcher | Jobs | Pages>()
      const robots = yield* Robots.respected
      const { kills = 3, pagesPerJob = 16, policy = pagePolicy } = options
      // One runner for all jobs.
      const runner = Retry.make(HostWait.policyOf(policy), "page")
      const running = yield* FiberMap.make<string>()
      const drain = yield* Drain.make(options.grace ?? 0)
      const fork = yield* FiberSet.makeRuntime<never, void, never>()
      // A store that fails is no failure of the page: it shows at the page's end.
      const waits = (note: Effect.Effect<void, SqlError>) => void fork(Effect.ignoreCause(note))
      const workers: Workers = {
        pagesPerJob,
        kills,
        suspects: Suspects.make(),
        robots,
        runner,
        retries: policy.retries,
        drain,
        waits,
        onLeftOut: options.onLeftOut
      }
      // A look finds jobs that run, and may have found one before whoever created it starts it.
      const start = (work: Work) =>
        FiberMap.run(running, work.id, Effect.provideContext(crawl(work, workers), context), {
          onlyIfMissing: true
        }).pipe(Effect.asVoid)
      const cancel = (jobId: string) => Effect.andThen(FiberMap.remove(running, jobId), jobs.end(jobId, "cancelled"))

      /** Takes up what other processes were asked for, or left, and stops what they have ended. */
      const look = Effect.gen(function* () {
        const before = [...running].map(([id]) => id)
        const unfinished = yield* jobs.unfinished
        const ids = new Set(unfinished.map(({ id }) => id))
        for (const work of unfinished) yield* start(work)
        for (const id of before) if (!ids.has(id)) yield* FiberMap.remove(running, id)
      })
      yield* look
      if (isShared)
        yield* Effect.sleep("500 millis").pipe(
          Effect.andThen(
            Effect.catchCause(look, (cause) =>
              Effect.logWarning("jobs of other processes could not be looked for", cause)
            )
          ),
          Effect.forever,
          Effect.forkScoped
        )
      return Crawler.of({ start, cancel })
    })
  ).pipe(Layer.provide(Recorder.layer))

/** What all jobs share. */
interface Workers {
  readonly pagesPerJob: number
  readonly kills: number
  readonly suspects: Suspects.Suspects
  readonly robots: Robots.Robots
  readonly runner: Retry.Runner
  /** Of a page, for any failure but that its host asks for fewer requests. */
  readonly retries: number
  /** Runs a note of a page that waits, beside it. */
  readonly waits: (note: Effect.Effect<void, SqlError>) => void
  readonly drain: Drain.Drain
  readonly onLeftOut: Options["onLeftOut"]
}

/** Works a job to its end. Whatever stops it is reported, and ends the job in error if the store still lets it. */
const crawl = Effect.fnUntraced(
  function* (work: Work, workers: Workers) {
    const jobs = yield* Jobs
    const { isShared } = yield* Pages
    const visited = Effect.ensuring(
      Effect.scoped(visitAll(work, workers)),
      Effect.sync(() => workers.suspects.leave(work.id))
    )
    const worked = storing(Effect.andThen(visited, jobs.end(work.id, "done")))
    // A server may be away for a while, as when it is restarted. What was under way is fetched again.
    yield* isShared
      ? Effect.retry(
          Effect.tapError(worked, (error) => Effect.logWarning("a job waits for its database", error)),
          { while: (error) => isSqlError(error) || error instanceof StoreError, schedule: patience }
        )
      : worked
  },
  (self, work) =>
    Effect.catchCause(
      self,
      Effect.fnUntraced(function* (cause) {
        if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
        const failure = Cause.squash(cause)
        const error = JobError.isJobError(failure)
          ? failure
          : new JobError.JobError({
              operation: "run",
              jobId: work.id,
              reason: new JobError.InternalError({ cause: failure })
            })
        yield* ErrorReporter.report(Cause.fail(error))
        yield* Effect.ignore(Effect.flatMap(Jobs, (jobs) => jobs.end(work.id, "error", error.reason)))
      })
    )
)

/** How long a job waits for its database: ten minutes. */
const patience = Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(600)])

/** Fetches the job's pages and those that they lead to, until there are no more. */
const visitAll = Effect.fnUntraced(function* (work: Work, workers: Workers) {
  const pages = yield* Pages
  const robots = work.request.respectRobotsTxt ? workers.robots : Robots.ignored
  const scopeOf = (landed?: string) => Effect.fromResult(Scope.make(work.request, landed))
  let scope = yield* scopeOf()
  let isLanded = false
  /** Where this process has found pages: neither a link nor a redirect leads there once more. */
  const landed = new Set<string>()
  /** URLs that the job has, or has no room for. A site's pages lead to each other again and again. */
  const known = new Set<string>()

  /** Whether a URL may be asked for: first the item's own, then those that its redirects lead to. */
  const admit = (task: Task, redirect?: Fetcher.Redirect): Effect.Effect<void, ItemError.Reason> => {
    // The start may lead to another site, which is then the one that is crawled.
    const url =
      redirect === undefined || task.depth === 0 ? Scope.pageOf(redirect?.url ?? task.url) : scope(redirect.url)
    if (url === undefined) return Effect.fail(new ItemError.HostReturnedError({ status: redirect?.status ?? 0 }))
    return landed.has(url) ? Effect.fail(duplicate) : robots(url)
  }

  const visit = Effect.fnUntraced(function* (task: Task) {
    if (task.kills >= workers.kills)
      return yield* fail(task, errorOf(task, killed(task.kills)), {
        attempts: task.kills,
        story: [],
        because: "retries"
      })
    const { result, ...how } = yield* fetch(task, work, workers, (redirect) => admit(task, redirect))
    if (Result.isFailure(result))
      return yield* fail(task, result.failure.failure, { ...how, because: result.failure.because })
    const { landing, links, ...page } = result.success
    landed.add(landing)
    if (task.depth === 0) scope = yield* scopeOf(landing)
    const inside = leads(work, task) ? insideOf(links) : []
    if (workers.onLeftOut !== undefined) leaveOut(task, links, workers.onLeftOut)
    const fresh = [...inside, ...(yield* inSitemaps(task, landing))].filter((url) => !known.has(url))
    const fetched = { ...page, landing, links: inside, fresh, ...how }
    const room = work.pace > 0 ? 0 : 1 + workers.pagesPerJob - under
    const { next, outcome } = yield* pages.succeed(work, task, fetched, room)
    if (outcome === "unpaid") return yield* outOfBalance(work)
    if (outcome === "duplicate") return yield* fail(task, errorOf(task, duplicate), { ...how, because: "permanent" })
    // This process may claim the page once more: then it is no duplicate, and its links are new.
    if (outcome === "lost") landed.delete(landing)
    else {
      yield* Metrics.pageDone
      for (const url of fresh) if (known.size < mostKnown) known.add(url)
    }
    return yield* begin(next)
  })

  const fail = (task: Task, error: ItemError.ItemError, how: GivenUp) =>
    pages
      .fail(task, error, how)
      .pipe(Effect.andThen(Metrics.pageFailed), Effect.andThen(ErrorReporter.report(Cause.fail(error))))

  const insideOf = (links: ReadonlyArray<string>) =>
    links.flatMap((link) => {
      const url = scope(link)
      return url === undefined || landed.has(url) ? [] : [url]
    })

  const leaveOut = (task: Task, links: ReadonlyArray<string>, tell: NonNullable<Options["onLeftOut"]>) => {
    const pages = links.filter((link) => /^https?:/.test(link)).map(Scope.pageOf)
    tell({ why: "scope", urls: pages.filter((url) => scope(url) === undefined) })
    if (!leads(work, task)) tell({ why: "depth", urls: pages.filter((url) => scope(url) !== undefined) })
  }

  /** What the site itself names, once it is known which one is crawled. */
  const inSitemaps = Effect.fnUntraced(function* (task: Task, landing: string) {
    if (work.request.useSitemap !== true || task.depth > 0 || !leads(work, task)) return []
    return insideOf(yield* Sitemaps.pagesOf(yield* Fetcher.Fetcher, new URL(landing).origin))
  })

  const visits = yield* FiberSet.make<void, JobError.JobError | JobError.InvalidRequest | SqlError>()
  /** Opened when a page has ended, which makes room and may have led to others. */
  const news = Latch.makeUnsafe(false)
  let under = 0
  const ended = Effect.sync(() => {
    under--
    workers.suspects.leave(work.id)
    news.openUnsafe()
  })
  /** Begins with pages that were claimed. */
  const begin = Effect.fnUntraced(function* (
    tasks: ReadonlyArray<Task>
  ): Effect.fn.Return<void, JobError.InvalidRequest | SqlError, Extractor.Extractor | Fetcher.Fetcher | Pages> {
    // Another process may have fetched the start.
    if (!isLanded && tasks.some(({ depth }) => depth > 0)) {
      scope = yield* scopeOf(Option.getOrUndefined(yield* pages.landing(work.id)))
      isLanded = true
    }
    for (const task of tasks) {
      under++
      yield* FiberSet.run(visits, Effect.ensuring(workers.drain.run(storing(visit(task))), ended))
    }
  })

  const claim = Effect.gen(function* () {
    const room = workers.pagesPerJob - under
    if (room <= 0 || workers.suspects.has(work.id)) return []
    const admitted = under === 0 && workers.suspects.admit(work.id)
    const tasks = yield* pages.claim(work.id, work.pace > 0 ? 1 : room, admitted)
    if (!tasks.some(({ kills }) => kills > 0)) workers.suspects.leave(work.id)
    return tasks
  })

  const claiming = Effect.gen(function* () {
    yield* pages.begin(work.id)
    for (;;) {
      news.closeUnsafe()
      const tasks = yield* claim
      yield* begin(tasks)
      if (tasks.length > 0 && work.pace > 0) yield* Effect.sleep(work.pace)
      if (tasks.length > 0) continue
      if (under === 0 && (yield* pages.areOver(work.id))) return
      // Pages that others have may lead to more.
      yield* under > 0 && !pages.isShared
        ? Latch.await(news)
        : Effect.race(Latch.await(news), Effect.sleep("500 millis"))
    }
  })
  yield* Effect.raceFirst(claiming, FiberSet.join(visits))
})

/**
 * A store that fails is no failure of the page, and passes the page's policy by as a defect. A connection that is lost within a transaction is a defect
 * to Effect.
 */
const storing = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
  Effect.catchDefect(self, (defect) => (isSqlError(defect) ? Effect.fail(defect) : Effect.die(defect)))

/** The most URLs of a job that are remembered beside its store: a page may have 10,000 links that no other has. */
const mostKnown = 100_000

/** Whether a page's links are followed. */
const leads = ({ request: { maxDepth } }: Work, { depth }: Task): boolean => maxDepth === undefined || depth < maxDepth

const outOfBalance = (work: Work) =>
  new JobError.JobError({ operation: "run", jobId: work.id, reason: new JobError.InsufficientBalance({}) })

/** A page's content, or why it could not be had for good; and what happened until then. */
const fetch = Effect.fnUntraced(function* (
  task: Task,
  { request }: Work,
  { retries, runner, waits }: Workers,
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
  const recorder = Recorder.make(toldOf, (story, nextAt) => waits(pages.wait(task, { attempts, story, nextAt })))
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
