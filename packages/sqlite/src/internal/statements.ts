import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite"
import { placed } from "./error.ts"
import { faultsOfNode } from "./node.ts"
import { boundTo } from "./parameters.ts"
import { hasReturning, type Parameters, parametersOf, skipBlank, withoutQuoted } from "./syntax.ts"

/** Statements kept prepared; the eldest makes room. */
const mostPrepared = 500

/** A row by the names of its columns; an array, if it was asked for. */
export type Row = Record<string, SQLOutputValue>

/** How rows are read. */
export interface Reading {
  readonly asArrays: boolean
  readonly asBigInts: boolean
}

/** What a statement that returns no rows has done. */
export interface Done {
  readonly changes: number | bigint
  readonly lastInsertRowid: number | bigint
}

/** The ways to run a text of SQL. Each throws what node:sqlite throws, or says what it would do wrong in silence. */
export interface Statements {
  readonly rows: (sql: string, params: ReadonlyArray<unknown>, reading: Reading) => ReadonlyArray<Row>
  readonly raw: (sql: string, params: ReadonlyArray<unknown>, asBigInts: boolean) => ReadonlyArray<Row> | Done
  readonly iterate: (sql: string, params: ReadonlyArray<unknown>, asBigInts: boolean) => NodeJS.Iterator<Row>
}

interface Prepared {
  readonly statement: StatementSync
  readonly parameters: Parameters
  readonly isReturning: boolean
  /** The statements that follow it in the text. */
  readonly rest: string
  /** How many columns its rows had when they were counted last. */
  width: number
}

export const statementsOf = (database: DatabaseSync): Statements => {
  const faults = faultsOfNode()
  const kept = new Map<string, Prepared>()

  const prepare = (sql: string): Prepared => {
    if (sql.includes("\0")) throw new TypeError("the text has a NUL character, where SQLite would end it")
    if (skipBlank(sql, 0) === sql.length) throw new TypeError("the text has no statement")
    const statement = database.prepare(sql)
    // SQLite itself says where the first statement ends.
    const end = statement.sourceSQL.length
    const first = withoutQuoted(sql.slice(0, end))
    return {
      statement,
      parameters: parametersOf(first),
      isReturning: hasReturning(first),
      rest: sql.slice(skipBlank(sql, end)),
      width: statement.columns().length
    }
  }

  const prepareOnce = (sql: string): Prepared => {
    const known = kept.get(sql)
    if (known !== undefined) return known
    const prepared = prepare(sql)
    if (prepared.rest !== "") return prepared
    const [eldest] = kept.keys()
    if (kept.size >= mostPrepared && eldest !== undefined) kept.delete(eldest)
    kept.set(sql, prepared)
    return prepared
  }

  /** Text with a NUL character may be searched for, but is not stored where it would be cut in reading. */
  const bound = (prepared: Prepared, params: ReadonlyArray<unknown>) =>
    boundTo(prepared.parameters, params, faults.isCutAtNul && (prepared.width === 0 || prepared.isReturning))

  /** Runs a text's statements in turn. The last one's result counts. */
  const each = <A>(sql: string, params: ReadonlyArray<unknown>, run: (prepared: Prepared) => A): A => {
    const first = prepareOnce(sql)
    if (first.rest === "") return run(first)
    if (params.length > 0) throw new TypeError(`${several} and parameters: run each in a call of its own`)
    let result = inPlace(1, () => run(first))
    for (let { rest } = first, place = 2; rest !== ""; place++) {
      const next = rest
      const prepared = inPlace(place, () => prepare(next))
      result = inPlace(place, () => run(prepared))
      rest = prepared.rest
    }
    return result
  }

  const read = (prepared: Prepared, params: ReadonlyArray<unknown>, reading: Reading): ReadonlyArray<Row> => {
    const args = bound(prepared, params)
    prepared.statement.setReturnArrays(reading.asArrays)
    prepared.statement.setReadBigInts(reading.asBigInts)
    if (prepared.width === 0 || !prepared.isReturning) return query(prepared, args)
    const returning = () =>
      faults.isCountedEarly ? stepped(prepared.statement, args) : prepared.statement.all(...args)
    return reading.asBigInts ? returning() : undoneOnFailure(returning)
  }

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

  const execute = (prepared: Prepared, params: ReadonlyArray<unknown>, asBigInts: boolean): Done => {
    const args = bound(prepared, params)
    // A number would be rounded, or fail after the row was written.
    prepared.statement.setReadBigInts(true)
    const { changes, lastInsertRowid } = prepared.statement.run(...args)
    return asBigInts
      ? { changes, lastInsertRowid }
      : { changes: numberIfSafe(changes), lastInsertRowid: numberIfSafe(lastInsertRowid) }
  }

  return {
    rows: (sql, params, reading) => each(sql, params, (prepared) => read(prepared, params, reading)),
    raw: (sql, params, asBigInts) =>
      each(sql, params, (prepared) =>
        prepared.width > 0
          ? read(prepared, params, { asArrays: false, asBigInts })
          : execute(prepared, params, asBigInts)
      ),
    iterate: (sql, params, asBigInts) => {
      // Running a statement again starts it over, so an iterator has one of its own.
      const prepared = prepare(sql)
      if (prepared.rest !== "") throw new TypeError(`${several}: a stream runs one`)
      // SQLite writes all rows at the first step, and refuses savepoints until the last one is read.
      if (prepared.isReturning && prepared.width > 0) {
        return read(prepared, params, { asArrays: false, asBigInts }).values()
      }
      prepared.statement.setReadBigInts(asBigInts)
      return prepared.statement.iterate(...bound(prepared, params))
    }
  }
}

const several = "the text has several statements"

const inPlace = <A>(place: number, run: () => A): A => {
  try {
    return run()
  } catch (cause) {
    throw placed(`statement ${place} of the text${place === 1 ? "" : `, after ${place - 1} that were run`}`, cause)
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

const numberIfSafe = (integer: number | bigint): number | bigint => {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}
