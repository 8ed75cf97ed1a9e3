import process from "node:process"
import { assert, describe, it } from "@effect/vitest"
import * as Postgres from "@redrive/clients/Postgres"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as SqlClient from "effect/sql/SqlClient"
import * as Database from "../src/service/Database.ts"
import { run, serving } from "./cli.ts"
import { serve } from "./origin.ts"
const asked = (service: string, path: string, init: RequestInit = {}) => Effect.promise(async () => {
  const r = await fetch(new URL(path, service), { headers: { authorization: "Bearer local", "content-type": "application/json" }, ...init })
  return await r.json() as any
})
const created = (service: string, request: object) =>
  asked(service, "/v1/crawl", { method: "POST", body: JSON.stringify(request) })
const isOver = ({ status }: any) => ["done", "error", "cancelled"].includes(status)
const ended = (service: string, id: string) =>
  Effect.gen(function* () {
    for (;;) {
      const job = yield* asked(service, `/v1/job/${id}`)
      if (isOver(job)) return job
      yield* Effect.sleep("50 millis")
    }
  })
const pg = Effect.gen(function* () {
  const { config, ...rest } = yield* Postgres.instance(undefined)
  return { ...rest, database: `postgres://${config.user}@${config.host}:${config.port}/${config.database}` }
})
const summary = (job: any) => {
  const { job_items, ...rest } = job
  const kinds: any = {}
  for (const i of job_items) { const k = `${i.status} ${i.last_error}`; kinds[k] = (kinds[k] ?? 0) + 1 }
  return { status: rest.status, error: rest.error, total: rest.items_total, done: rest.items_done, failed: rest.items_failed, kinds }
}
it.live("stopped process whose claims are lost, and that claims them again", () => Effect.gen(function* () {
  const { database } = yield* pg
  const client = yield* Layer.build(Database.client(database))
  const url = yield* serve((request, response) => {
    const at = Number(request.url?.slice(1) || 0)
    const links = at === 0 ? Array.from({ length: 80 }, (_, n) => n + 1) : [at * 100]
    const body = `<p>the page ${at}</p>${at >= 100 ? "" : links.map((next) => `<a href="/${next}">${next}</a>`).join("")}`
    setTimeout(() => response.writeHead(200, { "content-type": "text/html" }).end(body), at === 0 ? 10 : at >= 100 ? 10 : 4000)
  })
  const args = ["--allow-private", "--database", database]
  const one = yield* serving(args)
  const { id } = yield* created(one.url, { url, items_limit: 1000 })
  while ((yield* asked(one.url, `/v1/job/${id}`)).items_done < 1) yield* Effect.sleep("20 millis")
  yield* Effect.sleep("500 millis")
  const two = yield* serving(args)
  yield* Effect.sleep("1 second")
  process.kill(one.pid, "SIGSTOP")
  // Until the other has given them back.
  const sql = yield* Effect.provideContext(SqlClient.SqlClient, client)
  for (;;) {
    const [r] = yield* sql<any>`SELECT count(*)::int AS n FROM runners`
    if (r.n === 1) break
    yield* Effect.sleep("20 millis")
  }
  process.kill(one.pid, "SIGCONT")
  console.log(summary(yield* ended(two.url, id)))
  const [c] = yield* sql<any>`SELECT count(*)::int AS n FROM ledger WHERE credit='(pages)'`
  console.log(c)
}).pipe(Effect.scoped, Effect.provide(Logger.layer([])), (e) => Effect.scoped(Effect.flatMap(Effect.succeed(1), () => e))) as any, 120000)
