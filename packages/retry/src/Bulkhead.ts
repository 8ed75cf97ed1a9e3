/**
 * A bulkhead: limits the calls that run at once, so that one slow dependency cannot take all of a program's sockets.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { atLeastOne, count, withDefault } from "./internal/policy/schema.ts"

/**
 * Limits the calls of a runner that run at once or wait; any further call is refused.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Bulkhead = Schema.Struct({
  /** How many calls may run at once. No default. */
  concurrent: atLeastOne,
  /** How many calls may wait for their turn. Default: 0. */
  queue: withDefault(count, 0)
})

/**
 * The settings of a bulkhead, with their defaults filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type Bulkhead = typeof Bulkhead.Type
