import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"
import * as Rows from "../rows.ts"
import type { Expiring, Table } from "./states.ts"

/** What a call does to a state. */
export interface Applied<S> {
  /** Applies the step, and returns the state after it and what tells the caller the answer. */
  readonly apply: (state: S | undefined, now: number) => readonly [state: S | undefined, tell: () => void]
}

/**
 * Rounds of the states of one kind: a state is changed by compare-and-set.
 *
 * Read it, apply the steps, and write the result if the state is still the one that was read. That takes two statements and no transaction. A round that
 * loses to another process starts again and holds the row, so that processes that compete for one key take turns instead of losing again and again.
 */
export const make = <S extends Expiring>(
  { clock, sql }: Pick<Table, "sql" | "clock">,
  kind: string,
  schema: Schema.Codec<S>
) => {
  const read = readOf(sql, clock)
  const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(schema))

  /** Applies the steps, and returns what tells their callers; `undefined` if another process has changed the state meanwhile. */
  const change = Effect.fnUntraced(function* (name: string, all: ReadonlyArray<Applied<S>>, isLocked: boolean) {
    const id = Rows.idOf(kind, name)
    const { now, text } = yield* read(id, isLocked)
    const before = text === undefined ? undefined : yield* decode(text)
    let state = before
    const tells = all.map(({ apply }) => {
      const [next, tell] = apply(state !== undefined && state.expiresAt > now ? state : undefined, now)
      state = next ?? state
      return tell
    })
    if (state === undefined || state === before) return tells
    const after = { id, kind, name, before: text, after: JSON.stringify(state) }
    return (yield* write(sql, after, state.expiresAt)) ? tells : undefined
  })

  /** Applies the steps until that succeeds. It holds the row from the start, or once it has lost, and returns whether it did. */
  return Effect.fnUntraced(function* (name: string, all: ReadonlyArray<Applied<S>>, isContested: boolean) {
    for (let isLocked = isContested; ; isLocked = true) {
      const changed = change(name, all, isLocked)
      const tells = yield* Effect.catchIf(
        isLocked ? sql.withTransaction(changed) : changed,
        isConflict,
        () => Effect.undefined
      )
      if (tells === undefined) continue
      for (const tell of tells) tell()
      return isLocked
    }
  })
}

/** Reads a state and the time in one statement. The time is that after the wait for a lock. */
const readOf = (sql: SqlClient.SqlClient, clock: Table["clock"]) =>
  Effect.fnUntraced(function* (id: string, isLocked: boolean) {
    if (clock === undefined) {
      const [row] = yield* sql<{ readonly state: string }>`SELECT state FROM redrive_shared WHERE id = ${id}`
      return { now: yield* Clock.currentTimeMillis, text: row?.state }
    }
    const lock = isLocked ? sql`FOR UPDATE` : sql``
    const [row] = yield* sql<{ readonly now: number; readonly state: string | null }>`SELECT ${clock} AS now, state
      FROM (SELECT 1) AS one LEFT JOIN (SELECT state FROM redrive_shared WHERE id = ${id} ${lock}) AS found ON true`
    return { now: row?.now ?? NaN, text: row?.state ?? undefined }
  })

interface Write {
  readonly id: string
  readonly kind: string
  readonly name: string
  readonly before: string | undefined
  readonly after: string
}

/** Writes a state, and returns whether it did: not if another process has changed it since it was read. */
const write = (sql: SqlClient.SqlClient, { after, before, id, kind, name }: Write, expires: number) => {
  const row = { id, kind, name: Rows.stored(name), state: after, expires_at: Math.ceil(Math.min(expires, Rows.never)) }
  const written =
    before === undefined
      ? sql`INSERT INTO redrive_shared ${sql.insert(row)} ON CONFLICT (id) DO NOTHING RETURNING id`
      : sql`UPDATE redrive_shared SET state = ${row.state}, expires_at = ${row.expires_at}
          WHERE id = ${id} AND state = ${before} RETURNING id`
  return Effect.map(written, (rows) => rows.length > 0)
}

/** At the stricter isolation levels, PostgreSQL refuses a statement that lost to another. */
const isConflict = (error: SqlError.SqlError | Schema.SchemaError): boolean =>
  error._tag === "SqlError" && (error.reason._tag === "SerializationError" || error.reason._tag === "DeadlockError")
