import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Operation from "../Operation.ts"
import type { Options } from "../Retry.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import { attempt, settle } from "./attempt.ts"
import * as Call from "./call.ts"
import { codeOf } from "./code.ts"
import * as Gate from "./gate.ts"
import { giveUp, refused } from "./giveUp.ts"
import { type Shared, until } from "./shared.ts"
import * as telling from "./telling.ts"

/*
 * A call is two frames on its fiber's stack: one that catches failures and tries again, and around it one that gives everything back,
 * whatever happens. What is to be given back is taken inside of it, and noted in the call in the same step: so a fiber that is
 * interrupted between any two steps loses nothing.
 */

type Attempts<A, E, R> = Call.Attempts<A, E, R>

class Entering<A, E, R> extends Call.Call<A, E, R> {
  override asEffect(): Attempts<A, E, R> {
    return enter(this)
  }
}

/** Runs a call as its policy says. */
export const run = <A, E, R>(
  shared: Shared,
  self: Effect.Effect<A, E, R>,
  options: Options<A, E, R>
): Effect.Effect<A, Call.Exhausted<E>, R> =>
  Effect.withFiber((fiber) => {
    const call = new Entering(shared, self, options, fiber)
    return Effect.onExitPrimitive(
      Effect.catchCause(call, (cause) => caught(call, cause)),
      (exit) => end(call, exit)
    )
  })

/** Further attempts, and what follows when one fails. */
const tried = <A, E, R>(
  call: Call.Call<A, E, R>,
  begin: () => Attempts<A, E, R>
): Effect.Effect<A, Call.Exhausted<E>, R> => Effect.catchCause(Effect.suspend(begin), (cause) => caught(call, cause))

/** The call, once its gate is open and it has a place. */
const enter = <A, E, R>(call: Call.Call<A, E, R>): Attempts<A, E, R> => {
  const { key, shared } = call
  const gate = shared.gates.get(key)
  if (gate !== undefined) return atGate(call, gate, refused("parked"))
  const place = shared.bulkhead?.take(call)
  if (place === undefined) return inTurn(call)
  if (place === "full") return giveUp(call, refused("bulkhead"), "bulkhead")
  return Effect.flatMap(place, () => {
    if (!shared.gates.has(key)) return inTurn(call)
    // The gate was shut while this call stood in line for a place.
    leave(call, false)
    return enter(call)
  })
}

/** The call, once the rate limit lets it begin. */
const inTurn = <A, E, R>(call: Call.Call<A, E, R>): Attempts<A, E, R> => {
  const { clock, key, shared, surroundings } = call
  if (shared.limiter === undefined) return start(call)
  const { around } = surroundings
  const most = around === undefined ? Infinity : around.deadline - clock.currentTimeMillisUnsafe()
  return Effect.matchEffect(shared.limiter(key, Duration.millis(most)), {
    onFailure: ({ again }) => giveUp(call, refused("rate limit"), "rate limit", again),
    onSuccess: (wait) => {
      const started = Effect.suspend(() => start(call))
      return Duration.isZero(wait) ? started : Effect.andThen(Effect.sleep(wait), started)
    }
  })
}

/** Waits at a gate. One call goes ahead of those who wait: the gate opens unless it, too, is told to wait for somebody. */
const atGate = <A, E, R>(call: Call.Call<A, E, R>, gate: Gate.Gate, failure: unknown): Attempts<A, E, R> => {
  const { parking } = call.shared.policy
  if (parking === undefined) return start(call)
  const parkedAt = Call.parkedAt(call, call.clock.currentTimeMillisUnsafe())
  return Effect.flatMap(Gate.wait(gate, parking, { parkedAt, who: call }), (passage) => {
    if (passage === "too long") return giveUp(call, failure, "parked too long")
    return passage === "open" ? enter(call) : start(call)
  })
}

const start = <A, E, R>(call: Call.Call<A, E, R>): Attempts<A, E, R> => {
  const { clock, fiber, shared, surroundings } = call
  const { budget, policy } = shared
  const { around } = surroundings
  const now = clock.currentTimeMillisUnsafe()
  Call.begin(call, now)
  const own = policy.deadline === undefined ? Infinity : now + Duration.toMillis(policy.deadline)
  call.deadline = around === undefined ? own : Math.min(own, around.deadline)
  call.isInside = true
  const isEndless = call.deadline === Infinity
  fiber.setContext(isEndless ? surroundings.within : until(surroundings, shared.name, call.deadline))
  budget?.begin(now)
  return attempt(call, now)
}

/** Gives back what a call holds. */
const leave = <A, E, R>(call: Call.Call<A, E, R>, isSuccess: boolean): void => {
  const { clock, fiber, past, shared, surroundings } = call
  if (call.hasPlace) shared.bulkhead?.release(call)
  if (!call.isInside) return
  call.isInside = false
  fiber.setContext(surroundings.outside)
  shared.budget?.end(clock.currentTimeMillisUnsafe(), { isSuccess, retries: past.retries })
}

const end = <A, E, R>(call: Call.Call<A, E, R>, exit: Exit.Exit<A, Call.Exhausted<E>>): undefined => {
  const isSuccess = Exit.isSuccess(exit)
  settle(call, isSuccess ? "success" : "ignored")
  leave(call, isSuccess)
  if (isSuccess && call.past.failed.length > 0) telling.recovered(call)
}

/** What failed with a type may be tried again; defects and interruption go on. */
const caught = <A, E, R>(
  call: Call.Call<A, E, R>,
  cause: Cause.Cause<E | Cause.TimeoutError | Call.Exhausted<E>>
): Effect.Effect<A, Call.Exhausted<E>, R> => {
  const failure = call.isOver || Cause.hasDies(cause) ? Option.none() : Cause.findErrorOption(cause)
  if (Option.isNone(failure)) return Effect.failCause(cause as Cause.Cause<Call.Exhausted<E>>)
  return onFailure(call, failure.value as E | Cause.TimeoutError)
}

const onFailure = <A, E, R>(
  call: Call.Call<A, E, R>,
  failure: E | Cause.TimeoutError
): Effect.Effect<A, Call.Exhausted<E>, R> => {
  const { clock, options, shared, started } = call
  const { budget, policy } = shared
  const now = clock.currentTimeMillisUnsafe()
  const verdict = Call.verdictOf(call, failure, now)
  const entry: Call.Failed = { startedAt: started, duration: now - started, verdict, failure }
  settle(call, verdict)
  Call.note(call, entry)
  telling.attemptFailed(call, entry)
  if (verdict._tag === "Parked" && policy.parking !== undefined) return parked(call, failure, verdict.until)
  budget?.failed(now)
  call.past.counted++
  if (Call.operationOf(call) !== "create" || !Operation.isAmbiguous(failure)) return again(call, entry)
  if (options.reconcile === undefined) return giveUp(call, failure, "ambiguous")
  return Effect.flatMap(
    options.reconcile(failure),
    Option.match({ onNone: () => again(call, entry), onSome: (happened) => Effect.succeed(happened) })
  )
}

/** Shuts the gate of the call's key, unless it is shut, and waits there: what was tried in vain is not counted. */
const parked = <A, E, R>(
  call: Call.Call<A, E, R>,
  failure: E | Cause.TimeoutError,
  until: string
): Effect.Effect<A, Call.Exhausted<E>, R> => {
  const { clock, key, shared } = call
  const known = shared.gates.get(key)
  const gate = known ?? shared.shut(key, until, clock.currentTimeMillisUnsafe(), Call.chance(call))
  if (known === undefined) telling.parked(call, until, failure)
  leave(call, false)
  return tried(call, () => atGate(call, gate, failure))
}

/** The next attempt, after the wait that the policy wants, if it, the deadline and the budget allow one. */
const again = <A, E, R>(call: Call.Call<A, E, R>, entry: Call.Failed): Effect.Effect<A, Call.Exhausted<E>, R> => {
  const { clock, past, shared, surroundings } = call
  const { around } = surroundings
  const { budget, policy } = shared
  const { failure, verdict } = entry
  const now = clock.currentTimeMillisUnsafe()
  const random = Call.chance(call)
  const waited = { previous: past.failed.at(-2)?.wait ?? 0, total: past.waited }
  const elapsed = Duration.millis(now - past.begun)
  const about = { verdict, attempt: past.counted, elapsed, waited, ...codeOf(failure) }
  const decision = RetryPolicy.decide(policy, about, random)
  if (decision._tag === "GiveUp") return giveUp(call, failure, decision.because, decision.again)
  const { delay } = decision
  const wait = Duration.toMillis(delay)
  if (around !== undefined && policy.nested === "once") {
    return Effect.andThen(shared.sayNested(around.name), giveUp(call, failure, "nested", delay))
  }
  if (now + wait >= call.deadline) return giveUp(call, failure, "deadline", delay)
  const isThrottled = verdict._tag === "Throttled"
  if (budget?.retry(now, isThrottled, random) === false) return giveUp(call, failure, "budget", delay)
  past.retries++
  past.waited += wait
  entry.wait = wait
  telling.retryScheduled(call, entry, delay)
  const next = tried(call, () => attempt(call, clock.currentTimeMillisUnsafe()))
  // A wait of nothing needs no timer: the runtime lets others run all the same.
  return wait > 0 ? Effect.andThen(Effect.sleep(delay), next) : next
}
