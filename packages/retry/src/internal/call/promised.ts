import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type { Added, PromiseAttempt, PromiseOptions } from "../../Retry.ts"
import type { RunnerState } from "../state/runnerState.ts"
import * as Deadlines from "../time/deadlines.ts"
import { limitOf } from "./attempt.ts"
import * as Call from "./call.ts"
import { end, enter, goOn, run } from "./runner.ts"
import { timedOut } from "./timedOut.ts"

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
  if (options.signal?.aborted === true) return Promise.reject(options.signal.reason)
  const isBare = shared.guard === undefined && shared.limiter === undefined && shared.hedge === undefined
  // A signal may end the call at any time, and a fiber can be interrupted.
  if (!isBare || options.signal !== undefined) return settled(run(shared, effectOf(attempt), options), options)
  // Only `giveUp` makes an `F`, so no other code needs the type.
  const call = new Promised(shared, attempt, options as PromiseOptions<A>)
  call.isApart = true
  const rest = enter(call)
  call.isApart = false
  if (rest === call.self) return first(call, attempt)
  if (!Exit.isExit(rest)) return settled(goOn(call, rest), options)
  // The call was refused at once.
  end(call, rest)
  return Promise.reject(reasonOf(rest, options))
}

const effectOf = <A>(attempt: PromiseAttempt<A>): Effect.Effect<A, unknown> =>
  // Whatever an attempt rejects with is its failure: the verdict is read from that.
  // @effect-diagnostics-next-line unknownInEffectCatch:off
  Effect.tryPromise({ try: attempt, catch: (failure) => failure })

/** The first attempt. */
const first = <A>(call: Promised<A>, attempt: PromiseAttempt<A>): Promise<A> => {
  const { options } = call
  const controller = attempt.length > 0 ? new AbortController() : undefined
  const failed = (failure: unknown) => settled(goOn(call, Effect.fail(failure)), options)
  let answer: Promise<A>
  try {
    // A function that a type does not bind may answer with no promise.
    answer = Promise.resolve(attempt(controller?.signal as AbortSignal))
  } catch (failure) {
    return failed(failure)
  }
  const limit = limitOf(call)
  if (limit !== Infinity) return bounded(call, answer, limit, failed, controller)
  return answer.then((value) => succeeded(call, value), failed)
}

const bounded = <A>(
  call: Promised<A>,
  answer: Promise<A>,
  limit: number,
  failed: (failure: unknown) => Promise<A>,
  controller: AbortController | undefined
): Promise<A> =>
  new Promise((resolve) => {
    const deadlines = Deadlines.of(call.time)
    let isOver = false
    // What comes later than the timeout is ignored.
    const once = (next: () => A | Promise<A>) => {
      if (isOver) return
      isOver = true
      deadlines.remove(entry)
      resolve(next())
    }
    const late = () => {
      const failure = timedOut(call, Duration.millis(limit))
      controller?.abort(failure)
      return failed(failure)
    }
    const entry = { at: call.started + limit, index: -1, due: () => once(late) }
    deadlines.add(entry)
    answer.then(
      (value) => once(() => succeeded(call, value)),
      (failure: unknown) => once(() => failed(failure))
    )
  })

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
  if (isReported && idleOf(context).getRef(ErrorReporter.CurrentErrorReporters).size > 0)
    Effect.runForkWith(context)(ErrorReporter.report(exit.cause))
  return Cause.squash(exit.cause)
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
    return effectOf(this.attempt)
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
