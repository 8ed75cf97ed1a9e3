import { spawn } from "node:child_process"
import { createServer } from "node:http"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import { text as textOf } from "node:stream/consumers"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import { afterAll, assert, describe, it } from "@effect/vitest"
import type * as Alert from "@redrive/alert/Alert"
import * as Alerter from "@redrive/alert/Alerter"
import type { Incident } from "@redrive/alert/Incident"
import * as Outbox from "@redrive/alert/Outbox"
import * as RedisOutbox from "@redrive/alert/RedisOutbox"
import * as Route from "@redrive/alert/Route"
import type { Service } from "@redrive/alert/Sink"
import * as SqlJournal from "@redrive/alert/SqlJournal"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Program from "@redrive/testing/Program"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ErrorReporter from "effect/ErrorReporter"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../src/Postgres.ts"
import * as Redis from "../src/Redis.ts"
import * as Servers from "../src/Servers.ts"

/** A store, empty, and how one process reaches it. */
interface Store {
  readonly kind: "sqlite" | "postgres" | "redis"
  readonly target: string
  readonly outbox: (options: SqlOutbox.Options) => Layer.Layer<never, unknown>
}

const pg = (target: string) => PgClient.layer({ url: Redacted.make(target), maxConnections: 2 })

const sqlite = Effect.map(Servers.folder(), (folder): Store => {
  const filename = join(folder, "alerts.db")
  const outbox = (options: SqlOutbox.Options) =>
    SqlOutbox.layer(options).pipe(Layer.provide(Sqlite.layer({ filename })))
  return { kind: "sqlite", target: filename, outbox }
})

const postgres = Effect.map(Postgres.databases(afterAll), ({ database, host, port, user }): Store => {
  const target = `postgres://${user}@${host}:${port}/${database}`
  return {
    kind: "postgres",
    target,
    outbox: (options) => SqlOutbox.layer(options).pipe(Layer.provide(pg(target)))
  }
})

const redis = Effect.map(Redis.server, ({ url }): Store => {
  const outbox = (options: RedisOutbox.Options) =>
    RedisOutbox.layer(options).pipe(Layer.provide(NodeRedis.layer({ url })))
  return { kind: "redis", target: url, outbox }
})

const stores: ReadonlyArray<
  readonly [name: string, isMissing: boolean, store: Effect.Effect<Store, unknown, Scope.Scope>]
> = [
  ["SQLite", false, sqlite],
  ["PostgreSQL", Postgres.isMissing(), postgres],
  ["Redis", Redis.isMissing(), redis]
]

const at = DateTime.makeUnsafe("2026-11-24T01:02:03Z")

const alert = (id: string): Alert.Alert => ({
  id,
  route: "r",
  key: "k",
  incident: "k#1",
  status: "opened",
  severity: "Error",
  level: "program",
  code: "Disk",
  actor: "operator",
  message: "it's full \u{1f4be}",
  urls: [],
  jobIds: [],
  count: 1,
  total: 1,
  at,
  firstAt: at,
  lastAt: at
})

const incident = (key: string): Incident => ({
  key,
  generation: 1,
  isOpen: true,
  isFlapping: false,
  isEscalated: false,
  changedAt: 1,
  firstAt: 1,
  lastAt: 1,
  severity: "Error",
  count: 1,
  untold: 1,
  fingerprints: ["f"],
  successes: 0,
  failures: 1,
  recent: [3],
  calls: [],
  about: { level: "program", code: "Disk", actor: "operator", message: "full", urls: [], jobIds: [] }
})

const changes = (some: Partial<Outbox.Changes>): Outbox.Changes => ({ incidents: [], added: [], done: [], ...some })
const added = (...ids: ReadonlyArray<string>) => ids.map((id) => ({ sink: "a", alert: alert(id) }))
const done = (...ids: ReadonlyArray<string>) => ids.map((id) => ({ sink: "a", id }))
const opened = (...keys: ReadonlyArray<string>) => keys.map((key) => ({ route: "r", key, incident: incident(key) }))

/** What a process does with an outbox while it holds it. */
const shareOf = ({ share }: Outbox.Service): Outbox.Share => {
  assert.isDefined(share)
  return share
}

describe.each(stores)("an outbox in %s", (_, isMissing, made) => {
  it.live.skipIf(isMissing)("keeps what its holder commits, in order, over every restart", () =>
    Effect.gen(function* () {
      const { outbox } = yield* made
      /** One life: it holds the outbox, reads it, and commits. */
      const life = (some: Partial<Outbox.Changes>) =>
        Effect.gen(function* () {
          const service = yield* Outbox.Outbox
          assert.isTrue((yield* shareOf(service).hold([])).isHeld)
          const kept = yield* service.load
          yield* service.commit(changes(some))
          yield* shareOf(service).letGo
          return { ids: kept.pending.map(({ alert: { id } }) => id), kept }
        }).pipe(Effect.provide(outbox({ name: "a" }), { local: true }))
      const many = Array.from({ length: 2500 }, (__, index) => `n${index}`)
      yield* life({ added: added("1", "2", ...many), incidents: opened("k", "gone", ...many) })
      const second = yield* life({
        added: added("3"),
        done: done("1", ...many),
        incidents: ["gone", ...many].map((key) => ({ route: "r", key, incident: undefined }))
      })
      assert.deepStrictEqual(second.ids, ["1", "2", ...many])
      assert.lengthOf(second.kept.incidents, 2502)
      const third = yield* life({})
      assert.deepStrictEqual(third.kept.pending, added("2", "3"))
      assert.deepStrictEqual(third.kept.incidents, [{ route: "r", incident: incident("k") }])
      assert.strictEqual(third.kept.unread, 0)
      // Another program sees nothing of it.
      const other = yield* Effect.provide(
        Effect.flatMap(Outbox.Outbox, ({ load }) => load),
        outbox({ name: "b" }),
        { local: true }
      )
      assert.deepStrictEqual(other, { incidents: [], pending: [], messages: [], unread: 0 })
      // What channels call messages is kept until it is forgotten.
      const message = (incident: string, id?: string) => ({ sink: "a", incident, id })
      yield* life({ messages: [message("x", "1"), message("y", "2"), message("x", "C1 3"), message("z", "4")] })
      yield* life({ messages: [message("y"), message("z", "5"), message("z")] })
      assert.deepStrictEqual((yield* life({})).kept.messages, [message("x", "C1 3")])
      // A key has any characters.
      yield* life({ messages: [message("x"), message("nul \0#1", "6")], incidents: opened("nul \0") })
      const last = yield* life({})
      assert.deepStrictEqual(last.kept.messages, [message("nul \0#1", "6")])
      assert.deepStrictEqual(last.kept.incidents.map(({ incident: { key } }) => key).toSorted(), ["k", "nul \0"])
    })
  )

  it.live.skipIf(isMissing)("has one holder, and takes nothing from a process that holds it no longer", () =>
    Effect.gen(function* () {
      const { outbox } = yield* made
      const open = Effect.map(
        Layer.build(Layer.fresh(outbox({ lease: "200 millis" }))),
        Outbox.Outbox.pipe((self) => (context) => Effect.runSync(Effect.provideContext(self, context)))
      )
      const [one, two] = [yield* open, yield* open]
      const call = { name: "call", key: "k" }
      assert.isTrue((yield* shareOf(one).hold([call])).isHeld)
      assert.isTrue((yield* shareOf(one).hold([call])).isHeld)
      assert.deepStrictEqual(yield* shareOf(two).hold([]), { isHeld: false, calls: [call] })
      yield* shareOf(two).passOn("first")
      yield* shareOf(two).passOn("second")
      const passedOn = yield* shareOf(one).passedOn
      assert.deepStrictEqual(
        passedOn.map(({ text }) => text),
        ["first", "second"]
      )
      yield* one.commit(changes({ added: added("1"), heard: passedOn.slice(0, 1).map(({ id }) => id) }))
      assert.deepStrictEqual(yield* shareOf(one).passedOn, passedOn.slice(1))
      assert.strictEqual((yield* Effect.flip(two.commit(changes({ done: done("1") })))).isTakenOver, true)
      // It must see for the whole time that nothing happens.
      assert.isFalse((yield* shareOf(two).hold([])).isHeld)
      yield* Effect.sleep("250 millis")
      assert.isTrue((yield* shareOf(two).hold([])).isHeld)
      // All or nothing of a commit, and nothing of what comes too late.
      const late = yield* Effect.flip(
        one.commit(changes({ added: added("2"), done: done("1"), incidents: opened("x") }))
      )
      assert.isTrue(late.isTakenOver)
      assert.isFalse((yield* shareOf(one).hold([])).isHeld)
      const { incidents, pending } = yield* two.load
      assert.deepStrictEqual({ incidents, pending }, { incidents: [], pending: added("1") })
      yield* shareOf(two).letGo
      assert.isTrue((yield* shareOf(one).hold([])).isHeld)
    })
  )
})

const keys = 8
const { KILLS = "6" } = process.env

/** Starts a life of a process, and kills it after a time; gives the key that it was at. */
const lifeOf = ({ kind, target }: Store, url: string, prefix: string, from: number, to: number, killAfter: number) =>
  Effect.promise(
    () =>
      new Promise<number>((resolve) => {
        const fixture = join(import.meta.dirname, "fixtures/life.ts")
        const args = ["--disable-warning=ExperimentalWarning", fixture, kind, target, url, prefix, `${from}`, `${to}`]
        const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
        let next = from
        createInterface({ input: child.stdout }).on("line", (line) => {
          const [word, key] = line.split(" ")
          if (word === "begun" && killAfter < Infinity) setTimeout(() => child.kill("SIGKILL"), killAfter)
          if (word === "worked") next = Number(key) + 1
        })
        child.on("exit", () => resolve(next))
      })
  )

describe.each(stores)("two processes with an outbox in %s, killed again and again", (_, isMissing, made) => {
  it.live.skipIf(isMissing)(
    "tell every beginning and every end",
    () =>
      Effect.gen(function* () {
        const store = yield* made
        const told: Array<Alert.Alert> = []
        const url: string = yield* Program.serve(
          createServer(async (request, response) => {
            // A process asks whether people were told of a key.
            if (request.method === "GET") {
              const key = new URL(request.url ?? "", url).searchParams.get("key")
              return response.writeHead(told.some((one) => one.key === key) ? 204 : 404).end()
            }
            const { data } = JSON.parse(await textOf(request)) as {
              readonly data: { readonly alerts: Array<Alert.Alert> }
            }
            told.push(...data.alerts)
            response.writeHead(204).end()
          })
        )
        let kills = 0
        /** Where a process is killed moves through everything that a key goes through. */
        const livesOf = (prefix: string) =>
          Effect.gen(function* () {
            for (let from = 0; from < keys;) {
              const isLast = kills >= Number(KILLS)
              kills++
              from = yield* lifeOf(store, url, prefix, from, keys, isLast ? Infinity : Math.random() * 200)
            }
          })
        for (const round of Array.from({ length: Math.ceil(Number(KILLS) / 20) }, (__, index) => index)) {
          const prefixes = [`a${round}.`, `b${round}.`]
          yield* Effect.forEach(prefixes, livesOf, { concurrency: 2 })
          for (const prefix of prefixes) yield* lifeOf(store, url, prefix, keys, 0, Infinity)
          for (const prefix of prefixes)
            for (let key = 0; key < keys; key++) {
              const own = told.filter((one) => one.key === `Of ${prefix}${key}`).map(({ status }) => status)
              assert.include(own, "opened", `${prefix}${key} began: ${own.join(" ")}`)
              assert.match(own.at(-1) ?? "", /resolved|expired/, `${prefix}${key} ended: ${own.join(" ")}`)
            }
        }
        const ids = new Set(told.map(({ id }) => id))
        if (Number(KILLS) > 20)
          process.stderr.write(
            `${store.kind}: ${kills} lives, ${ids.size} alerts, ${told.length - ids.size} of them twice\n`
          )
      }),
    3_600_000
  )
})

const routes = Route.make([{ name: "r", sinks: ["a"], match: {}, groupBy: ["code"], groupWait: Duration.zero }])

const fail = (name: string) => ErrorReporter.report(Cause.fail(Object.assign(new Error("down"), { name })))

/** One life of a process, whose alerter keeps its alerts in the outbox. */
const tellingOf = (outbox: Layer.Layer<never, unknown>, told: Array<string>) => {
  const sink: Service = {
    send: (alerts) => Effect.sync(() => void told.push(...alerts.map(({ key, status }) => `${status} ${key}`)))
  }
  return Alerter.layerOf({ a: sink }, { routes, onLost: () => undefined }).pipe(
    Layer.provide(outbox),
    Layer.provideMerge(Logger.layer([]))
  )
}

describe("PostgreSQL without tables", () => {
  it.live.skipIf(Postgres.isMissing())("takes several processes that start at once", () =>
    Effect.gen(function* () {
      const { target } = yield* postgres
      const clients = yield* Effect.forEach([1, 2, 3, 4], () => Layer.build(Layer.fresh(pg(target))))
      const start = Effect.andThen(Layer.build(Layer.fresh(SqlOutbox.layer())), SqlJournal.make())
      yield* Effect.forEach(clients, (client) => Effect.provideContext(start, client), { concurrency: "unbounded" })
    })
  )

  it.live.skipIf(Postgres.isMissing())("keeps a journal of keys and reasons with any characters", () =>
    Effect.gen(function* () {
      const { target } = yield* postgres
      const program = Effect.gen(function* () {
        const journal = yield* SqlJournal.make()
        const all = ["nul \0", "half \ud83d", "fine"]
        for (const key of all)
          journal.note({
            at: Date.now(),
            route: "r",
            key,
            incident: key,
            decision: "held",
            why: key,
            sinks: [],
            count: 1
          })
        for (const key of all) assert.lengthOf(yield* journal.entries({ key }), 1)
      })
      yield* Effect.provide(program, pg(target))
    })
  )
})

describe("people are told", () => {
  it.live.skipIf(Postgres.isMissing())("while somebody else locks the tables in PostgreSQL", () =>
    Effect.gen(function* () {
      const { outbox, target } = yield* postgres
      const told: Array<string> = []
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        const lock = Effect.andThen(
          sql`LOCK TABLE redrive_incidents IN ACCESS EXCLUSIVE MODE`,
          Effect.sleep("3 seconds")
        )
        yield* Effect.forkChild(sql.withTransaction(lock))
        yield* Effect.sleep("300 millis")
        yield* fail("Net")
        yield* Effect.sleep("2 seconds")
      })
      const alerts = tellingOf(outbox({ timeout: "1 second" }), told)
      yield* Effect.provide(program, Layer.mergeAll(alerts, pg(target)))
      assert.deepStrictEqual(told, ["opened Net"])
      const rows = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT count(*)::int AS n FROM redrive_alerts`)
      assert.deepStrictEqual(yield* Effect.provide(rows, pg(target)), [{ n: 0 }])
    })
  )

  it.live.skipIf(Redis.isMissing())("while Redis is stopped, and nothing is forgotten when it goes on", () =>
    Effect.gen(function* () {
      const { pid, url } = yield* Redis.server
      const told: Array<string> = []
      const outbox = RedisOutbox.layer({ timeout: "300 millis" }).pipe(Layer.provide(NodeRedis.layer({ url })))
      const first = Effect.gen(function* () {
        process.kill(pid, "SIGSTOP")
        yield* fail("Disk")
        yield* Effect.sleep("1 second")
        assert.deepStrictEqual(told, ["opened Disk"])
        process.kill(pid, "SIGCONT")
        yield* fail("Net")
        yield* Effect.sleep("500 millis")
      })
      yield* Effect.provide(first, tellingOf(outbox, told))
      // What could not be kept went with the next commit.
      yield* Effect.provide(Effect.andThen(fail("Disk"), Effect.sleep("300 millis")), tellingOf(outbox, told), {
        local: true
      })
      assert.deepStrictEqual(
        told.filter((text) => text.startsWith("opened")),
        ["opened Disk", "opened Net"]
      )
    })
  )
})
