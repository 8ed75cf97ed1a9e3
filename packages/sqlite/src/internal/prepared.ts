import type { DatabaseSync, StatementSync } from "node:sqlite"
import { hasReturning, type Parameters, parametersOf, skipBlank, withoutQuoted } from "./syntax.ts"

/** Statements kept prepared; the eldest makes room. */
const mostPrepared = 500

export interface Prepared {
  readonly statement: StatementSync
  readonly parameters: Parameters
  readonly isReturning: boolean
  /** The statements that follow it in the text. */
  readonly rest: string
  /** How many columns its rows had when they were counted last. */
  width: number
}

/** Statements of a database, prepared anew or kept from before. */
export interface Preparing {
  /** The first statement of a text. */
  readonly prepare: (sql: string) => Prepared
  /** The same one for the same text, as long as it is kept; a text of several statements is not. */
  readonly prepareOnce: (sql: string) => Prepared
}

export const preparingOn = (database: DatabaseSync): Preparing => {
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

  return { prepare, prepareOnce }
}
