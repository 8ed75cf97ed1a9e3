import * as Duration from "effect/Duration"
import type * as JsonSchema from "effect/JsonSchema"
import type * as Backoff from "../../Backoff.ts"
import type { RetryPolicy } from "../../RetryPolicy.ts"
import { meanings } from "./meanings.ts"

type Part = keyof typeof meanings

/** The schemas of fields that are structs. Rules are known by their `_tag`. */
const partOf: { readonly [field: string]: Part } = {
  quick: "Backoff",
  steady: "Backoff",
  slow: "Backoff",
  server: "Backoff",
  backoff: "Backoff",
  openFor: "Backoff",
  probe: "Backoff",
  overrides: "Override",
  breaker: "Breaker",
  bulkhead: "Bulkhead",
  rateLimit: "RateLimit",
  parking: "Parking",
  hedge: "Hedge"
}

const isPart = (name: unknown): name is Part => typeof name === "string" && Object.hasOwn(meanings, name)

/** A policy's JSON Schema, with the meaning of each field. */
export const described = <D extends JsonSchema.Document<"draft-2020-12">>(document: D): D => ({
  ...document,
  schema: withMeanings(document.schema, "Fields")
})

/** Gives every property of a schema, however deep, its meaning; `part` is the schema that has the properties. */
const withMeanings = (schema: JsonSchema.JsonSchema, part: Part | undefined): JsonSchema.JsonSchema => {
  const { additionalProperties, anyOf, properties } = schema
  const tag: unknown = isSchema(properties) && isSchema(properties["_tag"]) ? properties["_tag"]["enum"] : undefined
  const name = Array.isArray(tag) && isPart(tag[0]) ? tag[0] : part
  const below = (one: unknown) => (isSchema(one) ? withMeanings(one, name) : one)
  return {
    ...schema,
    ...(Array.isArray(anyOf) && { anyOf: anyOf.map(below) }),
    ...(isSchema(additionalProperties) && { additionalProperties: below(additionalProperties) }),
    ...(isSchema(properties) && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([field, one]) => [field, property(name, field, one)])
      )
    })
  }
}

const property = (part: Part | undefined, field: string, schema: unknown): unknown => {
  if (!isSchema(schema)) return schema
  const description: unknown = part && Reflect.get(meanings[part], field)
  return { ...(description !== undefined && { description }), ...withMeanings(schema, partOf[field]) }
}

const isSchema = (u: unknown): u is JsonSchema.JsonSchema => typeof u === "object" && u !== null && !Array.isArray(u)

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
