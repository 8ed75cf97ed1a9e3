import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import * as SqlSchema from "effect/sql/SqlSchema"
import * as Stream from "effect/Stream"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import { temporaryFolder } from "./temporary.ts"

const memory = Sqlite.layer({ filename: ":memory:" })

const withTable = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE pages (url TEXT NOT NULL UNIQUE, status INTEGER NOT NULL, body BLOB)`
  return sql
})

const reasonOf = (statement: (sql: SqlClient.SqlClient) => Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const sql = yield* withTable
    yield* sql`CREATE TABLE links (page TEXT NOT NULL REFERENCES pages (url))`
    yield* sql`INSERT INTO pages ${sql.insert({ url: "/a", status: 200 })}`
    return yield* Effect.flip(statement(sql))
  }).pipe(Effect.provide(memory))

const count = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<{ n: number }>`SELECT count(*) AS n FROM pages`, ([row]) => row?.n)

const insert = (sql: SqlClient.SqlClient, url: string) => sql`INSERT INTO pages ${sql.insert({ url, status: 200 })}`

describe("statements", () => {
  it.effect("insert, select, update and delete", () =>
    Effect.gen(function* () {
      const sql = yield* withTable
      yield* sql`INSERT INTO pages ${sql.insert([
        { url: "/a", status: 200 },
        { url: "/b", status: 404 }
      ])}`
      yield* sql`UPDATE pages SET ${sql.update({ status: 410 })} WHERE url = ${"/b"}`
      yield* sql`DELETE FROM pages WHERE url = ${"/a"}`
      assert.deepStrictEqual(
        (yield* sql`SELECT url, status FROM pages`).map((row) => ({ ...row })),
        [{ url: "/b", status: 410 }]
      )
    }).pipe(Effect.provide(memory))
  )

  it.effect("keep booleans, dates, bytes, null and undefined as SQLite can hold them", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const date = new Date("2026-11-24T01:02:03.456Z")
      const [row] =
        yield* sql`SELECT ${true} AS yes, ${date} AS date, ${new Uint8Array([1, 2])} AS bytes, ${null} AS none`
      assert.deepStrictEqual(
        { ...row },
        { yes: 1, date: "2026-11-24T01:02:03.456Z", bytes: new Uint8Array([1, 2]), none: null }
      )
    }).pipe(Effect.provide(memory))
  )

  it.effect("return what RETURNING names, and nothing without it", () =>
    Effect.gen(function* () {
      const sql = yield* withTable
      const row = { url: "/a", status: 200 }
      const returned = yield* sql`INSERT INTO pages ${sql.insert(row)} RETURNING status`
      assert.deepStrictEqual(
        returned.map(({ status }) => status),
        [200]
      )
      assert.deepStrictEqual(yield* sql`DELETE FROM pages`, [])
    }).pipe(Effect.provide(memory))
  )

  it.effect("give values without names, and names again afterwards", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const statement = sql<{ a: number; b: string }>`SELECT 1 AS a, 'x' AS b`
      assert.deepStrictEqual(yield* statement.values, [[1, "x"]])
      assert.deepStrictEqual(
        (yield* statement).map(({ a }) => a),
        [1]
      )
    }).pipe(Effect.provide(memory))
  )

  it.effect("stream more rows than are read at a time", () =>
    Effect.gen(function* () {
      const sql = yield* withTable
      const statuses = Arr.range(1, 250)
      yield* sql`INSERT INTO pages ${sql.insert(Arr.map(statuses, (status) => ({ url: `/${status}`, status })))}`
      const statement = sql<{ status: number }>`SELECT status FROM pages ORDER BY status`
      const streamed = yield* Stream.runCollect(Stream.map(statement.stream, ({ status }) => status))
      assert.deepStrictEqual(streamed, statuses)
    }).pipe(Effect.provide(memory))
  )

  it.effect("work with Effect's request and result schemas", () =>
    Effect.gen(function* () {
      const sql = yield* withTable
      yield* sql`INSERT INTO pages ${sql.insert({ url: "/a", status: 200 })}`
      const find = SqlSchema.findAll({
        Request: Schema.String,
        Result: Schema.Struct({ url: Schema.String, status: Schema.Int }),
        execute: (url) => sql`SELECT url, status FROM pages WHERE url = ${url}`
      })
      assert.deepStrictEqual(yield* find("/a"), [{ url: "/a", status: 200 }])
    }).pipe(Effect.provide(memory))
  )
})

describe("failures", () => {
  it.effect("a repeated key is a unique violation that names its column", () =>
    Effect.gen(function* () {
      const error = yield* reasonOf((sql) => sql`INSERT INTO pages ${sql.insert({ url: "/a", status: 1 })}`)
      assert.nestedPropertyVal(error, "reason._tag", "UniqueViolation")
      assert.nestedPropertyVal(error, "reason.constraint", "pages.url")
    })
  )

  it.effect("a reference to nothing is a constraint error: foreign keys are checked", () =>
    Effect.gen(function* () {
      const error = yield* reasonOf((sql) => sql`INSERT INTO links ${sql.insert({ page: "/none" })}`)
      assert.nestedPropertyVal(error, "reason._tag", "ConstraintError")
    })
  )

  it.effect("bad SQL is a typed error that says what SQLite says", () =>
    Effect.gen(function* () {
      const error = yield* reasonOf((sql) => sql`SELEC 1`)
      assert.nestedPropertyVal(error, "reason.message", 'statement failed: near "SELEC": syntax error')
    })
  )

  it.effect("a parameter that SQLite cannot hold is a typed error", () =>
    Effect.gen(function* () {
      const error = yield* reasonOf((sql) => sql`SELECT ${Symbol("x")}`)
      assert.nestedPropertyVal(error, "_tag", "SqlError")
    })
  )
})

describe("transactions", () => {
  it.effect("commit together or not at all, however they end", () =>
    Effect.gen(function* () {
      const sql = yield* withTable
      yield* sql.withTransaction(insert(sql, "/kept"))
      yield* Effect.ignore(sql.withTransaction(Effect.andThen(insert(sql, "/failed"), Effect.fail("no"))))
      yield* Effect.exit(sql.withTransaction(Effect.andThen(insert(sql, "/died"), Effect.die("no"))))
      assert.strictEqual(yield* count(sql), 1)
    }).pipe(Effect.provide(memory))
  )

  it.effect("nest: an inner one that fails takes only its own part back", () =>
    Effect.gen(function* () {
      const sql = yield* withTable
      const inner = sql.withTransaction(Effect.andThen(insert(sql, "/inner"), Effect.fail("no")))
      yield* sql.withTransaction(Effect.andThen(insert(sql, "/outer"), Effect.ignore(inner)))
      assert.deepStrictEqual(
        (yield* sql`SELECT url FROM pages`).map(({ url }) => url),
        ["/outer"]
      )
    }).pipe(Effect.provide(memory))
  )

  it.effect("that are interrupted leave nothing behind, and the next one runs", () =>
    Effect.gen(function* () {
      const sql = yield* withTable
      const inside = yield* Deferred.make<void>()
      const work = insert(sql, "/half").pipe(
        Effect.andThen(Deferred.succeed(inside, undefined)),
        Effect.andThen(Effect.never)
      )
      const fiber = yield* Effect.forkChild(sql.withTransaction(work))
      yield* Deferred.await(inside)
      yield* Fiber.interrupt(fiber)
      yield* sql.withTransaction(insert(sql, "/whole"))
      assert.deepStrictEqual(
        (yield* sql`SELECT url FROM pages`).map(({ url }) => url),
        ["/whole"]
      )
    }).pipe(Effect.provide(memory))
  )

  it.effect("run one after the other: none sees another's half", () =>
    Effect.gen(function* () {
      const sql = yield* withTable
      yield* insert(sql, "/counter")
      const increment = sql.withTransaction(
        Effect.gen(function* () {
          const [row] = yield* sql<{ status: number }>`SELECT status FROM pages`
          yield* Effect.yieldNow
          yield* sql`UPDATE pages SET status = ${(row?.status ?? 0) + 1}`
        })
      )
      yield* Effect.all(
        Array.from({ length: 20 }, () => increment),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(
        (yield* sql`SELECT status FROM pages`).map(({ status }) => status),
        [220]
      )
    }).pipe(Effect.provide(memory))
  )
})

describe("a file", () => {
  it.effect("keeps what was written when it is opened again", () =>
    Effect.gen(function* () {
      const filename = join(yield* temporaryFolder, "pages.db")
      const opened = <A, E>(use: Effect.Effect<A, E, SqlClient.SqlClient>) =>
        Effect.provide(use, Sqlite.layer({ filename }), { local: true })
      yield* opened(
        Effect.flatMap(withTable, (sql) => sql`INSERT INTO pages ${sql.insert({ url: "/a", status: 200 })}`)
      )
      const rows = yield* opened(Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT url FROM pages`))
      assert.deepStrictEqual(
        rows.map(({ url }) => url),
        ["/a"]
      )
    })
  )

  it.effect("is migrated once by Effect's migrator", () =>
    Effect.gen(function* () {
      const filename = join(yield* temporaryFolder, "pages.db")
      const migrate = Migrator.make({})({ loader: Migrator.fromRecord({ "0001_pages": Effect.asVoid(withTable) }) })
      const opened = Effect.provide(migrate, Sqlite.layer({ filename }), { local: true })
      assert.lengthOf(yield* opened, 1)
      assert.lengthOf(yield* opened, 0)
    })
  )

  it.effect("locked by another connection is a typed error once the wait is over", () =>
    Effect.gen(function* () {
      const filename = join(yield* temporaryFolder, "pages.db")
      const open = (busyTimeout: number) =>
        Effect.map(Layer.build(Layer.fresh(Sqlite.layer({ filename, busyTimeout }))), (context) =>
          Effect.provideContext(SqlClient.SqlClient, context)
        )
      const first = yield* yield* open(0)
      const second = yield* yield* open(0)
      yield* Effect.provideService(withTable, SqlClient.SqlClient, first)
      const busy = Effect.flip(insert(second, "/b"))
      const error = yield* first.withTransaction(Effect.andThen(insert(first, "/a"), busy))
      assert.nestedPropertyVal(error, "reason._tag", "LockTimeoutError")
    })
  )

  it.effect("that is no database is refused by name, and not touched", () =>
    Effect.gen(function* () {
      const filename = join(yield* temporaryFolder, "notes.txt")
      const notes = "no database: only some text ".repeat(10)
      writeFileSync(filename, notes)
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Sqlite.layer({ filename }))))
      assert.strictEqual(error.reason.message, `cannot open database ${filename}: file is not a database`)
      assert.strictEqual(readFileSync(filename, "utf8"), notes)
    })
  )

  it.effect("that cannot be opened is a connection error", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFolder
      for (const filename of [path, join(path, "none", "pages.db")]) {
        const error = yield* Effect.flip(Effect.scoped(Layer.build(Sqlite.layer({ filename }))))
        assert.strictEqual(error.reason._tag, "ConnectionError")
        assert.include(error.reason.message, filename)
      }
    })
  )

  it.effect("is closed with its scope: a client kept longer fails typed", () =>
    Effect.gen(function* () {
      const sql = yield* Effect.provide(SqlClient.SqlClient, memory)
      const exit = yield* Effect.exit(sql`SELECT 1`)
      assert.isTrue(Exit.isFailure(exit))
      assert.include(JSON.stringify(exit), "SqlError")
    })
  )
})
