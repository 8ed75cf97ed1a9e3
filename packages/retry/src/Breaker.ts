/**
 * A circuit breaker: refuses calls for a while after too many failures, so that the other side can recover.
 *
 * A breaker is data; `make` gives its state. A half-open breaker lets a few probes through, each under a lease, so that a probe that
 * never reports back cannot block it. Results of calls that began before it opened or closed do not count. `Distributed` shares breakers
 * between processes with Effect's own `CircuitBreaker`, on Redis.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Backoff from "./Backoff.ts"
import { atLeastOne as count, notAtOnce, SomeDuration, upTo, withDefault } from "./internal/policy/schema.ts"
import * as Trip from "./internal/state/trip.ts"

const rate = upTo(1)

/**
 * Opens after this many `failures` in a row.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Consecutive = Schema.TaggedStruct("Consecutive", {
  /** How many failures in a row open the breaker. No default. */
  failures: count
})

/**
 * Opens when at least this `rate` of the last `size` calls failed, but not before `minimum` calls.
 *
 * @category schemas
 * @since 0.1.0
 */
export const CountWindow = Schema.TaggedStruct("CountWindow", {
  /** How many of the last calls count. No default. */
  size: count,
  /** The share of failures that opens the breaker, above 0 and at most 1. No default. */
  rate,
  /** How many calls must have ended before the breaker may open, at most `size`. No default. */
  minimum: count
}).check(
  Schema.makeFilter(({ minimum, size }) =>
    minimum > size ? { path: ["minimum"], issue: "more calls than the window has" } : undefined
  )
)

/**
 * Opens when at least this `rate` of the calls within the last `length` failed, but not before `minimum` calls.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TimeWindow = Schema.TaggedStruct("TimeWindow", {
  /** How long a call counts. No default. */
  length: SomeDuration,
  /** The share of failures that opens the breaker, above 0 and at most 1. No default. */
  rate,
  /** How many calls within `length` must have ended before the breaker may open. No default. */
  minimum: count
})

/**
 * The rules by which a breaker opens.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TripRule = Schema.Union([Consecutive, CountWindow, TimeWindow])

/**
 * When a breaker opens, how long it stays open, and how it probes.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Breaker = Schema.Struct({
  /** When it opens. Default: after 5 failures in a row. */
  trip: withDefault(TripRule, { _tag: "Consecutive", failures: 5 }),
  /** A success that took longer counts as a failure. Default: no success does. */
  slowerThan: Schema.optionalKey(SomeDuration),
  /** How long it stays open, as a backoff over the times it opens without closing in between. Default: 5 seconds, ±10 %. */
  openFor: withDefault(
    Backoff.Backoff.check(notAtOnce),
    Backoff.make({ kind: "constant", base: Duration.seconds(5), cap: Duration.millis(5500), jitter: 0.1 })
  ),
  /** How many probes may run at once while it is half open, and how many must succeed in a row before it closes. Default: 1. */
  probes: withDefault(count, 1),
  /** How long a probe may take to report before its place goes to another. Default: 30 seconds. */
  lease: withDefault(SomeDuration, Duration.seconds(30))
})

/**
 * The settings of a breaker, with their defaults filled in.
 *
 * @category models
 * @since 0.1.0
 */
export type Breaker = typeof Breaker.Type

/**
 * Lets one attempt through. Hand it back with the result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Permit {
  readonly _tag: "Permit"
  /** How often the breaker had opened or closed. The result of an attempt from another generation does not count. */
  readonly generation: number
  /** For a probe: the time, in milliseconds, at which its place goes to another. `undefined` for any other attempt. */
  readonly lease: number | undefined
}

/**
 * Refuses one attempt.
 *
 * @category models
 * @since 0.1.0
 */
export interface Refused {
  readonly _tag: "Refused"
  /** The milliseconds after which a probe may go through; `Infinity` if the breaker is isolated. */
  readonly retryAfter: number
}

/**
 * How an attempt ended. `ignored` says nothing about the other side: an interruption, or a failure that is the caller's own.
 *
 * @category models
 * @since 0.1.0
 */
export type AttemptEnd = "success" | "failure" | "ignored"

/**
 * `closed` admits every attempt, `open` none, `half open` only probes, and `isolated` none until it is reset.
 *
 * @category models
 * @since 0.1.0
 */
export type Condition = "closed" | "open" | "half open" | "isolated"

/**
 * The state of a breaker. Times and durations are milliseconds, `random` is in [0, 1); nothing here reads a clock.
 *
 * @category models
 * @since 0.1.0
 */
export interface State {
  /** Admits an attempt or refuses it. */
  readonly admit: (now: number) => Permit | Refused
  /** Counts a result. `took` is how long the call ran; `hint` is a failure's Retry-After, for which the breaker stays open at least. */
  readonly record: (
    permit: Permit,
    outcome: AttemptEnd,
    now: number,
    random: number,
    took?: number,
    hint?: number
  ) => void
  /** Whether it is closed, open, half open or isolated. */
  readonly condition: (now: number) => Condition
  /** Refuses every call until `reset`. */
  readonly isolate: () => void
  /** Closes it and clears its counts. */
  readonly reset: () => void
}

/**
 * Called when a breaker opens, for `delay` milliseconds, or closes.
 *
 * @category models
 * @since 0.1.0
 */
export type Listener = (change: { readonly to: "open"; readonly delay: number } | { readonly to: "closed" }) => void

/**
 * A closed breaker.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (breaker: Breaker, listen: Listener = () => undefined): State => {
  const { lease, openFor, probes, slowerThan, trip } = breaker
  const slow = slowerThan === undefined ? Infinity : Duration.toMillis(slowerThan)
  const leaseMillis = Duration.toMillis(lease)
  const rule = Trip.make(trip)
  let generation = 0
  let opened = 0
  let openUntil = -Infinity
  let condition: "closed" | "open" | "isolated" = "closed"
  let succeeded = 0
  // The end of each running probe's lease.
  let leases: ReadonlyArray<number> = []
  let passing: Permit = { _tag: "Permit", generation, lease: undefined }

  const close = () => {
    generation++
    condition = "closed"
    opened = 0
    rule.clear()
    passing = { _tag: "Permit", generation, lease: undefined }
  }

  const open = (now: number, random: number, hint: number) => {
    generation++
    opened++
    condition = "open"
    succeeded = 0
    leases = []
    const delay = Math.max(hint, Duration.toMillis(Backoff.delay(openFor, opened, random)))
    openUntil = now + delay
    listen({ to: "open", delay })
  }

  const admit = (now: number): Permit | Refused => {
    if (condition === "closed") return passing
    if (condition === "isolated") return { _tag: "Refused", retryAfter: Infinity }
    if (now < openUntil) return { _tag: "Refused", retryAfter: openUntil - now }
    leases = leases.filter((end) => end > now)
    if (leases.length >= probes) return { _tag: "Refused", retryAfter: Math.min(...leases) - now }
    const end = now + leaseMillis
    leases = [...leases, end]
    return { _tag: "Permit", generation, lease: end }
  }

  const record: State["record"] = (permit, outcome, now, random, took = 0, hint = 0) => {
    if (permit.generation !== generation || condition === "isolated") return
    const isFailure = outcome === "failure" || (outcome === "success" && took > slow)
    if (permit.lease !== undefined) {
      const at = leases.indexOf(permit.lease)
      // A probe whose lease has ended has no place to give back.
      if (at >= 0) leases = leases.toSpliced(at, 1)
      if (isFailure) return open(now, random, hint)
      if (outcome === "ignored" || ++succeeded < probes) return
      close()
      return listen({ to: "closed" })
    }
    if (outcome === "ignored") return
    rule.count(isFailure, now)
    if (isFailure && rule.isTripped(now)) open(now, random, hint)
  }

  return {
    admit,
    record,
    condition: (now) => (condition === "open" && now >= openUntil ? "half open" : condition),
    isolate: () => {
      generation++
      condition = "isolated"
    },
    reset: close
  }
}
