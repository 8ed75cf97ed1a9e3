/**
 * Parking: a call that fails until a person acts (an empty balance) shuts a gate for all calls of its key.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Backoff from "./Backoff.ts"
import { notAtOnce, SomeDuration, withDefault } from "./internal/policy/schema.ts"
import * as Preset from "./Preset.ts"

/**
 * Calls of the key wait at the gate, without attempts, until a probe succeeds or the key is resumed by hand.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Parking = Schema.Struct({
  /** How long to wait before each probe. Default: `Preset.slow`. */
  probe: withDefault(Backoff.Backoff.check(notAtOnce), Preset.slow),
  /** How long a call waits at most. Default: 1 day. */
  maximum: withDefault(SomeDuration, Preset.parkedAtMost)
}).check(
  Schema.makeFilter(({ maximum, probe }) =>
    Duration.isLessThan(maximum, probe.base)
      ? { path: ["maximum"], issue: "over before the first probe: give a shorter probe.base, or wait longer" }
      : undefined
  )
)

/**
 * The settings of parking, with their defaults filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type Parking = typeof Parking.Type
