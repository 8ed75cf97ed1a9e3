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
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import type { Exhausted, Options } from "../../HttpRetry.ts"
import * as Operation from "../../Operation.ts"
import type { Runner } from "../../Retry.ts"
import { answerIn, discard, isOfAnother, isPaymentDue, noteRequest } from "./answers.ts"
import type { CallOptions } from "../call/call.ts"
import { isReplayable, keyOf, operationOf } from "./request.ts"
import { NotAgain } from "../call/refusal.ts"
import { isJudged } from "../call/surroundings.ts"
import * as Time from "../time/monotonic.ts"
import { timeout } from "../call/timeout.ts"

/** The facts of an exchange before its first attempt. */
export interface Facts<E, R, F> {
  readonly client: HttpClient.HttpClient.With<E, R>
  /** Makes the request, with everything that the client adds to it. */
  readonly making: Effect.Effect<HttpClientRequest, E, R>
  readonly runner: Runner
  readonly options: Options<F>
  /** The operation that the caller has set. */
  readonly marked: Operation.Operation | undefined
  readonly fiber: Fiber.Fiber<unknown, unknown>
}

/** The first request is used if its attempt begins this soon, in milliseconds; a signature may not last longer. */
const freshFor = 1000

type Result<E, F> = Exhausted<E, F>

/**
 * Sends a request by a policy. Its key, its body and its operation are known once the client has made it, which may fail: that is tried
 * again as a call of its own, in which nothing is sent.
 */
export const exchange = <E, R, F>(facts: Facts<E, R, F>): Effect.Effect<HttpClientResponse, Result<E, F>, R> => {
  const { making, options, runner } = facts
  const { attemptTimeout, deadline } = runner.policy
  const time = Time.of(facts.fiber.getRef(Clock.Clock))
  const now = time.now()
  const ends = deadline === undefined ? undefined : now + Duration.toMillis(deadline)
  const limit = Duration.toMillis(Duration.min(attemptTimeout ?? Duration.infinity, deadline ?? Duration.infinity))
  const bounded =
    limit === Infinity
      ? making
      : timeout(making, limit, now + limit, { name: runner.name, key: "", fiber: facts.fiber, time })
  const send = (request: HttpClientRequest) => new Exchange(facts, request, time, ends).run()
  return Effect.flatMap(Effect.exit(bounded), (first) => {
    if (Exit.isSuccess(first)) return send(first.value)
    let isFirst = true
    const made = Effect.suspend((): Effect.Effect<HttpClientRequest, E | Cause.TimeoutError, R> => {
      const next = isFirst ? first : making
      isFirst = false
      return next
    })
    const call: CallOptions<HttpClientRequest, E | Cause.TimeoutError, R, F> = {
      operation: "idempotent",
      verdict: options.verdict,
      errorOf: options.errorOf,
      isAmbiguous: () => false,
      ends
    }
    return Effect.flatMap(
      runner.run<HttpClientRequest, E | Cause.TimeoutError, R, F>(made, call),
      send
    ) as Effect.Effect<HttpClientResponse, Result<E, F>, R>
  })
}

/** One request with all of its attempts and their answers. */
class Exchange<E, R, F> {
  readonly facts: Facts<E, R, F>
  readonly time: Time.Time
  readonly ends: number | undefined
  readonly idempotencyKey: string | undefined
  /** A request that is made and not sent yet, and when it was made. */
  fresh: HttpClientRequest | undefined
  readonly madeAt: number
  /** The request of the current attempt, and how often the client has taken it to send it. */
  current: HttpClientRequest
  sends = 0
  /** Whether the last request that was sent may have been carried out, by its failure, or since nothing came of it. */
  mayHaveHappened = false
  /** Answers whose bodies are not read yet, and those of them that became failures. */
  readonly unread = new Set<HttpClientResponse>()
  readonly spent = new Set<HttpClientResponse>()
  /** The failures that this exchange made of answers, with their verdicts. */
  readonly refused = new Map<unknown, Verdict.Verdict>()

  constructor(facts: Facts<E, R, F>, request: HttpClientRequest, time: Time.Time, ends: number | undefined) {
    this.facts = facts
    this.time = time
    this.ends = ends
    this.fresh = request
    this.current = request
    this.madeAt = time.now()
    this.idempotencyKey = request.headers["idempotency-key"]
  }

  run(): Effect.Effect<HttpClientResponse, Result<E, F>, R> {
    const { options, runner } = this.facts
    const { current } = this
    const operation = () => this.operation()
    const call: CallOptions<HttpClientResponse, E | HttpClientError.HttpClientError, R, F> = {
      name: `${runner.name} ${current.method}`,
      key: options.key?.(current) ?? keyOf(current),
      isReplayable: isReplayable(current.body),
      verdict: (failure) => this.verdictOf(failure),
      errorOf: options.errorOf,
      ends: this.ends,
      isAmbiguous: (failure) => this.mayHaveDone(failure),
      onWait: () => this.letGo(this.spent),
      // The client may make another request of it for each attempt.
      get operation() {
        return operation()
      }
    }
    const tried = runner.run(
      Effect.suspend(() => this.attempt()),
      call
    )
    return Effect.catch(tried, (exhausted) => {
      noteRequest(exhausted, this.current)
      return this.answerOf(exhausted)
    }).pipe(Effect.onExit((exit) => Effect.sync(() => this.letGo(this.unread, this.kept(exit)))))
  }

  operation(): Operation.Operation {
    const { current, facts, idempotencyKey } = this
    const { marked, options, runner } = facts
    return marked ?? options.operation?.(current) ?? operationOf(current, runner.policy.operation, idempotencyKey)
  }

  attempt(): Effect.Effect<HttpClientResponse, E | HttpClientError.HttpClientError, R> {
    this.sends = 0
    const made = Effect.suspend(() => {
      const { fresh } = this
      this.fresh = undefined
      const isFresh = fresh !== undefined && this.time.now() - this.madeAt < freshFor
      return isFresh ? Effect.succeed(fresh) : this.facts.making
    })
    // The response is recorded before an interruption can lose it.
    return Effect.uninterruptibleMask((restore) =>
      Effect.matchCauseEffect(restore(Effect.flatMap(made, (request) => this.send(request))), {
        onSuccess: (response) => this.judge(response),
        onFailure: (cause) => this.failed(cause)
      })
    )
  }

  /** Sends a request, unless it would do once more what the one of an earlier attempt may have done. */
  send(request: HttpClientRequest): Effect.Effect<HttpClientResponse, E, R> {
    this.current = request
    // Only the runner sees it, which gives the call up for it.
    if (this.mayHaveHappened && this.operation() === "create") return Effect.fail(new NotAgain() as E)
    const { client, making } = this.facts
    // A client that repeats a request by itself gets a new one each time.
    const taken = Effect.suspend(() => {
      if (this.sends++ === 0) return Effect.succeed(request)
      return Effect.map(making, (again) => (this.current = again))
    })
    // Until something comes of it.
    this.mayHaveHappened = true
    return client.postprocess(taken)
  }

  failed(cause: Cause.Cause<E>): Effect.Effect<never, E> {
    for (const reason of cause.reasons) {
      const response = reason._tag === "Fail" ? answerIn(reason.error) : undefined
      if (response !== undefined) this.spend(response)
    }
    return Effect.failCause(cause)
  }

  /** Whether the attempt that has failed may have been carried out; the engine asks it of each failure. */
  mayHaveDone(failure: unknown): boolean {
    const { current, sends } = this
    // Without a request that the client took, nothing was sent. Of several, the failure is about the last one.
    this.mayHaveHappened =
      sends > 0 && (sends > 1 || isOfAnother(failure, current) || Operation.isAmbiguous(failure, { url: current.url }))
    return this.mayHaveHappened
  }

  /** Makes a failure of an answer that a retry may help; any other is returned. */
  judge(response: HttpClientResponse): Effect.Effect<HttpClientResponse, HttpClientError.HttpClientError> {
    this.unread.add(response)
    if (response.status < 400) return Effect.succeed(response)
    const error = new HttpClientError.HttpClientError({
      reason: new HttpClientError.StatusCodeError({ request: this.current, response })
    })
    const verdict = this.verdictOf(error) ?? this.judged(error)
    const mayPark = verdict._tag === "Parked" && this.facts.runner.policy.parking !== undefined
    if (!Verdict.isRetryable(verdict) && !mayPark) return Effect.succeed(response)
    this.refused.set(error, verdict)
    this.spend(response)
    return Effect.fail(error)
  }

  /** The verdict of this exchange or of the client's options, if either knows the failure. */
  verdictOf(failure: unknown): Verdict.Verdict | undefined {
    if (failure instanceof NotAgain) return Verdict.permanent
    const { options, runner } = this.facts
    const said = this.refused.get(failure) ?? options.verdict?.(failure)
    if (said !== undefined || runner.policy.parking === undefined || !isPaymentDue(failure)) return said
    return this.judged(failure, () => Verdict.parked("pay"))
  }

  /** The verdict of the program's readers, then of the further one, then of `Judge.verdictOf`. */
  judged(failure: unknown, further: Judge.Reader = () => undefined): Verdict.Verdict {
    const readers = [...Judge.readersOf(this.facts.fiber.context), further]
    return Judge.verdictOf(failure, { readers, now: this.time.clock.currentTimeMillisUnsafe() })
  }

  /** When the last failure was an answer, returns that answer, unless an outer policy or redrive decides by failures. */
  answerOf(exhausted: Result<E, F>): Effect.Effect<HttpClientResponse, Result<E, F>> {
    const { failure } = exhausted
    const response = this.refused.has(failure) ? answerIn(failure) : undefined
    const mayReturn = response !== undefined && this.unread.has(response) && !this.isFailure(exhausted)
    return mayReturn ? Effect.succeed(response) : Effect.fail(exhausted)
  }

  isFailure({ attempts, verdict }: Result<E, F>): boolean {
    const mayHelp = Verdict.isRetryable(verdict) || verdict._tag === "Parked"
    return attempts.length === 0 || (mayHelp && isJudged(this.facts.fiber, verdict))
  }

  /** The answer whose body the caller may still read: the returned one, or the one in a client's own failure. */
  kept(exit: Exit.Exit<HttpClientResponse, Result<E, F>>): HttpClientResponse | undefined {
    if (Exit.isSuccess(exit)) return exit.value
    const error = Cause.findErrorOption(exit.cause)
    if (error._tag === "None" || this.isFailure(error.value)) return undefined
    return this.refused.has(error.value.failure) ? undefined : answerIn(error.value.failure)
  }

  spend(response: HttpClientResponse): void {
    this.unread.add(response)
    this.spent.add(response)
  }

  /** Discards responses that nobody will read, which would hold their sockets. */
  letGo(responses: ReadonlySet<HttpClientResponse>, except?: HttpClientResponse): void {
    for (const response of responses) {
      this.unread.delete(response)
      this.spent.delete(response)
      if (response !== except) Effect.runFork(discard(response))
    }
  }
}
