/**
 * A hedge: sends a slow attempt a second time while the first still runs; the first success wins.
 *
 * Only safe operations are hedged: reads and polls.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { SomeDuration, upTo, withDefault } from "./internal/policy/schema.ts"

/**
 * When an attempt is sent a second time, and how often that may happen.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Hedge = Schema.Struct({
  /** How long the first attempt runs before a second one is sent. No default. */
  after: SomeDuration,
  /**
   * The largest share of the attempts in the last ten seconds that may be sent twice. It must exceed the share of attempts that are slower
   * than `after`, or it is soon used up. Default: 0.1.
   */
  share: withDefault(upTo(1), 0.1)
})

/**
 * The settings of a hedge, with their defaults filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type Hedge = typeof Hedge.Type
