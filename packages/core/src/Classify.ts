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
import * as sent from "./internal/sent.ts"
import * as waits from "./internal/waits.ts"
import type * as ItemError from "./ItemError.ts"

/**
 * Headers by their lower-case names, or an object with `get`, such as the headers of a `Response`.
 *
 * @category models
 * @since 0.1.0
 */
export type HeadersLike = waits.HeadersLike

/**
 * A page's answer. The beginning of its `body`, if given, tells a robot check from a refusal.
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
export const thrown = (cause: unknown, now?: number): ItemError.Reason => classify.fromLinks(chain(cause), now, cause)

/**
 * Finds the reason for a page's answer; `undefined` for a status in 200-299.
 *
 * The reason keeps how long to wait. That is `retry-after-ms` or Retry-After; otherwise, for 403, 429 and 5xx, the longest reset of the
 * exhausted rate limits, in the formats of the IETF drafts 3 to 10, GitHub, OpenAI and others. A limit without a remaining count is used
 * for 429 only. `now` is in epoch milliseconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answered = (answer: Answer, now: number): ItemError.Reason | undefined =>
  classify.reasonOfAnswer(answer, now)

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
 * Whether it is certain that no part of the request was sent. Without evidence it counts as sent.
 *
 * Evidence is a failed lookup, connection or handshake, a refused certificate, an invalid URL, or a call that a circuit breaker or rate
 * limiter refused. It is searched for in wrapped causes, and every member of an aggregate needs it. One sign of a later failure decides
 * against it.
 *
 * A client that follows redirects may report only the last request. Turn redirects off if the first request must not be repeated.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUnsent: (failure: unknown) => boolean = sent.isUnsent

/**
 * Whether a request that failed with this may have taken effect anyway.
 *
 * A failure's own `isAmbiguous` decides. Otherwise the request had no effect if nothing was sent (`isUnsent`), or if a status in 400-499
 * refused it; this must hold for every member of an aggregate. After any other failure, such as a timeout or a 5xx, it may have taken
 * effect.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAmbiguous: (failure: unknown) => boolean = sent.isAmbiguous
