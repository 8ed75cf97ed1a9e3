import * as Classify from "@redrive/core/Classify"
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
export const isPaymentDue = (failure: unknown): boolean => {
  const answer = answerIn(failure)
  return answer !== undefined && Classify.answered(answer, 0)?.verdict._tag === "Parked"
}

/** How the requests ended that exchanges gave up, for an exchange around them. */
const exhausted = new WeakMap<object, HttpClientRequest>()

/** Notes which request a call was given up for. */
export const noteRequest = (failure: object, request: HttpClientRequest): void => void exhausted.set(failure, request)

/**
 * Whether a failure may be about what followed this request, such as a redirect's target or an effect on its answer: then the request
 * itself may have been carried out, whatever the failure looks like.
 */
export const isOfAnother = (failure: unknown, request: HttpClientRequest): boolean => {
  if (Predicate.isTagged(failure, "RetryExhausted")) return !isSame(exhausted.get(failure), request)
  if (Predicate.hasProperty(failure, "isAmbiguous") && typeof failure.isAmbiguous === "boolean") return false
  const error = errorIn(failure)
  if (error === undefined || !isSame(error.request, request)) return true
  return "response" in error && (!isSame(error.response.request, request) || isRedirected(error.response, request))
}

/** The client's error in a failure, which may be mapped to one of the program's. */
const errorIn = (failure: unknown, depth = 0): HttpClientError.HttpClientErrorReason | undefined => {
  if (HttpClientError.isHttpClientError(failure)) return failure.reason
  return depth < 4 && Predicate.hasProperty(failure, "cause") ? errorIn(failure.cause, depth + 1) : undefined
}

/** Whether two are one request: a client may add headers on the way. */
const isSame = (one: HttpClientRequest | undefined, other: HttpClientRequest): boolean =>
  one !== undefined && one.method === other.method && one.body === other.body && urlOf(one) === urlOf(other)

/** Whether an answer came from elsewhere. Fetch says so itself; another client's answer has the URL that it came from. */
const isRedirected = (response: HttpClientResponse, request: HttpClientRequest): boolean => {
  const original = Predicate.hasProperty(response, "original") ? response.original : response
  const source = Predicate.hasProperty(original, "source") ? original.source : undefined
  const said = Predicate.hasProperty(source, "redirected") ? source.redirected : undefined
  return typeof said === "boolean" ? said : response.url !== urlOf(request)
}

/** A request's URL as its answer tells it, unless that comes from elsewhere. */
const urlOf = (request: HttpClientRequest): string => {
  const url = HttpClientRequests.toUrl(request)
  if (Option.isNone(url)) return request.url
  url.value.hash = ""
  return url.value.href
}
