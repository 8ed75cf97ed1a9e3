/**
 * Runs another round for the failed items of a batch that may still succeed.
 *
 * After a batch, some items have succeeded and some have failed. The verdicts of the failures say which items may go again, and how long
 * to wait first. An item that succeeded is never sent again. An item can be any value; a redrive does not depend on jobs.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Check from "@redrive/core/Check"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import type * as Backoff from "./Backoff.ts"
import type * as Because from "./Because.ts"
import * as CallState from "./CallState.ts"
import { codeOf } from "./internal/call/overrides.ts"
import { ended, unharmed } from "./internal/call/item.ts"
import { policyRule } from "./internal/policy/checked.ts"
import * as Time from "./internal/time/monotonic.ts"
import * as Operation from "./Operation.ts"
import * as Preset from "./Preset.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * An item that failed in the last round.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed<out I, out E> {
  /** The item. No default. */
  readonly item: I
  /** Its last error. No default. */
  readonly error: E
  /** How many rounds it was part of, including the first one. Default: 1. */
  readonly rounds?: number | undefined
  /** The waits before its rounds so far; `plan` fills it in. Without it, a backoff assumes the waits of its own series. Default: none. */
  readonly waited?: Backoff.Waited | undefined
}

/**
 * An item that does not go again, and why.
 *
 * @category models
 * @since 0.1.0
 */
export interface Final<out I, out E> extends Failed<I, E> {
  /** Why it does not go again, such as `spend` if that would cost more than is left. */
  readonly because: Because.Final
}

/**
 * A limit on the cost of all rounds together.
 *
 * @category options
 * @since 0.1.0
 */
export interface Spend<in I> {
  /** The most that all rounds may cost, in money, pages, or any other unit. No default. */
  readonly limit: number
  /** The cost of sending an item once more, in the same unit. If it throws or returns no finite number, the item stays behind. No default. */
  readonly cost: (item: I) => number
}

/**
 * The next round.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan<out I, out E> {
  /** The items that go again. */
  readonly again: ReadonlyArray<Failed<I, E>>
  /** The items that do not go again. */
  readonly final: ReadonlyArray<Final<I, E>>
  /** The wait before the round: that of its most patient item. Zero if no item goes again. */
  readonly wait: Duration.Duration
  /** The cost of the round, in the unit of `spend`. Zero without `spend`. */
  readonly cost: number
}

/**
 * How the next round is planned.
 *
 * @category options
 * @since 0.1.0
 */
export interface PlanOptions<in I, in E = unknown> {
  /** Decides about each item: its `retries` are the rounds, its `overrides` the rounds by code. Default: two rounds. */
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  /** The time that the rounds took so far, which counts against the policy's deadline. Default: zero. */
  readonly elapsed?: Duration.Input | undefined
  /** What the rounds may still cost. Default: no limit. */
  readonly spend?: Spend<I> | undefined
  /** Reads the verdict of an error. Default: `Verdict.of`. */
  readonly verdict?: ((error: E) => Verdict.Verdict) | undefined
}

/**
 * Plans the next round without running it; `random` in [0, 1) decides the jitter.
 *
 * An item's attempts are its own rounds. A round waits as long as its most patient item. A verdict's `limit` on retries is for quick
 * retries within a call, and does not apply here. Items that the spend does not cover stay behind, the last ones first.
 *
 * @category constructors
 * @since 0.1.0
 */
export const plan = <I, E>(
  failed: ReadonlyArray<Failed<I, E>>,
  options: PlanOptions<I, E>,
  random: number
): Plan<I, E> => {
  const { elapsed = Duration.zero, policy = defaultPolicy, spend, verdict: judge = Verdict.of } = options
  const again: Array<Failed<I, E>> = []
  const final: Array<Final<I, E>> = []
  let wait = Duration.zero
  let cost = 0
  for (const one of failed) {
    const next = nextOf(policy, one, { verdict: unlimited(judge(one.error)), elapsed, random })
    const price = spend === undefined ? 0 : priceOf(spend, one.item)
    if (next._tag !== "Retry") final.push({ ...one, because: next._tag === "GiveUp" ? next.because : "parked" })
    else if (spend !== undefined && !isWithin(cost + price, spend.limit)) final.push({ ...one, because: "spend" })
    else {
      again.push(one)
      cost += price
      wait = Duration.max(wait, next.delay)
    }
  }
  const previous = Duration.toMillis(wait)
  const waiting = again.map((one) => ({ ...one, waited: { previous, total: (one.waited?.total ?? 0) + previous } }))
  return { again: waiting, final, wait, cost }
}

/** What follows an item's last round. Its rounds are its attempts. */
const nextOf = <I, E>(
  policy: RetryPolicy.RetryPolicy,
  { error, rounds = 1, waited }: Failed<I, E>,
  failed: CallState.FailedAttempt
): CallState.Next => {
  const isAmbiguous = policy.operation === "create" && Operation.isAmbiguous(error)
  const state = waited === undefined ? { attempts: rounds - 1 } : { attempts: rounds - 1, waited }
  return CallState.next(policy, state, { ...failed, isAmbiguous, ...codeOf(error) })
}

/** NaN, which no limit covers, for a cost that throws or is not a finite number. */
const priceOf = <I>({ cost }: Spend<I>, item: I): number => {
  try {
    const price: unknown = cost(item)
    return typeof price === "number" && Number.isFinite(price) ? price : Number.NaN
  } catch {
    return Number.NaN
  }
}

/** Whether a cost is within a limit, allowing for rounding errors of sums; NaN never is. */
const isWithin = (cost: number, limit: number): boolean => cost <= limit + 1e-9 * Math.abs(limit)

const defaultPolicy = RetryPolicy.make({ retries: Preset.rounds })

const unlimited = (verdict: Verdict.Verdict): Verdict.Verdict =>
  verdict._tag === "Transient" ? Verdict.transient(verdict.pace) : verdict

/**
 * An item that succeeded in a later round.
 *
 * @category models
 * @since 0.1.0
 */
export interface Saved<out I, out A> {
  /** The item. */
  readonly item: I
  /** Its result. */
  readonly value: A
  /** The round in which it succeeded, from 2: the failed batch is round 1. */
  readonly round: number
}

/**
 * The result of a redrive. Every item is in `saved` or in `failed`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Outcome<out I, out A, out E> {
  /** The items that succeeded. */
  readonly saved: ReadonlyArray<Saved<I, A>>
  /** The items that did not. One that died of a defect, or was interrupted, has an `UnknownError` with the cause. */
  readonly failed: ReadonlyArray<Final<I, E | Cause.UnknownError>>
  /** How many rounds ran, without the failed batch. */
  readonly rounds: number
  /** The cost of all rounds, in the unit of `spend`. Zero without `spend`. */
  readonly spent: number
}

/**
 * How the rounds run.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<I, A, E, R, E2 = E> {
  /** Runs one item once more; `round` counts from 2. No default. */
  readonly each: (item: I, round: number) => Effect.Effect<A, E2, R>
  /** The redrive's name in events. Default: `redrive`. */
  readonly name?: string | undefined
  /** Decides about each item: its `retries` are the rounds, its `overrides` the rounds by code. Default: two rounds. */
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  /** A limit on the cost of all rounds together. Default: no limit. */
  readonly spend?: Spend<I> | undefined
  /** How many items run at a time. Default: 4. */
  readonly concurrency?: number | undefined
  /** Called with each item's result as soon as the item has ended. A defect in it is logged and loses no item. Default: not called. */
  readonly onItem?:
    | ((item: I, result: Result.Result<A, E2 | Cause.UnknownError>, round: number) => Effect.Effect<void>)
    | undefined
  /** Called with every plan before its wait. A defect in it is logged and loses no item. Default: not called. */
  readonly onPlan?: ((plan: Plan<I, E | E2>, round: number) => Effect.Effect<void>) | undefined
}

const isNumber = (value: unknown) => typeof value === "number"

const rules: Check.Rules<Options<unknown, unknown, unknown, unknown>> = {
  each: Check.required(Check.callback),
  name: Check.text,
  policy: policyRule,
  spend: Check.struct<Spend<unknown>>({
    limit: Check.required(Check.where("a number", isNumber)),
    cost: Check.required(Check.callback)
  }),
  concurrency: Check.where("a number, 1 or more", (value) => isNumber(value) && value >= 1),
  onItem: Check.callback,
  onPlan: Check.callback
}

/**
 * Runs rounds until no remaining item may succeed, or the policy ends them. Never fails: remaining items are in `failed`.
 *
 * @category running
 * @since 0.1.0
 */
export const run = Effect.fnUntraced(function* <I, A, E, R, E2 = E>(
  failures: ReadonlyArray<Failed<I, E>>,
  options: Options<I, A, E, R, E2>
): Effect.fn.Return<Outcome<I, A, E | E2>, never, R> {
  Check.options<object>("Redrive.run", rules, options)
  const { concurrency = Preset.concurrency, each, name = "redrive", onItem, onPlan, policy, spend } = options
  const clock = yield* Clock.clockWith(Effect.succeed)
  const time = Time.of(clock)
  const begun = time.now()
  const readers = Verdict.readersOf(yield* Effect.context())
  const saved: Array<Saved<I, A>> = []
  const final: Array<Final<I, E | E2 | Cause.UnknownError>> = []
  let failed: ReadonlyArray<Failed<I, E | E2>> = failures
  let round = 1
  let spent = 0
  while (failed.length > 0) {
    const elapsed = Duration.millis(time.now() - begun)
    const now = clock.currentTimeMillisUnsafe()
    const verdict = (error: E | E2) => Verdict.of(error, { readers, now })
    const left = spend === undefined ? undefined : { ...spend, limit: spend.limit - spent }
    const next = plan(failed, { policy, elapsed, spend: left, verdict }, yield* Random.next)
    final.push(...next.final)
    if (next.again.length === 0) break
    round++
    spent += next.cost
    yield* unharmed(name, "onPlan", () => onPlan?.(next, round))
    yield* Observer.tell(() => ({ _tag: "Redriven", name, attempt: round, items: next.again.length, delay: next.wait }))
    yield* Effect.sleep(next.wait)
    const again = ({ item }: Failed<I, E | E2>) =>
      Effect.tap(ended(each, item, round), ({ result }) =>
        unharmed(name, "onItem", () => onItem?.(item, result, round))
      )
    const results = yield* Effect.forEach(next.again, again, { concurrency })
    failed = results.flatMap(({ because, result }, index) => {
      const { item, rounds = 1, waited } = next.again[index]!
      if (Result.isSuccess(result)) saved.push({ item, value: result.success, round })
      else if (because === undefined) return [{ item, error: result.failure as E2, rounds: rounds + 1, waited }]
      else final.push({ item, error: result.failure, rounds: rounds + 1, because })
      return []
    })
  }
  return { saved, failed: final, rounds: round - 1, spent }
})

/**
 * Merges later rounds into a batch: an item of a later round replaces those of the batch with the same key.
 *
 * Two items of the batch with one key stay two. Later items with a new key come last.
 *
 * @category combinators
 * @since 0.1.0
 */
export const merge = <I>(
  first: ReadonlyArray<I>,
  later: ReadonlyArray<I>,
  key: (item: I) => string
): ReadonlyArray<I> => {
  const last = new Map(later.map((item) => [key(item), item]))
  const known = new Set(first.map(key))
  const added = [...last].flatMap(([name, item]) => (known.has(name) ? [] : [item]))
  return [...first.map((item) => last.get(key(item)) ?? item), ...added]
}
