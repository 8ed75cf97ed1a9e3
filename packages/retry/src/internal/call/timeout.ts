import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Deadlines from "../time/deadlines.ts"
import type { Time } from "../time/monotonic.ts"
import { type Named, timedOut } from "./timedOut.ts"

/** What a timeout asks of its call. */
interface Timed extends Named {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly time: Time
}

/**
 * Interrupts an effect at a monotonic time, like `Effect.timeout`, but with one timer for all effects; the error names the call. Many concurrent calls take
 * two thirds of the memory, and an effect that ends at once needs no timer.
 */
export const timeout = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  limit: number,
  at: number,
  call: Timed
): Effect.Effect<A, E | Cause.TimeoutError, R> =>
  Effect.callback<A, E | Cause.TimeoutError, R>((resume) => {
    // A child of the call's fiber would be kept in a set. This one ends with the wait for it, whatever ends that.
    const fiber = Effect.runForkWith(call.fiber.context as Context.Context<R>)(self)
    const early = fiber.pollUnsafe()
    if (early !== undefined) return resume(early)
    return new Waiting(fiber, limit, at, call, resume)
  })

const late = new WeakMap<Fiber.Fiber<unknown, unknown>, Cause.TimeoutError>()

/** The timeout that interrupts a fiber, if one does. */
export const timeoutOf = (fiber: Fiber.Fiber<unknown, unknown>): Cause.TimeoutError | undefined => late.get(fiber)

/** The wait for an effect's fiber, in one object, since a hundred thousand may be under way. As an effect, it ends the wait and the fiber. */
class Waiting<A, E> extends Effectable.Class<void> implements Deadlines.Entry {
  readonly at: number
  index = 0
  private readonly fiber: Fiber.Fiber<A, E>
  private readonly limit: number
  private readonly call: Timed
  private failure: Cause.TimeoutError | undefined = undefined

  constructor(
    fiber: Fiber.Fiber<A, E>,
    limit: number,
    at: number,
    call: Timed,
    resume: (exit: Effect.Effect<A, E | Cause.TimeoutError>) => void
  ) {
    super()
    this.fiber = fiber
    this.limit = limit
    this.at = at
    this.call = call
    Deadlines.of(call.time).add(this)
    fiber.addObserver((exit) => resume(this.ended(exit)))
  }

  due(): void {
    this.failure = timedOut(this.call, Duration.millis(this.limit))
    late.set(this.fiber, this.failure)
    this.fiber.interruptUnsafe()
  }

  private ended(exit: Exit.Exit<A, E>): Exit.Exit<A, E | Cause.TimeoutError> {
    Deadlines.of(this.call.time).remove(this)
    const { failure } = this
    const isTimeout = Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
    return isTimeout && failure !== undefined ? Exit.fail(failure) : exit
  }

  override asEffect(): Effect.Effect<void> {
    Deadlines.of(this.call.time).remove(this)
    return Fiber.interrupt(this.fiber)
  }
}
