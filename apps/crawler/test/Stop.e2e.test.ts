import { request } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Service from "../src/service/Service.ts"
import { ask, layer } from "./api.ts"
import { serving } from "./cli.ts"
import { folder } from "./files.ts"
import { serve } from "./origin.ts"

/** Asks a service for a crawl as any client would. */
const post = (service: string, body: object) =>
  Effect.promise(() =>
    fetch(new URL("/v1/crawl", service), {
      method: "POST",
      headers: { authorization: "Bearer local", "content-type": "application/json" },
      body: JSON.stringify(body)
    })
  )

const until = (condition: () => boolean) =>
  Effect.gen(function* () {
    while (!condition()) yield* Effect.sleep("10 millis")
  })

describe.concurrent("serve that is stopped", () => {
  it.live("finishes the pages under way, begins none, and takes the rest up at the next start", () =>
    Effect.gen(function* () {
      const requests: Array<string> = []
      const url = yield* serve(({ url: path = "" }, response) => {
        requests.push(path)
        const body = path === "/" ? Array.from({ length: 30 }, (_, n) => `<a href="/${n}">${n}</a>`).join("") : "page"
        setTimeout(() => response.writeHead(200, { "content-type": "text/html" }).end(body), path === "/" ? 0 : 500)
      })
      const database = join(yield* folder, "crawl.db")
      const first = yield* serving(["--allow-private", "--database", database])
      yield* post(first.url, { url, items_limit: 31 })
      yield* until(() => requests.length > 1)
      assert.strictEqual(yield* first.stop(), 0)
      const asked = requests.length
      const db = new DatabaseSync(database, { readOnly: true })
      const statuses = db.prepare("SELECT status, count(*) AS n FROM items GROUP BY status").all()
      db.close()
      const count = (status: string) => Number(statuses.find((row) => row["status"] === status)?.["n"] ?? 0)
      assert.strictEqual(count("done"), asked)
      assert.strictEqual(count("done") + count("new"), 31)
      assert.isBelow(asked, 31)

      const second = yield* serving(["--allow-private", "--database", database])
      yield* until(() => requests.length >= 31)
      yield* second.stop()
      assert.lengthOf([...new Set(requests)], 31)
      assert.lengthOf(requests, 31)
    })
  )

  it.live("does not wait for a page that never comes, once it is told twice", () =>
    Effect.gen(function* () {
      let isAsked = false
      const url = yield* serve(() => {
        isAsked = true
      })
      const service = yield* serving(["--allow-private"])
      yield* post(service.url, { url })
      yield* until(() => isAsked)
      const begun = Date.now()
      yield* Effect.forkChild(service.stop("SIGINT"))
      yield* Effect.sleep("1 second")
      yield* service.stop("SIGINT")
      assert.isBelow(Date.now() - begun, 4000)
    })
  )

  it.live("takes a Ctrl-C that arrives twice at once, as by way of npm, for one", () =>
    Effect.gen(function* () {
      let isAsked = false
      const url = yield* serve((_, response) => {
        isAsked = true
        setTimeout(() => response.writeHead(200, { "content-type": "text/html" }).end("page"), 700)
      })
      const database = join(yield* folder, "crawl.db")
      const service = yield* serving(["--allow-private", "--database", database])
      yield* post(service.url, { url })
      yield* until(() => isAsked)
      yield* Effect.all([service.stop("SIGINT"), service.stop("SIGINT")], { concurrency: 2 })
      const db = new DatabaseSync(database, { readOnly: true })
      assert.strictEqual(db.prepare("SELECT status FROM items").get()?.["status"], "done")
      db.close()
    })
  )
})

describe.concurrent("a service for supervisors", () => {
  it.live("says that it lives and is ready, without a key", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* ask("/healthz", { key: "" }), { status: 200, body: { status: "ok" } })
      assert.deepInclude(yield* ask("/readyz", { key: "" }), { status: 200, body: { status: "ready" } })
    }).pipe(Effect.provide(layer()))
  )

  it.live("lives but is not ready where its database fails", () =>
    Effect.gen(function* () {
      const database = join(yield* folder, "crawl.db")
      yield* Effect.gen(function* () {
        const other = new DatabaseSync(database)
        other.exec("PRAGMA foreign_keys = OFF; DROP TABLE accounts")
        other.close()
        assert.strictEqual((yield* ask("/healthz", { key: "" })).status, 200)
        assert.deepInclude(yield* ask("/readyz", { key: "" }), {
          status: 503,
          body: { status: "the database does not answer" }
        })
      }).pipe(Effect.provide(layer({ database })))
    })
  )
})

describe.concurrent("a request", () => {
  it.live("that does not arrive in time is ended", () =>
    Effect.gen(function* () {
      const { url } = yield* Service.Service
      const answer = yield* Effect.promise(
        () =>
          new Promise<string>((resolve) => {
            const socket = connect(Number(new URL(url).port), "127.0.0.1")
            let text = ""
            socket.on("data", (chunk) => (text += chunk.toString()))
            socket.on("close", () => resolve(text))
            socket.on("error", () => resolve(text))
            const head = ["POST /v1/crawl HTTP/1.1", "host: x", "authorization: Bearer local", "content-length: 100"]
            socket.write([...head, "content-type: application/json", "", "{"].join("\r\n"))
          })
      )
      assert.match(answer, /^HTTP\/1\.1 408 /)
    }).pipe(Effect.provide(layer({ requestTimeout: "300 millis" })))
  )

  it.live("that is too large is refused before it is read", () =>
    Effect.gen(function* () {
      const { url } = yield* Service.Service
      const status = yield* Effect.callback<number | undefined>((resume) => {
        const headers = { authorization: "Bearer local", "content-type": "application/json", "content-length": 1e9 }
        const sent = request(new URL("/v1/crawl", url), { method: "POST", headers })
        sent.on("response", (response) => {
          resume(Effect.succeed(response.statusCode))
          sent.destroy()
        })
        sent.on("error", () => undefined)
        sent.write(" ".repeat(100_000))
      })
      assert.strictEqual(status, 413)
    }).pipe(Effect.provide(layer()))
  )
})
