import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Predicate from "effect/Predicate"
import * as EffectQueue from "effect/Queue"
import * as RcRef from "effect/RcRef"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import { randomUUID } from "node:crypto"

/** How workers hear that tasks may be due. What they hear is a hint, which may be lost: they look from time to time as well. */
export interface News {
  /** Tells the workers of a queue (all workers), when the transaction has committed, if there is one. */
  readonly tell: (queue?: string) => Effect.Effect<void>
  /** Calls back whenever the workers of a queue are told something, until the scope closes. */
  readonly listen: (queue: string, wake: () => void) => Effect.Effect<void, never, Scope.Scope>
}

/** What `PgClient` has that other clients have not. */
interface Notifying {
  readonly config: { readonly maxConnections?: unknown }
  readonly listen: (
    channel: string
  ) => Effect.Effect<EffectQueue.Dequeue<{ readonly payload: string }, unknown>, unknown, Scope.Scope>
  readonly notify: (channel: string, payload: string) => Effect.Effect<void, unknown>
}

const isNotifying = (sql: SqlClient.SqlClient): sql is SqlClient.SqlClient & Notifying =>
  Predicate.hasProperty(sql, "listen") &&
  Predicate.hasProperty(sql, "notify") &&
  Predicate.hasProperty(sql, "config") &&
  Predicate.isObject(sql.config)

const channel = "redrive_tasks"

/** News within this process, and with a client that can notify, if `isShared`, from and to others. */
export const make = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  isShared: boolean
): Effect.fn.Return<News, never, Scope.Scope> {
  const listeners = new Set<{ readonly queue: string; readonly wake: () => void }>()
  const heard = (queue: string) => {
    for (const one of listeners) if (queue === "" || queue === one.queue) one.wake()
  }
  const others = isShared && isNotifying(sql) ? yield* shared(sql, heard) : undefined
  return {
    tell: (queue = "") =>
      sql.afterCommit(
        Effect.sync(() => {
          heard(queue)
          others?.tell(queue)
        })
      ),
    listen: (queue, wake) => {
      const one = { queue, wake }
      return Effect.andThen(
        Effect.acquireRelease(
          Effect.sync(() => listeners.add(one)),
          () => Effect.sync(() => listeners.delete(one))
        ),
        others?.listen ?? Effect.void
      )
    }
  }
})

/** What is to be told to other processes, each queue once, in the background. */
const telling = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient & Notifying,
  self: string
): Effect.fn.Return<(queue: string) => void, never, Scope.Scope> {
  const untold = new Set<string>()
  const isUntold = Latch.makeUnsafe(false)

  const send = Effect.suspend(() => {
    isUntold.closeUnsafe()
    return Effect.forEach(
      [...untold],
      (queue) =>
        Effect.suspend(() => {
          untold.delete(queue)
          return sql.notify(channel, `${self} ${queue}`)
        }).pipe(Effect.onInterrupt(() => Effect.sync(() => untold.add(queue)))),
      { discard: true }
    )
  }).pipe(Effect.timeout("5 seconds"), Effect.ignoreCause)

  // A process that adds a task and ends has told it.
  yield* Effect.addFinalizer(() => (untold.size > 0 ? send : Effect.void))
  // A notification takes a lock of the whole server when it commits. So it has a transaction of its own, and one speaks for all that came up meanwhile.
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(isUntold.await, send)))
  return (queue) => {
    untold.add(queue)
    isUntold.openUnsafe()
  }
})

/** Hears what other processes tell until the connection is lost, and then fails. */
const hearing = (sql: SqlClient.SqlClient & Notifying, self: string, heard: (queue: string) => void) => {
  const hear = ({ payload }: { readonly payload: string }) => {
    const [from = "", ...rest] = payload.split(" ")
    if (from !== self) heard(rest.join(" "))
  }
  return Effect.gen(function* () {
    const notifications = yield* sql.listen(channel)
    const isFree = yield* Effect.timeoutOption(sql`SELECT 1`, "2 seconds")
    if (isFree._tag === "None")
      return yield* Effect.logWarning(
        "PostgreSQL's client has no connection left beside the one that listens, so tasks of other processes are only looked for: give it more (maxConnections), or set listen to false in Store.layer"
      )
    // Nobody knows what was told before.
    heard("")
    return yield* Effect.forever(Effect.map(EffectQueue.take(notifications), hear))
  }).pipe(
    Effect.scoped,
    Effect.tapCause((cause) => Effect.logDebug("PostgreSQL's notifications are not heard; trying again", cause))
  )
}

const shared = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient & Notifying,
  heard: (queue: string) => void
): Effect.fn.Return<
  { readonly tell: (queue: string) => void; readonly listen: Effect.Effect<void, never, Scope.Scope> },
  never,
  Scope.Scope
> {
  const self = randomUUID()
  const tell = yield* telling(sql, self)
  const again = Effect.retry(Effect.sandbox(hearing(sql, self, heard)), Schedule.spaced("1 second"))
  // However many workers there are, one connection listens for them.
  // Nobody waits for the end of listening: on a silent network the server's answer to it never comes.
  const listening = yield* RcRef.make({
    acquire: Effect.acquireRelease(Effect.forkDetach(again), (fiber) => Effect.forkDetach(Fiber.interrupt(fiber)))
  })
  const hasSome = sql.config.maxConnections !== 1
  return { tell, listen: hasSome ? Effect.asVoid(RcRef.get(listening)) : Effect.void }
})
