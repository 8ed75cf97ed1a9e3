/**
 * An HTTP client whose requests are tried as a policy says.
 *
 * It knows which methods may be sent again, which bodies can be replayed, whose breaker and gate a request has, and what an answer asks
 * for in Retry-After. An answer that no retry can help, and the last one when the policy gives up, is given back as an answer. Within
 * another policy's call, or a redrive, an answer that a retry may help is a failure, so that these can do their part.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Verdict from "@redrive/core/Verdict"
import { Exchange } from "./internal/exchange.ts"
import { sharedRunners } from "./internal/runners.ts"
import { isJudged } from "./internal/shared.ts"
import type * as Operation from "./Operation.ts"
import type * as Retry from "./Retry.ts"
import type * as RetryPolicy from "./RetryPolicy.ts"

/**
 * What a request fails with that was tried in vain. `failure` is the last error; a `StatusCodeError` where the last answer may not be given
 * back as one.
 *
 * @category models
 * @since 0.1.0
 */
export type Exhausted<E = HttpClientError.HttpClientError, F = Retry.Added> = Retry.Exhausted<
  E | HttpClientError.HttpClientError,
  F
>

/**
 * How requests are told apart.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<out F = Retry.Added> {
  /**
   * What a request does, where its method does not say it: `read` for a search or a GraphQL query that is a POST. `undefined` leaves it to
   * the request: its `Idempotency-Key`, then its method. Default: `undefined` for every request.
   */
  readonly operation?: ((request: HttpClientRequest.HttpClientRequest) => Operation.Operation | undefined) | undefined
  /** Whose breaker, gate and rate limit a request has. Default: its scheme, host and port. */
  readonly key?: ((request: HttpClientRequest.HttpClientRequest) => string) | undefined
  /**
   * Reads a failure, a `StatusCodeError` for an answer of 400 or more; `undefined` leaves it to the program's readers and `Verdict.of`.
   * Default: `undefined` for every failure.
   */
  readonly verdict?: Verdict.Reader | undefined
  /**
   * Makes an error of the caller's own of a timeout or a refusal, so that `failure` has no other type beside the client's. Default: they
   * are left as they are.
   */
  readonly errorOf?: ((failure: Retry.Added) => F) | undefined
}

/** What the caller says that the requests of an effect do. */
const Marked: Context.Reference<Operation.Operation | undefined> = Context.Reference<Operation.Operation | undefined>(
  "@redrive/retry/HttpRetry/Marked",
  { defaultValue: () => undefined }
)

/**
 * Says what the requests of an effect do, whatever their methods: `HttpRetry.withOperation(client.post("/search"), "read")`.
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

/**
 * Tries a client's requests by a policy, or by a runner whose state other calls share.
 *
 * A request is a creation if the policy says so (`operation`), or if its method is neither safe nor idempotent and it has no
 * `Idempotency-Key`; one that may have been carried out is not sent again. A body that can be read only once is sent once, within the
 * policy's limits. Transient answers (429, 503 and the like) are tried again; with `parking`, a 402 shuts the gate of its key. What the
 * client itself adds to a request, such as a signature (`mapRequestEffect`), is made anew for each attempt.
 *
 * @category combinators
 * @since 0.1.0
 */
export const httpClient =
  <F = Retry.Added>(policy: RetryPolicy.RetryPolicy | Retry.Runner, options: Options<F> = {}) =>
  <E, R>(client: HttpClient.HttpClient.With<E, R>): HttpClient.HttpClient.With<Exhausted<E, F>, R> => {
    const { runner, warning = Effect.void } = "run" in policy ? { runner: policy } : runnerOf(policy)
    return HttpClient.makeWith<E, R, Exhausted<E, F>, R>(
      (request) =>
        Effect.withFiber((fiber) => {
          const facts = { client, request, runner, options, marked: fiber.getRef(Marked), isJudged: isJudged(fiber) }
          return Effect.flatMap(Effect.andThen(warning, Effect.exit(request)), (first) =>
            new Exchange(facts, first).run()
          )
        }),
      // What is added to a request later comes after what this client adds itself, as with Effect's own `retry`.
      client.preprocess
    )
  }
