/**
 * From what a fetch threw or a page answered to the reason an item failed.
 *
 * Failures are known by their system call, code, name, and where nothing else tells, by fetch's own words, through wrapped causes
 * and aggregates. Blame is preserved: what the site did never becomes `internal_error`. No function throws.
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
 * Headers by their lower-case names, or an object that is asked for them, such as a `Response`'s.
 *
 * @category models
 * @since 0.1.0
 */
export type HeadersLike = waits.HeadersLike

/**
 * What a page answered. The beginning of its `body`, where it is at hand, tells a robot check from a refusal.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer = classify.Answer

/**
 * The reason that a thrown or failed value means; the value itself is kept as the reason's `cause`.
 *
 * Understood are errors of Node.js, its DNS, TLS and zlib, of undici, and of HTTP clients that turn an answer into an error, Effect's
 * among them. `now`, in epoch milliseconds, turns a Retry-After date of such an answer into a wait.
 *
 * @category constructors
 * @since 0.1.0
 */
export const thrown = (cause: unknown, now?: number): ItemError.Reason => classify.fromLinks(chain(cause), now, cause)

/**
 * The reason that a page's answer means, or `undefined` for a status in 200-299.
 *
 * It keeps how long to wait: by `retry-after-ms` or Retry-After, else (403, 429, 5xx) by the longest reset of the rate limits that are
 * used up, in the forms of the IETF drafts 3 to 10, GitHub, OpenAI and others. A limit that does not say how much is left counts for a
 * 429 only. `now` is in epoch milliseconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answered = (answer: Answer, now: number): ItemError.Reason | undefined =>
  classify.reasonOfAnswer(answer, now)

/**
 * The wait that a Retry-After header asks for, in seconds or as an HTTP date, a year at most; `undefined` for anything else.
 *
 * Decimals, which RFC 9110 does not have, are rounded up to milliseconds.
 *
 * @category parsing
 * @since 0.1.0
 */
export const retryAfterOf: (header: string | undefined, now: number) => Duration.Duration | undefined =
  waits.retryAfterOf

/**
 * Whether it is certain that nothing of the request was sent. Unknown means sent.
 *
 * Evidence is looked for through wrapped causes, and for every member of an aggregate: a failed lookup, connection or handshake, a
 * refused certificate, an invalid URL, a call that a circuit breaker or rate limiter held back. One sign of a later failure decides
 * against it.
 *
 * A client that follows redirects may tell only of the last request: let it follow none where the first must not be repeated.
 *
 * @category guards
 * @since 0.1.0
 */
export const isUnsent: (failure: unknown) => boolean = sent.isUnsent

/**
 * Whether a request that failed like this may have had its effect all the same.
 *
 * It had none if nothing was sent (`isUnsent`) or a status in 400-499 refused it, every member of an aggregate alike. A failure's own
 * `isAmbiguous` is believed. Everything else, a time-out and a 5xx among it, may have.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAmbiguous: (failure: unknown) => boolean = sent.isAmbiguous
