/**
 * Works jobs to their end: fetches pages under a retry policy, keeps what they bring, and follows their links.
 *
 * Jobs run side by side and survive the process: what an earlier one left unfinished is taken up at the start. The processes of one database
 * share the pages of every job: each claims as many as it works on at a time.
 */
import * as JobError from "@redrive/core/JobError"
import { StoreError } from "@redrive/durable/Store"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Extractor from "../page/Extractor.ts"
import * as Fetcher from "../page/Fetcher.ts"
import * as Robots from "../page/Robots.ts"
import * as HostWait from "./HostWait.ts"
import * as Drain from "./Drain.ts"
import { Jobs, type Work } from "./Jobs.ts"
import { pagePolicy } from "./PagePolicy.ts"
import * as Notes from "./Notes.ts"
import * as Recorder from "../page/Recorder.ts"
import { Pages } from "./Pages.ts"
import * as Suspects from "./Suspects.ts"
import * as Visits from "./Visits.ts"

/** How jobs are worked. */
export interface Options {
  /** How a page is tried. Default: `pagePolicy`. */
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  /** The pages of a job that are worked on at a time, those that wait included. Default: 16. */
  readonly pagesPerJob?: number | undefined
  /** How long pages that are under way may take when the service ends. Default: no time. */
  readonly grace?: Duration.Input | undefined
  /** How often a page may take its process with it before it is given up; at least 1. Default: 3. */
  readonly kills?: number | undefined
  /** Hears of links that are not followed, page by page. Default: nobody does. */
  readonly onLeftOut?: ((links: Visits.LeftOut) => void) | undefined
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
      const notes = yield* Notes.make
      const workers: Visits.Workers = {
        pagesPerJob,
        kills,
        suspects: Suspects.make(),
        robots,
        runner,
        retries: policy.retries,
        drain,
        notes,
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

/** Works a job to its end. Whatever stops it is reported, and ends the job in error if the store still lets it. */
const crawl = (
  work: Work,
  workers: Visits.Workers
): Effect.Effect<void, never, Extractor.Extractor | Fetcher.Fetcher | Jobs | Pages> =>
  Effect.catchCause(
    visit(work, workers),
    Effect.fnUntraced(function* (cause) {
      if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
      const jobs = yield* Jobs
      const error = errorOf(work, Cause.squash(cause))
      const report = ErrorReporter.report(Cause.fail(error))
      if (error.reason._tag === "InsufficientBalance") {
        const isOver = yield* ending(work, jobs.endUnpaid(work, error.reason), true)
        return yield* isOver ? report : crawl(work, workers)
      }
      yield* report
      yield* ending(work, jobs.end(work.id, "error", error.reason), undefined)
    })
  )

const ending = <A>(work: Work, end: Effect.Effect<A, SqlError | StoreError>, lost: A) =>
  Effect.catch(Visits.storing(end), (error) =>
    Effect.as(Effect.logWarning(`job ${work.id} could not be ended`, error), lost)
  )

const visit = Effect.fnUntraced(function* (work: Work, workers: Visits.Workers) {
  const jobs = yield* Jobs
  const { isShared } = yield* Pages
  const visited = Effect.ensuring(
    Effect.scoped(Visits.all(work, workers)),
    Effect.sync(() => workers.suspects.leave(work.id))
  )
  const worked = Visits.storing(Effect.andThen(visited, jobs.end(work.id, "done")))
  // A server may be away for a while, as when it is restarted. What was under way is fetched again.
  yield* isShared
    ? Effect.retry(
        Effect.tapError(worked, (error) => Effect.logWarning("a job waits for its database", error)),
        { while: (error) => isSqlError(error) || error instanceof StoreError, schedule: patience }
      )
    : worked
})

const errorOf = (work: Work, failure: unknown): JobError.JobError =>
  JobError.isJobError(failure)
    ? failure
    : new JobError.JobError({
        operation: "run",
        jobId: work.id,
        reason: new JobError.InternalError({ cause: failure })
      })

/** How long a job waits for its database: ten minutes. */
const patience = Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(600)])
