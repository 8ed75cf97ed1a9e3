import * as Predicate from "effect/Predicate"
import * as ItemError from "../ItemError.ts"
import { type Link, property, read } from "./chain.ts"
import { withoutStack } from "./failure.ts"
import * as Signals from "./signals.ts"
import { header, type HeadersLike, waitOf } from "./waits.ts"

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
    if (status !== 403 && header(headers, "x-squid-error")?.startsWith("ERR_DNS_FAIL") === true) {
      return new ItemError.NameNotResolved({ detail: "dns_unavailable", ...(cause === undefined ? {} : { cause }) })
    }
    const retryAfter = waitOf(headers, status, now)
    const known = retryAfter === undefined ? facts : { ...facts, retryAfter }
    return status === 403 ? new ItemError.WebsiteAccessDenied(known) : new ItemError.HostReturnedError(known)
  })
}
