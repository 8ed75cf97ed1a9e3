import type { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SafeIntegers } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { sqlError } from "./error.ts"
import { type Row, statementsOf } from "./statements.ts"

/** Rows of a stream that are read at a time. */
const page = 100

type Transform = Parameters<Connection["execute"]>[2]

/** The connection that Effect's client runs its statements on. */
export const connectionTo = (database: DatabaseSync): Connection => {
  const statements = statementsOf(database)
  const attempt = attemptOn(database)

  const rows = (sql: string, params: ReadonlyArray<unknown>, transform: Transform) =>
    attempt((asBigInts) => transformed(statements.rows(sql, params, { asArrays: false, asBigInts }), transform))

  const values = (sql: string, params: ReadonlyArray<unknown>) =>
    attempt(
      (asBigInts) =>
        statements.rows(sql, params, { asArrays: true, asBigInts }) as unknown as ReadonlyArray<ReadonlyArray<unknown>>
    )

  return {
    execute: rows,
    executeUnprepared: rows,
    executeValues: values,
    executeValuesUnprepared: values,
    executeRaw: (sql, params) => attempt((asBigInts) => statements.raw(sql, params, asBigInts)),
    executeStream: (sql, params, transform) =>
      Stream.unwrap(
        Effect.acquireRelease(
          attempt((asBigInts) => statements.iterate(sql, params, asBigInts)),
          giveBack
        ).pipe(Effect.map((iterator) => Stream.paginate(iterator, (rest) => attempt(() => nextPage(rest, transform)))))
      )
  }
}

const attemptOn =
  (database: DatabaseSync) =>
  <A>(run: (asBigInts: boolean) => A): Effect.Effect<A, SqlError> =>
    Effect.withFiber((fiber) => {
      try {
        return Effect.succeed(run(fiber.getRef(SafeIntegers)))
      } catch (cause) {
        return Effect.fail(sqlError(database.isOpen ? cause : closed(), "execute", "statement failed"))
      }
    })

const closed = () => new Error("the database was closed with the scope of its client")

/** A statement that is left in the middle keeps its view of the data, and a lock. */
const giveBack = (iterator: NodeJS.Iterator<Row>): Effect.Effect<void> =>
  Effect.ignore(Effect.try(() => iterator.return?.()))

const nextPage = (
  rest: NodeJS.Iterator<Row>,
  transform: Transform
): readonly [ReadonlyArray<Row>, Option.Option<typeof rest>] => {
  const rows: Array<Row> = []
  while (rows.length < page) {
    const next = rest.next()
    if (next.done === true) return [transformed(rows, transform), Option.none()]
    rows.push(next.value)
  }
  return [transformed(rows, transform), Option.some(rest)]
}

const transformed = (rows: ReadonlyArray<Row>, transform: Transform): ReadonlyArray<Row> =>
  transform === undefined ? rows : transform(rows)
