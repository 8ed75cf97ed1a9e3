import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as Statement from "effect/sql/Statement"
import { StoreError } from "../../Store.ts"
import { forTables, made, sharedTable } from "../tables.ts"
import * as Rounds from "./rounds.ts"

/** The state of a key. Times are epoch milliseconds; once `expiresAt` has come, the key has no state. */
export interface Expiring {
  readonly expiresAt: number
}

/**
 * A change of a key's state: the state after it, and its answer. It may run several times before one result is stored, so it must be pure.
 * Nothing is stored if it returns the state that it was given.
 */
export type Step<S, A> = (state: S | undefined, now: number) => readonly [state: S | undefined, answer: A]

/** Applies steps to the states of one kind. */
export type Apply<S> = <A>(key: string, step: Step<S, A>) => Effect.Effect<A, StoreError>

interface Waiting<S> extends Rounds.Applied<S> {
  readonly fail: (error: StoreError) => void
}

/** The table of shared states. */
export interface Table {
  readonly sql: SqlClient.SqlClient
  /** The time of the database in epoch milliseconds, or `undefined` if `Clock` has the time. */
  readonly clock: Statement.Fragment | undefined
  readonly prefix: string
  readonly timeout: Duration.Input
  /** The rounds under way. */
  readonly rounds: Set<Fiber.Fiber<unknown>>
}

/** Makes the table, and sweeps it until the scope closes. */
export const open = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  prefix: string,
  timeout: Duration.Input
): Effect.fn.Return<Table, StoreError, Scope.Scope> {
  const dialect = sql.onDialectOrElse({ pg: () => "pg", sqlite: () => "sqlite", orElse: () => undefined })
  if (dialect === undefined) return yield* new StoreError({ message: "shared states need SQLite or PostgreSQL" })
  yield* bounded(
    "the table of shared states could not be made",
    forTables(timeout),
    made(sql, sharedTable(sql), "redrive_shared")
  )
  // Processes on several machines need one clock, which PostgreSQL has. The processes of a SQLite file share a machine.
  const clock = sql.onDialectOrElse({
    pg: () => sql`floor(extract(epoch FROM clock_timestamp()) * 1000)::float8`,
    orElse: () => undefined
  })
  yield* Effect.sleep(sweptEvery).pipe(
    Effect.andThen(Effect.ignoreCause(sweep(sql, clock))),
    Effect.forever,
    Effect.forkScoped
  )
  const rounds = new Set<Fiber.Fiber<unknown>>()
  yield* Effect.addFinalizer(() => settled(rounds))
  return { sql, clock, prefix, timeout, rounds }
})

/** The states of one kind. Calls of this process that ask for one key at once are applied in one round, in order. */
export const of = <S extends Expiring>(
  { clock, prefix, rounds, sql, timeout }: Table,
  kind: string,
  schema: Schema.Codec<S>
): Apply<S> => {
  const round = Rounds.make({ sql, clock }, kind, schema)
  /** The calls that wait for the next round, by name. A name without a round has no entry. */
  const waiting = new Map<string, Array<Waiting<S>>>()

  const ended = (name: string, all: ReadonlyArray<Waiting<S>>) =>
    Effect.sync(() => {
      const error = new StoreError({ message: `the store of the ${kind} has ended` })
      for (const { fail } of [...all, ...(waiting.get(name) ?? [])]) fail(error)
      waiting.delete(name)
    })

  const settle = (name: string, all: ReadonlyArray<Waiting<S>>, isContested: boolean) =>
    bounded(`the ${kind} could not be read or written`, timeout, round(name, all, isContested)).pipe(
      Effect.catch((error) =>
        Effect.sync(() => {
          for (const { fail } of all) fail(error)
          return false
        })
      ),
      Effect.onInterrupt(() => ended(name, all))
    )

  /** Runs rounds until no call waits. */
  const run = (name: string, isContested = false): Effect.Effect<void> =>
    Effect.suspend(() => {
      const all = waiting.get(name) ?? []
      if (all.length === 0) return Effect.sync(() => void waiting.delete(name))
      waiting.set(name, [])
      return Effect.flatMap(settle(name, all, isContested), (isContested) => run(name, isContested))
    })

  const enter = (name: string, one: Waiting<S>, context: Context.Context<never>) => {
    const others = waiting.get(name)
    if (others !== undefined) return void others.push(one)
    waiting.set(name, [one])
    // A transaction of the caller must neither hold the state's row nor undo the change.
    const running = Effect.runForkWith(Context.omit(sql.transactionService)(context))(run(name))
    rounds.add(running)
    running.addObserver(() => rounds.delete(running))
  }

  return <A>(key: string, step: Step<S, A>) =>
    Effect.withFiber(({ context }) => {
      // On SQLite, a transaction of the caller holds the only connection, so a round would wait for its own caller.
      if (clock === undefined && Context.getOrUndefined(context, sql.transactionService) !== undefined)
        return Effect.fail(new StoreError({ message: held(kind) }))
      const answer = Deferred.makeUnsafe<A, StoreError>()
      const apply: Waiting<S>["apply"] = (state, now) => {
        const [next, result] = step(state, now)
        return [next, () => Deferred.doneUnsafe(answer, Effect.succeed(result))]
      }
      enter(`${prefix}${key}`, { apply, fail: (error) => Deferred.doneUnsafe(answer, Effect.fail(error)) }, context)
      return Deferred.await(answer)
    })
}

const bounded = <A, E>(message: string, timeout: Duration.Input, effect: Effect.Effect<A, E>) =>
  effect.pipe(
    // A pool waits for a connection without an end.
    Effect.timeout(timeout),
    Effect.catchCause((cause) => Effect.fail(new StoreError({ message, cause })))
  )

/** Long deletes hold locks. */
const mostSwept = 500
const sweptEvery = Duration.minutes(10)

const held = (kind: string): string =>
  `the ${kind} cannot be used within a transaction of the same SQLite client, which has one connection: make the call outside of it, or give the store a client and a file of its own`

/** Waits up to half a second for rounds under way, since calls end before their outcomes are stored. */
const settled = (rounds: ReadonlySet<Fiber.Fiber<unknown>>) =>
  Effect.suspend(() => (rounds.size === 0 ? Effect.void : Fiber.awaitAll([...rounds]))).pipe(
    Effect.timeoutOption("500 millis"),
    Effect.andThen(Effect.suspend(() => Fiber.interruptAll(rounds)))
  )

/** Deletes the rows that have expired. */
const sweep = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, clock: Table["clock"]) {
  const now = clock ?? sql`${yield* Clock.currentTimeMillis}`
  for (let deleted = mostSwept; deleted === mostSwept;) {
    const rows = yield* sql`DELETE FROM redrive_shared WHERE id IN (SELECT id FROM redrive_shared
      WHERE expires_at <= ${now} LIMIT ${mostSwept}) AND expires_at <= ${now} RETURNING id`
    deleted = rows.length
  }
})
