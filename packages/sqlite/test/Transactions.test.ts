import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Sqlite from "@redrive/sqlite/Sqlite"

const withTable = (use: (sql: SqlClient.SqlClient) => Effect.Effect<void, unknown>) => () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE a (x UNIQUE); INSERT INTO a VALUES (0);
      CREATE TRIGGER guard BEFORE INSERT ON a WHEN new.x < 0 BEGIN SELECT RAISE(ROLLBACK, 'negative'); END`
    yield* use(sql)
  }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))

const all = (sql: SqlClient.SqlClient) => Effect.map(sql`SELECT x FROM a ORDER BY x`.values, (rows) => rows.flat())

const insert = (sql: SqlClient.SqlClient, x: number) => sql`INSERT INTO a VALUES (${x})`

const failureOf = (failing: Effect.Effect<unknown, unknown>) =>
  Effect.map(Effect.flip(Effect.asVoid(failing)), (error) => (error instanceof Error ? error.message : error))

const takenBack =
  "statement failed: SQLite took the transaction back when an earlier statement failed; nothing more can be done in it"

/** Statements whose failure ends the whole transaction, and not only the statement. */
const ending: Record<string, (sql: SqlClient.SqlClient) => Effect.Effect<unknown, SqlError>> = {
  "INSERT OR ROLLBACK": (sql) => sql`INSERT OR ROLLBACK INTO a VALUES (0)`,
  "INSERT OR ROLLBACK with RETURNING": (sql) => sql`INSERT OR ROLLBACK INTO a VALUES (0) RETURNING x`,
  "a trigger's RAISE(ROLLBACK)": (sql) => insert(sql, -1),
  "a stream": (sql) => Stream.runDrain(sql`INSERT OR ROLLBACK INTO a VALUES (0) RETURNING x`.stream)
}

describe("after SQLite took a transaction back, nothing is written outside of it", () => {
  for (const [name, end] of Object.entries(ending)) {
    it.effect(
      `by ${name}`,
      withTable((sql) =>
        Effect.gen(function* () {
          const inside = Effect.gen(function* () {
            yield* insert(sql, 1)
            yield* Effect.flip(end(sql))
            yield* insert(sql, 2)
          })
          assert.strictEqual(yield* failureOf(sql.withTransaction(inside)), takenBack)
          assert.deepStrictEqual(yield* all(sql), [0])
        })
      )
    )

    it.effect(
      `by ${name} whose failure is caught, like all that follow`,
      withTable((sql) =>
        Effect.gen(function* () {
          const inside = Effect.gen(function* () {
            yield* insert(sql, 1)
            yield* Effect.flip(sql.withTransaction(end(sql)))
            const uses = [insert(sql, 2), sql.withTransaction(insert(sql, 3)), Stream.runDrain(sql`SELECT 1`.stream)]
            for (const use of uses) assert.strictEqual(yield* failureOf(use), takenBack)
          })
          assert.strictEqual(yield* failureOf(sql.withTransaction(inside)), takenBack)
          assert.deepStrictEqual(yield* all(sql), [0])
        })
      )
    )

    it.effect(
      `by ${name}, and the next transaction is whole`,
      withTable((sql) =>
        Effect.gen(function* () {
          yield* Effect.flip(sql.withTransaction(end(sql)))
          yield* sql.withTransaction(Effect.andThen(insert(sql, 1), sql.withTransaction(insert(sql, 2))))
          assert.deepStrictEqual(yield* all(sql), [0, 1, 2])
        })
      )
    )
  }

  it.effect(
    "but a statement that fails alone leaves its transaction open",
    withTable((sql) =>
      Effect.gen(function* () {
        yield* sql.withTransaction(
          Effect.gen(function* () {
            yield* insert(sql, 1)
            yield* Effect.flip(insert(sql, 1))
            yield* insert(sql, 2)
          })
        )
        assert.deepStrictEqual(yield* all(sql), [0, 1, 2])
      })
    )
  )

  it.effect(
    "and a connection that was reserved may begin again",
    withTable((sql) =>
      Effect.scoped(
        Effect.gen(function* () {
          const connection = yield* sql.reserve
          const run = (text: string) => connection.execute(text, [], undefined)
          yield* Effect.flip(run("INSERT INTO a VALUES (0)"))
          yield* run("INSERT INTO a VALUES (1)")
          yield* run("BEGIN")
          yield* Effect.flip(run("INSERT OR ROLLBACK INTO a VALUES (0)"))
          assert.strictEqual(yield* failureOf(run("INSERT INTO a VALUES (2)")), takenBack)
          yield* run("BEGIN")
          yield* run("INSERT INTO a VALUES (3)")
          yield* run("COMMIT")
          assert.deepStrictEqual(yield* connection.executeValues("SELECT x FROM a ORDER BY x", []), [[0], [1], [3]])
        })
      )
    )
  )
})

it.effect(
  "a transaction that a text leaves open is rolled back, and the text refused: what comes next is kept",
  withTable((sql) =>
    Effect.gen(function* () {
      const left = ["BEGIN", "BEGIN; INSERT INTO a VALUES (7)", "SAVEPOINT b"]
      for (const text of left) {
        const error = yield* Effect.flip(sql.unsafe(text))
        assert.include(error.reason.message, "use sql.withTransaction")
      }
      const failed = yield* Effect.flip(sql.unsafe("BEGIN; INSERT INTO a VALUES (7); no SQL; COMMIT"))
      assert.include(failed.reason.message, "statement 3 of the text")
      yield* insert(sql, 1)
      yield* sql.unsafe("BEGIN; INSERT INTO a VALUES (2); COMMIT")
      yield* sql.withTransaction(insert(sql, 3))
      yield* Effect.ignore(sql.withTransaction(Effect.andThen(insert(sql, 4), Effect.fail("no"))))
      assert.deepStrictEqual(yield* all(sql), [0, 1, 2, 3])
    })
  )
)

it.effect(
  "a transaction that is left open on a reserved connection ends with its scope",
  withTable((sql) =>
    Effect.gen(function* () {
      const left = Effect.flatMap(sql.reserve, (connection) =>
        Effect.andThen(
          connection.executeUnprepared("BEGIN", [], undefined),
          connection.executeUnprepared("INSERT INTO a VALUES (7)", [], undefined)
        )
      )
      yield* Effect.scoped(left)
      yield* insert(sql, 1)
      assert.deepStrictEqual(yield* all(sql), [0, 1])
    })
  )
)

it.effect(
  "a constraint that fails at the end takes the transaction back, and the next one runs",
  withTable((sql) =>
    Effect.gen(function* () {
      yield* sql`CREATE TABLE b (x REFERENCES a (x) DEFERRABLE INITIALLY DEFERRED)`
      const error = yield* Effect.flip(sql.withTransaction(sql`INSERT INTO b VALUES (9)`))
      assert.strictEqual(error.reason._tag, "ConstraintError")
      yield* sql.withTransaction(insert(sql, 1))
      assert.deepStrictEqual(yield* sql`SELECT * FROM b`, [])
      assert.deepStrictEqual(yield* all(sql), [0, 1])
    })
  )
)
