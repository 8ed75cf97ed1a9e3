/**
 * The runner: interprets a policy around an effect.
 *
 * A success costs about the bare effect, since nothing is built before the first failure. Typed failures are retried, defects and
 * interruption never; an interruption cuts a wait short and gives back all that was taken. A runner has the state that its calls share:
 * budget, breakers, places, gates.
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
import type * as Breaker from "./Breaker.ts"
import type * as Budget from "./Budget.ts"
import { makeLocal } from "./internal/make.ts"
import { sharedRunners } from "./internal/runners.ts"
import * as telling from "./internal/telling.ts"
import type * as Operation from "./Operation.ts"
import { isRetryExhausted, type Refused, type RetryExhausted } from "./RetryExhausted.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * The failures that the engine adds to a call's own: an attempt that ran into a timeout, and a call that was refused before its first attempt.
 *
 * @category models
 * @since 0.1.0
 */
export type Added = Cause.TimeoutError | Refused

/**
 * What a call tells its runner.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<out A, in E, out R, out F = Added> {
  /** The call's name in events, metrics and errors; a word of the program's, not data. Default: the runner's name. */
  readonly name?: string | undefined
  /** Whose breaker, gate and rate limit the call has, such as a host or an account. Default: one for all calls of the runner. */
  readonly key?: string | undefined
  /** What the call does to the other side. Default: the policy's `operation`. */
  readonly operation?: Operation.Operation | undefined
  /** Whether the effect can run a second time; a request whose body is a stream cannot. Default: `true`. */
  readonly isReplayable?: boolean | undefined
  /** Reads a failure; `undefined` leaves it to the program's readers. Default: `Verdict.judge` for every failure. */
  readonly verdict?: ((failure: E | Cause.TimeoutError) => Verdict.Verdict | undefined) | undefined
  /**
   * Looks whether a creation that may have happened did: `some` is its result, `none` lets it be sent again. Default: such a creation is
   * given up as `ambiguous`.
   */
  readonly reconcile?: ((failure: E | Cause.TimeoutError) => Effect.Effect<Option.Option<A>, never, R>) | undefined
  /**
   * Makes an error of the caller's own of a timeout or a refusal, so that `failure` has no other type beside the effect's. Default: they
   * are left as they are.
   */
  readonly errorOf?: ((failure: Added) => F) | undefined
}

/**
 * What a retried effect fails with: its own failure, or one that the engine adds (`F`, what `errorOf` makes of it).
 *
 * @category models
 * @since 0.1.0
 */
export type Exhausted<E, F = Added> = RetryExhausted<E | F>

/**
 * A policy with its state. `run` tries an effect; `resume` opens the gate of a key by hand, and `breaker` gives its breaker, to look at,
 * isolate or reset.
 *
 * @category models
 * @since 0.1.0
 */
export interface Runner {
  readonly name: string
  readonly policy: RetryPolicy.RetryPolicy
  readonly run: {
    <E, A2 = never, R2 = never, F = Added>(
      options?: Options<A2, E, R2, F>
    ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | A2, Exhausted<E, F>, R | R2>
    // A compiler's message is about the last overload: this one blames a wrong option where it stands.
    <A, E, R, F = Added>(
      self: Effect.Effect<A, E, R> | Options<A, E, R, F>,
      options?: Options<A, E, R, F>
    ): Effect.Effect<A, Exhausted<E, F>, R>
  }
  readonly resume: (key?: string) => Effect.Effect<void>
  readonly parked: Effect.Effect<ReadonlyArray<string>>
  readonly breaker: (key?: string) => Breaker.State | undefined
  readonly budget: Budget.State | undefined
}

/**
 * A runner that has not run anything yet; `name` stands in events and errors (`call`). Throws if the policy has a `rateLimit`: such a
 * runner comes from `Distributed`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (policy: RetryPolicy.RetryPolicy = RetryPolicy.make(), name = "call"): Runner =>
  makeLocal(policy, name)

/**
 * A runner as a service of its own, so that all who use it share its state.
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
 * Tries an effect as its policy says; what fails for good fails with `RetryExhausted`.
 *
 * Calls share their budget, breakers, places and gates with all that are tried by the same policy value, so make it once, outside of the
 * call: a policy that is made anew for each call is said to be so, once. `make` gives a runner of one's own.
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
  // It takes nothing that the others refuse: a compiler's message is about the last overload, and blames what is wrong where it stands.
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
 * The last step: what to do when a call was given up, such as an answer from a cache. With `because`, only for these reasons; for others the
 * call fails as it did.
 *
 * Observers are told `FellBack` when it has succeeded. What it fails with itself is the effect's failure.
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
    ...because: ReadonlyArray<RetryPolicy.Because>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E | E2, R | R2>
} =
  <E, B, E2, R2>(
    then: (exhausted: ExhaustedOf<NoInfer<E>>) => Effect.Effect<B, E2, R2>,
    ...because: ReadonlyArray<RetryPolicy.Because>
  ) =>
  <A, R>(self: Effect.Effect<A, E, R>) =>
    Effect.catchIf(
      self,
      (error): error is ExhaustedOf<E> =>
        isRetryExhausted(error) && (because.length === 0 || because.includes(error.because)),
      (exhausted) => Effect.tap(then(exhausted), telling.fellBack(exhausted))
    )
