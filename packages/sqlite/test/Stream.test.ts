import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as Arr from "effect/Array"
import type * as Duration from "effect/Duration"
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

  const longTransaction = (sql: SqlClient.SqlClient) => sql.withTransaction(Effect.sleep("40 seconds"))
  const longStream = (stream: Numbers["stream"], lasts: Duration.Input) =>
    Stream.runForEach(Stream.take(stream, 1), () => Effect.sleep(lasts))

  const waiters: Record<string, (numbers: Numbers) => Effect.Effect<unknown, SqlError>> = {
    "a statement": ({ sql }) => rowsOf(sql),
    "a transaction": ({ sql }) => sql.withTransaction(rowsOf(sql)),
    "a stream": ({ stream }) => Stream.runDrain(stream),
    "a reserved connection": ({ sql }) => Effect.scoped(sql.reserve)
  }
  for (const [name, wait] of Object.entries(waiters)) {
    it.effect(`${name} behind a stream that is behind a transaction fails once the stream has taken its time`, () =>
      inFile((given) =>
        Effect.gen(function* () {
          const { sql, stream } = given
          yield* Effect.forkChild(longTransaction(sql), { startImmediately: true })
          const reading = yield* Effect.forkChild(longStream(stream, "1 minute"), { startImmediately: true })
          const waiting = yield* Effect.forkChild(Effect.flip(wait(given)), { startImmediately: true })
          yield* TestClock.adjust("40 seconds")
          yield* TestClock.adjust("29999 millis")
          assert.isUndefined(waiting.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          assert.strictEqual((yield* Fiber.join(waiting)).reason._tag, "LockTimeoutError")
          yield* Fiber.interrupt(reading)
          assert.strictEqual(yield* rowsOf(sql), 250)
        })
      )
    )

    it.effect(`${name} behind several streams fails once they have taken the time together`, () =>
      inFile((given) =>
        Effect.gen(function* () {
          const { stream } = given
          for (let count = 0; count < 4; count++) {
            yield* Effect.forkChild(longStream(stream, "14 seconds"), { startImmediately: true })
          }
          const waiting = yield* Effect.forkChild(Effect.flip(wait(given)), { startImmediately: true })
          for (const step of ["14 seconds", "14 seconds", "1999 millis"] as const) yield* TestClock.adjust(step)
          assert.isUndefined(waiting.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          assert.strictEqual((yield* Fiber.join(waiting)).reason._tag, "LockTimeoutError")
        })
      )
    )

    it.effect(`${name} waits for transactions without a limit, before and behind a stream`, () =>
      inFile((given) =>
        Effect.gen(function* () {
          const { sql, stream } = given
          yield* Effect.forkChild(longTransaction(sql), { startImmediately: true })
          yield* Effect.forkChild(longStream(stream, "10 seconds"), { startImmediately: true })
          yield* Effect.forkChild(longTransaction(sql), { startImmediately: true })
          const waiting = yield* Effect.forkChild(wait(given), { startImmediately: true })
          for (const step of ["40 seconds", "10 seconds", "39999 millis"] as const) yield* TestClock.adjust(step)
          assert.isUndefined(waiting.pollUnsafe())
          yield* TestClock.adjust("1 millis")
          yield* Fiber.join(waiting)
          assert.strictEqual(yield* rowsOf(sql), 250)
        })
      )
    )
  }

  it.effect("two streams that are read side by side fail, although both began to wait for a transaction", () =>
    inFile(({ sql, stream }) =>
      Effect.gen(function* () {
        yield* Effect.forkChild(longTransaction(sql), { startImmediately: true })
        const zipped = Effect.flip(Stream.runDrain(Stream.zip(stream, stream)))
        const reading = yield* Effect.forkChild(zipped, { startImmediately: true })
        yield* TestClock.adjust("40 seconds")
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* Fiber.join(reading)).reason._tag, "LockTimeoutError")
        assert.strictEqual(yield* rowsOf(sql), 250)
      })
    )
  )

  it.effect("one that is interrupted while it waits leaves the others their turn", () =>
    inFile(({ sql, stream }) =>
      Effect.gen(function* () {
        const reading = yield* Effect.forkChild(longStream(stream, "20 seconds"), { startImmediately: true })
        const waiting = yield* Effect.forEach(
          [rowsOf(sql), sql.withTransaction(rowsOf(sql)), Stream.runDrain(stream)],
          (wait) => Effect.forkChild(wait, { startImmediately: true })
        )
        const last = yield* Effect.forkChild(rowsOf(sql), { startImmediately: true })
        yield* Fiber.interruptAll(waiting)
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(yield* Fiber.join(last), 250)
        yield* Fiber.join(reading)
      })
    )
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

describe("a stream of RETURNING reads its rows at the start", () => {
  for (const SafeIntegers of [false, true]) {
    const name = SafeIntegers ? ", as bigints" : ""
    it.effect(`so its reader may write, return rows and nest transactions${name}`, () =>
      inFile(({ sql }) =>
        Effect.gen(function* () {
          yield* sql`CREATE TABLE copies (n INTEGER)`
          const returned = sql<{ n: number }>`UPDATE numbers SET n = -n RETURNING n`.stream
          const copy = ({ n }: { readonly n: number }) =>
            Effect.andThen(
              sql`INSERT INTO copies VALUES (${n}) RETURNING n`,
              sql.withTransaction(sql`UPDATE copies SET n = n`)
            )
          yield* sql.withTransaction(Stream.runForEach(returned, copy))
          assert.deepStrictEqual(yield* sql`SELECT count(*) AS n FROM copies WHERE n < 0`.values, [
            [SafeIntegers ? 250n : 250]
          ])
        }).pipe(Effect.provideService(SqlClient.SafeIntegers, SafeIntegers))
      )
    )
  }

  it.effect("so one that fails on a number beyond 2^53 has written nothing", () =>
    inFile(({ sql }) =>
      Effect.gen(function* () {
        const text = `INSERT INTO numbers SELECT value FROM json_each('[${Arr.range(1, 150).join()},9007199254740993]') RETURNING n`
        const failing = Stream.runDrain(sql.unsafe(text).stream)
        assert.include((yield* Effect.flip(failing)).message, "beyond 2^53")
        assert.include((yield* Effect.flip(sql.withTransaction(failing))).message, "beyond 2^53")
        yield* sql.withTransaction(Effect.flip(failing))
        assert.strictEqual(yield* rowsOf(sql), 250)
      })
    )
  )

  it.effect("and one that only speaks of RETURNING reads its rows as they are asked for", () =>
    inFile(({ sql }) =>
      Effect.gen(function* () {
        const texts = [
          `SELECT abs(-9223372036854775807 - (n = 250)) AS "returning" FROM numbers`,
          "SELECT abs(-9223372036854775807 - (n = 250)) AS n FROM numbers WHERE n <> 'returning' -- returning"
        ]
        for (const text of texts) {
          const read = Stream.runDrain(Stream.take(sql.unsafe(text).stream, 1))
          yield* Effect.provideService(read, SqlClient.SafeIntegers, true)
        }
      })
    )
  )
})

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
