import * as Predicate from "effect/Predicate"
import * as Catalogue from "../Catalogue.ts"
import { catalogue } from "../CrawlCatalogue.ts"
import { factsOf } from "./report/call.ts"
import { safely, inner, members } from "./chain.ts"
import * as Deno from "./deno.ts"
import * as Signals from "./signals.ts"

/** A foreign value. If one of its getters throws, nothing is certain. */
type Fields = { readonly [name: string]: unknown }

/** Whether the request certainly had no effect (`true`) or may have had one (`false`); `undefined` without evidence. */
type Evidence = boolean | undefined

/** The most objects of a failure that are read; with more, the request may have been sent. */
const most = 64

/** What is known of the request besides its failure. */
export interface Asked {
  readonly url?: string | URL | undefined
}

/** Whether it is certain that nothing was sent. Unknown means sent. */
export const isUnsent = (failure: unknown, asked?: Asked): boolean => isCertain(failure, asked, () => undefined)

/** Whether the request may have had an effect: it may have been sent, and was not refused. The failure itself is believed. */
export const isAmbiguous = (failure: unknown, asked?: Asked): boolean => {
  const own = safely(() => fields(failure)["isAmbiguous"])
  return typeof own === "boolean" ? own : !isCertain(failure, asked, refused)
}

/** A refusal covers everything that its error wraps: that of a row, or a status in 400-498. An ambiguous part makes the whole ambiguous. */
const refused = (link: Fields): Evidence => {
  if (link["isAmbiguous"] === true || isLaterRequest(link)) return false
  const status = statusOf(link) ?? 0
  // Clients give up with a 408 of their own, too. nginx writes 499 where its client did.
  const isAnswer = status !== 408 || ["response", "headers", "$metadata"].some((name) => Boolean(link[name]))
  return fields(link["row"])["request"] === "refused" || (status >= 400 && status < 499 && isAnswer) || undefined
}

const isCertain = (failure: unknown, asked: Asked | undefined, settled: (link: Fields) => Evidence): boolean => {
  const given = asked?.url
  const url = given === undefined ? undefined : safely(() => new URL(String(given)))
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
    const found = [
      signal(link, url),
      ...inner.map((name) => of(link[name])),
      ...members.map((name) => every(link, name))
    ]
    return found.includes(false) ? false : found.find(Predicate.isBoolean)
  }
  const every = (link: Fields, name: string): Evidence => {
    const list = link[name]
    const length = Array.isArray(list) ? list.length : 0
    // A hole is no member of which anything is certain.
    if (length > 0)
      return length <= most && Array.from({ length }, (_, at) => of(fields(list)[at])).every((one) => one === true)
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
const signal = (link: Fields, url: URL | undefined): Evidence => {
  const { code, event, message, name, path, syscall } = link
  if (statusOf(link) !== undefined || Predicate.isObjectKeyword(link["response"]) || isLaterRequest(link)) return false
  const deno = typeof message === "string" ? Deno.unconnected(message) : undefined
  if (deno !== undefined)
    return deno !== false && (url === undefined || safely(() => pageOf(new URL(deno))) === pageOf(url))
  if (url !== undefined && isElsewhere(link, url)) return false
  if (typeof syscall === "string") {
    if (syscall === "connect" || syscall === "getaddrinfo" || /^query[A-Z]/.test(syscall)) return true
    if (syscall === "read" || syscall === "write") return false
  }
  if (message === Signals.cutHandshake || (typeof message === "string" && Deno.isNoUrl(message))) return true
  if (name === "TimeoutError" && code === "ETIMEDOUT" && gotPhases.has(event)) return true
  // Bun's fetch names the URL that it began with, and does not say whether a redirect led elsewhere.
  if (typeof path === "string" && /^https?:/.test(path)) return false
  // fetch checks the first URL before it fails with this message, so the invalid URL came from a redirect.
  if (message === "fetch failed" && fields(link["cause"])["code"] === "ERR_INVALID_URL") return false
  // What is left of an aggregate, once JSON has lost its members, is a code that was copied from one of them.
  const isError = Boolean(message) || typeof link["stack"] === "string"
  return ofCode(code, syscall, isError) ?? ofTag(link) ?? ofRow(link)
}

/** What a reason's catalogue says, whichever that is. That nothing was sent must be true of the cause, too, which tells more. */
const ofRow = ({ cause, row }: Fields): Evidence => {
  const { request } = fields(row)
  if (request === "unsent") return cause === undefined || undefined
  return request === "refused" || request === "sent" ? false : undefined
}

/** A URL without its query, which a client may have added. */
const pageOf = ({ origin, pathname }: URL): string => origin + pathname

/** Whether a connection or a lookup was for something else than what was asked for: a redirect has led there. */
const isElsewhere = ({ address, code, host, hostname, message, port }: Fields, url: URL): boolean => {
  if (Signals.byCode.get(String(code))?.detail === "bad_link") return true
  const [, said, saidPort = port] = code === "UND_ERR_CONNECT_TIMEOUT" ? (attempted.exec(String(message)) ?? []) : []
  const name = url.hostname.replace(/^\[|\]$/g, "")
  const isOther = (value: unknown) => typeof value === "string" && value.toLowerCase() !== name
  // The address of a name may be any.
  const isComparable = (value: unknown) => isAddress.test(String(value)) === isAddress.test(name)
  const usual = url.protocol === "https:" ? 443 : 80
  return (
    [hostname, host].some(isOther) ||
    [address, said].some((value) => isOther(value) && isComparable(value)) ||
    (saidPort !== undefined && Number(saidPort) !== Number(url.port || usual))
  )
}

const isAddress = /^[\d.]+$|:/

/** What undici says of the addresses that it could not connect to in time. */
const attempted = /attempted address(?:es)?: (\S+):(\d+)\b/

const ofCode = (code: unknown, syscall: unknown, isError: boolean): Evidence => {
  if (typeof code !== "string") return undefined
  const meaning = Signals.byCode.get(code)
  const request = meaning && Catalogue.row(catalogue, "item", meaning.code, meaning.detail)?.request
  const isCertain = request === "unsent" && syscall === undefined && Signals.certain.has(code)
  if (isCertain || code.startsWith("EAI_")) return isError || undefined
  return request === "sent" ? false : undefined
}

/** The phases of got's timeouts before the request. */
const gotPhases: ReadonlySet<unknown> = new Set(["lookup", "connect", "secureConnect"])

/** Reasons of Effect's circuit breaker, rate limiter and HTTP client, which let no request through. */
const gates: ReadonlySet<unknown> = new Set(["CircuitOpen", "CircuitHalfOpen", "RateLimitExceeded", "InvalidUrlError"])

const ofTag = (link: Fields): Evidence => {
  const { _tag: tag, request, sent } = link
  if (gates.has(tag)) return true
  if (tag === "ApiUnreachable") return sent === false
  if (tag === "Refused") return fields(factsOf(link))["engine"] === "refused" || undefined
  // Node.js's client sends the chunks that a stream gives before it fails.
  const isStream = fields(fields(request)["body"])["_tag"] === "Stream"
  return (tag === "EncodeError" && Predicate.isObjectKeyword(request) && !isStream) || undefined
}

/** Where clients keep what they know of the requests behind an error. */
const tellingNames =
  "response request $metadata attempts context redirected original source retryCount redirectUrls _redirectCount _redirectable".split(
    " "
  )

/** Whether another request went before: of a client that repeats or follows, or a policy of ours. Nothing is known about that one. */
const isLaterRequest = (link: Fields): boolean => {
  // Most errors say nothing of it.
  if (tellingNames.every((name) => link[name] === undefined)) return false
  const response = fields(link["response"])
  const answers = [link]
  // Effect keeps the answer of its platform within its own.
  for (let at = response; answers.length < 6; at = fields(at["original"] ?? at["source"])) answers.push(at)
  const requests = [link, response, fields(link["request"]), fields(response["request"])].flatMap((request) => [
    request,
    fields(request["_redirectable"])
  ])
  return (
    [link["attempts"], fields(link["$metadata"])["attempts"], ...answers.map(historyOf)].some((n) => countOf(n) > 1) ||
    answers.some(({ redirected }) => redirected === true) ||
    requests.some((request) => counts.some((name) => countOf(request[name]) > 0))
  )
}

/** The URLs that undici has asked for. */
const historyOf = ({ context }: Fields): unknown => fields(context)["history"]

/** What kafkajs, got and axios count. */
const counts = ["retryCount", "redirectUrls", "_redirectCount"]

const countOf = (value: unknown): number =>
  Array.isArray(value) ? value.length : Number.isInteger(value) ? Number(value) : 0

const fields = (value: unknown): Fields => (Predicate.isObjectKeyword(value) ? (value as unknown as Fields) : {})

/** The status of the answer in a failure. */
const statusOf = (link: Fields): number | undefined =>
  [fields(link["response"]), link, fields(link["$metadata"])]
    .flatMap(({ httpStatusCode, status, statusCode }) => [status, statusCode, httpStatusCode])
    .find((value): value is number => Number.isInteger(value) && Number(value) >= 100 && Number(value) <= 599)
