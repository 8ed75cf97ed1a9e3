/**
 * The runner: interprets a policy around an effect.
 *
 * A success costs about the bare effect, since nothing is built before the first failure. Typed failures are retried, defects and
 * interruption never; an interruption cuts a wait short. It has no state of its own between calls.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Random from "effect/Random"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import { type Attempt, RetryExhausted } from "./RetryExhausted.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * `name` stands in events and errors (`call`); `verdict` reads a failure (`Verdict.judge`).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<in E> {
  readonly name?: string | undefined
  readonly verdict?: ((failure: E) => Verdict.Verdict) | undefined
}

/**
 * What a retried effect can fail with: attempts that run into a timeout fail with a `TimeoutError`.
 *
 * @category models
 * @since 0.1.0
 */
export type Exhausted<E> = RetryExhausted<E | Cause.TimeoutError>

/**
 * Tries an effect as its policy says; what fails for good fails with `RetryExhausted`.
 *
 * @category running
 * @since 0.1.0
 */
export const retry: {
  <E>(
    policy: RetryPolicy.RetryPolicy,
    options?: Options<E | Cause.TimeoutError>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exhausted<E>, R>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    policy: RetryPolicy.RetryPolicy,
    options?: Options<E | Cause.TimeoutError>
  ): Effect.Effect<A, Exhausted<E>, R>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    policy: RetryPolicy.RetryPolicy,
    options: Options<E | Cause.TimeoutError> = {}
  ): Effect.Effect<A, Exhausted<E>, R> =>
    Effect.clockWith((clock) => attempt({ self, policy, options, clock, begun: clock.currentTimeMillisUnsafe() }, []))
)

/** What stays the same over the attempts of one call. Times are epoch milliseconds. */
interface Call<A, E, R> {
  readonly self: Effect.Effect<A, E, R>
  readonly policy: RetryPolicy.RetryPolicy
  readonly options: Options<E | Cause.TimeoutError>
  readonly clock: Clock.Clock
  readonly begun: number
}

const attempt = <A, E, R>(call: Call<A, E, R>, failed: ReadonlyArray<Attempt>): Effect.Effect<A, Exhausted<E>, R> => {
  const started = call.clock.currentTimeMillisUnsafe()
  const tried = timed(call, started)
  const recovered = Observer.tell(() => ({
    _tag: "Recovered",
    name: nameOf(call.options),
    attempt: failed.length + 1
  }))
  return Effect.catch(failed.length === 0 ? tried : Effect.tap(tried, recovered), (failure) =>
    onFailure(call, failed, started, failure)
  )
}

/** The effect, bounded by what is left of the deadline and by the attempt's own timeout. */
const timed = <A, E, R>(
  { begun, policy, self }: Call<A, E, R>,
  started: number
): Effect.Effect<A, E | Cause.TimeoutError, R> => {
  const { attemptTimeout, deadline } = policy
  if (deadline === undefined) return attemptTimeout === undefined ? self : Effect.timeout(self, attemptTimeout)
  const left = Duration.subtract(deadline, Duration.millis(started - begun))
  return Effect.timeout(self, attemptTimeout === undefined ? left : Duration.min(left, attemptTimeout))
}

const onFailure = Effect.fnUntraced(function* <A, E, R>(
  call: Call<A, E, R>,
  failed: ReadonlyArray<Attempt>,
  started: number,
  failure: E | Cause.TimeoutError
) {
  const { begun, clock, options, policy } = call
  const now = clock.currentTimeMillisUnsafe()
  const verdict = options.verdict?.(failure) ?? (yield* Verdict.judge(failure))
  const number = failed.length + 1
  const elapsed = Duration.millis(now - begun)
  const decision = RetryPolicy.decide(policy, { verdict, attempt: number, elapsed }, yield* Random.next)
  const name = nameOf(options)
  const entry: Attempt = {
    startedAt: DateTime.makeUnsafe(started),
    duration: Duration.millis(now - started),
    verdict,
    message: Report.make(failure).message
  }
  const about = { name, attempt: number, error: failure }
  yield* Observer.tell(() => ({ _tag: "AttemptFailed", ...about, verdict, duration: entry.duration }))
  if (decision._tag === "GiveUp") {
    const { again, because } = decision
    yield* Observer.tell(() => ({ _tag: "GaveUp", ...about, because }))
    const retryAt = again === undefined ? {} : { retryAt: DateTime.makeUnsafe(now + Duration.toMillis(again)) }
    const attempts = [...failed, entry]
    return yield* new RetryExhausted<E | Cause.TimeoutError>({ name, because, attempts, failure, ...retryAt })
  }
  const { delay } = decision
  yield* Observer.tell(() => ({ _tag: "RetryScheduled", ...about, verdict, delay }))
  yield* Effect.sleep(delay)
  return yield* attempt(call, [...failed, { ...entry, wait: delay }])
})

const nameOf = (options: { readonly name?: string | undefined }): string => options.name ?? "call"
