import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { assert } from "@effect/vitest"
import * as Database from "../src/service/Database.ts"

/** What each job says of its pages is what its pages are: by status, by host and by failure. */
export const checkCounters = (database: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const said = yield* sql`SELECT id, total, done, failed FROM jobs ORDER BY id`
    const counted = yield* sql`SELECT jobs.id, CAST(count(items.id) AS INTEGER) AS total,
      CAST(count(items.id) FILTER (WHERE items.status = 'done') AS INTEGER) AS done,
      CAST(count(items.id) FILTER (WHERE items.status = 'error') AS INTEGER) AS failed
      FROM jobs LEFT JOIN items ON job_id = jobs.id GROUP BY jobs.id ORDER BY jobs.id`
    assert.deepStrictEqual(said, counted)
    const tallied = yield* sql`SELECT job_id, host, code, detail, because, CAST(sum(count) AS INTEGER) AS n
      FROM tallies WHERE count <> 0 GROUP BY job_id, host, code, detail, because ORDER BY job_id, host, code, detail, because`
    const ended = yield* sql`SELECT job_id, host, code, detail, because, CAST(count(*) AS INTEGER) AS n FROM items
      WHERE status IN ('done', 'error') AND again_by = '' GROUP BY job_id, host, code, detail, because ORDER BY job_id, host, code, detail, because`
    assert.deepStrictEqual(tallied, ended)
  }).pipe(Effect.provide(Database.client(database)))
