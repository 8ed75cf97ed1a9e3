import type * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import * as Call from "./call.ts"
import { chain, property, safely } from "../chain.ts"
import { isFailure } from "../isFailure.ts"

/** The failures of a cause, without interruptions. */
export const failuresOf = (cause: Cause.Cause<unknown>): ReadonlyArray<unknown> =>
  cause.reasons.flatMap((reason) => {
    if (reason._tag === "Interrupt") return []
    return [reason._tag === "Fail" ? reason.error : reason.defect]
  })

/** The failures that a listener was told, with the time in nanoseconds since the epoch. */
export type Heard = WeakMap<object, bigint>

/** A failure that is raised again after so many nanoseconds is a new one, not the same one on its way up. */
const once = 1_000_000_000n

export const isHeard = (heard: Heard, value: object, now: bigint): boolean => {
  const at = heard.get(value)
  // If the clock is set back, failures still count as new.
  return at !== undefined && now - at < once && at - now < once
}

/** A failure that each listener is told once: the objects that identify it now, and those that will identify it later. */
export interface Identity {
  readonly same: ReadonlyArray<object>
  readonly known: ReadonlyArray<object>
}

/**
 * The cause of a failure does not count: many may fail from the same broken connection, and each is a failure of its own. The wrappers of a
 * job's or an item's failure do, and so does `RetryExhausted`.
 */
export const identityOf = (failure: unknown): Identity => {
  const whole = safely(() => unwrap(failure)) ?? failure
  const reason = Predicate.isObjectKeyword(whole) ? property(whole, "reason") : undefined
  return {
    same: wrappersOfOurs(failure) ?? [failure, whole].filter(Predicate.isObjectKeyword),
    known: [failure, whole, reason].filter(Predicate.isObjectKeyword)
  }
}

/** Whether a failure is new to a listener. Marks it as told. */
export const isNew = (heard: Heard, { known, same }: Identity, now: bigint): boolean => {
  if (same.some((value) => isHeard(heard, value, now))) return false
  for (const value of known) heard.set(value, now)
  return true
}

/** The job's or item's failure that a failure is or wraps, with its wrappers; `undefined` if there is none or it is one of several. */
const wrappersOfOurs = (failure: unknown): ReadonlyArray<object> | undefined => {
  const found: Array<object> = []
  for (const { isMember, parent, value } of chain(failure)) {
    if (isMember || parent?.value !== found.at(-1)) return undefined
    found.push(value)
    if (safely(() => isFailure(value)) === true) return found
  }
  return undefined
}

export const unwrap = (failure: unknown): unknown => Call.unwrap(failure).failure
