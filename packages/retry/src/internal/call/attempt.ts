import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Verdict from "@redrive/core/Verdict"
import * as Operation from "../../Operation.ts"
import { begun, type Call, chance, operationOf, type Rest, verdictOf } from "./call.ts"
import { giveUp, refuse } from "./giveUp.ts"
import { hedged } from "./hedged.ts"
import * as metrics from "./metrics.ts"
import type { Guard } from "../state/runnerState.ts"
import { isRefusal, Refusal } from "./refusal.ts"
import { timeout } from "./timeout.ts"

/** Runs one attempt if the breaker admits it. `settle` reports its end to the breaker. */
export const attempt = <A, E, R>(call: Call<A, E, R>, now: number): Rest<A, E, R> => {
  const { key, shared } = call
  call.started = now
  if (now >= call.ends) return tooLate(call)
  if (shared.guard !== undefined) return guarded(call, shared.guard)
  const permit = shared.breakers?.of(key).admit(now)
  if (permit?._tag === "Refused") {
    const again = permit.retryAfter === Infinity ? undefined : Duration.millis(permit.retryAfter)
    return shutOut(call, again)
  }
  call.permit = permit
  return timed(call)
}

/** Runs one attempt through a breaker that other processes share. */
const guarded = <A, E, R>(call: Call<A, E, R>, guard: Guard): Rest<A, E, R> => {
  const late = new Refusal(undefined)
  begun(call, call.started)
  // The attempt begins only after the store has answered.
  const admitted = Effect.suspend((): Effect.Effect<A, E | Cause.TimeoutError | Refusal, R> => {
    call.started = call.time.now()
    return call.started >= call.ends ? Effect.fail(late) : timed(call)
  })
  const judge = (failure: E | Cause.TimeoutError | Refusal) =>
    isRefusal(failure) ? Verdict.permanent : verdictOf(call, failure, call.time.clock.currentTimeMillisUnsafe())
  const most = Duration.millis(call.ends - call.started)
  return Effect.catchIf(guard(admitted, call.key, judge, most), isRefusal, (refusal) => {
    if (refusal === late) return tooLate(call)
    // The store's answer took its time.
    call.started = 0
    return shutOut(call, refusal.again)
  })
}

/** Gives up a call whose deadline passed while it waited. */
const tooLate = <A, E, R>(call: Call<A, E, R>) => turnedAway(call, "deadline")

const shutOut = <A, E, R>(call: Call<A, E, R>, again: Duration.Duration | undefined) =>
  turnedAway(call, "breaker", again)

/** Gives up a call that gets no further attempt, with the failure of its last one if there was any. */
const turnedAway = <A, E, R>(call: Call<A, E, R>, because: "breaker" | "deadline", again?: Duration.Duration) => {
  const last = call.past.failed.at(-1)
  return last === undefined ? refuse(call, because, { again }) : giveUp(call, last.failure, because, again)
}

/** The effect, bounded by the rest of the deadline and by the attempt's own timeout. */
const timed = <A, E, R>(call: Call<A, E, R>): Effect.Effect<A, E | Cause.TimeoutError, R> =>
  call.isApart ? call.self : bounded(call, hedgedOf(call), call.started, limitOf(call))

/** The milliseconds that the attempt which has just begun may take. */
export const limitOf = <A, E, R>({ ends, shared, started }: Call<A, E, R>): number =>
  Math.min(shared.attemptTimeout, ends - started)

/** Bounds an effect of a call to `limit` milliseconds from `now`. */
export const bounded = <A, E, R, A2, E2, R2>(
  call: Call<A, E, R>,
  self: Effect.Effect<A2, E2, R2>,
  now: number,
  limit: number
): Effect.Effect<A2, E2 | Cause.TimeoutError, R2> =>
  limit === Infinity ? self : timeout(self, Math.max(0, limit), now + limit, call)

/** An attempt, and a second one at the same time if the first is slow and the operation is safe. */
const hedgedOf = <A, E, R>(call: Call<A, E, R>): Effect.Effect<A, E, R> => {
  const { fiber, self, shared, started, time } = call
  const { hedge, policy } = shared
  if (hedge === undefined || policy.hedge === undefined) return self
  if (call.options.isReplayable === false || !Operation.isSafe(operationOf(call))) return self
  hedge.begin(started)
  const mayHedge = Effect.sync(() => {
    const isAllowed = hedge.retry(time.now(), false, 0)
    if (isAllowed) metrics.attemptHedged(fiber, call.name)
    return isAllowed
  })
  return hedged(self, policy.hedge.after, mayHedge)
}

/** How an attempt or its call ended. `ignored`, mostly an interruption, says nothing about the other side. */
export type Ending = "success" | "given up" | "ignored" | Verdict.Verdict

/** Reports the end of an attempt to the breaker and the gate that admitted it. Only the first report counts. */
export const settle = <A, E, R>(call: Call<A, E, R>, ending: Ending, now: number): void => {
  const { fiber, key, name, past, permit, shared, started } = call
  const { probing } = past
  if (permit === undefined && probing === undefined) return
  call.permit = undefined
  if (permit !== undefined) {
    // The caller's own mistakes say nothing about the other side's health.
    const isFailure = typeof ending === "object" && Verdict.isRetryable(ending)
    const isGood = ending === "success" || (permit.lease !== undefined && isAnswer(ending))
    const outcome = isGood ? "success" : isFailure ? "failure" : "ignored"
    const asked = isFailure ? Verdict.retryAfter(ending) : undefined
    // A server may ask for any wait; the breaker stays open no longer than a call would wait.
    const hint = asked && Math.min(Duration.toMillis(asked), shared.maxRetryAfter)
    // A success opens no breaker, unless it may have been too slow.
    const mayOpen = isFailure || shared.policy.breaker?.slowerThan !== undefined
    const random = mayOpen ? chance(call) : 0
    shared.breakers?.of(key).record(permit, outcome, now, random, now - started, hint)
    shared.breakers?.tellChanges(fiber, name)
  }
  // A probe that will be retried stays the probe.
  if (probing === undefined || (typeof ending === "object" && Verdict.isRetryable(ending))) return
  past.probing = undefined
  if (ending === "success" || isAnswer(ending)) shared.gates?.open(fiber, key)
  else shared.gates?.probed(probing, ending !== "ignored", now, chance(call))
}

/** A permanent failure is an answer too: the other side is there, and nobody has to act first. */
const isAnswer = (ending: Ending): boolean => typeof ending === "object" && ending._tag === "Permanent"
