/** What a durable task costs, beside a bare loop that inserts a row and commits, on the same database. */
import * as Queue from "@redrive/durable/Queue"
import * as Store from "@redrive/durable/Store"
import * as Worker from "@redrive/durable/Worker"
import * as RetryPolicy from "@redrive/retry/RetryPolicy"
import * as Failed from "@redrive/durable/Failed"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as SqlClient from "effect/sql/SqlClient"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { table, write } from "./measure.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "durable-bench-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const perSecond = (count: number, begun: number): number => count / ((performance.now() - begun) / 1000)
const shown = (value: number): string => Math.round(value).toLocaleString("en-US")

const queue = Queue.make({
  name: "work",
  payload: Schema.Int,
  policy: RetryPolicy.make({ retries: 0 }),
  key: (n) => `k${n % 100}`
})
const tasks = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `${n}`, payload: n }))

const pragma = (synchronous: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql.unsafe(`PRAGMA synchronous = ${synchronous}`))

/** Rows that a bare loop inserts, each in a commit of its own. */
const bare = (synchronous: string, count: number) =>
  Effect.gen(function* () {
    const filename = join(yield* folder, "bare.db")
    const program = Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* pragma(synchronous)
      yield* sql`CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)`
      const begun = performance.now()
      for (let n = 0; n < count; n++) yield* sql`INSERT INTO rows (id, body) VALUES (${n}, ${"x".repeat(100)})`
      return perSecond(count, begun)
    })
    return yield* Effect.provide(program, Sqlite.layer({ filename }))
  })

/** Tasks that are claimed, run and recorded. Ends that come while a commit is under way share the next one. */
const run = (synchronous: string, count: number, concurrency: number) =>
  Effect.gen(function* () {
    const filename = join(yield* folder, "tasks.db")
    const program = Effect.gen(function* () {
      yield* pragma(synchronous)
      yield* Queue.addAll(queue, tasks(count))
      let left = count
      const isOver = Latch.makeUnsafe(false)
      const handler = () =>
        Effect.sync(() => {
          if (--left === 0) isOver.openUnsafe()
        })
      const begun = performance.now()
      yield* Effect.provide(Latch.await(isOver), Worker.layer(queue, handler, { concurrency }))
      return perSecond(count, begun)
    })
    return yield* Effect.provide(program, Store.layer().pipe(Layer.provideMerge(Sqlite.layer({ filename }))))
  })

/** Seconds for a redrive of so many failed tasks. */
const redriven = (count: number) =>
  Effect.gen(function* () {
    const filename = join(yield* folder, "tasks.db")
    const program = Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (let from = 0; from < count; from += 10_000)
        yield* Queue.addAll(
          queue,
          tasks(10_000).map(({ payload }) => ({ id: `${from + payload}`, payload }))
        )
      yield* sql`UPDATE redrive_tasks SET state = 'failed', active = 0, ended_at = 1, code = 'c'`
      const begun = performance.now()
      const redriven = yield* Failed.redrive(queue, { code: "c" }, { id: "r", by: "bench", pace: "10 millis" })
      if (redriven !== count) throw new Error(`redrove ${redriven}`)
      return (performance.now() - begun) / 1000
    })
    return yield* Effect.provide(
      program,
      Store.layer({ timeout: "1 minute" }).pipe(Layer.provideMerge(Sqlite.layer({ filename })))
    )
  })

const rows: Array<ReadonlyArray<string>> = []
const median = (values: ReadonlyArray<number>) =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? NaN

for (const synchronous of ["NORMAL", "FULL"]) {
  const count = synchronous === "FULL" ? 2000 : 10_000
  const [loops, singles, tens]: [Array<number>, Array<number>, Array<number>] = [[], [], []]
  // One after the other, so that the machine treats all alike.
  for (let turn = 0; turn < 5; turn++) {
    loops.push(await Effect.runPromise(Effect.scoped(bare(synchronous, count))))
    singles.push(await Effect.runPromise(Effect.scoped(run(synchronous, count, 1))))
    tens.push(await Effect.runPromise(Effect.scoped(run(synchronous, count, 100))))
  }
  const own = median(loops)
  const row = (what: string, value: number) =>
    rows.push([`${what}, ${synchronous}`, shown(value), `${(value / own).toFixed(2)}x`])
  row("rows a second, a bare loop", own)
  row("tasks a second, one at a time", median(singles))
  row("tasks a second, a hundred at once", median(tens))
}
const seconds = await Effect.runPromise(Effect.scoped(redriven(100_000)))
rows.push(["seconds to redrive 100,000 failed tasks", seconds.toFixed(1), ""])

write(
  "durable.md",
  "Durable tasks",
  "SQLite; medians of 5 runs, interleaved.",
  table(["what", "value", "beside the loop"], 1, rows)
)
