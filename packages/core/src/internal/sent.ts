import * as Predicate from "effect/Predicate"
import { attempt, inner, members } from "./chain.ts"
import * as Signals from "./signals.ts"

/** A foreign value. If one of its getters throws, nothing is certain. */
type Fields = { readonly [name: string]: unknown }

/** Whether the request certainly had no effect (`true`) or may have had one (`false`); `undefined` without evidence. */
type Evidence = boolean | undefined

/** The most objects of a failure that are read; with more, the request may have been sent. */
const most = 64

/** Whether it is certain that nothing was sent. Without evidence it counts as sent. */
export const isUnsent = (failure: unknown): boolean => isCertain(failure, () => undefined)

/** Whether the request may have had an effect: sent, and not refused. The failure's own `isAmbiguous` decides. */
export const isAmbiguous = (failure: unknown): boolean => {
  const own = attempt(() => fields(failure)["isAmbiguous"])
  return typeof own === "boolean" ? own : !isCertain(failure, refused)
}

/** A status in 400-499 covers everything that its error wraps. An ambiguous part makes the whole ambiguous. */
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
  /** Joins the evidence of a link, of what it wraps and of its members: one that may have had an effect decides. */
  const both = (link: Fields): Evidence => {
    const found = [signal(link), ...inner.map((name) => of(link[name])), ...members.map((name) => every(link, name))]
    return found.includes(false) ? false : found.find(Predicate.isBoolean)
  }
  const every = (link: Fields, name: string): Evidence => {
    const list = link[name]
    if (Array.isArray(list) && list.length > 0) return list.every((member) => of(member) === true)
    // The members are lost, as after serialisation.
    return name === "errors" && link["name"] === "AggregateError" ? false : undefined
  }
  try {
    return of(failure) === true
  } catch {
    return false
  }
}

/** The evidence of one object. A system call tells more than a code, which wrappers copy without it. */
const signal = (link: Fields): Evidence => {
  const { code, event, message, name, syscall } = link
  if (statusOf(link) !== undefined || Predicate.isObjectKeyword(link["response"]) || isLaterRequest(link)) return false
  if (typeof syscall === "string") {
    if (syscall === "connect" || syscall === "getaddrinfo" || /^query[A-Z]/.test(syscall)) return true
    if (syscall === "read" || syscall === "write") return false
  }
  if (message === Signals.cutHandshake) return true
  if (name === "TimeoutError" && code === "ETIMEDOUT" && gotPhases.has(event)) return true
  // fetch checks the first URL before it fails with this message, so the invalid URL came from a redirect.
  if (message === "fetch failed" && fields(link["cause"])["code"] === "ERR_INVALID_URL") return false
  return ofCode(code, syscall) ?? ofTag(link)
}

const ofCode = (code: unknown, syscall: unknown): Evidence => {
  if (typeof code !== "string") return undefined
  if (early.has(code) || code.startsWith("EAI_") || (code === "ECONNREFUSED" && syscall === undefined)) return true
  const detail = Signals.byCode.get(code)?.detail
  return (detail !== undefined && late.has(detail)) || code.startsWith("ERR_FR_") ? false : undefined
}

/** Codes of failures before a request is written, whichever client reports them. */
const early: ReadonlySet<string> = new Set(
  `ENOTFOUND UND_ERR_CONNECT_TIMEOUT ERR_SOCKET_CONNECTION_TIMEOUT ERR_INVALID_URL ERR_INVALID_PROTOCOL ERR_UNESCAPED_CHARACTERS ${Signals.certificates}`.split(
    " "
  )
)

/** Details of failures that only an open connection or an answer can cause. */
const late: ReadonlySet<string> = new Set(
  "connection_reset response_timeout truncated_body bad_http bad_encoding too_large redirect_loop".split(" ")
)

/** The phases of got's timeouts before the request. */
const gotPhases: ReadonlySet<unknown> = new Set(["lookup", "connect", "secureConnect"])

/** Reasons of Effect's circuit breaker, rate limiter and HTTP client, which let no request through. */
const gates: ReadonlySet<unknown> = new Set(["CircuitOpen", "CircuitHalfOpen", "RateLimitExceeded", "InvalidUrlError"])

const ofTag = (link: Fields): Evidence => {
  const { _tag: tag, because, message, request, sent } = link
  if (gates.has(tag)) return true
  if (tag === "ApiUnreachable") return sent === false
  if (tag === "Refused") return message === `refused: ${String(because)}` || undefined
  // Node.js's client sends the chunks that a stream gives before it fails.
  const isStream = fields(fields(request)["body"])["_tag"] === "Stream"
  return (tag === "EncodeError" && Predicate.isObjectKeyword(request) && !isStream) || undefined
}

/** Whether an earlier request was sent, by the AWS SDK, got, axios or a policy of ours. Nothing is known about that one. */
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

/** The status of the answer in a failure. */
const statusOf = (link: Fields): number | undefined =>
  [fields(link["response"]), link, fields(link["$metadata"])]
    .flatMap(({ httpStatusCode, status, statusCode }) => [status, statusCode, httpStatusCode])
    .find((value): value is number => Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 599)
