/**
 * A rate limit: limits how many calls begin in a window of time; the others wait for their turn.
 *
 * Effect's `RateLimiter` counts the calls, in memory or in Redis. `Distributed` makes runners with a rate limit.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { atLeastOne, PolicyDuration, SomeDuration, withDefault } from "./internal/policy/schema.ts"

/**
 * How many calls of a key may begin in each window, and how long the others wait.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RateLimit = Schema.Struct({
  /** How many calls of a key may begin in each `window`. No default. */
  limit: atLeastOne,
  /** The length of the window. No default. */
  window: SomeDuration,
  /**
   * `token-bucket` spreads calls evenly after a burst of at most `limit`; `fixed-window` lets all of them begin at the start of a window.
   * Default: `token-bucket`.
   */
  algorithm: withDefault(Schema.Literals(["token-bucket", "fixed-window"]), "token-bucket"),
  /**
   * A call that would wait longer, with the time that the store takes, is refused at once, and told when to come back. A call that finds
   * room at once is never refused. Default: 30 seconds.
   */
  maximumWait: withDefault(PolicyDuration, Duration.seconds(30))
})

/**
 * The settings of a rate limit, with their defaults filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type RateLimit = typeof RateLimit.Type
