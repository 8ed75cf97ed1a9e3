import type * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Verdict from "@redrive/core/Verdict"
import type * as Breaker from "../Breaker.ts"
import type * as Operation from "../Operation.ts"
import type { Options } from "../Retry.ts"
import type { RetryExhausted } from "../RetryExhausted.ts"
import type { Gate } from "./gate.ts"
import type { Shared, Surroundings } from "./shared.ts"

export type Exhausted<E> = RetryExhausted<E | Cause.TimeoutError>

/** An attempt that failed, before anybody asked to read about it. */
export interface Failed {
  readonly startedAt: number
  readonly duration: number
  readonly verdict: Verdict.Verdict
  readonly failure: unknown
  wait?: number
}

/** One call from its first attempt to its end. It is changed in place, by its own fiber only. Times are epoch milliseconds. */
export interface Call<A, E, R> {
  readonly shared: Shared
  readonly self: Effect.Effect<A, E, R>
  readonly options: Options<A, E, R>
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly surroundings: Surroundings
  readonly clock: Clock.Clock
  readonly name: string
  readonly key: string
  /** Whether the fiber's context is that of this call. */
  isInside: boolean
  begun: number
  deadline: number
  /** When the attempt began that is under way. */
  started: number
  /** Attempts that failed and count against the policy's retries: being parked does not. */
  counted: number
  retries: number
  waited: number
  failed: ReadonlyArray<Failed>
  hasPlace: boolean
  /** What the breaker let through, until it is told how that ended. */
  permit: Breaker.Permit | undefined
  /** The gate that this call goes ahead to probe. */
  probing: Gate | undefined
  isOver: boolean
}

const noneFailed: ReadonlyArray<Failed> = []

export const make = <A, E, R>(
  shared: Shared,
  self: Effect.Effect<A, E, R>,
  options: Options<A, E, R>,
  fiber: Fiber.Fiber<unknown, unknown>
): Call<A, E, R> => {
  const surroundings = shared.surroundingsOf(fiber)
  return {
    shared,
    self,
    options,
    fiber,
    surroundings,
    clock: surroundings.clock,
    name: options.name ?? shared.name,
    key: options.key ?? "",
    isInside: false,
    begun: 0,
    deadline: Infinity,
    started: 0,
    counted: 0,
    retries: 0,
    waited: 0,
    failed: noneFailed,
    hasPlace: false,
    permit: undefined,
    probing: undefined,
    isOver: false
  }
}

export const operationOf = <A, E, R>({ options, shared }: Call<A, E, R>): Operation.Operation =>
  options.operation ?? shared.policy.operation

export const verdictOf = <A, E, R>(
  { fiber, options }: Call<A, E, R>,
  failure: E | Cause.TimeoutError,
  now: number
): Verdict.Verdict => options.verdict?.(failure) ?? Verdict.of(failure, { readers: fiber.getRef(Verdict.Readers), now })

/** A random number in [0, 1). */
export const chance = ({ fiber }: { readonly fiber: Fiber.Fiber<unknown, unknown> }): number =>
  fiber.getRef(Random.Random).nextDoubleUnsafe()
