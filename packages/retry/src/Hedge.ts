/**
 * A hedge: an attempt that is slow is sent once more beside the first, and the first success wins.
 *
 * Only for what may be sent twice: reads and polls, never a creation.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { SomeDuration, withDefault } from "./internal/schema.ts"

/**
 * An attempt that has not ended `after` so long has company, for at most this `share` of the attempts of the last ten seconds (0.1). The
 * share must exceed that of the attempts that are slower than `after`, or it is soon used up.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Hedge = Schema.Struct({
  after: SomeDuration,
  share: withDefault(Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1)), 0.1)
})

/**
 * @category models
 * @since 0.1.0
 */
export type Hedge = typeof Hedge.Type
