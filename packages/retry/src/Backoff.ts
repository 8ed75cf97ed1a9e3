/**
 * How long to wait before the next attempt: a series of delays, jittered, then capped.
 *
 * A backoff is data; `delay` is a pure function of it, the attempt, what was waited before and a random number, so a list of delays
 * can be tested as a list of numbers. It knows no Retry-After: the policy does.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { made, PolicyDuration, withDefault } from "./internal/schema.ts"

/**
 * How a series of delays grows from its `base`.
 *
 * `constant`; `linear` (base, 2 base, 3 base); `exponential` (by `factor`); `fibonacci` (base, base, 2 base, 3 base, 5 base);
 * `decorrelated` (between the base and three times the delay before); `smooth` (exponential with a jitter of its own that spreads
 * delays evenly, as Polly's second generation does it). The last two are jitter by themselves: `jitter` does not apply to them.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Kind = Schema.Literals(["constant", "linear", "exponential", "fibonacci", "decorrelated", "smooth"])

/**
 * @category models
 * @since 0.1.0
 */
export type Kind = typeof Kind.Type

/**
 * How much of a delay is left to chance: `full` is anything from zero up to it, `equal` its upper half, `none` the delay itself, and a
 * number in (0, 1] as much of it more or less.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Jitter = Schema.Union([
  Schema.Literals(["none", "equal", "full"]),
  Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThanOrEqualTo(1))
])

/**
 * @category models
 * @since 0.1.0
 */
export type Jitter = typeof Jitter.Type

/**
 * A series of delays that begins with `base` and never passes `cap`.
 *
 * `kind` is `exponential`, `factor` (of an exponential one) is 2 and `jitter` is `full` by default.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Backoff = Schema.Struct({
  kind: withDefault(Kind, "exponential"),
  base: PolicyDuration,
  cap: PolicyDuration,
  factor: withDefault(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1)), 2),
  jitter: withDefault(Jitter, "full")
}).check(
  Schema.makeFilter(({ base, cap }) =>
    Duration.isGreaterThan(base, cap) ? { path: ["cap"], issue: "the cap is below the base" } : undefined
  )
)

/**
 * @category models
 * @since 0.1.0
 */
export type Backoff = typeof Backoff.Type

/**
 * A backoff with the defaults for what is left out. Throws an error whose message names the fields that are refused, and why.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: (typeof Backoff)["~type.make.in"]): Backoff => made(() => Backoff.make(options))

/**
 * What was waited already, in milliseconds: the delay before (`previous`) and all of them together (`total`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Waited {
  readonly previous: number
  readonly total: number
}

const nothing: Waited = { previous: 0, total: 0 }

/**
 * The delay after the `attempt`-th attempt failed (from 1), for a random number in [0, 1).
 *
 * `waited` matters to `decorrelated` and `smooth` only; without it they take chance to have been the same each time.
 *
 * @category getters
 * @since 0.1.0
 */
export const delay = (self: Backoff, attempt: number, random: number, waited?: Waited): Duration.Duration =>
  Duration.millis(millis(self, attempt, random, waited))

/** The same in milliseconds. */
const millis = (self: Backoff, attempt: number, random: number, waited?: Waited): number => {
  const [base, cap] = [Duration.toMillis(self.base), Duration.toMillis(self.cap)]
  // A delay of zero stays zero, whatever an endless factor would make of it.
  if (base === 0) return 0
  const jittered = (series: number) => Math.min(cap, Math.min(cap, base * series) * share(self.jitter, random))
  switch (self.kind) {
    case "constant":
      return jittered(1)
    case "linear":
      return jittered(attempt)
    case "exponential":
      return jittered(self.factor ** (attempt - 1))
    case "fibonacci":
      return jittered(fibonacci(attempt))
    case "decorrelated": {
      const { previous } = waited ?? nothing
      return Math.min(cap, base + random * (3 * Math.max(base, previous) - base))
    }
    case "smooth": {
      const reached = waited === undefined ? smooth(attempt - 2 + random) : (waited.total / base) * spread
      return Math.min(cap, Math.max(0, (base * (smooth(attempt - 1 + random) - reached)) / spread))
    }
  }
}

/** Binet's formula, which reaches Infinity where the sum would need too many steps. */
const fibonacci = (n: number): number => Math.round(((1 + Math.sqrt(5)) / 2) ** n / Math.sqrt(5))

/** What makes the smooth series' median the base's double each time. */
const spread = 1.4

/** An exponential series that begins gently; beyond 2^1023 the cap takes over. */
const smooth = (time: number): number =>
  time <= 0 ? 0 : Math.min(Number.MAX_VALUE, 2 ** time) * Math.tanh(Math.sqrt(4 * time))

const share = (jitter: Jitter, random: number): number => {
  switch (jitter) {
    case "none":
      return 1
    case "equal":
      return 0.5 + random / 2
    case "full":
      return random
    default:
      return 1 + jitter * (2 * random - 1)
  }
}

/**
 * The same delays as an Effect `Schedule`, for those who only want these. It never ends, gives each delay, and takes chance from `Random`.
 *
 * @category conversions
 * @since 0.1.0
 */
export const schedule = (self: Backoff): Schedule.Schedule<Duration.Duration> =>
  Schedule.fromStep(
    Effect.sync(() => {
      let attempt = 0
      let waited = nothing
      return () =>
        Effect.map(Random.next, (random): [Duration.Duration, Duration.Duration] => {
          const previous = millis(self, ++attempt, random, waited)
          waited = { previous, total: waited.total + previous }
          const next = Duration.millis(previous)
          return [next, next]
        })
    })
  )
