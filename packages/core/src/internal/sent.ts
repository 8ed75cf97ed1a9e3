import * as Predicate from "effect/Predicate"
import { attempt, inner, members } from "./chain.ts"
import * as Signals from "./signals.ts"

/** A value of others, whose getters may throw: then nothing is certain. */
type Fields = { readonly [name: string]: unknown }

/** Whether the request certainly had no effect (`true`), may have had one (`false`), or nothing is said about it. */
type Evidence = boolean | undefined

/** The most objects of a failure that are read; what lies beyond them may have been sent. */
const most = 64

/** Whether it is certain that nothing was sent. Unknown means sent. */
export const isUnsent = (failure: unknown): boolean => isCertain(failure, () => undefined)

/** Whether the request may have had an effect: it may have been sent, and was not refused. The failure itself is believed. */
export const isAmbiguous = (failure: unknown): boolean => {
  const own = attempt(() => fields(failure)["isAmbiguous"])
  return typeof own === "boolean" ? own : !isCertain(failure, refused)
}

/** A status in 400-499 speaks for what it wraps, too. A part says no more than that the whole may have had an effect. */
const refused = (link: Fields): Evidence => {
  if (link["isAmbiguous"] === true) return false
  const status = statusOf(link)
  return (status !== undefined && status >= 400 && status < 500) || undefined
}

const isCertain = (failure: unknown, settled: (link: Fields) => Evidence): boolean => {
  const known = new Map<object, Evidence>()
  const of = (value: unknown): Evidence => {
    if (!Predicate.isObjectKeyword(value)) return undefined
    if (known.has(value)) return known.get(value)
    if (known.size === most) return false
    known.set(value, undefined)
    const link = value as unknown as Fields
    const evidence = settled(link) ?? both(link)
    known.set(value, evidence)
    return evidence
  }
  /** A link, what it wraps and its members: any that may have had an effect decides. */
  const both = (link: Fields): Evidence => {
    const found = [signal(link), ...inner.map((name) => of(link[name])), ...members.map((name) => every(link, name))]
    return found.includes(false) ? false : found.find(Predicate.isBoolean)
  }
  const every = (link: Fields, name: string): Evidence => {
    const list = link[name]
    if (Array.isArray(list) && list.length > 0) return list.every((member) => of(member) === true)
    // Its members are lost, as on a wire.
    return name === "errors" && link["name"] === "AggregateError" ? false : undefined
  }
  try {
    return of(failure) === true
  } catch {
    return false
  }
}

/** What an object shows by itself. A system call tells more than a code, which wrappers copy without it. */
const signal = (link: Fields): Evidence => {
  const { code, event, message, name, syscall } = link
  if (statusOf(link) !== undefined || Predicate.isObjectKeyword(link["response"]) || isLaterRequest(link)) return false
  if (typeof syscall === "string") {
    if (syscall === "connect" || syscall === "getaddrinfo" || /^query[A-Z]/.test(syscall)) return true
    if (syscall === "read" || syscall === "write") return false
  }
  if (message === Signals.cutHandshake) return true
  if (name === "TimeoutError" && code === "ETIMEDOUT" && gotPhases.has(event)) return true
  // fetch resolves the first URL before it is called so, and later ones from a redirect's answer.
  if (message === "fetch failed" && fields(link["cause"])["code"] === "ERR_INVALID_URL") return false
  return ofCode(code, syscall) ?? ofTag(link)
}

const ofCode = (code: unknown, syscall: unknown): Evidence => {
  if (typeof code !== "string") return undefined
  if (early.has(code) || code.startsWith("EAI_") || (code === "ECONNREFUSED" && syscall === undefined)) return true
  const detail = Signals.byCode.get(code)?.detail
  return (detail !== undefined && late.has(detail)) || code.startsWith("ERR_FR_") ? false : undefined
}

/** Codes of what fails before a request is written, whichever client tells of it. */
const early: ReadonlySet<string> = new Set(
  `ENOTFOUND UND_ERR_CONNECT_TIMEOUT ERR_SOCKET_CONNECTION_TIMEOUT ERR_INVALID_URL ERR_INVALID_PROTOCOL ERR_UNESCAPED_CHARACTERS ${Signals.certificates}`.split(
    " "
  )
)

/** Details of what only an open connection, or an answer, brings about. */
const late: ReadonlySet<string> = new Set(
  "connection_reset response_timeout truncated_body bad_http bad_encoding too_large redirect_loop".split(" ")
)

/** The phases of got's time-outs that come before the request. */
const gotPhases: ReadonlySet<unknown> = new Set(["lookup", "connect", "secureConnect"])

/** Reasons of Effect's circuit breaker, rate limiter and HTTP client, which let no request through. */
const gates: ReadonlySet<unknown> = new Set(["CircuitOpen", "CircuitHalfOpen", "RateLimitExceeded", "InvalidUrlError"])

const ofTag = (link: Fields): Evidence => {
  const { _tag: tag, because, message, request, sent } = link
  if (gates.has(tag)) return true
  if (tag === "ApiUnreachable") return sent === false
  if (tag === "Refused") return message === `refused: ${String(because)}` || undefined
  // Node.js's client sends what a stream gives before it fails.
  const isStream = fields(fields(request)["body"])["_tag"] === "Stream"
  return (tag === "EncodeError" && Predicate.isObjectKeyword(request) && !isStream) || undefined
}

/** Whether another request went before: of the AWS SDK, got, axios, or a policy of ours. Nothing is known about that one. */
const isLaterRequest = (link: Fields): boolean => {
  const [meta, request] = [fields(link["$metadata"]), fields(link["request"])]
  const counts = [link["attempts"], meta["attempts"]].some((count) => countOf(count) > 1)
  return (
    counts ||
    [request["retryCount"], request["redirectUrls"], request["_redirectCount"]].some((count) => countOf(count) > 0)
  )
}

const countOf = (value: unknown): number =>
  Array.isArray(value) ? value.length : Number.isInteger(value) ? Number(value) : 0

const fields = (value: unknown): Fields => (Predicate.isObjectKeyword(value) ? (value as unknown as Fields) : {})

/** The status of the answer that a failure is about. */
const statusOf = (link: Fields): number | undefined =>
  [fields(link["response"]), link, fields(link["$metadata"])]
    .flatMap(({ httpStatusCode, status, statusCode }) => [status, statusCode, httpStatusCode])
    .find((value): value is number => Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 599)
