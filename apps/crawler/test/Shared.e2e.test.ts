import { connect } from "node:net"
import process from "node:process"
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Postgres from "@redrive/clients/Postgres"
import * as Servers from "@redrive/clients/Servers"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as SqlClient from "effect/sql/SqlClient"
import { Accounts, local, pagePrice } from "../src/service/Accounts.ts"
import * as Database from "../src/service/Database.ts"
import * as Service from "../src/service/Service.ts"
import * as Api from "./api.ts"
import { run, serving } from "./cli.ts"
import { killer } from "./killer.ts"
import { serve } from "./origin.ts"
import { checkCounters } from "./counters.ts"

/** How often one of two processes is killed: `KILLS=50 pnpm test apps/crawler/test/Shared.e2e.test.ts` takes some minutes. */
const kills = Number(process.env["KILLS"] ?? 5)

const reached = (config: Effect.Success<ReturnType<typeof Postgres.server>>) => ({
  config,
  database: `postgres://${config.user}@${config.host}:${config.port}/${config.database}`
})

const testOn =
  <A>(started: Effect.Effect<A, unknown, Scope.Scope>) =>
  (name: string, program: (started: A) => Effect.Effect<unknown, unknown, Scope.Scope>, timeout?: number) =>
    it.live.skipIf(Postgres.isMissing())(
      name,
      () => Effect.provide(Effect.flatMap(started, program), Logger.layer([])),
      timeout
    )

/** A test on a database of its own. */
const test = testOn(Effect.map(Postgres.databases(afterAll), reached))

/** A test on a server of its own, which it ends. */
const testOfServer = testOn(
  Effect.map(Postgres.instance(undefined), ({ config, ...instance }) => ({ ...instance, ...reached(config) }))
)

/** Pages `/0` to `/n`, of which each leads to the next three; an answer takes a few milliseconds. */
const site = (count: number, millis = 10, seen: Array<string> = []) =>
  serve((request, response) => {
    seen.push(request.url ?? "")
    const at = Number(request.url?.slice(1) || 0)
    const links = [1, 2, 3].map((step) => at * 3 + step).filter((next) => next < count)
    const body = `<p>the page ${at}</p>${links.map((next) => `<a href="/${next}">${next}</a>`).join("")}`
    setTimeout(() => response.writeHead(200, { "content-type": "text/html" }).end(body), Math.random() * 2 * millis)
  })

const isOver = ({ status }: { readonly status: string }) => ["done", "error", "cancelled"].includes(status)

const asked = (service: string, path: string, init: RequestInit = {}) =>
  Effect.tryPromise(async (signal) => {
    const headers = { authorization: "Bearer local", "content-type": "application/json" }
    const response = await fetch(new URL(path, service), { signal, headers, ...init })
    // oxlint-disable-next-line typescript/no-explicit-any -- foreign JSON
    const json: any = await response.json()
    return json
  })

const created = (service: string, request: object) =>
  asked(service, "/v1/crawl", { method: "POST", body: JSON.stringify(request) })

const ended = (service: string, id: string) =>
  Effect.gen(function* () {
    for (;;) {
      const job = yield* asked(service, `/v1/job/${id}`)
      if (isOver(job)) return job
      yield* Effect.sleep("50 millis")
    }
  })

/** Each page that is kept was paid once, and nothing else was. */
const checkMoney = Effect.fnUntraced(function* (database: string, pages: number) {
  const program = Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const kept = yield* sql<{ id: string }>`SELECT 'page ' || id AS id FROM items WHERE status = 'done'`
    const paid = yield* sql<{ id: string }>`SELECT id FROM ledger WHERE credit = '(pages)'`
    assert.lengthOf(kept, pages)
    assert.sameMembers(
      paid.map(({ id }) => id),
      kept.map(({ id }) => id)
    )
    assert.strictEqual(yield* (yield* Accounts).balance("local"), local.balance - pages * pagePrice)
  })
  yield* Effect.provide(program, Layer.provideMerge(Accounts.layerOnly, Database.client(database)))
  yield* checkCounters(database)
})

/** How many pages each process has kept. */
const shares = (database: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(sql<{ n: number }>`SELECT count(*)::int AS n FROM items WHERE status = 'done' GROUP BY claim`, (rows) =>
      rows.map(({ n }) => n)
    )
  ).pipe(Effect.provide(Database.client(database)))

describe("the service on PostgreSQL", () => {
  test("answers as on SQLite: a job, its items, texts, lists, money, and its end", ({ database }) =>
    Effect.gen(function* () {
      const long = `/${"a".repeat(4000)}`
      const url = yield* serve(({ url: path = "" }, response) => {
        response.writeHead(path === "/none" ? 404 : 200, { "content-type": "text/html" })
        const links = ["/nul", long, "/none"].map((link) => `<a href="${link}">l</a>`).join("")
        response.end(path === "/nul" ? "<p>a\0b" : `<title>t</title><p>page</p>${links}`)
      })
      const program = Effect.gen(function* () {
        const job = yield* Api.crawl({ url, items_limit: 10, output_formats: ["markdown", "html"] })
        assert.deepInclude(job, { status: "done", items_total: 4, items_done: 3, items_failed: 1 })
        const paths = job.job_items.map((item: { original_url: string }) => new URL(item.original_url).pathname)
        assert.deepStrictEqual(paths, ["/", "/nul", long, "/none"])
        const [start, nul, , none] = job.job_items
        assert.deepInclude(start, { status: "done", title: "t", cost: 0.002, attempts: 1 })
        assert.deepInclude(none, { status: "error", error_code: "host_returned_error", page_status_code: 404 })
        const text = yield* Effect.promise(() => fetch(nul.raw_content_url).then((response) => response.text()))
        assert.strictEqual(text, "<p>a\uFFFDb")
        const all = yield* Api.ask(`/v1/job/${job.id}/markdown`)
        assert.include(all.body, "page")
        const again = yield* Api.crawl({ url, items_limit: 1 })
        const { body: list } = yield* Api.ask("/v1/jobs?limit=1")
        assert.deepInclude(list.jobs[0], { id: again.id, items_total: 1, items_done: 1 })
        const { body: older } = yield* Api.ask(`/v1/jobs?limit=5&before=${again.id}`)
        assert.deepStrictEqual(
          older.jobs.map(({ id }: { id: string }) => id),
          [job.id]
        )
        const { accounts } = yield* Service.Service
        assert.strictEqual(yield* accounts.balance("local"), local.balance - 4 * pagePrice)
        assert.lengthOf(Option.getOrThrow(yield* accounts.entries("local")), 5)
        // No id has such a character, and PostgreSQL takes none.
        for (const path of ["/v1/job/%00", "/v2/scrape/%00", `/v1/job/${job.id}/item/%00/markdown`])
          assert.strictEqual((yield* Api.ask(path)).status, 404, path)
        assert.strictEqual((yield* Api.ask("/v1/jobs?before=%00")).status, 200)
        const noItem = start.markdown_content_url.replace(/[^/]+$/, "%00")
        assert.strictEqual((yield* Effect.promise(() => fetch(noItem))).status, 404)
        yield* Api.ask(`/v1/job/${job.id}`, { method: "DELETE" })
        assert.strictEqual((yield* Api.ask(`/v1/job/${job.id}`)).status, 404)
      })
      yield* Effect.provide(program, Api.layer({ database }))
    }))

  test("shares the pages of one job between two processes, and a cancellation at one stops both", ({ database }) =>
    Effect.gen(function* () {
      const url = yield* site(200, 40)
      const args = ["--allow-private", "--database", database]
      // Both make the tables, or wait for the other.
      const [one, two] = yield* Effect.all([serving(args), serving(args)], { concurrency: 2 })
      const { id } = yield* created(one.url, { url, items_limit: 200 })
      const job = yield* ended(two.url, id)
      assert.deepInclude(job, { status: "done", items_total: 200, items_done: 200 })
      yield* checkMoney(database, 200)
      const each = yield* shares(database)
      assert.lengthOf(each, 2)
      for (const share of each) assert.isAbove(share, 20)

      const next = yield* created(one.url, { url: new URL("/1", url).href, items_limit: 200 })
      while ((yield* asked(two.url, `/v1/job/${next.id}`)).items_done < 10) yield* Effect.sleep("20 millis")
      yield* asked(two.url, `/v1/job/${next.id}/cancel`, { method: "PUT" })
      const { items_done, status } = yield* ended(one.url, next.id)
      assert.strictEqual(status, "cancelled")
      yield* Effect.sleep("2 seconds")
      assert.deepInclude(yield* asked(one.url, `/v1/job/${next.id}`), { items_done })
      yield* checkMoney(database, 200 + items_done)
    }))

  test("ends when it is told to while PostgreSQL is silent", ({ config, database }) =>
    Effect.gen(function* () {
      let isSilent = false
      const port = yield* Servers.tcp((near) => {
        const far = connect(config.port, "127.0.0.1")
        far.on("error", () => near.destroy())
        near.on("close", () => far.destroy())
        near.on("data", (data) => isSilent || far.write(data))
        far.on("data", (data) => isSilent || near.write(data))
      })
      const through = database.replace(`:${config.port}`, `:${port}`)
      const { stop, url } = yield* serving(["--allow-private", "--database", through])
      yield* created(url, { url: yield* site(100, 50), items_limit: 100 })
      yield* Effect.sleep("500 millis")
      isSilent = true
      const begun = performance.now()
      yield* stop()
      assert.isBelow(performance.now() - begun, 30_000)
    }))

  test("counts the requests of an account in all processes together", ({ database }) =>
    Effect.gen(function* () {
      const args = ["--database", database, "--requests-per-minute", "5"]
      const services = [yield* serving(args), yield* serving(args)]
      const statuses: Array<number> = []
      for (let n = 0; n < 8; n++) {
        const headers = { authorization: "Bearer local" }
        const url = new URL("/v1/jobs", services[n % 2]?.url)
        statuses.push((yield* Effect.tryPromise((signal) => fetch(url, { signal, headers }))).status)
      }
      assert.deepStrictEqual(statuses, [200, 200, 200, 200, 200, 429, 429, 429])
    }))

  test("keeps a host's pause in every process, until a person opens it", ({ database }) =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      let isClosed = true
      const url = yield* serve(({ url: path = "" }, response) => {
        asked.push(path)
        if (isClosed) return response.writeHead(429, { "retry-after": "100" }).end()
        return response.writeHead(200, { "content-type": "text/html" }).end("<p>page")
      })
      const args = ["--allow-private", "--database", database]
      const one = yield* serving(args)
      yield* created(one.url, { url })
      while (asked.length === 0) yield* Effect.sleep("10 millis")
      yield* Effect.sleep("500 millis")
      // A process that begins later, and one that is there: neither asks the host.
      const two = yield* serving(args)
      const { id } = yield* created(two.url, { url: new URL("/two", url).href })
      yield* Effect.sleep("2 seconds")
      assert.deepStrictEqual(asked, ["/"])
      const { stdout } = yield* run(["durable", "gates", "--database", database])
      const gate = `crawl ${new URL(url).host}`
      assert.include(stdout, gate)
      isClosed = false
      yield* run(["durable", "open", "--database", database, gate])
      const began = performance.now()
      assert.deepInclude(yield* ended(one.url, id), { status: "done", items_done: 1 })
      assert.isBelow(performance.now() - began, 10_000)
    }))

  test(
    `loses nothing and charges nothing twice while one of two processes is killed ${kills} times`,
    ({ database }) =>
      Effect.gen(function* () {
        const url = yield* site(60, 30)
        const args = ["--allow-private", "--database", database]
        const steady = yield* serving(args)
        const ids: Array<string> = []
        for (let n = 0; n < kills; n++)
          yield* Effect.gen(function* () {
            const killed = yield* serving(args)
            const { id } = yield* created(killed.url, { url, items_limit: 60 })
            ids.push(id)
            yield* Effect.sleep(Math.random() * 600)
          }).pipe(Effect.scoped)
        for (const id of ids)
          assert.deepInclude(yield* ended(steady.url, id), { status: "done", items_total: 60, items_done: 60 })
        yield* checkMoney(database, kills * 60)
      }),
    60_000 + kills * 10_000
  )

  testOfServer(
    "goes on after PostgreSQL was stopped in the middle of a job, and fetches only what was under way again",
    ({ database, start, stop }) =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const url = yield* site(150, 30, seen)
        const { url: service } = yield* serving(["--allow-private", "--database", database])
        const { id } = yield* created(service, { url, items_limit: 150 })
        while ((yield* asked(service, `/v1/job/${id}`)).items_done < 20) yield* Effect.sleep("20 millis")
        yield* stop
        yield* Effect.sleep("1 second")
        yield* start
        const until = Effect.retry(ended(service, id), { times: 200 })
        assert.deepInclude(yield* until, { status: "done", items_total: 150, items_done: 150 })
        yield* checkMoney(database, 150)
        // Sixteen were under way. While the server is away the job begins again once a second, but can claim nothing; sixteen more can be claimed in
        // a server that takes a second to stop, on a busy machine. More than twenty had ended, and all of them again would be too many.
        assert.isAtMost(seen.length, 150 + 2 * 16)
      })
  )

  /** A site of a page that leads to another; `held` is called before the first answer. */
  const holding = (held: () => Promise<unknown>) => {
    let isFirst = true
    return serve(async ({ url: path }, response) => {
      if (isFirst) {
        isFirst = false
        await held()
      }
      const link = path === "/" ? '<a href="/two">two</a>' : ""
      response.writeHead(200, { "content-type": "text/html" }).end(`<p>the page ${path}</p>${link}`)
    })
  }

  test("loses no page that it claims once more after it was taken for lost", ({ database }) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Database.client(database))
      const sql = yield* Effect.provideContext(SqlClient.SqlClient, context)
      // Another process has claimed the page meanwhile, and has ended.
      const url = yield* holding(() =>
        Effect.runPromise(sql`UPDATE items SET status = 'new', claim = NULL WHERE status = 'in_progress'`)
      )
      const { url: service } = yield* serving(["--allow-private", "--database", database])
      const { id } = yield* created(service, { url, items_limit: 10 })
      assert.deepInclude(yield* ended(service, id), { status: "done", items_total: 2, items_done: 2, items_failed: 0 })
      yield* checkMoney(database, 2)
    }))

  test("takes over what a process claimed after it was taken for lost, and before it was killed", ({ database }) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Database.client(database))
      const sql = yield* Effect.provideContext(SqlClient.SqlClient, context)
      const isAsked = yield* Deferred.make<void>()
      const url = yield* holding(() => {
        Deferred.doneUnsafe(isAsked, Effect.void)
        return new Promise(() => undefined)
      })
      const args = ["--allow-private", "--database", database]
      const id = yield* Effect.scoped(
        Effect.gen(function* () {
          const killed = yield* serving(args)
          const { id } = yield* created(killed.url, { url, items_limit: 10 })
          yield* Deferred.await(isAsked)
          process.kill(killed.pid, "SIGSTOP")
          yield* sql`DELETE FROM runners`
          return id
        })
      )
      const { url: service } = yield* serving(args)
      assert.deepInclude(yield* ended(service, id), { status: "done", items_total: 2, items_done: 2 })
      yield* checkMoney(database, 2)
    }))

  test("goes on with a job whose transaction lost its connection", ({ database }) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Database.client(database))
      const sql = yield* Effect.provideContext(SqlClient.SqlClient, context)
      const isAsked = yield* Deferred.make<void>()
      const isOver = yield* Deferred.make<void>()
      const url = yield* holding(() => {
        Deferred.doneUnsafe(isAsked, Effect.void)
        return Effect.runPromise(Deferred.await(isOver))
      })
      const args = ["--allow-private", "--database", database]
      const one = yield* serving(args)
      const { id } = yield* created(one.url, { url, items_limit: 10 })
      yield* Deferred.await(isAsked)
      // A second process begins with the job, and has to wait for it.
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`SELECT 1 AS one FROM jobs WHERE id = ${id} FOR UPDATE`
          yield* serving(args)
          for (;;) {
            const cut =
              yield* sql`SELECT pg_terminate_backend(pid) AS cut FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
            if (cut.length > 0) break
            yield* Effect.sleep("10 millis")
          }
        })
      )
      yield* Effect.sleep("1 second")
      yield* Deferred.succeed(isOver, undefined)
      assert.deepInclude(yield* ended(one.url, id), { status: "done", items_total: 2, items_done: 2 })
      yield* checkMoney(database, 2)
    }))

  test("delivers a webhook as often as it is asked to, also at the same instant", ({ database }) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Database.client(database))
      const sql = yield* Effect.provideContext(SqlClient.SqlClient, context)
      const told: Array<string> = []
      const hook = yield* serve((request, response) => {
        told.push(String(request.headers["webhook-id"]))
        response.writeHead(204).end()
      })
      const { url } = yield* serving(["--allow-private", "--database", database])
      const { id } = yield* created(url, { url: yield* site(1), webhook_url: hook })
      yield* ended(url, id)
      // Both requests are there before either can change the job.
      const both = yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`SELECT 1 AS one FROM jobs WHERE id = ${id} FOR UPDATE`
          const resend = asked(url, `/v1/job/${id}/webhook`, { method: "POST" })
          const fiber = yield* Effect.forkScoped(Effect.all([resend, resend], { concurrency: 2 }))
          const waiting = sql`SELECT 1 AS one FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
          while ((yield* waiting).length < 2) yield* Effect.sleep("10 millis")
          return fiber
        })
      )
      for (const { success } of yield* Fiber.join(both)) assert.isTrue(success)
      while (told.length < 3) yield* Effect.sleep("10 millis")
      assert.deepStrictEqual(told, [id, id, id])
    }))

  test("gives a page up that has killed three processes, and blames no page that was under way then", ({ database }) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Database.client(database))
      const sql = yield* Effect.provideContext(SqlClient.SqlClient, context)
      const bad = yield* killer
      const args = ["--allow-private", "--database", database]
      const ids: Array<string> = []
      for (let n = 1; n <= 3; n++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { pid, url } = yield* serving(args)
            bad.victim = pid
            if (n === 1)
              for (const start of ["/", "/slow"])
                ids.push((yield* created(url, { url: new URL(start, bad.url).href, items_limit: 10 })).id)
            while (bad.deaths < n) yield* Effect.sleep("10 millis")
          })
        )
        // Its lease is over.
        yield* sql`DELETE FROM runners`
      }
      const { url } = yield* serving(args)
      const [job, slow] = yield* Effect.forEach(ids, (id) => ended(url, id))
      assert.deepInclude(slow, { status: "done", items_total: 1, items_done: 1 })
      assert.deepInclude(job, { status: "done", items_total: 5, items_done: 4, items_failed: 1 })
      const failed = job.job_items.find(({ status }: { status: string }) => status === "error")
      assert.deepInclude(failed, { error_code: "internal_error", reason: "defect", original_url: `${bad.url}bad` })
      assert.strictEqual(bad.deaths, 3)
      yield* checkMoney(database, 5)
    }))

  test("that no service has used is refused by the command line, and stays as it is", ({ database }) =>
    Effect.gen(function* () {
      const context = yield* Layer.build(Database.client(database))
      const sql = yield* Effect.provideContext(SqlClient.SqlClient, context)
      for (const [what, ...args] of [
        ["durable tasks", "durable", "gates"],
        ["workflows", "durable", "stuck"],
        ["accounts", "accounts", "list"]
      ] as const) {
        const { code, stderr } = yield* run([...args, "--database", database])
        assert.strictEqual(code, 1)
        assert.match(stderr, new RegExp(`^error: the database 127.0.0.1:\\d+/\\S+ has no ${what}\\. Give --database`))
      }
      assert.deepStrictEqual(yield* sql`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`, [])
      yield* Effect.scoped(serving(["--database", database]))
      assert.include((yield* run(["accounts", "list", "--database", database])).stdout, "local")
      assert.include((yield* run(["durable", "gates", "--database", database])).stdout, "no gate is shut")
    }))
})
