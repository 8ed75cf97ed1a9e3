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
import { makeRunner } from "./internal/make.ts"
import * as telling from "./internal/telling.ts"
import type * as Operation from "./Operation.ts"
import { isRetryExhausted, type Refused, type RetryExhausted } from "./RetryExhausted.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * `name` stands in events and errors (the runner's); `key` says whose breaker and gate it is, such as a host or an account (one for
 * all); `operation` whether it creates, polls or reads (the policy's); `verdict` reads a failure (`Verdict.judge`); `reconcile` looks
 * whether a creation that may have happened did: `some` is its result, `none` means that it may be sent again (it is given up).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<out A, in E, out R> {
  readonly name?: string | undefined
  readonly key?: string | undefined
  readonly operation?: Operation.Operation | undefined
  readonly verdict?: ((failure: E | Cause.TimeoutError) => Verdict.Verdict) | undefined
  readonly reconcile?: ((failure: E | Cause.TimeoutError) => Effect.Effect<Option.Option<A>, never, R>) | undefined
}

/**
 * What a retried effect can fail with: an attempt that runs into a timeout fails with a `TimeoutError`, and a call that is refused before
 * its first one has no failure but that (`Refused`).
 *
 * @category models
 * @since 0.1.0
 */
export type Exhausted<E> = RetryExhausted<E | Cause.TimeoutError | Refused>

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
    <E, A2 = never, R2 = never>(
      options?: Options<A2, E, R2>
    ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | A2, Exhausted<E>, R | R2>
    <A, E, R>(self: Effect.Effect<A, E, R>, options?: Options<A, E, R>): Effect.Effect<A, Exhausted<E>, R>
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
export const make = (policy: RetryPolicy.RetryPolicy = RetryPolicy.make(), name = "call"): Runner => {
  if (policy.rateLimit !== undefined)
    throw new Error(`the policy of ${name} has a rateLimit, which needs a counter: make its runner with Distributed`)
  return makeRunner(policy, name, {})
}

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

/** Whoever uses a policy without a runner of their own shares this one with all others who use the same value. */
const runners = new WeakMap<RetryPolicy.RetryPolicy, Runner>()

const runnerOf = (policy: RetryPolicy.RetryPolicy): Runner => {
  const known = runners.get(policy)
  if (known !== undefined) return known
  const made = make(policy)
  runners.set(policy, made)
  return made
}

/**
 * Tries an effect as its policy says; what fails for good fails with `RetryExhausted`.
 *
 * What calls share (budget, breaker, places, gates) they share with all that are tried by the same policy value; `make` gives a runner
 * of one's own.
 *
 * @category running
 * @since 0.1.0
 */
export const retry: {
  <E, A2 = never, R2 = never>(
    policy: RetryPolicy.RetryPolicy,
    options?: Options<A2, E, R2>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | A2, Exhausted<E>, R | R2>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    policy: RetryPolicy.RetryPolicy,
    options?: Options<A, E, R>
  ): Effect.Effect<A, Exhausted<E>, R>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(self: Effect.Effect<A, E, R>, policy: RetryPolicy.RetryPolicy, options?: Options<A, E, R>) =>
    runnerOf(policy).run(self, options)
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
