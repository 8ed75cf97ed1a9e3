import * as Predicate from "effect/Predicate"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"

/** What node:sqlite threw, under Effect's names. Its number stands in `errcode`, where Effect's classification reads `errno`. */
export const sqlError = (cause: unknown, operation: string, failed: string): SqlError => {
  const errno = Predicate.hasProperty(cause, "errcode") ? { errno: cause.errcode } : {}
  const readable = Predicate.isObject(cause) ? Object.assign(cause, errno) : cause
  return new SqlError({ reason: classifySqliteError(readable, { message: `${failed}: ${said(cause)}`, operation }) })
}

/** The same failure, of a statement among others: `place` says of which. */
export const placed = (place: string, cause: unknown): Error =>
  Object.assign(
    new Error(`${place}: ${said(cause)}`, { cause }),
    Predicate.hasProperty(cause, "errcode") ? { errcode: cause.errcode } : {}
  )

const said = (cause: unknown): string => {
  if (Predicate.hasProperty(cause, "code") && cause.code === "ERR_OUT_OF_RANGE") {
    return "a column holds a whole number beyond 2^53: provide SqlClient.SafeIntegers to read bigints"
  }
  return Predicate.hasProperty(cause, "message") ? String(cause.message) : String(cause)
}
