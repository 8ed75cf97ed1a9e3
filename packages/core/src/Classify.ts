/**
 * Finds the reason of an item's failure from a thrown value or a page's answer.
 *
 * Failures are recognised by system call, code and name, or, if these do not tell, by fetch's own messages, through wrapped causes and
 * aggregates. The site's faults never become `internal_error`. No function here throws.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import { chain } from "./internal/chain.ts"
import * as classify from "./internal/classify.ts"
import { withoutStack } from "./internal/stacks.ts"
import * as sent from "./internal/sent.ts"
import * as waits from "./internal/waits.ts"
import * as ItemError from "./ItemError.ts"

/**
 * Headers by their lower-case names, or an object with `get`, such as the headers of a `Response`.
 *
 * @category models
 * @since 0.1.0
 */
export type HeadersLike = waits.HeadersLike

/**
 * A page's answer: a `Response` of fetch as it is, or any object with its `status` and `headers`.
 *
 * The beginning of its `body`, if that is a text, tells a robot check from a refusal. Any other body, such as a stream, is ignored.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer = classify.Answer

/**
 * Finds the reason for a thrown or failed value, and keeps the value as the reason's `cause`.
 *
 * It recognises errors of Node.js (with its DNS, TLS and zlib), of undici, and of HTTP clients that turn an answer into an error, such as
 * Effect's. `now`, in epoch milliseconds, turns a Retry-After date of such an answer into a wait.
 *
 * @category constructors
 * @since 0.1.0
 */
export const thrown = (cause: unknown, now?: number): ItemError.Reason =>
  reasonOf({ ...classify.fromLinks(chain(cause), now), cause })

/** Without a stack, since it is made on hot paths and never thrown. */
const reasonOf = (found: Parameters<typeof ItemError.ItemError.reasonOf>[1] & classify.Found): ItemError.Reason =>
  withoutStack(() => ItemError.ItemError.reasonOf(found.code, found))

/**
 * Finds the reason for a page's answer; `undefined` for a status in 200-299.
 *
 * `Classify.answered(await fetch(url), Date.now())` works: the body is left for the caller to read.
 *
 * The reason keeps how long to wait. That is `retry-after-ms` or Retry-After; otherwise, for 403, 429 and 5xx, the longest reset of the
 * exhausted rate limits, in the formats of the IETF drafts 3 to 10, GitHub, OpenAI and others. A limit without a remaining count is used
 * for 429 only. `now` is in epoch milliseconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answered = (answer: Answer, now: number): ItemError.Reason | undefined => {
  const found = classify.fromAnswer(answer, now)
  return found && reasonOf(found)
}

/**
 * Reads a Retry-After header, in seconds or as an HTTP date, as a wait of a year at most.
 *
 * Returns `undefined` for anything else. Decimal seconds, which RFC 9110 does not allow, are rounded up to milliseconds.
 *
 * @category parsing
 * @since 0.1.0
 */
export const retryAfterOf: (header: string | undefined, now: number) => Duration.Duration | undefined =
  waits.retryAfterOf

/**
 * The facts that are known of a request besides its failure.
 *
 * @category options
 * @since 0.1.0
 */
export interface Asked extends sent.Asked {
  /**
   * The absolute URL that was asked for. A connection or a lookup for another port, address or host came after a redirect (or is a
   * proxy's), and an invalid URL is a redirect's: then something was sent. Default: unknown, and each counts as the first.
   */
  readonly url?: string | URL | undefined
}

/**
 * Whether it is certain that no part of the request was sent. Without evidence it counts as sent.
 *
 * Evidence is looked for through wrapped causes, and for every member of an aggregate: a failed lookup, connection or handshake, a
 * refused certificate, an invalid URL, a call that a circuit breaker or rate limiter held back, a reason without a cause whose catalogue
 * says so (`request: "unsent"`). One sign of a later failure decides
 * against it. An object that has nothing but a code counts for nothing: it may be what JSON left of an aggregate.
 *
 * A client that follows redirects, such as fetch, does not show that a redirect's target refused, rather than the server that was asked.
 * Let creations follow no redirects (`redirect: "manual"`), or say which `url` was asked for.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUnsent: (failure: unknown, asked?: Asked) => boolean = sent.isUnsent

/**
 * Whether a request that failed with this may have taken effect anyway.
 *
 * A failure's own `isAmbiguous` decides. Otherwise the request had no effect if nothing was sent (`isUnsent`), or if it was refused: by the
 * `request` of its catalogue's row, or by a status in 400-498. This must hold for every member of an aggregate. After any other failure it may have taken effect: a timeout, a 5xx, a 408
 * that a client raised without an answer, and any status after a redirect or a client's own retry.
 *
 * A client that follows redirects, such as fetch, does not show that a redirect's target refused the connection after the first server had
 * carried out the request. Let creations follow no redirects (`redirect: "manual"`), or say which `url` was asked for.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAmbiguous: (failure: unknown, asked?: Asked) => boolean = sent.isAmbiguous
