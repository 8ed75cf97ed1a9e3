import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Verdict from "@redrive/core/Verdict"
import * as Operation from "../Operation.ts"
import { type Attempts, type Call, chance, operationOf, verdictOf } from "./call.ts"
import { giveUp, refused } from "./giveUp.ts"
import { hedged } from "./hedge.ts"
import * as metrics from "./metrics.ts"
import { type Guard, isRefusal, Refusal } from "./shared.ts"
import { timeout } from "./timeout.ts"

/** One attempt, if the breaker lets it through. How it ends is for `settle` to tell. */
export const attempt = <A, E, R>(call: Call<A, E, R>, now: number): Attempts<A, E, R> => {
  const { key, shared } = call
  call.started = now
  if (now >= call.ends) return tooLate(call)
  if (shared.guard !== undefined) return guarded(call, shared.guard)
  const permit = shared.breakerOf(key)?.admit(now)
  if (permit?._tag === "Refused") {
    const again = permit.retryAfter === Infinity ? undefined : Duration.millis(permit.retryAfter)
    return shutOut(call, again)
  }
  call.permit = permit
  return timed(call)
}

/** A breaker that is not this process's alone. */
const guarded = <A, E, R>(call: Call<A, E, R>, guard: Guard): Attempts<A, E, R> => {
  const late = new Refusal(undefined)
  // The time that the store took is no part of the attempt.
  const admitted = Effect.suspend((): Effect.Effect<A, E | Cause.TimeoutError | Refusal, R> => {
    call.started = call.time.now()
    return call.started >= call.ends ? Effect.fail(late) : timed(call)
  })
  const judge = (failure: E | Cause.TimeoutError | Refusal) =>
    isRefusal(failure) ? Verdict.permanent : verdictOf(call, failure, call.time.clock.currentTimeMillisUnsafe())
  const most = Duration.millis(call.ends - call.started)
  return Effect.catchIf(guard(admitted, call.key, judge, most), isRefusal, (refusal) =>
    refusal === late ? tooLate(call) : shutOut(call, refusal.again)
  )
}

/** All of the deadline went on waiting. */
const tooLate = <A, E, R>(call: Call<A, E, R>) =>
  giveUp(call, call.past.failed.at(-1)?.failure ?? refused("deadline"), "deadline")

const shutOut = <A, E, R>(call: Call<A, E, R>, again: Duration.Duration | undefined) =>
  giveUp(call, call.past.failed.at(-1)?.failure ?? refused("breaker"), "breaker", again)

/** The effect, bounded by what is left of the deadline and by the attempt's own timeout. */
const timed = <A, E, R>(call: Call<A, E, R>): Effect.Effect<A, E | Cause.TimeoutError, R> => {
  const { attemptTimeout } = call.shared.policy
  const own = attemptTimeout === undefined ? Infinity : Duration.toMillis(attemptTimeout)
  return bounded(call, hedgedOf(call), call.started, Math.min(own, call.ends - call.started))
}

/** Bounds what a call does from `now` on to so many milliseconds. */
export const bounded = <A, E, R, A2, E2, R2>(
  { time }: Call<A, E, R>,
  self: Effect.Effect<A2, E2, R2>,
  now: number,
  limit: number
): Effect.Effect<A2, E2 | Cause.TimeoutError, R2> =>
  limit === Infinity ? self : timeout(self, Duration.millis(Math.max(0, limit)), now + limit, time)

/** An attempt, and a second one beside it if it is slow and changes nothing on the other side. */
const hedgedOf = <A, E, R>(call: Call<A, E, R>): Effect.Effect<A, E, R> => {
  const { fiber, self, shared, started, time } = call
  const { hedges, policy } = shared
  if (hedges === undefined || policy.hedge === undefined) return self
  if (call.options.isReplayable === false || !Operation.isSafe(operationOf(call))) return self
  hedges.begin(started)
  const mayHedge = Effect.sync(() => {
    const isAllowed = hedges.retry(time.now(), false, 0)
    if (isAllowed) metrics.attemptHedged(fiber, call.name)
    return isAllowed
  })
  return hedged(self, policy.hedge.after, mayHedge)
}

/** How an attempt or its call ended: `ignored` says nothing of the other side, an interruption above all. */
export type Ending = "success" | "given up" | "ignored" | Verdict.Verdict

/** Tells breaker and gate how the attempt ended that they let through. Only the first telling of an attempt counts. */
export const settle = <A, E, R>(call: Call<A, E, R>, ending: Ending, now: number): void => {
  const { fiber, key, name, past, permit, shared, started } = call
  const { probing } = past
  if (permit === undefined && probing === undefined) return
  call.permit = undefined
  if (permit !== undefined) {
    // What is the caller's own doing says nothing of the other side's health.
    const isFailure = typeof ending === "object" && Verdict.isRetryable(ending)
    const isGood = ending === "success" || (permit.lease !== undefined && isAnswer(ending))
    const outcome = isGood ? "success" : isFailure ? "failure" : "ignored"
    const asked = isFailure ? Verdict.retryAfter(ending) : undefined
    // A server may ask for any time; a breaker is open no longer than a call would wait.
    const hint = asked && Math.min(Duration.toMillis(asked), shared.maxRetryAfter)
    // Nothing opens for a success, unless it may have been too slow.
    const mayOpen = isFailure || shared.policy.breaker?.slowerThan !== undefined
    const random = mayOpen ? chance(call) : 0
    shared.breakerOf(key)?.record(permit, outcome, now, random, now - started, hint)
    shared.tellChanges(fiber, name)
  }
  // A probe that will be retried stays the probe.
  if (probing === undefined || (typeof ending === "object" && Verdict.isRetryable(ending))) return
  past.probing = undefined
  if (ending === "success" || isAnswer(ending)) shared.open(fiber, key)
  else shared.probed(probing, ending !== "ignored", now, chance(call))
}

/** That something is permanently wrong with a call is an answer, too: the other side is there, and nobody has to act first. */
const isAnswer = (ending: Ending): boolean => typeof ending === "object" && ending._tag === "Permanent"
