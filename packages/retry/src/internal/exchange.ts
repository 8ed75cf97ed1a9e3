import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as Verdict from "@redrive/core/Verdict"
import type { Exhausted, Options } from "../HttpRetry.ts"
import * as Operation from "../Operation.ts"
import type { Runner } from "../Retry.ts"
import { markUnsent } from "./unsent.ts"
import { isReplayable, keyOf, operationOf } from "./request.ts"

/** What is known of an exchange before its first attempt. */
export interface Facts<E, R, F> {
  readonly client: HttpClient.HttpClient.With<E, R>
  /** Makes the request, with everything that the client adds to it. */
  readonly request: Effect.Effect<HttpClientRequest, E, R>
  readonly runner: Runner
  readonly options: Options<F>
  /** What the caller says that the request does. */
  readonly marked: Operation.Operation | undefined
  /** Whether an outer policy's call or a redrive decides by this exchange's failures. */
  readonly isJudged: boolean
}

type Failure<E> = E | HttpClientError.HttpClientError

/** One request through all of its attempts, and the answers that came. */
export class Exchange<E, R, F> {
  readonly facts: Facts<E, R, F>
  readonly first: Exit.Exit<HttpClientRequest, E>
  /** The request of the current attempt, once the client has made it. */
  current: HttpClientRequest | undefined = undefined
  attempts = 0
  idempotencyKey: string | undefined = undefined
  /** The failure of the last request that was sent. */
  last: Failure<E> | undefined = undefined
  /** Answers whose bodies are not read yet, and those of them that became failures. */
  readonly unread = new Set<HttpClientResponse>()
  readonly spent = new Set<HttpClientResponse>()
  /** The failures that this exchange made of answers, with their verdicts. */
  readonly refused = new Map<unknown, Verdict.Verdict>()

  constructor(facts: Facts<E, R, F>, first: Exit.Exit<HttpClientRequest, E>) {
    this.facts = facts
    this.first = first
    if (Exit.isFailure(first)) return
    this.current = first.value
    this.idempotencyKey = first.value.headers["idempotency-key"]
  }

  run(): Effect.Effect<HttpClientResponse, Exhausted<E, F>, R> {
    const { first } = this
    const { options, runner } = this.facts
    const request = Exit.isSuccess(first) ? first.value : undefined
    const operation = () => this.operation()
    const called = runner.run(
      Effect.suspend(() => this.attempt()),
      {
        name: request === undefined ? runner.name : `${runner.name} ${request.method}`,
        key: request === undefined ? "" : (options.key?.(request) ?? keyOf(request)),
        isReplayable: request === undefined || isReplayable(request.body),
        verdict: (failure) => this.refused.get(failure) ?? options.verdict?.(failure),
        errorOf: options.errorOf,
        get operation() {
          return operation()
        }
      }
    )
    return Effect.catch(called, (exhausted) => this.answerOf(exhausted)).pipe(
      Effect.onExit((exit) => Effect.sync(() => this.letGo(this.unread, this.kept(exit))))
    )
  }

  /** The request's operation. Before the client has made the request nothing was sent, so it counts as idempotent. */
  operation(): Operation.Operation {
    const { current } = this
    if (current === undefined) return "idempotent"
    const { marked, options, runner } = this.facts
    const said = marked ?? options.operation?.(current) ?? operationOf(current, runner.policy.operation)
    // If each attempt has a new key, the server cannot recognise the second one as a repeat.
    const isKept = current.headers["idempotency-key"] === this.idempotencyKey
    return said === "idempotent" && !isKept ? "create" : said
  }

  attempt(): Effect.Effect<HttpClientResponse, Failure<E>, R> {
    const { client, request } = this.facts
    const isFirst = this.attempts++ === 0
    if (!isFirst) this.letGo(this.spent)
    this.current = undefined
    const made = Effect.flatMap(isFirst ? this.first : request, (one) => {
      this.current = one
      const isSentTwice = this.operation() === "create" && this.last !== undefined && Operation.isAmbiguous(this.last)
      // An earlier attempt has failed with it already, so either type is in the call's error.
      return isSentTwice ? Effect.fail(this.last as E) : Effect.succeed(one)
    })
    // Uninterruptible, so that every answer is noted.
    return Effect.uninterruptibleMask((restore) =>
      Effect.matchCauseEffect(restore(client.postprocess(made)), {
        onSuccess: (response) => this.judge(response),
        onFailure: (cause) => this.failed(cause)
      })
    )
  }

  failed(cause: Cause.Cause<E>): Effect.Effect<never, E> {
    for (const reason of cause.reasons) {
      if (reason._tag !== "Fail") continue
      if (this.current === undefined) markUnsent(reason.error)
      else this.last = reason.error
      const response = answerIn(reason.error)
      if (response !== undefined) this.spend(response)
    }
    return Effect.failCause(cause)
  }

  /** Fails with an answer that a retry may help; returns any other. */
  judge(response: HttpClientResponse): Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError> {
    this.unread.add(response)
    if (response.status < 400) return Effect.succeed(response)
    const request = this.current ?? response.request
    return Effect.withFiber((fiber) => {
      const error = new HttpClientError.HttpClientError({
        reason: new HttpClientError.StatusCodeError({ request, response })
      })
      const verdict = this.verdictOf(error, fiber)
      const mayPark = verdict._tag === "Parked" && this.facts.runner.policy.parking !== undefined
      if (!Verdict.isRetryable(verdict) && !mayPark) return Effect.succeed(response)
      this.refused.set(error, verdict)
      this.spend(response)
      this.last = error
      return Effect.fail(error)
    })
  }

  verdictOf(error: HttpClientError.HttpClientError, fiber: Fiber.Fiber<unknown, unknown>): Verdict.Verdict {
    const { options, runner } = this.facts
    const readers = fiber.getRef(Verdict.Readers)
    const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    const own = options.verdict?.(error)
    return own ?? Verdict.of(error, { readers: runner.policy.parking ? [...readers, unpaid] : readers, now })
  }

  /** When the last failure was an answer, returns that answer, unless somebody around it decides by failures. */
  answerOf(exhausted: Exhausted<E, F>): Effect.Effect<HttpClientResponse, Exhausted<E, F>> {
    const { attempts, failure, verdict } = exhausted
    const mayHelp = Verdict.isRetryable(verdict) || verdict._tag === "Parked"
    if (attempts.length === 0 || !this.refused.has(failure) || (this.facts.isJudged && mayHelp))
      return Effect.fail(exhausted)
    const response = answerIn(failure)
    return response === undefined ? Effect.fail(exhausted) : Effect.succeed(response)
  }

  /** The answer that the caller may still read: the one that was given back, or that a client's own failure carries. */
  kept(exit: Exit.Exit<HttpClientResponse, Exhausted<E, F>>): HttpClientResponse | undefined {
    if (Exit.isSuccess(exit)) return exit.value
    if (this.facts.isJudged || this.refused.has(this.last)) return undefined
    return answerIn(this.last)
  }

  spend(response: HttpClientResponse): void {
    this.unread.add(response)
    this.spent.add(response)
  }

  /** Discards answers that nobody will read, or their sockets would stay busy. */
  letGo(responses: ReadonlySet<HttpClientResponse>, except?: HttpClientResponse): void {
    for (const response of responses) {
      this.unread.delete(response)
      this.spent.delete(response)
      if (response !== except) Effect.runFork(discard(response))
    }
  }
}

/** Reads the first chunk of a body, for one second at most: a small body frees its socket for reuse, a large or stalled one is cut off. */
const discard = (response: HttpClientResponse): Effect.Effect<void> =>
  Effect.ignore(Effect.timeoutOption(Stream.runDrain(Stream.take(response.stream, 1)), Duration.seconds(1)))

/** The answer in a `StatusCodeError`. */
const answerIn = (failure: unknown): HttpClientResponse | undefined =>
  HttpClientError.isHttpClientError(failure) && failure.reason._tag === "StatusCodeError"
    ? failure.reason.response
    : undefined

/** With `parking`, a 402 parks the call until somebody pays. */
const unpaid: Verdict.Reader = (failure) => (answerIn(failure)?.status === 402 ? Verdict.parked("pay") : undefined)
