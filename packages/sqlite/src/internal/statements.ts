import type { DatabaseSync } from "node:sqlite"
import { placed } from "./error.ts"
import { faultsOfNode } from "./node.ts"
import { boundTo } from "./parameters.ts"
import { type Prepared, preparingOn } from "./prepared.ts"
import { type Reading, readingOn, type Row } from "./reading.ts"

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

export const statementsOf = (database: DatabaseSync): Statements => {
  const faults = faultsOfNode()
  const preparing = preparingOn(database)
  const { prepare, prepareOnce } = preparing
  const read = readingOn(database, faults, preparing)

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
    rows: (sql, params, reading) => each(sql, params, (prepared) => read(prepared, bound(prepared, params), reading)),
    raw: (sql, params, asBigInts) =>
      each(sql, params, (prepared) =>
        prepared.width > 0
          ? read(prepared, bound(prepared, params), { asArrays: false, asBigInts })
          : execute(prepared, params, asBigInts)
      ),
    iterate: (sql, params, asBigInts) => {
      // Running a statement again starts it over, so an iterator has one of its own.
      const prepared = prepare(sql)
      if (prepared.rest !== "") throw new TypeError(`${several}: a stream runs one`)
      // SQLite writes all rows at the first step, and refuses savepoints until the last one is read.
      if (prepared.isReturning && prepared.width > 0) {
        return read(prepared, bound(prepared, params), { asArrays: false, asBigInts }).values()
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

const numberIfSafe = (integer: number | bigint): number | bigint => {
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}
