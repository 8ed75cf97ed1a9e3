/**
 * What it costs to share rate limits and breakers: a take, and a call that a closed breaker admits and records.
 *
 * It starts a Redis, and uses the PostgreSQL of `DATABASE_URL` if that is set.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlStores from "@redrive/durable/SqlStores"
import * as Distributed from "@redrive/retry/Distributed"
import * as Sqlite from "@redrive/sqlite/Sqlite"
import * as Program from "@redrive/testing/Program"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import { table, write } from "./measure.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "shared-bench-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const redis = Effect.gen(function* () {
  const port = yield* Program.freePort
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
  yield* Program.run("redis-server", { args, port })
  return Distributed.layerRedis().pipe(Layer.provide(NodeRedis.layer({ socket: { host: "127.0.0.1", port } })))
})

const sqlite = Effect.map(folder, (path) =>
  SqlStores.layer().pipe(Layer.provide(Sqlite.layer({ filename: join(path, "shared.db") })))
)

const postgres = (url: string) =>
  SqlStores.layer().pipe(Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 10 })))

/** How often a second one thing can be done: one at a time, a hundred at once for one key, and a hundred at once for a hundred keys. */
const rates = Effect.fnUntraced(function* <E>(count: number, act: (key: string) => Effect.Effect<unknown, E>) {
  const each = Array.from({ length: count }, (_, n) => n)
  const rate = Effect.fnUntraced(function* (concurrency: number, keyOf: (n: number) => string) {
    const begun = performance.now()
    yield* Effect.forEach(each, (n) => act(keyOf(n)), { concurrency, discard: true })
    return count / ((performance.now() - begun) / 1000)
  })
  yield* rate(100, (n) => `${n % 100}`)
  return [yield* rate(1, () => "one"), yield* rate(100, () => "one"), yield* rate(100, (n) => `${n % 100}`)]
})

const limit = { limit: 1_000_000_000, window: "1 hour" } as const

const measured = Effect.gen(function* () {
  const { consume } = yield* RateLimiter.RateLimiter
  const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(5), openDuration: "1 minute" })
  return [
    ["a take", yield* rates(3000, (key) => consume({ ...limit, key }))],
    ["a guarded call", yield* rates(3000, (key) => breaker.execute(Effect.void, { key }))]
  ] as const
})

const { DATABASE_URL } = process.env

const program = Effect.gen(function* () {
  const stores: ReadonlyArray<readonly [name: string, layer: Layer.Layer<Distributed.Stores, unknown>]> = [
    ["memory", Distributed.layerMemory],
    ["Redis", yield* redis],
    ["SQLite", yield* sqlite],
    ...(DATABASE_URL === undefined ? [] : [["PostgreSQL", postgres(DATABASE_URL)] as const])
  ]
  const found = new Map<string, Array<ReadonlyArray<number>>>()
  // One after the other, so that the machine treats all alike.
  for (let turn = 0; turn < 5; turn++)
    for (const [name, layer] of stores)
      for (const [what, values] of yield* Effect.scoped(Effect.provide(measured, layer))) {
        const key = `${what}|${name}`
        found.set(key, [...(found.get(key) ?? []), values])
      }
  return [...found].map(([key, turns]) => [
    ...key.split("|"),
    ...[0, 1, 2].map((column) => {
      const sorted = turns.map((values) => values[column] ?? NaN).toSorted((one, other) => one - other)
      return Math.round(sorted[sorted.length >> 1] ?? NaN).toLocaleString("en-US")
    })
  ])
})

const rows = (await Effect.runPromise(Effect.scoped(program))).toSorted(([one = ""], [other = ""]) =>
  one.localeCompare(other)
)
write(
  "shared.md",
  "Shared rate limits and breakers",
  "how many a second; medians of 5 runs, interleaved; servers on the same machine. A guarded call asks its breaker, and records its outcome.",
  table(["what", "store", "one at a time", "100 at once, one key", "100 at once, 100 keys"], 2, rows)
)
