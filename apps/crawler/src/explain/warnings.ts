/**
 * What an experienced engineer would object to in a policy, each in one line.
 */
import type * as Backoff from "@redrive/retry/Backoff"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Duration from "effect/Duration"
import type { Explanation } from "./Explanation.ts"
import { count, time, visible } from "./words.ts"

/** Names what a warning is about; the same in every version of its words. */
export type Code =
  | "no_limit_of_time"
  | "no_attempt_timeout"
  | "long_call"
  | "no_time_for_a_retry"
  | "rare_retries"
  | "retry_after_over_deadline"
  | "no_jitter"
  | "no_wait"
  | "amplification"
  | "budget_too_large"
  | "breaker_opens_in_a_call"
  | "unused_without_retries"
  | "hedge_unused"
  | "nested_retries"
  | "rate_limit_over_deadline"
  | "rate_limit_without_retries"
  | "parking_over_deadline"

/** An objection. */
export interface Warning {
  readonly code: Code
  /** A sentence: what happens, and what to change. */
  readonly text: string
}

type Facts = Omit<Explanation, "warnings">
type Policy = RetryPolicy.RetryPolicy

/** Requests for each call that an outage should not exceed. */
const tolerable = 2

/** A call that takes longer than a person waits. */
const patient = Duration.toMillis("1 minute")

const millis = (duration: Duration.Duration): string => time(Duration.toMillis(duration))

const timeLimits = (
  { attemptTimeout, deadline, retries: most }: Policy,
  { longest }: Facts
): ReadonlyArray<Warning> => {
  if (attemptTimeout === undefined && deadline === undefined) {
    return [
      {
        code: "no_limit_of_time",
        text: "An attempt that hangs is never ended: set attemptTimeout, and deadline for the whole call."
      }
    ]
  }
  if (attemptTimeout === undefined && deadline !== undefined && most > 0) {
    const text = `One attempt that hangs takes the whole deadline of ${millis(deadline)}, and no retry follows: set attemptTimeout.`
    return [{ code: "no_attempt_timeout", text }]
  }
  return deadline === undefined && longest !== null && longest > patient
    ? [{ code: "long_call", text: `A call may take ${time(longest)}: set deadline if somebody waits for it.` }]
    : []
}

const deadlines = (
  { attemptTimeout, deadline, maxRetryAfter, retries: most }: Policy,
  facts: Facts
): ReadonlyArray<Warning> => {
  if (deadline === undefined || most === 0) return []
  const late = facts.worst.filter(({ how }) => how === "late")
  const isTooShort = attemptTimeout !== undefined && late.every(({ attempts }) => attempts === 1)
  const rare = facts.paces.filter(({ retries }) => (retries[0]?.reached ?? 0) < 0.5).map(({ pace }) => pace)
  return [
    ...(isTooShort
      ? [
          {
            code: "no_time_for_a_retry" as const,
            text: `After an attempt of ${millis(attemptTimeout)} the deadline of ${millis(deadline)} leaves no time for a retry: shorten attemptTimeout.`
          }
        ]
      : []),
    ...(rare.length > 0
      ? [
          {
            code: "rare_retries" as const,
            text: `Less than half of the calls reach a retry after ${listed(rare)} failures before the deadline of ${millis(deadline)}: shorten the waits.`
          }
        ]
      : []),
    ...(Duration.isGreaterThanOrEqualTo(maxRetryAfter, deadline)
      ? [
          {
            code: "retry_after_over_deadline" as const,
            text: `A Retry-After of ${millis(maxRetryAfter)} is allowed, but the deadline ends the call after ${millis(deadline)}: set maxRetryAfter below it.`
          }
        ]
      : [])
  ]
}

const listed = (names: ReadonlyArray<string>): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`

/** The backoffs that are in force, by their names. */
const backoffs = (policy: Policy): ReadonlyArray<readonly [string, Backoff.Backoff]> => [
  ...(["quick", "steady", "slow", "server"] as const).flatMap((name) => {
    const backoff = policy[name]
    return backoff === undefined ? [] : [[name, backoff] as const]
  }),
  ...Object.entries(policy.overrides).flatMap(([code, { backoff }]) =>
    backoff === undefined ? [] : [[visible(code), backoff] as const]
  )
]

const named = (found: ReadonlyArray<readonly [string, Backoff.Backoff]>): string => {
  const names = found.map(([name]) => name)
  return names.length > 5 ? `${names.slice(0, 4).join(", ")} and ${names.length - 4} more` : listed(names)
}

const waits = (policy: Policy): ReadonlyArray<Warning> => {
  if (policy.retries === 0) return []
  const all = backoffs(policy)
  const still = all.filter(([, { base, jitter, kind }]) => {
    const isRandom = kind === "decorrelated" || kind === "smooth"
    return jitter === "none" && !isRandom && !Duration.isZero(base)
  })
  const none = all.filter(([, { base }]) => Duration.isZero(base))
  return [
    ...(still.length > 0
      ? [
          {
            code: "no_jitter" as const,
            text: `No jitter in ${named(still)}: clients that failed together retry together. Set jitter to full.`
          }
        ]
      : []),
    ...(none.length > 0
      ? [{ code: "no_wait" as const, text: `No wait in ${named(none)}: a retry follows at once. Give base some time.` }]
      : [])
  ]
}

const outages = ({ budget }: Policy, { outage }: Facts): ReadonlyArray<Warning> => {
  const worst = outage.loads
    .filter(({ isLimited }) => isLimited)
    .reduce((most, { amplification }) => Math.max(most, amplification), 0)
  if (worst <= tolerable) return []
  const sends = `An outage brings ${worst.toFixed(1)} requests for each call`
  return budget === undefined
    ? [{ code: "amplification", text: `${sends}: set a budget, such as standard.` }]
    : [
        {
          code: "budget_too_large",
          text: `${sends} in spite of the budget: each client has its own. Choose a smaller one.`
        }
      ]
}

const shared = (policy: Policy): ReadonlyArray<Warning> => {
  const { breaker, budget, hedge, nested, operation, rateLimit, retries: most } = policy
  const attempts = most + 1
  const trip = breaker?.trip._tag === "Consecutive" ? breaker.trip.failures : Infinity
  const found: ReadonlyArray<readonly [boolean, Code, string]> = [
    [
      most > 0 && trip <= attempts,
      "breaker_opens_in_a_call",
      `One call makes up to ${attempts} attempts, and ${trip === 1 ? "1 failure opens" : `${trip} failures in a row open`} the breaker: a single call can open it.`
    ],
    [
      budget !== undefined && most === 0,
      "unused_without_retries",
      "The budget has no effect, since there are no retries."
    ],
    [
      hedge !== undefined && operation === "idempotent",
      "hedge_unused",
      "The hedge has no effect: only reads and polls are sent twice."
    ],
    [
      nested === "retry" && most > 0,
      "nested_retries",
      `Within another call that retries, requests multiply: ${attempts} for each of its attempts. Leave nested at once.`
    ],
    [
      rateLimit !== undefined && most > 0,
      "rate_limit_without_retries",
      `The rate limit counts calls, not retries: ${count(rateLimit?.limit ?? 0, "call")} may send ${(rateLimit?.limit ?? 0) * attempts} requests.`
    ]
  ]
  return found.flatMap(([isTrue, code, text]) => (isTrue ? [{ code, text }] : []))
}

const queues = ({ deadline, parking, rateLimit }: Policy): ReadonlyArray<Warning> => {
  if (deadline === undefined) return []
  const turn = rateLimit?.maximumWait
  return [
    ...(turn !== undefined && Duration.isGreaterThanOrEqualTo(turn, deadline)
      ? [
          {
            code: "rate_limit_over_deadline" as const,
            text: `A call may wait ${millis(turn)} for its turn, but its deadline is ${millis(deadline)}: set maximumWait below it.`
          }
        ]
      : []),
    ...(parking !== undefined && Duration.isGreaterThan(parking.maximum, deadline)
      ? [
          {
            code: "parking_over_deadline" as const,
            text: `A parked call waits until the deadline of ${millis(deadline)}, not for ${millis(parking.maximum)}: nobody acts so soon.`
          }
        ]
      : [])
  ]
}

/** All that is true of a policy, the gravest first. */
export const of = (policy: Policy, facts: Facts): ReadonlyArray<Warning> => [
  ...timeLimits(policy, facts),
  ...outages(policy, facts),
  ...waits(policy),
  ...deadlines(policy, facts),
  ...queues(policy),
  ...shared(policy)
]
