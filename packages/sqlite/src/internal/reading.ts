import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"
import type { Faults } from "./node.ts"
import type { Prepared, Preparing } from "./prepared.ts"

/** A row by the names of its columns; an array, if it was asked for. */
export type Row = Record<string, SQLOutputValue>

/** How rows are read. */
export interface Reading {
  readonly asArrays: boolean
  readonly asBigInts: boolean
}

/** Reads the rows of a statement whose parameters are bound. */
export const readingOn = (database: DatabaseSync, faults: Faults, { prepareOnce }: Preparing) => {
  /** Reads again what was read with the columns that were there before the schema changed. It is prepared anew by then. */
  const query = (prepared: Prepared, args: ReadonlyArray<SQLInputValue>): ReadonlyArray<Row> => {
    if (!faults.isCountedEarly || prepared.width === 0) return prepared.statement.all(...args)
    const rows = unlessRecounted(prepared, () => prepared.statement.all(...args))
    // Without rows it is counted all the same: the next reading begins with this count.
    return rows !== undefined && (!isRecounted(prepared) || rows.length === 0) ? rows : query(prepared, args)
  }

  /** Reading a number beyond 2^53 fails after the row was written: the caller would write it twice. */
  const undoneOnFailure = <A>(run: () => A): A => {
    control("SAVEPOINT redrive")
    try {
      const result = run()
      control("RELEASE redrive")
      return result
    } catch (cause) {
      if (database.isTransaction) {
        control("ROLLBACK TO redrive")
        control("RELEASE redrive")
      }
      throw cause
    }
  }

  /** `run` would read the last row's id, too, which may be beyond 2^53. */
  const control = (sql: string) => prepareOnce(sql).statement.all()

  return (prepared: Prepared, args: ReadonlyArray<SQLInputValue>, reading: Reading): ReadonlyArray<Row> => {
    prepared.statement.setReturnArrays(reading.asArrays)
    prepared.statement.setReadBigInts(reading.asBigInts)
    if (prepared.width === 0 || !prepared.isReturning) return query(prepared, args)
    const returning = () =>
      faults.isCountedEarly ? stepped(prepared.statement, args) : prepared.statement.all(...args)
    return reading.asBigInts ? returning() : undoneOnFailure(returning)
  }
}

const isRecounted = (prepared: Prepared): boolean => {
  const before = prepared.width
  prepared.width = prepared.statement.columns().length
  return prepared.width !== before
}

const unlessRecounted = <A>(prepared: Prepared, run: () => A): A | undefined => {
  try {
    return run()
  } catch (cause) {
    if (isRecounted(prepared)) return undefined
    throw cause
  }
}

/** Reads row by row, which counts the columns in time, and takes longer. */
const stepped = (statement: StatementSync, args: ReadonlyArray<SQLInputValue>): ReadonlyArray<Row> => {
  const iterator = statement.iterate(...args)
  try {
    return Array.from(iterator)
  } finally {
    iterator.return?.()
  }
}
