/**
 * Where tasks are kept: a SQL database, SQLite or PostgreSQL, by the `SqlClient` in context.
 *
 * Every statement that ends something names the claim that it ends. A process that has lost its claim changes nothing: what it says too late is kept
 * beside the task. Times are epoch milliseconds, so that both databases and every time zone agree.
 *
 * @since 0.1.0
 */
import * as Check from "@redrive/core/Check"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as News from "./internal/news.ts"
import * as Presence from "./internal/presence.ts"
import type * as Rows from "./internal/rows.ts"
import * as Adding from "./internal/statements/adding.ts"
import * as Claims from "./internal/statements/claims.ts"
import * as Failed from "./internal/statements/failed.ts"
import * as Gates from "./internal/statements/gates.ts"
import * as Queues from "./internal/statements/queues.ts"
import * as Turns from "./internal/turns.ts"
import { forTables, made, tableNames, tables } from "./internal/tables.ts"

export type { Claimed, Ended, Settled, Task } from "./internal/rows.ts"

/**
 * A store that could not be read or written.
 *
 * @category errors
 * @since 0.1.0
 */
export class StoreError extends Data.TaggedError("StoreError")<{
  /** What failed, without secrets. */
  readonly message: string
  /** What was thrown. */
  readonly cause?: unknown
}> {}

/**
 * How the database is used.
 *
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The longest time for a statement. The start, which connects and makes tables, has 30 seconds at least. Default: 5 seconds. */
  readonly timeout?: Duration.Input | undefined
  /**
   * Whether processes tell each other of tasks by PostgreSQL's LISTEN and NOTIFY, so that an idle worker starts them at once. Its workers hold one
   * connection of the client for that. A pooler that gives each transaction another connection needs `false`. Default: true.
   */
  readonly listen?: boolean | undefined
}

const rules: Check.Rules<Options> = {
  timeout: Check.duration(),
  listen: Check.where("true or false", (listen) => typeof listen === "boolean")
}

/**
 * A task to be added.
 *
 * @category models
 * @since 0.1.0
 */
export interface Added {
  /** Its id: a task of the same id and queue is there once. */
  readonly id: string
  /** What it is about, as JSON. */
  readonly payload: string
  /** What it shares with other tasks, such as a host. */
  readonly key: string
  /** What it shares with even more tasks, such as an account. */
  readonly group: string
  /** When it is due. */
  readonly due: number
  /** The policy that it goes by, as JSON. */
  readonly policy: string
}

/**
 * A key or a group whose tasks wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Gate {
  /** The key or the group. */
  readonly gate: string
  /** Until when it is shut; `Infinity` until somebody opens it. */
  readonly until: number
  /** Why it is shut, such as a code or an action like `top up`. */
  readonly why: string
  /** Who shut it: `policy`, or a person. */
  readonly by: string
  /** When it was shut. */
  readonly at: number
}

/**
 * Which failed tasks are meant; without a field, all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Filter {
  /** The code of the last failure. */
  readonly code?: string | undefined
  /** Who must act. */
  readonly actor?: string | undefined
  /** The key. */
  readonly key?: string | undefined
  /** The group. */
  readonly group?: string | undefined
  /** Why the task was given up. */
  readonly because?: string | undefined
  /** Failed at this time or later. */
  readonly from?: number | undefined
  /** Failed before this time. */
  readonly until?: number | undefined
  /** At least so many attempts. */
  readonly attempts?: number | undefined
  /** A part of the message of the last failure. */
  readonly text?: string | undefined
}

/**
 * How many failed tasks have what in common.
 *
 * @category models
 * @since 0.1.0
 */
export interface FailedCount {
  /** The code of their last failure. */
  readonly code: string
  /** Who must act. */
  readonly actor: string
  /** Why they were given up. */
  readonly because: string
  /** How many. */
  readonly count: number
}

/**
 * A redrive of failed tasks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Redrive {
  /** Its id: the same one of a queue is carried out once. */
  readonly id: string
  /** The queue. */
  readonly queue: string
  /** Which tasks. */
  readonly filter: Filter
  /** Who wants it. */
  readonly by: string
  /** Now. */
  readonly now: number
  /** The time between two tasks, in milliseconds. */
  readonly pace: number
  /** The time before the first attempt of a task that is redriven for the first time; doubled for each time before. */
  readonly delay: number
  /** The most tasks. */
  readonly most: number
}

/**
 * Which tasks a worker wants.
 *
 * @category models
 * @since 0.1.0
 */
export interface Claim {
  /** The queue. */
  readonly queue: string
  /** What only this claim is called. */
  readonly token: string
  /** Until when the tasks are held without a sign of life. */
  readonly until: number
  /** The most tasks. */
  readonly most: number
}

/**
 * The end of a claim.
 *
 * @category models
 * @since 0.1.0
 */
export interface End {
  /** The claim. */
  readonly claim: Rows.Claimed
  /** What ends it. */
  readonly what: Rows.Settled
}

/**
 * What a worker wants of the store at a time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Turn {
  /** The claims that end, each once. */
  readonly ends: ReadonlyArray<End>
  /** The tasks that it wants, if any. */
  readonly claim?: Claim | undefined
  /** Now. */
  readonly now: number
}

/**
 * What a turn came to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Turned {
  /** For each end, in their order, whether its claim was still held. If not, what came too late is kept beside the task. */
  readonly held: ReadonlyArray<boolean>
  /** The tasks that were claimed. */
  readonly claimed: ReadonlyArray<Rows.Claimed>
}

/**
 * Before which times tasks of a queue must have ended to be deleted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Before {
  /** The queue. */
  readonly queue: string
  /** Those that are done. */
  readonly done: number
  /** Those that failed. */
  readonly failed: number
}

/**
 * How a queue is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Health {
  /** How many tasks wait. */
  readonly waiting: number
  /** How many run. */
  readonly running: number
  /** How many are done and kept. */
  readonly done: number
  /** How many failed and are kept. */
  readonly failed: number
  /** When the first task was due that waits and is not held back by a gate; `undefined` if none is due. */
  readonly oldestDue: number | undefined
}

/**
 * The store of tasks.
 *
 * @category services
 * @since 0.1.0
 */
export class Store extends Context.Service<
  Store,
  {
    /** Adds tasks; gives the ids of those that were not there. */
    readonly add: (
      queue: string,
      tasks: ReadonlyArray<Added>,
      now: number
    ) => Effect.Effect<ReadonlyArray<string>, StoreError>
    /**
     * Ends claims, and takes tasks that are due and whose gates are open, in one commit. Tasks come back when `until` has passed and nobody has held
     * them longer.
     */
    readonly turn: (turn: Turn) => Effect.Effect<Turned, StoreError>
    /** Holds claims longer; gives the ids of the tasks that are still held. */
    readonly hold: (
      claims: ReadonlyArray<Rows.Claimed>,
      until: number
    ) => Effect.Effect<ReadonlyArray<string>, StoreError>
    /**
     * Gives back what claims of these tokens still hold, as if it had not begun: a worker ends, or the answer to its claim was lost. The times for
     * which the tasks were held do not count as pauses.
     */
    readonly release: (queue: string, tokens: ReadonlyArray<string>, now: number) => Effect.Effect<void, StoreError>
    /**
     * Says that a worker lives, until the scope closes. Its claims' tokens are its name, a space and what it likes. Where the database is a file, its
     * machine knows when the process has ended.
     */
    readonly register: (worker: string) => Effect.Effect<void, never, Scope.Scope>
    /** Makes due at once what workers hold whose processes have ended, if the database knows; gives how many tasks. */
    readonly takeOver: (now: number) => Effect.Effect<number, StoreError>
    /** Runs an effect outside of the transaction of this database that it is called in, if any. */
    readonly outside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
    /** Gives up the tasks that have waited for somebody for longer than their policies allow; gives them. */
    readonly endParked: (queue: string, now: number) => Effect.Effect<ReadonlyArray<Rows.Task>, StoreError>
    /**
     * Calls back when tasks of a queue may be due, until the scope closes: some were added, redriven or let through, by this process, or on PostgreSQL
     * by any. A call may be lost with a connection, so look from time to time as well.
     */
    readonly listen: (queue: string, wake: () => void) => Effect.Effect<void, never, Scope.Scope>
    /** Reads a task. */
    readonly get: (queue: string, id: string) => Effect.Effect<Rows.Task | undefined, StoreError>
    /** Shuts a gate, if it is not shut for longer already. */
    readonly shut: (gate: Gate) => Effect.Effect<void, StoreError>
    /** Opens a gate; gives whether it was shut. */
    readonly open: (gate: string, now: number) => Effect.Effect<boolean, StoreError>
    /** The gates that are shut, the first 1000. */
    readonly gates: (now: number) => Effect.Effect<ReadonlyArray<Gate>, StoreError>
    /** Counts failed tasks. */
    readonly failed: (queue: string, filter: Filter) => Effect.Effect<ReadonlyArray<FailedCount>, StoreError>
    /** Makes failed tasks wait again; gives how many. The same id again gives what it gave, and does nothing. */
    readonly redrive: (redrive: Redrive) => Effect.Effect<number, StoreError>
    /** When the first task was due that waits and is not held back by a gate; `undefined` if none is due. Cheap at any size. */
    readonly oldestDue: (queue: string, now: number) => Effect.Effect<number | undefined, StoreError>
    /** Whether a queue has tasks, also ended ones. */
    readonly hasTasks: (queue: string) => Effect.Effect<boolean, StoreError>
    /** The names of the queues that have tasks, in order, the first 100. It reads all tasks. */
    readonly queues: Effect.Effect<ReadonlyArray<string>, StoreError>
    /** How a queue is; it counts all tasks. */
    readonly health: (queue: string, now: number) => Effect.Effect<Health, StoreError>
    /** Deletes tasks that ended before these times, late answers and gates that have been open since; gives how many tasks. */
    readonly sweep: (before: Before) => Effect.Effect<number, StoreError>
  }
>()("@redrive/durable/Store") {}

/** A silent network makes the client wait for the end of a statement that it cancels; nobody waits for the client. */
const unawaited = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.forkDetach(effect), (fiber) =>
    Effect.onInterrupt(Fiber.join(fiber), () => Effect.forkDetach(Fiber.interrupt(fiber)))
  )

/** An index of PostgreSQL takes no longer ones. */
const longestGate = 500

const tooLong = (id: string, name: string, length: number) =>
  new StoreError({
    message: `task ${id.slice(0, 100)} was not added: its ${name} has ${length} characters, and at most ${longestGate} are kept; use a hash of it`
  })

/**
 * The store in the database of the `SqlClient` in context. Its tables are made if they are not there.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Store, StoreError, SqlClient.SqlClient> =>
  Layer.effect(Store, make(Check.options("Store.layer", rules, options)))

/** How long statements may take, by where they are run. */
const boundsOf = (sql: SqlClient.SqlClient, timeout: Duration.Input) => {
  const bounded = <A>(
    what: string,
    effect: Effect.Effect<A, SqlError.SqlError | StoreError>,
    limit: Duration.Input = timeout
  ): Effect.Effect<A, StoreError> =>
    effect.pipe(
      // A pool waits for a connection without an end.
      Effect.timeout(limit),
      // A connection that is lost within a transaction is a defect to Effect.
      Effect.catchCause((cause) => {
        const error = Cause.squash(cause)
        return Effect.fail(
          error instanceof StoreError ? error : new StoreError({ message: `tasks could not be ${what}`, cause })
        )
      })
    )
  /** A worker's own statement, outside of any transaction. SQLite ends its statements itself. */
  const apart = <A>(what: string, effect: Effect.Effect<A, SqlError.SqlError>) =>
    bounded(what, sql.onDialectOrElse({ sqlite: () => effect, orElse: () => unawaited(effect) }))
  /**
   * A worker that ends waits for its last turn: given back before the database has it, a task would be held by nobody. SQLite takes an interrupted
   * turn back, and may have it wait for a handler's own transaction.
   */
  const answered = <A>(what: string, effect: Effect.Effect<A, SqlError.SqlError>) =>
    sql.onDialectOrElse({
      sqlite: () => apart(what, effect),
      orElse: () => Effect.uninterruptible(apart(what, effect))
    })
  return { bounded, apart, answered }
}

/** Refuses tasks whose keys or groups no gate could name. */
const checkLengths = (tasks: ReadonlyArray<Added>) =>
  Effect.gen(function* () {
    for (const { group, id, key } of tasks) {
      const [name, text] = key.length > longestGate ? ["key", key] : ["group", group]
      if (text.length > longestGate) return yield* Effect.fail(tooLong(id, name, text.length))
    }
  })

const make = Effect.fnUntraced(function* ({
  listen = true,
  timeout = "5 seconds"
}: Options): Effect.fn.Return<Store["Service"], StoreError, SqlClient.SqlClient | Scope.Scope> {
  const sql = yield* SqlClient.SqlClient
  const { answered, apart, bounded } = boundsOf(sql, timeout)
  yield* bounded("kept: no tables", made(sql, tables(sql), tableNames), forTables(timeout))
  const presence = yield* bounded("kept", Presence.of(sql))
  const news = yield* News.make(sql, listen)
  const add = Adding.make(sql, news)
  const turns = Turns.make(sql)
  const claims = Claims.make(sql, presence)
  const gates = Gates.make(sql, news)
  const failed = Failed.make(sql, news)
  const queues = Queues.make(sql)

  return {
    add: (queue, tasks, now) =>
      tasks.length === 0
        ? Effect.succeed([])
        : bounded("added", Effect.andThen(checkLengths(tasks), add(queue, tasks, now))),
    turn: ({ claim, ends, now }) => answered(ends.length > 0 ? "ended" : "claimed", turns(ends, claim, now)),
    hold: (held, until) => (held.length === 0 ? Effect.succeed([]) : apart("held", claims.hold(held, until))),
    release: (queue, tokens, now) => apart("given back", claims.release(queue, tokens, now)),
    register: presence.register,
    takeOver: (now) =>
      Effect.flatMap(presence.lost, (lost) =>
        lost.length === 0 ? Effect.succeed(0) : bounded("taken over", claims.takeOver(lost, now))
      ),
    outside: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.updateContext(
        effect,
        (context: Context.Context<R>) => Context.omit(sql.transactionService)(context) as Context.Context<R>
      ),
    listen: news.listen,
    shut: (gate) => Effect.asVoid(bounded("kept back", gates.shut(gate))),
    open: (gate, now) => bounded("let through", gates.open(gate, now)),
    gates: (now) => bounded("read", gates.list(now)),
    endParked: (queue, now) => apart("given up", gates.endParked(queue, now)),
    failed: (queue, filter) => bounded("read", failed.count(queue, filter)),
    redrive: (asked) => bounded("redriven", failed.redrive(asked)),
    get: (queue, id) => bounded("read", queues.get(queue, id)),
    hasTasks: (queue) => bounded("looked for", queues.hasTasks(queue)),
    queues: bounded("looked for", queues.names),
    oldestDue: (queue, now) => apart("counted", queues.oldestDue(queue, now)),
    health: (queue, now) => bounded("counted", queues.health(queue, now)),
    sweep: (before) => apart("swept", queues.sweep(before))
  }
})
