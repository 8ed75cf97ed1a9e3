import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import type * as Budget from "../../Budget.ts"
import * as CallState from "../../CallState.ts"
import * as Operation from "../../Operation.ts"
import type { Exhausted, Options } from "../../Retry.ts"
import { attempt, bounded, settle } from "./attempt.ts"
import * as Call from "./call.ts"
import { codeOf } from "./overrides.ts"
import * as Gate from "../state/gate.ts"
import { giveUp, refuse, refused } from "./giveUp.ts"
import type { RunnerState } from "../state/runnerState.ts"
import { NotAgain } from "./refusal.ts"
import { isTimedOut } from "./timedOut.ts"
import { type Around, aroundOf, withinOf } from "./surroundings.ts"
import * as Events from "./events.ts"

/*
 * A call is two frames on its fiber's stack: the inner one catches failures and retries, the outer one releases everything, whatever
 * happens. Everything is taken inside the outer frame, and noted in the call in the same step. So an interruption between any two steps
 * leaks nothing.
 */

type Rest<A, E, R> = Call.Rest<A, E, R>

class Entering<A, E, R> extends Call.Call<A, E, R> {
  override asEffect(): Rest<A, E, R> {
    return enter(this)
  }
}

/** Runs an effect under the policy of a runner. */
export const run = <A, E, R, F>(
  shared: RunnerState,
  self: Effect.Effect<A, E, R>,
  options: Options<A, E, R, F>
): Effect.Effect<A, Exhausted<E, F>, R> =>
  Effect.withFiber((fiber) => {
    // Only `giveUp` makes an `F`, so no other code needs the type.
    const call = new Entering(shared, self, options as Options<A, E, R>, fiber)
    return goOn(call, call) as Effect.Effect<A, Exhausted<E, F>, R>
  })

/** Runs what is left of a call, within its two frames. */
export const goOn = <A, E, R>(call: Call.Call<A, E, R>, rest: Rest<A, E, R>): Effect.Effect<A, Exhausted<E>, R> =>
  Effect.onExitPrimitive(
    Effect.catchCause(rest, (cause) => caught(call, cause)),
    (exit) => end(call, exit)
  )

/** Begins further attempts, and handles their failures. */
const tried = <A, E, R>(call: Call.Call<A, E, R>, begin: () => Rest<A, E, R>): Effect.Effect<A, Exhausted<E>, R> =>
  Effect.catchCause(Effect.suspend(begin), (cause) => caught(call, cause))

/** Enters the call: waits at its gate if that is shut. */
export const enter = <A, E, R>(call: Call.Call<A, E, R>): Rest<A, E, R> => {
  const gate = call.shared.gates?.get(call.key)
  if (gate === undefined) return inPlace(call)
  const now = call.time.now()
  const { state } = Call.begun(call, now)
  const park = CallState.park(call.shared.policy, state, gate.until, Call.since(call, now), call.ends - now)
  return atGate(call, gate, park, now, refused(call, "parked", { until: gate.until }))
}

/** Goes on once the call has a place. A call nested in one of the same runner shares its place, since a second one could deadlock. */
const inPlace = <A, E, R>(call: Call.Call<A, E, R>): Rest<A, E, R> => {
  const { key, shared, surroundings } = call
  const { bulkhead } = shared
  const place =
    bulkhead !== undefined && aroundOf(surroundings)?.shared.bulkhead !== bulkhead
      ? bulkhead.take(call, call.ends, call.time)
      : undefined
  if (place === undefined) return inTurn(call)
  if (place === "full") return refuse(call, "bulkhead")
  waits(call)
  return Effect.flatMap(place, () => {
    if (!call.hasPlace) return refuse(call, "bulkhead", { ended: "deadline" })
    if (call.past.probing !== undefined || shared.gates?.get(key) === undefined) return inTurn(call)
    // The gate was shut while this call waited for a place.
    leave(call, "failure", call.time.now())
    return enter(call)
  })
}

/** Goes on once the rate limit lets the call begin. */
const inTurn = <A, E, R>(call: Call.Call<A, E, R>): Rest<A, E, R> => {
  const { key, shared } = call
  if (shared.limiter === undefined) return start(call)
  const most = Math.max(0, call.ends - call.time.now())
  waits(call)
  return Effect.matchEffect(shared.limiter(key, Duration.millis(most)), {
    onFailure: ({ again }) => refuse(call, "rate_limit", { again }),
    onSuccess: (wait) => {
      const started = Effect.suspend(() => start(call))
      return Duration.isZero(wait) ? started : Effect.andThen(Effect.sleep(wait), started)
    }
  })
}

/** Notes that a call waits before its first attempt, which a call with a deadline has begun before. */
const waits = <A, E, R>(call: Call.Call<A, E, R>): void => {
  if (call.shared.deadline === Infinity) Call.begun(call, call.time.now())
  call.started = 0
}

/** Waits at a gate. One of the waiting calls becomes the probe, and opens the gate unless it is too early. */
const atGate = <A, E, R>(
  call: Call.Call<A, E, R>,
  gate: Gate.Gate,
  { atMost, because, state }: CallState.Park,
  now: number,
  failure: unknown
): Rest<A, E, R> => {
  const past = Call.pastOf(call)
  past.state = state
  return Effect.flatMap(Gate.wait(gate, past, now, now + Duration.toMillis(atMost)), (passage) => {
    call.started = 0
    if (passage === "too long") return giveUp(call, failure, because)
    return passage === "open" ? enter(call) : inPlace(call)
  })
}

const start = <A, E, R>(call: Call.Call<A, E, R>): Rest<A, E, R> => {
  const { ends, fiber, shared, surroundings } = call
  const { endless, outside, within } = surroundings
  const now = call.started > 0 ? call.started : call.time.now()
  // A call that may cut others short has a value of its own, in which they can say what they were doing.
  const isEndless = ends === Infinity && shared.policy.attemptTimeout === undefined
  const around = isEndless ? endless : { shared, deadline: ends, retries: endless.retries, running: 0 }
  around.running++
  call.around = around
  if (surroundings.outer !== undefined) creating(call, surroundings.outer, 1)
  if (call.hasEffects) fiber.setContext(isEndless ? within : withinOf(outside, around))
  shared.budget?.begin(now)
  return attempt(call, now)
}

/** Releases everything that a call holds. */
const leave = <A, E, R>(call: Call.Call<A, E, R>, outcome: Budget.CallEnd, now: number): void => {
  const { around, fiber, past, shared, surroundings } = call
  if (call.hasPlace) shared.bulkhead?.release(call)
  if (around === undefined) return
  around.running--
  call.around = undefined
  if (surroundings.outer !== undefined) creating(call, surroundings.outer, -1)
  if (call.hasEffects) fiber.setContext(surroundings.outside)
  if (around.left !== undefined) Observer.release(around, fiber)
  shared.budget?.end(now, outcome, past)
  Call.giveBack(call)
}

/** Releases everything that a call holds, and tells how it ended. */
export const end = <A, E, R>(call: Call.Call<A, E, R>, exit: Exit.Exit<unknown, unknown>): undefined => {
  const { failed, isOver } = call.past
  const isSuccess = Exit.isSuccess(exit)
  const isTimed = call.permit !== undefined || call.past.probing !== undefined || call.shared.budget !== undefined
  const now = isTimed ? call.time.now() : 0
  settle(call, isSuccess ? "success" : isOver ? "given up" : "ignored", now)
  if (!isSuccess && !isOver) cutShort(call)
  const isAnswered = failed.at(-1)?.verdict._tag === "Permanent"
  leave(call, isSuccess ? "success" : isAnswered ? "permanent" : "failure", now)
  if (!isSuccess) return
  if (failed.length > 0) Events.recovered(call)
  else Events.succeeded(call)
}

/** Tells the call around a creation that it begins, or ends. */
const creating = <A, E, R>(call: Call.Call<A, E, R>, outer: Around, by: 1 | -1): void => {
  if (Call.operationOf(call) === "create") outer.creating = (outer.creating ?? 0) + by
}

/** Tells the call around a creation that it was interrupted: it may have happened all the same. */
const cutShort = <A, E, R>(call: Call.Call<A, E, R>): void => {
  const outer = aroundOf(call.surroundings)
  const isRunning = call.around !== undefined && call.started !== Call.waiting
  if (outer === undefined || !isRunning || Call.operationOf(call) !== "create") return
  if (outer.deadline !== Infinity || outer.shared.policy.attemptTimeout !== undefined) outer.mayHaveCreated = true
}

/** Handles a typed failure; defects and interruption pass through. */
const caught = <A, E, R>(
  call: Call.Call<A, E, R>,
  cause: Cause.Cause<E | Cause.TimeoutError | Exhausted<E>>
): Effect.Effect<A, Exhausted<E>, R> => {
  const failure = call.past.isOver || Cause.hasDies(cause) ? Option.none() : Cause.findErrorOption(cause)
  if (Option.isSome(failure)) return onFailure(call, failure.value as E | Cause.TimeoutError)
  // A typed failure next to a defect was not judged, and the call's type does not have it, so only the defect goes on.
  const reasons = call.past.isOver ? cause.reasons : cause.reasons.filter(({ _tag }) => _tag !== "Fail")
  return Effect.failCause(Cause.fromReasons(reasons as ReadonlyArray<Cause.Reason<Exhausted<E>>>))
}

const onFailure = <A, E, R>(
  call: Call.Call<A, E, R>,
  failure: E | Cause.TimeoutError
): Effect.Effect<A, Exhausted<E>, R> => {
  const { options, shared, started, time } = call
  const now = time.now()
  if (failure instanceof NotAgain) {
    settle(call, "ignored", now)
    return giveUp(call, call.past.failed.at(-1)?.failure, "ambiguous")
  }
  const wall = time.clock.currentTimeMillisUnsafe()
  const verdict = Call.verdictOf(call, failure, wall)
  const duration = Math.round(now - started)
  const startedAt = wall - duration
  const isAmbiguous = options.isAmbiguous?.(failure)
  const entry: Call.Entry = { startedAt, duration, verdict, failure, isAmbiguous }
  settle(call, verdict, now)
  Call.note(call, entry)
  Events.attemptFailed(call, entry)
  if (Verdict.isRetryable(verdict)) shared.budget?.failed(now)
  return follow(call, entry, now, options.reconcile !== undefined)
}

/** Does what follows a failed attempt. */
const follow = <A, E, R>(
  call: Call.Call<A, E, R>,
  entry: Call.Entry,
  now: number,
  canReconcile: boolean,
  isAmbiguous = mayHaveHappened(call, entry)
): Effect.Effect<A, Exhausted<E>, R> => {
  const { options, past, shared, surroundings } = call
  const { failure, verdict } = entry
  const around = aroundOf(surroundings)
  const { code, detail } = codeOf(failure)
  const random = Call.chance(call)
  const next = CallState.next(
    shared.policy,
    past.state,
    { verdict, elapsed: Call.since(call, now), random, code, detail, isAmbiguous },
    {
      // The creation may be one within this call.
      operation: isAmbiguous ? "create" : Call.operationOf(call),
      isReplayable: options.isReplayable,
      canReconcile,
      isNested: around?.retries,
      remaining: call.ends - now
    }
  )
  switch (next._tag) {
    case "Retry":
      past.state = next.state
      return again(call, entry, next.delay, now, random)
    case "Park":
      return parked(call, failure, next, now, random)
    case "Reconcile":
      return reconciled(call, entry, now)
    case "GiveUp": {
      past.state = next.state
      const ended = giveUp(call, failure, next.because, next.again)
      if (next.because !== "nested" || around === undefined) return ended
      return Effect.andThen(shared.sayNested(call.name, around.shared.name), ended)
    }
  }
}

/** Whether the attempt was, or held, a creation that may have happened. */
const mayHaveHappened = <A, E, R>(call: Call.Call<A, E, R>, { failure, isAmbiguous }: Call.Entry): boolean =>
  call.around?.mayHaveCreated === true ||
  (isTimedOut(failure) && (call.around?.creating ?? 0) > 0) ||
  (Call.operationOf(call) === "create" && (isAmbiguous ?? Operation.isAmbiguous(failure)))

/** Asks the caller if a creation happened, and goes on by the answer. */
const reconciled = <A, E, R>(
  call: Call.Call<A, E, R>,
  entry: Call.Entry,
  now: number
): Effect.Effect<A, Exhausted<E>, R> => {
  const asked = call.options.reconcile?.(entry.failure as E | Cause.TimeoutError) ?? Effect.succeedNone
  const again = (isAmbiguous: boolean) => follow(call, entry, call.time.now(), false, isAmbiguous)
  return Effect.matchEffect(bounded(call, asked, now, call.ends - now), {
    onFailure: () => again(true),
    onSuccess: Option.match({ onNone: () => again(false), onSome: Effect.succeed })
  })
}

/** Shuts the gate of the call's key, unless it is shut, and waits there. */
const parked = <A, E, R>(
  call: Call.Call<A, E, R>,
  failure: unknown,
  park: CallState.Park,
  now: number,
  random: number
): Effect.Effect<A, Exhausted<E>, R> => {
  const { key, shared, time } = call
  const { gates } = shared
  if (gates === undefined) return giveUp(call, failure, "parked")
  const known = gates.get(key)
  const gate = known ?? gates.shut(key, park.until, time, random)
  if (known === undefined) Events.parked(call, park.until, failure)
  leave(call, "failure", now)
  call.options.onWait?.()
  return tried(call, () => atGate(call, gate, park, now, failure))
}

/** Schedules the next attempt if the budget allows it; gives up otherwise. */
const again = <A, E, R>(
  call: Call.Call<A, E, R>,
  entry: Call.Entry,
  delay: Duration.Duration,
  now: number,
  random: number
): Effect.Effect<A, Exhausted<E>, R> => {
  const { past, shared, time } = call
  const { failure, verdict } = entry
  const isThrottled = verdict._tag === "Throttled"
  if (shared.budget?.retry(now, isThrottled, random, past) === false) return giveUp(call, failure, "budget", delay)
  const wait = past.state.waited?.previous ?? 0
  past.retries++
  past.isThrottled = isThrottled
  entry.wait = wait
  if (call.around !== undefined) Observer.forgive(call.around, failure)
  call.started = Call.waiting
  call.options.onWait?.()
  Events.retryScheduled(call, entry, delay)
  const next = tried(call, () => attempt(call, time.now()))
  // A wait of zero needs no timer: the runtime yields to other fibers anyway.
  return wait > 0 ? Effect.andThen(Effect.sleep(delay), next) : next
}
