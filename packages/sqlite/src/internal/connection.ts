import type { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { SafeIntegers } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { sqlError } from "./error.ts"
import type { Row } from "./reading.ts"
import { statementsOf } from "./statements.ts"

/** Rows of a stream that are read at a time. */
const page = 100

type Transform = Parameters<Connection["execute"]>[2]

/**
 * Connections to a database for Effect's client: one for all statements, and one for each transaction. Some failures make SQLite take back the
 * whole transaction, as `INSERT OR ROLLBACK` does. Statements after that would each be committed by itself, so its connection refuses them.
 */
export const connectionsTo = (database: DatabaseSync): ((isForTransaction: boolean) => Connection) => {
  const statements = statementsOf(database)
  return (isForTransaction) => {
    const attempt = attemptOn(database, isForTransaction)

    const rows = (sql: string, params: ReadonlyArray<unknown>, transform: Transform) =>
      attempt(sql, (asBigInts) => transformed(statements.rows(sql, params, { asArrays: false, asBigInts }), transform))

    const values = (sql: string, params: ReadonlyArray<unknown>) =>
      attempt(
        sql,
        (asBigInts) =>
          statements.rows(sql, params, { asArrays: true, asBigInts }) as unknown as ReadonlyArray<
            ReadonlyArray<unknown>
          >
      )

    return {
      execute: rows,
      executeUnprepared: rows,
      executeValues: values,
      executeValuesUnprepared: values,
      executeRaw: (sql, params) => attempt(sql, (asBigInts) => statements.raw(sql, params, asBigInts)),
      executeStream: (sql, params, transform) =>
        Stream.unwrap(
          Effect.acquireRelease(
            attempt(sql, (asBigInts) => statements.iterate(sql, params, asBigInts)),
            giveBack
          ).pipe(
            Effect.map((iterator) => Stream.paginate(iterator, (rest) => attempt(sql, () => nextPage(rest, transform))))
          )
        )
    }
  }
}

const attemptOn = (database: DatabaseSync, isForTransaction: boolean) => {
  let isTakenBack = false
  return <A>(sql: string, run: (asBigInts: boolean) => A): Effect.Effect<A, SqlError> =>
    Effect.withFiber((fiber) => {
      let wasTransaction = false
      try {
        isTakenBack &&= !/^\s*(?:begin|rollback)\b/i.test(sql)
        if (isTakenBack) throw new Error(takenBack)
        wasTransaction = isForTransaction && database.isTransaction
        const result = run(fiber.getRef(SafeIntegers))
        if (!isForTransaction && rolledBack(database)) throw new Error(leftOpen)
        return Effect.succeed(result)
      } catch (cause) {
        isTakenBack ||= wasTransaction && database.isOpen && !database.isTransaction
        if (!isForTransaction) rolledBack(database)
        return Effect.fail(sqlError(database.isOpen ? cause : new Error(closed), "execute", "statement failed"))
      }
    })
}

/** Rolls a transaction back that is open, if one is: whatever came next would be part of it, and be lost with it. */
export const rolledBack = (database: DatabaseSync): boolean => {
  if (!database.isOpen || !database.isTransaction) return false
  database.exec("ROLLBACK")
  return true
}

const leftOpen = "the text leaves a transaction open, which was rolled back: use sql.withTransaction"

const takenBack = "SQLite took the transaction back when an earlier statement failed; nothing more can be done in it"

const closed = "the database was closed with the scope of its client"

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
