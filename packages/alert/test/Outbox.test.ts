import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import * as Journal from "@redrive/alert/Journal"
import * as Outbox from "@redrive/alert/Outbox"
import * as Route from "@redrive/alert/Route"
import { type Service, SinkError } from "@redrive/alert/Sink"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as SqlClient from "effect/sql/SqlClient"
import * as TestClock from "effect/testing/TestClock"
import { itemAlert } from "./samples.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "outbox-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const routes = Route.make([
  { name: "r", sinks: ["a"], match: {}, groupBy: ["code"], groupWait: Duration.zero, repeatInterval: Duration.hours(4) }
])

const fail = (name: string) => ErrorReporter.report(Cause.fail(Object.assign(new Error("down"), { name })))

/** One life of a process: its alerter over an outbox that outlives it. */
const life = (told: Array<string>, isUp: boolean, program: Effect.Effect<unknown>, options: Alerter.Options = {}) => {
  const sink: Service = {
    send: (alerts) =>
      isUp
        ? Effect.sync(() => void told.push(...alerts.map(({ count, key, status }) => `${status} ${key} ${count}`)))
        : Effect.fail(new SinkError({ sink: "a", message: "down", reason: "failed" }))
  }
  const layer = Alerter.layerOf(
    { a: sink },
    {
      routes,
      flushTimeout: "1 millis",
      onLost: () => undefined,
      ...options
    }
  )
  return Effect.provide(program, Layer.provideMerge(layer, Logger.layer([])))
}

/** The outbox, which this process holds from now on. */
const held = Effect.tap(Outbox.Outbox, ({ share }) => share?.hold([]) ?? Effect.void)

const outbox = (filename: string) =>
  SqlOutbox.layer({ lease: "10 hours" }).pipe(Layer.provideMerge(Sqlite.layer({ filename })))

describe("an alerter with an outbox", () => {
  it.effect("that starts again tells nobody what they were told, and goes on with what is open", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const folder = yield* temporary
      const run = (program: Effect.Effect<unknown>) =>
        Effect.provide(life(told, true, program), outbox(join(folder, "alerts.db")))
      for (let crash = 0; crash < 5; crash++) yield* run(Effect.andThen(fail("Disk"), TestClock.adjust("1 minute")))
      assert.deepStrictEqual(
        told.filter((text) => text.startsWith("opened")),
        ["opened Disk 1"]
      )
      yield* run(TestClock.adjust("25 hours"))
      assert.strictEqual(told.at(-1), "expired Disk 0")
      const before = told.length
      yield* run(TestClock.adjust("25 hours"))
      assert.lengthOf(told, before)
    })
  )

  it.effect("leaves reminders, and what a silence holds back, to the next process", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const journal = Journal.make()
      const folder = yield* temporary
      const silence = { name: "night", by: "ops", match: { codes: ["Net"] }, from: 0, until: 7_200_000 }
      const run = (program: Effect.Effect<unknown>) =>
        life(told, true, program, { silences: [silence], journal }).pipe(
          Effect.provide(outbox(join(folder, "alerts.db")))
        )
      yield* run(Effect.andThen(fail("Disk"), TestClock.adjust("1 minute")))
      for (let deploy = 0; deploy < 3; deploy++)
        yield* run(Effect.all([fail("Disk"), fail("Net"), TestClock.adjust("1 minute")]))
      assert.deepStrictEqual(told, ["opened Disk 1"])
      yield* run(TestClock.adjust("5 hours"))
      assert.deepStrictEqual(told, ["opened Disk 1", "opened Net 3", "reminder Disk 3"])
      assert.deepStrictEqual(
        journal.entries().filter(({ decision }) => decision === "suppressed"),
        []
      )
    })
  )

  it.effect("tells those who heard of an incident that no more is heard of it when its route is gone", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const folder = yield* temporary
      const run = (program: Effect.Effect<unknown>, name: string) =>
        life(told, true, program, { routes: Route.make([{ name, sinks: ["a"], match: {}, groupBy: ["code"] }]) }).pipe(
          Effect.provide(outbox(join(folder, "alerts.db")))
        )
      yield* run(Effect.andThen(fail("Disk"), TestClock.adjust("1 minute")), "old")
      yield* run(TestClock.adjust("1 minute"), "new")
      assert.deepStrictEqual(told, ["opened Disk 1", "expired Disk 0"])
      yield* run(TestClock.adjust("1 minute"), "new")
      assert.lengthOf(told, 2)
    })
  )

  it.effect("knows after a restart what a channel calls a message, until the incident is over", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      const folder = yield* temporary
      let posted = 0
      const sink: Service = {
        isEdited: true,
        batch: 1,
        send: ([alert], messageOf) =>
          Effect.sync(() => {
            const before = messageOf(alert.incident)
            sent.push(`${alert.status} ${alert.code} ${before ?? "new"}`)
            return { id: before ?? `m${++posted}` }
          })
      }
      const short = Route.make([
        { name: "r", sinks: ["a"], match: {}, groupBy: ["code"], groupWait: 0, expiresAfter: "1 hour" }
      ])
      const messages = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT id FROM redrive_messages`)
      const run = <A>(program: Effect.Effect<A, unknown, SqlClient.SqlClient>) =>
        Effect.provide(
          program,
          Layer.merge(Alerter.layerOf({ a: sink }, { routes: short }), Logger.layer([])).pipe(
            Layer.provideMerge(outbox(join(folder, "alerts.db")))
          )
        )
      yield* run(Effect.all([fail("Disk"), TestClock.adjust("1 minute"), fail("Net"), TestClock.adjust("1 minute")]))
      assert.lengthOf(yield* run(Effect.andThen(TestClock.adjust("10 minutes"), messages)), 2)
      assert.lengthOf(yield* run(Effect.andThen(TestClock.adjust("2 hours"), messages)), 0)
      yield* run(Effect.andThen(fail("Disk"), TestClock.adjust("1 minute")))
      assert.deepStrictEqual(sent, [
        "opened Disk new",
        "opened Net new",
        "expired Disk m1",
        "expired Net m2",
        "opened Disk new"
      ])
    })
  )

  it.effect("has it for itself: a second alerter is refused by name", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const inner = life([], true, Effect.void)
      const twice = life([], true, Effect.scoped(inner)).pipe(Effect.provide(outbox(join(folder, "alerts.db"))))
      const exit = yield* Effect.exit(twice)
      assert.include(String(exit._tag === "Failure" && Cause.pretty(exit.cause)), "two alerters use one outbox")
      // One after the other is as good as a restart.
      const after = Effect.andThen(Effect.scoped(inner), Effect.scoped(inner))
      yield* Effect.provide(after, outbox(join(folder, "alerts.db")))
    })
  )

  it.effect("delivers after a restart what its sink did not take before", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const folder = yield* temporary
      const run = (isUp: boolean, program: Effect.Effect<unknown>) =>
        Effect.provide(life(told, isUp, program), outbox(join(folder, "alerts.db")))
      yield* run(false, Effect.andThen(fail("Disk"), TestClock.adjust("1 minute")))
      assert.deepStrictEqual(told, [])
      yield* run(true, TestClock.adjust("1 minute"))
      assert.deepStrictEqual(told, ["opened Disk 1"])
      yield* run(true, TestClock.adjust("1 minute"))
      assert.lengthOf(told, 1)
    })
  )

  it.effect("keeps alerts in their order, over every restart", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const once = (ids: ReadonlyArray<string>, done: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const kept = yield* held
          const { pending } = yield* kept.load
          yield* kept.commit({
            incidents: [],
            added: ids.map((id) => ({ sink: "a", alert: itemAlert({ id }) })),
            done: done.map((id) => ({ sink: "a", id }))
          })
          yield* kept.share?.letGo ?? Effect.void
          return pending.map(({ alert }) => alert.id)
        }).pipe(Effect.provide(outbox(join(folder, "alerts.db"))))
      yield* once(["1", "2", "3"], ["1", "2"])
      assert.deepStrictEqual(yield* once(["4"], []), ["3"])
      assert.deepStrictEqual(yield* once(["5"], ["3"]), ["3", "4"])
      assert.deepStrictEqual(yield* once([], []), ["4", "5"])
    })
  )

  it.effect("tells people though the outbox is broken", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const broken = Effect.fail(new Outbox.OutboxError({ message: "the disk is full" }))
      const program = life(told, true, Effect.andThen(fail("Disk"), TestClock.adjust("1 minute")))
      yield* Effect.provideService(program, Outbox.Outbox, { load: broken, commit: () => broken })
      assert.deepStrictEqual(told, ["opened Disk 1"])
    })
  )

  it.effect("leaves nothing behind of what is over, and shares a database with other programs", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const filename = join(folder, "alerts.db")
      const program = Effect.gen(function* () {
        const hours = Effect.forEach(Array.from({ length: 60 }), () => TestClock.adjust("1 hour"))
        yield* life([], true, Effect.andThen(fail("Disk"), hours))
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* SqlOutbox.incidents(), [])
        const other = yield* Effect.provide(held, SqlOutbox.layer({ name: "other" }))
        yield* other.commit({ incidents: [], added: [{ sink: "a", alert: itemAlert() }], done: [] })
        const mine = yield* Outbox.Outbox
        return [
          yield* sql`SELECT count(*) AS n FROM redrive_incidents`,
          (yield* mine.load).pending,
          (yield* other.load).pending
        ]
      })
      const [incidents, mine, other] = yield* Effect.provide(program, outbox(filename))
      assert.deepStrictEqual(incidents, [{ n: 0 }])
      assert.deepStrictEqual(mine, [])
      assert.deepStrictEqual(other, [{ sink: "a", alert: itemAlert() }])
    })
  )

  it.effect("says which incidents it keeps to a process that tells nobody of them", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const filename = join(folder, "alerts.db")
      const kept = Effect.map(SqlOutbox.incidents(), (all) =>
        all.map(({ incident: { count, isOpen, key }, route }) => [route, key, count, isOpen])
      )
      const telling = life([], true, Effect.andThen(fail("Disk"), TestClock.adjust("1 minute")))
      yield* Effect.provide(telling, outbox(filename))
      assert.deepStrictEqual(yield* Effect.provide(kept, outbox(filename)), [["r", "Disk", 1, true]])
      const bare = Effect.flip(Effect.provide(SqlOutbox.incidents(), Sqlite.layer({ filename: ":memory:" })))
      assert.strictEqual((yield* bare)._tag, "SqlError")
    })
  )

  it.effect("says how many alerts of another version it cannot read, and leaves them", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const kept = yield* held
        yield* kept.commit({ incidents: [], added: [{ sink: "a", alert: itemAlert() }], done: [] })
        yield* sql`UPDATE redrive_alerts SET body = '{"version":9}'`
        return [yield* kept.load, yield* sql`SELECT count(*) AS n FROM redrive_alerts`]
      })
      const [kept, rows] = yield* Effect.provide(program, outbox(join(folder, "alerts.db")))
      assert.deepStrictEqual(kept, { incidents: [], pending: [], messages: [], unread: 1 })
      assert.deepStrictEqual(rows, [{ n: 1 }])
    })
  )

  it("reads alerts and incidents of no other version", () => {
    const { nextAt: _, ...alert }: Alert.Alert = itemAlert()
    assert.deepStrictEqual(Outbox.decodeAlert(Outbox.encodeAlert(itemAlert())), alert)
    for (const json of ["", "null", "{}", `{"id":"1"}`, `{"id":"1","incident":"2","at":"now"}`, "[]"]) {
      assert.isUndefined(Outbox.decodeAlert(json))
      assert.isUndefined(Outbox.decodeIncident(json))
    }
  })
})
