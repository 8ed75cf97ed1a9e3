import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Postgres from "@redrive/clients/Postgres"
import * as Store from "@redrive/durable/Store"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as Database from "../src/service/Database.ts"
import type { Filter } from "../src/watch/Filter.ts"
import * as Items from "../src/watch/Items.ts"
import type { JobView } from "../src/watch/Model.ts"
import * as Watch from "../src/watch/Watch.ts"

const at = (second: number) => new Date(Date.UTC(2026, 10, 24) + second * 1000).toISOString()

const account = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`INSERT INTO accounts ${sql.insert({ id: "shop", key_hash: "hash", balance: 1_000_000 })}`
)

/** Jobs that run, or that have ended. */
const addJobs = Effect.fnUntraced(function* (
  ids: ReadonlyArray<string>,
  more: { readonly [column: string]: string | number } = {}
) {
  const sql = yield* SqlClient.SqlClient
  for (const id of ids)
    yield* sql`INSERT INTO jobs ${sql.insert({
      id,
      account_id: "shop",
      request: JSON.stringify({ url: "https://example.com/" }),
      status: "in_progress",
      created_at: at(0),
      updated_at: at(0),
      ...more
    })}`
})

const addItems = Effect.fnUntraced(function* (
  job: string,
  count: number,
  of: (index: number) => { readonly [column: string]: string | number }
) {
  const sql = yield* SqlClient.SqlClient
  const rows = Array.from({ length: count }, (_, index) => ({
    id: `${job} ${index}`,
    job_id: job,
    url: `https://example.com/${job}/${index}`,
    host: "example.com",
    referred_url: "",
    depth: 1,
    status: "in_progress",
    created_at: at(0),
    updated_at: at(0),
    ...of(index)
  }))
  for (const some of Arr.chunksOf(rows, 500)) yield* sql`INSERT INTO items ${sql.insert(some)}`
})

const numbered = (count: number, name: string) => Array.from({ length: count }, (_, index) => `${name}${index}`)

/** The pages of a filter, list after list, and what each list says of their number. */
const listed = Effect.fnUntraced(function* (filter: Filter) {
  const ids: Array<string> = []
  const counts: Array<number | undefined> = []
  for (let after: string | undefined = ""; after !== undefined;) {
    const list: Effect.Success<ReturnType<typeof Items.list>> = yield* Items.list(filter, after)
    assert.isAtMost(list.items.length, 50)
    ids.push(...list.items.map(({ id }) => id))
    counts.push(list.count)
    after = list.after
  }
  return { ids, counts }
})

const running = Effect.gen(function* () {
  yield* account
  yield* addJobs(["a", "b", "c"])
  const soon = Date.now() + 3_600_000
  // What waits is no page that runs, however many there are of it.
  yield* addItems("a", 5100, () => ({ next_at: soon }))
  // Two pages have been running for as long as each other.
  yield* addItems("b", 130, (index) => ({ updated_at: at(1000 - Math.floor(index / 2)) }))
  yield* addItems("c", 20, (index) => ({ updated_at: at(2000 + index), host: "other.example", next_at: 1 }))
  const all = yield* listed({ status: "running" })
  const oldest = Array.from({ length: 65 }, (_, pair) => [`b ${2 * (64 - pair)}`, `b ${2 * (64 - pair) + 1}`]).flat()
  assert.deepStrictEqual(all.ids, [...oldest, ...numbered(20, "c ")])
  assert.deepStrictEqual(all.counts, [150, 150, 150])
  assert.deepStrictEqual((yield* listed({ status: "running", job: "b" })).ids, oldest)
  assert.deepStrictEqual(yield* listed({ status: "running", host: "other.example" }), {
    ids: numbered(20, "c "),
    counts: [20]
  })
  const found = yield* listed({ status: "running", text: "/B/" })
  assert.deepStrictEqual(found, { ids: oldest, counts: [130, undefined, undefined] })
  assert.lengthOf((yield* listed({ status: "running", text: "/c/7" })).ids, 1)
  assert.deepStrictEqual((yield* Items.list({ status: "running" }, "no cursor")).items.length, 50)
})

const jobs = Effect.gen(function* () {
  yield* account
  yield* addJobs(numbered(40, "ended"), { status: "done", finished_at: at(1) })
  yield* addJobs(numbered(65, "running"), { total: 10, done: 3, failed: 1 })
  const found: Array<string> = []
  for (let before: string | undefined = ""; before !== undefined;) {
    const view: Effect.Success<ReturnType<typeof Watch.overview>> = yield* Watch.overview(before, [])
    assert.strictEqual(view.running, 65)
    assert.strictEqual(view.totals.queued, 65 * 6)
    assert.isAtMost(view.jobs.length, 60)
    found.push(...view.jobs.map(({ id }) => id))
    before = view.before
  }
  assert.deepStrictEqual(found, [...numbered(65, "running").toReversed(), ...numbered(40, "ended").toReversed()])
})

const read = (id: string): Effect.Effect<JobView, unknown, SqlClient.SqlClient | Store.Store> =>
  Effect.map(Watch.job(id, {}, undefined), Option.getOrThrow)

const ofJob = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* account
  yield* addJobs(["a", "b"])
  yield* addJobs(numbered(40, "again"), { again_of: "a" })
  const hosts = numbered(120, "host")
    .map((host) => `${host}.example`)
    .toSorted()
  const tally = { detail: "", actor: "", because: "", page_status: 0, code: "", count: 2 }
  for (const [job, some] of [["a", hosts] as const, ["b", ["alone.example"]] as const])
    for (const host of some) yield* sql`INSERT INTO tallies ${sql.insert({ ...tally, job_id: job, host })}`
  const story = JSON.stringify([{ at: 1, ms: 1, end: "failed" }])
  yield* addItems("a", 130, () => ({ status: "error", story }))
  yield* addItems("b", 3, () => ({ status: "error", story }))
  const view = yield* read("a")
  const found = view.hosts.map(({ host }) => host)
  for (let after = view.moreHosts; after !== undefined;) {
    const rest: Effect.Success<ReturnType<typeof Watch.hosts>> = yield* Watch.hosts(after, "a")
    assert.strictEqual(rest.job, "a")
    found.push(...rest.hosts.map(({ host }) => host))
    after = rest.after
  }
  assert.deepStrictEqual(found.toSorted(), hosts)
  assert.lengthOf(view.stories, 100)
  assert.strictEqual(view.untold, 30)
  assert.lengthOf(view.again, 40)
  const small = yield* read("b")
  assert.deepStrictEqual([small.moreHosts, small.untold, small.hosts.length], [undefined, 0, 1])
})

const actions = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const saw = (count: number) =>
    Effect.map(Watch.overview(undefined, []), ({ actions, isActionLeft }) => {
      assert.deepStrictEqual([actions.length, isActionLeft], [20, count > 20 ? true : undefined])
    })
  const act = (at: number) => sql`INSERT INTO actions ${sql.insert({ at, who: "a", what: "b", about: "c", count: 1 })}`
  yield* Effect.forEach(
    Array.from({ length: 20 }, (_, index) => index),
    act
  )
  yield* saw(20)
  yield* act(20)
  yield* saw(21)
})

const onEach = {
  "of pages that run, those that have been running longest first": running,
  "of jobs, those that run first": jobs,
  "of a job's hosts, and say how many stories are not drawn": ofJob,
  "of what people did, and say that there is more": actions
}

const layer = (database: string) => Store.layer().pipe(Layer.provideMerge(Database.layer(database)))

describe("the lists of the page have a way to all", () => {
  for (const [name, test] of Object.entries(onEach))
    it.live(name, () => Effect.scoped(Effect.provide(test, layer(":memory:"))))
})

describe("the lists of the page have a way to all on PostgreSQL", () => {
  const own = Postgres.databases(afterAll)
  for (const [name, test] of Object.entries(onEach))
    it.live.skipIf(Postgres.isMissing())(name, () =>
      Effect.scoped(
        Effect.flatMap(own, ({ database, host, port, user }) =>
          Effect.provide(test, layer(`postgres://${user}@${host}:${port}/${database}`))
        )
      )
    )
})
