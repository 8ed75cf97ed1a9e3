/**
 * Runners whose breakers and rate limits are shared with other processes.
 *
 * They are Effect's own `CircuitBreaker` and `RateLimiter`, with their stores in memory or in Redis; all else of the policy stays the
 * process's own. Every attempt asks the store, which takes a round trip.
 *
 * A store that fails, or does not answer within `storeTimeout`, is away: calls go through unlimited and unguarded. A silent store is
 * left alone for a second, then for twice as long each time (30 seconds at most); after that one question at a time, which no call
 * waits for, finds out whether it is back. That it is away is logged with the cause at `References.UnhandledLogLevel`, that it is back
 * at `Info`, each at most once in ten seconds. No call waits for its outcome to be recorded: another process may see it a moment later.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import type * as Redis from "effect/persistence/Redis"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as shared from "./internal/distributed.ts"
import { draining } from "./internal/draining.ts"
import { limiter } from "./internal/limiter.ts"
import { makeRunner } from "./internal/make.ts"
import { SomeDuration } from "./internal/schema.ts"
import * as Store from "./internal/store.ts"
import type { RateLimit } from "./RateLimit.ts"
import type * as Retry from "./Retry.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * What processes need in common: the state of breakers, and who counts calls.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores = CircuitBreaker.CircuitBreakerStore | RateLimiter.RateLimiter

/**
 * A policy whose state can be shared: a breaker that opens by `Consecutive` or `CountWindow`, with one probe, that does not look at how
 * long calls took. How long a probe may be silent is for the store to say.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Policy = RetryPolicy.RetryPolicy.check(
  Schema.makeFilter(({ breaker }) => {
    if (breaker === undefined) return true
    const { probes, slowerThan, trip } = breaker
    if (trip._tag === "TimeWindow")
      return { path: ["breaker", "trip"], issue: "a shared breaker has no time window: give it a CountWindow" }
    if (slowerThan !== undefined)
      return { path: ["breaker", "slowerThan"], issue: "a shared breaker does not measure calls" }
    if (probes > 1) return { path: ["breaker", "probes"], issue: "a shared breaker sends one probe" }
    return true
  })
)

/**
 * How a runner deals with its stores.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * How long a store has to answer before it counts as away. Keep it well below the policy's deadline, which goes on meanwhile.
   * Default: 500 milliseconds.
   */
  readonly storeTimeout?: Duration.Duration | undefined
}

const Checked = Schema.Struct({ storeTimeout: Schema.toType(SomeDuration) })

/**
 * A runner whose breakers and rate limits are those of all processes that use the same stores and the same `name`.
 *
 * Fails with a `SchemaError` that names the field where the policy asks for what cannot be shared. Its `breaker` gives `undefined`: what
 * others share is not one process's to isolate.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  policy: RetryPolicy.RetryPolicy,
  name: string,
  options: Options = {}
): Effect.fn.Return<Retry.Runner, Schema.SchemaError, Stores | Scope.Scope> {
  yield* Schema.decodeEffect(Schema.toType(Policy))(policy)
  const asked = { storeTimeout: options.storeTimeout ?? Duration.millis(500) }
  const { storeTimeout } = yield* Schema.decodeEffect(Checked)(asked)
  const { breaker, maxRetryAfter, rateLimit } = policy
  return makeRunner(policy, name, {
    guard: breaker && (yield* shared.guard(breaker, maxRetryAfter, name, storeTimeout)),
    limiter: rateLimit && (yield* limiterOf(rateLimit, name, storeTimeout))
  })
})

const limiterOf = Effect.fnUntraced(function* (rule: RateLimit, name: string, storeTimeout: Duration.Duration) {
  const { ask } = yield* Store.make("rate limit", storeTimeout)
  return limiter(yield* RateLimiter.RateLimiter, rule, name, ask)
})

/**
 * A distributed runner as a service of its own.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <Self>(
  service: Context.Service<Self, Retry.Runner>,
  policy: RetryPolicy.RetryPolicy,
  name: string,
  options: Options = {}
): Layer.Layer<Self, Schema.SchemaError, Stores> => Layer.effect(service, make(policy, name, options))

/**
 * Stores in the memory of this process: for tests, and for a service that runs only once but needs a rate limit.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<Stores> = Layer.merge(
  CircuitBreaker.layerStoreMemory(),
  Layer.provide(RateLimiter.layer, RateLimiter.layerStoreMemory)
)

/**
 * Stores in Redis, under keys that begin with `prefix`. A probe of which nothing is heard for `probeLease` makes way for another
 * (Effect's default).
 *
 * No setting of the client is needed for calls to go on. These make the `redis` client notice a dead connection within seconds, and a
 * program end while Redis is silent. A command timeout does neither: it covers what has not been sent yet. Without the `pingInterval`,
 * an idle connection runs into the `socketTimeout`; without a `reconnectStrategy`, the client never connects again after one. With it,
 * the layer waits until Redis is there. `destroy` ends a client whose `close` would wait for an answer for ever.
 *
 * ```ts
 * const redis = NodeRedis.layer({
 *   disableOfflineQueue: true,
 *   pingInterval: 1000,
 *   socket: {
 *     connectTimeout: 1000,
 *     socketTimeout: 3000,
 *     reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 2000)
 *   }
 * })
 * const destroyed = Layer.effectDiscard(
 *   Effect.flatMap(NodeRedis.NodeRedis, ({ client }) => Effect.addFinalizer(() => Effect.sync(() => client.destroy())))
 * )
 * const stores = Layer.provide(Distributed.layerRedis(), Layer.provideMerge(destroyed, redis))
 * ```
 *
 * When the layer ends it waits for outcomes that are being recorded, half a second at most.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (
  options: Parameters<typeof CircuitBreaker.layerStoreRedis>[0] = {}
): Layer.Layer<Stores, never, Redis.Redis> => {
  const { prefix } = options
  const limits = RateLimiter.layerStoreRedis(prefix === undefined ? {} : { prefix: `${prefix}limit:` })
  const breakers = prefix === undefined ? options : { ...options, prefix: `${prefix}breaker:` }
  const drained = Layer.effect(
    CircuitBreaker.CircuitBreakerStore,
    Effect.flatMap(CircuitBreaker.CircuitBreakerStore, draining)
  )
  return Layer.merge(
    Layer.provide(drained, CircuitBreaker.layerStoreRedis(breakers)),
    Layer.provide(RateLimiter.layer, limits)
  )
}
