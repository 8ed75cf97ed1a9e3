/**
 * The verdict of a failure: whether, when and how patiently to try again.
 *
 * Policies read verdicts, so none of them tests status codes. `of` reads the verdict of any value: our own errors carry one, foreign errors
 * are recognised by their structure. A verdict is advice: a policy may still give up.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Bindings from "./internal/bindings.ts"
import { safely } from "./internal/chain.ts"
import * as foreign from "./internal/foreign.ts"
import { transient, type Verdict } from "./internal/verdict.ts"

export * from "./internal/verdict.ts"

/** The verdict on an unknown failure: one quick retry, then give up. */
const unknown = transient("quick", 1)

/**
 * Reads the verdict of the failures it knows, and returns `undefined` for all others.
 *
 * @category models
 * @since 0.1.0
 */
export type Reader = (failure: unknown) => Verdict | undefined

/**
 * How a verdict is read.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Readers that are asked first, in order. Default: none. */
  readonly readers?: ReadonlyArray<Reader> | undefined
  /** The current time in epoch milliseconds, which turns a Retry-After date into a wait. Default: such dates are ignored. */
  readonly now?: number | undefined
}

/**
 * Reads the verdict of any failure. Never throws, whatever the value's getters do.
 *
 * The first source that knows the failure decides, in this order:
 *
 * 1. a reader;
 * 2. the failure's own `verdict`;
 * 3. errors of Effect (`AiError`, `SqlError`, `PlatformError`, `RateLimiterError`, `CircuitBreakerError`, `TimeoutError`), and any
 *    `retryAfter` or `isRetryable`, recognised by structure;
 * 4. errors of Effect that are wrapped, and errors of well-known clients, wrapped or not (AWS, gRPC, PostgreSQL and MySQL by SQLSTATE,
 *    kafkajs, BullMQ, OpenAI, Stripe);
 * 5. the HTTP status of an answer that the failure carries;
 * 6. the errors of Node.js and fetch, at the pace of calls between services.
 *
 * An unknown failure merits one quick retry.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = (failure: unknown, { now, readers = [] }: Options = {}): Verdict => {
  for (const reader of readers) {
    const verdict = safely(() => reader(failure))
    if (verdict !== undefined) return verdict
  }
  return safely(() => foreign.verdictIn(failure, now)) ?? unknown
}

const readers = Bindings.make<Reader>("@redrive/core/Verdict/Readers")

/**
 * The readers that a context has, such as a fiber's, in the order in which they are asked: those of inner scopes first.
 *
 * @category getters
 * @since 0.1.0
 */
export const readersOf = (context: Context.Context<never>): ReadonlyArray<Reader> => {
  const all = readers.of(context)
  return all.length < 2 ? all : all.toReversed()
}

/**
 * Adds a reader, for foreign failures, to those of other layers. It is asked before those of outer scopes.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (reader: Reader): Layer.Layer<never> => readers.layer(reader)

/**
 * Reads the verdict of a failure with the fiber's own readers and clock.
 *
 * @category running
 * @since 0.1.0
 */
export const judge = (failure: unknown): Effect.Effect<Verdict> =>
  Effect.withFiber((fiber) => {
    const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    return Effect.succeed(of(failure, { readers: readersOf(fiber.context), now }))
  })
