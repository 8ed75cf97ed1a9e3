/**
 * Every default of this package, in one place, and settings for two kinds of work.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Backoff from "./Backoff.ts"
import type * as RetryPolicy from "./RetryPolicy.ts"

type Settings = Parameters<typeof RetryPolicy.make>[0]

/**
 * Half a second, doubling up to ten: a hiccup of the network.
 *
 * @category presets
 * @since 0.1.0
 */
export const quick = Backoff.Backoff.make({ base: Duration.millis(500), cap: Duration.seconds(10) })

/**
 * Two seconds, doubling up to a minute: a server in trouble.
 *
 * @category presets
 * @since 0.1.0
 */
export const steady = Backoff.Backoff.make({ base: Duration.seconds(2), cap: Duration.minutes(1) })

/**
 * A minute, doubling up to a quarter of an hour: name servers, maintenance.
 *
 * @category presets
 * @since 0.1.0
 */
export const slow = Backoff.Backoff.make({ base: Duration.minutes(1), cap: Duration.minutes(15) })

/**
 * Retries after the first attempt.
 *
 * @category presets
 * @since 0.1.0
 */
export const retries = 3

/**
 * The longest Retry-After that is waited for; a longer one ends the call at once and hands the time back.
 *
 * @category presets
 * @since 0.1.0
 */
export const maxRetryAfter = Duration.minutes(5)

/**
 * How long calls wait at most for somebody to act, such as to top up.
 *
 * @category presets
 * @since 0.1.0
 */
export const parkedAtMost = Duration.days(1)

/**
 * Rounds that failed items may go again.
 *
 * @category presets
 * @since 0.1.0
 */
export const rounds = 2

/**
 * Items of a round that run at the same time.
 *
 * @category presets
 * @since 0.1.0
 */
export const concurrency = 4

/**
 * Settings of a call that somebody waits for, such as a request between services: two seconds for an attempt, five in all, waits of 50 ms
 * to 1 s, a budget and a breaker. `RetryPolicy.make(Preset.service)`, or with settings of one's own after it.
 *
 * @category presets
 * @since 0.1.0
 */
export const service = {
  retries,
  attemptTimeout: Duration.seconds(2),
  deadline: Duration.seconds(5),
  maxRetryAfter: Duration.seconds(2),
  quick: Backoff.Backoff.make({ base: Duration.millis(50), cap: Duration.millis(500) }),
  steady: Backoff.Backoff.make({ base: Duration.millis(100), cap: Duration.seconds(1) }),
  slow: Backoff.Backoff.make({ base: Duration.millis(500), cap: Duration.seconds(2) }),
  budget: "standard",
  breaker: {}
} as const satisfies Settings

/**
 * Settings of work that nobody waits for, such as a nightly import: a minute for an attempt, an hour in all, eight retries at the default
 * paces, and up to a quarter of an hour for a server that asks for it.
 *
 * @category presets
 * @since 0.1.0
 */
export const batch = {
  retries: 8,
  attemptTimeout: Duration.minutes(1),
  deadline: Duration.hours(1),
  maxRetryAfter: Duration.minutes(15),
  quick,
  steady,
  slow
} as const satisfies Settings
