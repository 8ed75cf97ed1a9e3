/**
 * `crawl <url>`: runs one crawl to its end and says what became of it.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import * as Log from "@redrive/log/Log"
import * as Backoff from "@redrive/retry/Backoff"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Config from "effect/Config"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Address from "../page/Address.ts"
import * as Accounts from "../service/Accounts.ts"
import * as Service from "../service/Service.ts"
import * as JsonFile from "./JsonFile.ts"
import * as Options from "./Options.ts"
import { ofJob, Problem } from "./Problem.ts"
import * as Progress from "./Progress.ts"
import * as Run from "./Run.ts"
import * as RunWire from "./RunWire.ts"
import * as Summary from "./Summary.ts"

const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withDefault(""))

const options = {
  url: Argument.String("url").pipe(
    Argument.withDescription("Where to start: an absolute http or https URL"),
    Argument.filter(Options.isHttpUrl, () => "Expected: an absolute http or https URL, such as https://example.com/")
  ),
  itemsLimit: Options.int("items-limit", 1, 100_000).pipe(
    Flag.withDescription("Pages to crawl at most (100)"),
    Flag.withDefault(100)
  ),
  maxDepth: Options.int("max-depth", 0, 1000).pipe(
    Flag.withDescription("Links to follow from the start at most (no limit)"),
    Flag.optional
  ),
  whitelistRegexp: text("whitelist-regexp", "Follow only URLs that match this RE2 expression (all)"),
  blacklistRegexp: text("blacklist-regexp", "Follow no URL that matches this RE2 expression (none)"),
  allowSubdomains: Flag.Boolean("allow-subdomains").pipe(
    Flag.withDescription("Follow links to subdomains of the start's host"),
    Flag.withDefault(false)
  ),
  respectRobotsTxt: Flag.Boolean("respect-robots-txt").pipe(
    Flag.withDescription("Leave out what the site's robots.txt forbids"),
    Flag.withDefault(false)
  ),
  rounds: Options.int("rounds", 0, 10).pipe(
    Flag.withDescription("Further rounds for pages that failed and may still succeed (1)"),
    Flag.withDefault(1)
  ),
  api: Flag.String("api").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("URL of the crawl API to use (a service of its own)"),
    Flag.filter(Options.isHttpUrl, () => "Expected: an absolute http or https URL, such as http://127.0.0.1:8080"),
    Flag.optional
  ),
  apiKey: Flag.Redacted("api-key").pipe(
    Flag.withMetavar("KEY"),
    Flag.withDescription("The account's key, also read from REDRIVE_API_KEY (local)"),
    Flag.withFallbackConfig(Config.Redacted("REDRIVE_API_KEY")),
    Flag.withDefault(Accounts.local.apiKey)
  ),
  json: Flag.String("json").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Write everything about the crawl to a JSON file"),
    Flag.optional
  ),
  strict: Flag.Boolean("strict").pipe(
    Flag.withDescription("Exit with 2 where pages remain failed"),
    Flag.withDefault(false)
  ),
  allowPrivate: Options.allowPrivate
}

type Flags = Command.Command.Config.Infer<typeof options>

export const command = Command.make("crawl", options, (flags) => Effect.scoped(crawl(flags))).pipe(
  Command.withDescription("Crawl a site and say what became of every page"),
  Command.withExamples([
    { command: "crawl https://example.com/ --items-limit 20", description: "Crawl at most 20 pages" },
    {
      command: "crawl http://127.0.0.1:8000/ --allow-private --json crawl.json",
      description: "Crawl a site of your own"
    }
  ])
)

/** A further round is worth a short wait even for what is slow; a person watches. */
const redrivePolicy = (rounds: number): RetryPolicy.RetryPolicy =>
  RetryPolicy.make({
    retries: rounds,
    maxRetryAfter: Duration.minutes(1),
    slow: Backoff.Backoff.make({ base: Duration.seconds(10), cap: Duration.seconds(10), jitter: "none" })
  })

const crawl = Effect.fnUntraced(function* (flags: Flags) {
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
const layerClient = ({ allowPrivate, api, apiKey }: Flags, { stream }: Progress.Progress) => {
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
  CrawlClient.layer({ createPolicy, ...options }).pipe(Layer.provide(FetchHttpClient.layer))

const requestOf = ({ itemsLimit, maxDepth, ...flags }: Flags): Effect.Effect<CrawlApi.CrawlRequest, Problem> => {
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
const verdictOf = (run: Run.Run, { strict }: Flags): Effect.Effect<void, Problem> => {
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
