import * as Predicate from "effect/Predicate"
import { alone, safely, chain, property, stringAt } from "./chain.ts"
import { fromLinks, isLate } from "./classify.ts"
import { ofGrpc } from "./grpc.ts"
import * as services from "./services.ts"
import { ofSql } from "./sqlstate.ts"
import { header, type HeadersLike } from "./waits.ts"
import { isRetryable, permanent, throttled, transient, type Verdict } from "../Verdict.ts"

/** The verdict on an error of a well-known client, recognised by structure; no client package is imported. */
export const ofClient = (link: object, now: number | undefined): Verdict | undefined =>
  ofAws(link, now) ?? ofGrpc(link) ?? ofSql(link) ?? ofKafka(link) ?? ofOthers(link, now) ?? ofAdvice(link, now)

/** Names in AWS's own list of throttling errors that do not contain `Throttl`. */
const awsThrottling = new Set(
  (
    "BandwidthLimitExceeded LimitExceededException PriorRequestNotComplete ProvisionedThroughputExceededException " +
    "RequestLimitExceeded SlowDown TooManyRequestsException TransactionInProgressException"
  ).split(" ")
)

/** The retry rules of AWS's own SDK, except those that follow from a status or code of any client. */
const ofAws = (link: object, now: number | undefined): Verdict | undefined => {
  const [metadata, retryable] = [property(link, "$metadata"), property(link, "$retryable")]
  const about = Predicate.isObjectKeyword(metadata) ? metadata : undefined
  if (about === undefined && retryable === undefined && property(link, "$fault") === undefined) return undefined
  const [name, message] = [stringAt(link, "name") ?? "", stringAt(link, "message")]
  // The SDK keeps the answer, with its headers, in a property that is not enumerable.
  const response = property(link, "$response")
  const answer = Predicate.isObjectKeyword(response) ? fromLinks([alone(response)], now) : undefined
  const isThrottling = Predicate.isObjectKeyword(retryable) && property(retryable, "throttling") === true
  if (isThrottling || name.includes("Throttl") || awsThrottling.has(name)) {
    return throttled(answer?.retryAfter)
  }
  const isLate = name.startsWith("RequestTimeout") || (answer !== undefined && name === "TimeoutError")
  if (retryable !== undefined || isLate) return transient("quick")
  // The SDK has corrected its clock by the answer, so one retry shows whether that was the fault.
  const isExpired = name === "InvalidSignatureException" && message?.includes("Signature expired") === true
  if (isExpired || (about && property(about, "clockSkewCorrected") === true)) return transient("quick", 1)
  return answer && services.verdictOf(answer)
}

const ofKafka = (link: object): Verdict | undefined => {
  const [name, retriable] = [stringAt(link, "name"), property(link, "retriable")]
  if (typeof retriable !== "boolean" || name?.startsWith("KafkaJS") !== true) return undefined
  // This error says only that the client gave up; its cause says why.
  if (name === "KafkaJSNumberOfRetriesExceeded" && property(link, "cause") !== undefined) return undefined
  if (!retriable) return permanent
  return property(link, "type") === "THROTTLING_QUOTA_EXCEEDED" ? throttled() : transient("quick")
}

/** Errors without a structure of their own, recognised by class, name and code. */
const ofOthers = (link: object, now: number | undefined): Verdict | undefined => {
  const [code, message, names] = [stringAt(link, "code"), stringAt(link, "message"), namesOf(link)]
  // BullMQ throws these to take a job away from its worker, which must not go on.
  if (names.includes("UnrecoverableError") || message?.startsWith("bullmq:") === true) return permanent
  if (names.includes("APIUserAbortError")) return isLate(link) ? transient("steady") : permanent
  // Waiting does not refill a quota; not parked, since callers who share the account may have other quotas.
  if (code === "insufficient_quota") return permanent
  if (names.includes("APIConnectionTimeoutError")) return transient("steady")
  if (names.includes("AxiosError") && code === "ECONNABORTED") return transient("steady")
  if (names.includes("AxiosError") && message === "stream has been aborted") return transient("quick")
  if (names.includes("ReadError") && code === "ERR_HTTP_CONTENT_LENGTH_MISMATCH") return transient("quick")
  if (stringAt(link, "type") !== "StripeConnectionError") return undefined
  return services.verdictOf(fromLinks(chain(property(link, "detail")), now)) ?? transient("quick")
}

/** An error's name and the names of its classes, since not every class sets `name`. */
const namesOf = (link: object): ReadonlyArray<string | undefined> => {
  const names = [stringAt(link, "name")]
  // A Proxy may have no end of prototypes.
  for (let type = prototypeOf(link); !builtIn.has(type) && names.length < 8; type = prototypeOf(type as object)) {
    const made = property(type as object, "constructor")
    names.push(typeof made === "function" ? made.name : undefined)
  }
  return names
}

/** Prototypes that end the search: most failures have no class of their own. */
const builtIn: ReadonlySet<object | null | undefined> = new Set([
  null,
  undefined,
  ...[Object, Error, TypeError].map((type): object => type.prototype)
])

const prototypeOf = (value: object) => safely((): object | null => Object.getPrototypeOf(value))

/** The header in which servers of OpenAI, Anthropic and Stripe tell their own clients whether to retry. */
const ofAdvice = (link: object, now: number | undefined): Verdict | undefined => {
  const response = property(link, "response")
  const found = property(link, "headers") ?? (Predicate.isObjectKeyword(response) && property(response, "headers"))
  if (!Predicate.isObjectKeyword(found)) return undefined
  const headers = found as HeadersLike
  const advice = header(headers, "x-should-retry") ?? header(headers, "stripe-should-retry")
  if (advice === "false") return permanent
  if (advice !== "true") return undefined
  const verdict = services.verdictOf(fromLinks([alone(link)], now))
  return verdict && isRetryable(verdict) ? verdict : transient("quick")
}
