/**
 * `crawl <url>`: runs one crawl to its end and says what became of it.
 */
import process from "node:process"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import * as Log from "@redrive/log/Log"
import * as Backoff from "@redrive/retry/Backoff"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import type * as Cause from "effect/Cause"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Address from "../page/Address.ts"
import * as Accounts from "../service/Accounts.ts"
import * as PlainHttp from "../service/PlainHttp.ts"
import * as Service from "../service/Service.ts"
import type { CrawlFlags } from "./commands.ts"
import * as Journal from "./Journal.ts"
import * as JsonFile from "./JsonFile.ts"
import * as Keep from "./Keep.ts"
import * as Output from "./Output.ts"
import { ofJob, Problem } from "./Problem.ts"
import * as Progress from "./Progress.ts"
import * as ReportFile from "./ReportFile.ts"
import * as Run from "./Run.ts"
import type * as Texts from "./Texts.ts"

/** A further round is worth a short wait even for what is slow; a person watches. */
const redrivePolicy = (rounds: number): RetryPolicy.RetryPolicy =>
  RetryPolicy.make({
    retries: rounds,
    maxRetryAfter: Duration.minutes(1),
    slow: Backoff.Backoff.make({ base: Duration.seconds(10), cap: Duration.seconds(10), jitter: "none" })
  })

export const crawl = Effect.fnUntraced(function* (flags: CrawlFlags) {
  const refusal = refusalOf(flags)
  if (refusal !== undefined) return yield* refusal
  const request = yield* requestOf(flags)
  const open = yield* opened(flags, request)
  const { kept, progress, report } = open
  const { missing, run } = yield* worked(open, request).pipe(
    Effect.provide(layerClient(flags, progress, kept, report)),
    Effect.provideService(
      References.MinimumLogLevel,
      Option.getOrElse(yield* GlobalFlag.LogLevel, () => "Error")
    ),
    Effect.ensuring(Effect.sync(progress.clear)),
    Effect.onError(() => left(open)),
    Effect.onError((cause) => reportEnd(report, cause, progress)),
    Effect.catchTag("JobError", ofJob)
  )
  if (missing !== undefined) return yield* missing
  if (Option.isSome(kept)) yield* kept.value.remove
  return yield* verdictOf(run, flags)
})

/** What is wrong with flags that are right one by one. */
const refusalOf = ({ allowPrivate, api, json, output, resume, url }: CrawlFlags): Problem | undefined => {
  if (allowPrivate && Option.isSome(api)) {
    return new Problem({
      wrong: "--allow-private has no effect on the service at --api.",
      advice: "Leave it out, and start that service with `serve --allow-private`."
    })
  }
  const { hostname } = new URL(url)
  if (!allowPrivate && Option.isNone(api) && Address.isPrivateHost(hostname)) {
    return new Problem({
      wrong: `${hostname} is a private address.`,
      advice: "Add --allow-private to crawl a site of your own."
    })
  }
  if (resume && Option.isNone(output) && Option.isNone(json)) {
    return new Problem({
      wrong: "--resume does not know what to go on with.",
      advice: "Give --output or --json of the crawl that was interrupted."
    })
  }
  return undefined
}

/** What a crawl has open from its beginning to its end. */
interface Open {
  readonly flags: CrawlFlags
  readonly policy: RetryPolicy.RetryPolicy
  readonly kept: Option.Option<Journal.Kept>
  readonly report: Option.Option<ReportFile.ReportFile>
  readonly progress: Progress.Progress
  /** Writes what was asked for; gives what could not be had. */
  readonly keep: ReturnType<typeof Keep.keeping>
  /** Whether a crawl that was interrupted was over all the same: then there is nothing to go on with. */
  isOver: boolean
}

const opened = Effect.fnUntraced(function* (flags: CrawlFlags, request: CrawlApi.CrawlRequest) {
  const kept = yield* keptOf(flags, request)
  const output = yield* Effect.transposeOption(Option.map(flags.output, (folder) => Output.open(folder, flags.resume)))
  const json = yield* Effect.transposeOption(Option.map(flags.json, JsonFile.open))
  const policy = redrivePolicy(flags.rounds)
  const report = yield* Effect.transposeOption(Option.map(flags.report, (file) => ReportFile.open(file, flags, policy)))
  if (Option.isSome(kept)) yield* kept.value.make
  const progress = Progress.make(process.stderr)
  const keep = Keep.keeping({ output, json, report, progress, isServed: Option.isSome(flags.api) })
  const open: Open = { flags, policy, kept, report, progress, keep, isOver: false }
  return open
})

/** Crawls, and keeps what came of it. */
const worked = Effect.fnUntraced(function* (open: Open, request: CrawlApi.CrawlRequest) {
  const { flags, keep, kept, policy, progress } = open
  const run = yield* Run.run(request, {
    policy,
    journal: Option.getOrElse(kept, () => Journal.none),
    // The service of the crawl itself keeps its jobs for --resume; one at --api goes on with a job, and with its cost, unless it is cancelled.
    cancels: Option.isSome(flags.api) || Option.isNone(kept),
    onJob: (job) => Effect.sync(() => progress.onJob(job)),
    onPlan: (plan, round) => Effect.sync(() => progress.onPlan(plan, round)),
    onCancelled: (jobId) => Effect.sync(() => progress.line(`cancelled job ${jobId}`)),
    onCut: (run) => cut(open, run)
  })
  return { run, missing: yield* keep(run) }
})

/** Keeps what an interrupted crawl has so far, and says how to go on. */
const cut = (open: Open, run: Run.Run) =>
  open.keep(run).pipe(
    Effect.map((missing) => {
      open.isOver = missing === undefined && run.jobs.every((job) => job.isFinished)
      open.progress.line(missing === undefined ? howToGoOn(run, open.flags) : `error: ${missing.message}`)
    }),
    Effect.catch((problem) => Effect.sync(() => open.progress.line(`error: ${problem.message}`)))
  )

/** Removes what is needed to go on where nothing is left to do, or nothing was begun. */
const left = ({ isOver, kept }: Open): Effect.Effect<void> =>
  Option.isSome(kept) && (isOver || kept.value.isEmpty()) ? Effect.ignore(kept.value.remove) : Effect.void

/** What an interrupted crawl needs to go on, next to what it writes. */
const keptOf = (flags: CrawlFlags, request: CrawlApi.CrawlRequest) => {
  const settings = { request, api: Option.getOrNull(flags.api), allowPrivate: flags.allowPrivate }
  return Effect.transposeOption(
    Option.map(Journal.folderOf(flags.output, flags.json), (folder) =>
      Journal.open({ folder, settings, resume: flags.resume })
    )
  )
}

/** A report that cannot be written takes nothing away from the reason why the crawl ended. */
const reportEnd = (
  report: Option.Option<ReportFile.ReportFile>,
  cause: Cause.Cause<unknown>,
  progress: Progress.Progress
): Effect.Effect<void> =>
  Option.isNone(report)
    ? Effect.void
    : Effect.catch(report.value.ended(cause), (problem) =>
        Effect.sync(() => progress.line(`error: ${problem.message}`))
      )

const howToGoOn = ({ jobs }: Run.Run, { json, output }: CrawlFlags): string => {
  const where = Option.firstSomeOf([output, json])
  if (Option.isNone(where))
    return "interrupted: no text is kept. With --output DIR, a crawl keeps its pages and can go on."
  if (jobs.every((job) => job.isFinished)) return `interrupted: ${where.value} has the pages of job ${jobs[0].id}.`
  return `interrupted: ${where.value} has the pages so far. The same command with --resume goes on.`
}

/** The client of the API that was named, else of a service that lives as long as the crawl. */
const layerClient = (
  { allowPrivate, api, apiKey }: CrawlFlags,
  { stream }: Progress.Progress,
  kept: Option.Option<Journal.Kept>,
  report: Option.Option<ReportFile.ReportFile>
) => {
  if (Option.isSome(api)) return layerOver({ url: api.value, apiKey })
  const embedded = Effect.map(Service.Service, ({ stories, url }) =>
    Layer.merge(
      layerOver({ url, apiKey: Accounts.local.apiKey }),
      // A report without stories is better than none.
      Layer.succeed(ReportFile.Stories, (jobs) => Effect.option(stories(jobs)))
    )
  )
  const database = Option.getOrElse(
    Option.map(kept, (kept) => kept.database),
    () => ":memory:"
  )
  return Layer.unwrap(embedded).pipe(
    Layer.provide(Service.layer({ allowPrivate, database, onLeftOut: Option.getOrUndefined(report)?.leaveOut })),
    Layer.provide(Log.layer({ stream })),
    Layer.catch((error) => Layer.effectContext(Effect.fail(unusable(error, database))))
  )
}

const unusable = (error: Error, database: string): Problem =>
  new Problem({
    wrong: `cannot keep the crawl in ${database}: ${error.message}.`,
    advice: "If another process goes on with it, stop that; else give another folder."
  })

/** A person who mistyped an address should not wait long to hear of it. */
const createPolicy = RetryPolicy.make({ retries: 1, attemptTimeout: Duration.seconds(30) })

const layerOver = (options: Texts.Options) =>
  Layer.merge(CrawlClient.layer({ createPolicy, ...options }), Layer.succeed(Keep.Api, options)).pipe(
    Layer.provideMerge(PlainHttp.layer)
  )

const requestOf = ({ itemsLimit, maxDepth, ...flags }: CrawlFlags): Effect.Effect<CrawlApi.CrawlRequest, Problem> => {
  const { allowSubdomains, blacklistRegexp, respectRobotsTxt, sitemap, url, whitelistRegexp } = flags
  return Effect.try({
    try: () =>
      CrawlApi.CrawlRequest.make({
        url,
        itemsLimit,
        whitelistRegexp,
        blacklistRegexp,
        allowSubdomains,
        respectRobotsTxt,
        ...(sitemap ? { useSitemap: true } : {}),
        ...(Option.isSome(maxDepth) ? { maxDepth: maxDepth.value } : {})
      }),
    catch: () => new Problem({ wrong: "the URL carries a user name or a password.", advice: "Leave them out." })
  })
}

/** The exit code's say: 1 where the job did not run to its end, 2 where `--strict` finds failed pages. */
const verdictOf = (run: Run.Run, { strict }: CrawlFlags): Effect.Effect<void, Problem> => {
  if (run.error !== undefined) return Effect.fail(ofJob(run.error))
  const [{ id, status }] = run.jobs
  if (status === "cancelled") {
    return Effect.fail(new Problem({ wrong: `job ${id} was cancelled.`, advice: "Crawl again for the rest." }))
  }
  // What two links lead to is read once, and nobody has to act.
  const failed = run.remaining.filter(({ error }) => error.reason.detail !== "duplicate").length
  if (!strict || failed === 0) return Effect.void
  const wrong = failed === 1 ? "1 page remains failed." : `${failed} pages remain failed.`
  return Effect.fail(
    new Problem({ wrong, advice: "The table says who must act; without --strict this is no error.", exitCode: 2 })
  )
}
