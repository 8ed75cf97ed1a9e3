import * as Observer from "@redrive/core/Observer"
import type * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import type { Queue } from "../../Queue.ts"
import type { Claimed, Store } from "../../Store.ts"
import * as Judgement from "../judgement.ts"
import type { Attempt, Handler } from "../worker.ts"
import type { Claims } from "./claims.ts"
import { policies } from "./policies.ts"
import type { Settling } from "./settling.ts"

const attemptOf = ({ attempts, calls, generation, id, row }: Claimed): Attempt => ({
  id,
  number: attempts + 1,
  generation,
  idempotencyKey: `${row}-${generation}-${calls + 1}`
})

/** One attempt. Whatever the handler does, the claim is settled, unless it is lost. Only the handler can be interrupted. */
export const make = <P, A, E, R>({
  claims,
  handler,
  kills,
  queue,
  settling: { isEnding, persist, settle },
  store
}: {
  readonly store: Store["Service"]
  readonly queue: Queue<P, A>
  readonly handler: Handler<P, A, E, R>
  readonly kills: number
  readonly claims: Claims
  readonly settling: Settling
}): ((claim: Claimed) => Effect.Effect<void, never, R>) => {
  const payloadIn = Schema.decodeEffect(Schema.fromJsonString(Schema.toCodecJson(queue.payload)))
  const textOf =
    queue.success === undefined
      ? () => Effect.succeed("null")
      : Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(queue.success)))
  const policyIn = policies()
  const aboutOf = ({ key }: Claimed) => ({ name: queue.name, ...(key !== "" && { key }) })

  const giveUp = Effect.fnUntraced(function* (
    claim: Claimed,
    because: string,
    error: unknown,
    cause: Cause.Cause<unknown> = Cause.fail(error)
  ) {
    const failed = yield* Judgement.failedOf(error)
    if (!(yield* settle(claim, { _tag: "Failed", because, failed }))) return
    const about = { name: queue.name, key: claim.key, because, attempts: claim.attempts + 1 }
    yield* Observer.tell(() => ({ _tag: "GaveUp", ...about, attempt: about.attempts, error, call: about }))
    yield* ErrorReporter.report(cause)
  })

  const succeeded = Effect.fnUntraced(function* (claim: Claimed, value: A) {
    const result = yield* Effect.exit(textOf(value))
    if (Exit.isFailure(result)) return yield* giveUp(claim, "unreadable", Cause.squash(result.cause))
    if (!(yield* settle(claim, { _tag: "Done", result: result.value }))) return
    const attempt = claim.attempts + 1
    if (claim.attempts > 0) yield* Observer.tell(() => ({ _tag: "Recovered", ...aboutOf(claim), attempt }))
    else if (Observer.isSuccessExpected(queue.name, claim.key))
      yield* Observer.tell(() => ({ _tag: "Succeeded", ...aboutOf(claim), attempt }))
  })

  const failed = Effect.fnUntraced(function* (
    claim: Claimed,
    policy: RetryPolicy.RetryPolicy,
    cause: Cause.Cause<unknown>,
    begun: number
  ) {
    const isInterrupted = Cause.hasInterruptsOnly(cause)
    // The worker ends, or the claim is lost: the attempt does not count.
    if (isInterrupted && (isEnding() || !claims.isHeld(claim))) return
    // Whatever else interrupts a handler is its failure: without a wait and a count, it would be called again without an end.
    const error = isInterrupted ? Judgement.interrupted : Cause.squash(cause)
    const now = yield* Clock.currentTimeMillis
    const judged = yield* Judgement.judge(policy, claim, error, now, yield* Random.next)
    const about = aboutOf(claim)
    const attempt = claim.attempts + 1
    yield* Observer.tell(() => ({
      _tag: "AttemptFailed",
      ...about,
      attempt,
      error,
      verdict: judged.verdict,
      duration: Judgement.time(now - begun)
    }))
    if (judged._tag === "GiveUp")
      return yield* giveUp(claim, judged.because, error, isInterrupted ? Cause.fail(error) : cause)
    if (judged.gate !== undefined) {
      const { gate, until, why } = judged.gate
      // Before the task waits again: a task that is parked is due at once, once its gate is open.
      yield* persist(claim, store.shut({ gate, until, why, by: "policy", at: now }), undefined)
    }
    if (!(yield* settle(claim, judged.again))) return
    if (judged.parked !== undefined) {
      const until = judged.parked
      yield* Observer.tell(() => ({ _tag: "Parked", name: queue.name, key: claim.key, until, error }))
    } else
      yield* Observer.tell(() => ({
        _tag: "RetryScheduled",
        ...about,
        attempt,
        error,
        verdict: judged.verdict,
        delay: Judgement.time(judged.again.due - now)
      }))
  })

  return Effect.fnUntraced(function* (claim) {
    if (claim.kills >= kills) return yield* giveUp(claim, "killed", Judgement.killed)
    const policy = policyIn(claim.policy)
    const payload = yield* Effect.exit(payloadIn(claim.payload))
    if (policy._tag === "None" || Exit.isFailure(payload)) {
      const error = Exit.isFailure(payload) ? Cause.squash(payload.cause) : new Error("its policy cannot be read")
      return yield* giveUp(claim, "unreadable", error)
    }
    // Nobody knows what the lost process has done.
    if (claim.kills > 0 && policy.value.operation === "create")
      return yield* giveUp(claim, "ambiguous", Judgement.killed)
    const begun = yield* Clock.currentTimeMillis
    const exit = yield* Effect.exit(
      Effect.interruptible(
        Judgement.bounded(
          policy.value,
          Effect.suspend(() => handler(payload.value, attemptOf(claim)))
        )
      )
    )
    return yield* Exit.isSuccess(exit) ? succeeded(claim, exit.value) : failed(claim, policy.value, exit.cause, begun)
  })
}
