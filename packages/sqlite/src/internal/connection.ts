import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { sqlError } from "./error.ts"

/** Statements kept prepared; the eldest makes room. */
const mostPrepared = 500

/** Rows of a stream that are read at a time. */
const page = 100

type Row = Record<string, SQLOutputValue>

type Transform = Parameters<Connection["execute"]>[2]

/** The connection that Effect's client runs its statements on. */
export const connectionTo = (database: DatabaseSync): Connection => {
  const prepare = prepareOnce(database)

  const rows = (sql: string, params: ReadonlyArray<unknown>, transform: Transform) =>
    attempt(() => {
      const found = read(prepare(sql), params)
      return transform === undefined ? found : transform(found)
    })

  const values = (sql: string, params: ReadonlyArray<unknown>) =>
    attempt(() => {
      const statement = prepare(sql)
      statement.setReturnArrays(true)
      try {
        return read(statement, params) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
      } finally {
        statement.setReturnArrays(false)
      }
    })

  return {
    execute: rows,
    executeUnprepared: rows,
    executeValues: values,
    executeValuesUnprepared: values,
    executeRaw: (sql, params) =>
      attempt(() => {
        const statement = prepare(sql)
        return statement.columns().length > 0 ? statement.all(...bound(params)) : statement.run(...bound(params))
      }),
    executeStream: (sql, params, transform) =>
      Stream.unwrap(
        // A stream has a statement of its own: running a shared one again would start it over.
        Effect.map(
          attempt(() => database.prepare(sql).iterate(...bound(params))),
          (iterator) => Stream.paginate(iterator, (rest) => attempt(() => nextPage(rest, transform)))
        )
      )
  }
}

const attempt = <A>(run: () => A): Effect.Effect<A, SqlError> =>
  Effect.try({ try: run, catch: (cause) => sqlError(cause, "execute", "statement failed") })

const prepareOnce = (database: DatabaseSync) => {
  const prepared = new Map<string, StatementSync>()
  return (sql: string): StatementSync => {
    const known = prepared.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    const [eldest] = prepared.keys()
    if (prepared.size >= mostPrepared && eldest !== undefined) prepared.delete(eldest)
    prepared.set(sql, statement)
    return statement
  }
}

/** A statement without columns returns no rows, but must be run all the same. */
const read = (statement: StatementSync, params: ReadonlyArray<unknown>): ReadonlyArray<Row> => {
  if (statement.columns().length > 0) return statement.all(...bound(params))
  statement.run(...bound(params))
  return []
}

const nextPage = (
  rest: NodeJS.Iterator<Row>,
  transform: Transform
): readonly [ReadonlyArray<Row>, Option.Option<typeof rest>] => {
  const rows: Array<Row> = []
  while (rows.length < page) {
    const next = rest.next()
    if (next.done === true) return [transform === undefined ? rows : transform(rows), Option.none()]
    rows.push(next.value)
  }
  return [transform === undefined ? rows : transform(rows), Option.some(rest)]
}

/** SQLite knows no booleans and no dates. */
const bound = (params: ReadonlyArray<unknown>): Array<SQLInputValue> =>
  params.map((param) => {
    if (typeof param === "boolean") return Number(param)
    if (param instanceof Date) return param.toISOString()
    // Anything that SQLite cannot hold is refused by the driver, with the parameter's number.
    return (param ?? null) as SQLInputValue
  })
