import * as Duration from "effect/Duration"
import type * as Backoff from "../Backoff.ts"
import type { RetryPolicy } from "../RetryPolicy.ts"

/** What is really active in a policy, a line each. */
export const describe = (self: RetryPolicy): ReadonlyArray<string> => {
  const {
    attemptTimeout,
    breaker,
    budget,
    bulkhead,
    deadline,
    hedge,
    maxRetryAfter,
    nested,
    operation,
    overrides,
    parking,
    rateLimit,
    retries
  } = self
  const timed = [
    attemptTimeout && `${Duration.format(attemptTimeout)} for one attempt`,
    deadline && `${Duration.format(deadline)} for all of them`
  ].filter((limit) => limit !== undefined)
  const paces = (["quick", "steady", "slow", "server"] as const).map(
    (name) => `  ${name}: ${describeBackoff(self[name] ?? self.steady)}`
  )
  const lines = [
    `${operation}: 1 attempt and ${retries} ${retries === 1 ? "retry" : "retries"} at most`,
    `time: ${timed.length === 0 ? "no limit" : timed.join(", ")}`,
    ...(retries === 0
      ? []
      : [`waits, but a Retry-After over ${Duration.format(maxRetryAfter)} ends the call:`, ...paces]),
    ...Object.entries(overrides).map(([code, one]) => `  ${code}: ${describeOverride(one)}`),
    nested === "once"
      ? "within another policy's call: 1 attempt"
      : "within another policy's call: its own retries, times the other's",
    `budget: ${budget === undefined ? "none" : typeof budget === "string" ? budget : budget._tag}`,
    `breaker: ${breaker === undefined ? "none" : `${breaker.trip._tag}, open for ${describeBackoff(breaker.openFor)}`}`,
    `bulkhead: ${bulkhead === undefined ? "none" : `${bulkhead.concurrent} at once, ${bulkhead.queue} waiting`}`,
    `rate limit: ${rateLimit === undefined ? "none" : `${rateLimit.limit} in ${Duration.format(rateLimit.window)}, waiting ${Duration.format(rateLimit.maximumWait)} at most`}`,
    `parking: ${parking === undefined ? "none" : `for ${Duration.format(parking.maximum)} at most`}`,
    `hedge: ${hedge === undefined ? "none" : `after ${Duration.format(hedge.after)}, ${100 * hedge.share} % of the calls at most`}`
  ]
  return lines
}

const describeBackoff = ({ base, cap, factor, jitter, kind }: Backoff.Backoff): string => {
  const grown = kind === "exponential" ? `${kind} x${factor}` : kind
  return `${Duration.format(base)} ${grown}, cap ${Duration.format(cap)}, jitter ${jitter}`
}

const describeOverride = ({ backoff, giveUp: never, retries }: RetryPolicy["overrides"][string]): string => {
  if (never === true) return "give up"
  const most = retries === undefined ? [] : [`${retries} retries at most`]
  return [...most, ...(backoff === undefined ? [] : [describeBackoff(backoff)])].join(", ") || "as its verdict says"
}
