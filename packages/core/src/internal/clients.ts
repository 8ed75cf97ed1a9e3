import * as Predicate from "effect/Predicate"
import { alone, attempt, chain, property, read } from "./chain.ts"
import { fromLinks } from "./classify.ts"
import { ofGrpc } from "./grpc.ts"
import * as services from "./services.ts"
import { ofSql } from "./sqlstate.ts"
import { isRetryable, permanent, throttled, transient, type Verdict } from "./verdict.ts"

/** What a well-known client says itself about a failure, by its structure: no package of theirs is imported. */
export const ofClient = (link: object, now: number | undefined): Verdict | undefined =>
  ofAws(link, now) ?? ofGrpc(link) ?? ofSql(link) ?? ofKafka(link) ?? ofOthers(link, now) ?? ofAdvice(link, now)

/** Names of AWS's own list of throttling errors that do not say so; the others have `Throttl` in them. */
const awsThrottling = new Set(
  (
    "BandwidthLimitExceeded LimitExceededException PriorRequestNotComplete ProvisionedThroughputExceededException " +
    "RequestLimitExceeded SlowDown TooManyRequestsException TransactionInProgressException"
  ).split(" ")
)

/** AWS's own rules of what its SDK retries, but for what any client's status or code says as well. */
const ofAws = (link: object, now: number | undefined): Verdict | undefined => {
  const [metadata, retryable] = [property(link, "$metadata"), property(link, "$retryable")]
  const about = Predicate.isObjectKeyword(metadata) ? metadata : undefined
  if (about === undefined && retryable === undefined && property(link, "$fault") === undefined) return undefined
  const [name, message] = [read(link, "name") ?? "", read(link, "message")]
  // The SDK keeps the answer, with its headers, out of sight.
  const response = property(link, "$response")
  const answer = Predicate.isObjectKeyword(response) ? fromLinks([alone(response)], now, undefined) : undefined
  const isThrottling = Predicate.isObjectKeyword(retryable) && property(retryable, "throttling") === true
  if (isThrottling || name.includes("Throttl") || awsThrottling.has(name)) {
    return throttled(answer && "retryAfter" in answer ? answer.retryAfter : undefined)
  }
  const isLate = name.startsWith("RequestTimeout") || (answer !== undefined && name === "TimeoutError")
  if (retryable !== undefined || isLate) return transient("quick")
  // The SDK has set its clock by the answer: it is right now, or never.
  const isExpired = name === "InvalidSignatureException" && message?.includes("Signature expired") === true
  if (isExpired || (about && property(about, "clockSkewCorrected") === true)) return transient("quick", 1)
  return answer && services.verdictOf(answer)
}

const ofKafka = (link: object): Verdict | undefined => {
  const [name, retriable] = [read(link, "name"), property(link, "retriable")]
  if (typeof retriable !== "boolean" || name?.startsWith("KafkaJS") !== true) return undefined
  // It only says that the client has tried for long; what it tried for is its cause.
  if (name === "KafkaJSNumberOfRetriesExceeded" && property(link, "cause") !== undefined) return undefined
  if (!retriable) return permanent
  return property(link, "type") === "THROTTLING_QUOTA_EXCEEDED" ? throttled() : transient("quick")
}

/** What has no structure of its own, by class, name and code. */
const ofOthers = (link: object, now: number | undefined): Verdict | undefined => {
  const [code, message, names] = [read(link, "code"), read(link, "message"), namesOf(link)]
  // BullMQ takes a job away from its worker by throwing these: to work on would be wrong.
  if (names.includes("UnrecoverableError") || message?.startsWith("bullmq:") === true) return permanent
  if (names.includes("APIUserAbortError") || code === "ERR_CANCELED") return permanent
  // No wait refills it, and others who share the account may have a quota of their own.
  if (code === "insufficient_quota") return permanent
  if (names.includes("APIConnectionTimeoutError")) return transient("steady")
  if (names.includes("AxiosError") && code === "ECONNABORTED") return transient("steady")
  if (names.includes("AxiosError") && message === "stream has been aborted") return transient("quick")
  if (names.includes("ReadError") && code === "ERR_HTTP_CONTENT_LENGTH_MISMATCH") return transient("quick")
  if (read(link, "type") !== "StripeConnectionError") return undefined
  return services.verdictOf(fromLinks(chain(property(link, "detail")), now, undefined)) ?? transient("quick")
}

/** An error's name, and those of its classes, since not all of them set the former. */
const namesOf = (link: object): ReadonlyArray<string | undefined> => {
  const names = [read(link, "name")]
  for (let type = prototypeOf(link); !builtIn.has(type) && names.length < 8; type = prototypeOf(type as object)) {
    const made = property(type as object, "constructor")
    if (typeof made === "function") names.push(made.name)
  }
  return names
}

/** Where there is no more to learn: most failures are of no class of their own. */
const builtIn: ReadonlySet<object | null | undefined> = new Set([
  null,
  undefined,
  ...[Object, Error, TypeError].map((type): object => type.prototype)
])

const prototypeOf = (value: object) => attempt((): object | null => Object.getPrototypeOf(value))

/** What OpenAI's, Anthropic's and Stripe's servers say for their own clients: whether to try again. */
const ofAdvice = (link: object, now: number | undefined): Verdict | undefined => {
  const response = property(link, "response")
  const headers = property(link, "headers") ?? (Predicate.isObjectKeyword(response) && property(response, "headers"))
  if (!Predicate.isObjectKeyword(headers)) return undefined
  const advice = header(headers, "x-should-retry") ?? header(headers, "stripe-should-retry")
  if (advice === "false") return permanent
  if (advice !== "true") return undefined
  const verdict = services.verdictOf(fromLinks([alone(link)], now, undefined))
  return verdict && isRetryable(verdict) ? verdict : transient("quick")
}

const header = (headers: object, name: string): unknown => {
  const get = property(headers, "get")
  return typeof get === "function" ? attempt((): unknown => get.call(headers, name)) : property(headers, name)
}
