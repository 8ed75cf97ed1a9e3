/**
 * `demo`: the whole system on real sockets, against a site that misbehaves on purpose.
 */
import type * as AlertWire from "@redrive/alert/AlertWire"
import * as Alerter from "@redrive/alert/Alerter"
import * as WebhookSink from "@redrive/alert/WebhookSink"
import * as Timeline from "@redrive/alert/Timeline"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import { catalogue } from "@redrive/core/CrawlCatalogue"
import * as Log from "@redrive/log/Log"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as HostileSite from "@redrive/testing/HostileSite"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as BrokenExtractor from "../demo/BrokenExtractor.ts"
import * as Incident from "../demo/Incident.ts"
import * as JobFailures from "../demo/JobFailures.ts"
import * as Receiver from "../demo/Receiver.ts"
import * as Accounts from "../service/Accounts.ts"
import * as PlainHttp from "../service/PlainHttp.ts"
import * as Service from "../service/Service.ts"
import { ofJob, Problem } from "./Problem.ts"
import * as Journal from "./Journal.ts"
import * as Progress from "./Progress.ts"
import * as Run from "./Run.ts"
import * as Summary from "./Summary.ts"
import * as Table from "./Table.ts"
import * as Tally from "./Tally.ts"

const soon = { base: Duration.millis(50), cap: Duration.millis(200) }

/** An audience has seconds where a service has minutes; everything else is as it would be. */
const policy = RetryPolicy.make({
  retries: 1,
  maxRetryAfter: Duration.millis(2500),
  quick: soon,
  steady: soon,
  slow: soon
})

export const demo = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const folder = yield* Effect.orDie(fs.makeTempDirectoryScoped())
  const database = `${folder}/crawl.db`
  const site = yield* HostileSite.make()
  const receiver = Context.get(yield* Layer.build(Receiver.layer), Receiver.Receiver)
  const progress = Progress.make(process.stderr)
  // It takes seconds and touches nothing else, so it runs beside the crawl and is shown after it.
  const incident = yield* Effect.forkChild(Effect.orDie(Incident.story(folder)))
  const told = yield* Effect.provide(story(site, database, progress), layer(database, receiver.url, progress))
  yield* title("What the webhook received")
  yield* print(alertLines(yield* receiver.received))
  yield* title("One incident: a burst, a restart before anybody was told, a silence, and the recovery")
  const { entries, told: heard } = yield* Fiber.join(incident)
  yield* print(heard.map((text) => `chat got: ${text}`))
  yield* print(["", ...Timeline.text(Timeline.make(entries[0]?.key ?? "", entries))])
  yield* closing(told)
})

/** The service as it would run, its log on stderr and its alerts to the receiver; it is gone, and all told, when the story ends. */
const layer = (database: string, webhook: string, { stream }: Progress.Progress) =>
  Service.layer({
    allowPrivate: true,
    database,
    policy,
    timeout: "500 millis",
    // No page makes the crawler fail by itself.
    extractor: BrokenExtractor.layer("/nested")
  }).pipe(
    Layer.provide(Alerter.layer({ threshold: "Warn" })),
    Layer.provide(WebhookSink.layer({ url: Redacted.make(webhook) })),
    Layer.provide(PlainHttp.layer),
    Layer.provide(Log.layer({ stream })),
    Layer.orDie
  )

/** A label is longer than DNS allows: no name server is asked. */
const unresolvable = `http://${"nowhere-".repeat(8)}.invalid/`

/** The codes that came up, by level. */
type Told = ReadonlyArray<readonly [level: string, code: string]>

const story = Effect.fnUntraced(function* (
  site: HostileSite.HostileSite,
  database: string,
  progress: Progress.Progress
) {
  yield* title(`Crawling ${site.url}, which misbehaves in ${site.behaviours.length} ways`)
  const run = yield* crawl(site.url, progress)
  yield* print(["", ...Summary.lines(run)])
  yield* title("Crawling a site whose name nobody knows")
  const nowhere = yield* crawl(unresolvable, progress)
  yield* print(Summary.lines(nowhere))
  yield* title("Making the job itself fail")
  const failures = yield* JobFailures.all(site.url, database)
  yield* print(
    Table.lines(
      ["LEVEL", "CODE", "WHO ACTS", "MESSAGE", "BROUGHT ABOUT BY"],
      failures.map(({ by, error }) => ["job", error.code, error.reason.row.actor, error.lastError, by])
    )
  )
  const items = [run, nowhere].flatMap((one) => Tally.of(one).rows).map(({ code, level }) => [level, code] as const)
  return [...items, ...failures.map(({ error }) => ["job", error.code] as const)]
})

const crawl = Effect.fnUntraced(function* (url: string, progress: Progress.Progress) {
  const service = yield* Service.Service
  const client = CrawlClient.layer({ url: service.url, apiKey: Accounts.local.apiKey })
  return yield* Run.run(CrawlApi.CrawlRequest.make({ url, itemsLimit: 100, respectRobotsTxt: true }), {
    policy,
    journal: Journal.none,
    cancels: true,
    onCut: () => Effect.void,
    onJob: (job) => Effect.sync(() => progress.onJob(job)),
    onPlan: (plan, round) => Effect.sync(() => progress.onPlan(plan, round)),
    onCancelled: (jobId) => Effect.sync(() => progress.line(`cancelled job ${jobId}`))
  }).pipe(
    Effect.provide(client.pipe(Layer.provide(PlainHttp.layer))),
    Effect.ensuring(Effect.sync(progress.clear)),
    Effect.catchTag("JobError", ofJob)
  )
})

const title = (text: string) => Console.log(`\n== ${text}\n`)

const print = (lines: ReadonlyArray<string>) => Console.log(lines.join("\n"))

const alertLines = (bodies: ReadonlyArray<AlertWire.Body>): ReadonlyArray<string> =>
  Table.lines(
    ["SEVERITY", "LEVEL", "CODE", "HOST", "COUNT", "FIRST OF THEM"],
    bodies.flatMap(({ data }) =>
      data.alerts.map(({ code, count, host, level, message, severity }) => [
        severity,
        level,
        code,
        host ?? "",
        count,
        Table.cut(message, 70)
      ])
    )
  )

/** Every code of the catalogue, and whether it came up: the demo fails where one did not. */
const closing = Effect.fnUntraced(function* (told: Told) {
  const codes = (["job", "item"] as const).flatMap((level) =>
    Object.keys(catalogue[level]).map((code) => ({
      level,
      code,
      seen: told.some(([l, c]) => l === level && c === code)
    }))
  )
  yield* title("All codes of the API, truly produced")
  yield* print(codes.map(({ code, level, seen }) => `${seen ? "yes" : "NO "}  ${level.padEnd(4)}  ${code}`))
  const missing = codes.filter(({ seen }) => !seen).map(({ code, level }) => `${level} ${code}`)
  if (missing.length === 0) return
  return yield* new Problem({
    wrong: `not seen: ${missing.join(", ")}.`,
    advice: "Look above for what happened instead."
  })
})
