import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as Sqlite from "@redrive/sqlite/Sqlite"

const memory = Sqlite.layer({ filename: ":memory:" })

const tables = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<{ name: string }>`SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`, (rows) =>
    rows.map(({ name }) => name)
  )

const withClient = (use: (sql: SqlClient.SqlClient) => Effect.Effect<void, unknown>) => () =>
  Effect.provide(Effect.flatMap(SqlClient.SqlClient, use), memory)

describe("of several statements in one text", () => {
  it.effect(
    "all are run, and the last one's rows are given",
    withClient((sql) =>
      Effect.gen(function* () {
        const script = "CREATE TABLE a (x); INSERT INTO a VALUES (1), (2); SELECT x FROM a ORDER BY x"
        assert.deepStrictEqual(
          (yield* sql.unsafe<{ x: number }>(script)).map(({ x }) => x),
          [1, 2]
        )
        assert.deepStrictEqual(yield* sql.unsafe("INSERT INTO a VALUES (3); SELECT count(*) FROM a").values, [[3]])
        assert.deepStrictEqual(yield* sql.unsafe("SELECT 1; INSERT INTO a VALUES (4), (5)").raw, {
          changes: 2,
          lastInsertRowid: 5
        })
        yield* sql.unsafe("CREATE TABLE b (x); CREATE TABLE c (x)").unprepared
        assert.deepStrictEqual(yield* tables(sql), ["a", "b", "c"])
      })
    )
  )

  it.effect(
    "a wrong one is a failure that names its place, and is not left out in silence",
    withClient((sql) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(sql.unsafe("CREATE TABLE a (x); CREATE TABLE b (x); this is no SQL"))
        assert.strictEqual(
          error.message,
          'statement failed: statement 3 of the text, after 2 that were run: near "this": syntax error'
        )
        const first = yield* Effect.flip(sql.unsafe("CREATE TABLE a (x); CREATE TABLE c (x)"))
        assert.strictEqual(first.message, "statement failed: table a already exists")
        assert.deepStrictEqual(yield* tables(sql), ["a", "b"])
      })
    )
  )

  it.effect(
    "a failure keeps its reason",
    withClient((sql) =>
      Effect.gen(function* () {
        const { reason } = yield* Effect.flip(
          sql.unsafe("CREATE TABLE a (x UNIQUE); INSERT INTO a VALUES (1); INSERT INTO a VALUES (1)")
        )
        assert.strictEqual(reason._tag, "UniqueViolation")
        assert.nestedPropertyVal(reason, "constraint", "a.x")
      })
    )
  )

  it.effect(
    "none stays in a transaction that fails",
    withClient((sql) =>
      Effect.gen(function* () {
        yield* Effect.flip(sql.withTransaction(sql.unsafe("CREATE TABLE a (x); CREATE TABLE b (x); no SQL")))
        assert.deepStrictEqual(yield* tables(sql), [])
      })
    )
  )

  it.effect(
    "none is run with parameters or in a stream, where only one could be",
    withClient((sql) =>
      Effect.gen(function* () {
        const script = "CREATE TABLE a (x); INSERT INTO a VALUES (?)"
        const error = yield* Effect.flip(sql.unsafe(script, [1]))
        assert.strictEqual(
          error.message,
          "statement failed: the text has several statements and parameters: run each in a call of its own"
        )
        const streamed = yield* Effect.flip(Stream.runDrain(sql.unsafe("SELECT 1; SELECT 2").stream))
        assert.strictEqual(streamed.message, "statement failed: the text has several statements: a stream runs one")
        assert.deepStrictEqual(yield* tables(sql), [])
        const missing = yield* Effect.flip(sql.unsafe(script))
        assert.include(missing.message, "statement 2 of the text, after 1 that were run: the statement has 1 parameter")
      })
    )
  )

  it.effect(
    "each is run in a migration",
    withClient((sql) =>
      Effect.gen(function* () {
        const script = sql`CREATE TABLE a (x); CREATE INDEX a_x ON a (x); CREATE TABLE b (x);`
        yield* Migrator.make({})({ loader: Migrator.fromRecord({ "0001_tables": script }) })
        assert.deepStrictEqual(yield* tables(sql), ["a", "b", "effect_sql_migrations"])
      }).pipe(Effect.provideService(SqlClient.SqlClient, sql))
    )
  )
})

it.effect(
  "however its statements are written, a script runs each of them once",
  withClient((sql) =>
    Effect.gen(function* () {
      const statements = [
        "INSERT INTO log VALUES ('a;b')",
        "INSERT INTO log VALUES ('it''s; -- ')",
        'INSERT INTO "log" ("x;y") VALUES (\'/*\')',
        "INSERT INTO log VALUES (1 /* ; */)",
        "INSERT INTO log VALUES (2 -- ;\n)",
        "insert into [log] values (x'3b')",
        "INSERT INTO `log` VALUES ('é\u{1F600};')",
        "WITH a AS (SELECT 1) INSERT INTO log SELECT * FROM a",
        "INSERT INTO log VALUES (3) RETURNING 'x;'"
      ]
      const between = [";", " ; ", ";;", ";\n", "; -- a; b\n", ";/* ; ' */", ";\uFEFF"]
      const pick = <A>(from: ReadonlyArray<A>) => from.slice(Math.floor(Math.random() * from.length)).slice(0, 1)
      yield* sql`CREATE TABLE log ("x;y")`
      for (let run = 0; run < 100; run++) {
        const many = Array.from({ length: 2 + Math.floor(Math.random() * 6) }, () => pick(statements)).flat()
        const script = many
          .flatMap((statement) => [...pick(between), statement, ...pick([";", " ;", ";-- ;\n"])])
          .join("")
        yield* sql`DELETE FROM log`
        yield* sql.unsafe(script)
        assert.deepStrictEqual(yield* sql`SELECT count(*) FROM log`.values, [[many.length]], script)
      }
    })
  )
)

describe("one statement is", () => {
  const ones: Record<string, string> = {
    "one with a semicolon": "SELECT 1;",
    "one with many": " ;; SELECT 1 ;; ; ",
    "one with comments around": "-- a; b\n/* c; */ SELECT 1 /* d; */; -- e; f\n/* g",
    "one with a semicolon in a string": "SELECT replace('1;', ';', '')  ",
    "one with a semicolon in a name": 'SELECT 1 AS "a;b" ; ',
    "one after a byte order mark": "\uFEFFSELECT 1",
    "one with characters of several bytes": "SELECT 1 /* é\u{1F600}\uD800 */; -- é\u{1F600}\uDC00"
  }
  for (const [name, text] of Object.entries(ones)) {
    it.effect(
      name,
      withClient((sql) =>
        Effect.gen(function* () {
          assert.deepStrictEqual(
            (yield* sql.unsafe(text).values).map(([value]) => Number(value)),
            [1]
          )
          assert.lengthOf(yield* Stream.runCollect(sql.unsafe(text).stream), 1)
        })
      )
    )
  }

  it.effect(
    "a trigger with several in its body",
    withClient((sql) =>
      Effect.gen(function* () {
        yield* sql`CREATE TABLE a (x); CREATE TABLE log (x)`
        yield* sql`CREATE TRIGGER copy AFTER INSERT ON a BEGIN
          INSERT INTO log VALUES (new.x); -- first;
          INSERT INTO log SELECT CASE WHEN new.x > 1 THEN 'many;' ELSE 'one' END;
        END;`
        yield* sql`INSERT INTO a VALUES (2)`
        assert.deepStrictEqual(yield* sql`SELECT x FROM log`.values, [[2], ["many;"]])
      })
    )
  )

  it.effect(
    "a trigger before another statement",
    withClient((sql) =>
      Effect.gen(function* () {
        yield* sql`CREATE TABLE a (x); CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; DELETE FROM a; END; CREATE TABLE b (x)`
        yield* sql`INSERT INTO a VALUES (1)`
        assert.deepStrictEqual(yield* sql`SELECT * FROM a`.values, [])
        assert.deepStrictEqual(yield* tables(sql), ["a", "b"])
      })
    )
  )
})

describe("a text without a statement is refused", () => {
  for (const text of ["", " \n", ";", "-- SELECT 1", "/* SELECT 1 */ ;", "/* open"]) {
    it.effect(
      JSON.stringify(text),
      withClient((sql) =>
        Effect.gen(function* () {
          assert.strictEqual(
            (yield* Effect.flip(sql.unsafe(text))).message,
            "statement failed: the text has no statement"
          )
        })
      )
    )
  }

  it.effect(
    "and one with a NUL character, where SQLite would end it",
    withClient((sql) =>
      Effect.gen(function* () {
        for (const text of ["SELECT 1\0; this is no SQL", "SELECT 'a\0b'", "\0SELECT 1"]) {
          assert.include((yield* Effect.flip(sql.unsafe(text))).message, "the text has a NUL character")
        }
      })
    )
  )
})

it.effect(
  "a text may have a literal of any length",
  withClient((sql) =>
    Effect.gen(function* () {
      const [row] = yield* sql.unsafe<{ n: number }>(`SELECT length('${"it''s ".repeat(4_000_000)}') AS n`)
      assert.strictEqual(row?.n, 20_000_000)
    })
  )
)
