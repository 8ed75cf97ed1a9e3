import * as Observer from "@redrive/core/Observer"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Random from "effect/Random"
import type { Claimed, Store } from "../../Store.ts"
import * as Judgement from "../judgement.ts"
import type { Claims } from "./claims.ts"
import type { Settling } from "./settling.ts"

/** What an attempt comes to: its claim is settled, and only what is settled is told. */
export interface Outcome {
  readonly done: (claim: Claimed, result: string) => Effect.Effect<void>
  /** What follows a failure, by the policy. */
  readonly failed: (
    claim: Claimed,
    policy: RetryPolicy.RetryPolicy,
    cause: Cause.Cause<unknown>,
    begun: number
  ) => Effect.Effect<void>
  readonly giveUp: (
    claim: Claimed,
    because: string,
    error: unknown,
    cause?: Cause.Cause<unknown>
  ) => Effect.Effect<void>
}

export const make = (
  store: Store["Service"],
  queue: string,
  claims: Claims,
  { isEnding, persist, settle }: Settling
): Outcome => {
  const about = ({ attempts, key }: Claimed) => ({ name: queue, ...(key !== "" && { key }), attempt: attempts + 1 })

  const done: Outcome["done"] = Effect.fnUntraced(function* (claim, result) {
    if (!(yield* settle(claim, { _tag: "Done", result }))) return
    if (claim.attempts > 0) yield* Observer.tell(() => ({ _tag: "Recovered", ...about(claim) }))
    else if (Observer.isSuccessExpected(queue, claim.key))
      yield* Observer.tell(() => ({ _tag: "Succeeded", ...about(claim) }))
  })

  const giveUp: Outcome["giveUp"] = Effect.fnUntraced(function* (claim, because, error, cause = Cause.fail(error)) {
    const failed = yield* Judgement.failedOf(error)
    if (!(yield* settle(claim, { _tag: "Failed", because, failed }))) return
    const call = { name: queue, key: claim.key, because, attempts: claim.attempts + 1 }
    yield* Observer.tell(() => ({ _tag: "GaveUp", ...call, attempt: call.attempts, error, call }))
    yield* ErrorReporter.report(cause)
  })

  const tellAgain = (claim: Claimed, error: unknown, { again, parked, verdict }: Judgement.Again, now: number) =>
    Observer.tell(() =>
      parked === undefined
        ? { _tag: "RetryScheduled", ...about(claim), error, verdict, delay: Judgement.time(again.due - now) }
        : { _tag: "Parked", name: queue, key: claim.key, until: parked, error }
    )

  const failed: Outcome["failed"] = Effect.fnUntraced(function* (claim, policy, cause, begun) {
    const isInterrupted = Cause.hasInterruptsOnly(cause)
    // The worker ends, or the claim is lost: the attempt does not count.
    if (isInterrupted && (isEnding() || !claims.isHeld(claim))) return
    // Whatever else interrupts a handler is its failure: without a wait and a count, it would be called again without an end.
    const error = isInterrupted ? Judgement.interrupted : Cause.squash(cause)
    const now = yield* Clock.currentTimeMillis
    const judged = yield* Judgement.judge(policy, claim, error, now, yield* Random.next)
    const { verdict } = judged
    yield* Observer.tell(() => ({
      _tag: "AttemptFailed",
      ...about(claim),
      error,
      verdict,
      duration: Judgement.time(now - begun)
    }))
    if (judged._tag === "GiveUp")
      return yield* giveUp(claim, judged.because, error, isInterrupted ? Cause.fail(error) : cause)
    if (judged.gate !== undefined) {
      const { gate, until, why } = judged.gate
      // Before the task waits again: a task that is parked is due at once, once its gate is open.
      yield* persist(claim, store.shut({ gate, until, why, by: "policy", at: now }), undefined)
    }
    if (yield* settle(claim, judged.again)) yield* tellAgain(claim, error, judged, now)
  })

  return { done, failed, giveUp }
}
