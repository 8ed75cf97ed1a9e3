import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Added, PromiseAttempt, PromiseOptions } from "../../Retry.ts"
import { isRetryExhausted } from "../../RetryExhausted.ts"
import type { RunnerState } from "../state/runnerState.ts"
import * as Deadlines from "../time/deadlines.ts"
import { limitOf } from "./attempt.ts"
import * as Call from "./call.ts"
import { end, enter, goOn, run } from "./runner.ts"
import { type Around, contextOf, lend, outerOf } from "./surroundings.ts"
import { timedOut } from "./timedOut.ts"
import { timeoutOf } from "./timeout.ts"

/*
 * A call whose attempts are promises. Its first attempt needs no fiber: most calls end with it. What follows a failure runs in a fiber, as
 * it does for every call.
 */

/** Runs a function that returns a promise under the policy of a runner. */
export const promised = <A, F = Added>(
  shared: RunnerState,
  attempt: PromiseAttempt<A>,
  options: PromiseOptions<A, F>
): Promise<A> => {
  const { signal } = options
  if (signal?.aborted === true) return Promise.reject(signal.reason)
  const isBare = shared.guard === undefined && shared.limiter === undefined && shared.hedge === undefined
  // A signal may end the call at any time, and a fiber can be interrupted.
  if (isBare && signal === undefined) return begun(new Promised(shared, attempt, options as PromiseOptions<A>), options)
  const within = { ...options, context: contextOf(options.context ?? Context.empty(), signal) }
  return settled(run(shared, effectOf(attempt, signal), within), within)
}

/** Begins a call outside of any fiber. */
const begun = <A, F>(call: Promised<A>, options: PromiseOptions<A, F>): Promise<A> => {
  let rest: Call.Rest<A, unknown, never>
  try {
    call.isApart = true
    rest = enter(call)
    call.isApart = false
  } catch (defect) {
    // Only functions of the program's own throw here.
    end(call, Exit.die(defect))
    return Promise.reject(defect)
  }
  if (rest === call.self) return first(call)
  if (!Exit.isExit(rest)) return settled(goOn(call, rest), options)
  // The call was refused at once.
  end(call, rest)
  return Promise.reject(reasonOf(rest, options))
}

/** What an attempt is given: a function that declares no parameter needs no signal. */
const controllerOf = <A>(attempt: PromiseAttempt<A>, around: Around | undefined): AbortController | undefined => {
  if (typeof attempt === "function" && attempt.length === 0) return undefined
  const controller = new AbortController()
  lend(controller.signal, around)
  return controller
}

/** The answer of an attempt. A function that a type does not bind may throw, or answer with no promise. */
const answerOf = <A>(attempt: PromiseAttempt<A>, controller: AbortController | undefined): Promise<A> => {
  try {
    return Promise.resolve(attempt(controller?.signal as AbortSignal))
  } catch (failure) {
    return Promise.reject(failure)
  }
}

/** An attempt as an effect. Whatever it rejects with is its failure: the verdict is read from that. */
const effectOf = <A>(
  attempt: PromiseAttempt<A>,
  signal: AbortSignal | undefined,
  call?: Promised<A>
): Effect.Effect<A, unknown> =>
  Effect.withFiber((fiber) =>
    Effect.callback<A, unknown>((resume) => {
      const controller = controllerOf(attempt, call === undefined ? outerOf(fiber) : call.around)
      answerOf(attempt, controller).then(
        (value) => resume(Effect.succeed(value)),
        (failure: unknown) => resume(Effect.fail(failure))
      )
      if (controller === undefined) return undefined
      return Effect.sync(() => controller.abort(signal?.aborted === true ? signal.reason : timeoutOf(fiber)))
    })
  )

/** The first attempt. */
const first = <A>(call: Promised<A>): Promise<A> => {
  const { attempt, options } = call
  const controller = controllerOf(attempt, call.around)
  const failed = (failure: unknown) => settled(goOn(call, Effect.fail(failure)), options)
  const limit = limitOf(call)
  if (limit !== Infinity) return bounded(call, answerOf(attempt, controller), limit, failed, controller)
  // Most calls end here: in place, since `answerOf` would cost them a twentieth.
  try {
    return Promise.resolve(attempt(controller?.signal as AbortSignal)).then((value) => succeeded(call, value), failed)
  } catch (failure) {
    return failed(failure)
  }
}

/** In place of an answer that has not come in time. */
const late: unique symbol = Symbol("late")

const bounded = <A>(
  call: Promised<A>,
  answer: Promise<A>,
  limit: number,
  failed: (failure: unknown) => Promise<A>,
  controller: AbortController | undefined
): Promise<A> => {
  const deadlines = Deadlines.of(call.time)
  const inTime = new Promise<A | typeof late>((resolve, reject) => {
    const entry = { at: call.started + limit, index: -1, due: () => resolve(late) }
    deadlines.add(entry)
    answer.then(
      (value) => {
        deadlines.remove(entry)
        resolve(value)
      },
      (failure: unknown) => {
        deadlines.remove(entry)
        reject(failure)
      }
    )
  })
  // One timer waits for all calls. What follows it here runs in the caller's own asynchronous context.
  return inTime.then((value) => {
    if (value !== late) return succeeded(call, value)
    const failure = timedOut(call, Duration.millis(limit))
    controller?.abort(failure)
    return failed(failure)
  }, failed)
}

const succeeded = <A>(call: Promised<A>, value: A): A => {
  end(call, Exit.void)
  return value
}

/** Runs what is left of a call, and rejects with the failure itself, or with the signal's reason if that interrupted the call. */
const settled = async <A, E, F>(effect: Effect.Effect<A, E>, options: PromiseOptions<A, F>): Promise<A> => {
  const { context = Context.empty(), signal } = options
  const exit = await Effect.runPromiseExitWith(context)(effect, { signal })
  if (Exit.isSuccess(exit)) return exit.value
  throw signal?.aborted === true && Cause.hasInterruptsOnly(exit.cause) ? signal.reason : reasonOf(exit, options)
}

/** What a promise rejects with. Reports it before, since nothing else does: its caller has no effect that could be reported. */
const reasonOf = <A, F>(exit: Exit.Exit<unknown, unknown>, options: PromiseOptions<A, F>): unknown => {
  if (Exit.isSuccess(exit)) return undefined
  const { context = Context.empty(), isReported = true } = options
  const reason = Cause.squash(exit.cause)
  // Within a call that tries again, giving up is not the end.
  const isNested = isRetryExhausted(reason) && reason.because === "nested"
  if (isReported && !isNested && idleOf(context).getRef(ErrorReporter.CurrentErrorReporters).size > 0)
    Effect.runForkWith(context)(ErrorReporter.report(exit.cause))
  return reason
}

/** As an effect it is one attempt, so that a call that succeeds at once makes no other. */
class Promised<A> extends Call.Call<A, unknown, never> {
  readonly attempt: PromiseAttempt<A>

  constructor(shared: RunnerState, attempt: PromiseAttempt<A>, options: PromiseOptions<A>) {
    super(shared, undefined, options, idleOf(options.context ?? Context.empty()))
    this.attempt = attempt
  }

  static {
    this.prototype.hasEffects = false
  }

  override asEffect(): Effect.Effect<A, unknown> {
    return effectOf(this.attempt, undefined, this)
  }
}

const idle = new WeakMap<Context.Context<never>, Fiber.Fiber<unknown, unknown>>()

/** A fiber that does nothing, for the calls that need only what a fiber's context says. */
const idleOf = (context: Context.Context<never>): Fiber.Fiber<unknown, unknown> => {
  const known = idle.get(context)
  if (known !== undefined) return known
  const fiber = Effect.runForkWith(context)(Effect.callback<never>(() => undefined))
  idle.set(context, fiber)
  return fiber
}
