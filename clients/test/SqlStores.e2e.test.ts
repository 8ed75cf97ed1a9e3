import { execFile } from "node:child_process"
import { createServer, type ServerResponse } from "node:http"
import { join } from "node:path"
import process from "node:process"
import { promisify } from "node:util"
import * as PgClient from "@effect/sql-pg/PgClient"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as SqlStores from "@redrive/durable/SqlStores"
import * as Store from "@redrive/durable/Store"
import * as Distributed from "@redrive/retry/Distributed"
import type * as Retry from "@redrive/retry/Retry"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Program from "@redrive/testing/Program"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Postgres from "../src/Postgres.ts"
import * as Servers from "../src/Servers.ts"
import * as Sharing from "./fixtures/sharing.ts"

const isMissing = Postgres.isMissing()

/** A database, and how a process reaches it. */
interface Database {
  readonly kind: "sqlite" | "postgres"
  readonly target: string
  readonly client: Layer.Layer<SqlClient.SqlClient, unknown>
}

const clientOf = (target: string, maxConnections = 4) =>
  PgClient.layer({ url: Redacted.make(target), maxConnections, applicationName: "stores" })

const sqlite = Effect.map(Servers.folder(), (folder): Database => {
  const target = join(folder, "shared.db")
  return { kind: "sqlite", target, client: Sqlite.layer({ filename: target }) }
})

const targetOf = ({ database, host, port, user }: Effect.Success<ReturnType<typeof Postgres.server>>) =>
  `postgres://${user}@${host}:${port}/${database}`

const own = Postgres.databases(afterAll)

const postgres = Effect.map(own, (config): Database => {
  const target = targetOf(config)
  return { kind: "postgres", target, client: clientOf(target) }
})

const databases: ReadonlyArray<
  readonly [name: string, isMissing: boolean, database: Effect.Effect<Database, unknown, Scope.Scope>]
> = [
  ["SQLite", false, sqlite],
  ["PostgreSQL", isMissing, postgres]
]

const stores = (client: Database["client"], options: SqlStores.BreakerOptions = {}) =>
  Layer.build(Layer.provideMerge(SqlStores.layer(options), client))

/** Runs a process that shares the database, and returns what it printed. */
const sharing = ({ kind, target }: Database, task: "takes" | "probes" | "calls", url = "") => {
  const fixture = join(import.meta.dirname, "fixtures/sharing.ts")
  const args = ["--disable-warning=ExperimentalWarning", fixture, kind, target, task, url]
  return Effect.map(
    Effect.tryPromise(() => execute(process.execPath, args)),
    ({ stdout }) => stdout
  )
}

const execute = promisify(execFile)

const down = Effect.fail("down")

/** Fails until the breaker of a runner is open. */
const opens = Effect.fnUntraced(function* (runner: Retry.Runner) {
  for (let because = ""; because !== "breaker";) because = (yield* Effect.flip(runner.run(down))).because
})

describe.each(databases)("two processes with %s", (_, isMissing, made) => {
  it.live.skipIf(isMissing)("never take more tokens than the limit, from their first start", () =>
    Effect.gen(function* () {
      const database = yield* made
      const ready: Array<ServerResponse> = []
      const url = yield* Program.serve(
        createServer((_request, response) => {
          if (ready.push(response) === 2) for (const each of ready) each.end()
        })
      )
      const both = yield* Effect.all([sharing(database, "takes", url), sharing(database, "takes", url)], {
        concurrency: 2
      })
      const [one = [], other = []] = both.map((output) => output.trim().split("\n").map(Number))
      for (const n of [0, 1]) assert.strictEqual((one[n] ?? 0) + (other[n] ?? 0), 200, both.join())
    })
  )

  it.live.skipIf(isMissing)("send one probe at a time", () =>
    Effect.gen(function* () {
      const database = yield* made
      const seen = { now: 0, most: 0, all: 0 }
      const url = yield* Program.serve(
        createServer((_request, response) => {
          seen.most = Math.max(seen.most, ++seen.now)
          seen.all++
          setTimeout(() => {
            seen.now--
            response.end()
          }, 10)
        })
      )
      const context = yield* stores(database.client)
      const breaker = yield* Effect.provide(Sharing.nervous, context)
      yield* Effect.ignore(breaker.execute(down, { key: "probe" }))
      const both = yield* Effect.all([sharing(database, "probes", url), sharing(database, "probes", url)], {
        concurrency: 2
      })
      assert.strictEqual(seen.most, 1)
      const sent = both.map(Number)
      assert.strictEqual((sent[0] ?? 0) + (sent[1] ?? 0), seen.all)
      for (const each of sent) assert.isAbove(each, 0)
    })
  )

  it.live.skipIf(isMissing)("are refused by a breaker that one of them opened", () =>
    Effect.gen(function* () {
      const database = yield* made
      const context = yield* stores(database.client)
      yield* opens(yield* Effect.provide(Distributed.make(Sharing.policy, "page"), context))
      assert.strictEqual(yield* sharing(database, "calls"), "breaker\n")
    })
  )
})

describe.skipIf(isMissing)("stores in PostgreSQL", () => {
  it.live.each([
    ["stopped, and keep their states", "stop", "breaker"],
    ["killed, and start again without states", "crash", undefined]
  ] as const)("let calls through while it is %s", ([, how, because]) =>
    Effect.gen(function* () {
      const server = yield* Postgres.instance(undefined)
      const context = yield* stores(clientOf(targetOf(server.config)))
      const runner = yield* Effect.provide(Distributed.make(Sharing.policy, "page"), context)
      yield* opens(runner)
      yield* server[how]
      for (let n = 0; n < 20; n++) assert.strictEqual(yield* runner.run(Effect.succeed(1)), 1)
      yield* server.start
      const breakers = Context.get(context, CircuitBreaker.CircuitBreakerStore)
      // The client finds its lost connections by using them.
      yield* Effect.retry(breakers.state("page:"), { times: 10 })
      const call = Effect.map(Effect.exit(runner.run(Effect.succeed(1))), Exit.isSuccess)
      assert.strictEqual(yield* call, because === undefined)
      yield* opens(runner)
      assert.isFalse(yield* call)
    }).pipe(Effect.provide(Logger.layer([])))
  )

  it.live("make their tables in turn, however many processes start at once", () =>
    Effect.gen(function* () {
      const { target } = yield* postgres
      const start = Layer.build(Layer.mergeAll(SqlStores.layer(), Store.layer()).pipe(Layer.provide(clientOf(target))))
      yield* Effect.all(
        Array.from({ length: 8 }, () => start),
        { concurrency: "unbounded" }
      )
    })
  )

  it.live("serve a role that may not make their tables, once they are there", () =>
    Effect.gen(function* () {
      const config = yield* own
      const both = Layer.mergeAll(SqlStores.layer(), Store.layer())
      const owner = clientOf(targetOf(config))
      yield* Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`CREATE ROLE app LOGIN`),
        owner
      )
      const app = Layer.provide(both, clientOf(targetOf({ ...config, user: "app" })))
      assert.include((yield* Effect.flip(Effect.provide(Effect.void, app))).message, "could not be")
      yield* Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`GRANT ALL ON ALL TABLES IN SCHEMA public TO app`),
        Layer.provideMerge(both, owner)
      )
      const context = yield* Layer.build(app)
      const { consume } = Context.get(context, RateLimiter.RateLimiter)
      assert.deepInclude(yield* consume({ key: "k", limit: 2, window: "1 hour" }), { remaining: 1 })
    })
  )

  it.live("count right at the strictest isolation level", () =>
    Effect.gen(function* () {
      const { client, target } = yield* postgres
      const name = new URL(target).pathname.slice(1)
      yield* Effect.provide(
        Effect.flatMap(
          SqlClient.SqlClient,
          (sql) => sql`ALTER DATABASE ${sql(name)} SET default_transaction_isolation = 'serializable'`
        ),
        client
      )
      const take = Effect.flatMap(RateLimiter.RateLimiter, ({ consume }) =>
        Effect.match(consume({ key: "k", limit: 50, window: "1 hour" }), {
          onFailure: ({ reason }) => reason._tag,
          onSuccess: () => "taken"
        })
      )
      const asked = Array.from({ length: 4 }, () =>
        Effect.flatMap(stores(client), (context) =>
          Effect.forEach(Array.from({ length: 40 }), () => Effect.provide(take, context))
        )
      )
      const answers = (yield* Effect.all(asked, { concurrency: 4 })).flat().toSorted()
      const expected = [
        ...Array.from({ length: 110 }, () => "RateLimitExceeded"),
        ...Array.from({ length: 50 }, () => "taken")
      ]
      assert.deepStrictEqual(answers, expected)
    })
  )

  it.live("keep what was taken within a transaction that is rolled back", () =>
    Effect.gen(function* () {
      const { client } = yield* postgres
      const context = yield* stores(client)
      const sql = Context.get(context, SqlClient.SqlClient)
      const { consume } = Context.get(context, RateLimiter.RateLimiter)
      const take = consume({ key: "k", limit: 2, window: "1 hour" })
      yield* Effect.exit(sql.withTransaction(Effect.andThen(take, Effect.fail("no"))))
      assert.deepInclude(yield* take, { remaining: 0 })
    })
  )

  it.live("fail in time if the pool has no connection left", () =>
    Effect.gen(function* () {
      const { target } = yield* postgres
      const context = yield* stores(clientOf(target, 1), { timeout: "200 millis" })
      const sql = Context.get(context, SqlClient.SqlClient)
      const { consume } = Context.get(context, RateLimiter.RateLimiter)
      const take = consume({ key: "k", limit: 2, window: "1 hour" })
      const { reason } = yield* Effect.flip(sql.withTransaction(take))
      assert.strictEqual(reason._tag, "RateLimitStoreError")
      assert.deepInclude(yield* take, { remaining: 1 })
    })
  )

  it.live("go by the database's clock, whatever a machine's own says", () =>
    Effect.gen(function* () {
      const { client } = yield* postgres
      const clock = yield* Clock.Clock
      const ahead: Clock.Clock = {
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + Duration.toMillis("1 day"),
        currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + Duration.toMillis("1 day")),
        currentTimeNanosUnsafe: () => clock.currentTimeNanosUnsafe(),
        currentTimeNanos: clock.currentTimeNanos,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) => clock.sleep(duration)
      }
      const fast = Effect.provideService(Clock.Clock, ahead)
      const here = yield* Effect.provide(Distributed.make(Sharing.policy, "page"), yield* stores(client))
      const there = yield* fast(Effect.provide(Distributed.make(Sharing.policy, "page"), yield* fast(stores(client))))
      yield* opens(here)
      assert.strictEqual((yield* fast(Effect.flip(there.run(Effect.succeed(1))))).because, "breaker")
    })
  )
})
