/**
 * Commands that look into a database that `serve`, or a program with `@redrive/durable`, has made.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Database from "../service/Database.ts"
import * as DatabaseName from "../service/DatabaseName.ts"
import { Problem } from "./Problem.ts"

/**
 * Runs a command on a database that is there, which others may use meanwhile: a wrong name must not make an empty one. `missing` says what to do where
 * there is none, and `unusable` where it is not what the command needs.
 */
export const on = <A, E extends Error, R, E2 extends Error>(
  database: string,
  services: Layer.Layer<R, E2, SqlClient.SqlClient>,
  advice: { readonly missing: string; readonly unusable: string },
  command: Effect.Effect<A, E, R>
): Effect.Effect<A, Problem, FileSystem.FileSystem> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    yield* admit(database)
    if (!DatabaseName.isPostgres(database) && !(yield* Effect.orElseSucceed(fs.exists(database), () => false)))
      return yield* new Problem({ wrong: `there is no database ${database}.`, advice: advice.missing })
    return yield* Effect.catch(
      Effect.provide(command, Layer.provide(services, Database.client(database))),
      (error: E | E2 | SqlError) =>
        error instanceof Problem ? error : new Problem({ wrong: unusable(database, error), advice: advice.unusable })
    )
  })

/** Refuses the address of another server, which may have a password: it would be taken for the name of a file, and shown. */
const admit = (database: string): Effect.Effect<void, Problem> =>
  DatabaseName.isUnknown(database)
    ? new Problem({
        wrong: "--database is neither a file nor PostgreSQL's.",
        advice: "Give it the name of a SQLite file, or postgres://USER@HOST/DATABASE."
      })
    : Effect.void

/** Says that a database cannot be used, and why, without what it was called with. */
export const unusable = (database: string, error: Error): string => {
  const why = whyOf(error)
  const name = DatabaseName.nameOf(database)
  return why.includes(name) ? `${why}.` : `cannot use the database ${name}: ${why}.`
}

const whyOf = (error: Error): string => {
  const said = saidBy(error)
  if (!isSqlError(said)) return error.message
  const { cause, message } = said.reason
  // The client of PostgreSQL says only that it failed to connect.
  return message === "PgConnection: Failed to connect" && cause instanceof Error && cause.message !== ""
    ? cause.message
    : message
}

/** A store of tasks says what it could not do, and its cause why. */
const saidBy = (error: unknown): unknown => {
  const cause = Predicate.hasProperty(error, "cause") ? error.cause : undefined
  return !isSqlError(error) && Cause.isCause(cause) ? Cause.squash(cause) : error
}
