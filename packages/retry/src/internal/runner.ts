import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Failure from "@redrive/core/Failure"
import * as Observer from "@redrive/core/Observer"
import * as Report from "@redrive/core/Report"
import * as Verdict from "@redrive/core/Verdict"
import type * as Breaker from "../Breaker.ts"
import * as Operation from "../Operation.ts"
import type { Options } from "../Retry.ts"
import { hedged } from "./hedge.ts"
import * as metrics from "./metrics.ts"
import { RetryExhausted } from "../RetryExhausted.ts"
import * as RetryPolicy from "../RetryPolicy.ts"
import { codeOf } from "./code.ts"
import * as Gate from "./gate.ts"
import { type Around, type Shared, Surrounding } from "./shared.ts"

/** An attempt that failed, before anybody asked to read about it. */
interface Failed {
  readonly startedAt: number
  readonly duration: number
  readonly verdict: Verdict.Verdict
  readonly failure: unknown
  wait?: number
}

/** One call from its first attempt to its end. It is changed in place, by its own fiber only. Times are epoch milliseconds. */
interface Call<A, E, R> {
  readonly shared: Shared
  readonly self: Effect.Effect<A, E, R>
  readonly options: Options<A, E, R>
  readonly clock: Clock.Clock
  readonly random: { readonly nextDoubleUnsafe: () => number }
  readonly around: Around | undefined
  readonly name: string
  begun: number
  deadline: number
  /** Attempts that failed and count against the policy's retries: being parked does not. */
  counted: number
  retries: number
  total: number
  failed: Array<Failed>
}

type Exhausted<E> = RetryExhausted<E | Cause.TimeoutError>

/** Runs a call as its policy says. */
export const run = <A, E, R>(
  shared: Shared,
  self: Effect.Effect<A, E, R>,
  options: Options<A, E, R>
): Effect.Effect<A, Exhausted<E>, R> =>
  Effect.withFiber((fiber) => {
    const call: Call<A, E, R> = {
      shared,
      self,
      options,
      clock: fiber.getRef(Clock.Clock),
      random: fiber.getRef(Random.Random),
      around: fiber.getRef(Surrounding),
      name: options.name ?? shared.name,
      begun: 0,
      deadline: Infinity,
      counted: 0,
      retries: 0,
      total: 0,
      failed: []
    }
    return admitted(call)
  })

/** The call, once its gate is open and it has a place. */
const admitted = <A, E, R>(call: Call<A, E, R>): Effect.Effect<A, Exhausted<E>, R> => {
  const { shared } = call
  const gate = shared.gates.get(keyOf(call))
  if (gate !== undefined) return atGate(call, gate)
  const place = shared.bulkhead === undefined || shared.bulkhead.take()
  if (place === true) return begun(call)
  if (place === false) return giveUp(call, refused("bulkhead"), "bulkhead")
  return Effect.flatMap(place, () => begun(call))
}

/** The attempts, and what is given back when they have ended, however they did. */
const begun = <A, E, R>(call: Call<A, E, R>): Effect.Effect<A, Exhausted<E>, R> => {
  const { around, clock, shared } = call
  const { budget, bulkhead, policy } = shared
  call.begun = clock.currentTimeMillisUnsafe()
  const own = policy.deadline === undefined ? Infinity : call.begun + Duration.toMillis(policy.deadline)
  call.deadline = around === undefined ? own : Math.min(own, around.deadline)
  const attempts = Effect.updateContext(attempt(call), shared.within<R>(call.deadline))
  if (budget === undefined && bulkhead === undefined) return attempts
  budget?.begin(call.begun)
  return Effect.onExitPrimitive(attempts, (exit) => {
    bulkhead?.release()
    budget?.end(clock.currentTimeMillisUnsafe(), { isSuccess: Exit.isSuccess(exit), retries: call.retries })
    return undefined
  })
}

const attempt = <A, E, R>(call: Call<A, E, R>): Effect.Effect<A, Exhausted<E>, R> => {
  const started = call.clock.currentTimeMillisUnsafe()
  const { shared } = call
  const key = keyOf(call)
  const breaker = shared.breakerOf(key)
  if (breaker === undefined) return caught(call, timed(call, started), started)
  const permit = breaker.admit(started)
  if (permit._tag === "Refused") {
    const again = permit.retryAfter === Infinity ? undefined : Duration.millis(permit.retryAfter)
    return giveUp(call, call.failed.at(-1)?.failure ?? refused("breaker"), "breaker", again)
  }
  const recorded = Effect.onExitPrimitive(timed(call, started), (exit) => {
    record(call, breaker, permit, exit, started)
    return shared.toldOf(call.name, key)
  })
  return caught(call, recorded, started)
}

const record = <A, E, R>(
  call: Call<A, E, R>,
  breaker: Breaker.State,
  permit: Breaker.Permit,
  exit: Exit.Exit<A, E | Cause.TimeoutError>,
  started: number
): void => {
  const now = call.clock.currentTimeMillisUnsafe()
  const took = now - started
  if (Exit.isSuccess(exit)) return breaker.record(permit, "success", now, 0, took)
  const failure = Cause.findErrorOption(exit.cause)
  if (Option.isNone(failure)) return breaker.record(permit, "ignored", now, 0, took)
  // What is the caller's own doing says nothing of the other side's health.
  const verdict = verdictOf(call, failure.value)
  const hint = Verdict.retryAfter(verdict)
  const outcome = Verdict.isRetryable(verdict) ? "failure" : "ignored"
  breaker.record(
    permit,
    outcome,
    now,
    call.random.nextDoubleUnsafe(),
    took,
    hint === undefined ? 0 : Duration.toMillis(hint)
  )
}

const caught = <A, E, R>(
  call: Call<A, E, R>,
  tried: Effect.Effect<A, E | Cause.TimeoutError, R>,
  started: number
): Effect.Effect<A, Exhausted<E>, R> =>
  Effect.catch(call.failed.length === 0 ? tried : Effect.tap(tried, recovered(call)), (failure) =>
    onFailure(call, started, failure)
  )

const recovered = ({ counted, name }: { readonly counted: number; readonly name: string }) =>
  Effect.andThen(
    Observer.tell(() => ({ _tag: "Recovered", name, attempt: counted + 1 })),
    metrics.callRecovered(name)
  )

/** The effect, bounded by what is left of the deadline and by the attempt's own timeout. */
const timed = <A, E, R>(call: Call<A, E, R>, started: number): Effect.Effect<A, E | Cause.TimeoutError, R> => {
  const { attemptTimeout } = call.shared.policy
  const own = attemptTimeout === undefined ? Infinity : Duration.toMillis(attemptTimeout)
  const limit = Math.min(own, call.deadline - started)
  const once = hedgedOf(call, started)
  return limit === Infinity ? once : Effect.timeout(once, Duration.millis(limit))
}

/** An attempt, and a second one beside it if it is slow and nothing is created by it. */
const hedgedOf = <A, E, R>(call: Call<A, E, R>, started: number): Effect.Effect<A, E, R> => {
  const { clock, self, shared } = call
  const { hedges, policy } = shared
  if (hedges === undefined || policy.hedge === undefined || operationOf(call) === "create") return self
  hedges.begin(started)
  const mayHedge = Effect.suspend(() =>
    hedges.retry(clock.currentTimeMillisUnsafe(), false, 0)
      ? Effect.as(metrics.attemptHedged(call.name), true)
      : Effect.succeed(false)
  )
  return hedged(self, policy.hedge.after, mayHedge)
}

const operationOf = <A, E, R>({ options, shared }: Call<A, E, R>): Operation.Operation =>
  options.operation ?? shared.policy.operation

const onFailure = Effect.fnUntraced(function* <A, E, R>(
  call: Call<A, E, R>,
  started: number,
  failure: E | Cause.TimeoutError
) {
  const { clock, name, options, shared } = call
  const { budget, policy } = shared
  const now = clock.currentTimeMillisUnsafe()
  const verdict = options.verdict?.(failure) ?? (yield* Verdict.judge(failure))
  const entry: Failed = { startedAt: started, duration: now - started, verdict, failure }
  call.failed.push(entry)
  const number = call.counted + 1
  const about = { name, attempt: number, error: failure }
  yield* Observer.tell(() => ({ _tag: "AttemptFailed", ...about, verdict, duration: Duration.millis(entry.duration) }))
  yield* metrics.attemptFailed(name, verdict._tag)
  if (verdict._tag === "Parked" && policy.parking !== undefined) return yield* parked(call, failure, verdict.until)
  budget?.failed(now)
  call.counted = number
  if (operationOf(call) === "create" && Operation.isAmbiguous(failure)) {
    const happened = options.reconcile === undefined ? undefined : yield* options.reconcile(failure)
    if (happened === undefined) return yield* giveUp(call, failure, "ambiguous")
    if (Option.isSome(happened)) return happened.value
  }
  const random = call.random.nextDoubleUnsafe()
  const waited = { previous: call.failed.at(-2)?.wait ?? 0, total: call.total }
  const elapsed = Duration.millis(now - call.begun)
  const decision = RetryPolicy.decide(policy, { verdict, attempt: number, elapsed, waited, ...codeOf(failure) }, random)
  if (decision._tag === "GiveUp") return yield* giveUp(call, failure, decision.because, decision.again)
  const { delay } = decision
  if (call.around !== undefined && policy.nested === "once") {
    yield* shared.sayNested(call.around.name)
    return yield* giveUp(call, failure, "nested", delay)
  }
  if (now + Duration.toMillis(delay) >= call.deadline) return yield* giveUp(call, failure, "deadline", delay)
  if (budget?.retry(now, verdict._tag === "Throttled", random) === false) {
    return yield* giveUp(call, failure, "budget", delay)
  }
  call.retries++
  entry.wait = Duration.toMillis(delay)
  call.total += entry.wait
  yield* Observer.tell(() => ({ _tag: "RetryScheduled", ...about, verdict, delay }))
  yield* metrics.retryScheduled(name, verdict._tag)
  // A wait of nothing needs no timer: the runtime lets others run all the same.
  if (entry.wait > 0) yield* Effect.sleep(delay)
  return yield* attempt(call)
})

/** Shuts the gate of the call's key, unless it is shut, and waits there: what was tried in vain is not counted. */
const parked = Effect.fnUntraced(function* <A, E, R>(
  call: Call<A, E, R>,
  failure: E | Cause.TimeoutError,
  until: string
) {
  const { name, shared } = call
  const key = keyOf(call)
  const known = shared.gates.get(key)
  const gate = known ?? shared.shut(key, until, call.clock.currentTimeMillisUnsafe(), call.random.nextDoubleUnsafe())
  if (known === undefined) {
    yield* Observer.tell(() => ({ _tag: "Parked", name, key, until, error: failure }))
    yield* metrics.gateShut(name)
  }
  return yield* throughGate(call, gate, failure)
})

/** A call that finds its gate shut has not failed yet: it waits before its first attempt. */
const atGate = <A, E, R>(call: Call<A, E, R>, gate: Gate.Gate): Effect.Effect<A, Exhausted<E>, R> =>
  throughGate(call, gate, refused("parked"))

const throughGate = <A, E, R>(
  call: Call<A, E, R>,
  gate: Gate.Gate,
  failure: unknown
): Effect.Effect<A, Exhausted<E>, R> => {
  const { parking } = call.shared.policy
  if (parking === undefined) return begun(call)
  return Effect.flatMap(Gate.wait(gate, parking), (passage) => {
    if (passage === "too long") return giveUp(call, failure, "parked too long")
    return passage === "open" ? admitted(call) : probe(call, gate)
  })
}

/** One call goes ahead of those who wait: the gate opens unless it, too, is told to wait for somebody. */
const probe = <A, E, R>(call: Call<A, E, R>, gate: Gate.Gate): Effect.Effect<A, Exhausted<E>, R> => {
  const { clock, shared } = call
  const seen = Effect.onExitPrimitive(call.self, (exit) => {
    const failure = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
    const isSilent = Exit.isFailure(exit) && Option.isNone(failure)
    const isParked = Option.isSome(failure) && verdictOf(call, failure.value)._tag === "Parked"
    if (!isSilent && !isParked) return shared.resume(keyOf(call))
    shared.probed(gate, isParked, clock.currentTimeMillisUnsafe(), call.random.nextDoubleUnsafe())
    return undefined
  })
  return begun({ ...call, self: seen })
}

const giveUp = <A, E, R>(
  call: Call<A, E, R>,
  failure: unknown,
  because: RetryPolicy.Because,
  again?: Duration.Duration
): Effect.Effect<never, Exhausted<E>> => {
  const { clock, counted, failed, name } = call
  const retryAt =
    again === undefined
      ? {}
      : { retryAt: DateTime.makeUnsafe(clock.currentTimeMillisUnsafe() + Duration.toMillis(again)) }
  const told = Observer.tell(() => ({ _tag: "GaveUp", name, attempt: Math.max(1, counted), error: failure, because }))
  // Nobody threw it: it has a timeline in place of a stack.
  const exhausted = Effect.suspend(() =>
    Effect.fail(
      Failure.withoutStack(
        () =>
          new RetryExhausted<E | Cause.TimeoutError>({
            name,
            because,
            attempts: failed.map(entryOf),
            failure,
            ...retryAt
          })
      )
    )
  )
  return Effect.andThen(Effect.andThen(told, metrics.callGivenUp(name, because)), exhausted)
}

const entryOf = ({ duration, failure, startedAt, verdict, wait }: Failed) => ({
  startedAt: DateTime.makeUnsafe(startedAt),
  duration: Duration.millis(duration),
  verdict,
  message: Report.make(failure).message,
  ...(wait === undefined ? {} : { wait: Duration.millis(wait) })
})

/** What a call fails with that was never tried. */
const refused = (because: string) => ({ _tag: "Refused", because, message: `refused: ${because}` })

const keyOf = <A, E, R>({ options }: Call<A, E, R>): string => options.key ?? ""

const verdictOf = <A, E, R>({ clock, options }: Call<A, E, R>, failure: E | Cause.TimeoutError): Verdict.Verdict =>
  options.verdict?.(failure) ?? Verdict.of(failure, { now: clock.currentTimeMillisUnsafe() })
