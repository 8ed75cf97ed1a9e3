import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Failure from "@redrive/core/Failure"
import * as Report from "@redrive/core/Report"
import * as Operation from "../Operation.ts"
import { type Refused, RetryExhausted } from "../RetryExhausted.ts"
import type * as RetryPolicy from "../RetryPolicy.ts"
import type { Added, Exhausted } from "../Retry.ts"
import { type Call, type Failed, pastOf } from "./call.ts"
import * as telling from "./telling.ts"
import { isTimedOut } from "./timeout.ts"

/** Gives up a call; `again` is the wait after which another try makes sense. */
export const giveUp = <A, E, R>(
  call: Call<A, E, R>,
  failure: unknown,
  because: RetryPolicy.Because,
  again?: Duration.Duration
): Effect.Effect<never, Exhausted<E>> => {
  const { name, time } = call
  const past = pastOf(call)
  past.isOver = true
  const own = call.options.errorOf !== undefined && isAdded(failure) ? call.options.errorOf(failure) : failure
  telling.gaveUp(call, own, because)
  const facts = { name, because, attempts: past.failed.map(entryOf), failure: own }
  if (because === "parked too long" || because === "deadline") Object.assign(facts, parkedUntil(failure))
  const later = again && comeBack(again, time.clock.currentTimeMillisUnsafe())
  // It is not thrown, and its timeline takes the place of a stack.
  return Effect.fail(Failure.withoutStack(() => new RetryExhausted<Exhausted<E>["failure"]>({ ...facts, ...later })))
}

/** The latest time that a date can hold. */
const latest = 8.64e15

/** When another try makes sense; `undefined` if that is never, or later than a date can hold. */
const comeBack = (again: Duration.Duration, now: number) => {
  const at = now + Duration.toMillis(again)
  return at > latest ? undefined : { retryAt: DateTime.makeUnsafe(at), retryAfter: again }
}

const entryOf = ({
  duration,
  failure,
  isAmbiguous = Operation.isAmbiguous(failure),
  startedAt,
  verdict,
  wait
}: Failed) => ({
  startedAt: DateTime.makeUnsafe(startedAt),
  duration: Duration.millis(duration),
  verdict,
  message: Report.make(failure).message,
  isAmbiguous,
  ...(wait === undefined ? {} : { wait: Duration.millis(wait) })
})

/** The action that a refusal at a gate waits for. */
const parkedUntil = (failure: unknown) =>
  Predicate.isTagged(failure, "Refused") && Predicate.hasProperty(failure, "until") ? { until: failure.until } : {}

/** Whether the failure comes from the engine rather than the effect. */
const isAdded = (failure: unknown): failure is Added =>
  isTimedOut(failure) || (Predicate.isTagged(failure, "Refused") && Predicate.hasProperty(failure, "because"))

/** The failure of a call that was refused; `until` names the action that a parked call waits for. */
export const refused = (because: Refused["because"], until?: string): Refused => ({
  _tag: "Refused",
  because,
  message: `refused: ${because}`,
  ...(until !== undefined && { until })
})
