/**
 * What a failure says about trying again.
 *
 * A verdict is a value on the failure itself, so that no policy tests status codes. `of` reads it from any value: our own
 * errors carry one, foreign errors are understood by their structure. It does not decide: a policy may still refuse.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { attempt } from "./internal/chain.ts"
import * as foreign from "./internal/foreign.ts"
import { transient, type Verdict } from "./internal/verdict.ts"

export * from "./internal/verdict.ts"

/** The verdict on a failure that nothing is known about: one quick retry, then give up. */
const unknown = transient("quick", 1)

/**
 * Reads the verdict of failures that it knows; `undefined` of all others.
 *
 * @category models
 * @since 0.1.0
 */
export type Reader = (failure: unknown) => Verdict | undefined

/**
 * `readers` are asked first, in their order (none); `now` in epoch milliseconds lets a Retry-After date be understood (it is not).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  readonly readers?: ReadonlyArray<Reader> | undefined
  readonly now?: number | undefined
}

/**
 * The verdict on any failure.
 *
 * In this order: what a reader says; the failure's own `verdict`; errors of Effect (`AiError`, `SqlError`, `PlatformError`,
 * `RateLimiterError`, `CircuitBreakerError`, `TimeoutError`), `retryAfter` and `isRetryable` by structure; what a well-known client
 * says, also of an error that is wrapped (AWS, gRPC, SQLSTATE of PostgreSQL and MySQL, kafkajs, BullMQ, OpenAI, Stripe); the HTTP status
 * of an answer that it carries; and what Node.js and fetch throw, at the pace of calls between services. A failure that says nothing
 * about itself merits one quick retry. Never throws, whatever the value's getters do.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = (failure: unknown, { now, readers = [] }: Options = {}): Verdict => {
  for (const reader of readers) {
    const verdict = attempt(() => reader(failure))
    if (verdict !== undefined) return verdict
  }
  return attempt(() => foreign.read(failure, now)) ?? unknown
}

/**
 * The readers of the current fiber. None by default.
 *
 * @category references
 * @since 0.1.0
 */
export const Readers: Context.Reference<ReadonlyArray<Reader>> = Context.Reference<ReadonlyArray<Reader>>(
  "@redrive/core/Verdict/Readers",
  { defaultValue: () => [] }
)

/**
 * Teaches the program a foreign failure: the reader is asked before those that are there already.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (reader: Reader): Layer.Layer<never> =>
  Layer.effect(
    Readers,
    Effect.map(Readers, (readers) => [reader, ...readers])
  )

/**
 * The verdict on a failure by the fiber's own readers and clock.
 *
 * @category running
 * @since 0.1.0
 */
export const judge = (failure: unknown): Effect.Effect<Verdict> =>
  Effect.clockWith((clock) =>
    Effect.map(Readers, (readers) => of(failure, { readers, now: clock.currentTimeMillisUnsafe() }))
  )
