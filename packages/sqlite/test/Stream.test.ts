import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import { temporaryFile } from "./temporary.ts"

/** A table of 250 numbers from 1, more than are read at a time. */
const numbers = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE TABLE numbers (n INTEGER NOT NULL)`
  yield* sql`INSERT INTO numbers ${sql.insert(Arr.map(Arr.range(1, 250), (n) => ({ n })))}`
  return { sql, stream: sql<{ n: number }>`SELECT n FROM numbers`.stream }
})

type Numbers = Effect.Success<typeof numbers>

const inFile = (use: (numbers: Numbers, filename: string) => Effect.Effect<void, unknown, Scope.Scope>) =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const using = Effect.flatMap(numbers, (given) => Effect.scoped(use(given, filename)))
    yield* Effect.provide(using, Sqlite.layer({ filename, busyTimeout: 0 }))
  })

const rowsOf = (sql: SqlClient.SqlClient) =>
  Effect.map(sql<{ n: number }>`SELECT count(*) AS n FROM numbers`, ([row]) => row?.n)

/** As another process does. */
const writeBeside = (filename: string) =>
  Effect.acquireUseRelease(
    Effect.sync(() => new DatabaseSync(filename)),
    (other) => Effect.sync(() => other.exec("INSERT INTO numbers VALUES (-1)")),
    (other) => Effect.sync(() => other.close())
  )

/** The connection sees what another wrote, and can write itself: no statement of before is open. */
const isFree = (sql: SqlClient.SqlClient, filename: string) =>
  Effect.gen(function* () {
    yield* writeBeside(filename)
    assert.strictEqual(yield* rowsOf(sql), 251)
    yield* sql`INSERT INTO numbers VALUES (-2)`
    yield* sql`DROP TABLE numbers`
  })

describe("a stream that is not read to its end gives its statement back", () => {
  const endings: Record<string, (stream: Numbers["stream"]) => Effect.Effect<unknown, unknown>> = {
    "after some rows": (stream) => Stream.runCollect(Stream.take(stream, 1)),
    "before the first row": (stream) => Stream.runCollect(Stream.take(stream, 0)),
    "by a failure downstream": (stream) => Stream.runForEach(stream, () => Effect.fail("no")),
    "by a defect downstream": (stream) => Stream.runForEach(stream, () => Effect.die("no")),
    "by an interruption": (stream) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Stream.runForEach(stream, () => Effect.never))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
      }),
    "with its scope": (stream) => Effect.scoped(Effect.flatMap(Stream.toPull(stream), (pull) => pull)),
    "beside another that ends first": (stream) => Stream.runDrain(Stream.merge(stream, Stream.fail("no")))
  }
  for (const [ending, read] of Object.entries(endings)) {
    it.effect(ending, () =>
      inFile(({ sql, stream }, filename) => Effect.andThen(Effect.exit(read(stream)), isFree(sql, filename)))
    )
    it.effect(`${ending}, in a transaction`, () =>
      inFile(({ sql, stream }, filename) =>
        Effect.andThen(Effect.exit(sql.withTransaction(Effect.exit(read(stream)))), isFree(sql, filename))
      )
    )
  }

  it.effect("and one that was closed with its client is no defect", () =>
    Effect.gen(function* () {
      const client = yield* Scope.make()
      const stream = yield* Scope.make()
      const opened = Sqlite.make({ filename: ":memory:" }).pipe(Scope.provide(client))
      const sql = yield* Effect.provide(opened, Reactivity.layer)
      const pull = yield* Scope.provide(Stream.toPull(sql`SELECT 1`.stream), stream)
      yield* pull
      yield* Scope.close(client, Exit.void)
      yield* Scope.close(stream, Exit.void)
    })
  )
})

describe("a stream holds the connection", () => {
  it.effect("statements of other fibers wait for its end", () =>
    inFile(({ sql, stream }) =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        yield* yield* Scope.provide(Stream.toPull(stream), scope)
        const waiting = yield* Effect.forkChild(rowsOf(sql))
        yield* Effect.yieldNow
        assert.isUndefined(waiting.pollUnsafe())
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(yield* Fiber.join(waiting), 250)
      })
    )
  )

  it.effect("so a statement that its reader runs fails once the wait is over, and does not hang", () =>
    Effect.gen(function* () {
      const { sql, stream } = yield* numbers
      const write = ({ n }: { readonly n: number }) => sql`UPDATE numbers SET n = ${-n} WHERE n = ${n}`
      const uses: ReadonlyArray<(row: { readonly n: number }) => Effect.Effect<unknown, SqlError>> = [
        write,
        (row) => sql.withTransaction(write(row)),
        () => Stream.runDrain(stream)
      ]
      for (const use of uses) {
        for (const concurrency of [1, 4]) {
          const reading = yield* Effect.forkChild(
            Effect.flip(Stream.runDrain(Stream.mapEffect(stream, use, { concurrency })))
          )
          yield* TestClock.adjust("29999 millis")
          assert.isUndefined(reading.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          const error = yield* Fiber.join(reading)
          assert.strictEqual(error.reason._tag, "LockTimeoutError")
          assert.include(error.message, "a stream holds the connection")
        }
      }
      assert.strictEqual(yield* rowsOf(sql), 250)
    }).pipe(Effect.provide(Sqlite.layer({ filename: ":memory:" })))
  )

  it.effect("in a transaction its reader may write, and streams may be read side by side", () =>
    inFile(({ sql, stream }) =>
      sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`CREATE TABLE squares (n INTEGER, square INTEGER)`
          yield* Stream.runForEach(stream, ({ n }) => sql`INSERT INTO squares VALUES (${n}, ${n * n})`)
          const pairs = yield* Stream.runCollect(
            Stream.zip(stream, sql<{ square: number }>`SELECT * FROM squares`.stream)
          )
          assert.lengthOf(pairs, 250)
          for (const [{ n }, { square }] of pairs) assert.strictEqual(square, n * n)
        })
      )
    )
  )

  it.effect("and an unread one frees it", () =>
    inFile(({ sql, stream }) =>
      Effect.gen(function* () {
        yield* Stream.runDrain(Stream.take(stream, 1))
        assert.lengthOf(yield* Stream.runCollect(stream), 250)
        assert.strictEqual(yield* rowsOf(sql), 250)
      })
    )
  )
})

it.effect("a stream whose statement writes has written all, however much of RETURNING is read", () =>
  inFile(({ sql }) =>
    Effect.gen(function* () {
      const returned = sql<{ n: number }>`UPDATE numbers SET n = -n RETURNING n`.stream
      assert.lengthOf(yield* Stream.runCollect(Stream.take(returned, 1)), 1)
      assert.deepStrictEqual(yield* sql`SELECT count(*) FROM numbers WHERE n > 0`.values, [[0]])
    })
  )
)

it.effect("a stream that fails in reading is a typed error, and gives its statement back", () =>
  inFile(({ sql }, filename) =>
    Effect.gen(function* () {
      const failing = sql`SELECT abs(-9223372036854775807 - (n = 200)) AS n FROM numbers`.stream
      const read = yield* Effect.exit(Stream.runCollect(failing))
      assert.include(JSON.stringify(read), "SqlError")
      yield* isFree(sql, filename)
    })
  )
)
