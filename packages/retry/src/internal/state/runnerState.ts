import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Verdict from "@redrive/core/Verdict"
import * as Budget from "../../Budget.ts"
import type * as RetryPolicy from "../../RetryPolicy.ts"
import type { Refusal } from "../call/refusal.ts"
import * as Surroundings from "../call/surroundings.ts"
import { log } from "../logging.ts"
import * as Breakers from "./breakers.ts"
import * as Bulkhead from "./bulkhead.ts"
import * as Gates from "./gates.ts"
import * as Hedge from "./hedge.ts"

/** Admits an attempt or refuses it, within `most` (default: no limit); `verdictOf` reads the attempt's failure. */
export type Guard = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  key: string,
  verdictOf: (failure: E) => Verdict.Verdict,
  most?: Duration.Duration
) => Effect.Effect<A, E | Refusal, R>

/** Returns how long a call of the key has to wait for its turn; refuses a wait longer than `most`. */
export type Limiter = (key: string, most: Duration.Duration) => Effect.Effect<Duration.Duration, Refusal>

/** Parts of a runner that other processes share. */
export interface Parts {
  readonly guard?: Guard | undefined
  readonly limiter?: Limiter | undefined
}

/** The parts of a policy that work only if calls share them. */
export const parts = ["budget", "breaker", "bulkhead", "parking", "hedge"] as const

/** The state that the calls of one runner share. A part that the policy does not have is `undefined`. */
export interface RunnerState extends Parts {
  readonly name: string
  readonly policy: RetryPolicy.RetryPolicy
  /** The policy's deadline, in milliseconds. `Infinity` if it has none. */
  readonly deadline: number
  /** The policy's timeout of an attempt, in milliseconds. `Infinity` if it has none. */
  readonly attemptTimeout: number
  /** The policy's longest Retry-After, in milliseconds. */
  readonly maxRetryAfter: number
  readonly budget: Budget.State | undefined
  /** The breakers of this process; a `guard` takes their place. */
  readonly breakers: Breakers.State | undefined
  readonly bulkhead: Bulkhead.State | undefined
  readonly gates: Gates.State | undefined
  readonly hedge: Hedge.State | undefined
  /** Reads the surroundings of a call from its fiber. */
  readonly surroundingsOf: (fiber: Fiber.Fiber<unknown, unknown>) => Surroundings.Surroundings
  /** Logs, once, that calls run within another policy's. */
  readonly sayNested: (call: string, around: string) => Effect.Effect<void>
}

export const make = (policy: RetryPolicy.RetryPolicy, name: string, { guard, limiter }: Parts): RunnerState => {
  const { attemptTimeout, breaker, budget, deadline, hedge, maxRetryAfter, parking } = policy
  const bulkhead = policy.bulkhead && Bulkhead.make(policy.bulkhead)
  let isNestingSaid = false
  return {
    name,
    policy,
    deadline: deadline === undefined ? Infinity : Duration.toMillis(deadline),
    attemptTimeout: attemptTimeout === undefined ? Infinity : Duration.toMillis(attemptTimeout),
    maxRetryAfter: Duration.toMillis(maxRetryAfter),
    guard,
    limiter,
    budget: budget && Budget.make(budget),
    breakers: guard === undefined ? breaker && Breakers.make(breaker) : undefined,
    bulkhead,
    gates: parking && Gates.make(parking, name),
    hedge: hedge && Hedge.make(hedge),
    surroundingsOf: Surroundings.reader({ bulkhead, name, policy }),
    sayNested: (call, around) =>
      Effect.suspend(() => {
        if (isNestingSaid) return Effect.void
        isNestingSaid = true
        return log("Info", `calls of ${call} run within ${around}, which tries again: one attempt each`)
      })
  }
}
