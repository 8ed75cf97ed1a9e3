/**
 * Retries the requests of an HTTP client by a policy.
 *
 * It knows which methods may be sent again, which bodies are replayable, which breaker and gate a request has, and how to read
 * Retry-After. It returns an answer that no retry can help; when the policy gives up on an answer, it returns that answer. Within another
 * policy's call, or a redrive, an answer that a retry may help becomes a failure, so that the outer policy can retry.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Predicate from "effect/Predicate"
import type * as Judge from "@redrive/core/Judge"
import { exchange } from "./internal/http/exchange.ts"
import { sharedRunners } from "./internal/state/runnersByPolicy.ts"
import type * as Operation from "./Operation.ts"
import type * as Retry from "./Retry.ts"
import type * as RetryPolicy from "./RetryPolicy.ts"

/**
 * The error of a request that the policy gave up. `failure` is the last error, or a `StatusCodeError` if the last answer must be a
 * failure (see the module).
 *
 * @category models
 * @since 0.1.0
 */
export type Exhausted<E = HttpClientError.HttpClientError, F = Retry.Added> = Retry.Exhausted<
  E | HttpClientError.HttpClientError,
  F
>

/**
 * How requests and their failures are classified.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<out F = Retry.Added> {
  /**
   * The operation of a request, such as `read` for a search or a GraphQL query that is a POST. `undefined` leaves it to the policy's
   * `operation`, the request's method and its `Idempotency-Key`. Default: `undefined` for every request.
   */
  readonly operation?: ((request: HttpClientRequest.HttpClientRequest) => Operation.Operation | undefined) | undefined
  /**
   * The key of the breaker, gate and rate limit that a request uses, such as its path if one path that always fails must not shut out the
   * others of its host. Default: its scheme, host and port.
   */
  readonly key?: ((request: HttpClientRequest.HttpClientRequest) => string) | undefined
  /**
   * Reads the verdict of a failure, which is a `StatusCodeError` for an answer of 400 or more. `undefined` leaves the failure to the
   * program's readers and `Judge.verdictOf`. Default: `undefined` for every failure.
   */
  readonly verdict?: Judge.Reader | undefined
  /**
   * Makes an error of the caller's own of a timeout or a refusal, so that `failure` has no type besides the client's. Default: they
   * are left as they are.
   */
  readonly errorOf?: ((failure: Retry.Added) => F) | undefined
}

/** The operation that the caller has set for the requests of an effect. */
const Marked: Context.Reference<Operation.Operation | undefined> = Context.Reference<Operation.Operation | undefined>(
  "@redrive/retry/HttpRetry/Marked",
  { defaultValue: () => undefined }
)

/**
 * Sets the operation of an effect's requests, whatever their methods: `HttpRetry.withOperation(client.post("/search"), "read")`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withOperation: {
  (operation: Operation.Operation): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, operation: Operation.Operation): Effect.Effect<A, E, R>
} = dual(2, <A, E, R>(self: Effect.Effect<A, E, R>, operation: Operation.Operation) =>
  Effect.provideService(self, Marked, operation)
)

const runnerOf = sharedRunners("http")

const isRunner = (u: RetryPolicy.RetryPolicy | Retry.Runner): u is Retry.Runner => Predicate.hasProperty(u, "run")

/**
 * Retries a client's requests by a policy, or by a runner that shares its state with other calls.
 *
 * A policy that gives up returns the last answer, so a server that always answers 500 ends in a success with status 500, and
 * `Retry.fallback` does not run. Fail instead by `client.pipe(HttpClient.filterStatusOk, HttpRetry.httpClient(policy))`: the call ends in
 * `RetryExhausted`. With `filterStatusOk` after it the call ends in a plain `HttpClientError`. Without any answer it always ends in
 * `RetryExhausted`.
 *
 * Calls are named `http GET` in events, metrics and errors; a runner's name takes the place of `http`.
 *
 * A request is a creation if the policy says so (`operation`), or if its method is neither safe nor idempotent and it has no
 * `Idempotency-Key`; a creation that may have been carried out is not sent again. A body that can be read only once is sent once; the
 * policy's other limits still apply. Answers with a retryable status (429, 503 and the like) are retried; with `parking`, a 402 shuts the
 * gate of its key. Whatever the client itself adds to a request, such as a signature (`mapRequestEffect`), is computed again for each
 * attempt.
 *
 * @category combinators
 * @since 0.1.0
 */
export const httpClient =
  <F = Retry.Added>(policy: RetryPolicy.RetryPolicy | Retry.Runner, options: Options<F> = {}) =>
  <E, R>(client: HttpClient.HttpClient.With<E, R>): HttpClient.HttpClient.With<Exhausted<E, F>, R> => {
    const { runner, warning = Effect.void } = isRunner(policy) ? { runner: policy } : runnerOf(policy)
    return HttpClient.makeWith<E, R, Exhausted<E, F>, R>(
      (making) =>
        Effect.withFiber((fiber) => {
          const marked = fiber.getRef(Marked)
          const sent = Effect.andThen(warning, exchange({ client, making, runner, options, marked, fiber }))
          // Requests that the client makes for this one, such as for a token, are not what the caller has marked.
          return marked === undefined ? sent : Effect.provideService(sent, Marked, undefined)
        }),
      // Later additions to a request run after this client's own, as with Effect's own `retry`.
      client.preprocess
    )
  }
