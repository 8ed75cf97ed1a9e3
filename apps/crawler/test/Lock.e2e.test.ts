import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Database from "../src/service/Database.ts"
import { run, serving } from "./cli.ts"
import { folder } from "./files.ts"

const start = (database: string) => serving(["--database", database])

/** A connection of its own. */
const open = (database: string) => Layer.build(Layer.fresh(Database.layer(database)))

/** Why a connection is refused. */
const refusal = (database: string) => Effect.flip(Effect.scoped(open(database)))

describe.concurrent("a database file that a process serves", () => {
  it.live(
    "is refused to a second process under each of its names, by file and process",
    () =>
      Effect.gen(function* () {
        const base = yield* folder
        const database = join(base, "real", "crawl.db")
        mkdirSync(join(base, "real"))
        // The link is there before the file.
        symlinkSync(database, join(base, "link.db"))
        symlinkSync(join(base, "real"), join(base, "folder"))
        const { pid } = yield* start(join(base, "link.db"))
        const message = `database ${database} is in use by process ${pid}`
        for (const name of [database, relative(process.cwd(), database), join(base, "folder", "crawl.db")]) {
          assert.strictEqual((yield* refusal(name)).message, message)
        }
        const { code, stderr } = yield* run(["serve", "--port", "0", "--database", database])
        assert.strictEqual(code, 1)
        assert.strictEqual(stderr, `error: ${message}. Stop that process, or give --database another file.\n`)
      }),
    60_000
  )

  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    it.live(
      `is free at once after ${signal}`,
      () =>
        Effect.gen(function* () {
          const database = join(yield* folder, "crawl.db")
          const first = yield* start(database)
          yield* first.stop(signal)
          const second = yield* start(database)
          assert.notStrictEqual(second.pid, first.pid)
        }),
      60_000
    )
  }
})

describe("a database file that is open", () => {
  it.live("can be read and written by hand, and beside it another is opened", () =>
    Effect.gen(function* () {
      const base = yield* folder
      yield* open(join(base, "a.db"))
      yield* open(join(base, "b.db"))
      const database = new DatabaseSync(join(base, "a.db"))
      database.exec("INSERT INTO accounts VALUES ('a', 'b', 1)")
      assert.deepInclude(database.prepare("SELECT id FROM accounts").get(), { id: "a" })
      database.close()
    })
  )

  it.live("is waited for while its holder ends", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "crawl.db")
      const first = yield* Scope.make()
      yield* Effect.provideService(open(database), Scope.Scope, first)
      const second = yield* Effect.forkScoped(open(database))
      yield* Effect.sleep("300 millis")
      assert.isUndefined(second.pollUnsafe())
      yield* Scope.close(first, Exit.void)
      yield* Fiber.join(second)
    })
  )

  it.live("is refused to a second service of the same process, too", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "crawl.db")
      yield* open(database)
      const refused = yield* refusal(database)
      assert.strictEqual(refused._tag, "DatabaseInUse")
      assert.strictEqual(refused.message, `database ${database} is in use by process ${process.pid}`)
    })
  )

  it.live("is refused where nobody knows its holder", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "crawl.db")
      yield* open(database)
      const other = new DatabaseSync(database)
      other.exec("DROP TABLE holder")
      other.close()
      assert.strictEqual((yield* refusal(database)).message, `database ${database} is in use by another process`)
    })
  )

  it.live("is refused under a second name by a hard link, and served once that is gone", () =>
    Effect.gen(function* () {
      const base = yield* folder
      const database = join(base, "crawl.db")
      yield* Effect.scoped(open(database))
      linkSync(database, join(base, "hard.db"))
      for (const name of [database, join(base, "hard.db")]) {
        assert.strictEqual((yield* refusal(name)).message, `database ${name} has 2 names (hard links)`)
      }
      rmSync(join(base, "hard.db"))
      yield* open(database)
    })
  )

  const broken: ReadonlyArray<readonly [what: string, make: (lock: string) => void, said: string]> = [
    ["garbage", (lock) => writeFileSync(lock, "garbage".repeat(100)), "file is not a database"],
    ["a folder", (lock) => mkdirSync(lock), "unable to open database file"]
  ]
  for (const [what, make, said] of broken) {
    it.live(`whose lock is ${what} is refused with a word about the lock`, () =>
      Effect.gen(function* () {
        const database = join(yield* folder, "crawl.db")
        make(`${database}-lock`)
        const { code, stderr } = yield* run(["serve", "--port", "0", "--database", database])
        assert.strictEqual(code, 1)
        const advice = `If no process serves the database, remove ${database}-lock.`
        assert.strictEqual(stderr, `error: cannot lock ${database}-lock: ${said}. ${advice}\n`)
      })
    )
  }

  it.live("in memory is nobody else's", () => Effect.all([open(":memory:"), open(":memory:")]))
})
