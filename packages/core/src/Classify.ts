/**
 * From what a fetch threw or a page answered to the reason an item failed.
 *
 * Failures are known by their system call, code, name, and in two cases by fetch's own words, through wrapped causes and
 * aggregates. Blame is preserved: what the site did never becomes `internal_error`. Neither function throws.
 *
 * @since 0.1.0
 */
import * as Headers from "effect/http/Headers"
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as ItemError from "./ItemError.ts"
import { chain, read } from "./internal/chain.ts"
import * as Signals from "./internal/signals.ts"

/**
 * The reason that a thrown or failed value means; the value itself is kept as the reason's `cause`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const thrown = (cause: unknown): ItemError.Reason => {
  const { code, detail } = meaningOf(cause)
  switch (code) {
    case "host_returned_error":
      return new ItemError.HostReturnedError({ status: 0, detail, cause })
    case "website_access_denied":
      return new ItemError.WebsiteAccessDenied({ status: 0, detail, cause })
    case "name_not_resolved":
      return new ItemError.NameNotResolved({ detail, cause })
    case "internal_error":
      return new ItemError.InternalError({ detail, cause })
  }
}

/**
 * The reason that a page's answer means, or `undefined` for a status in 200-299.
 *
 * `now`, in epoch milliseconds, turns a Retry-After date into a wait. Header names are lower case.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answered = (
  response: { readonly status: number; readonly headers: { readonly [name: string]: string | undefined } },
  now: number
): ItemError.Reason | undefined => {
  const { headers, status } = response
  if (status >= 200 && status <= 299) return undefined
  const challenged = headers["cf-mitigated"] === "challenge" ? { detail: "bot_challenge" } : {}
  if (status === 403) return new ItemError.WebsiteAccessDenied({ status, ...challenged })
  const retryAfter = retryAfterOf(headers["retry-after"], now)
  return new ItemError.HostReturnedError({ status, ...challenged, ...(retryAfter === undefined ? {} : { retryAfter }) })
}

/** No honest site asks for more, and a wait without end could not be written as JSON. */
const longestWait = Duration.days(365)

/**
 * The wait that a Retry-After header asks for, in seconds or as an HTTP date, a year at most; anything else is no wait.
 *
 * @category parsing
 * @since 0.1.0
 */
export const retryAfterOf = (header: string | undefined, now: number): Duration.Duration | undefined => {
  if (header === undefined) return undefined
  const parsed = Headers.parseRetryAfter(header)
  return Result.isSuccess(parsed) ? Duration.min(longestWait, Headers.retryAfterDelay(parsed.success, now)) : undefined
}

const meaningOf = (cause: unknown): Signals.Meaning => {
  let inBody = false
  for (const link of chain(cause)) {
    const meaning = meaningOfLink(link)
    if (read(link, "message") === "terminated" || read(link, "_tag") === "DecodeError") inBody = true
    if (meaning === undefined) continue
    return inBody && meaning.detail === "connection_reset" ? Signals.brokenBody : meaning
  }
  return Signals.unknown
}

const meaningOfLink = (link: object): Signals.Meaning | undefined => {
  const code = read(link, "code")
  if (code === "ECONNREFUSED" && read(link, "syscall")?.startsWith("query") === true) return Signals.resolverRefused
  const named = Signals.byName.get(read(link, "name") ?? "") ?? Signals.byName.get(read(link, "_tag") ?? "")
  const coded = code === undefined ? undefined : (Signals.byCode.get(code) ?? prefixed(code))
  const message = read(link, "message") ?? ""
  return coded ?? named ?? Signals.byMessage.find(([pattern]) => pattern.test(message))?.[1]
}

const prefixed = (code: string) => Signals.byPrefix.find(([prefix]) => code.startsWith(prefix))?.[1]
