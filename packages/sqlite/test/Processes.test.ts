import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import { temporaryFile } from "./temporary.ts"

const writer = fileURLToPath(new URL("fixtures/writer.ts", import.meta.url))

/** Another process, which is killed with the scope at the latest. */
const started = (...args: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
        stdio: ["pipe", "pipe", "inherit"]
      })
    ),
    (child) => killed(child)
  )

const killed = (child: ChildProcess) =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, "exit")
    child.kill("SIGKILL")
    await gone
  })

const firstLine = (child: ChildProcess) =>
  Effect.promise(async () => {
    const [said] = await once(child.stdout ?? child, "data")
    return String(said).trim()
  })

const ended = (child: ChildProcess) => Effect.promise(async () => child.exitCode ?? (await once(child, "exit"))[0])

/** Holds the write lock of a file until a line is written to it; then keeps it for the given time, and ends. */
const holder = `
  const database = new (require("node:sqlite").DatabaseSync)(process.argv[1])
  database.exec("BEGIN IMMEDIATE; INSERT INTO a VALUES (100)")
  console.log("held")
  process.stdin.once("data", () => setTimeout(() => { database.exec("COMMIT"); process.exit() }, Number(process.argv[2])))`

const withFile = (
  options: Omit<Sqlite.Options, "filename">,
  use: (
    sql: SqlClient.SqlClient,
    filename: string
  ) => Effect.Effect<void, unknown, Effect.Services<typeof temporaryFile>>
) =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const opened = Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`CREATE TABLE a (x)`
      yield* use(sql, filename)
    })
    yield* Effect.provide(opened, Sqlite.layer({ filename, ...options }))
  })

const countOf = (sql: SqlClient.SqlClient, table: string) =>
  Effect.map(sql<{ n: number }>`SELECT count(*) AS n FROM ${sql(table)}`, ([row]) => row?.n)

describe("another process that writes", () => {
  const writes: Record<string, (sql: SqlClient.SqlClient) => Effect.Effect<unknown, unknown>> = {
    "by a statement": (sql) => sql`INSERT INTO a VALUES (1)`,
    "by one with RETURNING": (sql) => sql`INSERT INTO a VALUES (1) RETURNING x`,
    "by a transaction": (sql) => sql.withTransaction(sql`INSERT INTO a VALUES (1)`)
  }
  for (const [by, write] of Object.entries(writes)) {
    it.live(`is waited for ${by}, and stops no reader`, () =>
      withFile({}, (sql, filename) =>
        Effect.gen(function* () {
          const other = yield* started("-e", holder, filename, "200")
          assert.strictEqual(yield* firstLine(other), "held")
          assert.strictEqual(yield* countOf(sql, "a"), 0)
          other.stdin?.write("go\n")
          yield* write(sql)
          assert.strictEqual(yield* countOf(sql, "a"), 2)
        })
      )
    )
  }

  it.live("for longer than busyTimeout is a lock time-out, which can be tried again", () =>
    withFile({ busyTimeout: "50 millis" }, (sql, filename) =>
      Effect.gen(function* () {
        const other = yield* started("-e", holder, filename, "0")
        yield* firstLine(other)
        const insert = sql`INSERT INTO a VALUES (1)`
        const writes = [insert, insert.raw, insert.values, sql.withTransaction(insert), sql`DELETE FROM a RETURNING x`]
        for (const write of writes) {
          const error = yield* Effect.flip(Effect.asVoid(write))
          assert.strictEqual(error.reason._tag, "LockTimeoutError")
          assert.isTrue(error.isRetryable)
          assert.strictEqual(error.message, "statement failed: database is locked")
        }
        other.stdin?.write("go\n")
        yield* ended(other)
        yield* sql.withTransaction(insert)
        assert.strictEqual(yield* countOf(sql, "a"), 2)
      })
    )
  )

  it.live("is not written over by a transaction that read before", () =>
    withFile({}, (sql, filename) =>
      Effect.gen(function* () {
        yield* sql`CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0)`
        const others = [
          yield* started(writer, filename, "count", "30"),
          yield* started(writer, filename, "count", "30")
        ]
        for (const other of others) assert.strictEqual(yield* ended(other), 0)
        assert.deepStrictEqual(yield* sql`SELECT n FROM counter`.values, [[60]])
      })
    )
  )
})

it.live("a process that is killed within a transaction leaves all of what it committed, and nothing of the rest", () =>
  withFile({}, (sql, filename) =>
    Effect.gen(function* () {
      const other = yield* started(writer, filename, "half")
      assert.strictEqual(yield* firstLine(other), "inside")
      yield* killed(other)
      assert.isTrue(existsSync(`${filename}-wal`))
      assert.strictEqual(yield* countOf(sql, "written"), 100)
      yield* sql`INSERT INTO written VALUES (-1)`
      const reopened = Effect.flatMap(SqlClient.SqlClient, (later) => countOf(later, "written"))
      assert.strictEqual(yield* Effect.provide(reopened, Sqlite.layer({ filename }), { local: true }), 101)
      assert.deepStrictEqual(yield* sql`PRAGMA integrity_check`.values, [["ok"]])
    })
  )
)

it.live("a process that is killed at any time loses no transaction that it was told of, and keeps none in part", () =>
  withFile({}, (sql, filename) =>
    Effect.gen(function* () {
      for (let round = 0; round < 5; round++) {
        const other = yield* started(writer, filename, "pairs")
        let said = ""
        other.stdout?.on("data", (chunk) => (said += String(chunk)))
        yield* firstLine(other)
        yield* Effect.sleep(Math.random() * 50)
        yield* killed(other)
        // The last line may be cut.
        const told = said.split("\n").slice(0, -1).map(Number)
        const written = (yield* countOf(sql, "first")) ?? 0
        assert.strictEqual(yield* countOf(sql, "second"), written)
        assert.isAtLeast(written, Math.max(...told))
        assert.deepStrictEqual(yield* sql`PRAGMA integrity_check`.values, [["ok"]])
      }
    })
  )
)

it.live("a log that a killed process left is read by the first client that opens the file", () =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const other = yield* started(writer, filename, "half")
    yield* firstLine(other)
    yield* killed(other)
    const opened = Effect.flatMap(SqlClient.SqlClient, (sql) => countOf(sql, "written"))
    assert.strictEqual(yield* Effect.provide(opened, Sqlite.layer({ filename })), 100)
    // The last client that closes the file writes the log to it.
    assert.isFalse(existsSync(`${filename}-wal`))
  })
)
