/**
 * A bulkhead: at most so many calls run at once, so that one slow dependency cannot take every fiber and socket of a program.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { atLeastOne, count, withDefault } from "./internal/schema.ts"

/**
 * At most `concurrent` calls of a runner run at once, and a `queue` of so many wait for their turn (0); any other is refused.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Bulkhead = Schema.Struct({ concurrent: atLeastOne, queue: withDefault(count, 0) })

/**
 * @category models
 * @since 0.1.0
 */
export type Bulkhead = typeof Bulkhead.Type
