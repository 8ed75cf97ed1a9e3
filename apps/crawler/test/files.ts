import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Effect from "effect/Effect"

/** An empty folder for as long as the scope. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "crawler-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

/** Takes a table away under a running service, as a failing disk or a careless hand would. */
export const breakStore = (database: string): void => {
  const other = new DatabaseSync(database)
  other.exec("PRAGMA foreign_keys = OFF; DROP TABLE items")
  other.close()
}
