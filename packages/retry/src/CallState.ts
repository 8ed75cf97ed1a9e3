/**
 * What a call has been through, as plain data, and what follows its next failure.
 *
 * `next` is a pure function of the policy, the state and the failure. `Retry`, `RetryPolicy.schedule`, `Redrive.plan` and `Simulation` all
 * ask it, so they agree. It reads no clock, draws no random number and runs nothing. A state survives JSON, so a call can go on in
 * another process.
 *
 * It does not know what calls share: a breaker, budget, bulkhead or rate limit may still refuse an attempt that `next` allows.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as Verdict from "@redrive/core/Verdict"
import * as Backoff from "./Backoff.ts"
import type * as Because from "./Because.ts"
import * as Overrides from "./internal/call/overrides.ts"
import { count, natural } from "./internal/policy/schema.ts"
import type * as Operation from "./Operation.ts"
import type * as RetryPolicy from "./RetryPolicy.ts"

/**
 * The state of a call between two attempts.
 *
 * @category schemas
 * @since 0.1.0
 */
export const CallState = /*#__PURE__*/ Schema.Struct({
  /** How many attempts have failed. Parked attempts do not count. */
  attempts: count,
  /** The waits between the attempts so far, in milliseconds. Without it, a backoff assumes the waits of its own series. */
  waited: /*#__PURE__*/ Schema.optionalKey(
    /*#__PURE__*/ Schema.Struct({
      /** The last wait, in milliseconds. 0 before the first. */
      previous: natural,
      /** All waits so far, in milliseconds. */
      total: natural
    })
  ),
  /** When the call was first parked, in milliseconds after it began. Absent if it never was. */
  parkedAt: /*#__PURE__*/ Schema.optionalKey(natural)
})

/**
 * The state of a call between two attempts.
 *
 * @category models
 * @since 0.1.0
 */
export type CallState = typeof CallState.Type

/**
 * The state of a call before its first attempt.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start: CallState = { attempts: 0, waited: { previous: 0, total: 0 } }

/**
 * A failed attempt.
 *
 * @category models
 * @since 0.1.0
 */
export interface FailedAttempt {
  /** The verdict on the failure. No default. */
  readonly verdict: Verdict.Verdict
  /** The time from the begin of the call to this failure, waits included. No default. */
  readonly elapsed: Duration.Input
  /** A random number in [0, 1), for the jitter of the wait. No default. */
  readonly random: number
  /** The code of the failure, which the policy's overrides match. Default: none. */
  readonly code?: string | undefined
  /** The detail of the failure, which overrides by `code/detail` match. Ignored without a `code`. Default: none. */
  readonly detail?: string | undefined
  /** Whether the other side may have carried out the attempt. Only a creation is affected. Default: `true`. */
  readonly isAmbiguous?: boolean | undefined
}

/**
 * The code and the detail by which overrides match a failure, for `FailedAttempt`. Never throws.
 *
 * @category getters
 * @since 0.1.0
 */
export const codeOf: (failure: unknown) => Pick<FailedAttempt, "code" | "detail"> = Overrides.codeOf

/**
 * What `next` has to know of a call besides its policy.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** What the call does to the other side. Default: the policy's `operation`. */
  readonly operation?: Operation.Operation | undefined
  /** Whether the call can be sent a second time. Default: `true`. */
  readonly isReplayable?: boolean | undefined
  /** Whether the caller can find out if an ambiguous creation happened. Ignored for other operations. Default: `false`. */
  readonly canReconcile?: boolean | undefined
  /** Whether the call runs within another call that retries. Ignored if the policy is `nested: "retry"`. Default: `false`. */
  readonly isNested?: boolean | undefined
  /** The time from this failure until the call around this one ends. Default: no limit. */
  readonly remaining?: Duration.Input | undefined
}

/**
 * What follows a failed attempt.
 *
 * `Retry` waits for `delay` and tries again. `Park` waits until somebody acts, but at most `atMost`, and gives up `because` of that
 * limit. `Reconcile` finds out whether a creation happened; if it did not, ask `next` again with `isAmbiguous: false`, and if nobody knows,
 * with `canReconcile: false`. `GiveUp` ends the call; another try makes sense after `again`, or never if that is absent. `state` is
 * the state to keep for the next question.
 *
 * @category models
 * @since 0.1.0
 */
export type Next =
  | {
      readonly _tag: "Retry"
      /** How long to wait before the next attempt. */
      readonly delay: Duration.Duration
      /** The state to keep for the next question. */
      readonly state: CallState
    }
  | Park
  | { readonly _tag: "Reconcile" }
  | {
      readonly _tag: "GiveUp"
      /** The rule that ended the call. */
      readonly because: Because.Decided
      /** The time after which another try makes sense; `undefined` if it never does. */
      readonly again: Duration.Duration | undefined
      /** The state in which the call ended. */
      readonly state: CallState
    }

/**
 * The wait of a call until somebody acts. See `Next`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Park {
  readonly _tag: "Park"
  /** The action that the call waits for, such as `top up`. */
  readonly until: string
  /** How long the call waits at most; zero if its time is over already. */
  readonly atMost: Duration.Duration
  /** Why the call is given up after that. */
  readonly because: "parked_too_long" | "deadline"
  /** The state to keep for the next question. */
  readonly state: CallState
}

/**
 * Says what follows a failed attempt. It is a pure function.
 *
 * An ambiguous creation comes first: it is never sent again unasked. Then come a parked call, a permanent failure, the retries, a
 * Retry-After that is too long, a call that cannot be sent again, one that another call retries, and the deadline.
 *
 * @category running
 * @since 0.1.0
 */
export const next = (
  policy: RetryPolicy.Fields,
  state: CallState,
  failed: FailedAttempt,
  options: Options = {}
): Next => {
  const { elapsed, isAmbiguous = true, verdict } = failed
  const { canReconcile, isNested, isReplayable = true, operation = policy.operation, remaining } = options
  const override = Overrides.overrideOf(policy, failed)
  const giveUp = (because: Because.Decided, again?: Duration.Duration): Next => ({
    _tag: "GiveUp",
    because,
    again,
    state: counted(state)
  })

  if (operation === "create" && isAmbiguous) {
    return canReconcile === true ? { _tag: "Reconcile" } : giveUp("ambiguous")
  }
  if (verdict._tag === "Permanent" || override?.giveUp) return giveUp("permanent")
  if (verdict._tag === "Parked") {
    const mayWait = policy.parking !== undefined && isReplayable
    return mayWait ? park(policy, state, verdict.until, elapsed, remaining) : giveUp("parked")
  }
  const asked = Verdict.retryAfter(verdict)
  const limit = override?.retries ?? (verdict._tag === "Transient" ? verdict.limit : undefined) ?? Infinity
  if (state.attempts >= Math.min(policy.retries, limit)) return giveUp("retries", asked)
  if (asked !== undefined && Duration.isGreaterThan(asked, policy.maxRetryAfter)) {
    return giveUp("retry_after_too_long", asked)
  }
  const delay = wait(policy, state, failed, asked, override?.backoff)
  if (!isReplayable) return giveUp("not_replayable", delay)
  if (isNested === true && policy.nested === "once") return giveUp("nested", delay)
  const previous = Duration.toMillis(delay)
  if (previous >= left(policy, elapsed, remaining)) return giveUp("deadline", delay)
  const total = (state.waited?.total ?? 0) + previous
  return { _tag: "Retry", delay, state: counted(state, { previous, total }) }
}

/** The state after one more failure. Every failed call makes one, and a spread would take longer. */
const counted = ({ attempts, parkedAt, waited: known }: CallState, waited = known): CallState => {
  const state: { -readonly [Field in keyof CallState]: CallState[Field] } = { attempts: attempts + 1 }
  if (waited !== undefined) state.waited = waited
  if (parkedAt !== undefined) state.parkedAt = parkedAt
  return state
}

/**
 * Says how long a call waits for somebody to act, from `elapsed` after its begin. It is for a call that finds its gate shut; `next` asks it
 * for one that fails.
 *
 * @category running
 * @since 0.1.0
 */
export const park = (
  policy: RetryPolicy.Fields,
  state: CallState,
  until: string,
  elapsed: Duration.Input,
  remaining?: Duration.Input
): Park => {
  const { parkedAt = millis(elapsed) } = state
  const longest = parkedAt - millis(elapsed) + Duration.toMillis(policy.parking?.maximum ?? Duration.zero)
  const most = left(policy, elapsed, remaining)
  return {
    _tag: "Park",
    until,
    atMost: Duration.millis(Math.max(0, Math.min(longest, most))),
    because: most < longest ? "deadline" : "parked_too_long",
    state: { ...state, parkedAt }
  }
}

/**
 * The wait that a retryable verdict asks for. A Retry-After is a floor: chance only adds to it. One that asks for no wait at all (zero, or a
 * date that has passed) does not end the backoff, which grows by attempt.
 */
const wait = (
  policy: RetryPolicy.Fields,
  { attempts, waited }: CallState,
  { random, verdict }: FailedAttempt,
  asked: Duration.Duration | undefined,
  own: Backoff.Backoff | undefined
): Duration.Duration => {
  const paced = verdict._tag === "Transient" ? policy[verdict.pace] : (policy.server ?? policy.steady)
  const backoff = own ?? (asked === undefined ? paced : policy.quick)
  const step = asked !== undefined && Duration.isPositive(asked) ? 0 : attempts
  const delay = Backoff.delay(backoff, step + 1, random, waited)
  return asked === undefined ? delay : Duration.sum(Duration.max(asked, Duration.zero), delay)
}

/** The milliseconds until the call ends at the latest. */
const left = ({ deadline }: RetryPolicy.Fields, elapsed: Duration.Input, remaining?: Duration.Input): number => {
  const own = deadline === undefined ? Infinity : Duration.toMillis(deadline) - millis(elapsed)
  return remaining === undefined ? own : Math.min(own, millis(remaining))
}

/** The engine's own callers give numbers, which need no conversion. */
const millis = (input: Duration.Input): number => (typeof input === "number" ? input : Duration.toMillis(input))
