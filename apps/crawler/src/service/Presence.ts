/**
 * Which processes live. Each says so every few seconds; one that does not for as long as its lease is forgotten, and others take over what it has.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

export interface Options {
  /** Whether other processes may use the same database. */
  readonly isShared: boolean
  /** How long a process may give no sign of life until it is forgotten, in milliseconds. */
  readonly lease: number
  /** Gives back what this process has, before it leaves. */
  readonly giveBack: Effect.Effect<void, SqlError>
}

/** Says that a process lives, until the scope closes. */
export const keep = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  process: string,
  { giveBack, isShared, lease }: Options
): Effect.fn.Return<void, SqlError, Scope.Scope> {
  /** Says that this process lives, and forgets those that do not. */
  const live = Effect.gen(function* () {
    const at = yield* Clock.currentTimeMillis
    yield* sql`INSERT INTO runners ${sql.insert({ id: process, until: at + lease })}
      ON CONFLICT (id) DO UPDATE SET until = excluded.until`
    yield* sql`DELETE FROM runners WHERE ${isShared ? sql`until < ${at}` : sql`id <> ${process}`}`
  })
  const leave = sql`DELETE FROM runners WHERE id = ${process}`

  yield* live
  yield* Effect.addFinalizer(() =>
    Effect.ignoreCause(Effect.timeout(Effect.ensuring(giveBack, Effect.ignoreCause(leave)), "5 seconds"))
  )
  const living = Effect.sleep(lease / 3).pipe(
    Effect.andThen(Effect.catchCause(live, (cause) => Effect.logWarning("no sign of life could be given", cause))),
    Effect.forever
  )
  if (isShared) yield* Effect.forkScoped(living)
})
