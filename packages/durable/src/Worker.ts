/**
 * Runs the tasks of a queue: claims those that are due, runs them under their policy, and says what became of each.
 *
 * Any number of workers share a queue, in one process or in many. A claim is held as long as its process lives; when it is lost, another worker makes
 * the same attempt, under the same idempotency key. What is recorded is recorded once; what a handler does elsewhere may be done again.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import type * as Duration from "effect/Duration"
import * as Layer from "effect/Layer"
import { millis, pause } from "./internal/durations.ts"
import * as internal from "./internal/worker.ts"
import type { Queue } from "./Queue.ts"
import type { Store } from "./Store.ts"

export type { Attempt, Handler } from "./internal/worker.ts"

/**
 * How much a worker does at once, and how it shares with others.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** How many tasks run at once. Default: 10. */
  readonly concurrency?: number | undefined
  /** How long a claim lasts without a sign of life; then another worker takes the task over. Default: 30 seconds. */
  readonly lease?: Duration.Input | undefined
  /** How often it looks for tasks of other processes, and for those whose time has come. Default: 500 milliseconds. */
  readonly pollInterval?: Duration.Input | undefined
  /** How often in a row a task may take its process with it before it is given up. Default: 3. */
  readonly kills?: number | undefined
  /** How long tasks that are done are kept. Default: 7 days. */
  readonly keepDone?: Duration.Input | undefined
  /** How long tasks that failed are kept. Default: 30 days. */
  readonly keepFailed?: Duration.Input | undefined
}

const rules: Check.Rules<Options> = {
  concurrency: Check.int(1, 10_000),
  lease: pause,
  pollInterval: pause,
  kills: Check.int(1),
  keepDone: Check.duration(),
  keepFailed: Check.duration()
}

/**
 * A worker, as long as the layer's scope. At its end, tasks that still run are interrupted and given back, as if they had not begun.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <P, A, E, R>(
  queue: Queue<P, A>,
  handler: internal.Handler<NoInfer<P>, NoInfer<A>, E, R>,
  options: Options = {}
): Layer.Layer<never, never, Store | R> => {
  const {
    concurrency = 10,
    keepDone = "7 days",
    keepFailed = "30 days",
    kills = 3,
    lease = "30 seconds",
    pollInterval = "500 millis"
  } = Check.options("Worker.layer", rules, options)
  return Layer.effectDiscard(
    internal.run(queue, handler, {
      concurrency,
      kills,
      lease: millis(lease),
      pollInterval: millis(pollInterval),
      keepDone: millis(keepDone),
      keepFailed: millis(keepFailed)
    })
  )
}
