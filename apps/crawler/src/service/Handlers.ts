/**
 * The crawl API's handlers, and the envelope for everything that never reaches one.
 */
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Address from "../page/Address.ts"
import * as Scope from "../page/Scope.ts"
import { Accounts, pagePrice } from "./Accounts.ts"
import { Crawler } from "./Crawler.ts"
import { Jobs } from "./Jobs.ts"

/** Tells the caller one sentence about a fault of ours, and the operator all of it. */
const ownFault =
  (about: Pick<JobError.JobError, "operation" | "jobId">) =>
  <A, R>(self: Effect.Effect<A, unknown, R>): Effect.Effect<A, JobError.InternalError, R> =>
    Effect.catch(self, (cause) => {
      const reason = new JobError.InternalError({ cause })
      const error = new JobError.JobError({ ...about, reason })
      return Effect.andThen(ErrorReporter.report(Cause.fail(error)), reason)
    })

const orNotFound = <A>(found: Option.Option<A>): Effect.Effect<A, JobError.JobNotFound> =>
  Option.match(found, {
    onNone: () => CrawlApi.refused(new JobError.JobNotFound({ lastError: "id is invalid: there is no such job" })),
    onSome: Effect.succeed
  })

/** Refuses what the contract allows but this service does not do. */
const admit = Effect.fnUntraced(function* (request: CrawlApi.CrawlRequest, allowPrivate: boolean) {
  if (!allowPrivate && Address.isPrivateHost(new URL(request.url).hostname)) {
    return yield* CrawlApi.refused(
      new JobError.InvalidRequest({ field: "url", lastError: "url is invalid: it is a private address" })
    )
  }
  if (request.scrapeType !== "markdown")
    return yield* CrawlApi.refused(new JobError.InvalidRequest({ field: "scrape_type" }))
  if (request.outputFormats.some((format) => format !== "markdown")) {
    return yield* CrawlApi.refused(new JobError.InvalidRequest({ field: "output_formats" }))
  }
  const scope = Scope.make(request)
  return Result.isFailure(scope) ? yield* CrawlApi.refused(scope.failure) : undefined
})

const layerJobs = (allowPrivate: boolean) =>
  HttpApiBuilder.group(
    CrawlApi.CrawlApi,
    "jobs",
    Effect.fn(function* (handlers) {
      const accounts = yield* Accounts
      const jobs = yield* Jobs
      const crawler = yield* Crawler
      return handlers.handleAll({
        create: Effect.fnUntraced(function* ({ payload }) {
          const { id } = yield* CrawlApi.CurrentAccount
          yield* admit(payload, allowPrivate)
          const about = { operation: "create" as const }
          const balance = yield* accounts.balance(id).pipe(ownFault(about))
          if (balance < pagePrice) return yield* CrawlApi.refused(new JobError.InsufficientBalance({}))
          const work = yield* jobs.create(id, payload).pipe(ownFault(about))
          yield* crawler.start(work)
          return { id: work.id }
        }),
        get: Effect.fnUntraced(function* ({ params }) {
          const { id } = yield* CrawlApi.CurrentAccount
          const about = { operation: "poll" as const, jobId: params.id }
          return yield* Effect.flatMap(jobs.find(id, params.id).pipe(ownFault(about)), orNotFound)
        }),
        cancel: Effect.fnUntraced(function* ({ params }) {
          const { id } = yield* CrawlApi.CurrentAccount
          const about = { operation: "cancel" as const, jobId: params.id }
          const job = yield* Effect.flatMap(jobs.find(id, params.id).pipe(ownFault(about)), orNotFound)
          if (job.isFinished) return { message: `Job has already ended: ${job.status}` }
          yield* crawler.cancel(params.id).pipe(ownFault(about))
          return { message: "Job cancelled" }
        }),
        markdown: Effect.fnUntraced(function* ({ params }) {
          const { id } = yield* CrawlApi.CurrentAccount
          const about = { operation: "poll" as const, jobId: params.id }
          return yield* Effect.flatMap(jobs.markdown(id, params.id, params.itemId).pipe(ownFault(about)), orNotFound)
        })
      })
    })
  )

const layerAuthorization = Layer.effect(
  CrawlApi.Authorization,
  Effect.gen(function* () {
    const accounts = yield* Accounts
    return CrawlApi.Authorization.of({
      bearer: Effect.fnUntraced(function* (app, { credential }) {
        const account = yield* accounts.byKey(credential).pipe(ownFault({ operation: "poll" }))
        if (Option.isNone(account)) {
          return yield* CrawlApi.refused(
            new JobError.Unauthorized({ lastError: "api key is invalid: send it as a bearer token" })
          )
        }
        return yield* Effect.provideService(app, CrawlApi.CurrentAccount, account.value)
      })
    })
  })
)

/** The answers to requests that match no route or whose body cannot be read, by HTTP status. */
const offences: { readonly [status: number]: string } = {
  404: "path is invalid",
  405: "method is invalid",
  413: "request body is invalid: it is too large",
  415: "content-type is invalid: send application/json"
}

/** Answers in the envelope whatever the handlers leave unanswered. */
const enveloped = <E, R>(app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>) =>
  app.pipe(
    Effect.catchCause((cause) => Effect.map(HttpServerError.causeResponse(cause), ([response]) => response)),
    Effect.map((response) => {
      const { status } = response
      if (status < 400 || response.headers["content-type"] === "application/json") return response
      const reason =
        status < 500
          ? new JobError.InvalidRequest({ lastError: offences[status] ?? "request body is invalid" })
          : new JobError.InternalError({})
      return HttpServerResponse.jsonUnsafe(Wire.envelope(reason), { status })
    })
  )

const routes = (allowPrivate: boolean) =>
  HttpApiBuilder.layer(CrawlApi.CrawlApi, { openapiPath: "/openapi.json" }).pipe(
    Layer.provide(layerJobs(allowPrivate)),
    Layer.provide(layerAuthorization),
    Layer.provide(CrawlApi.layerInvalidRequests)
  )

/** Answers every request: those of the API, and Prometheus at `/metrics`. */
export const app = (options: { readonly allowPrivate: boolean }) =>
  Effect.map(
    HttpRouter.toHttpEffect(Layer.merge(routes(options.allowPrivate), PrometheusMetrics.layerHttp())),
    enveloped
  )
