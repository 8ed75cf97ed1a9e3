/**
 * An HTTP client whose requests are tried as a policy says.
 *
 * It knows which methods may be sent again, which bodies can be, whose breaker and gate a request has, and what an answer asks for in
 * Retry-After. An answer that no retry can help is an answer: it is given back as it came.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as Verdict from "@redrive/core/Verdict"
import type * as Operation from "./Operation.ts"
import * as Retry from "./Retry.ts"
import type * as RetryPolicy from "./RetryPolicy.ts"

/**
 * What a request fails with that was tried in vain. `failure` is the last error, or a `StatusCodeError`'s while a breaker refuses.
 *
 * @category models
 * @since 0.1.0
 */
export type Exhausted = Retry.Exhausted<HttpClientError.HttpClientError>

/** Methods of RFC 9110 that may be sent twice as well as once. */
const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])

const operationOf = ({ method }: HttpClientRequest.HttpClientRequest): Operation.Operation =>
  idempotent.has(method) ? "read" : "create"

/** The other side, for breakers and gates: scheme, host and port. */
const keyOf = ({ url }: HttpClientRequest.HttpClientRequest): string => (URL.canParse(url) ? new URL(url).origin : "")

/**
 * Tries a client's requests by a policy, or by a runner whose state other calls share.
 *
 * A `POST` or `PATCH` that may have been carried out is not sent again; a body that is a stream is sent once, within the policy's limits. Transient answers (429, 503
 * and the like) are tried again, and the last one is given back when the policy gives up.
 *
 * @category combinators
 * @since 0.1.0
 */
export const httpClient = (policy: RetryPolicy.RetryPolicy | Retry.Runner) => {
  const runner = "run" in policy ? policy : Retry.make(policy, "http")
  return <R>(
    client: HttpClient.HttpClient.With<HttpClientError.HttpClientError, R>
  ): HttpClient.HttpClient.With<HttpClientError.HttpClientError | Exhausted, R> =>
    HttpClient.transform(
      client,
      (send, request): Effect.Effect<Response, HttpClientError.HttpClientError | Exhausted, R> =>
        Effect.suspend(() => {
          let last: Response | undefined
          const tried = Effect.flatMap(
            Effect.suspend(() => (last === undefined ? send : Effect.andThen(discard(last), send))),
            (response) => refuse(request, (last = response))
          )
          const options = {
            key: keyOf(request),
            operation: operationOf(request),
            name: `${runner.name} ${request.method}`,
            verdict: isReadOnce(request) ? sentOnce : undefined
          }
          return Effect.catch(runner.run(tried, options), answerOf)
        })
    )
}

type Response = HttpClientResponse.HttpClientResponse

/** A body that is gone once it was sent. */
const isReadOnce = ({ body }: HttpClientRequest.HttpClientRequest): boolean =>
  body._tag === "Stream" || (body._tag === "Raw" && body.body instanceof ReadableStream)

/** What may pass for others, and what a breaker counts, but nothing that this request can wait for. */
const sentOnce = (failure: unknown): Verdict.Verdict => {
  const verdict = Verdict.of(failure)
  return Verdict.isRetryable(verdict) ? Verdict.transient("steady", 0) : verdict
}

/** Lets go of an answer that nobody will read, or its socket waits for a reader: what is small is read, what is large is cut. */
const discard = (response: Response): Effect.Effect<void> =>
  Effect.ignore(Stream.runDrain(Stream.take(response.stream, 1)))

/** An answer that a retry may help is a failure; any other is an answer. */
const refuse = (
  request: HttpClientRequest.HttpClientRequest,
  response: Response
): Effect.Effect<Response, HttpClientError.HttpClientError> => {
  if (response.status < 400) return Effect.succeed(response)
  const error = new HttpClientError.HttpClientError({
    reason: new HttpClientError.StatusCodeError({ request, response })
  })
  return Verdict.isRetryable(Verdict.of(error)) ? Effect.fail(error) : Effect.succeed(response)
}

/** Who gave up on an answer has one, at least. */
const answerOf = (exhausted: Exhausted): Effect.Effect<Response, Exhausted> => {
  const { attempts, failure } = exhausted
  const isAnswer = HttpClientError.isHttpClientError(failure) && failure.reason._tag === "StatusCodeError"
  return isAnswer && attempts.length > 0 ? Effect.succeed(failure.reason.response) : Effect.fail(exhausted)
}
