import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as SqlClient from "effect/sql/SqlClient"
import { SqlError, UnknownError } from "effect/sql/SqlError"
import * as TestClock from "effect/testing/TestClock"
import * as Database from "../src/service/Database.ts"
import * as Notes from "../src/service/Notes.ts"
import { crawl, create, layer } from "./api.ts"
import { breakStore, folder } from "./files.ts"
import { serve } from "./origin.ts"

/** The warnings that a program logs: what each says, and its cause. */
const listening = () => {
  const warnings: Array<{ readonly message: string; readonly cause: string }> = []
  const logger = Logger.make<unknown, void>(({ cause, logLevel, message }) => {
    if (logLevel === "Warn") warnings.push({ message: String(message), cause: Cause.pretty(cause) })
  })
  return { warnings, layer: Logger.layer([logger]) }
}

const errorOf = (message: string) => new SqlError({ reason: new UnknownError({ cause: new Error(message), message }) })

describe("a note that cannot be written", () => {
  it.effect("is told once for each cause, and again after an hour", () => {
    const { layer, warnings } = listening()
    const causes = () => warnings.map(({ cause }) => /disk full|locked|lost/.exec(cause)?.[0])
    return Effect.gen(function* () {
      const write = yield* Notes.make
      const fail = Effect.fnUntraced(function* (times: number) {
        for (let time = 0; time < times; time++) {
          write(Effect.fail(errorOf("disk full")))
          write(Effect.fail(errorOf("locked")))
          // A connection that is lost within a transaction is a defect to Effect.
          write(Effect.die(errorOf("lost")))
          write(Effect.void)
        }
        yield* Effect.yieldNow
      })
      yield* fail(100)
      assert.deepStrictEqual(causes(), ["disk full", "locked", "lost"])
      yield* TestClock.adjust("59 minutes")
      yield* fail(1)
      assert.lengthOf(warnings, 3)
      yield* TestClock.adjust("1 minute")
      yield* fail(2)
      assert.deepStrictEqual(causes().slice(3), ["disk full", "locked", "lost"])
      for (let cause = 0; cause < 1000; cause++) write(Effect.fail(errorOf(`fault ${cause}`)))
      yield* Effect.yieldNow
      assert.isBelow(warnings.length, 30)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("is a warning of the service, and no failure of the page", () => {
    const { layer: logging, warnings } = listening()
    return Effect.gen(function* () {
      const database = join(yield* folder, "crawl.db")
      yield* Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`CREATE TRIGGER refusing BEFORE UPDATE OF next_at ON items WHEN NEW.next_at IS NOT NULL
          BEGIN SELECT RAISE(ABORT, 'no note is written'); END`
      ).pipe(Effect.provide(Database.layer(database)), Effect.scoped)
      const url = yield* serve(({ url: path }, response) =>
        path === "/"
          ? response.writeHead(200, { "content-type": "text/html" }).end(`<a href="/a">a</a><a href="/b">b</a>`)
          : response.writeHead(500).end()
      )
      const job = yield* crawl({ url }).pipe(Effect.provide(layer({ database })))
      assert.deepInclude(job, { status: "done", items_done: 1, items_failed: 2 })
      const lost = warnings.filter(({ message }) => message.includes("could not be noted"))
      assert.lengthOf(lost, 1)
      assert.include(lost[0]?.cause, "no note is written")
    }).pipe(Effect.scoped, Effect.provide(logging))
  })
})

describe("a job that fails and cannot be ended", () => {
  it.live("is a warning of the service", () => {
    const { layer: logging, warnings } = listening()
    return Effect.gen(function* () {
      const database = join(yield* folder, "crawl.db")
      const url = yield* serve((_, response) => {
        breakStore(database)
        response.writeHead(200, { "content-type": "text/html" }).end("<p>text</p>")
      })
      yield* Effect.gen(function* () {
        const { body } = yield* create({ url })
        while (!warnings.some(({ message }) => message.includes(`job ${body.id} could not be ended`)))
          yield* Effect.sleep("20 millis")
      }).pipe(Effect.provide(layer({ database })))
    }).pipe(Effect.scoped, Effect.provide(logging))
  })
})
