import * as Headers from "effect/http/Headers"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { attempt, property } from "./chain.ts"

/** Headers by their lower-case names, or an object that is asked for them, as a `Response` has it. */
export type HeadersLike = { readonly [name: string]: unknown } | { readonly get: (name: string) => string | null }

export const header = (headers: HeadersLike, name: string): string | undefined => readerOf(headers)(name)

type Read = (name: string) => string | undefined

/** Reads many headers of one answer. */
const readerOf = (headers: HeadersLike): Read => {
  const get = property(headers, "get")
  const read = (name: string): unknown =>
    typeof get === "function" ? attempt(() => get.call(headers, name)) : property(headers, name)
  return (name) => {
    const value = read(name)
    return typeof value === "string" ? value : undefined
  }
}

/** How long an answer asks to wait: by Retry-After, else, where a wait can matter, by the rate limit that is used up. */
export const waitOf = (
  headers: HeadersLike,
  status: number,
  now: number | undefined
): Duration.Duration | undefined => {
  const read = readerOf(headers)
  const asked = millisOf(read("retry-after-ms")) ?? retryAfterOf(read("retry-after"), now)
  if (asked !== undefined || (status !== 403 && status !== 429 && status < 500)) return asked
  return limitOf(read, status === 429, now)
}

/** No honest site asks for more, and a wait without end could not be written as JSON. */
const longest = 365 * 24 * 3600 * 1000

/** Part of a millisecond counts as one; what floating point adds does not. */
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

/** Retry-After, RFC 9110 10.2.3, with the decimals that servers send in spite of it. Without a clock, dates are not understood. */
export const retryAfterOf = (value: string | undefined, now: number | undefined): Duration.Duration | undefined => {
  const seconds = numberOf(value)
  if (seconds !== undefined) return wait(seconds * 1000)
  if (value === undefined || now === undefined) return undefined
  const date = Headers.parseRetryAfter(value)
  return Result.isSuccess(date) ? wait(Duration.toMillis(Headers.retryAfterDelay(date.success, now))) : undefined
}

/** What is left of a rate limit, and when it starts again, as the headers say it. */
interface Limit {
  readonly remaining: string | undefined
  readonly reset: string | undefined
}

/** The longest wait for limits that are used up. One that does not say what is left counts where the answer itself says it (429). */
const limitOf = (read: Read, isLimited: boolean, now: number | undefined): Duration.Duration | undefined => {
  const limits = [...listed(read("ratelimit")), ...separate(read)]
  if (limits.length === 0) return undefined
  const longestOf = (remaining: number | undefined) =>
    limits
      .filter((limit) => numberOf(limit.remaining) === remaining)
      .flatMap(({ reset }) => resetOf(reset, now) ?? [])
      .reduce<Duration.Duration | undefined>((most, reset) => (most ? Duration.max(most, reset) : reset), undefined)
  return longestOf(0) ?? (isLimited ? longestOf(undefined) : undefined)
}

/** Headers of their own: the IETF drafts 3 to 6, those that were usual before, and OpenAI's, one pair for each resource. */
const pairs = ["ratelimit", "x-ratelimit", "x-rate-limit"].flatMap((family) =>
  ["", "-requests", "-tokens"].map(
    (resource) => [`${family}-remaining${resource}`, `${family}-reset${resource}`] as const
  )
)

const separate = (read: Read): ReadonlyArray<Limit> => {
  const limits: Array<Limit> = []
  for (const [remaining, name] of pairs) {
    const reset = read(name)
    if (reset !== undefined) limits.push({ remaining: read(remaining), reset })
  }
  return limits
}

/** No server has so many limits; what is longer is not read. */
const longestList = 2000

/** One header for all: the IETF drafts 8 to 10 list limits with parameters, draft 7 has one limit. */
const listed = (value: string | undefined): ReadonlyArray<Limit> => {
  if (value === undefined || value.length > longestList) return []
  // The names of limits may have in them what stands between limits.
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

/** Hours, minutes and seconds or milliseconds, as Go writes a duration. */
const duration = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)(m?)s)?$/

/** Seconds or a duration from now, or seconds or milliseconds since the epoch, told apart by their size. */
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
