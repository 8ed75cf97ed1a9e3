/**
 * How long to wait before the next attempt: exponential, capped, then jittered.
 *
 * A backoff is data; `delay` is a pure function of it, the attempt and a random number, so a list of delays can be tested as a
 * list of numbers. It knows no Retry-After: the policy does.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { PolicyDuration } from "./internal/duration.ts"

/**
 * How much of a delay is left to chance: `full` is anything from zero up to it, `equal` its upper half, `none` the delay itself.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Jitter = Schema.Literals(["none", "equal", "full"])

/**
 * @category models
 * @since 0.1.0
 */
export type Jitter = typeof Jitter.Type

/**
 * An exponential backoff: the first delay `base`, each next one `factor` times longer, none longer than `cap`.
 *
 * `factor` is 2 and `jitter` is `full` by default.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Backoff = Schema.Struct({
  base: PolicyDuration,
  cap: PolicyDuration,
  factor: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1)).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed(2)),
    Schema.withConstructorDefault(Effect.succeed(2))
  ),
  jitter: Jitter.pipe(
    Schema.withDecodingDefaultKey(Effect.succeed("full" as const)),
    Schema.withConstructorDefault(Effect.succeed("full" as const))
  )
}).check(Schema.makeFilter(({ base, cap }) => Duration.isLessThanOrEqualTo(base, cap) || "the cap is below the base"))

/**
 * @category models
 * @since 0.1.0
 */
export type Backoff = typeof Backoff.Type

/**
 * The delay after the `attempt`-th attempt failed (from 1), for a random number in [0, 1).
 *
 * @category getters
 * @since 0.1.0
 */
export const delay = (self: Backoff, attempt: number, random: number): Duration.Duration => {
  const cap = Duration.toMillis(self.cap)
  // A large exponent reaches Infinity, which the cap takes back.
  const longest = Math.min(cap, Duration.toMillis(self.base) * self.factor ** (attempt - 1))
  return Duration.millis(longest * share(self.jitter, random))
}

const share = (jitter: Jitter, random: number): number => {
  switch (jitter) {
    case "none":
      return 1
    case "equal":
      return 0.5 + random / 2
    case "full":
      return random
  }
}
