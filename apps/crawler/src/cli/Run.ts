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
import * as Result from "effect/Result"
import type * as Journal from "./Journal.ts"

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

/**
 * A crawl that has ended, or as far as it came: every job of it, the first one first. `error` is why that one did not run to its end, if so;
 * `isCut` where the crawl itself was interrupted or lost sight of its job.
 */
export interface Run extends Settled {
  readonly jobs: readonly [Job.Job, ...ReadonlyArray<Job.Job>]
  readonly error?: JobError.JobError
  readonly isCut: boolean
}

/**
 * `policy` of the further rounds; `journal` of the jobs; `onJob` sees the first job after every poll; `onPlan` sees each further round;
 * `onCut` sees how far the crawl came when it is interrupted or loses sight of its job. What an interruption leaves is cancelled where
 * `cancels` says so: `onCancelled` is told of each job.
 */
export interface Options<out R = never> {
  readonly policy: RetryPolicy.RetryPolicy
  readonly journal: Journal.Journal
  readonly cancels: boolean
  readonly onJob: (job: Job.Job) => Effect.Effect<void>
  readonly onPlan: (plan: Plan, round: number) => Effect.Effect<void>
  readonly onCancelled: (jobId: string) => Effect.Effect<void>
  readonly onCut: (run: Run) => Effect.Effect<void, never, R>
}

/** What is known while a crawl runs: each job as it was last seen, the pages that further rounds saved, and the number of rounds. */
interface Seen {
  readonly jobs: Map<string, Job.Job>
  readonly saved: Array<Saved>
  rounds: number
}

/** A crawl that is under way. */
interface Under {
  readonly request: CrawlApi.CrawlRequest
  readonly options: Options<unknown>
  readonly seen: Seen
}

/** Runs a request. Fails where no job came about, or where it was lost sight of. */
export const run = Effect.fnUntraced(function* <R = never>(
  request: CrawlApi.CrawlRequest,
  options: Options<R>
): Effect.fn.Return<Run, JobError.JobError, CrawlClient | R> {
  const under: Under = { request, options, seen: { jobs: new Map(), saved: [], rounds: 0 } }
  const cut = Effect.suspend(() => {
    const run = cutOf(under.seen)
    return run === undefined ? Effect.void : options.onCut(run)
  })
  return yield* whole(under).pipe(
    Effect.tapError(() => cut),
    Effect.onInterrupt(() => cut)
  )
})

const whole = Effect.fnUntraced(function* (under: Under): Effect.fn.Return<Run, JobError.JobError, CrawlClient> {
  const { options, request } = under
  const job = yield* follow(under, request, options.onJob)
  const failed = failuresOf(job)
  if (job.error === undefined) {
    const jobs: Array<Job.Job> = []
    const settled = yield* settle(failed, (item) => again(item, under, jobs), under)
    return { jobs: [job, ...jobs], ...settled, isCut: false }
  }
  const error = new JobError.JobError({ operation: "run", jobId: job.id, reason: job.error })
  const remaining = failed.map((one) => ({ ...one, because: "the job did not run to its end" }))
  return { jobs: [job], error, saved: [], remaining, rounds: 0, isCut: false }
})

/** How far a crawl came; nothing where it has no job yet. */
const cutOf = ({ jobs, rounds, saved }: Seen): Run | undefined => {
  const [first, ...later] = jobs.values()
  if (first === undefined) return undefined
  const all = [first, ...later]
  const done = new Set(all.flatMap(({ items }) => items.flatMap(({ status, url }) => (status === "done" ? [url] : []))))
  const failed = new Map(all.flatMap(failuresOf).map((one) => [one.item.url, one]))
  const remaining = [...failed.values()]
    .filter(({ item }) => !done.has(item.url))
    .map((one) => ({ ...one, because: "interrupted" }))
  return { jobs: [first, ...later], saved, remaining, rounds, isCut: true }
}

/** Follows the job of a request to its end; `onJob` sees it after every poll. */
const follow = ({ options, seen }: Under, request: CrawlApi.CrawlRequest, onJob?: Options["onJob"]) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const client = yield* CrawlClient
      const id = yield* options.journal.job(request, restore(client.create(request)))
      const see = (job: Job.Job) => Effect.sync(() => void seen.jobs.set(id, job))
      const look = client.wait(id, { onJob: (job) => Effect.andThen(see(job), onJob?.(job) ?? Effect.void) })
      const cancel = Effect.andThen(client.cancel(id), options.onCancelled(id))
      // The last pages came after the last poll.
      const leave = Effect.andThen(
        options.cancels ? Effect.ignore(brief(cancel)) : Effect.void,
        Effect.ignore(Effect.flatMap(brief(client.get(id)), see))
      )
      return yield* restore(look).pipe(Effect.onInterrupt(() => leave))
    })
  )

/** For calls after an interruption: a person who wants the program to end does not wait for an API that hangs. */
const brief = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.timeout(Effect.interruptible(self), "5 seconds")

type Failed = Redrive.Failed<Job.Item, Failure>

const failuresOf = (job: Job.Job): ReadonlyArray<Failed> =>
  job.items.flatMap((item) => (item.error === undefined ? [] : [{ item, error: item.error }]))

const settle = (
  failures: ReadonlyArray<Failed>,
  each: (item: Job.Item) => Effect.Effect<Job.Job, Failure, CrawlClient>,
  under: Under
): Effect.Effect<Settled, never, CrawlClient> =>
  Effect.gen(function* () {
    const { onPlan, policy } = under.options
    const { seen } = under
    const { failed, rounds, saved } = yield* Redrive.run(failures, {
      name: "page",
      policy,
      onPlan: (plan, round) => {
        if (plan.again.length > 0) seen.rounds++
        return onPlan(plan, round)
      },
      onItem: (item, result, round) =>
        Effect.sync(() => {
          if (Result.isSuccess(result)) seen.saved.push({ item, value: result.success, round })
        }),
      each
    })
    // A start page that was saved brings its links along, and with them pages that failed for the first time.
    const later = yield* Effect.forEach(saved, ({ value }) => settle(failuresOf(value), each, under))
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
const again = Effect.fnUntraced(function* (item: Job.Item, under: Under, jobs: Array<Job.Job>) {
  const { request } = under
  const alone = new CrawlApi.CrawlRequest(Object.assign({}, request, { url: item.url, itemsLimit: 1 }))
  const job = yield* follow(under, item.depth === 0 ? request : alone)
  jobs.push(job)
  if (job.error !== undefined) {
    return yield* new JobError.JobError({ operation: "run", jobId: job.id, reason: job.error })
  }
  const failure = job.items[0]?.error
  return failure === undefined ? job : yield* failure
})
