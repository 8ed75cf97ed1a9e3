/**
 * The stories of a job's pages, all of them.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Story } from "../page/Story.ts"

/** A story as its row has it. */
export const readStory = Schema.decodeSync(Schema.fromJsonString(Story))

/** By the ids of pages. A page that was read at once has none. */
export const of = (
  jobIds: ReadonlyArray<string>
): Effect.Effect<ReadonlyMap<string, Story>, SqlError, SqlClient.SqlClient> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const found = yield* Effect.forEach(
      jobIds,
      (id) =>
        sql<{ readonly id: string; readonly story: string }>`
          SELECT id, story FROM items WHERE job_id = ${id} AND story <> ''`
    )
    return new Map(found.flat().map(({ id, story }) => [id, readStory(story)]))
  })
