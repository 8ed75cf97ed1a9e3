import type * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import * as Failure from "../../Failure.ts"
import * as Call from "./call.ts"
import { chain, property, safely as attempt } from "../chain.ts"

/** The failures of a cause, without interruptions. */
export const failuresOf = (cause: Cause.Cause<unknown>): ReadonlyArray<unknown> =>
  cause.reasons.flatMap((reason) => {
    if (reason._tag === "Interrupt") return []
    return [reason._tag === "Fail" ? reason.error : reason.defect]
  })

/** What a listener was told, and when, in nanoseconds since the epoch. */
export type Heard = WeakMap<object, bigint>

/** What is raised again after so many nanoseconds is no longer on its way up: it happened again. */
const once = 1_000_000_000n

export const isHeard = (heard: Heard, value: object, now: bigint): boolean => {
  const at = heard.get(value)
  // A clock that is set back makes nothing silent.
  return at !== undefined && now - at < once && at - now < once
}

/** A failure as listeners are told of it once: the objects that are the same failure, and those that it is known by from now on. */
export interface Identity {
  readonly same: ReadonlyArray<object>
  readonly known: ReadonlyArray<object>
}

/**
 * The cause of a failure does not count: many may fail from the same broken connection, and each is a failure of its own. The wrappers of a
 * job's or an item's failure do, and so does `RetryExhausted`.
 */
export const identityOf = (failure: unknown): Identity => {
  const whole = attempt(() => unwrap(failure)) ?? failure
  const reason = Predicate.isObjectKeyword(whole) ? property(whole, "reason") : undefined
  return {
    same: wrappersOfOurs(failure) ?? [failure, whole].filter(Predicate.isObjectKeyword),
    known: [failure, whole, reason].filter(Predicate.isObjectKeyword)
  }
}

/** Whether a failure is new to a listener, who has heard of it from now on. */
export const isNew = (heard: Heard, { known, same }: Identity, now: bigint): boolean => {
  if (same.some((value) => isHeard(heard, value, now))) return false
  for (const value of known) heard.set(value, now)
  return true
}

/** The failure of a job or an item that a failure is, or wraps, with its wrappers; none if it is one of several. */
const wrappersOfOurs = (failure: unknown): ReadonlyArray<object> | undefined => {
  const found: Array<object> = []
  for (const { isMember, parent, value } of chain(failure)) {
    if (isMember || parent?.value !== found.at(-1)) return undefined
    found.push(value)
    if (attempt(() => Failure.isFailure(value)) === true) return found
  }
  return undefined
}

export const unwrap = (failure: unknown): unknown => Call.unwrap(failure).failure
