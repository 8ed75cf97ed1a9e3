import * as Duration from "effect/Duration"
import type * as JsonSchema from "effect/JsonSchema"
import type * as Backoff from "../Backoff.ts"
import type { RetryPolicy } from "../RetryPolicy.ts"

/** What each field means to somebody who writes one in an editor. */
const meanings: { readonly [Field in keyof RetryPolicy]-?: string } = {
  retries: "attempts after the first one (3)",
  operation: "whether a call creates, polls or reads: a creation that may have happened is not sent again (read)",
  attemptTimeout: "of one attempt, such as `10 seconds` (none)",
  deadline: "over all attempts and waits, such as `1 minute` (none)",
  maxRetryAfter: "the longest Retry-After that is waited for (5 minutes)",
  quick: "the backoff for a hiccup (500 millis doubling up to 10 seconds, full jitter)",
  steady: "the backoff for a server in trouble (2 seconds doubling up to 1 minute, full jitter)",
  slow: "the backoff for name servers and maintenance (1 minute doubling up to 15 minutes, full jitter)",
  server: "the backoff for a server that asks for patience without saying how long (as steady)",
  overrides: "by code or code/detail: fewer retries, a backoff, or giveUp (none)",
  nested: "within another policy's call: try `once`, or `retry` (once)",
  budget: "how many retries all calls together may make: a name or a rule (none)",
  breaker: "when calls are refused (none)",
  bulkhead: "how many calls run at once, and how many wait for that (none)",
  rateLimit: "how many calls begin in a stretch of time (none)",
  parking: "a gate for calls that wait until a person has acted (none)",
  hedge: "a second attempt beside one that is slow (none)"
}

/** A policy's JSON Schema, with the meaning of each field. */
export const described = <D extends JsonSchema.Document<"draft-2020-12">>(document: D): D => {
  const properties: { [name: string]: unknown } = {}
  for (const [name, schema] of Object.entries(document.schema.properties ?? {})) {
    properties[name] = Object.assign({ description: Reflect.get(meanings, name) }, schema)
  }
  return { ...document, schema: { ...document.schema, properties } }
}

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
    `${operation}: 1 attempt and ${times(retries)} at most`,
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

const times = (retries: number): string => (retries === 1 ? "1 retry" : `${retries} retries`)

const describeBackoff = ({ base, cap, factor, jitter, kind }: Backoff.Backoff): string => {
  const grown = kind === "exponential" ? `${kind} x${factor}` : kind
  return `${Duration.format(base)} ${grown}, cap ${Duration.format(cap)}, jitter ${jitter}`
}

const describeOverride = ({ backoff, giveUp: never, retries }: RetryPolicy["overrides"][string]): string => {
  if (never === true) return "give up"
  const most = retries === undefined ? [] : [`${times(retries)} at most`]
  return [...most, ...(backoff === undefined ? [] : [describeBackoff(backoff)])].join(", ") || "as its verdict says"
}
