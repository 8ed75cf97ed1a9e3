/**
 * How long to wait before the next attempt: a series of delays, jittered, then capped.
 *
 * A backoff is data. `delay` is a pure function of the backoff, the attempt, the earlier waits and a random number, so tests can compare
 * delays as plain numbers. Retry-After is not its concern: the policy handles it.
 *
 * @since 0.1.0
 */
import type * as Durations from "@redrive/core/Durations"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { made, PolicyDuration, upTo, withDefault } from "./internal/policy/schema.ts"

/**
 * How a series of delays grows from its `base`.
 *
 * `constant`; `linear` (base, 2 base, 3 base); `exponential` (by `factor`); `fibonacci` (base, base, 2 base, 3 base, 5 base);
 * `decorrelated` (between the base and three times the previous delay); `smooth` (exponential, with a built-in jitter that spreads
 * delays evenly, as in Polly's second generation). `jitter` does not apply to the last two, which are random already.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Kind = Schema.Literals(["constant", "linear", "exponential", "fibonacci", "decorrelated", "smooth"])

/**
 * The name of a series of delays.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind = typeof Kind.Type

/**
 * How much of a delay is random.
 *
 * `full` picks anything from zero to the delay, `equal` anything in its upper half, `none` the delay itself. A number in (0, 1] picks
 * anything within that fraction above or below the delay.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Jitter = Schema.Union([Schema.Literals(["none", "equal", "full"]), upTo(1)])

/**
 * How much of a delay is random: a word, or a share in (0, 1].
 *
 * @category models
 * @since 0.1.0
 */
export type Jitter = typeof Jitter.Type

/**
 * A series of delays that begins with `base` and never exceeds `cap`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Backoff = Schema.Struct({
  /** How the delays grow. Default: `exponential`. */
  kind: withDefault(Kind, "exponential"),
  /** The first delay, before jitter. No default. */
  base: PolicyDuration,
  /** The longest delay. No default. */
  cap: PolicyDuration,
  /** How much each delay grows over the previous one, for `exponential` only. Default: 2. */
  factor: withDefault(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(1, { expected: "a number of 1 or more" })), 2),
  /** How much of a delay is random. Default: `full`. */
  jitter: withDefault(Jitter, "full")
}).check(
  Schema.makeFilter(({ base, cap }) =>
    Duration.isGreaterThan(base, cap) ? { path: ["cap"], issue: "the cap is below the base" } : undefined
  )
)

/**
 * A checked series of delays, as `make` returns it.
 *
 * @category models
 * @since 0.1.0
 */
export type Backoff = typeof Backoff.Type

/**
 * Makes a backoff; fields left out take their defaults. Throws an error whose message names each refused field and the reason.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Durations.Input<(typeof Backoff)["~type.make.in"]>): Backoff =>
  made("Backoff.make", Backoff, options)

/**
 * The waits so far.
 *
 * @category models
 * @since 0.1.0
 */
export interface Waited {
  /** The last wait, in milliseconds. Zero before the first one. */
  readonly previous: number
  /** The sum of all waits, in milliseconds. */
  readonly total: number
}

const nothing: Waited = { previous: 0, total: 0 }

/**
 * The delay after failed attempt number `attempt` (from 1), for a random number in [0, 1).
 *
 * Only `decorrelated` and `smooth` use `waited`. Without it, `decorrelated` starts from the base, and `smooth` assumes the same random
 * number for the previous delay.
 *
 * @category getters
 * @since 0.1.0
 */
export const delay = (self: Backoff, attempt: number, random: number, waited?: Waited): Duration.Duration =>
  Duration.millis(millis(self, attempt, random, waited))

/** The delay in milliseconds. */
const millis = (self: Backoff, attempt: number, random: number, waited?: Waited): number => {
  const [base, cap] = [Duration.toMillis(self.base), Duration.toMillis(self.cap)]
  // Zero times an infinite factor would be NaN.
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

/** Scales the smooth series so that its median doubles from the base each time. */
const spread = 1.4

/** An exponential series with a gentle start; beyond 2^1023 the cap takes over. */
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
 * The delays as an Effect `Schedule`, for use without a policy. It never ends, outputs each delay, and draws from `Random`.
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
