import { assert, describe, it } from "@effect/vitest"
import Database from "better-sqlite3"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { classifySqliteError } from "effect/sql/SqlError"
import * as Sqlite from "@redrive/sqlite/Sqlite"

/*
 * better-sqlite3 is another driver with another SQLite. Both are given the same statements, and must agree, or refuse.
 */

const memory = Sqlite.layer({ filename: ":memory:" })

const pick = <A>(all: ReadonlyArray<A>): A => {
  const one = all[Math.floor(Math.random() * all.length)]
  return one === undefined ? assert.fail("nothing to pick from") : one
}

const whole = (most: number) => Math.floor(Math.random() * most)

const letters = ["a", "Z", "0", "'", '"', "?", ";", "\\", "\n", "é", "\u{1F600}", "\uD800", "\uFEFF", "%"]

const text = () => Array.from({ length: whole(12) }, () => pick(letters)).join("")

const generators: Record<string, () => unknown> = {
  text,
  integer: () => pick([1, -1]) * whole(2 ** 31),
  "large integer": () => pick([1, -1]) * Math.floor(Math.random() * 2 ** 62),
  fraction: () => (Math.random() - 0.5) * 10 ** (whole(600) - 300),
  "special number": () => pick([0, -0, 1e308, 5e-324, Infinity, -Infinity, 2 ** 53, 2 ** 63, -(2 ** 63), 1e20]),
  bigint: () => BigInt.asIntN(64, BigInt(whole(2 ** 32)) << BigInt(whole(40))),
  bytes: () => Uint8Array.from({ length: whole(9) }, () => whole(256)),
  null: () => null,
  "numeric text": () => pick(["1", " 1 ", "1.0", "1e3", "0x10", "9007199254740993", "9223372036854775808", "-0", "1a"])
}

const types = ["", "INTEGER", "REAL", "NUMERIC", "BLOB", "TEXT"]

/** Bytes are a Buffer in the one, and a Uint8Array in the other. */
const plain = (rows: ReadonlyArray<ReadonlyArray<unknown>>) =>
  rows.map((row) => row.map((value) => (value instanceof Uint8Array ? Uint8Array.from(value) : value)))

const both = <E>(
  use: (sql: SqlClient.SqlClient, oracle: Database.Database) => Effect.Effect<void, E>
): Effect.Effect<void, unknown> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new Database(":memory:")),
    (oracle) =>
      Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => use(sql, oracle)),
        memory
      ),
    (oracle) => Effect.sync(() => oracle.close())
  )

/** It has one method for statements that return rows, and one for the others. */
const failureOf = (oracle: Database.Database, text: string, params: ReadonlyArray<unknown>): unknown => {
  try {
    const statement = oracle.prepare(text)
    if (statement.reader) statement.all(...params)
    else statement.run(...params)
    return undefined
  } catch (cause) {
    return cause
  }
}

describe("better-sqlite3 agrees", () => {
  for (const [kind, generate] of Object.entries(generators)) {
    it.effect(`on what is stored and read: ${kind}`, () =>
      both((sql, oracle) =>
        Effect.gen(function* () {
          const columns = types.map((type, index) => `c${index} ${type}`).join(", ")
          const create = `CREATE TABLE a (${columns})`
          yield* sql.unsafe(create)
          oracle.exec(create)
          const insert = `INSERT INTO a VALUES (${types.map(() => "?").join(", ")})`
          const read = `SELECT ${types.flatMap((_, index) => [`c${index}`, `typeof(c${index})`]).join(", ")} FROM a`
          for (let run = 0; run < 60; run++) {
            const value = generate()
            // How many digits of a fraction become text differs by SQLite's version.
            const values = types.map((type) => (type === "TEXT" && typeof value === "number" ? 1 : value))
            yield* sql`DELETE FROM a`
            oracle.exec("DELETE FROM a")
            yield* sql.unsafe(insert, values)
            oracle.prepare(insert).run(...values)
            const safe = yield* Effect.provideService(sql.unsafe(read).values, SqlClient.SafeIntegers, true)
            assert.deepStrictEqual(
              plain(safe),
              plain(oracle.prepare(read).safeIntegers().raw().all() as ReadonlyArray<ReadonlyArray<unknown>>)
            )
            const isRounded = safe.flat().some((one) => typeof one === "bigint" && !Number.isSafeInteger(Number(one)))
            const given = yield* Effect.result(sql.unsafe(read).values)
            // There a number is rounded; here it is refused.
            assert.strictEqual(given._tag === "Failure", isRounded)
            if (given._tag === "Success") {
              assert.deepStrictEqual(
                plain(given.success),
                plain(oracle.prepare(read).raw().all() as ReadonlyArray<ReadonlyArray<unknown>>)
              )
            }
          }
        })
      )
    )
  }

  const failing: ReadonlyArray<readonly [text: string, params: ReadonlyArray<unknown>]> = [
    ["INSERT INTO a VALUES (1, 'x', 1, 1)", []],
    ["INSERT INTO a VALUES (?, 'y', 1, 1)", ["no number"]],
    ["INSERT INTO a VALUES (2, NULL, 1, 1)", []],
    ["INSERT INTO a VALUES (2, 'x', 1, 1)", []],
    ["INSERT INTO a VALUES (2, 'y', -1, 1)", []],
    ["INSERT INTO a VALUES (2, 'y', 1, 9)", []],
    ["INSERT INTO a VALUES (1)", []],
    ["INSERT INTO strict VALUES (?)", ["text"]],
    ["SELECT * FROM none", []],
    ["SELECT none FROM a", []],
    ["SELEC 1", []],
    ["SELECT abs(?)", [-(2n ** 63n)]],
    ["SELECT json(?)", ["{"]],
    ["SELECT zeroblob(2000000000)", []],
    ["DELETE FROM a", []],
    ["COMMIT", []],
    ["CREATE TABLE a (x)", []],
    ["CREATE UNIQUE INDEX i ON doubles (x)", []],
    ["ATTACH '/nowhere/at/all.db' AS b", []],
    ["SELECT RAISE(ABORT, 'no')", []],
    ["INSERT INTO guarded VALUES (1)", []]
  ]
  for (const [statement, params] of failing) {
    it.effect(`on why it fails: ${statement}`, () =>
      both((sql, oracle) =>
        Effect.gen(function* () {
          const setup = `
            CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (1);
            CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, n INTEGER CHECK (n > 0), b INTEGER REFERENCES b (id));
            INSERT INTO a VALUES (1, 'x', 1, 1);
            CREATE TABLE c (a INTEGER NOT NULL REFERENCES a (id)); INSERT INTO c VALUES (1);
            CREATE TABLE strict (n INTEGER) STRICT;
            CREATE TABLE doubles (x); INSERT INTO doubles VALUES (1), (1);
            CREATE TABLE guarded (x);
            CREATE TRIGGER guard BEFORE INSERT ON guarded BEGIN SELECT RAISE(ABORT, 'guarded; no'); END`
          yield* sql.unsafe(setup)
          oracle.pragma("foreign_keys = ON")
          oracle.exec(setup)
          const error = yield* Effect.flip(sql.unsafe(statement, params))
          const expected = failureOf(oracle, statement, params)
          assert.strictEqual(error.reason._tag, classifySqliteError(expected)._tag)
          assert.instanceOf(expected, Error)
          assert.strictEqual(error.message, `statement failed: ${expected.message}`)
        })
      )
    )
  }
})
