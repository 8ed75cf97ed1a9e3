import * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import { ofClient } from "./clients.ts"
import { fromLinks } from "./classify.ts"
import { alone, chain, type Link, property } from "./chain.ts"
import { isVerdict } from "./isVerdict.ts"
import * as services from "./services.ts"
import { parked, permanent, throttled, transient, type Verdict } from "../Verdict.ts"

/** Verdicts on Effect's own errors where `isRetryable` says too little, by the tags of the wrapper and the reason. */
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

/** The verdict that a failure gives itself, or `undefined`. Its getters may throw. */
export const verdictIn = (failure: unknown, now: number | undefined): Verdict | undefined => {
  if (!Predicate.isObjectKeyword(failure)) return undefined
  const own = property(failure, "verdict")
  if (isVerdict(own)) return own
  const reason = property(failure, "reason")
  const said = isUnclassified(failure)
    ? undefined
    : (ofEffect(failure) ??
      ofProperties(failure) ??
      (Predicate.isObjectKeyword(reason) ? ofProperties(reason) : undefined))
  return said ?? ofLinks(chain(failure), now)
}

const unclassified: ReadonlySet<unknown> = new Set(["UnknownError", "Unknown"])

/** Whether Effect could not identify an error, so that the wrapped value may say more. */
const isUnclassified = (failure: object): boolean => {
  const reason = property(failure, "reason")
  const known = Predicate.isObjectKeyword(reason) ? reason : failure
  return unclassified.has(property(known, "_tag")) && property(failure, "isRetryable") !== true
}

/** The verdict on one of Effect's own errors, whose reason may say more than its `isRetryable`. */
const ofEffect = (failure: object): Verdict | undefined => {
  const [wrapper, reason] = [property(failure, "_tag"), property(failure, "reason")]
  if (wrapper === "TimeoutError") return transient("steady")
  if (typeof wrapper !== "string" || !Object.hasOwn(effectErrors, wrapper)) return undefined
  const inner = Predicate.isObjectKeyword(reason) ? property(reason, "_tag") : undefined
  if (!Predicate.isObjectKeyword(reason) || typeof inner !== "string") return undefined
  const reasons = effectErrors[wrapper] ?? {}
  // The platform's other reasons are about the request itself, which a retry does not change.
  const otherwise = wrapper === "PlatformError" ? permanent : (ofProperties(failure) ?? ofProperties(reason))
  const verdict = Object.hasOwn(reasons, inner) ? reasons[inner] : otherwise
  const wait = property(reason, "retryAfter")
  return verdict?._tag === "Throttled" && Duration.isDuration(wait) ? throttled(wait) : verdict
}

/** The verdict by `retryAfter` and `isRetryable`, the names that Effect's errors share. */
const ofProperties = (failure: object): Verdict | undefined => {
  const isRetryable = property(failure, "isRetryable")
  if (isRetryable === false) return permanent
  const wait = property(failure, "retryAfter")
  if (Duration.isDuration(wait)) return throttled(wait)
  return isRetryable === true ? transient("steady") : undefined
}

/** The status of the answer that an AiError keeps. */
const ofHttp = (failure: object, now: number | undefined): Verdict | undefined => {
  const [reason, http] = [property(failure, "reason"), property(failure, "http")]
  if (Predicate.isObjectKeyword(reason)) return ofHttp(reason, now)
  return Predicate.isObjectKeyword(http) ? services.verdictOf(fromLinks([alone(http)], now)) : undefined
}

/** The verdict by the first error of Effect or a known client in the chain, else by a status or an error code. */
const ofLinks = (links: ReadonlyArray<Link>, now: number | undefined): Verdict | undefined => {
  let otherwise: Verdict | undefined
  for (const { value } of links) {
    const verdict = ofEffect(value)
    if (isUnclassified(value)) otherwise ??= ofHttp(value, now) ?? verdict ?? ofProperties(value)
    else if (verdict !== undefined) return verdict
    const said = ofClient(value, now)
    if (said !== undefined) return said
  }
  return services.verdictOf(fromLinks(links, now)) ?? otherwise
}
