/**
 * One crawl from a request to what became of every page: the job, then further rounds for the pages that may still succeed.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import { CrawlClient } from "@redrive/crawl/CrawlClient"
import * as ItemError from "@redrive/core/ItemError"
import type * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Redrive from "@redrive/retry/Redrive"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

/** Why a page failed: by itself, or because the job that was to try it again did not run. */
export type Failure = ItemError.ItemError | JobError.JobError

/** The next round, as it stands before its wait. */
export type Plan = Redrive.Plan<Job.Item, Failure>

/** A page that a further round saved: as it failed, and the job that brought it. */
type Saved = Redrive.Saved<Job.Item, Job.Job>

/** A page that remains failed, and why it does not go again. */
export interface Remaining extends Redrive.Failed<Job.Item, Failure> {
  readonly because: string
}

/** The outcome of further rounds for a job's failures; `rounds` is how many there were. */
export interface Settled {
  readonly saved: ReadonlyArray<Saved>
  readonly remaining: ReadonlyArray<Remaining>
  readonly rounds: number
}

/** A crawl that has ended: every job of it, the first one first. `error` is why that one did not run to its end, if so. */
export interface Run extends Settled {
  readonly jobs: readonly [Job.Job, ...ReadonlyArray<Job.Job>]
  readonly error?: JobError.JobError
}

/**
 * `policy` of the further rounds; `onJob` sees the first job after every poll; `onPlan` sees each further round; `onCancelled`
 * is told of a job that an interruption has ended.
 */
export interface Options {
  readonly policy: RetryPolicy.RetryPolicy
  readonly onJob: (job: Job.Job) => Effect.Effect<void>
  readonly onPlan: (plan: Plan, round: number) => Effect.Effect<void>
  readonly onCancelled: (jobId: string) => Effect.Effect<void>
}

/** Runs a request. Fails where no job came about, or where it was lost sight of. */
export const run = Effect.fnUntraced(function* (
  request: CrawlApi.CrawlRequest,
  options: Options
): Effect.fn.Return<Run, JobError.JobError, CrawlClient> {
  const job = yield* follow(request, options, options.onJob)
  const failed = failuresOf(job)
  if (job.error === undefined) {
    const jobs: Array<Job.Job> = []
    const settled = yield* settle(failed, (item) => again(item, request, options, jobs), options)
    return { jobs: [job, ...jobs], ...settled }
  }
  const error = new JobError.JobError({ operation: "run", jobId: job.id, reason: job.error })
  const remaining = failed.map((one) => ({ ...one, because: "the job did not run to its end" }))
  return { jobs: [job], error, saved: [], remaining, rounds: 0 }
})

/** Creates a job and follows it to its end; an interruption cancels it. */
const follow = Effect.fnUntraced(function* (
  request: CrawlApi.CrawlRequest,
  { onCancelled }: Options,
  onJob?: Options["onJob"]
) {
  const client = yield* CrawlClient
  const { id } = yield* client.create(request)
  const cancel = Effect.ignore(Effect.andThen(client.cancel(id), onCancelled(id)))
  return yield* client.wait(id, { onJob }).pipe(Effect.onInterrupt(() => cancel))
})

type Failed = Redrive.Failed<Job.Item, Failure>

const failuresOf = (job: Job.Job): ReadonlyArray<Failed> =>
  job.items.flatMap((item) => (item.error === undefined ? [] : [{ item, error: item.error }]))

const settle = (
  failures: ReadonlyArray<Failed>,
  each: (item: Job.Item) => Effect.Effect<Job.Job, Failure, CrawlClient>,
  { onPlan, policy }: Pick<Options, "onPlan" | "policy">
): Effect.Effect<Settled, never, CrawlClient> =>
  Effect.gen(function* () {
    const { failed, rounds, saved } = yield* Redrive.run(failures, { name: "page", policy, onPlan, each })
    // A start page that was saved brings its links along, and with them pages that failed for the first time.
    const later = yield* Effect.forEach(saved, ({ value }) => settle(failuresOf(value), each, { onPlan, policy }))
    return {
      saved: [...saved, ...later.flatMap((settled) => settled.saved)],
      remaining: [...failed.map(named), ...later.flatMap((settled) => settled.remaining)],
      rounds: rounds + Math.max(0, ...later.map((settled) => settled.rounds))
    }
  })

/** A defect of ours on the way to a page is a failure of that page as well. */
const named = ({ error, ...one }: Redrive.Final<Job.Item, Failure | Cause.UnknownError>): Remaining => {
  if (error._tag !== "UnknownError") return { ...one, error }
  const reason = new ItemError.InternalError({ detail: "defect", cause: error })
  return { ...one, error: new ItemError.ItemError({ url: one.item.url, reason }) }
}

/** One page once more: the start page as the whole request, any other by itself. Every job that ended joins `jobs`. */
const again = Effect.fnUntraced(function* (
  item: Job.Item,
  request: CrawlApi.CrawlRequest,
  options: Options,
  jobs: Array<Job.Job>
) {
  const alone = new CrawlApi.CrawlRequest(Object.assign({}, request, { url: item.url, itemsLimit: 1 }))
  const job = yield* follow(item.depth === 0 ? request : alone, options)
  jobs.push(job)
  if (job.error !== undefined) {
    return yield* new JobError.JobError({ operation: "run", jobId: job.id, reason: job.error })
  }
  const failure = job.items[0]?.error
  return failure === undefined ? job : yield* failure
})
