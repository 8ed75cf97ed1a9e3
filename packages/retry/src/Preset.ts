/**
 * The defaults of this package, and settings for two kinds of work.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Backoff from "./Backoff.ts"
import type * as RetryPolicy from "./RetryPolicy.ts"

// A program that names no preset does not bundle it: its calls are marked as pure.

type Settings = Parameters<typeof RetryPolicy.make>[0]

/**
 * Half a second, doubling up to ten: for a brief network fault.
 *
 * @category presets
 * @since 0.1.0
 */
export const quick = Backoff.Backoff.make({ base: Duration.millis(500), cap: Duration.seconds(10) })

/**
 * Two seconds, doubling up to a minute: for a server in trouble.
 *
 * @category presets
 * @since 0.1.0
 */
export const steady = Backoff.Backoff.make({ base: Duration.seconds(2), cap: Duration.minutes(1) })

/**
 * A minute, doubling up to a quarter of an hour: for name servers and maintenance.
 *
 * @category presets
 * @since 0.1.0
 */
export const slow = Backoff.Backoff.make({ base: Duration.minutes(1), cap: Duration.minutes(15) })

/**
 * How many retries follow the first attempt.
 *
 * @category presets
 * @since 0.1.0
 */
export const retries = 3

/**
 * The longest Retry-After that a call waits for; a longer one ends the call at once, with the time to come back.
 *
 * @category presets
 * @since 0.1.0
 */
export const maxRetryAfter = Duration.minutes(5)

/**
 * How long a call waits at most for somebody to act, such as to top up.
 *
 * @category presets
 * @since 0.1.0
 */
export const parkedAtMost = Duration.days(1)

/**
 * How many more rounds a redrive runs.
 *
 * @category presets
 * @since 0.1.0
 */
export const rounds = 2

/**
 * How many items of a round run at once.
 *
 * @category presets
 * @since 0.1.0
 */
export const concurrency = 4

/**
 * Settings for a call that somebody waits for, such as a request between services.
 *
 * Two seconds for an attempt, five in all, waits that start at 50 to 500 ms, a budget, and a breaker for each key (of `HttpRetry`: each
 * origin, whatever the path). Use `RetryPolicy.make(Preset.service)`, or spread it and override settings after it;
 * `RetryPolicy.config("SHOP", Preset.service)` lets variables override it.
 *
 * @category presets
 * @since 0.1.0
 */
export const service = {
  retries,
  attemptTimeout: /*#__PURE__*/ Duration.seconds(2),
  deadline: /*#__PURE__*/ Duration.seconds(5),
  maxRetryAfter: /*#__PURE__*/ Duration.seconds(2),
  quick: /*#__PURE__*/ Backoff.Backoff.make({
    base: /*#__PURE__*/ Duration.millis(50),
    cap: /*#__PURE__*/ Duration.millis(500)
  }),
  steady: /*#__PURE__*/ Backoff.Backoff.make({
    base: /*#__PURE__*/ Duration.millis(100),
    cap: /*#__PURE__*/ Duration.seconds(1)
  }),
  slow: /*#__PURE__*/ Backoff.Backoff.make({
    base: /*#__PURE__*/ Duration.millis(500),
    cap: /*#__PURE__*/ Duration.seconds(2)
  }),
  budget: "standard",
  breaker: {}
} as const satisfies Settings

/**
 * Settings for work that nobody waits for, such as a nightly import.
 *
 * A minute for an attempt, an hour in all, eight retries at the default paces, and a Retry-After of up to a quarter of an hour.
 *
 * @category presets
 * @since 0.1.0
 */
export const batch = {
  retries: 8,
  attemptTimeout: /*#__PURE__*/ Duration.minutes(1),
  deadline: /*#__PURE__*/ Duration.hours(1),
  maxRetryAfter: /*#__PURE__*/ Duration.minutes(15),
  quick,
  steady,
  slow
} as const satisfies Settings
