import * as Duration from "effect/Duration"
import type * as JsonSchema from "effect/JsonSchema"
import type * as Backoff from "../../Backoff.ts"
import type { RetryPolicy } from "../../RetryPolicy.ts"

/** The meaning of each field, as an editor shows it. */
const meanings: { readonly [Field in keyof RetryPolicy]-?: string } = {
  retries: "How many retries may follow the first attempt; more than 100 need a deadline. Default: 3.",
  operation:
    "What a call does: `create`, `idempotent`, `poll` or `read`. An ambiguous `create` is not sent again. Default: read.",
  attemptTimeout: "The longest time for one attempt, such as `10 seconds`. Default: no limit.",
  deadline: "The longest time for all attempts and waits of a call, such as `1 minute`. Default: no limit.",
  maxRetryAfter: "The longest Retry-After that a call waits for. Default: 5 minutes.",
  quick: "The backoff for a brief fault. Default: 500 millis, doubling up to 10 seconds, full jitter.",
  steady: "The backoff for a server in trouble. Default: 2 seconds, doubling up to 1 minute, full jitter.",
  slow: "The backoff for name servers and maintenance. Default: 1 minute, doubling up to 15 minutes, full jitter.",
  server: "The backoff for a server that throttles without saying how long. Default: as steady.",
  overrides: "By code or code/detail: fewer retries, a backoff, or giveUp. Default: none.",
  nested: "Within another policy's call: try `once`, or `retry` here too. Default: once.",
  budget: "How many retries all calls together may make: a name or a rule. Default: no limit.",
  breaker: "When calls of a key are refused. Default: never.",
  bulkhead: "How many calls run at once, and how many wait. Default: no limit.",
  rateLimit: "How many calls of a key begin in a window. Default: no limit.",
  parking: "A gate at which calls wait until a person has acted. Default: a parked call is given up.",
  hedge: "When a slow attempt is sent a second time. Default: never."
}

/** A policy's JSON Schema, with the meaning of each field. */
export const described = <D extends JsonSchema.Document<"draft-2020-12">>(document: D): D => {
  const properties: { [name: string]: unknown } = {}
  for (const [name, schema] of Object.entries(document.schema.properties ?? {})) {
    properties[name] = Object.assign({ description: Reflect.get(meanings, name) }, schema)
  }
  return { ...document, schema: { ...document.schema, properties } }
}

/** The settings in effect, one line per strategy. */
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
