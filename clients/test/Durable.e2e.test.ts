import { spawn } from "node:child_process"
import { createServer } from "node:http"
import { join } from "node:path"
import process from "node:process"
import { text as textOf } from "node:stream/consumers"
import * as PgClient from "@effect/sql-pg/PgClient"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Failed from "@redrive/durable/Failed"
import * as Gates from "@redrive/durable/Gates"
import * as Queue from "@redrive/durable/Queue"
import * as Store from "@redrive/durable/Store"
import * as Worker from "@redrive/durable/Worker"
import * as Backoff from "@redrive/retry/Backoff"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Program from "@redrive/testing/Program"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../src/Postgres.ts"
import * as Servers from "../src/Servers.ts"
import { killed } from "./lives.ts"

/** A database, empty, and how a process reaches it. */
interface Database {
  readonly kind: "sqlite" | "postgres"
  readonly target: string
  readonly store: Layer.Layer<Store.Store, unknown>
}

const sqlite = Effect.map(Servers.folder(), (folder): Database => {
  const target = join(folder, "tasks.db")
  return { kind: "sqlite", target, store: Store.layer().pipe(Layer.provide(Sqlite.layer({ filename: target }))) }
})

const postgres = Effect.map(Postgres.databases(afterAll), ({ database, host, port, user }): Database => {
  const target = `postgres://${user}@${host}:${port}/${database}`
  const client = PgClient.layer({ url: Redacted.make(target), maxConnections: 4 })
  return { kind: "postgres", target, store: Store.layer().pipe(Layer.provide(client)) }
})

const databases: ReadonlyArray<
  readonly [name: string, isMissing: boolean, database: Effect.Effect<Database, unknown, Scope.Scope>]
> = [
  ["SQLite", false, sqlite],
  ["PostgreSQL", Postgres.isMissing(), postgres]
]

const queue = Queue.make({
  name: "work",
  payload: Schema.Int,
  success: Schema.Int,
  policy: RetryPolicy.make({ retries: 0 }),
  key: (n) => `k${n % 3}`,
  group: () => "g"
})

/** A task keeps the policy of the queue that it was added by, whatever the worker's own is. */
const steady = Backoff.make({ kind: "constant", base: "5 millis", cap: "5 millis" })
const patient = Queue.make({
  name: "work",
  payload: Schema.Int,
  policy: RetryPolicy.make({ retries: 50, operation: "idempotent", quick: steady, steady, slow: steady })
})

const many = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `${n}`, payload: n }))

describe.each(databases)("tasks in %s", (_, isMissing, made) => {
  it.live.skipIf(isMissing)("end in one turn, each in its own way, and others are claimed in the same commit", () =>
    Effect.gen(function* () {
      const { store } = yield* made
      const program = Effect.gen(function* () {
        const { get, turn } = yield* Store.Store
        yield* Queue.addAll(queue, many(8))
        const start = Date.now() + 1000
        const claim = (token: string, most: number, until: number) => ({ queue: "work", token, until, most })
        const { claimed } = yield* turn({ ends: [], claim: claim("one", 6, start + 10), now: start })
        assert.lengthOf(claimed, 6)
        const [done, failed, again, lost, ...left] = claimed.map((one) => ({ id: one.id, claim: one }))
        assert.isDefined(lost)
        yield* turn({ ends: [], claim: claim("two", 8, start + 5000), now: start })
        // Half of a pair of surrogates, as a text that was cut has it, and what no database takes.
        const failure = { code: "c", actor: "a", message: "cut \ud83d, \0 and ' \\u0000" }
        const about = { due: start + 40, call: '{"a":"\\u0000"}', attempts: 2, parkedUntil: undefined, failed: failure }
        const result = JSON.stringify("\0 \ud83d")
        const ends = [
          { claim: done!.claim, what: { _tag: "Done", result } },
          { claim: failed!.claim, what: { _tag: "Failed", because: "retries", failed: failure } },
          { claim: again!.claim, what: { _tag: "Again", ...about } },
          { claim: { ...lost.claim, claim: "another" }, what: { _tag: "Done", result: "1" } }
        ] as const
        // The leases of all six are over: what ends in this turn is not taken in it.
        const turned = yield* turn({ ends, claim: claim("three", 10, start + 5000), now: start + 20 })
        assert.deepStrictEqual(turned.held, [true, true, true, false])
        assert.sameMembers(
          turned.claimed.map(({ id }) => id),
          [lost.id, ...left.map(({ id }) => id)]
        )
        assert.isTrue(turned.claimed.every(({ kills, claim: token }) => kills === 1 && token === "three"))
        assert.deepInclude(yield* get("work", done!.id), { state: "done", result, code: "", endedAt: start + 20 })
        const message = "cut \ufffd,   and ' \\u0000"
        assert.deepInclude(yield* get("work", failed!.id), { state: "failed", because: "retries", code: "c", message })
        const waiting = {
          state: "waiting" as const,
          due: start + 40,
          attempts: 2,
          kills: 0,
          message,
          endedAt: undefined
        }
        assert.deepInclude(yield* get("work", again!.id), waiting)
        assert.deepStrictEqual((yield* turn({ ends, now: start + 30 })).held, [true, true, true, false])
        const next = yield* turn({ ends: [], claim: claim("four", 10, start + 5000), now: start + 40 })
        assert.deepStrictEqual(
          next.claimed.map(({ call, id }) => ({ call, id })),
          [{ call: about.call, id: again!.id }]
        )
      })
      yield* Effect.provide(Effect.scoped(program), Layer.provideMerge(store, Logger.layer([])))
    })
  )

  it.live.skipIf(isMissing)("run, fail, wait behind gates, and are redriven", () =>
    Effect.gen(function* () {
      const { store } = yield* made
      const program = Effect.gen(function* () {
        yield* Queue.addAll(queue, many(1200))
        assert.lengthOf(yield* Queue.addAll(queue, many(1201)), 1)
        yield* Gates.shut("k0", { why: "closed", by: "ops" })
        let isBad = true
        const handler = (n: number) =>
          Effect.suspend(() => (isBad && n % 3 === 1 ? Effect.fail(new Error(`it's 100 % \0 bad`)) : Effect.succeed(n)))
        yield* Layer.build(Worker.layer(queue, handler, { concurrency: 100, pollInterval: "20 millis" }))
        const status = Effect.flatMap(Store.Store, ({ health }) => health("work", Date.now()))
        const until = (isSo: (health: Store.Health) => boolean): Effect.Effect<void, Store.StoreError, Store.Store> =>
          Effect.flatMap(status, (health) =>
            isSo(health) ? Effect.void : Effect.andThen(Effect.sleep("20 millis"), until(isSo))
          )
        yield* until(({ done, failed }) => done + failed === 800)
        assert.deepInclude(yield* status, { done: 400, failed: 400, waiting: 401, running: 0, oldestDue: undefined })
        assert.deepStrictEqual(yield* Failed.counts(queue, { text: "100 %" }), [
          { code: "Error", actor: "operator", because: "retries", count: 400 }
        ])
        assert.deepStrictEqual(yield* Failed.counts(queue, { text: "100 _" }), [])
        isBad = false
        assert.strictEqual(yield* Failed.redrive(queue, {}, { id: "r", by: "ops" }), 400)
        assert.strictEqual(yield* Failed.redrive(queue, {}, { id: "r", by: "ops" }), 400)
        assert.isTrue(yield* Gates.open("k0"))
        assert.isFalse(yield* Gates.open("k0"))
        yield* until(({ done }) => done === 1201)
        assert.strictEqual(yield* Queue.result(queue, "7"), 7)
        const swept = yield* Effect.flatMap(Store.Store, ({ sweep }) =>
          sweep({ queue: "work", done: Date.now() + 1000, failed: 0 })
        )
        assert.strictEqual(swept, 1201)
      })
      yield* Effect.provide(Effect.scoped(program), Layer.provideMerge(store, Logger.layer([])))
    })
  )
})

const most = Number(process.env["KILLS"] ?? 6)

describe.each(databases)("two workers with %s, killed again and again", (_, isMissing, made) => {
  it.live.skipIf(isMissing)(
    "lose nothing, and record nothing twice",
    () =>
      Effect.gen(function* () {
        const { kind, store, target } = yield* made
        const attempts = new Map<string, number>()
        const url = yield* Program.serve(
          createServer(async (request, response) => {
            const key = await textOf(request)
            attempts.set(key, (attempts.get(key) ?? 0) + 1)
            response.writeHead(204).end()
          })
        )
        const count = 60 * Math.max(4, most)
        yield* Effect.provide(Queue.addAll(patient, many(count)), store)
        const fixture = join(import.meta.dirname, "fixtures/worker.ts")
        const kills = yield* killed([fixture, kind, target, url], { kills: most, longest: 350 })
        const health = yield* Effect.provide(
          Effect.flatMap(Store.Store, (one) => one.health("work", Date.now())),
          store
        )
        assert.deepStrictEqual(yield* Effect.provide(Failed.counts(queue), store), [])
        assert.deepInclude(health, { done: count, failed: 0, waiting: 0, running: 0 })
        // An attempt that a kill cut short was made again, under its key: at most those that were under way.
        const repeated = [...attempts.values()].reduce((sum, times) => sum + times - 1, 0)
        assert.isAtMost(repeated, kills * 4)
        const tasks = new Set([...attempts.keys()].map((key) => key.split(" ")[0]))
        assert.strictEqual(tasks.size, count)
        if (most > 20)
          process.stderr.write(
            `${kind}: ${kills} kills, ${count} tasks, ${attempts.size} attempts, ${repeated} again\n`
          )
      }),
    3_600_000
  )
})

describe.each(databases)("the program of the README with %s", (_, isMissing, made) => {
  it.live.skipIf(isMissing)("survives a kill while a server makes it wait, and is neither early nor late", () =>
    Effect.gen(function* () {
      const { kind, target } = yield* made
      const asked: Array<number> = []
      let kill = () => {}
      const url = yield* Program.serve(
        createServer((_request, response) => {
          asked.push(Date.now())
          const status = asked.length === 1 ? 429 : 200
          response.writeHead(status, status === 429 ? { "retry-after": "5" } : {}).end()
          // By then the wait is kept.
          if (status === 429) setTimeout(() => kill(), 1500)
        })
      )
      const life = () =>
        Effect.promise(
          () =>
            new Promise<number | null>((resolve) => {
              const fixture = join(import.meta.dirname, "fixtures/patient.ts")
              const args = ["--disable-warning=ExperimentalWarning", fixture, kind, target, url]
              const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] })
              kill = () => child.kill("SIGKILL")
              child.on("exit", resolve)
            })
        )
      assert.isNull(yield* life())
      assert.lengthOf(asked, 1)
      assert.strictEqual(yield* life(), 0)
      assert.lengthOf(asked, 2)
      const waited = (asked[1] ?? 0) - (asked[0] ?? 0)
      assert.isAtLeast(waited, 5000)
      assert.isAtMost(waited, 8000)
    })
  )
})

/** Runs so many tasks that another process adds one by one; gives the longest time in milliseconds until one began. */
const slowest = (
  begun: ReadonlyMap<number, number>,
  add: (n: number) => Effect.Effect<unknown, unknown>,
  all: ReadonlyArray<number>
) =>
  Effect.gen(function* () {
    let longest = 0
    for (const n of all) {
      const added = performance.now()
      yield* add(n)
      while (!begun.has(n)) yield* Effect.sleep("1 millis")
      longest = Math.max(longest, (begun.get(n) ?? Infinity) - added)
    }
    return longest
  })

/** A worker that looks once a minute, and what another process needs to add tasks for it. */
const idle = Effect.fnUntraced(function* (
  client: (target: string) => Layer.Layer<SqlClient.SqlClient, unknown>,
  options: Store.Options = {}
) {
  const { store: other, target } = yield* postgres
  const begun = new Map<number, number>()
  const store = Store.layer(options).pipe(Layer.provideMerge(client(target)), Layer.provideMerge(Logger.layer([])))
  const handler = (n: number) => Effect.sync(() => (begun.set(n, performance.now()), n))
  const context = yield* Layer.build(
    Worker.layer(queue, handler, { pollInterval: "1 minute" }).pipe(Layer.provideMerge(store))
  )
  const others = yield* Layer.build(other)
  const add = (n: number) => Effect.provideContext(Queue.add(queue, n), others)
  return { add, begun, context, others, target }
})

const pool = (maxConnections: number) => (target: string) =>
  PgClient.layer({ url: Redacted.make(target), maxConnections })

/** The connections that listen. */
const listeners = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    sql<{
      readonly pid: number
    }>`SELECT pid FROM pg_stat_activity WHERE query ILIKE 'listen%' AND datname = current_database()`
)

const listened = (isSo: boolean): Effect.Effect<void, unknown, SqlClient.SqlClient> =>
  Effect.flatMap(listeners, (all) =>
    all.length > 0 === isSo ? Effect.void : Effect.andThen(Effect.sleep("10 millis"), listened(isSo))
  )

describe("an idle worker on PostgreSQL", () => {
  it.live.skipIf(Postgres.isMissing())(
    "starts at once what another process adds, and again after its connection was lost",
    () =>
      Effect.gen(function* () {
        const { add, begun, context } = yield* idle(pool(4))
        const listening = (isSo: boolean) => Effect.provideContext(listened(isSo), context)
        yield* listening(true)
        assert.isBelow(yield* slowest(begun, add, [1, 2, 3, 4, 5]), 1000)
        const [lost] = yield* Effect.provideContext(listeners, context)
        yield* Effect.provideContext(
          Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT pg_terminate_backend(${lost?.pid})`),
          context
        )
        // It is added while nobody listens, and starts when the worker listens again.
        assert.isBelow(yield* slowest(begun, add, [6]), 3000)
        yield* listening(true)
        assert.isBelow(yield* slowest(begun, add, [7, 8, 9]), 1000)
        assert.notStrictEqual((yield* Effect.provideContext(listeners, context))[0]?.pid, lost?.pid)
      })
  )

  it.live.skipIf(Postgres.isMissing())("starts what a transaction adds when it has committed", () =>
    Effect.gen(function* () {
      const { begun, context } = yield* idle(pool(4))
      const sql = Context.get(context, SqlClient.SqlClient)
      const add = (n: number) =>
        Effect.provideContext(
          sql.withTransaction(Effect.andThen(Queue.add(queue, n), Effect.sleep("200 millis"))),
          context
        )
      const waited = yield* slowest(begun, add, [1])
      assert.isAtLeast(waited, 200)
      assert.isBelow(waited, 1200)
    })
  )
})

type Client = Parameters<typeof idle>[0]
const alone: Client = (target) => PgClient.layerFrom(PgClient.makeClient({ url: Redacted.make(target) }))

describe.each<readonly [name: string, client: Client, options: Store.Options]>([
  ["one connection in all", pool(1), {}],
  ["a client of one connection", alone, {}],
  ["no wish to listen", pool(4), { listen: false }]
])("a worker on PostgreSQL with %s", (_, client, options) => {
  it.live.skipIf(Postgres.isMissing())("runs tasks, and does not listen", () =>
    Effect.gen(function* () {
      const { context } = yield* idle(client, options)
      const done = Effect.flatMap(Store.Store, ({ health }) => health("work", Date.now()))
      const program = Effect.gen(function* () {
        yield* Queue.addAll(queue, many(20))
        while ((yield* done).done < 20) yield* Effect.sleep("20 millis")
        yield* listened(false)
      })
      yield* Effect.provideContext(program, context)
    })
  )
})

describe("a worker", () => {
  it.live.skipIf(Postgres.isMissing())("goes on when PostgreSQL ends its connections again and again", () =>
    Effect.gen(function* () {
      const { store, target } = yield* postgres
      let done = 0
      const handler = () =>
        Effect.andThen(
          Effect.sleep("5 millis"),
          Effect.sync(() => ++done)
        )
      const program = Effect.gen(function* () {
        yield* Queue.addAll(queue, many(200))
        yield* Layer.build(Worker.layer(queue, handler, { concurrency: 5, pollInterval: "20 millis" }))
        const sql = yield* SqlClient.SqlClient
        for (let turn = 0; turn < 20; turn++) {
          yield* Effect.ignoreCause(
            sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'`
          )
          yield* Effect.sleep("30 millis")
        }
        const health = Effect.flatMap(Store.Store, (one) => one.health("work", Date.now()))
        for (let left = 1; left > 0; yield* Effect.sleep("20 millis")) left = 200 - (yield* health).done
      })
      const other = PgClient.layer({ url: Redacted.make(target), maxConnections: 1 })
      yield* Effect.provide(
        Effect.scoped(program),
        Layer.mergeAll(store, other).pipe(Layer.provideMerge(Logger.layer([])))
      )
      // What was recorded was done; a lost acknowledgement is made again.
      assert.isAtLeast(done, 200)
    })
  )
})
