/**
 * Another round for what failed, and only for what may succeed.
 *
 * A batch ends with some items good and some failed; their verdicts say which may go again and how long to wait first. Items that
 * succeeded are never sent twice. It knows nothing of jobs: an item is whatever the caller says it is.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Observer from "@redrive/core/Observer"
import * as Verdict from "@redrive/core/Verdict"
import * as Preset from "./Preset.ts"
import * as RetryPolicy from "./RetryPolicy.ts"

/**
 * An item and what it failed with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed<out I, out E> {
  readonly item: I
  readonly error: E
}

/**
 * An item that does not go again, and why.
 *
 * @category models
 * @since 0.1.0
 */
export interface Final<out I, out E> extends Failed<I, E> {
  readonly because: RetryPolicy.Because
}

/**
 * What the next round would be: which items go again, after how long, and which do not.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan<out I, out E> {
  readonly again: ReadonlyArray<Failed<I, E>>
  readonly final: ReadonlyArray<Final<I, E>>
  readonly wait: Duration.Duration
}

/**
 * `policy` decides, its `retries` being the rounds (2); `round` is the number of the round that failed (1); `elapsed` what the
 * rounds took so far (zero).
 *
 * @category options
 * @since 0.1.0
 */
export interface PlanOptions {
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  readonly round?: number | undefined
  readonly elapsed?: Duration.Duration | undefined
}

/**
 * Plans the next round without running it; `random` in [0, 1) is the share of the jitter.
 *
 * A round waits for the most patient of its items. How often a failure merits an immediate retry (`limit`) does not matter here.
 *
 * @category constructors
 * @since 0.1.0
 */
export const plan = <I, E>(failed: ReadonlyArray<Failed<I, E>>, options: PlanOptions, random: number): Plan<I, E> => {
  const { elapsed = Duration.zero, policy = defaultPolicy, round = 1 } = options
  const again: Array<Failed<I, E>> = []
  const final: Array<Final<I, E>> = []
  let wait = Duration.zero
  for (const one of failed) {
    const verdict = unlimited(Verdict.of(one.error))
    const decision = RetryPolicy.decide(policy, { verdict, attempt: round, elapsed }, random)
    if (decision._tag === "GiveUp") final.push({ ...one, because: decision.because })
    else {
      again.push(one)
      wait = Duration.max(wait, decision.delay)
    }
  }
  return { again, final, wait }
}

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
 * What became of the failed items; `rounds` is how many were run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Outcome<out I, out A, out E> {
  readonly saved: ReadonlyArray<Saved<I, A>>
  readonly failed: ReadonlyArray<Final<I, E>>
  readonly rounds: number
}

/**
 * `each` runs one item once more; `name` stands in events (`redrive`); `policy` decides (2 rounds); `concurrency` items run at a
 * time (4); `onPlan` sees every plan before its wait (nothing).
 *
 * @category options
 * @since 0.1.0
 */
export interface Options<I, A, E, R> {
  readonly each: (item: I, round: number) => Effect.Effect<A, E, R>
  readonly name?: string | undefined
  readonly policy?: RetryPolicy.RetryPolicy | undefined
  readonly concurrency?: number | undefined
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
  const { concurrency = Preset.concurrency, each, name = "redrive", onPlan, policy } = options
  const begun = yield* Clock.currentTimeMillis
  const saved: Array<Saved<I, A>> = []
  const final: Array<Final<I, E>> = []
  let failed = failures
  let round = 1
  while (failed.length > 0) {
    const elapsed = Duration.millis((yield* Clock.currentTimeMillis) - begun)
    const next = plan(failed, { policy, round, elapsed }, yield* Random.next)
    final.push(...next.final)
    if (next.again.length === 0) break
    round++
    if (onPlan !== undefined) yield* onPlan(next, round)
    yield* Observer.tell(() => ({ _tag: "Redriven", name, attempt: round, items: next.again.length, delay: next.wait }))
    yield* Effect.sleep(next.wait)
    const attempt = ({ item }: Failed<I, E>) => Effect.result(each(item, round))
    const results = yield* Effect.forEach(next.again, attempt, { concurrency })
    failed = results.flatMap((result, index) => {
      const item = next.again[index]!.item
      if (Result.isFailure(result)) return [{ item, error: result.failure }]
      saved.push({ item, value: result.success, round })
      return []
    })
  }
  return { saved, failed: final, rounds: round - 1 }
})
