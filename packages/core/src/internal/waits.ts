import * as Headers from "effect/http/Headers"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { safely, property } from "./chain.ts"

/** Headers by their lower-case names, or an object with `get`, such as the headers of a `Response`. */
export type HeadersLike = { readonly [name: string]: unknown } | { readonly get: (name: string) => string | null }

export const header = (headers: HeadersLike, name: string): string | undefined => readerOf(headers)(name)

type HeaderOf = (name: string) => string | undefined

/** Makes a reader for several headers of one answer. */
const readerOf = (headers: HeadersLike): HeaderOf => {
  const get = property(headers, "get")
  const valueOf = (name: string): unknown =>
    typeof get === "function" ? safely(() => get.call(headers, name)) : property(headers, name)
  return (name) => {
    const found = valueOf(name)
    // Node.js and undici keep the lines of a header apart.
    const value = Array.isArray(found) ? found.slice(0, longestList).join(", ") : found
    return typeof value === "string" ? value : undefined
  }
}

/** How long an answer asks to wait: by Retry-After, or else, for 403, 429 and 5xx, by an exhausted rate limit. */
export const waitOf = (
  headers: HeadersLike,
  status: number,
  now: number | undefined
): Duration.Duration | undefined => {
  const headerOf = readerOf(headers)
  const asked = millisOf(headerOf("retry-after-ms")) ?? retryAfterOf(headerOf("retry-after"), now)
  if (asked !== undefined || (status !== 403 && status !== 429 && status < 500)) return asked
  return limitOf(headerOf, status === 429, now)
}

/** The longest wait that is heeded, in milliseconds. No honest site asks for more, and an infinite wait could not be encoded as JSON. */
export const longest = 365 * 24 * 3600 * 1000

/** Rounds up to whole milliseconds, but ignores floating-point errors. */
const wait = (millis: number): Duration.Duration => {
  const whole = Number.isInteger(millis) ? millis : Math.ceil(Number(millis.toFixed(3)))
  return Duration.millis(Math.min(longest, Math.max(0, whole)))
}

const decimal = /^\s*\d+(?:\.\d+)?\s*$/

const numberOf = (value: string | undefined): number | undefined =>
  value !== undefined && decimal.test(value) ? Number(value) : undefined

const millisOf = (value: string | undefined): Duration.Duration | undefined => {
  const millis = numberOf(value)
  return millis === undefined ? undefined : wait(millis)
}

/** Reads Retry-After (RFC 9110, section 10.2.3), and the decimals that servers send in spite of it. Dates need `now`. */
export const retryAfterOf = (value: string | undefined, now: number | undefined): Duration.Duration | undefined => {
  const seconds = numberOf(value)
  if (seconds !== undefined) return wait(seconds * 1000)
  if (value === undefined || now === undefined) return undefined
  const date = Headers.parseRetryAfter(value)
  return Result.isSuccess(date) ? wait(Duration.toMillis(Headers.retryAfterDelay(date.success, now))) : undefined
}

/** The remaining count of a rate limit and its reset, as in the headers. */
interface Limit {
  readonly remaining: string | undefined
  readonly reset: string | undefined
}

/** The longest reset of exhausted limits. A limit without a remaining count is used if the status itself says so (429). */
const limitOf = (headerOf: HeaderOf, isLimited: boolean, now: number | undefined): Duration.Duration | undefined => {
  const limits = [...listed(headerOf("ratelimit")), ...separate(headerOf)]
  if (limits.length === 0) return undefined
  const longestOf = (remaining: number | undefined) =>
    limits
      .filter((limit) => leftOf(limit) === remaining)
      .flatMap(({ reset }) => resetOf(reset, now) ?? [])
      .reduce<Duration.Duration | undefined>((most, reset) => (most ? Duration.max(most, reset) : reset), undefined)
  return longestOf(0) ?? (isLimited ? longestOf(undefined) : undefined)
}

/** Some servers count on below zero. */
const leftOf = ({ remaining }: Limit): number | undefined =>
  remaining !== undefined && /^\s*-\d/.test(remaining) ? 0 : numberOf(remaining)

/** Separate headers: the IETF drafts 3 to 6, the usual ones before them, and OpenAI's, one pair for each resource. */
const pairs = ["ratelimit", "x-ratelimit", "x-rate-limit"].flatMap((family) =>
  ["", "-requests", "-tokens"].map(
    (resource) => [`${family}-remaining${resource}`, `${family}-reset${resource}`] as const
  )
)

const separate = (headerOf: HeaderOf): ReadonlyArray<Limit> => {
  const limits: Array<Limit> = []
  for (const [remaining, name] of pairs) {
    const reset = headerOf(name)
    if (reset !== undefined) limits.push({ remaining: headerOf(remaining), reset })
  }
  return limits
}

/** Longer headers are not read: no server has so many limits. */
const longestList = 2000

/** A single header: the IETF drafts 8 to 10 list limits with parameters, draft 7 has one limit. */
const listed = (value: string | undefined): ReadonlyArray<Limit> => {
  if (value === undefined || value.length > longestList) return []
  // The quoted names of limits may contain separators.
  const text = value.replace(/"(?:[^"\\]|\\.)*"/g, "_")
  if (/\b(?:remaining|reset)\s*=/.test(text)) return [limit(text, "remaining", "reset")]
  return text.split(",").map((item) => limit(item, "r", "t"))
}

const limit = (text: string, remaining: string, reset: string): Limit => ({
  remaining: parameter(text, remaining),
  reset: parameter(text, reset)
})

const parameter = (text: string, name: string): string | undefined =>
  new RegExp(`(?:^|[;,\\s])${name}\\s*=\\s*([^\\s;,]+)`).exec(text)?.[1]

/** Hours, minutes and seconds or milliseconds, in Go's format of a duration. */
const duration = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)(m?)s)?$/

/** A reset as seconds or a duration from now, or as seconds or milliseconds since the epoch, told apart by size. */
const resetOf = (value: string | undefined, now: number | undefined): Duration.Duration | undefined => {
  if (value === undefined || value.length > 32) return undefined
  const number = numberOf(value)
  if (number === undefined) {
    const [text, hours, minutes, rest = "0", milli] = duration.exec(value.trim()) ?? []
    if (!text) return undefined
    return wait((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000 + Number(rest) * (milli ? 1 : 1000))
  }
  if (number < 1e9) return wait(number * 1000)
  const epoch = number < 1e10 ? number * 1000 : number >= 1e12 && number < 1e13 ? number : undefined
  return epoch === undefined || now === undefined ? undefined : wait(epoch - now)
}
