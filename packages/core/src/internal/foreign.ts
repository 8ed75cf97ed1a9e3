import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { fromLinks } from "./classify.ts"
import { chain, property } from "./chain.ts"
import * as services from "./services.ts"
import { parked, permanent, throttled, transient, Verdict } from "./verdict.ts"

/** Reasons of Effect's own errors that merit more than their `isRetryable` says, by the tag of their wrapper. */
const effectErrors: { readonly [wrapper: string]: { readonly [reason: string]: Verdict } } = {
  AiError: {
    QuotaExhaustedError: parked("raise the quota"),
    AuthenticationError: parked("log in"),
    RateLimitError: throttled(),
    InvalidOutputError: transient("quick", 1),
    StructuredOutputError: transient("quick", 1)
  },
  SqlError: {
    AuthenticationError: parked("log in"),
    DeadlockError: transient("quick"),
    SerializationError: transient("quick"),
    LockTimeoutError: transient("quick")
  },
  RateLimiterError: { RateLimitExceeded: throttled(), RateLimitStoreError: transient("steady") },
  CircuitBreakerError: { CircuitHalfOpen: throttled(), CircuitBreakerStoreError: transient("steady") },
  PlatformError: {
    Busy: transient("quick"),
    WouldBlock: transient("quick"),
    TimedOut: transient("steady"),
    Unknown: transient("quick", 1)
  }
}

const isVerdict = Schema.is(Verdict)

/** Names by which the AWS SDK's services ask for patience where they leave `$retryable` out. */
const awsThrottling = /Throttl|TooManyRequests|LimitExceeded|SlowDown/

/** What a failure says of itself, or nothing. Its getters may throw. */
export const read = (failure: unknown, now: number | undefined): Verdict | undefined => {
  if (!Predicate.isObjectKeyword(failure)) return undefined
  const own = property(failure, "verdict")
  if (isVerdict(own)) return own
  const reason = property(failure, "reason")
  return (
    ofEffect(failure, reason) ??
    ofProperties(failure) ??
    (Predicate.isObjectKeyword(reason) ? ofProperties(reason) : undefined) ??
    ofAws(failure) ??
    ofTimeout(failure) ??
    ofSignals(failure, now)
  )
}

const ofEffect = (failure: object, reason: unknown): Verdict | undefined => {
  const [wrapper, inner] = [property(failure, "_tag"), Predicate.isObjectKeyword(reason) && property(reason, "_tag")]
  if (typeof wrapper !== "string" || typeof inner !== "string" || !Object.hasOwn(effectErrors, wrapper))
    return undefined
  const reasons = effectErrors[wrapper] ?? {}
  // The platform's other reasons are about what was asked for, which does not change.
  const otherwise = wrapper === "PlatformError" ? permanent : undefined
  const verdict = Object.hasOwn(reasons, inner) ? reasons[inner] : otherwise
  const wait = property(reason as object, "retryAfter")
  return verdict?._tag === "Throttled" && Duration.isDuration(wait) ? throttled(wait) : verdict
}

/** `retryAfter` and `isRetryable`, the names that Effect's errors share. */
const ofProperties = (failure: object): Verdict | undefined => {
  const isRetryable = property(failure, "isRetryable")
  if (isRetryable === false) return permanent
  const wait = property(failure, "retryAfter")
  if (Duration.isDuration(wait)) return throttled(wait)
  return isRetryable === true ? transient("steady") : undefined
}

const ofAws = (failure: object): Verdict | undefined => {
  const retryable = property(failure, "$retryable")
  if (Predicate.isObjectKeyword(retryable)) {
    return property(retryable, "throttling") === true ? throttled() : transient("quick")
  }
  const isAws = Predicate.isObjectKeyword(property(failure, "$metadata")) || property(failure, "$fault") !== undefined
  return isAws && awsThrottling.test(String(property(failure, "name"))) ? throttled() : undefined
}

const ofTimeout = (failure: object): Verdict | undefined =>
  property(failure, "_tag") === "TimeoutError" ? transient("steady") : undefined

/** By the status of an answer or the code of what was thrown. */
const ofSignals = (failure: object, now: number | undefined): Verdict | undefined =>
  services.verdictOf(fromLinks(chain(failure), now, undefined))
