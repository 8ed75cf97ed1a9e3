import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Verdict from "@redrive/core/Verdict"
import type * as Budget from "../Budget.ts"
import * as Operation from "../Operation.ts"
import type { Exhausted, Options } from "../Retry.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import { attempt, bounded, settle } from "./attempt.ts"
import * as Call from "./call.ts"
import { codeOf, overrideOf } from "./code.ts"
import * as Gate from "./gate.ts"
import { giveUp, refuse, refused } from "./giveUp.ts"
import { aroundOf, NotAgain, type Shared, withinOf } from "./shared.ts"
import * as telling from "./telling.ts"

/*
 * A call is two frames on its fiber's stack: the inner one catches failures and retries, the outer one releases everything, whatever
 * happens. Everything is taken inside the outer frame, and noted in the call in the same step. So an interruption between any two steps
 * leaks nothing.
 */

type Attempts<A, E, R> = Call.Attempts<A, E, R>

class Entering<A, E, R> extends Call.Call<A, E, R> {
  override asEffect(): Attempts<A, E, R> {
    return enter(this)
  }
}

/** Runs an effect under the policy of a runner. */
export const run = <A, E, R, F>(
  shared: Shared,
  self: Effect.Effect<A, E, R>,
  options: Options<A, E, R, F>
): Effect.Effect<A, Exhausted<E, F>, R> =>
  Effect.withFiber((fiber) => {
    // Only `giveUp` makes an `F`, so no other code needs the type.
    const call = new Entering(shared, self, options as Options<A, E, R>, fiber)
    const tried = Effect.onExitPrimitive(
      Effect.catchCause(call, (cause) => caught(call, cause)),
      (exit) => end(call, exit)
    )
    return tried as Effect.Effect<A, Exhausted<E, F>, R>
  })

/** Begins further attempts, and handles their failures. */
const tried = <A, E, R>(call: Call.Call<A, E, R>, begin: () => Attempts<A, E, R>): Effect.Effect<A, Exhausted<E>, R> =>
  Effect.catchCause(Effect.suspend(begin), (cause) => caught(call, cause))

/** Enters the call: waits at its gate if that is shut. */
const enter = <A, E, R>(call: Call.Call<A, E, R>): Attempts<A, E, R> => {
  const gate = call.shared.gates.get(call.key)
  return gate === undefined ? inPlace(call) : atGate(call, gate, refused(call, "parked", { until: gate.until }))
}

/** Goes on once the call has a place. A call nested in one of the same runner shares its place, since a second one could deadlock. */
const inPlace = <A, E, R>(call: Call.Call<A, E, R>): Attempts<A, E, R> => {
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
    if (call.past.probing !== undefined || !shared.gates.has(key)) return inTurn(call)
    // The gate was shut while this call waited for a place.
    leave(call, "failure", call.time.now())
    return enter(call)
  })
}

/** Goes on once the rate limit lets the call begin. */
const inTurn = <A, E, R>(call: Call.Call<A, E, R>): Attempts<A, E, R> => {
  const { key, shared } = call
  if (shared.limiter === undefined) return start(call)
  const most = Math.max(0, call.ends - call.time.now())
  waits(call)
  return Effect.matchEffect(shared.limiter(key, Duration.millis(most)), {
    onFailure: ({ again }) => refuse(call, "rate limit", { again }),
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
const atGate = <A, E, R>(call: Call.Call<A, E, R>, gate: Gate.Gate, failure: unknown): Attempts<A, E, R> => {
  const { ends, shared } = call
  const now = call.time.now()
  const longest = Call.parkedAt(call, now) + Duration.toMillis(shared.policy.parking?.maximum ?? Duration.zero)
  return Effect.flatMap(Gate.wait(gate, Call.pastOf(call), now, Math.min(longest, ends)), (passage) => {
    call.started = 0
    if (passage === "too long") return giveUp(call, failure, ends < longest ? "deadline" : "parked too long")
    return passage === "open" ? enter(call) : inPlace(call)
  })
}

const start = <A, E, R>(call: Call.Call<A, E, R>): Attempts<A, E, R> => {
  const { ends, fiber, shared, surroundings } = call
  const { endless, outside, within } = surroundings
  const now = call.started > 0 ? call.started : call.time.now()
  // A call that may cut others short has a value of its own, in which they can say what they were doing.
  const isEndless = ends === Infinity && shared.policy.attemptTimeout === undefined
  const around = isEndless ? endless : { shared, deadline: ends, retries: endless.retries, running: 0 }
  around.running++
  call.around = around
  fiber.setContext(isEndless ? within : withinOf(outside, around))
  shared.budget?.begin(now)
  return attempt(call, now)
}

/** Releases everything that a call holds. */
const leave = <A, E, R>(call: Call.Call<A, E, R>, outcome: Budget.Outcome, now: number): void => {
  const { around, fiber, past, shared, surroundings } = call
  if (call.hasPlace) shared.bulkhead?.release(call)
  if (around === undefined) return
  around.running--
  call.around = undefined
  fiber.setContext(surroundings.outside)
  shared.budget?.end(now, outcome, past)
  Call.giveBack(call)
}

const end = <A, E, R>(call: Call.Call<A, E, R>, exit: Exit.Exit<A, Exhausted<E>>): undefined => {
  const { failed, isOver } = call.past
  const isSuccess = Exit.isSuccess(exit)
  const isTimed = call.permit !== undefined || call.past.probing !== undefined || call.shared.budget !== undefined
  const now = isTimed ? call.time.now() : 0
  settle(call, isSuccess ? "success" : isOver ? "given up" : "ignored", now)
  if (!isSuccess && !isOver) cutShort(call)
  const isAnswered = failed.at(-1)?.verdict._tag === "Permanent"
  leave(call, isSuccess ? "success" : isAnswered ? "permanent" : "failure", now)
  if (isSuccess && failed.length > 0) telling.recovered(call)
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
  const { budget } = shared
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
  const entry: Call.Failed = { startedAt, duration, verdict, failure, isAmbiguous }
  settle(call, verdict, now)
  Call.note(call, entry)
  telling.attemptFailed(call, entry)
  const mayHaveHappened = mayHaveCreated(call, entry)
  if (verdict._tag === "Parked" && !mayHaveHappened && mayWait(call, failure)) {
    return parked(call, failure, verdict.until)
  }
  if (Verdict.isRetryable(verdict)) budget?.failed(now)
  call.past.counted++
  if (!mayHaveHappened) return again(call, entry, now)
  if (options.reconcile === undefined) return giveUp(call, failure, "ambiguous")
  return Effect.matchEffect(bounded(call, options.reconcile(failure), now, call.ends - now), {
    onFailure: () => giveUp(call, failure, "ambiguous"),
    onSuccess: Option.match({
      onNone: () => again(call, entry, time.now()),
      onSome: (happened) => Effect.succeed(happened)
    })
  })
}

/** Whether the call is, or held, a creation that may have happened. */
const mayHaveCreated = <A, E, R>(call: Call.Call<A, E, R>, { failure, isAmbiguous }: Call.Failed): boolean =>
  call.around?.mayHaveCreated === true ||
  (Call.operationOf(call) === "create" && (isAmbiguous ?? Operation.isAmbiguous(failure)))

/** Whether a call that needs somebody to act waits for that, and can be sent then. */
const mayWait = <A, E, R>({ options, shared }: Call.Call<A, E, R>, failure: E | Cause.TimeoutError): boolean =>
  shared.policy.parking !== undefined &&
  options.isReplayable !== false &&
  overrideOf(shared.policy, codeOf(failure))?.giveUp !== true

/** Shuts the gate of the call's key, unless it is shut, and waits there. Parked attempts are not counted. */
const parked = <A, E, R>(
  call: Call.Call<A, E, R>,
  failure: E | Cause.TimeoutError,
  until: string
): Effect.Effect<A, Exhausted<E>, R> => {
  const { key, shared, time } = call
  const known = shared.gates.get(key)
  const gate = known ?? shared.shut(key, until, time, Call.chance(call))
  if (known === undefined) telling.parked(call, until, failure)
  leave(call, "failure", time.now())
  call.options.onWait?.()
  return tried(call, () => atGate(call, gate, failure))
}

/** Schedules the next attempt if the policy, the deadline and the budget allow one; gives up otherwise. */
const again = <A, E, R>(
  call: Call.Call<A, E, R>,
  entry: Call.Failed,
  now: number
): Effect.Effect<A, Exhausted<E>, R> => {
  const { ends, past, shared, surroundings, time } = call
  const around = aroundOf(surroundings)
  const { budget, policy } = shared
  const { failure, verdict } = entry
  const random = Call.chance(call)
  const waited = { previous: past.failed.at(-2)?.wait ?? 0, total: past.waited }
  // The part of the deadline, the call's own or the outer call's, that has passed.
  const elapsed = Duration.millis(shared.deadline === Infinity ? 0 : shared.deadline - (ends - now))
  const about = { verdict, attempt: past.counted, elapsed, waited, ...codeOf(failure) }
  const decision = RetryPolicy.decide(policy, about, random)
  if (decision._tag === "GiveUp") return giveUp(call, failure, decision.because, decision.again)
  const { delay } = decision
  const wait = Duration.toMillis(delay)
  if (call.options.isReplayable === false) return giveUp(call, failure, "not replayable", delay)
  if (around?.retries === true && policy.nested === "once") {
    return Effect.andThen(shared.sayNested(call.name, around.shared.name), giveUp(call, failure, "nested", delay))
  }
  if (now + wait >= ends) return giveUp(call, failure, "deadline", delay)
  const isThrottled = verdict._tag === "Throttled"
  if (budget?.retry(now, isThrottled, random, past) === false) return giveUp(call, failure, "budget", delay)
  past.retries++
  past.isThrottled = isThrottled
  past.waited += wait
  entry.wait = wait
  call.started = Call.waiting
  call.options.onWait?.()
  telling.retryScheduled(call, entry, delay)
  const next = tried(call, () => attempt(call, time.now()))
  // A wait of zero needs no timer: the runtime yields to other fibers anyway.
  return wait > 0 ? Effect.andThen(Effect.sleep(delay), next) : next
}
