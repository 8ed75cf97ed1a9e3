import * as Predicate from "effect/Predicate"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"

/** What node:sqlite threw, under Effect's names. Its number stands in `errcode`, where Effect's classification reads `errno`. */
export const sqlError = (cause: unknown, operation: string, failed: string): SqlError => {
  const errno = Predicate.hasProperty(cause, "errcode") ? { errno: cause.errcode } : {}
  const readable = Predicate.isObject(cause) ? Object.assign(cause, errno) : cause
  const said = Predicate.hasProperty(cause, "message") ? String(cause.message) : String(cause)
  return new SqlError({ reason: classifySqliteError(readable, { message: `${failed}: ${said}`, operation }) })
}
