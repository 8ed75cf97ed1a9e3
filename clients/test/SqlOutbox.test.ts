import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import * as Route from "@redrive/alert/Route"
import type { Service } from "@redrive/alert/Sink"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../src/Postgres.ts"

const routes = Route.make([{ name: "r", sinks: ["a"], match: {}, groupBy: ["code"], groupWait: Duration.zero }])

const fail = (name: string) => ErrorReporter.report(Cause.fail(Object.assign(new Error("down"), { name })))

/** One life of a process, whose alerter keeps its alerts in the database. */
const life = (
  database: Layer.Layer<SqlClient.SqlClient, unknown>,
  told: Array<string>,
  program: Effect.Effect<unknown, unknown, SqlClient.SqlClient>
) => {
  const sink: Service = {
    send: (alerts) => Effect.sync(() => void told.push(...alerts.map(({ key, status }) => `${status} ${key}`)))
  }
  const alerts = Alerter.layerOf({ a: sink }, { routes, onLost: () => undefined }).pipe(
    Layer.provide(SqlOutbox.layer({ timeout: "1 second" }))
  )
  return Effect.provide(program, alerts.pipe(Layer.provideMerge(database), Layer.provideMerge(Logger.layer([]))))
}

describe.skipIf(Postgres.isMissing())("an alerter with an outbox in PostgreSQL", () => {
  it.live("tells nobody again after a restart, and tells people while the database is busy", () =>
    Effect.gen(function* () {
      const { database, host, port, user } = yield* Postgres.server(undefined)
      const layer = PgClient.layer({ host, port, username: user, database, maxConnections: 2 })
      const told: Array<string> = []
      const soon = Effect.sleep("300 millis")
      for (let crash = 0; crash < 3; crash++) yield* life(layer, told, Effect.andThen(fail("Disk"), soon))
      assert.deepStrictEqual(
        told.filter((text) => text.startsWith("opened")),
        ["opened Disk"]
      )
      // Somebody else locks the table for longer than a commit may take.
      const locked = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const lock = Effect.andThen(
          sql`LOCK TABLE redrive_incidents IN ACCESS EXCLUSIVE MODE`,
          Effect.sleep("3 seconds")
        )
        yield* Effect.forkChild(sql.withTransaction(lock))
        yield* soon
        yield* fail("Net")
        yield* Effect.sleep("2 seconds")
      })
      yield* life(layer, told, locked)
      assert.include(told, "opened Net")
      const rows = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        return yield* sql`SELECT count(*)::int AS n FROM redrive_alerts`
      })
      assert.deepStrictEqual(yield* Effect.provide(rows, layer), [{ n: 0 }])
    })
  )
})
