import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import type { Queue } from "../Queue.ts"
import { Store } from "../Store.ts"
import * as Attempts from "./worker/attempt.ts"
import * as Claiming from "./worker/claiming.ts"
import * as Claims from "./worker/claims.ts"
import { surviving } from "./worker/faults.ts"
import * as Lease from "./worker/lease.ts"
import * as Outcome from "./worker/outcome.ts"
import * as Polling from "./worker/polling.ts"
import * as Settling from "./worker/settling.ts"
import * as Upkeep from "./worker/upkeep.ts"

/**
 * An attempt at a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attempt {
  /** The id of the task. */
  readonly id: string
  /** The number of the attempt, from 1, in this generation. */
  readonly number: number
  /** How often the task was redriven. */
  readonly generation: number
  /**
   * For side effects that must not happen twice: the same when this attempt is made again because its process was lost, and another one after each
   * failure, also after one that only parked the task.
   */
  readonly idempotencyKey: string
}

/**
 * What a task does. It gets what the task is about, and which attempt this is.
 *
 * @category models
 * @since 0.1.0
 */
export type Handler<in P, out A, out E, out R> = (payload: P, attempt: Attempt) => Effect.Effect<A, E, R>

export interface Settings {
  readonly concurrency: number
  readonly kills: number
  readonly lease: number
  readonly pollInterval: number
  readonly keepDone: number
  readonly keepFailed: number
}

/** A worker that is built within a transaction must not go on in it: its end would be the worker's. */
export const run = <P, A, E, R>(
  queue: Queue<P, A>,
  handler: Handler<P, A, E, R>,
  settings: Settings
): Effect.Effect<void, never, Store | R | Scope.Scope> =>
  Effect.flatMap(Store, (store) => store.outside(work(store, queue, handler, settings)))

const work = Effect.fnUntraced(function* <P, A, E, R>(
  store: Store["Service"],
  queue: Queue<P, A>,
  handler: Handler<P, A, E, R>,
  settings: Settings
): Effect.fn.Return<void, never, R | Scope.Scope> {
  const { concurrency, kills, pollInterval } = settings
  const self = randomUUID()
  /** Opened when there may be something to claim. */
  const news = Latch.makeUnsafe(false)
  yield* store.listen(queue.name, () => news.openUnsafe())
  const claims = Claims.make(self)
  const lease = yield* Lease.make(store, claims, settings.lease)
  const settling = Settling.make(store, claims, news, pollInterval)
  const claiming = Claiming.make({ store, queue: queue.name, concurrency, claims, ends: settling.ends, lease })
  const attempt = Attempts.make(queue, handler, kills, Outcome.make(store, queue.name, claims, settling))

  const scope = yield* Effect.scope
  yield* store.register(self)
  // At the end, in this order: nothing more is claimed, tasks are interrupted, and only then are claims no longer held, and given back.
  yield* Effect.addFinalizer(() => claiming.giveBack)
  yield* surviving(lease.takeOver)
  yield* Effect.forkScoped(lease.renewing)

  const attempts = yield* Scope.fork(scope, "parallel")
  // Nobody takes turns any more: what has just ended is recorded now, and what ends from now on by itself. This may wait for a handler's own
  // transaction, and the handlers are interrupted next.
  yield* Effect.addFinalizer(() => settling.end)

  const looking = Polling.make({ attempt, attempts, claims, settling, wanted: claiming.wanted, news, pollInterval })
  for (const loop of [looking, ...Upkeep.loops(store, queue.name, settings)])
    yield* Effect.forkScoped(Effect.forever(loop))
})
