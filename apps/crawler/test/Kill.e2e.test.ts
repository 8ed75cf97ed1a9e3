import { createServer } from "node:http"
import { join } from "node:path"
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import { text as textOf } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import * as Program from "@redrive/testing/Program"
import * as Recorder from "@redrive/testing/Recorder"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Accounts from "../src/service/Accounts.ts"
import * as Service from "../src/service/Service.ts"
import * as Api from "./api.ts"
import { serving } from "./cli.ts"
import { folder } from "./files.ts"
import { killer } from "./killer.ts"
import { serve } from "./origin.ts"
import { checkCounters } from "./counters.ts"

/** How often the service is killed: `KILLS=50 pnpm test apps/crawler/test/Kill.e2e.test.ts` takes two minutes. */
const kills = Number(process.env["KILLS"] ?? 6)

/** The pages of the site are a tree of three levels, in which each page has links to its parent and to a page that is not there. */
const levels = [1, 5, 4]
const pageCount = 1 + 5 + 5 * 4
/** `/none`, which is not there. */
const itemCount = pageCount + 1

const html = (path: string): string | undefined => {
  if (!/^\/(\d(\/\d)?)?$/.test(path)) return undefined
  const depth = path === "/" ? 0 : path.split("/").length - 1
  const below = Array.from({ length: levels[depth + 1] ?? 0 }, (_, n) => `${path === "/" ? "" : path}/${n}`)
  return [...below, "/", "/none"].map((link) => `<a href="${link}">${link}</a>`).join("") + `<p>the page ${path}</p>`
}

const later = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

const ask = (service: string, path: string, init: RequestInit = {}) =>
  Effect.tryPromise(async (signal) => {
    const headers = { authorization: "Bearer local", "content-type": "application/json" }
    const response = await fetch(new URL(path, service), { signal, headers, ...init })
    // oxlint-disable-next-line typescript/no-explicit-any -- foreign JSON
    const json: any = await response.json()
    return json
  })

describe("serve that is killed at any moment", () => {
  it.live(
    `${kills} times: every job ends, no page is lost or paid twice, and each webhook keeps its id`,
    () =>
      Effect.gen(function* () {
        const site = yield* serve(async ({ url: path = "" }, response) => {
          await later(Math.random() * 60)
          const page = html(path)
          response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html" }).end(page)
        })
        const told = new Map<string, Array<string>>()
        const hook = yield* Program.serve(
          createServer(async (request, response) => {
            const { id, status } = JSON.parse(await textOf(request))
            const key = String(request.headers["webhook-id"])
            const before = told.get(key) ?? []
            // The first delivery of every other job is not taken.
            const isRefused = before.length === 0 && told.size % 2 === 0
            told.set(key, [...before, `${id} ${status}`])
            await later(Math.random() * 300)
            response.writeHead(isRefused ? 503 : 204).end()
          })
        )
        const database = join(yield* folder, "crawl.db")
        const args = ["--allow-private", "--database", database]
        const create = (service: string) =>
          ask(service, "/v1/crawl", {
            method: "POST",
            body: JSON.stringify({ url: site, items_limit: 100, webhook_url: hook })
          })

        let known = 0
        for (let n = 0; n < kills; n++) {
          const life = yield* Random.nextIntBetween(300, 3000)
          // The scope ends by SIGKILL, whether the process is starting, working or answering.
          yield* Effect.gen(function* () {
            const { url } = yield* serving(args)
            yield* create(url)
            known++
            yield* Effect.sleep("20 millis")
            yield* create(url)
            known++
            return yield* Effect.never
          }).pipe(Effect.scoped, Effect.timeout(life), Effect.ignore)
        }

        const { url } = yield* serving(args)
        const last = yield* create(url)
        const jobs = Effect.map(ask(url, "/v1/jobs?limit=100"), (list) => list.jobs)
        const isOver = (job: { readonly status: string }) => ["done", "error", "cancelled"].includes(job.status)
        while (!(yield* jobs).every(isOver)) yield* Effect.sleep("100 millis")

        const all = yield* jobs
        // A request that was cut off may have made a job, too.
        assert.isAtLeast(all.length, known + 1)
        assert.include(
          all.map((job: { readonly id: string }) => job.id),
          last.id
        )
        for (const job of all)
          assert.deepInclude(job, {
            status: "done",
            items_total: itemCount,
            items_done: pageCount,
            items_failed: 1
          })
        for (const { id } of all) {
          const { job_items } = yield* ask(url, `/v1/job/${id}`)
          const urls = job_items.map((item: { readonly original_url: string }) => item.original_url)
          assert.strictEqual(new Set(urls).size, itemCount)
          while ((yield* ask(url, `/v1/job/${id}`)).webhook_status !== "delivered") yield* Effect.sleep("100 millis")
        }

        // Each page that is kept was paid once, and nothing else was.
        const db = new DatabaseSync(database, { readOnly: true })
        const strings = (query: string) =>
          db
            .prepare(query)
            .all()
            .map((row) => String(row["one"]))
        const pages = strings(
          "SELECT 'page ' || id AS one FROM items JOIN texts ON item_id = id WHERE status = 'done' AND markdown LIKE '%the page%'"
        )
        assert.lengthOf(pages, all.length * pageCount)
        assert.sameMembers(strings("SELECT id AS one FROM ledger WHERE credit = '(pages)'"), pages)
        const [balance] = strings("SELECT balance AS one FROM accounts WHERE id = 'local'")
        assert.strictEqual(Number(balance), Accounts.local.balance - pages.length * Accounts.pagePrice)
        db.close()
        yield* checkCounters(database)

        // Receivers know repeats by the id.
        assert.sameMembers(
          [...told.keys()],
          all.map((job: { readonly id: string }) => job.id)
        )
        for (const [id, deliveries] of told) assert.deepStrictEqual([...new Set(deliveries)], [`${id} done`])
        assert.isAbove([...told.values()].flat().length, told.size)
      }),
    60_000 + kills * 5000
  )

  it.live("still delivers a webhook that was under way each time", () =>
    Effect.gen(function* () {
      const site = yield* serve((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("page"))
      let isUp = false
      let asked = 0
      const hook = yield* Program.serve(
        createServer((_, response) => {
          asked++
          if (isUp) response.writeHead(204).end()
        })
      )
      const args = ["--allow-private", "--database", join(yield* folder, "crawl.db")]
      const until = (isSo: () => boolean) =>
        Effect.gen(function* () {
          while (!isSo()) yield* Effect.sleep("10 millis")
        })
      const id = yield* Effect.scoped(
        Effect.gen(function* () {
          const { url } = yield* serving(args)
          const created = yield* ask(url, "/v1/crawl", {
            method: "POST",
            body: JSON.stringify({ url: site, webhook_url: hook })
          })
          yield* until(() => asked > 0)
          return created.id
        })
      )
      for (let n = 1; n < 4; n++)
        yield* Effect.scoped(
          Effect.andThen(
            serving(args),
            until(() => asked > n)
          )
        )
      isUp = true
      const { url } = yield* serving(args)
      const state = Effect.map(ask(url, `/v1/job/${id}`), (job) => job.webhook_status)
      while ((yield* state) === "pending") yield* Effect.sleep("50 millis")
      assert.strictEqual(yield* state, "delivered")
    })
  )

  it.live("gives a page up that has killed it three times, and blames no page that was under way then", () =>
    Effect.gen(function* () {
      const site = yield* killer
      const database = join(yield* folder, "crawl.db")
      const ids: Array<string> = []
      for (let n = 1; n <= 3; n++)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { pid, url } = yield* serving(["--allow-private", "--database", database])
            site.victim = pid
            if (n === 1)
              for (const start of ["/", "/slow"]) {
                const body = JSON.stringify({ url: new URL(start, site.url).href, items_limit: 10 })
                ids.push((yield* ask(url, "/v1/crawl", { method: "POST", body })).id)
              }
            while (site.deaths < n) yield* Effect.sleep("10 millis")
          })
        )
      const program = Effect.gen(function* () {
        const [job, slow] = yield* Effect.forEach(ids, (id) => Api.ended(id))
        assert.deepInclude(slow, { status: "done", items_total: 1, items_done: 1 })
        assert.deepInclude(job, { status: "done", items_total: 5, items_done: 4, items_failed: 1 })
        const bad = job.job_items.find(({ original_url }: { original_url: string }) => original_url.endsWith("/bad"))
        assert.deepInclude(bad, {
          status: "error",
          error_code: "internal_error",
          reason: "defect",
          cost: 0,
          attempts: 3
        })
        const reports = yield* Effect.flatMap(Recorder.Recorder, (recorder) => recorder.reports)
        assert.deepStrictEqual(
          reports.map(({ code, detail, url }) => [code, detail, url]),
          [["internal_error", "defect", `${site.url}bad`]]
        )
        const { accounts } = yield* Service.Service
        assert.strictEqual(yield* accounts.balance("local"), Accounts.local.balance - 5 * Accounts.pagePrice)
      })
      yield* Effect.provide(program, Layer.provideMerge(Api.layer({ database }), Recorder.layer))
      assert.lengthOf(
        site.asked.filter((path) => path === "/bad"),
        3
      )
    })
  )

  it.live("blames no page for a stop, however often it is stopped", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const url = yield* serve(({ url: path = "" }, response) => {
        if (asked.push(path) > 5) response.writeHead(200, { "content-type": "text/html" }).end("<p>page")
      })
      const database = join(yield* folder, "crawl.db")
      const ids: Array<string> = []
      for (let n = 1; n <= 5; n++)
        yield* Api.withService(
          Effect.gen(function* () {
            if (n === 1) ids.push((yield* Api.create({ url })).body.id)
            while (asked.length < n) yield* Effect.sleep("10 millis")
          }),
          { database }
        )
      const [job] = yield* Api.withService(
        Effect.forEach(ids, (id) => Api.ended(id)),
        { database }
      )
      assert.deepInclude(job, { status: "done", items_done: 1 })
    })
  )
})
