import { spawnSync } from "node:child_process"
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import { temporaryFile } from "./temporary.ts"

/** Runs SQL in another process. */
const beside = (filename: string, script: string) =>
  Effect.sync(() => {
    const program = `new (require("node:sqlite").DatabaseSync)(process.argv[1], { timeout: 5000 }).exec(process.argv[2])`
    const { status, stderr } = spawnSync(process.execPath, ["-e", program, filename, script], { encoding: "utf8" })
    assert.strictEqual(status, 0, stderr)
  })

type Change = (sql: SqlClient.SqlClient, filename: string, text: string) => Effect.Effect<unknown, unknown>

const changers: Record<string, Change> = {
  "by this client": (sql, _, text) => sql.unsafe(text),
  "in a transaction": (sql, _, text) => sql.withTransaction(sql.unsafe(text)),
  "by another process": (_, filename, text) => beside(filename, text)
}

const changes: ReadonlyArray<
  readonly [name: string, text: string, rows: ReadonlyArray<unknown>, values: ReadonlyArray<unknown>]
> = [
  ["a column is added", "ALTER TABLE a ADD COLUMN z DEFAULT 7", [{ x: 1, y: 2, z: 7 }], [[1, 2, 7]]],
  ["a column is dropped", "ALTER TABLE a DROP COLUMN y", [{ x: 1 }], [[1]]],
  ["a column is renamed", "ALTER TABLE a RENAME COLUMN y TO b", [{ x: 1, b: 2 }], [[1, 2]]],
  [
    "one goes and one comes",
    "ALTER TABLE a DROP COLUMN x; ALTER TABLE a ADD COLUMN x DEFAULT 8",
    [{ y: 2, x: 8 }],
    [[2, 8]]
  ],
  [
    "the table is made anew",
    "DROP TABLE a; CREATE TABLE a (k, l, m, n); INSERT INTO a VALUES (1, 2, 3, 4)",
    [{ k: 1, l: 2, m: 3, n: 4 }],
    [[1, 2, 3, 4]]
  ],
  ["a table becomes a view", "DROP TABLE a; CREATE VIEW a AS SELECT 1 AS one", [{ one: 1 }], [[1]]]
]

/** Every way to read, each with a text of its own, and read once before the schema changes. */
const reads = (sql: SqlClient.SqlClient) => {
  const objects = (rows: ReadonlyArray<object>) => rows.map((row) => ({ ...row }))
  return {
    execute: Effect.map(sql`SELECT * FROM a /* execute */`, objects),
    unprepared: Effect.map(sql`SELECT * FROM a /* unprepared */`.unprepared, objects),
    raw: Effect.map(sql`SELECT * FROM a /* raw */`.raw, (rows) => objects(rows as ReadonlyArray<object>)),
    stream: Effect.map(Stream.runCollect(sql`SELECT * FROM a /* stream */`.stream), objects),
    with: Effect.map(sql`WITH b AS (SELECT * FROM a) SELECT * FROM b`, objects)
  }
}

const prepared = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE a (x, y)`
  yield* sql`INSERT INTO a VALUES (1, 2)`
  const ways: Record<string, Effect.Effect<ReadonlyArray<object>, SqlError>> = reads(sql)
  for (const read of Object.values(ways)) assert.deepStrictEqual(yield* read, [{ x: 1, y: 2 }])
  const { values } = sql`SELECT * FROM a /* values */`
  assert.deepStrictEqual(yield* values, [[1, 2]])
  return { sql, ways, values }
})

describe("a statement that was run before has the columns of today after", () => {
  for (const [changed, text, rows, columns] of changes) {
    for (const [by, change] of Object.entries(changers)) {
      it.effect(`${changed} ${by}`, () =>
        Effect.gen(function* () {
          const filename = yield* temporaryFile
          yield* Effect.gen(function* () {
            const { sql, values, ways } = yield* prepared
            yield* change(sql, filename, text)
            for (const [way, read] of Object.entries(ways)) {
              assert.deepStrictEqual(yield* read, rows, way)
              assert.deepStrictEqual(yield* read, rows, `${way} again`)
            }
            assert.deepStrictEqual(yield* values, columns)
          }).pipe(Effect.provide(Sqlite.layer({ filename })))
        })
      )
    }
  }

  it.effect("a change is taken back", () =>
    Effect.gen(function* () {
      const { sql, values, ways } = yield* prepared
      const inside = Effect.gen(function* () {
        yield* sql`ALTER TABLE a ADD COLUMN z DEFAULT 7`
        for (const [way, read] of Object.entries(ways)) assert.deepStrictEqual(yield* read, [{ x: 1, y: 2, z: 7 }], way)
        assert.deepStrictEqual(yield* values, [[1, 2, 7]])
        return yield* Effect.fail("no")
      })
      for (const undone of [
        sql.withTransaction(inside),
        sql.withTransaction(Effect.flip(sql.withTransaction(inside)))
      ]) {
        yield* Effect.exit(undone)
        for (const [way, read] of Object.entries(ways)) assert.deepStrictEqual(yield* read, [{ x: 1, y: 2 }], way)
        assert.deepStrictEqual(yield* values, [[1, 2]])
      }
    }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))
  )

  it.effect("no row was found in between", () =>
    Effect.gen(function* () {
      const { sql, values, ways } = yield* prepared
      yield* sql`DELETE FROM a`
      yield* sql`ALTER TABLE a ADD COLUMN z DEFAULT 7`
      for (const [way, read] of Object.entries(ways)) assert.deepStrictEqual(yield* read, [], way)
      yield* sql`INSERT INTO a (x) VALUES (1)`
      for (const [way, read] of Object.entries(ways))
        assert.deepStrictEqual(yield* read, [{ x: 1, y: null, z: 7 }], way)
      assert.deepStrictEqual(yield* values, [[1, null, 7]])
    }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))
  )

  it.effect("RETURNING writes once", () =>
    Effect.gen(function* () {
      const { sql } = yield* prepared
      const insert = Effect.map(sql`INSERT INTO a (x) VALUES (${5}) RETURNING *`, ([row]) => ({ ...row }))
      assert.deepStrictEqual(yield* insert, { x: 5, y: null })
      yield* sql`ALTER TABLE a ADD COLUMN z DEFAULT 7`
      assert.deepStrictEqual(yield* insert, { x: 5, y: null, z: 7 })
      yield* sql`ALTER TABLE a DROP COLUMN y`
      assert.deepStrictEqual(yield* insert, { x: 5, z: 7 })
      assert.deepStrictEqual(yield* sql`SELECT count(*) FROM a WHERE x = 5`.values, [[3]])
    }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))
  )
})

const whole = (most: number) => Math.floor(Math.random() * most)

/** A change that may fail: of a column that is not there, for one. Both connections are left as they were then. */
const randomChange = (): string => {
  const column = () => `c${whole(4)}`
  const changes = [
    () => `ALTER TABLE a ADD COLUMN ${column()} DEFAULT ${whole(100)}`,
    () => `ALTER TABLE a DROP COLUMN ${column()}`,
    () => `ALTER TABLE a RENAME COLUMN ${column()} TO ${column()}`,
    () => `DROP TABLE a; CREATE TABLE a (${column()}, d); INSERT INTO a VALUES (1, 2)`,
    () => "DROP TABLE a; CREATE TABLE a (d, e, f)",
    () => "INSERT INTO a DEFAULT VALUES",
    () => "DELETE FROM a"
  ]
  return changes[whole(changes.length)]?.() ?? "SELECT 1"
}

it.effect("whatever changes, by whom and in which order, all see what a new connection sees", () =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const other = yield* Effect.acquireRelease(
      Effect.sync(() => new DatabaseSync(filename)),
      (database) => Effect.sync(() => database.close())
    )
    yield* Effect.gen(function* () {
      const { sql, values, ways } = yield* prepared
      const agree = Effect.gen(function* () {
        const fresh = new DatabaseSync(filename)
        const expected = fresh
          .prepare("SELECT * FROM a")
          .all()
          .map((row) => ({ ...row }))
        fresh.close()
        // Each statement is as old as it happens to be.
        for (const [way, read] of Object.entries(ways)) {
          if (Math.random() < 0.5) assert.deepStrictEqual(yield* read, expected, way)
        }
        if (Math.random() < 0.5) {
          assert.deepStrictEqual(
            yield* values,
            expected.map((row) => Object.values(row))
          )
        }
      })
      for (let step = 0; step < 300; step++) {
        const change = randomChange()
        const own = Effect.ignore(sql.withTransaction(sql.unsafe(change)))
        const byOther = Effect.sync(() => {
          try {
            other.exec(`BEGIN; ${change}; COMMIT`)
          } catch {
            if (other.isTransaction) other.exec("ROLLBACK")
          }
        })
        const undone = sql.withTransaction(
          Effect.andThen(Effect.ignore(sql.unsafe(change)), Effect.andThen(values, Effect.fail("no")))
        )
        yield* [own, byOther, Effect.ignore(undone)][whole(3)] ?? own
        yield* agree
      }
    }).pipe(Effect.provide(Sqlite.layer({ filename })))
  })
)

it.effect("a table that is gone is a typed error, and the statement runs again once it is back", () =>
  Effect.gen(function* () {
    const { sql, ways } = yield* prepared
    yield* sql`ALTER TABLE a RENAME TO b`
    for (const read of Object.values(ways)) {
      assert.strictEqual((yield* Effect.flip(read)).message, "statement failed: no such table: a")
    }
    yield* sql`ALTER TABLE b RENAME TO a`
    for (const read of Object.values(ways)) assert.deepStrictEqual(yield* read, [{ x: 1, y: 2 }])
  }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))
)

it.effect("an attached database and a temporary table count as well", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`ATTACH ${":memory:"} AS other`
    yield* sql`CREATE TABLE other.a (x)`
    yield* sql`INSERT INTO other.a VALUES (1)`
    const read = Effect.map(sql`SELECT * FROM a`, ([row]) => ({ ...row }))
    assert.deepStrictEqual(yield* read, { x: 1 })
    yield* sql`ALTER TABLE other.a ADD COLUMN y DEFAULT 2`
    assert.deepStrictEqual(yield* read, { x: 1, y: 2 })
    yield* sql`CREATE TEMPORARY TABLE a (z); INSERT INTO temp.a VALUES (3)`
    assert.deepStrictEqual(yield* read, { z: 3 })
    yield* sql`DROP TABLE temp.a`
    yield* sql`DETACH other`
    assert.strictEqual((yield* Effect.flip(read)).message, "statement failed: no such table: a")
  }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))
)
