import { createServer } from "node:http"
import { join } from "node:path"
import process from "node:process"
import { text as textOf } from "node:stream/consumers"
import * as PgClient from "@effect/sql-pg/PgClient"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Workflows from "@redrive/durable/Workflows"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Program from "@redrive/testing/Program"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../src/Postgres.ts"
import * as Servers from "../src/Servers.ts"
import { killed } from "./lives.ts"

/** A database, empty. */
interface Database {
  readonly kind: "sqlite" | "postgres"
  readonly target: string
}

const sqlite = Effect.map(Servers.folder(), (folder): Database => ({
  kind: "sqlite",
  target: join(folder, "flows.db")
}))

const postgres = Effect.map(Postgres.databases(afterAll), ({ database, host, port, user }): Database => ({
  kind: "postgres",
  target: `postgres://${user}@${host}:${port}/${database}`
}))

const databases: ReadonlyArray<
  readonly [name: string, isMissing: boolean, database: Effect.Effect<Database, unknown, Scope.Scope>]
> = [
  ["SQLite", false, sqlite],
  ["PostgreSQL", Postgres.isMissing(), postgres]
]

describe("workflows in PostgreSQL", () => {
  it.live.skipIf(Postgres.isMissing())("refuse sessions that are not in UTC, and say what to do", () =>
    Effect.gen(function* () {
      const { target } = yield* postgres
      const database = new URL(target).pathname.slice(1)
      const client = () => PgClient.layer({ url: Redacted.make(target) })
      const within = <A, E>(program: Effect.Effect<A, E, SqlClient.SqlClient>) => Effect.provide(program, client())
      const engine = Effect.exit(Effect.scoped(Layer.build(Workflows.layer())))
      const set = (zone: string) =>
        within(
          Effect.flatMap(SqlClient.SqlClient, (sql) =>
            sql.unsafe(`ALTER ROLE CURRENT_USER IN DATABASE ${database} SET timezone = '${zone}'`)
          )
        )
      for (const zone of ["Europe/Berlin", "Europe/London"]) {
        yield* set(zone)
        const refused = yield* within(engine)
        assert.include(
          Exit.isFailure(refused) ? Cause.pretty(refused.cause) : "",
          "ALTER ROLE the_role SET timezone = 'UTC'"
        )
      }
      for (const zone of ["UTC", "Etc/UTC", "Africa/Abidjan"]) {
        yield* set(zone)
        assert.isTrue(Exit.isSuccess(yield* within(engine)))
      }
    })
  )
})

const most = Number(process.env["KILLS"] ?? 4)

describe.each(databases)("workflows in two processes with %s, killed again and again", (_, isMissing, made) => {
  it.live.skipIf(isMissing)(
    "all end, and do no step again but those that a kill cut short",
    () =>
      Effect.gen(function* () {
        const { kind, target } = yield* made
        const done = new Map<string, number>()
        const url = yield* Program.serve(
          createServer(async (request, response) => {
            const what = await textOf(request)
            done.set(what, (done.get(what) ?? 0) + 1)
            response.writeHead(204).end()
          })
        )
        const count = 10 * Math.max(4, most)
        const fixture = join(import.meta.dirname, "fixtures/flows.ts")
        const kills = yield* killed([fixture, kind, target, url, "0", String(count)], { kills: most, longest: 2050 })
        assert.strictEqual(done.size, 3 * count)
        const repeated = [...done.values()].reduce((sum, times) => sum + times - 1, 0)
        // Each execution is in one process, and has one step under way.
        assert.isAtMost(repeated, kills * count)
        // What the cluster keeps of them goes with them.
        const left = Effect.gen(function* () {
          const sql = yield* SqlClient.SqlClient
          yield* Layer.build(Workflows.layer({ keepDone: 0 }))
          yield* Effect.sleep("500 millis")
          const counts: Array<number> = []
          for (const table of [
            "cluster_messages",
            "cluster_replies",
            "redrive_runs",
            "redrive_steps",
            "redrive_waiters"
          ])
            counts.push(Number((yield* sql`SELECT count(*) AS n FROM ${sql(table)}`)[0]?.["n"]))
          return counts
        })
        const client =
          kind === "sqlite" ? Sqlite.layer({ filename: target }) : PgClient.layer({ url: Redacted.make(target) })
        const counts = yield* Effect.provide(
          Effect.repeat(Effect.scoped(left), { until: (all) => all.every((one) => one === 0), times: 5 }),
          client
        )
        assert.deepStrictEqual(counts, [0, 0, 0, 0, 0])
        if (most > 20)
          process.stderr.write(`${kind}: ${kills} kills, ${count} workflows, ${3 * count} steps, ${repeated} again\n`)
      }),
    3_600_000
  )
})
