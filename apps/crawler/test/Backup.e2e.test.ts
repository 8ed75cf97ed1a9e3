import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as Postgres from "@redrive/clients/Postgres"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Database from "../src/service/Database.ts"
import { serving } from "./cli.ts"
import { folder } from "./files.ts"
import { serve } from "./origin.ts"

const count = 60

/** A start that leads to all other pages, which take a while. */
const site = serve(({ url: path = "" }, response) => {
  const links = Array.from({ length: count - 1 }, (_, n) => `<a href="/${n}">${n}</a>`).join("")
  const answer = () => response.writeHead(200, { "content-type": "text/html" }).end(path === "/" ? links : "page")
  setTimeout(answer, path === "/" ? 0 : 100)
})

const asked = (service: string, path: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const headers = { authorization: "Bearer local", "content-type": "application/json" }
    return (await fetch(new URL(path, service), { headers, ...init })).json()
  })

/** Asks for a crawl, and comes back when a part of it is done. */
const half = Effect.fnUntraced(function* (service: string) {
  const body = JSON.stringify({ url: yield* site, items_limit: count })
  const { id } = yield* asked(service, "/v1/crawl", { method: "POST", body })
  for (;;) {
    const { items_done } = yield* asked(service, `/v1/job/${id}`)
    if (items_done > 5) return { id: String(id), done: Number(items_done) }
    yield* Effect.sleep("10 millis")
  }
})

/** A job that goes on from a backup ends, and each of its pages is paid once. */
const goesOn = Effect.fnUntraced(function* (database: string, id: string) {
  const { stop, url } = yield* serving(["--allow-private", "--database", database])
  while ((yield* asked(url, `/v1/job/${id}`)).status === "in_progress") yield* Effect.sleep("50 millis")
  assert.deepInclude(yield* asked(url, `/v1/job/${id}`), { status: "done", items_done: count, items_failed: 0 })
  yield* stop()
  const paid = Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<{ n: number | string }>`SELECT count(*) AS n FROM ledger WHERE credit = '(pages)'`
  )
  const [row] = yield* Effect.provide(paid, Database.client(database))
  assert.strictEqual(Number(row?.n), count)
})

describe("a backup that is taken while a job runs", () => {
  it.live("is a database that a service goes on with: a copy of SQLite", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const database = join(path, "crawl.db")
      const copy = join(path, "backup.db")
      const { stop, url } = yield* serving(["--allow-private", "--database", database])
      const { done, id } = yield* half(url)
      const other = new DatabaseSync(database)
      other.exec(`VACUUM INTO '${copy}'`)
      other.close()
      const backup = new DatabaseSync(copy, { readOnly: true })
      const kept = Number(backup.prepare("SELECT count(*) AS n FROM items WHERE status = 'done'").get()?.["n"])
      backup.close()
      assert.isAtLeast(kept, done)
      assert.isBelow(kept, count)
      yield* stop()
      yield* goesOn(copy, id)
    })
  )

  it.live.skipIf(Postgres.isMissing() || Program.isMissing("pg_dump", "postgresql-client"))(
    "is a database that a service goes on with: a dump of PostgreSQL",
    () =>
      Effect.gen(function* () {
        const { config } = yield* Postgres.instance(undefined)
        const at = (name: string) => `postgres://${config.user}@${config.host}:${config.port}/${name}`
        const { stop, url } = yield* serving(["--allow-private", "--database", at(config.database)])
        const { id } = yield* half(url)
        const dump = yield* Program.output("pg_dump", ["--no-owner", at(config.database)])
        yield* stop()
        yield* Effect.promise(() => Postgres.query(config, "CREATE DATABASE backup"))
        yield* Program.output("psql", ["--quiet", "--set=ON_ERROR_STOP=1", at("backup")], dump)
        yield* goesOn(at("backup"), id)
      })
  )
})
