/**
 * Tasks that failed: what they failed of, and how they go again.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { millis } from "./internal/durations.ts"
import type { Queue } from "./Queue.ts"
import { type FailedCount, type Filter, Store, type StoreError } from "./Store.ts"

/**
 * What a redrive would do.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan {
  /** How many tasks would go again. */
  readonly tasks: number
  /** What they would cost: `cost` for each. */
  readonly cost: number
  /** How long the first attempts would take to begin. */
  readonly time: Duration.Duration
  /** What they failed of, most first. */
  readonly counts: ReadonlyArray<FailedCount>
}

/**
 * How tasks go again.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The time between two tasks. Default: 0, all at once. */
  readonly pace?: Duration.Input | undefined
  /** The time before a task goes again, doubled for each time that it was redriven before. Default: 0. */
  readonly delay?: Duration.Input | undefined
  /** The most tasks, those that failed first. Default: 100,000. */
  readonly most?: number | undefined
  /** What one task costs, for the plan. Default: 0. */
  readonly cost?: number | undefined
}

const rules: Check.Rules<Options> = {
  pace: Check.duration(),
  delay: Check.duration(),
  most: Check.int(1, 1_000_000),
  cost: Check.where("a number", (cost) => typeof cost === "number" && Number.isFinite(cost))
}

/**
 * Counts the tasks that failed, by what they failed of.
 *
 * @category getters
 * @since 0.1.0
 */
export const counts = <P, A>(
  queue: Queue<P, A>,
  filter: Filter = {}
): Effect.Effect<ReadonlyArray<FailedCount>, StoreError, Store> =>
  Effect.flatMap(Store, (store) => store.failed(queue.name, filter))

/**
 * Says what a redrive would do, and does nothing.
 *
 * @category getters
 * @since 0.1.0
 */
export const plan = <P, A>(
  queue: Queue<P, A>,
  filter: Filter,
  options: Options = {}
): Effect.Effect<Plan, StoreError, Store> => {
  const { cost = 0, most = 100_000, pace = 0 } = Check.options("Failed.plan", rules, options)
  return Effect.map(counts(queue, filter), (all) => {
    const tasks = Math.min(
      most,
      all.reduce((sum, { count }) => sum + count, 0)
    )
    return {
      tasks,
      cost: tasks * cost,
      time: Duration.times(Duration.fromInputUnsafe(pace), Math.max(0, tasks - 1)),
      counts: all
    }
  })
}

/**
 * Who wants a redrive.
 *
 * @category options
 * @since 0.1.0
 */
export interface RedriveOptions extends Options {
  /** The id of the request: a second one of the same id does nothing, and gives what the first gave. Required. */
  readonly id: string
  /** Who wants it. Required. */
  readonly by: string
}

/**
 * Makes failed tasks wait again, each with all its retries; gives how many. A task that fails again is kept again.
 *
 * @category running
 * @since 0.1.0
 */
export const redrive = <P, A>(
  queue: Queue<P, A>,
  filter: Filter,
  options: RedriveOptions
): Effect.Effect<number, StoreError, Store> => {
  const { by, id, ...rest } = options
  const { delay = 0, most = 100_000, pace = 0 } = Check.options("Failed.redrive", rules, rest)
  return Effect.gen(function* () {
    const store = yield* Store
    const now = yield* Clock.currentTimeMillis
    return yield* store.redrive({
      id,
      queue: queue.name,
      filter,
      by,
      now,
      pace: millis(pace),
      delay: millis(delay),
      most
    })
  })
}
