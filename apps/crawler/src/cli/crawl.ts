/**
 * `crawl <url>`: runs one crawl to its end and says what became of it.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import * as Log from "@redrive/log/Log"
import * as Backoff from "@redrive/retry/Backoff"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Address from "../page/Address.ts"
import * as Accounts from "../service/Accounts.ts"
import * as PlainHttp from "../service/PlainHttp.ts"
import * as Service from "../service/Service.ts"
import * as JsonFile from "./JsonFile.ts"
import type { CrawlFlags } from "./commands.ts"
import { ofJob, Problem } from "./Problem.ts"
import * as Progress from "./Progress.ts"
import * as Run from "./Run.ts"
import * as RunWire from "./RunWire.ts"
import * as Summary from "./Summary.ts"

/** A further round is worth a short wait even for what is slow; a person watches. */
const redrivePolicy = (rounds: number): RetryPolicy.RetryPolicy =>
  RetryPolicy.make({
    retries: rounds,
    maxRetryAfter: Duration.minutes(1),
    slow: Backoff.Backoff.make({ base: Duration.seconds(10), cap: Duration.seconds(10), jitter: "none" })
  })

export const crawl = Effect.fnUntraced(function* (flags: CrawlFlags) {
  if (flags.allowPrivate && Option.isSome(flags.api)) {
    return yield* new Problem({
      wrong: "--allow-private has no effect on the service at --api.",
      advice: "Leave it out, and start that service with `serve --allow-private`."
    })
  }
  if (!flags.allowPrivate && Option.isNone(flags.api) && Address.isPrivateHost(new URL(flags.url).hostname)) {
    return yield* new Problem({
      wrong: `${new URL(flags.url).hostname} is a private address.`,
      advice: "Add --allow-private to crawl a site of your own."
    })
  }
  const request = yield* requestOf(flags)
  const write = yield* Effect.transposeOption(Option.map(flags.json, JsonFile.open))
  const progress = Progress.make(process.stderr)
  const run = yield* Run.run(request, {
    policy: redrivePolicy(flags.rounds),
    onJob: (job) => Effect.sync(() => progress.onJob(job)),
    onPlan: (plan, round) => Effect.sync(() => progress.onPlan(plan, round)),
    onCancelled: (jobId) => Effect.sync(() => progress.line(`cancelled job ${jobId}`))
  }).pipe(
    Effect.provide(layerClient(flags, progress)),
    Effect.provideService(
      References.MinimumLogLevel,
      Option.getOrElse(yield* GlobalFlag.LogLevel, () => "Error")
    ),
    Effect.ensuring(Effect.sync(progress.clear)),
    Effect.catchTag("JobError", ofJob)
  )
  yield* Console.log(Summary.lines(run).join("\n"))
  if (Option.isSome(write)) yield* write.value(RunWire.json(run))
  return yield* verdictOf(run, flags)
})

/** The client of the API that was named, else of a service that lives as long as the crawl. */
const layerClient = ({ allowPrivate, api, apiKey }: CrawlFlags, { stream }: Progress.Progress) => {
  if (Option.isSome(api)) return layerOver({ url: api.value, apiKey })
  const embedded = Effect.map(Service.Service, ({ url }) => layerOver({ url, apiKey: Accounts.local.apiKey }))
  return Layer.unwrap(embedded).pipe(
    Layer.provide(Service.layer({ allowPrivate })),
    Layer.provide(Log.layer({ stream })),
    Layer.orDie
  )
}

/** A person who mistyped an address should not wait long to hear of it. */
const createPolicy = RetryPolicy.make({ retries: 1, attemptTimeout: Duration.seconds(30) })

const layerOver = (options: CrawlClient.Options) =>
  CrawlClient.layer({ createPolicy, ...options }).pipe(Layer.provide(PlainHttp.layer))

const requestOf = ({ itemsLimit, maxDepth, ...flags }: CrawlFlags): Effect.Effect<CrawlApi.CrawlRequest, Problem> => {
  const { allowSubdomains, blacklistRegexp, respectRobotsTxt, url, whitelistRegexp } = flags
  return Effect.try({
    try: () =>
      CrawlApi.CrawlRequest.make({
        url,
        itemsLimit,
        whitelistRegexp,
        blacklistRegexp,
        allowSubdomains,
        respectRobotsTxt,
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
  const failed = run.remaining.length
  if (!strict || failed === 0) return Effect.void
  const wrong = failed === 1 ? "1 page remains failed." : `${failed} pages remain failed.`
  return Effect.fail(
    new Problem({ wrong, advice: "The table says who must act; without --strict this is no error.", exitCode: 2 })
  )
}
