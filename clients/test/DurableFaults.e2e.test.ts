import { spawn } from "node:child_process"
import { readdirSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import process from "node:process"
import { createInterface } from "node:readline"
import * as PgClient from "@effect/sql-pg/PgClient"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as SqlOutbox from "@redrive/alert/SqlOutbox"
import * as Queue from "@redrive/durable/Queue"
import * as SqlStores from "@redrive/durable/SqlStores"
import * as Store from "@redrive/durable/Store"
import * as Worker from "@redrive/durable/Worker"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../src/Postgres.ts"
import * as Servers from "../src/Servers.ts"

const queue = Queue.make({
  name: "work",
  payload: Schema.Int,
  success: Schema.Int,
  policy: RetryPolicy.make({ retries: 0 }),
  key: (n) => `k${n % 3}`
})

const many = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `${n}`, payload: n }))

type Config = Effect.Success<ReturnType<typeof Postgres.server>>

const reached = (config: Config) => ({
  config,
  target: `postgres://${config.user}:swordfish@${config.host}:${config.port}/${config.database}`
})

const server = Effect.map(Postgres.instance(undefined), ({ config, ...instance }) => ({
  ...instance,
  ...reached(config)
}))

const database = Effect.map(Postgres.databases(afterAll), reached)

const clientOf = (target: string, maxConnections = 4) =>
  PgClient.layer({ url: Redacted.make(target), maxConnections, connectTimeout: "5 seconds" })

const storeAt = (target: string, options: Store.Options & { readonly maxConnections?: number } = {}) => {
  const { maxConnections, ...rest } = options
  return Store.layer(rest).pipe(Layer.provideMerge(clientOf(target, maxConnections)))
}

/** A worker that can be stopped. */
const work = Effect.fnUntraced(function* <R, E>(layer: Layer.Layer<never, E, R>) {
  const scope = yield* Scope.make()
  yield* Layer.buildWithScope(layer, scope)
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  return { stop: Scope.close(scope, Exit.void) }
})

const health = Effect.flatMap(Store.Store, (one) => one.health("work", Date.now()))

/** Waits until a queue is as it should be; a database that is away for a while is asked again. */
const until = (isSo: (health: Store.Health) => boolean): Effect.Effect<void, never, Store.Store> =>
  Effect.flatMap(Effect.exit(health), (exit) =>
    exit._tag === "Success" && isSo(exit.value)
      ? Effect.void
      : Effect.andThen(
          Effect.sleep("20 millis"),
          Effect.suspend(() => until(isSo))
        )
  )

const late = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT * FROM redrive_late`)

const allDone = (count: number) => until(({ done }) => done === count)

const quiet = Logger.layer([])

const withStarted =
  <A>(started: Effect.Effect<A, unknown, Scope.Scope>) =>
  (name: string, test: (started: A) => Effect.Effect<unknown, unknown, Scope.Scope>) =>
    it.live.skipIf(Postgres.isMissing())(name, () => Effect.provide(Effect.flatMap(started, test), quiet))

/** A test on a server of its own, which it ends. */
const withServer = withStarted(server)

/** A test on a database of its own. */
const withDatabase = withStarted(database)

/** A proxy in front of a server that can lose what is sent, and cut connections. */
const proxy = Effect.fnUntraced(function* (port: number) {
  const control: {
    isDeaf: boolean
    /** Cuts a connection when its server answers what this matches, or so many messages after it. */
    cutAt: RegExp | undefined
    after: number
    cuts: number
    readonly cut: () => void
  } = {
    isDeaf: false,
    cutAt: undefined,
    after: 0,
    cuts: 0,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    }
  }
  const sockets = new Set<Socket>()
  const own = yield* Servers.tcp((near) => {
    const far = connect(port, "127.0.0.1")
    let left = Infinity
    sockets.add(near)
    near.on("data", (data: Buffer) => {
      if (control.cutAt !== undefined && control.cutAt.test(data.toString("latin1"))) left = control.after
      else left--
      if (!control.isDeaf) far.write(data)
    })
    far.on("data", (data: Buffer) => {
      if (left <= 0) {
        control.cuts++
        near.destroy()
      } else if (!control.isDeaf) near.write(data)
    })
    near.on("close", () => far.destroy())
    far.on("close", () => near.destroy())
    far.on("error", () => near.destroy())
  })
  return { control, port: own }
})

const throughProxy = Effect.fnUntraced(function* (config: Config) {
  const { control, port } = yield* proxy(config.port)
  return { control, target: `postgres://${config.user}:swordfish@127.0.0.1:${port}/${config.database}` }
})

describe("tasks in PostgreSQL", () => {
  for (const mode of ["stop", "crash"] as const)
    withServer(`outlive a ${mode} of the server, and its start, while two workers run`, ({ target, ...server }) =>
      Effect.gen(function* () {
        const ran = new Map<number, number>()
        const handler = (n: number) =>
          Effect.sync(() => ran.set(n, (ran.get(n) ?? 0) + 1)).pipe(
            Effect.andThen(Effect.sleep("5 millis")),
            Effect.as(n)
          )
        const options = { concurrency: 5, pollInterval: "20 millis" } as const
        const program = Effect.gen(function* () {
          yield* Queue.addAll(queue, many(600))
          yield* work(Worker.layer(queue, handler, options))
          yield* work(Layer.provide(Worker.layer(queue, handler, options), Layer.fresh(storeAt(target))))
          for (let turn = 0; turn < 2; turn++) {
            yield* Effect.sleep("100 millis")
            yield* server[mode]
            yield* server.start
          }
          yield* allDone(600)
          assert.deepInclude(yield* health, { failed: 0, waiting: 0, running: 0 })
        })
        yield* Effect.provide(program, storeAt(target))
        assert.strictEqual(ran.size, 600)
        // Only what ran while the server was away may have run again.
        assert.isAtMost(
          [...ran.values()].reduce((sum, times) => sum + times - 1, 0),
          40
        )
      })
    )

  withDatabase(
    "end many at a time while others are held, and no statement waits for the other without an end",
    ({ target }) =>
      Effect.gen(function* () {
        const said: Array<string> = []
        const logger = Logger.make(({ message }) => void said.push(String(message)))
        const handler = (n: number) => Effect.as(Effect.sleep(Math.random() * 200), n)
        yield* Queue.addAll(queue, many(4000))
        const worker = Worker.layer(queue, handler, {
          concurrency: 400,
          lease: "300 millis",
          pollInterval: "20 millis"
        })
        yield* work(Layer.provide(worker, Logger.layer([logger])))
        yield* allDone(4000)
        assert.deepStrictEqual(said, [])
      }).pipe(Effect.provide(storeAt(target)))
  )

  withDatabase(
    "are given back when the answer to a claim is cut off, and no attempt is counted",
    ({ config, target }) =>
      Effect.gen(function* () {
        const { control, target: through } = yield* throughProxy(config)
        const create = Queue.make({
          name: "work",
          payload: Schema.Int,
          success: Schema.Int,
          policy: RetryPolicy.make({ operation: "create", retries: 0 })
        })
        const program = Effect.gen(function* () {
          yield* Queue.addAll(create, many(20))
          control.cutAt = /kills = kills \+/
          const worker = Worker.layer(create, Effect.succeed, { pollInterval: "20 millis" })
          yield* work(Layer.provide(worker, storeAt(through)))
          while (control.cuts < 3) yield* Effect.sleep("10 millis")
          control.cutAt = undefined
          yield* allDone(20)
          const { get } = yield* Store.Store
          for (const { id } of many(20)) assert.deepInclude(yield* get("work", id), { state: "done", kills: 0 })
        })
        yield* Effect.provide(program, storeAt(target))
      })
  )

  withDatabase("are recorded once when the answer to the record is cut off", ({ config, target }) =>
    Effect.gen(function* () {
      const { control, target: through } = yield* throughProxy(config)
      const ran: Array<number> = []
      const handler = (n: number) =>
        Effect.as(
          Effect.sync(() => ran.push(n)),
          n
        )
      const program = Effect.gen(function* () {
        const worker = Worker.layer(queue, handler, { pollInterval: "20 millis" })
        yield* work(Layer.provide(worker, storeAt(through)))
        // Among others, and alone.
        control.cutAt = /"?result"? = /
        yield* Queue.addAll(queue, many(10))
        while (control.cuts < 3) yield* Effect.sleep("10 millis")
        control.cutAt = undefined
        yield* allDone(10)
        const sql = yield* SqlClient.SqlClient
        assert.lengthOf(yield* sql`SELECT * FROM redrive_late`, 0)
      })
      yield* Effect.provide(program, storeAt(target))
      assert.lengthOf(ran, 10)
    })
  )

  withDatabase("are added once when the answer to the commit is cut off, and added again", ({ config, target }) =>
    Effect.gen(function* () {
      const { control, target: through } = yield* throughProxy(config)
      const program = Effect.gen(function* () {
        // So many take two statements and a transaction.
        control.cutAt = /INSERT INTO redrive_tasks/
        control.after = 1
        const exit = yield* Effect.exit(Queue.addAll(queue, many(600)))
        // A defect to the client, and an error to the caller.
        assert.strictEqual(exit._tag, "Failure")
        const error = yield* Effect.flip(exit)
        assert.instanceOf(error, Store.StoreError)
        control.cutAt = undefined
        yield* Queue.addAll(queue, many(600))
        assert.strictEqual((yield* health).waiting, 600)
      })
      yield* Effect.provide(program, storeAt(through))
      const { waiting } = yield* Effect.provide(health, storeAt(target))
      assert.strictEqual(waiting, 600)
    })
  )

  withDatabase(
    "go on after the network was silent, and a worker ends meanwhile within its time limit",
    ({ config, target }) =>
      Effect.gen(function* () {
        const { control, target: through } = yield* throughProxy(config)
        const store = storeAt(through, { timeout: "300 millis" })
        const handler = (n: number) => Effect.as(Effect.sleep("20 millis"), n)
        const options = { concurrency: 2, lease: "2 seconds", pollInterval: "20 millis" } as const
        const program = Effect.gen(function* () {
          yield* Queue.addAll(queue, many(60))
          const own = yield* Layer.build(store)
          const worker = yield* work(Layer.provide(Worker.layer(queue, handler, options), Layer.succeedContext(own)))
          const other = yield* work(Layer.provide(Worker.layer(queue, handler, options), Layer.fresh(store)))
          yield* until(({ done }) => done > 5)
          control.isDeaf = true
          yield* Effect.sleep("500 millis")
          const begun = performance.now()
          yield* worker.stop
          // The client itself takes five seconds more to cancel a statement.
          assert.isBelow(performance.now() - begun, 3000)
          control.isDeaf = false
          yield* allDone(60)
          assert.strictEqual((yield* health).failed, 0)
          yield* other.stop
        })
        yield* Effect.provide(program, storeAt(target))
      })
  )

  withDatabase("may be slower to begin than a statement may take: another process makes the tables", ({ target }) =>
    Effect.gen(function* () {
      const sql = Context.get(yield* Layer.build(clientOf(target)), SqlClient.SqlClient)
      const slow = Effect.forEach(["redrive_tasks", "redrive_shared", "redrive_incidents"], (name) =>
        Effect.andThen(sql`CREATE TABLE ${sql(name)} (id INTEGER)`, Effect.sleep("400 millis"))
      )
      // As if that process had died.
      yield* Effect.forkScoped(sql.withTransaction(Effect.andThen(slow, Effect.fail("died"))))
      yield* Effect.sleep("100 millis")
      const timeout = "50 millis"
      const all = Layer.mergeAll(Store.layer({ timeout }), SqlStores.layer({ timeout }), SqlOutbox.layer({ timeout }))
      yield* Layer.build(Layer.provide(all, clientOf(target)))
    })
  )

  withDatabase("are left behind by no worker that ends, wherever it is", ({ target }) =>
    Effect.gen(function* () {
      const create = Queue.make({
        name: "work",
        payload: Schema.Int,
        success: Schema.Int,
        policy: RetryPolicy.make({ operation: "create", retries: 0 })
      })
      const handler = (n: number) => Effect.as(Effect.sleep("2 millis"), n)
      const options = { concurrency: 3, pollInterval: "1 millis" } as const
      const program = Effect.gen(function* () {
        yield* Queue.addAll(create, many(300))
        for (let turn = 0; turn < 60; turn++) {
          const worker = yield* work(Worker.layer(create, handler, options))
          yield* Effect.sleep(turn % 12)
          yield* worker.stop
          assert.strictEqual((yield* health).running, 0)
        }
        yield* work(Worker.layer(create, handler, options))
        yield* allDone(300)
        assert.lengthOf(yield* late, 0)
      })
      yield* Effect.provide(program, storeAt(target))
    })
  )

  withDatabase("are due at the same time in sessions of any time zone", ({ config, target }) =>
    Effect.gen(function* () {
      const zone = (name: string) =>
        Postgres.query(config, `ALTER DATABASE ${config.database} SET timezone TO '${name}'`)
      yield* Effect.promise(() => zone("Pacific/Kiritimati"))
      const due = Date.now() + 1500
      yield* Effect.provide(Queue.add(queue, 1, { id: "1", due: DateTime.makeUnsafe(due) }), storeAt(target))
      yield* Effect.promise(() => zone("America/Los_Angeles"))
      const ran: Array<number> = []
      const handler = (n: number) =>
        Effect.as(
          Effect.sync(() => ran.push(Date.now())),
          n
        )
      const program = Effect.andThen(work(Worker.layer(queue, handler, { pollInterval: "50 millis" })), allDone(1))
      yield* Effect.provide(program, storeAt(target))
      assert.isAtLeast(ran[0] ?? 0, due)
      assert.isAtMost(ran[0] ?? 0, due + 1000)
    })
  )

  withDatabase("outlive statements that fail, whatever their SQLSTATE", ({ config, target }) =>
    Effect.gen(function* () {
      const query = (...texts: ReadonlyArray<string>) => Effect.promise(() => Postgres.query(config, ...texts))
      const ran: Array<number> = []
      const handler = (n: number) =>
        Effect.as(
          Effect.sync(() => ran.push(n)),
          n
        )
      // 25006: a server that is a replica meanwhile. 53100: its disk is full.
      const states = ["25006", "40001", "40P01", "53100", "53200", "55P03", "57014", "57P03", "58030", "XX000"]
      const program = Effect.gen(function* () {
        yield* work(Worker.layer(queue, handler, { concurrency: 5, pollInterval: "10 millis" }))
        for (const [turn, state] of states.entries()) {
          // More than half of the statements fail.
          yield* query(
            `CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF random() < 0.6 THEN RAISE EXCEPTION 'no' USING ERRCODE = '${state}'; END IF;
              RETURN NULL; END $$`,
            "CREATE OR REPLACE TRIGGER fails BEFORE UPDATE ON redrive_tasks FOR EACH STATEMENT EXECUTE FUNCTION fail()"
          )
          yield* Queue.addAll(
            queue,
            many(20).map(({ payload }) => ({ payload }))
          )
          yield* allDone(20 * (turn + 1))
          assert.deepInclude(yield* health, { failed: 0 }, state)
          assert.lengthOf(ran, 20 * (turn + 1), state)
        }
      })
      yield* Effect.provide(program, storeAt(target))
    })
  )

  withDatabase("wait while the server has no connection left (53300)", ({ config, target }) =>
    Effect.gen(function* () {
      const query = (...texts: ReadonlyArray<string>) => Effect.promise(() => Postgres.query(config, ...texts))
      yield* query("CREATE ROLE few LOGIN CONNECTION LIMIT 1", "GRANT ALL ON SCHEMA public TO few")
      const few = target.replace("admin", "few")
      const program = Effect.gen(function* () {
        yield* Queue.addAll(queue, many(10))
        yield* query("ALTER ROLE few CONNECTION LIMIT 0")
        yield* query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'few'")
        yield* work(Worker.layer(queue, Effect.succeed, { pollInterval: "20 millis" }))
        yield* Effect.sleep("300 millis")
        yield* query("ALTER ROLE few CONNECTION LIMIT 2")
        yield* allDone(10)
      })
      yield* Effect.provide(program, storeAt(few, { maxConnections: 1 }))
    })
  )

  withDatabase("whose handlers lose their own connections within transactions are tried again", ({ config, target }) =>
    Effect.gen(function* () {
      const patient = Queue.make({ name: "work", payload: Schema.Int, policy: RetryPolicy.make({ retries: 20 }) })
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* sql`CREATE TABLE written (n int PRIMARY KEY)`
        const handler = (n: number) =>
          sql.withTransaction(
            Effect.gen(function* () {
              yield* sql`INSERT INTO written (n) VALUES (${n}) ON CONFLICT DO NOTHING`
              yield* sql`SELECT pg_sleep(0.05)`
            })
          )
        yield* Queue.addAll(patient, many(20))
        yield* work(Worker.layer(patient, handler, { concurrency: 5, pollInterval: "20 millis" }))
        for (let turn = 0; turn < 3; turn++) {
          yield* Effect.sleep("40 millis")
          yield* Effect.promise(() =>
            Postgres.query(
              config,
              "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'"
            )
          )
        }
        yield* until(({ done, failed }) => done + failed === 20)
        assert.deepInclude(yield* health, { done: 20 })
        assert.lengthOf(yield* sql`SELECT * FROM written`, 20)
      })
      yield* Effect.provide(program, storeAt(target, { maxConnections: 8 }))
    })
  )

  withDatabase("are kept by tables that many processes make at once", ({ target }) =>
    Effect.gen(function* () {
      const stores = Array.from({ length: 8 }, () => Layer.build(Layer.fresh(storeAt(target, { maxConnections: 1 }))))
      yield* Effect.all(stores, { concurrency: "unbounded" })
    })
  )

  withDatabase("wait a limited time for a connection of a pool that is in use", ({ target }) =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        yield* Effect.forkScoped(sql.withTransaction(Effect.sleep("3 seconds")))
        yield* Effect.sleep("100 millis")
        const begun = performance.now()
        const error = yield* Effect.flip(Queue.add(queue, 1))
        assert.instanceOf(error, Store.StoreError)
        assert.isBelow(performance.now() - begun, 2000)
      })
      yield* Effect.provide(program, storeAt(target, { maxConnections: 1, timeout: "300 millis" }))
    })
  )

  withServer("say nothing of the password when the server is away", ({ crash, target }) =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const logger = Logger.map(Logger.formatLogFmt, (text) => void said.push(text))
      const json = Logger.map(Logger.formatJson, (text) => void said.push(text))
      const program = Effect.gen(function* () {
        yield* work(Worker.layer(queue, Effect.succeed, { pollInterval: "20 millis" }))
        yield* crash
        yield* Effect.sleep("300 millis")
        const error = yield* Effect.flip(Queue.add(queue, 1))
        said.push(String(error), JSON.stringify(error))
      })
      yield* Effect.provide(program, storeAt(target).pipe(Layer.provideMerge(Logger.layer([logger, json]))))
      assert.isAbove(said.length, 3)
      assert.notInclude(said.join("\n"), "swordfish")
    })
  )
})

/** A worker in a process of its own, killed with the test: what it says, and when it is gone. */
const runner = (kind: string, target: string, options: Readonly<Record<string, number>> = {}) =>
  Effect.acquireRelease(
    Effect.callback<Runner>((resume) => {
      const fixture = join(import.meta.dirname, "fixtures/runner.ts")
      const args = ["--disable-warning=ExperimentalWarning", fixture, kind, target, JSON.stringify(options)]
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
      const said: Array<string> = []
      const gone = new Promise<void>((ended) => child.once("exit", () => ended()))
      const kill = Effect.promise(() => {
        child.kill("SIGKILL")
        return gone
      })
      createInterface({ input: child.stdout }).on("line", (line) => {
        if (line === "ready") resume(Effect.succeed({ said, kill }))
        else said.push(`${line} ${Date.now()}`)
      })
    }),
    ({ kill }) => kill
  )

interface Runner {
  /** `begun TASK KEY TIME` and `ended TASK TIME`. */
  readonly said: ReadonlyArray<string>
  readonly kill: Effect.Effect<void>
}

const begun = ({ said }: Runner) => said.filter((line) => line.startsWith("begun"))
const timeOf = (line: string | undefined) => Number(line?.split(" ").at(-1))

const hasBegun = (one: Runner, count: number): Effect.Effect<void> =>
  begun(one).length >= count
    ? Effect.void
    : Effect.andThen(
        Effect.sleep("10 millis"),
        Effect.suspend(() => hasBegun(one, count))
      )

/** The situations in which public benchmarks of queues on PostgreSQL try them, with tasks that take a second. */
describe("the scenarios of a chaos harness", () => {
  type Scenario<A> = (
    target: string,
    started: A
  ) => Effect.Effect<unknown, unknown, Scope.Scope | Store.Store | SqlClient.SqlClient>
  const on =
    <A extends { readonly target: string }>(make: ReturnType<typeof withStarted<A>>) =>
    (name: string, test: Scenario<A>) =>
      make(name, (started) => Effect.provide(test(started.target, started), storeAt(started.target)))
  const scenario = on(withDatabase)

  const slow = { takes: 1000, lease: 1500 }

  scenario("crash recovery: a worker is killed, and another one ends its tasks", (target) =>
    Effect.gen(function* () {
      yield* Queue.addAll(queue, many(10))
      const first = yield* runner("postgres", target, slow)
      yield* hasBegun(first, 10)
      yield* first.kill
      const killed = Date.now()
      const second = yield* runner("postgres", target, slow)
      yield* allDone(10)
      assert.lengthOf(begun(second), 10)
      // The lease, a look and the task.
      assert.isAtMost(Date.now() - killed, slow.lease + slow.takes + 2000)
    })
  )

  on(withServer)("a restart of PostgreSQL", (target, { crash, start }) =>
    Effect.gen(function* () {
      yield* Queue.addAll(queue, many(20))
      const one = yield* runner("postgres", target, slow)
      yield* hasBegun(one, 10)
      yield* crash
      // Longer than the lease: nobody else was there to take anything over.
      yield* Effect.sleep("2 seconds")
      yield* start
      yield* allDone(20)
      assert.lengthOf(begun(one), 20)
      assert.deepInclude(yield* health, { failed: 0 })
    })
  )

  scenario("repeated kills", (target) =>
    Effect.gen(function* () {
      yield* Queue.addAll(queue, many(20))
      const options = { takes: 200, lease: 400, concurrency: 4 }
      for (let kills = 0; kills < 3; kills++) {
        const one = yield* runner("postgres", target, options)
        yield* hasBegun(one, 2)
        yield* Effect.sleep("250 millis")
        yield* one.kill
      }
      yield* runner("postgres", target, options)
      yield* until(({ done, failed }) => done + failed === 20)
      assert.deepInclude(yield* health, { done: 20 })
    })
  )

  scenario("its connections are ended by the server", (target, { config }) =>
    Effect.gen(function* () {
      yield* Queue.addAll(queue, many(20))
      const one = yield* runner("postgres", target, slow)
      yield* hasBegun(one, 10)
      yield* Effect.promise(() =>
        Postgres.query(
          config,
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'"
        )
      )
      yield* allDone(20)
      assert.lengthOf(begun(one), 20)
    })
  )

  scenario("of two workers the first is killed: there is no leader to be missed, and nothing ends twice", (target) =>
    Effect.gen(function* () {
      const options = { ...slow, concurrency: 5 }
      const first = yield* runner("postgres", target, options)
      // There before the tasks: on a busy machine the first would have done all of them until the second has started.
      const second = yield* runner("postgres", target, options)
      yield* Queue.addAll(queue, many(30))
      yield* hasBegun(first, 5)
      yield* hasBegun(second, 5)
      yield* first.kill
      yield* allDone(30)
      assert.deepInclude(yield* health, { failed: 0 })
      assert.lengthOf(yield* late, 0)
    })
  )

  scenario("fifty tasks share a pool of few connections: none is taken for lost", (target) =>
    Effect.gen(function* () {
      yield* Queue.addAll(queue, many(100))
      const one = yield* runner("postgres", target, { ...slow, concurrency: 50, connections: 2 })
      yield* allDone(100)
      assert.lengthOf(begun(one), 100)
      assert.deepInclude(yield* health, { failed: 0 })
    })
  )

  scenario("a storm of retries: five hundred are due at once", (target) =>
    Effect.gen(function* () {
      const due = DateTime.makeUnsafe(Date.now() + 1000)
      yield* Queue.addAll(
        queue,
        many(500).map((one) => ({ ...one, due }))
      )
      const workers = yield* Effect.all([1, 2].map(() => runner("postgres", target, { takes: 20, concurrency: 50 })))
      yield* allDone(500)
      const times = workers.flatMap(begun).map(timeOf)
      assert.lengthOf(times, 500)
      assert.isAtLeast(Math.min(...times), DateTime.toEpochMillis(due))
    })
  )
})

const files: ReadonlyArray<
  readonly [
    kind: "sqlite" | "postgres",
    isMissing: boolean,
    made: Effect.Effect<readonly [target: string, store: ReturnType<typeof storeAt>], unknown, Scope.Scope>
  ]
> = [
  [
    "sqlite",
    false,
    Effect.map(Servers.folder(), (folder) => {
      const target = join(folder, "tasks.db")
      return [target, Store.layer().pipe(Layer.provideMerge(Sqlite.layer({ filename: target })))] as const
    })
  ],
  ["postgres", Postgres.isMissing(), Effect.map(database, ({ target }) => [target, storeAt(target)] as const)]
]

describe.each(files)("a worker in %s", (kind, isMissing, made) => {
  const test = (
    name: string,
    program: (target: string) => Effect.Effect<unknown, unknown, Scope.Scope | Store.Store | SqlClient.SqlClient>
  ) =>
    it.live.skipIf(isMissing)(name, () =>
      Effect.provide(
        Effect.flatMap(made, ([target, store]) => Effect.provide(program(target), store)),
        quiet
      )
    )

  test("whose event loop is blocked past its lease is taken over, and its late end is kept as evidence", (target) =>
    Effect.gen(function* () {
      yield* Queue.add(queue, 1, { id: "1" })
      const first = yield* runner(kind, target, { takes: 50, lease: 500, spin: 2000 })
      yield* hasBegun(first, 1)
      // In this process, which need not start first: the other is blocked for two seconds only.
      const second: Array<readonly [key: string, time: number]> = []
      const handler = (n: number, { idempotencyKey }: { readonly idempotencyKey: string }) =>
        Effect.sync(() => {
          second.push([idempotencyKey, Date.now()])
          return n
        })
      yield* work(Worker.layer(queue, handler, { lease: "500 millis", pollInterval: "20 millis" }))
      yield* allDone(1)
      assert.lengthOf(second, 1)
      const [key = "", time = 0] = second[0] ?? []
      // The same attempt, under the same key.
      assert.strictEqual(begun(first)[0]?.split(" ")[2], key)
      const waited = time - timeOf(begun(first)[0])
      assert.isAtLeast(waited, 400)
      for (let rows = 0; rows === 0; yield* Effect.sleep("20 millis")) rows = (yield* late).length
      assert.deepInclude(yield* health, { done: 1, failed: 0 })
      assert.lengthOf(begun(first), 1)
    }))

  test("that is killed is taken over within its lease and a second", (target) =>
    Effect.gen(function* () {
      yield* Queue.add(queue, 1, { id: "1" })
      const first = yield* runner(kind, target, { takes: 600_000, lease: 1000 })
      yield* hasBegun(first, 1)
      const second = yield* runner(kind, target, { takes: 0, lease: 1000 })
      yield* Effect.sleep("500 millis")
      yield* first.kill
      const killed = Date.now()
      yield* hasBegun(second, 1)
      assert.isAtMost(timeOf(begun(second)[0]) - killed, 2000)
    }))
})

describe("a process that is started again on SQLite", () => {
  it.live("goes on at once, and leaves no file behind", () =>
    Effect.gen(function* () {
      const folder = yield* Servers.folder()
      const target = join(folder, "tasks.db")
      const program = Effect.gen(function* () {
        yield* Queue.addAll(queue, many(3))
        const first = yield* runner("sqlite", target, { takes: 600_000 })
        yield* hasBegun(first, 3)
        const bystander = yield* runner("sqlite", target, { takes: 0, lease: 3_600_000 })
        yield* Effect.sleep("500 millis")
        // It lives, and its tasks are its own.
        assert.lengthOf(begun(bystander), 0)
        yield* first.kill
        const second = yield* runner("sqlite", target, { takes: 0 })
        yield* allDone(3)
        yield* Effect.sleep("50 millis")
        assert.lengthOf([...begun(bystander), ...begun(second)], 3)
        yield* bystander.kill
        yield* second.kill
        const last = yield* work(Worker.layer(queue, Effect.succeed))
        yield* last.stop
      })
      yield* Effect.provide(
        program,
        Layer.mergeAll(Store.layer().pipe(Layer.provide(Sqlite.layer({ filename: target }))), quiet)
      )
      assert.deepStrictEqual(
        readdirSync(folder).filter((name) => name.includes("worker")),
        []
      )
    })
  )
})
