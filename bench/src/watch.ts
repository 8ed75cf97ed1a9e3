/** The views of the live page over a million pages in a SQLite file: how long each takes to read. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Accounts from "@redrive/crawler/src/service/Accounts.ts"
import * as Database from "@redrive/crawler/src/service/Database.ts"
import * as Watch from "@redrive/crawler/src/watch/Watch.ts"
import * as Store from "@redrive/durable/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { table, write } from "./measure.ts"

const jobs = 10
const pagesPerJob = 100_000
const hosts = 1000
const rounds = 9

const folder = mkdtempSync(join(tmpdir(), "redrive-watch-"))
const file = join(folder, "watch.db")
const data = Layer.provideMerge(Layer.merge(Store.layer(), Accounts.Accounts.layer), Database.layer(file))

/** The pages of a job that runs, all of which wait, for up to a day. */
const fillWaiting = (db: DatabaseSync, id: string, request: string) => {
  const now = Date.now()
  const at = new Date(now).toISOString()
  db.prepare(
    `INSERT INTO jobs (id, account_id, request, status, created_at, updated_at, total) VALUES (?, 'local', ?, 'in_progress', ?, ?, ${pagesPerJob})`
  ).run(id, request, at, at)
  const item =
    db.prepare(`INSERT INTO items (id, job_id, url, referred_url, depth, status, page_status, title, cost, attempts, created_at, updated_at,
    host, story, next_at) VALUES (?, ?, ?, '', 1, 'in_progress', 0, '', 0, 1, ?, ?, ?, '[{"at":1,"ms":2,"end":"failed","status":503}]', ?)`)
  for (let i = 0; i < pagesPerJob; i++) {
    const host = `h${i % hosts}.example`
    // A step without a common factor: neighbours of a site do not go again one after the other.
    const wait = 60_000 + ((i * 7919) % pagesPerJob) * (86_400_000 / pagesPerJob)
    item.run(`${id}-${i}`, id, `https://${host}/page/${i}`, at, at, host, now + wait)
  }
}

/** One page in ten of all jobs but one has failed, in two ways, and has a story. */
const fill = () => {
  const db = new DatabaseSync(file)
  const at = new Date().toISOString()
  const request = JSON.stringify({ url: "https://example.com/", items_limit: pagesPerJob })
  const job =
    db.prepare(`INSERT INTO jobs (id, account_id, request, status, created_at, updated_at, finished_at, total, done, failed)
    VALUES (?, 'local', ?, 'done', ?, ?, ?, ${pagesPerJob}, ${pagesPerJob * 0.9}, ${pagesPerJob * 0.1})`)
  const item =
    db.prepare(`INSERT INTO items (id, job_id, url, referred_url, depth, status, page_status, title, cost, attempts, created_at, updated_at,
    host, code, detail, actor, because, answer, story) VALUES (?, ?, ?, '', 1, ?, ?, ?, 2000, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const tally =
    db.prepare(`INSERT INTO tallies (job_id, host, code, detail, page_status, because, actor, count) VALUES (?, ?, ?, ?, ?, ?, ?, 1)
    ON CONFLICT DO UPDATE SET count = count + 1`)
  db.exec("BEGIN")
  fillWaiting(db, "waiting", request)
  for (let j = 0; j < jobs - 1; j++) {
    const id = `job-${j}`
    job.run(id, request, at, at, at)
    for (let i = 0; i < pagesPerJob; i++) {
      const host = `h${i % hosts}.example`
      const detail = i % 10 > 0 ? "" : i % 20 > 0 ? "not_found" : "server_error"
      const status = detail === "" ? 200 : detail === "not_found" ? 404 : 500
      const [code, actor, because] = detail === "" ? ["", "", ""] : ["host_returned_error", "site owner", "permanent"]
      const answer = detail === "" ? "" : `{"error_code":"host_returned_error","last_error":"${status}"}`
      const story = detail === "" ? "" : `[{"at":1,"ms":2,"end":"failed","status":${status}}]`
      const kept = detail === "" ? "done" : "error"
      const url = `https://${host}/page/${i}`
      item.run(
        `${id}-${i}`,
        id,
        url,
        kept,
        status,
        `Title ${i}`,
        at,
        at,
        host,
        code,
        detail,
        actor,
        because,
        answer,
        story
      )
      tally.run(id, host, code, detail, detail === "" ? 0 : status, because, actor)
    }
  }
  db.exec("COMMIT")
  db.close()
}

const views = [
  ["overview", Watch.overview(undefined, [])],
  ["a job", Watch.job("job-3", {}, undefined)],
  ["hosts", Watch.hosts(undefined)],
  ["accounts", Watch.accounts],
  ["all pages", Watch.items({}, undefined)],
  ["pages that are done", Watch.items({ status: "done" }, undefined)],
  ["pages that failed", Watch.items({ status: "failed" }, undefined)],
  ["of one code and detail", Watch.items({ code: "host_returned_error", detail: "server_error" }, undefined)],
  ["of one host", Watch.items({ host: "h10.example" }, undefined)],
  ["of one host that failed", Watch.items({ host: "h10.example", status: "failed" }, undefined)],
  ["pages that wait", Watch.items({ status: "waiting" }, undefined)],
  ["that go again within an hour", Watch.items({ next: "1h" }, undefined)],
  ["that go again in more than an hour", Watch.items({ next: "over-1h" }, undefined)],
  ["that go again within an hour, of one job", Watch.items({ job: "waiting", next: "1h" }, undefined)],
  ["that go again within an hour, of one host", Watch.items({ host: "h10.example", next: "1h" }, undefined)],
  ["a job of which all pages wait", Watch.job("waiting", { status: "waiting" }, undefined)],
  ["with a text, 5,000 pages at a time", Watch.items({ text: "page/99990" }, undefined)],
  ["with a text that failed, 5,000 pages at a time", Watch.items({ status: "failed", text: "page/99990" }, undefined)]
] as const

const measured = Effect.gen(function* () {
  fill()
  const rows: Array<ReadonlyArray<string>> = []
  for (const [name, view] of views) {
    const times: Array<number> = []
    for (let round = 0; round < rounds; round++) {
      const begun = performance.now()
      yield* view
      times.push(performance.now() - begun)
    }
    const [first = 0, ...later] = times
    const median = later.toSorted((one, other) => one - other)[later.length >> 1] ?? 0
    rows.push([name, first.toFixed(0), median.toFixed(0), Math.max(...later).toFixed(0)])
  }
  return table(["view", "ms the first time", "ms, median", "ms, at most"], 1, rows)
})

try {
  const body = await Effect.runPromise(Effect.provide(measured, data))
  const how = `${jobs} jobs of ${pagesPerJob.toLocaleString("en")} pages at ${hosts.toLocaleString("en")} hosts in a SQLite file; of one of them all pages wait, of all others 10 % have failed. Aim: 100 ms for each view.`
  write("watch.md", "The live page over a million pages", how, body)
} finally {
  rmSync(folder, { recursive: true })
}
