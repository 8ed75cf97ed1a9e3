import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import { temporaryFile } from "./temporary.ts"

describe("an option is checked when the client is opened", () => {
  const wrong: ReadonlyArray<readonly [options: object, said: string]> = [
    [{ filename: "" }, "filename is not the name of a file"],
    [{}, "filename is not the name of a file"],
    [{ filename: 1 }, "filename is not the name of a file"],
    [
      { filename: ":memory:", busyTimout: 1 },
      "unknown option busyTimout; the options are filename, busyTimeout, streamTimeout"
    ],
    [{ filename: ":memory:", busyTimeout: "5 secnds" }, "busyTimeout is not a duration"],
    [{ filename: ":memory:", busyTimeout: Number.NaN }, "busyTimeout is not a duration"],
    [{ filename: ":memory:", streamTimeout: "soon" }, "streamTimeout is not a duration"]
  ]
  for (const [options, said] of wrong) {
    it.effect(said, () =>
      Effect.gen(function* () {
        // As an untyped program gives them.
        const error = yield* Effect.flip(Effect.scoped(Layer.build(Sqlite.layer(options as Sqlite.Options))))
        assert.strictEqual(error.message, `cannot open database: ${said}`)
        assert.isFalse(error.isRetryable)
      })
    )
  }

  const right: ReadonlyArray<readonly [timeout: Duration.Input, millis: number]> = [
    [0, 0],
    [-1, 0],
    [1.5, 2],
    ["2 seconds", 2000],
    [Duration.minutes(1), 60_000],
    [3_000_000n, 3],
    [Duration.infinity, 2 ** 31 - 1],
    [2 ** 40, 2 ** 31 - 1]
  ]
  for (const [busyTimeout, millis] of right) {
    it.effect(`busyTimeout ${Duration.format(Duration.fromInputUnsafe(busyTimeout))} is ${millis} ms`, () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql`PRAGMA busy_timeout`.values, [[millis]])
      }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:", busyTimeout })))
    )
  }
})

it.effect("a file that is opened for reading is read, and a write is a typed failure", () =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const file = new DatabaseSync(filename)
    file.exec("PRAGMA journal_mode = WAL; CREATE TABLE a (x); INSERT INTO a VALUES (1)")
    file.close()
    const uri = `file:${filename}?mode=ro`
    yield* Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`SELECT x FROM a`.values, [[1]])
      for (const write of [
        sql`DELETE FROM a`,
        sql`DELETE FROM a RETURNING x`,
        sql.withTransaction(sql`DELETE FROM a`)
      ]) {
        assert.strictEqual(
          (yield* Effect.flip(Effect.asVoid(write))).message,
          "statement failed: attempt to write a readonly database"
        )
      }
      assert.deepStrictEqual(yield* sql`SELECT x FROM a`.values, [[1]])
    }).pipe(Effect.provide(Sqlite.layer({ filename: uri })))
  })
)

it.effect("a full disk is a typed failure, which takes its transaction back and leaves the client usable", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE a (x)`
    yield* sql`PRAGMA max_page_count = 8`
    const fill = sql`INSERT INTO a VALUES (zeroblob(100000))`
    for (const write of [fill, sql.withTransaction(Effect.andThen(sql`INSERT INTO a VALUES (1)`, fill))]) {
      assert.strictEqual(
        (yield* Effect.flip(Effect.asVoid(write))).message,
        "statement failed: database or disk is full"
      )
    }
    const returning = sql`INSERT INTO a VALUES (zeroblob(100000)) RETURNING 1`
    yield* Effect.flip(returning)
    yield* Effect.flip(sql.withTransaction(returning))
    yield* sql.withTransaction(sql`INSERT INTO a VALUES (2)`)
    assert.deepStrictEqual(yield* sql`SELECT x FROM a`.values, [[2]])
  }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))
)

it.effect(
  "a deferred constraint that RETURNING's own transaction breaks is a typed failure, and nothing is written",
  () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE a (id INTEGER PRIMARY KEY);
      CREATE TABLE b (a INTEGER REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)`
      const error = yield* Effect.flip(sql`INSERT INTO b VALUES (9) RETURNING a`)
      assert.strictEqual(error.reason._tag, "ConstraintError")
      assert.deepStrictEqual(yield* sql`SELECT * FROM b`.values, [])
      // In a transaction of the caller's it may be mended until the end.
      yield* sql.withTransaction(
        Effect.andThen(sql`INSERT INTO b VALUES (9) RETURNING a`, sql`INSERT INTO a VALUES (9) RETURNING id`)
      )
      assert.deepStrictEqual(yield* sql`SELECT * FROM b`.values, [[9]])
    }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))
)

describe("after its scope a client", () => {
  it.effect("fails typed, whatever is done with it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const sql = yield* Sqlite.make({ filename: ":memory:" }).pipe(
        Scope.provide(scope),
        Effect.provide(Reactivity.layer)
      )
      const read = sql`SELECT 1`
      yield* read
      yield* sql.withTransaction(read)
      yield* Scope.close(scope, Exit.void)
      const uses = [read, read.raw, read.values, sql`SELECT 2`, Stream.runDrain(read.stream), sql.withTransaction(read)]
      for (const use of uses) {
        const error = yield* Effect.flip(Effect.asVoid(use))
        assert.strictEqual(error.message, "statement failed: the database was closed with the scope of its client")
      }
    })
  )

  it.effect("fails typed within a transaction, too", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const sql = yield* Sqlite.make({ filename: ":memory:" }).pipe(
        Scope.provide(scope),
        Effect.provide(Reactivity.layer)
      )
      const closing = Effect.andThen(Scope.close(scope, Exit.void), sql`SELECT 1`)
      const error = yield* Effect.flip(sql.withTransaction(sql.withTransaction(closing)))
      assert.strictEqual(error.message, "statement failed: the database was closed with the scope of its client")
      const ended = yield* Effect.flip(sql.withTransaction(Effect.void))
      assert.include(ended.message, "closed")
    })
  )
})
