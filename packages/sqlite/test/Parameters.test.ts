import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as Sqlite from "@redrive/sqlite/Sqlite"

const memory = Sqlite.layer({ filename: ":memory:" })

/** Every way to run a statement with parameters. */
const ways: Record<
  string,
  (sql: SqlClient.SqlClient, text: string, params: ReadonlyArray<unknown>) => Effect.Effect<unknown, SqlError>
> = {
  execute: (sql, text, params) => sql.unsafe(text, params),
  raw: (sql, text, params) => sql.unsafe(text, params).raw,
  values: (sql, text, params) => sql.unsafe(text, params).values,
  valuesUnprepared: (sql, text, params) => sql.unsafe(text, params).valuesUnprepared,
  unprepared: (sql, text, params) => sql.unsafe(text, params).unprepared,
  withoutTransform: (sql, text, params) => sql.unsafe(text, params).withoutTransform,
  stream: (sql, text, params) => Stream.runCollect(sql.unsafe(text, params).stream)
}

const inEveryWay = (
  text: string,
  params: ReadonlyArray<unknown>,
  check: (way: string, error: SqlError) => void
): Effect.Effect<void, unknown> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    for (const [way, run] of Object.entries(ways)) check(way, yield* Effect.flip(run(sql, text, params)))
  }).pipe(Effect.provide(memory))

class Money {
  readonly secret = "hunter2"
}

const transferred = () => {
  const bytes = new Uint8Array([1, 2])
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

const held = "SQLite holds text, numbers, bigints, booleans, dates, bytes and null"

const refused: ReadonlyArray<readonly [value: unknown, said: string]> = [
  [{}, `an object (Object); ${held}`],
  [{ a: "hunter2" }, `an object (Object); ${held}`],
  [Object.create(null), `an object (no class); ${held}`],
  [new Money(), `an object (Money); ${held}`],
  [[], `an array; ${held}`],
  [["hunter2"], `an array; ${held}`],
  [new Map([["hunter2", 1]]), `an object (Map); ${held}`],
  [new Set(["hunter2"]), `an object (Set); ${held}`],
  [new Error("hunter2"), `an object (Error); ${held}`],
  [new URL("https://example.com/?token=hunter2"), `an object (URL); ${held}`],
  [Object("hunter2"), `an object (String); ${held}`],
  [Option.none(), "an Option: use Option.getOrNull"],
  [Option.some("hunter2"), "an Option: use Option.getOrNull"],
  [Redacted.make("hunter2"), "a Redacted: use Redacted.value"],
  [Symbol("hunter2"), `a symbol; ${held}`],
  [() => "hunter2", `a function; ${held}`],
  [Number.NaN, `NaN; ${held}`],
  [2n ** 63n, "a bigint of more than 64 bits; store text"],
  [-(2n ** 63n) - 1n, "a bigint of more than 64 bits; store text"],
  [new Date(Number.NaN), "an invalid date"],
  [transferred(), "a buffer that was transferred: its bytes are gone"],
  [transferred().buffer, "a buffer that was transferred: its bytes are gone"]
]

describe("a parameter that SQLite cannot hold", () => {
  for (const [value, said] of refused) {
    it.effect(`is refused wherever it stands, and never shown: ${said.split(";")[0]}, ${typeof value}`, () =>
      Effect.gen(function* () {
        for (const place of [0, 1, 2]) {
          const params = [1, 2, 3].map((other, index) => (index === place ? value : other))
          yield* inEveryWay("SELECT ?, ?, ?", params, (way, error) => {
            assert.strictEqual(error.reason._tag, "UnknownError", way)
            assert.strictEqual(error.message, `statement failed: parameter ${place + 1} is ${said}`, way)
            assert.notInclude(String(error.reason.cause), "hunter2")
          })
        }
      })
    )
  }

  it.effect("writes nothing, and leaves the connection as it was", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE pages (link, status)`
      yield* Effect.flip(sql`INSERT INTO pages ${sql.insert({ link: Option.none(), status: 200 })}`)
      yield* sql`INSERT INTO pages ${sql.insert({ link: null, status: 404 })}`
      assert.deepStrictEqual(yield* sql`SELECT link, status FROM pages`.values, [[null, 404]])
    }).pipe(Effect.provide(memory))
  )
})

describe("too few parameters and too many", () => {
  const counts = [
    ["SELECT ?, ?", [1], "the statement has 2 parameters, and got 1 value"],
    ["SELECT ?", [], "the statement has 1 parameter, and got 0 values"],
    ["SELECT ?", [1, 2], "the statement has 1 parameter, and got 2 values"],
    ["SELECT 1", [1], "the statement has 0 parameters, and got 1 value"],
    [`SELECT '?' AS "?" /* ? */ -- ?`, [1], "the statement has 0 parameters, and got 1 value"],
    ["SELECT ?2, ?1, ?2", [1], "the statement has 2 parameters, and got 1 value"],
    ["SELECT :a, @a, $a, :a", [1, 2], "the statement has 3 parameters, and got 2 values"]
  ] as const
  for (const [text, params, said] of counts) {
    it.effect(`are refused: ${text} with ${params.length}`, () =>
      inEveryWay(text, params, (way, error) => assert.strictEqual(error.message, `statement failed: ${said}`, way))
    )
  }

  it.effect("a list that is read as one parameter is refused as an array, and not spread", () =>
    inEveryWay("SELECT ?, ?", [[1, 2]], (_, error) => assert.include(error.message, "2 parameters, and got 1 value"))
  )
})

describe("signs that are no parameters", () => {
  const texts: ReadonlyArray<readonly [text: string, params: ReadonlyArray<unknown>, row: ReadonlyArray<unknown>]> = [
    ["SELECT 'it''s ?', ?", [1], ["it's ?", 1]],
    ['SELECT ? AS "a "" ?"', [1], [1]],
    ["SELECT ? AS [?]", [1], [1]],
    ["SELECT ? AS `?`", [1], [1]],
    ["SELECT ? -- ? :a\n, ?", [1, 2], [1, 2]],
    ["SELECT ? /* ? :a */, ?", [1, 2], [1, 2]],
    ["SELECT ? AS a$b, ? AS é$ü", [1, 2], [1, 2]],
    ["SELECT x'3f', ?", [1], [new Uint8Array([63]), 1]],
    ["SELECT '{\"a\":[7]}' -> '$.a' ->> 0, ?", [1], [7, 1]]
  ]
  for (const [text, params, row] of texts) {
    it.effect(text, () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql.unsafe(text, params).values, [row])
      }).pipe(Effect.provide(memory))
    )
  }
})

it.effect("however strings, names, comments and parameters are mixed, the parameters are counted right", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const parts: ReadonlyArray<readonly [text: string, parameters: number]> = [
      ["?", 1],
      ["?||?", 2],
      ["(SELECT ?)", 1],
      ["'?'", 0],
      ["'it''s ? \"'", 0],
      ["'-- ?'", 0],
      ["x'3f'", 0],
      ['1 AS "a "" ? \'"', 0],
      ["1 AS [? ' \" -- /*]", 0],
      ["1 AS `? ' `` --`", 0],
      ["1 AS a$b", 0],
      ["1/* ? ' \" */", 0],
      ["/**/?/*/?*/", 1],
      ["1 -- ? ' \"\n", 0],
      ["?-- ?\n", 1],
      ["2-?", 1],
      ["2/?", 1],
      ["CASE ? WHEN ? THEN ? END", 3]
    ]
    for (let run = 0; run < 300; run++) {
      const picked = Array.from({ length: 1 + Math.floor(Math.random() * 6) }, () =>
        Math.floor(Math.random() * parts.length)
      ).flatMap((index) => parts.slice(index, index + 1))
      const text = `SELECT ${picked.map(([part]) => part).join(", ")}${run % 3 === 0 ? " -- ?" : ""}`
      const count = picked.reduce((sum, [, parameters]) => sum + parameters, 0)
      assert.lengthOf(yield* sql.unsafe(text, Array(count).fill(1)), 1, text)
      const error = yield* Effect.flip(sql.unsafe(text, Array(count + 1).fill(1)))
      assert.include(error.message, `the statement has ${count} parameter`, text)
    }
  }).pipe(Effect.provide(memory))
)

describe("numbered and named parameters take their values by SQLite's numbers", () => {
  const texts: ReadonlyArray<readonly [text: string, params: ReadonlyArray<unknown>, row: ReadonlyArray<unknown>]> = [
    ["SELECT ?2, ?1, ?2", ["a", "b"], ["b", "a", "b"]],
    ["SELECT :a, :b, :a", ["a", "b"], ["a", "b", "a"]],
    ["SELECT $a, ?, @c", ["a", "b", "c"], ["a", "b", "c"]],
    ["SELECT ?, :a, ?", ["a", "b", "c"], ["a", "b", "c"]],
    ["SELECT ?3", ["a", "b", "c"], ["c"]]
  ]
  for (const [text, params, row] of texts) {
    it.effect(text, () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql.unsafe(text, params).values, [row])
      }).pipe(Effect.provide(memory))
    )
  }
})

describe("a parameter that SQLite can hold", () => {
  const kept: ReadonlyArray<readonly [value: unknown, read: unknown]> = [
    [true, 1],
    [false, 0],
    [undefined, null],
    [new Date("2026-11-24T01:02:03.456Z"), "2026-11-24T01:02:03.456Z"],
    [new Uint8Array(), new Uint8Array()],
    [new TextEncoder().encode(""), new Uint8Array()],
    [new ArrayBuffer(0), new Uint8Array()],
    [new Uint8Array([1, 2, 3]).subarray(1), new Uint8Array([2, 3])],
    [new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2])],
    [new DataView(new Uint8Array([1, 2, 3]).buffer, 2), new Uint8Array([3])],
    [new Uint16Array([258]), new Uint8Array([2, 1])],
    [Buffer.from("é"), new Uint8Array([195, 169])],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [-0, -0],
    [5e-324, 5e-324],
    [2 ** 53 - 1, 2 ** 53 - 1],
    ["", ""],
    ["é\u{1F600}", "é\u{1F600}"],
    ["a\uD800", "a\uFFFD"]
  ]
  for (const [value, read] of kept) {
    it.effect(`at any place: ${Object.prototype.toString.call(value)} ${String(value)}`, () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient.SqlClient
        assert.deepStrictEqual(yield* sql`SELECT ${value}, ${1}, ${value}`.values, [[read, 1, read]])
      }).pipe(Effect.provide(memory))
    )
  }

  it.effect("text with a NUL character is read whole, or not written where this Node.js would cut it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE pages (path TEXT, body TEXT); INSERT INTO pages VALUES ('a', 'b'), ('c' || char(0), 'd')`
      const find = (path: string) => sql`SELECT body FROM pages WHERE path = ${path}`.values
      assert.deepStrictEqual(yield* find("a\0"), [])
      assert.deepStrictEqual(yield* find("c\0"), [["d"]])
      const updated = yield* Effect.result(sql`UPDATE pages SET body = ${"e\0f"} WHERE path = 'a'`)
      if (updated._tag === "Success") return assert.deepStrictEqual(yield* find("a"), [["e\0f"]])
      assert.include(updated.failure.message, "parameter 1 is text with a NUL character")
      assert.deepStrictEqual(yield* find("a"), [["b"]])
    }).pipe(Effect.provide(memory))
  )

  it.effect("even from another realm", () =>
    Effect.gen(function* () {
      const { runInNewContext } = yield* Effect.promise(() => import("node:vm"))
      const sql = yield* SqlClient.SqlClient
      const date: unknown = runInNewContext("new Date(0)")
      const bytes: unknown = runInNewContext("new Uint8Array([7])")
      assert.deepStrictEqual(yield* sql`SELECT ${date}, ${bytes}`.values, [
        ["1970-01-01T00:00:00.000Z", new Uint8Array([7])]
      ])
    }).pipe(Effect.provide(memory))
  )
})

it.effect("parameters of a connection that was reserved are checked, too", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const connection = yield* sql.reserve
    const error = yield* Effect.flip(connection.executeRaw("SELECT ?, ?", [{}, 1]))
    assert.include(error.message, "parameter 1 is an object")
  }).pipe(Effect.scoped, Effect.provide(memory))
)
