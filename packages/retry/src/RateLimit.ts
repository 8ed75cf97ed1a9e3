/**
 * A rate limit: at most so many calls begin in a stretch of time, each waiting for its turn.
 *
 * It is counted by Effect's `RateLimiter`, in memory or in Redis: `Distributed` makes runners that have one.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { atLeastOne, PolicyDuration, SomeDuration, withDefault } from "./internal/schema.ts"

/**
 * At most `limit` calls of a key begin in each `window`. A `token-bucket` spreads them, after a burst of `limit` at most; a
 * `fixed-window` lets them all begin at its start (`token-bucket`). Who would wait longer than `maximumWait` (30 s) is refused, and told when
 * to come back.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RateLimit = Schema.Struct({
  limit: atLeastOne,
  window: SomeDuration,
  algorithm: withDefault(Schema.Literals(["token-bucket", "fixed-window"]), "token-bucket"),
  maximumWait: withDefault(PolicyDuration, Duration.seconds(30))
})

/**
 * @category models
 * @since 0.1.0
 */
export type RateLimit = typeof RateLimit.Type
