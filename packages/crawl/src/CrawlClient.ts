/**
 * A client of the crawl API that survives a bad network and never bills twice.
 *
 * Polls are retried; a creation is sent again only if it cannot have happened. Every error is a `JobError`, with the job's id if there is
 * one, and unknown codes and fields in answers are accepted. Interrupting `crawl` leaves the job running: `cancel` ends it.
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
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Check from "@redrive/core/Check"
import * as Classify from "@redrive/core/Classify"
import type * as Job from "@redrive/core/Job"
import * as JobError from "@redrive/core/JobError"
import * as Report from "@redrive/core/Report"
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
  /** The http or https URL of the API. No default. */
  readonly url: string
  /** The API key of the account, not empty. No default. */
  readonly apiKey: Redacted.Redacted
  /** The retry policy of polls and cancellations. Default: 5 retries within 2 minutes, 30 seconds for an attempt. */
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  /**
   * The retry policy of creations. Its `operation` is always `create`: they are sent again only if they cannot bill twice. Default: the settings
   * that `policy` has by default.
   */
  readonly createPolicy?: RetryPolicy.RetryPolicy | undefined
  /**
   * Finds out whether an ambiguous creation happened, by asking the account's list of jobs, say: `some` is its job, `none` allows another
   * attempt. Default: the creation fails, and its error is ambiguous.
   */
  readonly reconcile?: Reconcile | undefined
}

/**
 * Finds the job of a creation whose answer was lost. It never fails: what cannot be found out is `die` or a `none` that may bill twice.
 *
 * @category options
 * @since 0.1.0
 */
export type Reconcile = (
  request: CrawlRequest,
  error: JobError.JobError
) => Effect.Effect<Option.Option<{ readonly id: string }>>

/**
 * Callbacks while the client waits for a job.
 *
 * @category options
 * @since 0.1.0
 */
export interface CrawlOptions {
  /** Called with the job after each poll; the next poll waits for it to end. Default: not called. */
  readonly onJob?: ((job: Job.Job) => Effect.Effect<void>) | undefined
}

const policy = Check.where("a RetryPolicy", Schema.is(RetryPolicy.RetryPolicy))

const rules: Check.Rules<Options> = {
  url: Check.required(Check.where("an http or https URL", (url) => typeof url === "string" && Check.isHttpUrl(url))),
  apiKey: Check.required(Check.secret("text", (key) => key !== "")),
  policy,
  createPolicy: policy,
  reconcile: Check.callback
}

/**
 * The calls of the crawl API, and `crawl`, which creates a job and polls it to its end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Client {
  /** Creates a job, and returns its id. An error with `isAmbiguous` says that the job may exist all the same. */
  readonly create: (request: CrawlRequest) => Effect.Effect<{ readonly id: string }, JobError.JobError>
  /** Reads a job as it is now. */
  readonly get: (jobId: string) => Effect.Effect<Job.Job, JobError.JobError>
  /** Ends a job, and returns the API's message. */
  readonly cancel: (jobId: string) => Effect.Effect<string, JobError.JobError>
  /** Polls a job until it is finished, at the API's recommended pace: 100 milliseconds to 1 minute between polls. */
  readonly wait: (jobId: string, options?: CrawlOptions) => Effect.Effect<Job.Job, JobError.JobError>
  /** Creates a job and waits for it, as `create` and `wait` do. Interrupting it leaves the job running. */
  readonly crawl: (request: CrawlRequest, options?: CrawlOptions) => Effect.Effect<Job.Job, JobError.JobError>
}

/**
 * The client of the crawl API that a program uses.
 *
 * @category services
 * @since 0.1.0
 */
export class CrawlClient extends Context.Service<CrawlClient, Client>()("@redrive/crawl/CrawlClient") {}

const defaultPolicy = RetryPolicy.make({
  retries: 5,
  attemptTimeout: Duration.seconds(30),
  deadline: Duration.minutes(2)
})

/** The API's advice, bounded: no busy loop, and no endless wait. */
const pullDelay = (job: Job.Job): Duration.Duration =>
  Duration.clamp(job.recommendedPullDelay, { minimum: Duration.millis(100), maximum: Duration.minutes(1) })

/**
 * Makes a client over the `HttpClient` in context. Throws if an option is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  clientOf(Check.options("CrawlClient", rules, options))

const clientOf = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Client, never, HttpClient.HttpClient> {
  const { apiKey, createPolicy = defaultPolicy, policy = defaultPolicy, reconcile, url } = options
  const authorization = HttpApiMiddleware.layerClient(Authorization, ({ next, request }) =>
    next(HttpClientRequest.bearerToken(request, apiKey))
  )
  const { jobs } = yield* HttpApiClient.make(CrawlApi, { baseUrl: url }).pipe(Effect.provide(authorization))

  const create: Client["create"] = (payload) => {
    const about: About = { operation: "create" }
    return call(about, createPolicy, jobs.create({ payload, responseMode: "response-only" }), decoder(Created), {
      operation: "create",
      reconcile: reconcile && ((failure) => reconcile(payload, errorOf(about, failure)))
    })
  }
  const get: Client["get"] = (jobId) =>
    call(
      { operation: "poll", jobId },
      policy,
      jobs.get({ params: { id: jobId }, query: {}, responseMode: "response-only" }),
      jobOf,
      { operation: "poll" }
    )
  const cancel: Client["cancel"] = (jobId) =>
    call(
      { operation: "cancel", jobId },
      policy,
      jobs.cancel({ params: { id: jobId }, responseMode: "response-only" }),
      decoder(Cancelled),
      { operation: "idempotent" }
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
 * Provides a `CrawlClient` over the `HttpClient` in context. Throws if an option is wrong.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<CrawlClient, never, HttpClient.HttpClient> =>
  Layer.effect(CrawlClient, make(options))

/** Decodes the body of a success. Fails with undefined if the body is not what was asked for, and no reason says more. */
type Body<A> = (json: unknown) => Effect.Effect<A, JobError.Reason | undefined>

const decoder = <A>(schema: Schema.Codec<A, unknown>): Body<A> => {
  const decode = Schema.decodeUnknownEffect(schema)
  return (json) => Effect.mapError(decode(json), () => undefined)
}

/** Decodes a job. Contradictions in the answer are logged once, when the job is finished. */
const jobOf: Body<Job.Job> = Effect.fnUntraced(function* (json: unknown) {
  const { job, warnings } = yield* Effect.fromResult(Wire.readJob(json))
  if (job.isFinished && warnings.length > 0)
    yield* Effect.logWarning(`answer about job ${job.id}: ${warnings.join("; ")}`)
  return job
})

const Created = Schema.Struct({ id: Schema.NonEmptyString })
const Cancelled = Schema.Struct({ message: Schema.String })

/** The call and its job, which each of its errors carries. */
type About = Pick<JobError.JobError, "operation" | "jobId">

/** Makes one call under its policy, with every failure as a `JobError`. The engine decides whether it is sent again. */
const call = <A>(
  about: About,
  policy: RetryPolicy.RetryPolicy,
  send: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError | JobError.Reason>,
  body: Body<A>,
  options: Retry.Options<A, JobError.JobError, never, JobError.JobError>
): Effect.Effect<A, JobError.JobError> =>
  send.pipe(
    Effect.mapError((error) => errorOf(about, error)),
    Effect.flatMap((response) => read(about, response, body)),
    Retry.retry(policy, {
      ...options,
      name: about.operation,
      // An ambiguous creation is permanent for others. Here the fault behind it counts, for a breaker, too.
      verdict: (failure) => (JobError.isJobError(failure) ? failure.reason.verdict : undefined),
      errorOf: (added) => errorOf(about, added)
    }),
    Effect.mapError(givenUp)
  )

/** The failure of a call that was given up, with the facts of the call, such as why it was given up, for its reports. */
const givenUp = (exhausted: Retry.Exhausted<JobError.JobError, never>): JobError.JobError =>
  Object.defineProperty(exhausted.failure, Report.call, { configurable: true, value: exhausted[Report.call] })

type Thrown = HttpClientError.HttpClientError | Retry.Added

/** The error of a call: what the API said, or that there was no answer. */
const errorOf = (about: About, failure: Thrown | JobError.JobError | JobError.Reason): JobError.JobError => {
  if (JobError.isJobError(failure)) return failure
  return new JobError.JobError({ ...about, reason: isThrown(failure) ? unreachable(failure) : failure })
}

const isThrown = (failure: Thrown | JobError.Reason): failure is Thrown =>
  HttpClientError.isHttpClientError(failure) || failure._tag === "TimeoutError" || failure._tag === "Refused"

const unreachable = (cause: Thrown): JobError.Reason => {
  const { code, detail = code } = Classify.thrown(cause)
  const lastError = cause._tag === "Refused" ? cause.message : `no answer: ${detail}`
  return new JobError.ApiUnreachable({ sent: !Classify.isUnsent(cause), lastError, cause })
}

/** Decodes the body of a success; fails with the error that any other answer means, with the job's id if the answer has one. */
const read = <A>(
  about: About,
  response: HttpClientResponse.HttpClientResponse,
  body: Body<A>
): Effect.Effect<A, JobError.JobError> =>
  Effect.gen(function* () {
    const { headers, status } = response
    const text = yield* Effect.mapError(response.text, (error) => errorOf(about, error))
    const json = yield* Effect.orElseSucceed(
      Effect.try(() => JSON.parse(text) as unknown),
      () => text
    )
    const retryAfter = Classify.retryAfterOf(headers["retry-after"], yield* Clock.currentTimeMillis)
    const reason = Wire.readReason({ status, body: json, retryAfter })
    const failed = (reason: JobError.Reason) => withId(errorOf(about, reason), json)
    if (status < 200 || status > 299) return yield* failed(reason)
    // An error envelope under a 200 is still an error.
    return yield* Effect.mapError(body(json), (why) =>
      failed(reason._tag === "MalformedResponse" ? (why ?? reason) : reason)
    )
  })

/** The error of a creation that may have happened, with the id of the job that the API's answer names. */
const withId = (error: JobError.JobError, json: unknown): JobError.JobError => {
  const named = error.isAmbiguous ? Option.getOrUndefined(decodeNamed(json)) : undefined
  const { operation, reason } = error
  return named === undefined ? error : new JobError.JobError({ operation, reason, jobId: named.id })
}

// Gateways have ids in their answers, too, but no error codes.
const decodeNamed = Schema.decodeUnknownOption(
  Schema.Struct({ id: Schema.NonEmptyString, error_code: Schema.NonEmptyString })
)
