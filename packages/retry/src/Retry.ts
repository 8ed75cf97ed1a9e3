/**
 * Runs effects under a retry policy.
 *
 * A call that succeeds at once costs little more than the bare effect, since the records of failures are allocated only after the first
 * one. Typed failures are retried; defects and interruption never are. An interruption ends a wait, and releases whatever the call
 * holds. A runner has the state that its calls share: budget, breakers, bulkhead, gates.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Verdict from "@redrive/core/Verdict"
import type * as Because from "./Because.ts"
import type * as Breaker from "./Breaker.ts"
import type * as Budget from "./Budget.ts"
import { makeLocal } from "./internal/state/makeRunner.ts"
import { sharedRunners } from "./internal/state/runnersByPolicy.ts"
import * as Events from "./internal/call/events.ts"
import type * as Operation from "./Operation.ts"
import { isRetryExhausted, type Refused, type RetryExhausted } from "./RetryExhausted.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * The failures that the engine adds to the effect's own: an attempt's timeout, and the refusal of a call.
 *
 * @category models
 * @since 0.1.0
 */
export type Added = Cause.TimeoutError | Refused

/**
 * The options of one call.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<out A, in E, out R, out F = Added> {
  /** The call's name in events, metrics and errors. Use a fixed word, never data such as a URL. Default: the runner's name. */
  readonly name?: string | undefined
  /** The key of the breaker, gate and rate limit that the call uses, such as a host. Default: one key for all calls of the runner. */
  readonly key?: string | undefined
  /** What the call does to the other side. Default: the policy's `operation`. */
  readonly operation?: Operation.Operation | undefined
  /** Whether the effect can run a second time; a request whose body is a stream cannot. Default: `true`. */
  readonly isReplayable?: boolean | undefined
  /** Reads the verdict of a failure; `undefined` leaves it to the program's readers. Default: `Judge.judge` for every failure. */
  readonly verdict?: ((failure: E | Cause.TimeoutError) => Verdict.Verdict | undefined) | undefined
  /**
   * Finds out whether an ambiguous creation happened: `some` is its result, `none` allows another attempt. Default: the call is given up as
   * `ambiguous`.
   */
  readonly reconcile?: ((failure: E | Cause.TimeoutError) => Effect.Effect<Option.Option<A>, never, R>) | undefined
  /**
   * Turns the engine's timeout or refusal into an error of the caller's own, so that `failure` has only the caller's error types. Default:
   * they stay as they are.
   */
  readonly errorOf?: ((failure: Added) => F) | undefined
}

/**
 * The error of a retried effect. Its `failure` is the effect's own (`E`), or one that the engine adds (`F`, the result of `errorOf`).
 *
 * @category models
 * @since 0.1.0
 */
export type Exhausted<E, F = Added> = RetryExhausted<E | F>

/**
 * One attempt of a call by promises. The signal aborts when the attempt is over before its promise is: at its timeout or the call's
 * deadline, with that as its reason, when the call's own signal aborts, with the same reason, or when another attempt has won. A function that declares no
 * parameter, as `(...args)` does not, gets no signal. A call that is given the signal is nested in this one.
 *
 * @category models
 * @since 0.1.0
 */
export type PromiseAttempt<A> = (signal: AbortSignal) => PromiseLike<A>

/**
 * The options of one call by promises.
 *
 * @category options
 * @since 0.1.0
 */
export interface PromiseOptions<A, F = Added> extends Options<A, unknown, never, F> {
  /**
   * Ends the call when it aborts: the promise rejects with its reason. With the signal of another call's attempt, this call is within that one: it tries
   * once, shares its place and its deadline, and a creation that it cuts short is not sent again. Default: nothing ends it early.
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Where the call gets its observers, clock, metrics and readers of failures: that of a `ManagedRuntime`, from its `context()`. Use the
   * same value for all calls. Default: the empty context.
   */
  readonly context?: Context.Context<never> | undefined
  /**
   * Whether the failure of a call that was given up is reported to the context's adapters, as `Effect.withErrorReporting` reports an effect's: without
   * that, nobody is alerted. `false` for a failure that the program handles. Default: `true`.
   */
  readonly isReported?: boolean | undefined
}

/**
 * A policy with the state that its calls share.
 *
 * @category models
 * @since 0.1.0
 */
export interface Runner {
  /** The name in events, metrics and errors of calls that have none of their own. */
  readonly name: string
  /** The policy of every call. */
  readonly policy: RetryPolicy.RetryPolicy
  /** Runs an effect under the policy. */
  readonly run: {
    <E, A2 = never, R2 = never, F = Added>(
      options?: Options<A2, E, R2, F>
    ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | A2, Exhausted<E, F>, R | R2>
    // The compiler reports errors against the last overload: this one points at the wrong option.
    <A, E, R, F = Added>(
      self: Effect.Effect<A, E, R> | Options<A, E, R, F>,
      options?: Options<A, E, R, F>
    ): Effect.Effect<A, Exhausted<E, F>, R>
  }
  /**
   * Runs a function that returns a promise under the policy, for programs that do not use Effect. The promise rejects with `RetryExhausted`,
   * whose `failure` is what the last attempt rejected with.
   *
   * A call that succeeds at once starts no fiber, so it costs a small part of `run` with a runtime for each call.
   */
  readonly promise: <A, F = Added>(attempt: PromiseAttempt<A>, options?: PromiseOptions<A, F>) => Promise<A>
  /** Opens the gate of a key, so that its parked calls go on: for an operator who has acted. Default: the key of calls without one. */
  readonly resume: (key?: string) => Effect.Effect<void>
  /** The keys whose gates are shut. */
  readonly parked: Effect.Effect<ReadonlyArray<string>>
  /**
   * The breaker of a key, to inspect, isolate or reset. `undefined` if the policy has none, or if other processes share it. Default: the
   * key of calls without one.
   */
  readonly breaker: (key?: string) => Breaker.State | undefined
  /** The state of the budget. `undefined` if the policy has none. */
  readonly budget: Budget.State | undefined
}

/**
 * Makes a runner. Events and errors show its `name` (default: `call`). Throws if the policy has a `rateLimit`: use `Distributed` for that.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (policy: RetryPolicy.RetryPolicy = RetryPolicy.make(), name = "call"): Runner =>
  makeLocal(policy, name)

/**
 * A layer that provides a runner as a service, so that all its users share its state.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <Self>(
  service: Context.Service<Self, Runner>,
  policy: RetryPolicy.RetryPolicy,
  name?: string
): Layer.Layer<Self> => Layer.sync(service, () => make(policy, name))

const runnerOf = sharedRunners("call")

/**
 * Retries an effect by a policy. When the policy gives up, the effect fails with `RetryExhausted`.
 *
 * All calls of `retry` with the same policy value share its budget, breakers, bulkhead and gates. So make the policy once, outside of the call; a
 * warning is logged once if it seems to be made for each call. `make` gives a runner with state of its own.
 *
 * @category running
 * @since 0.1.0
 */
export const retry: {
  <E, A2 = never, R2 = never, F = Added>(
    policy: RetryPolicy.RetryPolicy,
    options?: Options<A2, E, R2, F>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | A2, Exhausted<E, F>, R | R2>
  <A, E, R, F = Added>(
    self: Effect.Effect<A, E, R>,
    policy: RetryPolicy.RetryPolicy,
    options?: Options<A, E, R, F>
  ): Effect.Effect<A, Exhausted<E, F>, R>
  // Accepts nothing that the others refuse. The compiler reports errors against the last overload, so they point at the wrong argument.
  <S extends RetryPolicy.RetryPolicy | Effect.Effect<unknown, unknown, unknown>, A, E, R, F = Added>(
    policyOrSelf: S,
    optionsOrPolicy: S extends RetryPolicy.RetryPolicy ? Options<A, E, R, F> : RetryPolicy.RetryPolicy
  ): unknown
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R, F>(self: Effect.Effect<A, E, R>, policy: RetryPolicy.RetryPolicy, options?: Options<A, E, R, F>) => {
    const { runner, warning } = runnerOf(policy)
    const tried = runner.run(self, options)
    return warning === undefined ? tried : Effect.andThen(warning, tried)
  }
)

type ExhaustedOf<E> = Extract<E, RetryExhausted>

/**
 * Runs a fallback when a call was given up, such as a read from a cache.
 *
 * With `because`, only for these reasons; for any other reason the call fails as before. When the fallback succeeds, observers get
 * `FellBack`. When the fallback fails, the effect fails with that error. For a client of `HttpRetry`, put `HttpClient.filterStatusOk` before
 * the retries, or the last answer is a success and no fallback runs.
 *
 * @category combinators
 * @since 0.1.0
 */
export const fallback: {
  <E, B, E2, R2>(
    then: (exhausted: ExhaustedOf<NoInfer<E>>) => Effect.Effect<B, E2, R2>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Exclude<E, ExhaustedOf<E>> | E2, R | R2>
  <E, B, E2, R2>(
    then: (exhausted: ExhaustedOf<NoInfer<E>>) => Effect.Effect<B, E2, R2>,
    ...because: ReadonlyArray<Because.GivenUp>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E | E2, R | R2>
} =
  <E, B, E2, R2>(
    then: (exhausted: ExhaustedOf<NoInfer<E>>) => Effect.Effect<B, E2, R2>,
    ...because: ReadonlyArray<Because.GivenUp>
  ) =>
  <A, R>(self: Effect.Effect<A, E, R>) =>
    Effect.catchIf(
      self,
      (error): error is ExhaustedOf<E> =>
        isRetryExhausted(error) && (because.length === 0 || because.includes(error.because)),
      (exhausted) => Effect.tap(then(exhausted), Events.fellBack(exhausted))
    )
