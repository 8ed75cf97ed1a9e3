/**
 * Another round for what failed, and only for what may succeed.
 *
 * A batch ends with some items good and some failed; their verdicts say which may go again and how long to wait first. Items that
 * succeeded are never sent twice. It knows nothing of jobs: an item is whatever the caller says it is.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import { codeOf } from "./internal/code.ts"
import * as Preset from "./Preset.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * An item and what it failed with; `rounds` it has been part of, the one that failed included (1).
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed<out I, out E> {
  readonly item: I
  readonly error: E
  readonly rounds?: number | undefined
}

/**
 * An item that does not go again, and why: `spend` where sending it would cost more than is left.
 *
 * @category models
 * @since 0.1.0
 */
export interface Final<out I, out E> extends Failed<I, E> {
  readonly because: RetryPolicy.Because | "spend"
}

/**
 * What all rounds together may cost at most (`limit`), in money, pages, or whatever `cost` counts for an item in.
 *
 * @category options
 * @since 0.1.0
 */
export interface Spend<in I> {
  readonly limit: number
  readonly cost: (item: I) => number
}

/**
 * What the next round would be: which items go again, after how long, at what `cost`, and which do not.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan<out I, out E> {
  readonly again: ReadonlyArray<Failed<I, E>>
  readonly final: ReadonlyArray<Final<I, E>>
  readonly wait: Duration.Duration
  readonly cost: number
}

/**
 * `policy` decides, its `retries` being the rounds (2) and its `overrides` the rounds by code; `elapsed` is what the rounds took so far
 * (zero); `spend` what they may still cost (anything); `verdict` reads an error (`Verdict.of`).
 *
 * @category options
 * @since 0.1.0
 */
export interface PlanOptions<in I, in E = unknown> {
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  readonly elapsed?: Duration.Duration | undefined
  readonly spend?: Spend<I> | undefined
  readonly verdict?: ((error: E) => Verdict.Verdict) | undefined
}

/**
 * Plans the next round without running it; `random` in [0, 1) is the share of the jitter.
 *
 * Each item is judged by the rounds that it was part of itself. A round waits for the most patient of its items. How often a failure
 * merits an immediate retry (`limit`) does not matter here. What the spend does not cover stays behind, the last ones first.
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
    const verdict = unlimited(judge(one.error))
    const about = { verdict, attempt: one.rounds ?? 1, elapsed, ...codeOf(one.error) }
    const decision = RetryPolicy.decide(policy, about, random)
    const price = spend === undefined ? 0 : spend.cost(one.item)
    if (decision._tag === "GiveUp") final.push({ ...one, because: decision.because })
    else if (spend !== undefined && !isWithin(cost + price, spend.limit)) final.push({ ...one, because: "spend" })
    else {
      again.push(one)
      cost += price
      wait = Duration.max(wait, decision.delay)
    }
  }
  return { again, final, wait, cost }
}

/** Whether a cost is within a limit, to the rounding of sums. What is no number is not. */
const isWithin = (cost: number, limit: number): boolean => cost <= limit + 1e-9 * Math.abs(limit)

const defaultPolicy = RetryPolicy.make({ retries: Preset.rounds })

const unlimited = (verdict: Verdict.Verdict): Verdict.Verdict =>
  verdict._tag === "Transient" ? Verdict.transient(verdict.pace) : verdict

/**
 * An item that a later round saved; `round` counts from 2, the first round being the one that failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Saved<out I, out A> {
  readonly item: I
  readonly value: A
  readonly round: number
}

/**
 * What became of the failed items; `rounds` is how many were run, and `spent` what they cost. An item that died of a defect has that in
 * an `UnknownError`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Outcome<out I, out A, out E> {
  readonly saved: ReadonlyArray<Saved<I, A>>
  readonly failed: ReadonlyArray<Final<I, E | Cause.UnknownError>>
  readonly rounds: number
  readonly spent: number
}

/**
 * `each` runs one item once more; `name` stands in events (`redrive`); `policy` decides (2 rounds); `spend` bounds the cost of all rounds
 * (nothing); `concurrency` items run at a time (4); `onPlan` sees every plan before its wait, and `onItem` what became of each item in a
 * round (nothing).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<I, A, E, R> {
  readonly each: (item: I, round: number) => Effect.Effect<A, E, R>
  readonly name?: string | undefined
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  readonly spend?: Spend<I> | undefined
  readonly concurrency?: number | undefined
  readonly onItem?:
    | ((item: I, result: Result.Result<A, E | Cause.UnknownError>, round: number) => Effect.Effect<void>)
    | undefined
  readonly onPlan?: ((plan: Plan<I, E>, round: number) => Effect.Effect<void>) | undefined
}

/**
 * Runs rounds until nothing is left that may succeed, or the policy ends them. Never fails: what remains is in `failed`.
 *
 * @category running
 * @since 0.1.0
 */
export const run = Effect.fnUntraced(function* <I, A, E, R>(
  failures: ReadonlyArray<Failed<I, E>>,
  options: Options<I, A, E, R>
): Effect.fn.Return<Outcome<I, A, E>, never, R> {
  const { concurrency = Preset.concurrency, each, name = "redrive", onItem, onPlan, policy, spend } = options
  const begun = yield* Clock.currentTimeMillis
  const readers = yield* Verdict.Readers
  const saved: Array<Saved<I, A>> = []
  const final: Array<Final<I, E | Cause.UnknownError>> = []
  let failed = failures
  let round = 1
  let spent = 0
  while (failed.length > 0) {
    const now = yield* Clock.currentTimeMillis
    const elapsed = Duration.millis(now - begun)
    const verdict = (error: E) => Verdict.of(error, { readers, now })
    const left = spend === undefined ? undefined : { ...spend, limit: spend.limit - spent }
    const next = plan(failed, { policy, elapsed, spend: left, verdict }, yield* Random.next)
    final.push(...next.final)
    if (next.again.length === 0) break
    round++
    spent += next.cost
    if (onPlan !== undefined) yield* onPlan(next, round)
    yield* Observer.tell(() => ({ _tag: "Redriven", name, attempt: round, items: next.again.length, delay: next.wait }))
    yield* Effect.sleep(next.wait)
    const attempt = ({ item }: Failed<I, E>) =>
      Effect.tap(Effect.result(undying(each(item, round))), (result) => onItem?.(item, result, round) ?? Effect.void)
    const results = yield* Effect.forEach(next.again, attempt, { concurrency })
    failed = results.flatMap((result, index) => {
      const { item, rounds = 1 } = next.again[index]!
      if (Result.isSuccess(result)) saved.push({ item, value: result.success, round })
      else if (!isDefect(result.failure)) return [{ item, error: result.failure, rounds: rounds + 1 }]
      else final.push({ item, error: result.failure, rounds: rounds + 1, because: "permanent" })
      return []
    })
  }
  return { saved, failed: final, rounds: round - 1, spent }
})

const defects = new WeakSet<object>()

const isDefect = (error: unknown): error is Cause.UnknownError =>
  typeof error === "object" && error !== null && defects.has(error)

/** One item's defect must not lose what became of the others. */
const undying = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Cause.UnknownError, R> =>
  Effect.catchDefect(self, (defect) => {
    const error = new Cause.UnknownError(defect, "the item died of a defect")
    defects.add(error)
    return Effect.fail(error)
  })

/**
 * All items of a batch, each as the last round left it: what `key` finds among the later ones takes the place of the first. Items of
 * one key that the batch has twice stay twice.
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
