/**
 * Stores of Effect's `RateLimiter` and `CircuitBreaker` in a SQL database, SQLite or PostgreSQL: rate limits and breakers that processes
 * share without a Redis.
 *
 * They answer as Effect's own stores do. A change is one read and one write, however many calls of a process ask for the same key at once;
 * a refusal, or a success that changes no count, is one read. The write counts only if the state is still the one that was read, so that
 * no two processes take one token, and no two calls are the probe. Processes that compete for one key take turns.
 *
 * With PostgreSQL, times come from the database, so machines whose clocks differ agree. With SQLite, whose processes share a machine, they
 * come from `Clock`. A crash of PostgreSQL forgets the states, as it would in Redis: limits start full, and breakers closed.
 *
 * The table `redrive_shared` has a row for each key, made at the start if it is not there; rows that expired are deleted every ten minutes. A
 * role of PostgreSQL that may not make tables uses the table that another role has made.
 *
 * A transaction of the caller has no part in it: on PostgreSQL a change is kept if the transaction is rolled back. On SQLite a call within a
 * transaction of the same client fails, because the client has one connection; long transactions of other fibers hold up the calls, so give
 * the stores a file of their own.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as References from "effect/References"
import * as SqlClient from "effect/sql/SqlClient"
import * as Breakers from "./internal/shared/breakers.ts"
import * as Limits from "./internal/shared/limits.ts"
import * as States from "./internal/shared/states.ts"
import type { StoreError } from "./Store.ts"

/**
 * Where states are kept.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The beginning of all keys, which separates services that use one database. Default: none. */
  readonly prefix?: string | undefined
  /** The longest time for the statements of one change. A change that takes longer fails, and may still be made. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Where breakers are kept, and for how long.
 *
 * @category options
 * @since 0.1.0
 */
export interface BreakerOptions extends Options {
  /** A probe whose process does not renew this lease loses its place to another. Default: 10 seconds. */
  readonly probeLease?: Duration.Input | undefined
  /** The shortest time that a breaker is kept without a call. One that expired starts again as closed. Default: 1 hour. */
  readonly idleTimeToLive?: Duration.Input | undefined
}

const duration = Check.duration()

/** A duration that is neither zero nor infinite. */
const some: Check.Rule = {
  ...duration,
  allowed: "a duration above zero that has an end",
  isRight: (value) => duration.isRight(value) && !Duration.isZero(Duration.fromInputUnsafe(value as Duration.Input))
}

const rules: Check.Rules<Options> = { prefix: Check.text, timeout: some }
const breakerRules: Check.Rules<BreakerOptions> = { ...rules, probeLease: some, idleTimeToLive: some }

/**
 * A store of rate limits in the database of the `SqlClient` in context. Fails with a `StoreError` if its table cannot be made.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRateLimiterStore = (
  options: Options = {}
): Layer.Layer<RateLimiter.RateLimiterStore, StoreError, SqlClient.SqlClient> =>
  Layer.effect(
    RateLimiter.RateLimiterStore,
    makeLimits(Check.options("SqlStores.layerRateLimiterStore", rules, options))
  )

/**
 * A store of breakers in the database of the `SqlClient` in context. Fails with a `StoreError` if its table cannot be made.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerCircuitBreakerStore = (
  options: BreakerOptions = {}
): Layer.Layer<CircuitBreaker.CircuitBreakerStore, StoreError, SqlClient.SqlClient> =>
  Layer.effect(
    CircuitBreaker.CircuitBreakerStore,
    makeBreakers(Check.options("SqlStores.layerCircuitBreakerStore", breakerRules, options))
  )

/**
 * The services that `Distributed` of `@redrive/retry` needs: a store of breakers and a rate limiter. When the layer ends, it waits up to half
 * a second for outcomes that are still being recorded.
 *
 * ```ts
 * const stores = SqlStores.layer().pipe(Layer.provide(PgClient.layer({ url })))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: BreakerOptions = {}
): Layer.Layer<CircuitBreaker.CircuitBreakerStore | RateLimiter.RateLimiter, StoreError, SqlClient.SqlClient> => {
  const { idleTimeToLive, probeLease, ...shared } = Check.options("SqlStores.layer", breakerRules, options)
  return Layer.merge(
    layerCircuitBreakerStore({ ...shared, idleTimeToLive, probeLease }),
    Layer.provide(RateLimiter.layer, layerRateLimiterStore(shared))
  )
}

const opened = Effect.fnUntraced(function* ({ prefix = "", timeout = "5 seconds" }: Options) {
  return yield* States.open(yield* SqlClient.SqlClient, prefix, timeout)
})

const counted = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, RateLimiter.RateLimiterError> =>
  Effect.mapError(
    effect,
    ({ cause, message }) =>
      new RateLimiter.RateLimiterError({ reason: new RateLimiter.RateLimitStoreError({ message, cause }) })
  )

const makeLimits = Effect.fnUntraced(function* (options: Options) {
  const table = yield* opened(options)
  const windows = States.of(table, "fixed window", Limits.Window)
  const buckets = States.of(table, "token bucket", Limits.Bucket)
  const adaptive = States.of(table, "adaptive limit", Limits.Adaptive)

  return RateLimiter.RateLimiterStore.of({
    fixedWindow: (asked) => counted(windows(asked.key, Limits.take(asked))),
    tokenBucket: (asked) => counted(buckets(asked.key, Limits.draw(asked))),
    adaptiveConsume: (asked) => counted(adaptive(asked.key, Limits.adapt(asked))),
    adaptiveFeedback: ({ epoch, key, retryAfter, status, tokens }) =>
      status !== 429 || retryAfter === undefined
        ? Effect.void
        : counted(adaptive(key, Limits.feed(epoch, tokens, retryAfter)))
  })
})

const millis = (input: Duration.Input): number =>
  Math.max(1, Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(input))))

const known = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, CircuitBreaker.CircuitBreakerError> =>
  Effect.mapError(
    effect,
    ({ cause, message }) =>
      new CircuitBreaker.CircuitBreakerError({
        reason: new CircuitBreaker.CircuitBreakerStoreError({ message, cause })
      })
  )

const makeBreakers = Effect.fnUntraced(function* ({
  idleTimeToLive = "1 hour",
  probeLease = "10 seconds",
  ...options
}: BreakerOptions) {
  const circuits = States.of(yield* opened(options), "breaker", Breakers.Circuit)
  const times = { lease: millis(probeLease), idle: millis(idleTimeToLive) }

  /** Renews the lease of a probe until it has lost its place. A renewal that fails is tried again. */
  const renewing = (key: string, generation: number) =>
    Effect.sleep(times.lease / 3).pipe(
      Effect.andThen(circuits(key, Breakers.renew(generation, times))),
      Effect.catchCause((cause) => Effect.as(unrenewed(cause), true)),
      Effect.repeat({ while: (isHeld) => isHeld })
    )

  return CircuitBreaker.CircuitBreakerStore.of({
    admit: Effect.fnUntraced(function* (key) {
      const answer = yield* known(circuits(key, Breakers.admit(key, times)))
      if (answer._tag === "Refused") return yield* new CircuitBreaker.CircuitBreakerError({ reason: answer.reason })
      const { generation, probe } = answer.admission
      if (probe) yield* Effect.forkScoped(Effect.interruptible(renewing(key, generation)))
      return answer.admission
    }),
    record: (outcome) => known(circuits(outcome.key, Breakers.record(outcome, times))),
    state: (key) => known(circuits(key, Breakers.look(key)))
  })
})

/** Logs a failure that no call fails with, where Effect's own store does. */
const unrenewed = (cause: Cause.Cause<unknown>) =>
  Effect.withFiber((fiber) => {
    const level = fiber.getRef(References.UnhandledLogLevel)
    if (level === undefined) return Effect.void
    return Effect.logWithLevel(level)("the lease of a breaker's probe could not be renewed; trying again", cause)
  })
