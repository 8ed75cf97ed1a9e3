/**
 * Works jobs to their end: fetches pages under a retry policy, keeps what they bring, and follows their links.
 *
 * Jobs run side by side and survive the process: what an earlier one left unfinished is taken up at the start.
 */
import * as ItemError from "@redrive/core/ItemError"
import * as JobError from "@redrive/core/JobError"
import * as Classify from "@redrive/core/Classify"
import type { StoreError } from "@redrive/durable/Store"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Extractor from "../page/Extractor.ts"
import * as Fetcher from "../page/Fetcher.ts"
import * as Pauses from "../page/Pauses.ts"
import * as Robots from "../page/Robots.ts"
import * as Scope from "../page/Scope.ts"
import * as HostWait from "./HostWait.ts"
import * as Drain from "./Drain.ts"
import { Jobs, type Task, type Work } from "./Jobs.ts"

/** How a page is tried: patient with a busy site, but never for longer than a caller would wait. */
const defaultPolicy = RetryPolicy.make({
  retries: 3,
  maxRetryAfter: Duration.minutes(2),
  slow: { base: Duration.seconds(2), cap: Duration.seconds(10) }
})

/** `policy` of a page (`defaultPolicy`); `pagesPerJob` that are worked on at a time, waiting ones included (16); `grace` for pages under way at the end (none). */
export interface Options {
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  readonly pagesPerJob?: number | undefined
  readonly grace?: Duration.Input | undefined
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
): Layer.Layer<Crawler, SqlError, Extractor.Extractor | Fetcher.Fetcher | Jobs> =>
  Layer.effect(
    Crawler,
    Effect.gen(function* () {
      const jobs = yield* Jobs
      const context = yield* Effect.context<Extractor.Extractor | Fetcher.Fetcher | Jobs>()
      const robots = yield* Robots.respected
      const { policy = defaultPolicy } = options
      // One runner for all jobs.
      const runner = Retry.make(HostWait.policyOf(policy), "page")
      const running = yield* FiberMap.make<string>()
      const drain = yield* Drain.make(options.grace ?? 0)
      const workers = { pagesPerJob: options.pagesPerJob ?? 16, robots, runner, retries: policy.retries, drain }
      const start = (work: Work) =>
        FiberMap.run(running, work.id, Effect.provideContext(crawl(work, workers), context)).pipe(Effect.asVoid)
      const cancel = (jobId: string) => Effect.andThen(FiberMap.remove(running, jobId), jobs.end(jobId, "cancelled"))
      for (const work of yield* jobs.unfinished) yield* start(work)
      return Crawler.of({ start, cancel })
    })
  )

/** What all jobs share. */
interface Workers {
  readonly pagesPerJob: number
  readonly robots: Robots.Robots
  readonly runner: Retry.Runner
  /** Of a page, for any failure but that its host asks for fewer requests. */
  readonly retries: number
  readonly drain: Drain.Drain
}

/** Works a job to its end. Whatever stops it is reported, and ends the job in error if the store still lets it. */
const crawl = Effect.fnUntraced(
  function* (work: Work, workers: Workers) {
    const jobs = yield* Jobs
    yield* visitAll(work, workers)
    yield* jobs.end(work.id, "done")
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

/** Fetches the job's pages and those that they lead to, until there are no more. */
const visitAll = Effect.fnUntraced(function* (work: Work, workers: Workers) {
  const jobs = yield* Jobs
  const robots = work.request.respectRobotsTxt ? workers.robots : Robots.ignored
  const scopeOf = (landed?: string) => Effect.fromResult(Scope.make(work.request, landed))
  let scope = yield* scopeOf(Option.getOrUndefined(yield* jobs.landing(work.id)))
  /** Where this process has found pages: neither a link nor a redirect leads there once more. */
  const landed = new Set<string>()
  /** URLs that the job has, or has no room for. A site's pages lead to each other again and again. */
  const known = new Set<string>()
  const queue = yield* Queue.unbounded<Task, Cause.Done>()
  let open = 0
  const enqueue = (tasks: ReadonlyArray<Task>) => {
    open += tasks.length
    return Queue.offerAll(queue, tasks)
  }
  const leave = Effect.suspend(() => (--open === 0 ? Queue.end(queue) : Effect.void))

  /** Whether a URL may be asked for: first the item's own, then those that its redirects lead to. */
  const admit = (task: Task, redirect?: Fetcher.Redirect): Effect.Effect<void, ItemError.Reason> => {
    // The start may lead to another site, which is then the one that is crawled.
    const url =
      redirect === undefined || task.depth === 0 ? Scope.pageOf(redirect?.url ?? task.url) : scope(redirect.url)
    if (url === undefined) return Effect.fail(new ItemError.HostReturnedError({ status: redirect?.status ?? 0 }))
    return landed.has(url) ? Effect.fail(duplicate) : robots(url)
  }

  const visit = Effect.fnUntraced(function* (task: Task) {
    const { attempts, result } = yield* fetch(task, workers, (redirect) => admit(task, redirect))
    if (Result.isFailure(result)) return yield* fail(task, result.failure, attempts)
    const { landing, links, ...page } = result.success
    landed.add(landing)
    if (task.depth === 0) scope = yield* scopeOf(landing)
    const inside = leads(work, task) ? insideOf(links) : []
    const fresh = inside.filter((url) => !known.has(url))
    const found = yield* jobs.succeed(work, task, { ...page, landing, links: inside, fresh, attempts })
    if (found === "duplicate") return yield* fail(task, errorOf(task, duplicate), attempts)
    if (Option.isNone(found)) return yield* outOfBalance(work)
    for (const url of fresh) if (known.size < mostKnown) known.add(url)
    return yield* enqueue(found.value)
  })

  const fail = (task: Task, error: ItemError.ItemError, attempts: number) =>
    Effect.andThen(jobs.fail(task, error, attempts), ErrorReporter.report(Cause.fail(error)))

  const insideOf = (links: ReadonlyArray<string>) =>
    links.flatMap((link) => {
      const url = scope(link)
      return url === undefined || landed.has(url) ? [] : [url]
    })

  yield* enqueue(yield* jobs.begin(work.id))
  if (open === 0) return
  yield* Stream.fromQueue(queue).pipe(
    Stream.mapEffect((task) => Effect.ensuring(workers.drain.run(visit(task)), leave), {
      concurrency: workers.pagesPerJob,
      unordered: true
    }),
    Stream.runDrain
  )
})

/** The most URLs of a job that are remembered beside its store: a page may have 10,000 links that no other has. */
const mostKnown = 100_000

/** Whether a page's links are followed. */
const leads = ({ request: { maxDepth } }: Work, { depth }: Task): boolean => maxDepth === undefined || depth < maxDepth

const outOfBalance = (work: Work) =>
  new JobError.JobError({ operation: "run", jobId: work.id, reason: new JobError.InsufficientBalance({}) })

/** A page's content, or why it could not be had for good; and how many attempts that took. */
const fetch = Effect.fnUntraced(function* (
  task: Task,
  { retries, runner }: Workers,
  admit: (redirect?: Fetcher.Redirect) => Effect.Effect<void, ItemError.Reason>
) {
  const jobs = yield* Jobs
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
    // A store that fails is no failure of the page.
    yield* Effect.orDie(jobs.attempting(task, attempts++))
    yield* admit()
    const page = yield* fetcher.fetch(task.url, { accept: accepted, follow })
    const content = yield* extractor.extract(page)
    return { status: page.status, landing: Scope.pageOf(page.url), ...content }
  }).pipe(
    Effect.tapError((reason) => {
      // A page that was held back was not asked for.
      if (Pauses.isHeldBack(reason)) attempts--
      return Effect.void
    })
  )
  const failed = (failure: Thrown) => errorOf(task, failure)
  const verdict = (failure: ItemError.ItemError | Cause.TimeoutError) =>
    HostWait.verdictOf(failed(failure).verdict, retries, fetcher.pause(asked))
  const result = yield* attempt.pipe(
    Effect.mapError(failed),
    runner.run({ key: new URL(task.url).host, verdict, errorOf: failed }),
    Effect.mapError(({ failure }) => failure),
    Effect.result,
    Effect.annotateLogs({ job: task.jobId, item: task.id, url: placeOf(task.url) })
  )
  return { attempts, result }
})

/** A URL without its query, which may hold what no log should. */
const placeOf = (url: string): string => {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

/** Another item of the job has the page. */
const duplicate = new ItemError.HostReturnedError({ status: 0, detail: "duplicate" })

const accepted = "text/html,application/xhtml+xml,text/plain"

/** How a page can fail. A policy may bound attempts and refuse calls, too: that is read as what Node.js throws is. */
type Thrown = ItemError.Reason | ItemError.ItemError | Retry.Added

/** The error of a page, which is the same from its first attempt to its report. */
const errorOf = ({ id, jobId, url }: Task, failure: Thrown): ItemError.ItemError => {
  if (ItemError.isItemError(failure)) return failure
  const isAdded = failure._tag === "TimeoutError" || failure._tag === "Refused"
  return new ItemError.ItemError({ jobId, itemId: id, url, reason: isAdded ? Classify.thrown(failure) : failure })
}
