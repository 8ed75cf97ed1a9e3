import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Judge from "@redrive/core/Judge"
import * as Verdict from "@redrive/core/Verdict"
import type * as Breaker from "../../Breaker.ts"
import type * as Budget from "../../Budget.ts"
import * as CallState from "../../CallState.ts"
import type * as Operation from "../../Operation.ts"
import type { Added, Exhausted, Options } from "../../Retry.ts"
import type { Gate, Prober } from "../state/gate.ts"
import type { RunnerState } from "../state/runnerState.ts"
import { aroundOf, type Around, type Surroundings } from "./surroundings.ts"
import type { Time } from "../time/monotonic.ts"

/** A failed attempt in its cheapest form: the public one is made when the call is given up. */
export interface Entry {
  /** Epoch milliseconds. */
  readonly startedAt: number
  readonly duration: number
  readonly verdict: Verdict.Verdict
  readonly failure: unknown
  readonly isAmbiguous?: boolean | undefined
  wait?: number
}

/** The failures of a call so far. `retries` and `isThrottled` are what the call has taken from the budget. */
export interface Past extends Budget.Taken, Prober {
  /** The state that decides what follows the next failure. */
  state: CallState.CallState
  /** When the call began, if it has no deadline of its own: when it first waited or its first attempt began. -1 if unknown. */
  began: number
  readonly failed: Array<Entry>
  retries: number
  isThrottled: boolean
  /** The gate that this call probes. */
  probing: Gate | undefined
  /** Whether the call was given up. */
  isOver: boolean
}

/** In place of a time: no attempt is under way, since the call waits for the next one. */
export const waiting = -1

const makePast = (): Past => ({
  state: CallState.start,
  began: -1,
  failed: [],
  retries: 0,
  isThrottled: false,
  probing: undefined,
  isOver: false
})

/** The past of a call without failures, which most calls share. */
const nothing: Past = Object.freeze(makePast())

/** What the engine's own callers may say of a call besides. */
export interface CallOptions<A, E, R, F = Added> extends Options<A, E, R, F> {
  /** The monotonic time at which the call ends by its policy's deadline, if that began before the call did. */
  readonly ends?: number | undefined
  /** Whether the attempt that has just failed may have been carried out. Default: by the failure alone. */
  readonly isAmbiguous?: ((failure: unknown) => boolean) | undefined
  /** Hears that the call will try again, before it waits for that. */
  readonly onWait?: (() => void) | undefined
}

/** The rest of a call: it fails with an attempt's failure, or with the call's own. */
export type Rest<A, E, R> = Effect.Effect<A, E | Cause.TimeoutError | Exhausted<E>, R>

/**
 * One call from its first attempt to its end; running it as an effect enters the call. Only its own fiber changes it, in place. It is as
 * small as possible, since a hundred thousand may run at once. Times are monotonic.
 */
export abstract class Call<A, E, R> extends Effectable.Class<A, E | Cause.TimeoutError | Exhausted<E>, R> {
  readonly shared: RunnerState
  /** Its attempts. */
  readonly self: Effect.Effect<A, E, R>
  readonly options: CallOptions<A, E, R>
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly surroundings: Surroundings
  past: Past = nothing
  /** When the call ends at the latest: by its own deadline, which counts every wait, or by the outer call's. */
  declare ends: number
  /** When the current attempt began. Before the first one: when the call began, or 0 if that is unknown or it has waited since. */
  started = 0
  /** What nested calls see of this call while it runs. */
  around: Around | undefined = undefined
  hasPlace = false
  /** Whether the attempt about to begin runs outside of any fiber, and is bounded there. */
  declare isApart: boolean
  /** Whether its attempts are effects, within which other calls may be. */
  declare hasEffects: boolean
  /** The breaker's permit, until the attempt's end is reported. */
  permit: Breaker.Permit | undefined = undefined

  constructor(
    shared: RunnerState,
    self: Effect.Effect<A, E, R> | undefined,
    options: CallOptions<A, E, R>,
    fiber: Fiber.Fiber<unknown, unknown>
  ) {
    super()
    this.shared = shared
    this.self = self ?? (this as Effect.Effect<A, E, R>)
    this.options = options
    this.fiber = fiber
    this.surroundings = shared.surroundingsOf(fiber)
    const outer = aroundOf(this.surroundings)
    if (shared.deadline !== Infinity) {
      const now = this.surroundings.time.now()
      const own = options.ends ?? now + shared.deadline
      this.started = now
      this.ends = outer !== undefined && outer.deadline < own ? outer.deadline : own
    } else if (outer !== undefined) this.ends = outer.deadline
  }

  static {
    // What most calls do not have, the prototype holds, which saves a field.
    this.prototype.ends = Infinity
    this.prototype.isApart = false
    this.prototype.hasEffects = true
  }

  get time(): Time {
    return this.surroundings.time
  }

  get name(): string {
    return this.options.name ?? this.shared.name
  }

  get key(): string {
    return this.options.key ?? ""
  }
}

/** The call's own past, which may be changed. */
export const pastOf = <A, E, R>(call: Call<A, E, R>): Past => {
  if (call.past === nothing) call.past = makePast()
  return call.past
}

/** Notes a failed attempt. */
export const note = <A, E, R>(call: Call<A, E, R>, entry: Entry): void => {
  begun(call, call.started).failed.push(entry)
}

/** Notes that a call has begun by this time, unless an earlier one is known. */
export const begun = <A, E, R>(call: Call<A, E, R>, by: number): Past => {
  const past = pastOf(call)
  if (past.began < 0) past.began = by
  return past
}

/** How long a call has taken by this time, waits included. A call that has neither waited nor tried has taken no time. */
export const since = <A, E, R>({ ends, past, shared, surroundings }: Call<A, E, R>, now: number): number => {
  const isOwn = shared.deadline !== Infinity && ends !== surroundings.outer?.deadline
  const began = isOwn ? ends - shared.deadline : past.began
  return began < 0 ? 0 : Math.max(0, now - began)
}

/** How long a call has taken so far, in whole milliseconds. */
export const elapsed = <A, E, R>(call: Call<A, E, R>): number => {
  // A call that is refused at once has just asked the clock.
  const isFresh = call.past.failed.length === 0 && call.started > 0
  return Math.round(since(call, isFresh ? call.started : call.time.now()))
}

/** Notes that the call holds nothing of the budget any more. */
export const giveBack = <A, E, R>({ past }: Call<A, E, R>): void => {
  if (past !== nothing) past.retries = 0
}

export const operationOf = <A, E, R>({ options, shared }: Call<A, E, R>): Operation.Operation =>
  options.operation ?? shared.policy.operation

/** The verdict on a failure; `now` is wall-clock time, since a Retry-After may be a date. */
export const verdictOf = <A, E, R>(
  { fiber, options }: Call<A, E, R>,
  failure: E | Cause.TimeoutError,
  now: number
): Verdict.Verdict =>
  options.verdict?.(failure) ?? Judge.verdictOf(failure, { readers: Judge.readersOf(fiber.context), now })

/** A random number in [0, 1). */
export const chance = ({ fiber }: { readonly fiber: Fiber.Fiber<unknown, unknown> }): number =>
  fiber.getRef(Random.Random).nextDoubleUnsafe()
