import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import type { Queue } from "../../Queue.ts"
import type { Claimed } from "../../Store.ts"
import * as Judgement from "../judgement.ts"
import type { Attempt, Handler } from "../worker.ts"
import type { Outcome } from "./outcome.ts"
import { policies } from "./policies.ts"

const attemptOf = ({ attempts, calls, generation, id, row }: Claimed): Attempt => ({
  id,
  number: attempts + 1,
  generation,
  idempotencyKey: `${row}-${generation}-${calls + 1}`
})

/** One attempt. Whatever the handler does, the claim is settled, unless it is lost. Only the handler can be interrupted. */
export const make = <P, A, E, R>(
  queue: Queue<P, A>,
  handler: Handler<P, A, E, R>,
  kills: number,
  { done, failed, giveUp }: Outcome
): ((claim: Claimed) => Effect.Effect<void, never, R>) => {
  const payloadIn = Schema.decodeEffect(Schema.fromJsonString(Schema.toCodecJson(queue.payload)))
  const textOf =
    queue.success === undefined
      ? () => Effect.succeed("null")
      : Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(queue.success)))
  const policyIn = policies()
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
    if (Exit.isFailure(exit)) return yield* failed(claim, policy.value, exit.cause, begun)
    const result = yield* Effect.exit(textOf(exit.value))
    return yield* Exit.isFailure(result)
      ? giveUp(claim, "unreadable", Cause.squash(result.cause))
      : done(claim, result.value)
  })
}
