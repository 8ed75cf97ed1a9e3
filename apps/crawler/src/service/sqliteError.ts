import * as Predicate from "effect/Predicate"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"

/** What SQLite of Node.js throws, as the clients of databases say it; `failed` is what could not be done. */
export const sqliteError = (cause: unknown, failed: string): SqlError => {
  const errno = Predicate.hasProperty(cause, "errcode") ? cause.errcode : undefined
  const said = cause instanceof Error ? cause.message : String(cause)
  return new SqlError({ reason: classifySqliteError({ errno, cause }, { message: `${failed}: ${said}` }) })
}
