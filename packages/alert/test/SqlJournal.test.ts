import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Alerter from "@redrive/alert/Alerter"
import type * as Journal from "@redrive/alert/Journal"
import * as Route from "@redrive/alert/Route"
import * as SqlJournal from "@redrive/alert/SqlJournal"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"

const database = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "journal-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  return Sqlite.layer({ filename: join(folder, "journal.db") })
})

const entry = (some: Partial<Journal.Entry> = {}): Journal.Entry => ({
  at: 0,
  route: "r",
  key: "k",
  incident: "",
  decision: "held",
  why: "silence: deploy",
  sinks: [],
  count: 1,
  ...some
})

describe("a journal in a database", () => {
  it.effect("says after a restart why somebody was told, and why nobody was", () =>
    Effect.gen(function* () {
      const layer = yield* database
      const sink = { send: () => Effect.void }
      const silences = [{ name: "deploy", by: "ops", match: { codes: ["Net"] }, from: 0, until: 3_600_000 }]
      const routes = Route.make([
        { name: "r", sinks: ["a"], match: {}, groupBy: ["code"], groupWait: Duration.seconds(5) }
      ])
      const fail = (name: string) => ErrorReporter.report(Cause.fail(Object.assign(new Error("down"), { name })))
      const life = Effect.gen(function* () {
        const journal = yield* SqlJournal.make()
        const program = Effect.gen(function* () {
          yield* fail("Disk")
          yield* fail("Net")
          yield* TestClock.adjust("10 seconds")
        })
        yield* Effect.provide(
          program,
          Alerter.layerOf({ a: sink }, { routes, silences, journal, onLost: () => undefined }).pipe(
            Layer.provideMerge(Logger.layer([]))
          )
        )
      })
      yield* Effect.provide(Effect.scoped(life), layer)
      const later = Effect.gen(function* () {
        const journal = yield* SqlJournal.make()
        return [yield* journal.explain({ key: "Disk" }), yield* journal.explain({ key: "Net" })]
      })
      assert.deepStrictEqual(yield* Effect.provide(Effect.scoped(later), layer), [
        [
          "1970-01-01T00:00:05.000Z r: a to be told: opened, 1 failure",
          "1970-01-01T00:00:05.000Z r: a told: opened, 1 failure"
        ],
        [
          "1970-01-01T00:00:05.000Z r: held back by silence: deploy",
          "1970-01-01T00:00:10.000Z r: nobody is told: silence, 1 failure"
        ]
      ])
    })
  )

  it.effect("counts what is decided again within a minute, over turns and processes, and finds it by time", () =>
    Effect.gen(function* () {
      const layer = yield* database
      const program = Effect.gen(function* () {
        const [one, two] = [yield* SqlJournal.make(), yield* SqlJournal.make()]
        const other = yield* SqlJournal.make({ name: "other" })
        one.note(entry({ at: 1000 }))
        one.note(entry({ at: 2000, count: 2 }))
        yield* TestClock.adjust("1 second")
        one.note(entry({ at: 3000, count: 3 }))
        two.note(entry({ at: 4000, count: 4 }))
        two.note(entry({ at: 61_000, sinks: ["a", "b, c"], decision: "told", why: "opened" }))
        other.note(entry({ at: 5000 }))
        yield* TestClock.adjust("1 second")
        const all = yield* one.entries({ key: "k" })
        const second = entry({ at: 61_000, sinks: ["a", "b, c"], decision: "told", why: "opened" })
        assert.deepStrictEqual(all, [entry({ at: 1000, count: 10 }), second])
        assert.deepStrictEqual(yield* two.entries({ key: "k", from: 1001 }), [second])
        assert.deepStrictEqual(yield* two.entries({ key: "k", until: 61_000 }), all.slice(0, 1))
        assert.deepStrictEqual(yield* two.entries({ key: "k", most: 1 }), [second])
        assert.deepStrictEqual(yield* two.entries({ key: "nobody's" }), [])
        two.note(entry({ at: 62_000, key: "another" }))
        assert.deepStrictEqual(yield* two.entries({ most: 2 }), [second, entry({ at: 62_000, key: "another" })])
        assert.deepStrictEqual(yield* other.entries({}), [entry({ at: 5000 })])
      })
      yield* Effect.provide(Effect.scoped(program), layer)
    })
  )

  it.effect("loses nothing when somebody who asks for it does not wait", () =>
    Effect.gen(function* () {
      const layer = yield* database
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const journal = yield* SqlJournal.make({ interval: "1 hour" })
        journal.note(entry({ at: 0 }))
        const busy = yield* Effect.forkChild(sql.withTransaction(Effect.sleep("10 minutes")))
        yield* TestClock.adjust("1 second")
        const asking = yield* Effect.forkChild(Effect.timeoutOption(journal.entries({ key: "k" }), "5 seconds"))
        yield* TestClock.adjust("10 seconds")
        assert.isTrue(Option.isNone(yield* Fiber.join(asking)))
        yield* TestClock.adjust("10 minutes")
        yield* Fiber.join(busy)
        assert.lengthOf(yield* journal.entries({ key: "k" }), 1)
      })
      yield* Effect.provide(Effect.scoped(program), layer)
    })
  )

  it.effect("forgets after its retention, and keeps what cannot be written until it can", () =>
    Effect.gen(function* () {
      const layer = yield* database
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const journal = yield* SqlJournal.make({ retention: "2 hours", interval: "10 minutes" })
        journal.note(entry({ at: 0 }))
        yield* TestClock.adjust("10 minutes")
        yield* sql`ALTER TABLE redrive_decisions RENAME TO away`
        journal.note(entry({ at: 600_000, why: "silence: later" }))
        yield* TestClock.adjust("30 minutes")
        yield* sql`ALTER TABLE away RENAME TO redrive_decisions`
        yield* TestClock.adjust("10 minutes")
        assert.lengthOf(yield* journal.entries({ key: "k" }), 2)
        for (let n = 0; n < 8; n++) yield* TestClock.adjust("10 minutes")
        yield* TestClock.adjust("1 hour")
        assert.lengthOf(yield* journal.entries({ key: "k" }), 0)
      })
      yield* Effect.provide(Effect.scoped(program), layer)
    })
  )
})
