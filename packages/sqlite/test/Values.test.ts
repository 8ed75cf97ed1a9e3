import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import { temporaryFile } from "./temporary.ts"

const memory = Sqlite.layer({ filename: ":memory:" })

const withTable = (use: (sql: SqlClient.SqlClient) => Effect.Effect<void, unknown>) => () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER)`
    yield* use(sql)
  }).pipe(Effect.provide(memory))

const asBigInts = Effect.provideService(SqlClient.SafeIntegers, true)

const smallest = -(2n ** 63n)

const beyond = 2n ** 53n + 1n

/** Every way to read the same text. */
const ways = (sql: SqlClient.SqlClient): Record<string, Effect.Effect<ReadonlyArray<unknown>, unknown>> => {
  const statement = sql`SELECT n FROM a`
  const numbers = (rows: ReadonlyArray<object>) => rows.flatMap((row) => Object.values(row))
  return {
    execute: Effect.map(statement, numbers),
    unprepared: Effect.map(statement.unprepared, numbers),
    raw: Effect.map(statement.raw, (rows) => numbers(rows as ReadonlyArray<object>)),
    values: Effect.map(statement.values, numbers),
    valuesUnprepared: Effect.map(statement.valuesUnprepared, numbers),
    stream: Effect.map(Stream.runCollect(statement.stream), numbers)
  }
}

describe("whole numbers", () => {
  it.effect(
    "are numbers, and bigints where SafeIntegers asks for them, however often that changes",
    withTable((sql) =>
      Effect.gen(function* () {
        yield* sql`INSERT INTO a (n) VALUES (${7}), (${7n})`
        for (const [way, read] of Object.entries(ways(sql))) {
          assert.deepStrictEqual(yield* read, [7, 7], way)
          assert.deepStrictEqual(yield* asBigInts(read), [7n, 7n], way)
          assert.deepStrictEqual(yield* read, [7, 7], way)
        }
      })
    )
  )

  it.effect(
    "that were written can be read: all of 64 bits as bigints, to 2^53 as numbers",
    withTable((sql) =>
      Effect.gen(function* () {
        const written = [0n, -1n, 2n ** 53n - 1n, 1n - 2n ** 53n, beyond, -beyond, 2n ** 63n - 1n, smallest]
        for (const n of written) {
          yield* sql`DELETE FROM a`
          yield* sql`INSERT INTO a (n) VALUES (${n})`
          for (const [way, read] of Object.entries(ways(sql))) {
            assert.deepStrictEqual(yield* asBigInts(read), [n], way)
            if (Number.isSafeInteger(Number(n))) {
              assert.deepStrictEqual(yield* read, [Number(n)], way)
            } else if (n > smallest) {
              // Node.js reads the smallest of all as a number, which is exact.
              const error = yield* Effect.flip(read)
              assert.nestedPropertyVal(error, "reason._tag", "UnknownError", way)
              assert.propertyVal(
                error,
                "message",
                "statement failed: a column holds a whole number beyond 2^53: provide SqlClient.SafeIntegers to read bigints",
                way
              )
            }
          }
        }
      })
    )
  )

  it.effect(
    "leave the connection usable when they cannot be read",
    withTable((sql) =>
      Effect.gen(function* () {
        yield* sql`INSERT INTO a (n) VALUES (${1}), (${beyond}), (${2})`
        for (const read of Object.values(ways(sql))) yield* Effect.flip(read)
        yield* sql.withTransaction(sql`DELETE FROM a WHERE n = ${beyond}`)
        for (const read of Object.values(ways(sql))) assert.deepStrictEqual(yield* read, [1, 2])
        yield* sql`DROP TABLE a`
      })
    )
  )

  it.effect(
    "that RETURNING cannot give are not written",
    withTable((sql) =>
      Effect.gen(function* () {
        const insert = sql`INSERT INTO a (n) VALUES (${beyond}) RETURNING n`
        const ways = [insert, insert.values, insert.raw, insert.unprepared]
        for (const write of ways) {
          yield* Effect.flip(write)
          yield* sql.withTransaction(Effect.flip(write))
        }
        assert.deepStrictEqual(yield* sql`SELECT count(*) FROM a`.values, [[0]])
        for (const write of ways) yield* asBigInts(write)
        assert.deepStrictEqual(yield* sql`SELECT count(*) FROM a`.values, [[ways.length]])
      })
    )
  )

  it.effect(
    "of a row that is inserted are given as they are",
    withTable((sql) =>
      Effect.gen(function* () {
        const insert = (id: bigint) => sql`INSERT INTO a (id) VALUES (${id})`.raw
        assert.deepStrictEqual(yield* insert(1n), { changes: 1, lastInsertRowid: 1 })
        assert.deepStrictEqual(yield* insert(beyond), { changes: 1, lastInsertRowid: beyond })
        assert.deepStrictEqual(yield* asBigInts(insert(2n)), { changes: 1n, lastInsertRowid: 2n })
        assert.deepStrictEqual(yield* sql`INSERT INTO a (id) VALUES (${beyond + 2n})`, [])
        // The last row's id stays beyond 2^53 for all statements after.
        yield* sql.withTransaction(sql`UPDATE a SET n = 1 RETURNING n`)
        assert.deepStrictEqual(yield* sql`UPDATE a SET n = 2`.raw, { changes: 4, lastInsertRowid: beyond + 2n })
      })
    )
  )

  it.effect(
    "are REAL if they are numbers, as in other drivers, and INTEGER if they are bigints or the column says so",
    withTable((sql) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* sql`SELECT typeof(${1}), typeof(${1n}), ${5} / 2, ${5n} / 2`.values, [
          ["real", "integer", 2.5, 2]
        ])
        yield* sql`INSERT INTO a (n) VALUES (${1})`
        assert.deepStrictEqual(yield* sql`SELECT typeof(n) FROM a`.values, [["integer"]])
      })
    )
  )
})

it.effect("PRAGMA may change what no transaction may", () =>
  Effect.gen(function* () {
    const opened = Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`PRAGMA journal_mode`.values, [["wal"]])
      assert.deepStrictEqual(yield* sql`PRAGMA journal_mode = DELETE`.values, [["delete"]])
      yield* sql`VACUUM`
    })
    yield* Effect.provide(opened, Sqlite.layer({ filename: yield* temporaryFile }))
  })
)

describe("rows", () => {
  it.effect(
    "keep the last of two columns with one name; values keep both",
    withTable((sql) =>
      Effect.gen(function* () {
        const statement = sql`SELECT 1 AS id, 2 AS id`
        assert.deepStrictEqual(
          (yield* statement).map((row) => ({ ...row })),
          [{ id: 2 }]
        )
        assert.deepStrictEqual(yield* statement.values, [[1, 2]])
      })
    )
  )

  it.effect(
    "may have columns of any name",
    withTable((sql) =>
      Effect.gen(function* () {
        const [row] = yield* sql`SELECT 1 AS "__proto__", 2 AS "constructor", 3 AS "", 4 AS "1", 5 AS "a.b"`
        assert.deepStrictEqual(Object.entries(row ?? {}), [
          ["1", 4],
          ["__proto__", 1],
          ["constructor", 2],
          ["", 3],
          ["a.b", 5]
        ])
      })
    )
  )

  it.effect(
    "are given by PRAGMA and EXPLAIN, too",
    withTable((sql) =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* sql`PRAGMA user_version = 3`, [])
        assert.deepStrictEqual(yield* sql`PRAGMA user_version`.values, [[3]])
        assert.deepStrictEqual(yield* sql`PRAGMA foreign_keys`.values, [[1]])
        assert.isAbove((yield* sql`EXPLAIN SELECT * FROM a`).length, 0)
        assert.deepStrictEqual(yield* sql`VALUES (1), (2)`.values, [[1], [2]])
      })
    )
  )
})
