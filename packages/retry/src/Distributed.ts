/**
 * Runners whose breakers and rate limits are shared with other processes.
 *
 * They are Effect's own `CircuitBreaker` and `RateLimiter`, with their stores in memory or in Redis, or in SQLite or PostgreSQL with
 * `SqlStores` of `@redrive/durable`. The rest of the policy stays local to the process. Every attempt asks the store, which costs a round
 * trip, or two to change something in a SQL database.
 *
 * A store is away if it fails, or does not answer within `storeTimeout`: calls then go through without a limit or a breaker. A silent
 * store is not asked for a second, then for twice as long each time (5 seconds at most). After each pause the next call sends a single
 * trial request, which no call waits for, to find out whether the store is back. So calls that keep coming are guarded again at most 5
 * seconds and a `storeTimeout` after the store is back. The log says that a store is away, with the cause, at
 * `References.UnhandledLogLevel`, at most once in ten seconds; it says at `Info` that the store is back. Outcomes are recorded in the
 * background, so another process may see one a moment later.
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
import { problemsOf } from "./internal/policy/checked.ts"
import * as Check from "@redrive/core/Check"
import * as shared from "./internal/distributed/distributed.ts"
import { draining } from "./internal/distributed/draining.ts"
import { limiter } from "./internal/distributed/limiter.ts"
import { makeRunner } from "./internal/state/makeRunner.ts"
import { refusal } from "./internal/policy/schema.ts"
import * as Store from "./internal/distributed/store.ts"
import type { RateLimit } from "./RateLimit.ts"
import type * as Retry from "./Retry.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * The services that processes share: the store of breakers and the rate limiter.
 *
 * @category models
 * @since 0.1.0
 */
export type Stores = CircuitBreaker.CircuitBreakerStore | RateLimiter.RateLimiter

/**
 * A policy whose state can be shared.
 *
 * Its breaker opens by `Consecutive` or `CountWindow`, sends one probe, and has no `slowerThan`. The store sets the lease of a probe, not
 * the policy.
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
 * How a runner uses its stores.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * How long a store has to answer a request before it counts as away. Allow two round trips, since the first request of each kind loads
   * its script. An attempt waits at most twice as long for its breaker (for its key's last record, then for the answer), and a call at
   * most twice as long for its rate limit (to look, then to reserve). Keep it well below the policy's deadline, which includes these waits.
   * Default: 500 milliseconds.
   */
  readonly storeTimeout?: Duration.Input | undefined
}

const policyProblems = problemsOf(Policy)

const duration = Check.duration()

/** A duration that is neither zero nor infinite. */
const some: Check.Rule = {
  ...duration,
  allowed: "a duration above zero that has an end",
  isRight: (value) => duration.isRight(value) && !Duration.isZero(Duration.fromInputUnsafe(value as Duration.Input))
}

/** Checks a runner's name and options, and returns its store's timeout. */
const timeoutOf = (adapter: string, name: string, options: Options): Duration.Duration => {
  Check.options(adapter, { name: Check.required(Check.text) }, { name })
  const { storeTimeout = Duration.millis(500) } = Check.options<Options>(adapter, { storeTimeout: some }, options)
  return Duration.fromInputUnsafe(storeTimeout)
}

/**
 * A runner that shares breakers and rate limits with every process that uses the same stores and `name`.
 *
 * Fails with a `SchemaError` that names the field if the policy cannot be shared; a wrong option or name is a defect. The runner's
 * `breaker` gives `undefined`, since one process must not isolate a breaker that others share.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  policy: RetryPolicy.RetryPolicy,
  name: string,
  options: Options = {}
): Effect.fn.Return<Retry.Runner, Schema.SchemaError, Stores | Scope.Scope> {
  const storeTimeout = timeoutOf("Distributed.make", name, options)
  const problems = policyProblems(policy)
  if (problems.length > 0) return yield* Effect.fail(refusal(problems))
  const { breaker, maxRetryAfter, rateLimit } = policy
  return makeRunner(policy, name, {
    guard: breaker && (yield* shared.guard(breaker, maxRetryAfter, name, storeTimeout)),
    limiter: rateLimit && (yield* limiterOf(rateLimit, name, storeTimeout))
  })
})

const limiterOf = Effect.fnUntraced(function* (rule: RateLimit, name: string, storeTimeout: Duration.Duration) {
  const { ask } = yield* Store.make("rate limit", name, storeTimeout)
  return limiter(yield* RateLimiter.RateLimiter, rule, name, ask)
})

/**
 * A layer that provides a distributed runner as a service.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <Self>(
  service: Context.Service<Self, Retry.Runner>,
  policy: RetryPolicy.RetryPolicy,
  name: string,
  options: Options = {}
): Layer.Layer<Self, Schema.SchemaError, Stores> => {
  timeoutOf("Distributed.layer", name, options)
  return Layer.effect(service, make(policy, name, options))
}

/**
 * Stores in the memory of this process: for tests, and for a service with a single instance that needs a rate limit.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<Stores> = Layer.merge(
  CircuitBreaker.layerStoreMemory(),
  Layer.provide(RateLimiter.layer, RateLimiter.layerStoreMemory)
)

/**
 * Where Redis keeps the state, and for how long.
 *
 * @category options
 * @since 0.1.0
 */
export interface RedisOptions {
  /** The beginning of all keys. Default: `circuitbreaker:` for breakers and `ratelimiter:` for rate limits. */
  readonly prefix?: string | undefined
  /** A probe whose process does not renew this lease loses its place to another. Default: 10 seconds. */
  readonly probeLease?: Duration.Input | undefined
  /** How long Redis keeps a breaker that no call uses. Default: 1 hour. */
  readonly idleTimeToLive?: Duration.Input | undefined
}

const redisRules: Check.Rules<RedisOptions> = { prefix: Check.text, probeLease: some, idleTimeToLive: some }

/**
 * Stores in Redis.
 *
 * Calls go on without Redis whatever the client's settings. With the settings below, the `redis` client notices a dead connection within
 * seconds, and a program can end while Redis is silent. A command timeout does neither, since it covers only commands that have not been
 * sent. `pingInterval` keeps an idle connection from running into the `socketTimeout`. Without a `reconnectStrategy`, the client never
 * reconnects after a `socketTimeout`; with one, the layer waits until Redis is there. `destroy` ends a client whose `close` would wait for
 * an answer forever.
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
 * When the layer ends, it waits up to half a second for outcomes that are still being recorded.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRedis = (options: RedisOptions = {}): Layer.Layer<Stores, never, Redis.Redis> => {
  const { prefix } = Check.options("Distributed.layerRedis", redisRules, options)
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
