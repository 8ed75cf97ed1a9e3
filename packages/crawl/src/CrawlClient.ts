/**
 * A client of the crawl API that survives a bad network and never bills twice.
 *
 * Polls are retried; a creation is sent again only where it cannot have happened. Every error is a `JobError` that carries the job's
 * id wherever one exists, and answers are read leniently. Interrupting `crawl` leaves the job running: `cancel` ends it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as Clock from "effect/Clock"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Check from "@redrive/core/Check"
import * as Classify from "@redrive/core/Classify"
import type * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Wire from "@redrive/core/Wire"
import * as Retry from "@redrive/retry/Retry"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import { Authorization, CrawlApi, type CrawlRequest } from "./CrawlApi.ts"

/**
 * The API, the account, and the retry policies.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The http or https URL of the API. Required. */
  readonly url: string
  /** The API key of the account. Required. */
  readonly apiKey: Redacted.Redacted
  /** The policy of polls and cancellations. Default: 5 retries within 2 minutes, 30 seconds for an attempt. */
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  /** The policy of creations, which are sent again only if they cannot bill twice. Default: the same settings. */
  readonly createPolicy?: RetryPolicy.RetryPolicy | undefined
}

/**
 * Callbacks while the client waits for a job.
 *
 * @category options
 * @since 0.1.0
 */
export interface CrawlOptions {
  /** Called with the job after every poll. Default: not called. */
  readonly onJob?: ((job: Job.Job) => Effect.Effect<void>) | undefined
}

const policy = Check.where("a RetryPolicy", Schema.is(RetryPolicy.RetryPolicy))

const rules: Check.Rules<Options> = {
  url: Check.required(Check.where("an http or https URL", (url) => typeof url === "string" && Check.isHttpUrl(url))),
  apiKey: Check.required(Check.secret("text", (key) => key !== "")),
  policy,
  createPolicy: policy
}

/**
 * The calls of the crawl API, and `crawl`, which creates a job and polls it to its end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  readonly create: (request: CrawlRequest) => Effect.Effect<{ readonly id: string }, JobError.JobError>
  readonly get: (jobId: string) => Effect.Effect<Job.Job, JobError.JobError>
  readonly cancel: (jobId: string) => Effect.Effect<string, JobError.JobError>
  readonly wait: (jobId: string, options?: CrawlOptions) => Effect.Effect<Job.Job, JobError.JobError>
  readonly crawl: (request: CrawlRequest, options?: CrawlOptions) => Effect.Effect<Job.Job, JobError.JobError>
}

/**
 * @category services
 * @since 0.1.0
 */
export class CrawlClient extends Context.Service<CrawlClient, Client>()("@redrive/crawl/CrawlClient") {}

const defaultPolicy = RetryPolicy.make({
  retries: 5,
  attemptTimeout: Duration.seconds(30),
  deadline: Duration.minutes(2)
})

/** A provider's advice, within reason: never a busy loop, never a lost afternoon. */
const pullDelay = (job: Job.Job): Duration.Duration =>
  Duration.clamp(job.recommendedPullDelay, { minimum: Duration.millis(100), maximum: Duration.minutes(1) })

/**
 * A client over the `HttpClient` in context.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  clientOf(Check.options("CrawlClient", rules, options))

const clientOf = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Client, never, HttpClient.HttpClient> {
  const { apiKey, createPolicy = defaultPolicy, policy = defaultPolicy, url } = options
  const authorization = HttpApiMiddleware.layerClient(Authorization, ({ next, request }) =>
    next(HttpClientRequest.bearerToken(request, apiKey))
  )
  const { jobs } = yield* HttpApiClient.make(CrawlApi, { baseUrl: url }).pipe(Effect.provide(authorization))

  const create: Client["create"] = (payload) =>
    call(
      { operation: "create" },
      createPolicy,
      jobs.create({ payload, responseMode: "response-only" }),
      decoder(Created)
    )
  const get: Client["get"] = (jobId) =>
    call(
      { operation: "poll", jobId },
      policy,
      jobs.get({ params: { id: jobId }, responseMode: "response-only" }),
      jobOf
    )
  const cancel: Client["cancel"] = (jobId) =>
    call(
      { operation: "cancel", jobId },
      policy,
      jobs.cancel({ params: { id: jobId }, responseMode: "response-only" }),
      decoder(Cancelled)
    ).pipe(Effect.map(({ message }) => message))

  const wait = Effect.fnUntraced(function* (jobId: string, options: CrawlOptions = {}) {
    const { onJob } = Check.options("CrawlClient.wait", { onJob: Check.callback }, options)
    while (true) {
      const job = yield* get(jobId)
      if (onJob !== undefined) yield* onJob(job)
      if (job.isFinished) return job
      yield* Effect.sleep(pullDelay(job))
    }
  })

  const crawl: Client["crawl"] = (request, options) => Effect.flatMap(create(request), ({ id }) => wait(id, options))
  return { create, get, cancel, wait, crawl }
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<CrawlClient, never, HttpClient.HttpClient> =>
  Layer.effect(CrawlClient, make(options))

/** Understands the body of a success; nothing is its own way to say that it is none. */
type Body<A> = (json: unknown) => Effect.Effect<A, JobError.Reason | undefined>

const decoder = <A>(schema: Schema.Codec<A, unknown>): Body<A> => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (json) => Effect.mapError(decode(json), () => undefined)
}

/** A job; what its answer contradicts itself in is said once, when the job is finished. */
const jobOf: Body<Job.Job> = Effect.fnUntraced(function* (json: unknown) {
  const { job, warnings } = yield* Effect.fromResult(Wire.readJob(json))
  if (job.isFinished && warnings.length > 0)
    yield* Effect.logWarning(`answer about job ${job.id}: ${warnings.join("; ")}`)
  return job
})

const Created = Schema.Struct({ id: Schema.NonEmptyString })
const Cancelled = Schema.Struct({ message: Schema.String })

/** Which call, about which job: what every error of it carries. */
type About = Pick<JobError.JobError, "operation" | "jobId">

/** One call as its policy says, with all that can go wrong as a `JobError`. */
const call = <A>(
  about: About,
  policy: RetryPolicy.RetryPolicy,
  send: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError | JobError.Reason>,
  body: Body<A>
): Effect.Effect<A, JobError.JobError> => {
  const failed = (reason: JobError.Reason) => new JobError.JobError({ ...about, reason })
  return send.pipe(
    Effect.mapError((error) => failed(HttpClientError.isHttpClientError(error) ? unreachable(error) : error)),
    Effect.flatMap((response) => Effect.mapError(read(response, body), failed)),
    Retry.retry(policy, {
      name: about.operation,
      verdict: (failure) => (JobError.isJobError(failure) ? failure : failed(timedOut(failure))).verdict
    }),
    Effect.mapError(({ failure }) => (JobError.isJobError(failure) ? failure : failed(timedOut(failure))))
  )
}

const timedOut = (cause: unknown): JobError.Reason =>
  new JobError.ApiUnreachable({ sent: true, lastError: "no answer in time", cause })

const unreachable = (error: HttpClientError.HttpClientError): JobError.Reason => {
  const reason = Classify.thrown(error)
  const sent = !Classify.isUnsent(error)
  return new JobError.ApiUnreachable({ sent, lastError: `no answer: ${reason.detail ?? reason.code}`, cause: error })
}

/** The body of a success; anything else is the reason that the answer means. */
const read = <A>(response: HttpClientResponse.HttpClientResponse, body: Body<A>): Effect.Effect<A, JobError.Reason> =>
  Effect.gen(function* () {
    const { headers, status } = response
    const text = yield* Effect.mapError(response.text, unreachable)
    const json = yield* Effect.orElseSucceed(
      Effect.try(() => JSON.parse(text) as unknown),
      () => text
    )
    const retryAfter = Classify.retryAfterOf(headers["retry-after"], yield* Clock.currentTimeMillis)
    const reason = Wire.reasonOf({ status, body: json, retryAfter })
    if (status < 200 || status > 299) return yield* reason
    // An error envelope under a 200 is still an error.
    return yield* Effect.mapError(body(json), (why) => (reason._tag === "MalformedResponse" ? (why ?? reason) : reason))
  })
