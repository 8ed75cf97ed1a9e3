import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import type { ItemCode } from "../CrawlCatalogue.ts"
import { answerOf } from "./answer.ts"
import { type Link, property, stringAt } from "./chain.ts"
import * as Deno from "./deno.ts"
import { detailOfDenial, detailOfStatus } from "./pages.ts"
import * as Signals from "./signals.ts"
import { header, type HeadersLike, waitOf } from "./waits.ts"

export interface Answer {
  readonly status: number
  readonly headers: HeadersLike
  /** Read only if it is a text. A `Response` has a stream here. */
  readonly body?: unknown
}

/** What is found: the facts of a reason. A verdict needs no more, so that only who asks for the reason pays for an error. */
export type Found = {
  readonly code: ItemCode
  readonly status: number
  readonly detail?: string
  readonly retryAfter?: Duration.Duration
}

/** What is said by the first recognised link; among the members of an aggregate, by the one that got furthest, whatever their order. */
export const fromLinks = (links: ReadonlyArray<Link>, now: number | undefined): Found => {
  const told: Array<Link> = []
  let best: Found | undefined
  for (const link of links) {
    if (best !== undefined && memberOf(link) === undefined) break
    if (best !== undefined && isTold(link, told)) continue
    const found = fromLink(link, links, now)
    if (found === undefined) continue
    const member = memberOf(link)
    if (member === undefined) return found
    told.push(member)
    best = best === undefined || compare(found, best) < 0 ? found : best
  }
  return best ?? fromMeaning(Signals.unknown)
}

/** The member of an aggregate that a link is, or belongs to. */
const memberOf = (link: Link | undefined): Link | undefined => {
  let member = link
  while (member !== undefined && !member.isMember) member = member.parent
  return member
}

/** Whether a link is within a member that is recognised already, so that it adds nothing. */
const isTold = (link: Link | undefined, told: ReadonlyArray<Link>): boolean =>
  link !== undefined && (told.includes(link) || isTold(link.parent, told))

/** Sorts what decides first; of two answers, the one with the higher status, then the longer wait. */
const compare = (a: Found, b: Found): number =>
  Signals.rank(a.detail) - Signals.rank(b.detail) || (weightOf(a) > weightOf(b) ? -1 : 1)

const weightOf = ({ detail, retryAfter, status }: Found): string => {
  const wait = retryAfter === undefined ? 0 : Duration.toMillis(retryAfter)
  return `${status} ${String(wait).padStart(12, "0")} ${detail}`
}

const fromLink = (link: Link, links: ReadonlyArray<Link>, now: number | undefined): Found | undefined => {
  const answer = answerOf(link.value)
  const answered = answer && fromAnswer(answer, now)
  if (answered !== undefined) return answered
  const code = stringAt(link.value, "code")
  const meaning = meaningOf(link.value, code !== undefined && isCopy(code, link, links) ? undefined : code)
  if (meaning === undefined) return undefined
  return fromMeaning(meaning.detail === "connection_reset" && isInBody(link) ? Signals.brokenBody : meaning)
}

/** Whether a code is copied from a member: Node.js gives an aggregate the code of its first member, and clients copy that. */
const isCopy = (code: string, link: Link, links: ReadonlyArray<Link>): boolean => {
  // A link comes before the links that it wraps.
  for (let index = links.length - 1; index >= 0; index--) {
    const other = links[index]
    if (other === undefined || other === link) return false
    if (other.isMember && stringAt(other.value, "code") === code && isWithin(other.parent, link)) return true
  }
  return false
}

const isWithin = (link: Link | undefined, outer: Link): boolean =>
  link !== undefined && (link === outer || isWithin(link.parent, outer))

const isInBody = (link: Link | undefined): boolean =>
  link !== undefined &&
  (stringAt(link.value, "message") === "terminated" ||
    stringAt(link.value, "_tag") === "DecodeError" ||
    isInBody(link.parent))

const fromMeaning = ({ code, detail }: Signals.Meaning): Found => ({ code, status: 0, detail })

const meaningOf = (link: object, code: string | undefined): Signals.Meaning | undefined => {
  const message = stringAt(link, "message")
  const said = message && Signals.ofMessage(message)
  if (said) return said
  const syscall = stringAt(link, "syscall")
  if (code === "ECONNREFUSED" && /^query[A-Z]/.test(syscall ?? "")) return Signals.resolverRefused
  if (code === "ETIMEDOUT" && (syscall === "read" || syscall === "write")) return Signals.readTimeout
  const coded = code === undefined ? undefined : (Signals.byCode.get(code) ?? prefixed(code))
  const named =
    coded ?? Signals.byName.get(stringAt(link, "name") ?? "") ?? Signals.byName.get(stringAt(link, "_tag") ?? "")
  const meaning = named ?? (message === undefined ? undefined : Deno.ofMessage(message))
  if (meaning?.detail === "cancelled" && isLate(link)) return Signals.readTimeout
  if (meaning?.detail === "tls_handshake" && Signals.brokenTls.test(`${code} ${message}`)) return Signals.tlsInterrupted
  return meaning
}

/** Whether a time-out aborted it: `AbortSignal.timeout` as the cause, or as the signal given to axios. */
export const isLate = (link: object): boolean =>
  [["cause"], ["config", "signal", "reason"]].some((path) => {
    const reason = path.reduce<unknown>(
      (value, name) => (Predicate.isObjectKeyword(value) ? property(value, name) : undefined),
      link
    )
    return Predicate.isObjectKeyword(reason) && property(reason, "name") === "TimeoutError"
  })

const prefixed = (code: string) => Signals.byPrefix.find(([prefix]) => code.startsWith(prefix))?.[1]

/** The title of Cloudflare's page for a suspected robot. */
const challenge = /<title>Just a moment\.\.\.<\/title>/

export const fromAnswer = ({ body, headers, status }: Answer, now: number | undefined): Found | undefined => {
  if (status >= 200 && status <= 299) return undefined
  if (status !== 403 && header(headers, "x-squid-error")?.startsWith("ERR_DNS_FAIL") === true) {
    return { code: "name_not_resolved", status, detail: "dns_unavailable" }
  }
  // A status that is not an integer is not an HTTP status, and could not be encoded.
  const isOdd = !Number.isSafeInteger(status)
  const retryAfter = waitOf(headers, status, now)
  const page = { status: isOdd ? 0 : status, ...(retryAfter === undefined ? {} : { retryAfter }) }
  const isChallenge =
    header(headers, "cf-mitigated") === "challenge" || (typeof body === "string" && challenge.test(body))
  const isRefusal = status === 403 || status === 429 || status === 503
  const known = isChallenge && isRefusal ? "bot_challenge" : isOdd ? "odd_status" : undefined
  const detail = known ?? (status === 403 ? detailOfDenial(page) : detailOfStatus(page))
  const code = status === 403 ? "website_access_denied" : "host_returned_error"
  return detail === undefined ? { code, ...page } : { code, ...page, detail }
}
