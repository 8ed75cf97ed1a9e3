import * as Headers from "effect/http/Headers"
import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as ItemError from "../ItemError.ts"
import { type Link, property, read } from "./chain.ts"
import { withoutStack } from "./failure.ts"
import * as Signals from "./signals.ts"

/** Headers by their lower-case names, or an object that is asked for them, as a `Response` has it. */
export type HeadersLike = { readonly [name: string]: unknown } | { readonly get: (name: string) => string | null }

export interface Answer {
  readonly status: number
  readonly headers: HeadersLike
  readonly body?: string | undefined
}

/** The reason that the first link of known meaning tells. */
export const fromLinks = (links: ReadonlyArray<Link>, now: number | undefined, cause: unknown): ItemError.Reason => {
  let inBody = false
  for (const { value } of links) {
    const answer = answerOf(value)
    const answered = answer && reasonOfAnswer(answer, now, cause)
    if (answered !== undefined) return answered
    const meaning = meaningOf(value)
    if (read(value, "message") === "terminated" || read(value, "_tag") === "DecodeError") inBody = true
    if (meaning !== undefined) {
      return reasonOf(inBody && meaning.detail === "connection_reset" ? Signals.brokenBody : meaning, cause)
    }
  }
  return reasonOf(Signals.unknown, cause)
}

/** Made on hot paths and thrown by nobody, so it needs no stack. */
const reasonOf = ({ code, detail }: Signals.Meaning, cause: unknown): ItemError.Reason =>
  withoutStack(() => ItemError.ItemError.reasonOf(code, { status: 0, detail, cause }))

const meaningOf = (link: object): Signals.Meaning | undefined => {
  const [code, message] = [read(link, "code"), read(link, "message")]
  const said = message && Signals.byMessage.find(([pattern]) => pattern.test(message))?.[1]
  if (said) return said
  const syscall = read(link, "syscall")
  if (code === "ECONNREFUSED" && syscall?.startsWith("query") === true) return Signals.resolverRefused
  if (code === "ETIMEDOUT" && (syscall === "read" || syscall === "write")) return Signals.readTimeout
  const coded = code === undefined ? undefined : (Signals.byCode.get(code) ?? prefixed(code))
  return coded ?? Signals.byName.get(read(link, "name") ?? "") ?? Signals.byName.get(read(link, "_tag") ?? "")
}

const prefixed = (code: string) => Signals.byPrefix.find(([prefix]) => code.startsWith(prefix))?.[1]

/** The answer that a client's error is about, if its status is no success. */
const answerOf = (link: object): Answer | undefined => {
  for (const value of [property(link, "response"), link, property(link, "$metadata")]) {
    if (!Predicate.isObjectKeyword(value)) continue
    const status = ["status", "statusCode", "httpStatusCode"].map((name) => property(value, name)).find(isStatus)
    const headers = property(value, "headers")
    if (status !== undefined)
      return { status, headers: Predicate.isObjectKeyword(headers) ? (headers as HeadersLike) : {} }
  }
  return undefined
}

const isStatus = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 300 && Number(value) <= 599

/** What Cloudflare's page says to a browser that it takes for a robot. */
const challenge = /<title>Just a moment\.\.\.<\/title>/

export const reasonOfAnswer = (
  { body, headers, status }: Answer,
  now: number | undefined,
  cause?: unknown
): ItemError.Reason | undefined => {
  if (status >= 200 && status <= 299) return undefined
  const isChallenge = header(headers, "cf-mitigated") === "challenge" || (body !== undefined && challenge.test(body))
  const facts = {
    // What is no whole number is no status of HTTP, and could not be written as one.
    ...(Number.isSafeInteger(status) ? { status } : { status: 0, detail: "odd_status" }),
    ...(isChallenge && (status === 403 || status === 429 || status === 503) ? { detail: "bot_challenge" } : {}),
    ...(cause === undefined ? {} : { cause })
  }
  return withoutStack(() => {
    if (status === 403) return new ItemError.WebsiteAccessDenied(facts)
    if (header(headers, "x-squid-error")?.startsWith("ERR_DNS_FAIL") === true) {
      return new ItemError.NameNotResolved({ detail: "dns_unavailable", ...(cause === undefined ? {} : { cause }) })
    }
    const retryAfter = waitOf(headers, status, now)
    return new ItemError.HostReturnedError({ ...facts, ...(retryAfter === undefined ? {} : { retryAfter }) })
  })
}

const header = (headers: HeadersLike, name: string): string | undefined => {
  const get: unknown = property(headers, "get")
  const value = typeof get === "function" ? get.call(headers, name) : property(headers, name)
  return typeof value === "string" ? value : undefined
}

/** How long an answer asks to wait: by Retry-After, else by when a used-up rate limit starts again. */
const waitOf = (headers: HeadersLike, status: number, now: number | undefined): Duration.Duration | undefined => {
  const asked = retryAfterOf(header(headers, "retry-after"), now)
  if (asked !== undefined || (status !== 429 && status !== 503)) return asked
  // The IETF draft's item form, its three separate headers, and what services used before it.
  const item = /;\s*t=(\d+)/.exec(header(headers, "ratelimit") ?? "")?.[1]
  const reset = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"].map((name) => header(headers, name))
  return resetOf(item ?? reset.find((value) => value !== undefined), now)
}

/** Seconds from now, or, if they are that many, since the epoch. */
const resetOf = (value: string | undefined, now: number | undefined): Duration.Duration | undefined => {
  if (value === undefined || !/^\d{1,10}(\.\d+)?$/.test(value)) return undefined
  const seconds = Number(value)
  if (seconds < 1e9) return Duration.min(longestWait, Duration.seconds(seconds))
  return now === undefined ? undefined : Duration.min(longestWait, Duration.millis(Math.max(0, seconds * 1000 - now)))
}

/** No honest site asks for more, and a wait without end could not be written as JSON. */
const longestWait = Duration.days(365)

export const retryAfterOf = (value: string | undefined, now: number | undefined): Duration.Duration | undefined => {
  // Without a clock, seconds are understood and dates are not.
  if (value === undefined || (now === undefined && !/^\d+$/.test(value))) return undefined
  const parsed = Headers.parseRetryAfter(value)
  return Result.isSuccess(parsed)
    ? Duration.min(longestWait, Headers.retryAfterDelay(parsed.success, now ?? 0))
    : undefined
}
