/**
 * The crawl API's handlers.
 */
import { createHash } from "node:crypto"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as JobError from "@redrive/core/JobError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Stream from "effect/Stream"
import * as Address from "../page/Address.ts"
import * as Scope from "../page/Scope.ts"
import { Accounts, pagePrice } from "./Accounts.ts"
import { Crawler } from "./Crawler.ts"
import { formatsOf } from "./formats.ts"
import { Jobs, whole } from "./Jobs.ts"
import * as Links from "./Links.ts"
import { ownFault } from "./ownFault.ts"

const orNotFound = <A>(found: Option.Option<A>): Effect.Effect<A, JobError.JobNotFound> =>
  Option.match(found, {
    onNone: () => CrawlApi.refused(new JobError.JobNotFound({ lastError: "id is invalid: there is no such job" })),
    onSome: Effect.succeed
  })

/** A job that pages may still come of: it waits to start, or it runs. */
const isRunning = (status: string): boolean => status === "new" || status === "in_progress"

const invalid = (field: string, why: string) =>
  CrawlApi.refused(new JobError.InvalidRequest({ field, lastError: `${field} is invalid: ${why}` }))

const notServed = (field: string) => invalid(field, "this service does not do that")

const notInMarkdown = invalid("id", "the job was not asked for markdown")

/** Refuses fields of a request that the contract does not have: nobody should wait for what they ask. */
const strict = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest, schema: Schema.Top) {
  const body = yield* Effect.orElseSucceed(request.json, () => ({}))
  const ast = SchemaAST.toEncoded(schema.ast)
  const known = SchemaAST.isObjects(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []
  const given = Predicate.isObject(body) ? Object.entries(body) : []
  const strange = given.find(([name, value]) => value !== null && !known.includes(name))
  return strange === undefined ? undefined : yield* notServed(strange[0])
})

/** Whether a client has the answer already: proxies that compress make a tag a weak one, and a client may have several. */
const isKnown = (header: string | undefined, etag: string): boolean =>
  header?.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag) === true

/** The address by which a client reached the service. */
const originOf = ({ headers }: HttpServerRequest.HttpServerRequest): string =>
  `${headers["x-forwarded-proto"] === "https" ? "https" : "http"}://${headers["host"] ?? "127.0.0.1"}`

/** Refuses what the contract allows but this service does not do. */
const admit = Effect.fnUntraced(function* (request: CrawlApi.CrawlRequest, allowPrivate: boolean) {
  for (const [field, url = ""] of [
    ["url", request.url],
    ["webhook_url", request.webhookUrl]
  ] as const)
    if (!allowPrivate && url !== "" && Address.isPrivateHost(new URL(url).hostname))
      return yield* invalid(field, "it is a private address")
  if (request.mainContentOnly === true && formatsOf(request).has("html"))
    return yield* invalid("main_content_only", "html is kept as it was received")
  for (const [field, isServed] of [
    ["max_age", (request.maxAge ?? 0) === 0],
    ["keep_query_params", request.keepQueryParams !== false]
  ] as const)
    if (!isServed) return yield* notServed(field)
  const scope = Scope.make(request)
  return Result.isFailure(scope) ? yield* CrawlApi.refused(scope.failure) : undefined
})

/** What handlers answer from. */
interface Api {
  readonly accounts: Accounts["Service"]
  readonly crawler: Crawler["Service"]
  readonly jobs: Jobs["Service"]
  /** What links to texts are signed with. */
  readonly secret: string
  readonly allowPrivate: boolean
}

export const layer = (allowPrivate: boolean) =>
  HttpApiBuilder.group(
    CrawlApi.CrawlApi,
    "jobs",
    Effect.fn(function* (handlers) {
      const jobs = yield* Jobs
      const api: Api = {
        accounts: yield* Accounts,
        crawler: yield* Crawler,
        jobs,
        secret: yield* jobs.secret,
        allowPrivate
      }
      return handlers.handleAll({
        create: ({ payload, request }) =>
          Effect.andThen(strict(request, CrawlApi.CrawlRequestBody), begin(api, payload, request)),
        get: ({ params, query, request }) => get(api, params.id, query, request),
        jobMarkdown: ({ params }) => jobMarkdown(api, params.id),
        list: ({ query }) => list(api, query),
        resend: ({ params }) => resend(api, params.id),
        delete: ({ params }) => remove(api, params.id),
        cancel: ({ params }) => cancel(api, params.id),
        markdown: ({ params }) => markdown(api, params.id, params.itemId),
        scrape: ({ payload, request }) => scrape(api, payload, request),
        getScrape: ({ params }) => getScrape(api, params.id)
      })
    })
  )

/** Creates a job and begins with it. */
const begin = Effect.fnUntraced(function* (
  { accounts, allowPrivate, crawler, jobs }: Api,
  request: CrawlApi.CrawlRequest,
  asked: HttpServerRequest.HttpServerRequest
) {
  const { id } = yield* CrawlApi.CurrentAccount
  yield* admit(request, allowPrivate)
  const about = { operation: "create" as const }
  const balance = yield* accounts.balance(id).pipe(ownFault(about))
  if (balance < pagePrice) return yield* CrawlApi.refused(new JobError.InsufficientBalance({}))
  const work = yield* jobs.create(id, request, originOf(asked)).pipe(ownFault(about))
  yield* crawler.start(work)
  return { id: work.id }
})

/** What a fault of ours is about. */
interface About {
  readonly operation: "poll" | "cancel"
  readonly jobId: string
}

/** How a job of the caller is. */
const stateOf = ({ jobs }: Api, about: About) =>
  Effect.flatMap(CrawlApi.CurrentAccount, ({ id }) =>
    Effect.flatMap(jobs.state(id, about.jobId).pipe(ownFault(about)), orNotFound)
  )

/** Which items of a job are asked for. */
interface Asked {
  readonly include_links?: "true" | "false"
  readonly limit?: number
  readonly offset?: number
}

const get = Effect.fnUntraced(function* (
  api: Api,
  jobId: string,
  { include_links, limit = whole.limit, offset = whole.offset }: Asked,
  request: HttpServerRequest.HttpServerRequest
) {
  const { id } = yield* CrawlApi.CurrentAccount
  const about = { operation: "poll" as const, jobId }
  const { version, webhook } = yield* stateOf(api, about)
  const links = Links.make(api.secret, originOf(request), jobId, yield* Clock.currentTimeMillis)
  // A link tells the hour: then the answer is another one. A webhook goes on after its job.
  const rest = [links, webhook.status, webhook.error].join("\n")
  const etag = `"${version}-${createHash("sha256").update(rest).digest("base64url").slice(0, 12)}"`
  const headers = { etag, "cache-control": "private, no-cache" }
  if (isKnown(request.headers["if-none-match"], etag)) return HttpServerResponse.empty({ status: 304, headers })
  const view = { limit, offset, links: include_links !== "false" }
  const body = yield* Effect.flatMap(api.jobs.answer(id, jobId, links, view).pipe(ownFault(about)), orNotFound)
  return HttpServerResponse.text(body, { contentType: "application/json", headers })
})

const jobMarkdown = Effect.fnUntraced(function* (api: Api, jobId: string) {
  const { formats, status } = yield* stateOf(api, { operation: "poll", jobId })
  if (!formats.has("markdown")) return yield* notInMarkdown
  if (isRunning(status))
    return yield* Effect.fail({
      error: "job_not_finished" as const,
      message: "the job has not ended: ask again later",
      status
    })
  const texts = Stream.map(
    api.jobs.texts(jobId),
    ({ markdown, url }) => `<!-- ${commented(url)} -->\n\n${markdown}\n\n`
  )
  return HttpServerResponse.stream(Stream.encodeText(texts), { contentType: "text/markdown; charset=utf-8" })
})

const list = Effect.fnUntraced(function* (
  { jobs }: Api,
  { before, limit = 20 }: { readonly before?: string; readonly limit?: number }
) {
  const { id } = yield* CrawlApi.CurrentAccount
  const found = yield* jobs.list(id, limit, before).pipe(ownFault({ operation: "poll" }))
  return { jobs: found, next: found.length < limit ? null : (found.at(-1)?.id ?? null) }
})

const resend = Effect.fnUntraced(function* (api: Api, jobId: string) {
  const about = { operation: "poll" as const, jobId }
  const { status } = yield* stateOf(api, about)
  if (isRunning(status)) return yield* invalid("id", "the job has not ended, and its webhook has not been sent")
  const url = yield* api.jobs.resend(jobId).pipe(ownFault(about))
  if (Option.isNone(url)) return yield* invalid("id", "the job has no webhook_url")
  return {
    success: true,
    status_code: 0,
    webhook_error: "",
    webhook_url: url.value,
    job_id: jobId,
    message: "Webhook queued: the job's webhook_status tells what becomes of it"
  }
})

const remove = Effect.fnUntraced(function* (api: Api, jobId: string) {
  const about = { operation: "cancel" as const, jobId }
  const { status } = yield* stateOf(api, about)
  if (isRunning(status)) yield* api.crawler.cancel(jobId).pipe(ownFault(about))
  yield* api.jobs.remove(jobId).pipe(ownFault(about))
  return { message: "Job deleted" }
})

const cancel = Effect.fnUntraced(function* (api: Api, jobId: string) {
  const about = { operation: "cancel" as const, jobId }
  const { status } = yield* stateOf(api, about)
  if (!isRunning(status)) return { message: `Job has already ended: ${status}` }
  yield* api.crawler.cancel(jobId).pipe(ownFault(about))
  return { message: "Job cancelled" }
})

const markdown = Effect.fnUntraced(function* (api: Api, jobId: string, itemId: string) {
  const { id } = yield* CrawlApi.CurrentAccount
  const about = { operation: "poll" as const, jobId }
  const { formats } = yield* stateOf(api, about)
  if (!formats.has("markdown")) return yield* notInMarkdown
  return yield* Effect.flatMap(api.jobs.markdown(id, jobId, itemId).pipe(ownFault(about)), orNotFound)
})

const scrape = Effect.fnUntraced(function* (
  api: Api,
  payload: typeof CrawlApi.ScrapeRequestBody.Type,
  request: HttpServerRequest.HttpServerRequest
) {
  yield* strict(request, CrawlApi.ScrapeRequestBody)
  const { main_content_only, output_format = "markdown", respect_robots_txt = false, url } = payload
  const page = {
    url,
    itemsLimit: 1,
    scrapeType: output_format,
    respectRobotsTxt: respect_robots_txt,
    ...(main_content_only !== undefined && { mainContentOnly: main_content_only })
  }
  return yield* begin(api, CrawlApi.CrawlRequest.make(page), request)
})

const getScrape = Effect.fnUntraced(function* (api: Api, jobId: string) {
  const about = { operation: "poll" as const, jobId }
  const job = yield* stateOf(api, about)
  const item = yield* Effect.flatMap(api.jobs.first(jobId).pipe(ownFault(about)), orNotFound)
  const page_status_code = item.page_status
  if (item.status === "done")
    return {
      success: true,
      status: "done" as const,
      page_status_code,
      page_title: item.title,
      ...(job.formats.has("markdown") && { markdown: item.markdown }),
      ...(job.formats.has("cleaned") && { cleaned_content: item.cleaned }),
      ...(job.formats.has("html") && { raw_content: item.html })
    }
  if (isRunning(job.status)) return { success: false, status: item.status, page_status_code }
  const { error_code, last_error } = item.answer === "" ? cancelled : JSON.parse(item.answer)
  return { success: false, status: "error" as const, page_status_code, error_code, error_message: last_error }
})

/** A page that a person, or an empty account, ended. */
const cancelled = { error_code: "internal_error", last_error: "the page was not read: its job has ended" }

/** A URL in a comment of Markdown must not end it. */
const commented = (url: string): string => url.replaceAll("--", "%2D%2D").replaceAll(">", "%3E")
