import { readdirSync, rmSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as SqlClient from "effect/sql/SqlClient"
import type * as SqlError from "effect/sql/SqlError"

/** Which workers of a database live, as its machine sees it. */
export interface Presence {
  /** Says that a worker lives, until the scope closes or the process ends. */
  readonly register: (worker: string) => Effect.Effect<void, never, Scope.Scope>
  /** The workers whose processes have ended without a word. */
  readonly lost: Effect.Effect<ReadonlyArray<string>>
  /** Forgets such a worker. */
  readonly forget: (worker: string) => Effect.Effect<void>
}

/** Nobody knows: what a lost worker held comes back when its lease is over. */
const unknown: Presence = {
  register: () => Effect.void,
  lost: Effect.succeed([]),
  forget: () => Effect.void
}

/** What the file system does not allow is done without. */
const attempted = <A>(run: () => A, otherwise: A): A => {
  try {
    return run()
  } catch {
    return otherwise
  }
}

/**
 * Beside a database file, each worker locks a file of its own. Its process cannot end without giving the lock back, so that a process that starts
 * knows at once which workers are gone, and need not wait for their leases.
 */
const beside = (filename: string): Effect.Effect<Presence> =>
  Effect.map(
    // Programs that use another database need no SQLite.
    Effect.exit(Effect.tryPromise(() => import("node:sqlite"))),
    (loaded): Presence => {
      if (loaded._tag === "Failure") return unknown
      const { DatabaseSync } = loaded.value
      const folder = dirname(filename)
      const prefix = `${basename(filename)}-worker-`
      const pathOf = (worker: string) => join(folder, `${prefix}${worker}`)

      const locked = (worker: string) => {
        const database = new DatabaseSync(pathOf(worker), { timeout: 0 })
        try {
          database.exec("BEGIN EXCLUSIVE")
          return database
        } catch (error) {
          database.close()
          throw error
        }
      }

      const forget = (worker: string) =>
        Effect.sync(() => attempted(() => rmSync(pathOf(worker), { force: true }), undefined))
      return {
        forget,
        register: (worker) =>
          Effect.asVoid(
            Effect.acquireRelease(
              Effect.sync(() => attempted(() => locked(worker), undefined)),
              (database) =>
                Effect.andThen(
                  Effect.sync(() => database?.close()),
                  forget(worker)
                )
            )
          ),
        lost: Effect.sync(() =>
          attempted(() => readdirSync(folder), [])
            .filter((name) => name.startsWith(prefix))
            .map((name) => name.slice(prefix.length))
            .filter((worker) => {
              const database = attempted(() => locked(worker), undefined)
              database?.close()
              return database !== undefined
            })
        )
      }
    }
  )

/** Beside the file of SQLite's database, if it has one. */
export const of = (sql: SqlClient.SqlClient): Effect.Effect<Presence, SqlError.SqlError> =>
  sql.onDialectOrElse({
    sqlite: () =>
      Effect.flatMap(sql<{ readonly file: string }>`PRAGMA database_list`, ([main]) =>
        main === undefined || main.file === "" ? Effect.succeed(unknown) : beside(main.file)
      ),
    orElse: () => Effect.succeed(unknown)
  })
