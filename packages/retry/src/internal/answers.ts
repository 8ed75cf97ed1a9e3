import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequests from "effect/http/HttpClientRequest"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"

/**
 * Reads the start of a body. A small body frees its socket for another request, a large one is cut off, and one that has not begun is not
 * waited for.
 */
export const discard = (response: HttpClientResponse): Effect.Effect<void> =>
  Effect.ignore(Effect.timeoutOption(Stream.runDrain(Stream.take(response.stream, 1)), Duration.millis(100)))

/** The answer that a failure is about. */
export const answerIn = (failure: unknown): HttpClientResponse | undefined =>
  HttpClientError.isHttpClientError(failure) && failure.reason._tag === "StatusCodeError"
    ? failure.reason.response
    : undefined

/** Whether an answer asks for payment: with a gate to wait at, that is worth waiting for. */
export const isPaymentDue = (failure: unknown): boolean => answerIn(failure)?.status === 402

/** Failures of gates that stand before a client, and of a policy within this one, which tell themselves what was sent. */
const tellThemselves = new Set(["RetryExhausted", "RateLimiterError", "CircuitBreakerError"])

/**
 * Whether a failure is not about this request but about what followed it, such as a redirect's target, or the reading of its answer: then
 * the request itself may have been carried out, whatever the failure looks like.
 */
export const isOfAnother = (failure: unknown, request: HttpClientRequest): boolean => {
  if (Predicate.hasProperty(failure, "isAmbiguous") && typeof failure.isAmbiguous === "boolean") return false
  if (!HttpClientError.isHttpClientError(failure)) {
    return !(Predicate.hasProperty(failure, "_tag") && tellThemselves.has(String(failure._tag)))
  }
  const { reason } = failure
  if (reason.request.url !== request.url || reason.request.method !== request.method) return true
  return "response" in reason && reason.response.url !== urlOf(request)
}

/** A request's URL as its answer tells it, unless that comes from elsewhere. */
const urlOf = (request: HttpClientRequest): string => {
  const url = HttpClientRequests.toUrl(request)
  if (Option.isNone(url)) return ""
  url.value.hash = ""
  return url.value.href
}
