/**
 * Every default of this package, in one place.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Backoff from "./Backoff.ts"

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
