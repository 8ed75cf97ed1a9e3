import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type * as AlertWire from "@redrive/alert/AlertWire"
import * as CrawlApi from "@redrive/crawl/CrawlApi"
import * as CrawlClient from "@redrive/crawl/CrawlClient"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Accounts from "../src/service/Accounts.ts"
import * as PlainHttp from "../src/service/PlainHttp.ts"
import { crawl, layer } from "./api.ts"
import { serving } from "./cli.ts"
import { breakStore, folder } from "./files.ts"
import { namesAreLoopback } from "./names.ts"
import { serve, site } from "./origin.ts"

const clientOf = (url: string) =>
  Effect.provide(CrawlClient.make({ url, apiKey: Accounts.local.apiKey }), PlainHttp.layer)

/** The URL under a name that `namesAreLoopback` resolves to 127.0.0.1. */
const named = (url: string) => url.replace("127.0.0.1", "inside.test")

/** A webhook receiver; `received` lists the codes of its alerts. */
const receiver = Effect.gen(function* () {
  const received: Array<string> = []
  const url = yield* serve((request, response) => {
    let text = ""
    request.on("data", (chunk) => (text += chunk))
    request.on("end", () => {
      const { data }: AlertWire.Body = JSON.parse(text)
      received.push(...data.alerts.map(({ code }) => code))
      response.writeHead(204).end()
    })
  })
  return { received, url: named(url) }
})

describe("a name that resolves to a private address", () => {
  for (const webhook of [false, true]) {
    it.live(`is refused by \`serve\`, ${webhook ? "with" : "without"} --alert-webhook`, () =>
      Effect.gen(function* () {
        const inside = yield* site({ "/": "<title>inside</title>" })
        const args = webhook ? ["--alert-webhook", (yield* receiver).url] : []
        const service = yield* serving(args, namesAreLoopback)
        const client = yield* clientOf(service.url)
        const [item] = (yield* client.crawl(CrawlApi.CrawlRequest.make({ url: named(inside.url) }))).items
        assert.deepStrictEqual([item?.status, item?.error?.reason.detail], ["error", "private_address"])
        assert.isEmpty(inside.requests)
      })
    )
  }

  it.live("receives alerts although the crawler refuses it", () =>
    Effect.gen(function* () {
      const { received, url } = yield* receiver
      const database = join(yield* folder, "crawl.db")
      const service = yield* serving(["--database", database, "--alert-webhook", url], namesAreLoopback)
      const client = yield* clientOf(service.url)
      const request = CrawlApi.CrawlRequest.make({ url: "http://inside.test/" })
      yield* client.crawl(request)
      breakStore(database)
      yield* Effect.flip(client.create(request))
      yield* service.stop()
      assert.include(received, "internal_error")
    })
  )
})

describe("the crawler's client", () => {
  it.live("is its own: it uses no client and no `fetch` from its context", () => {
    let used = 0
    const stranger = () => {
      used++
      return Promise.resolve(new Response("<title>stranger</title>"))
    }
    const strangers = FetchHttpClient.layer.pipe(Layer.provideMerge(Layer.succeed(FetchHttpClient.Fetch, stranger)))
    return Effect.gen(function* () {
      const { requests, url } = yield* site({ "/": "<title>mine</title>" })
      const job = yield* crawl({ url, respect_robots_txt: true })
      assert.strictEqual(job.job_items[0].title, "mine")
      assert.deepStrictEqual(requests, ["/robots.txt", "/"])
      assert.strictEqual(used, 0)
    }).pipe(Effect.provide(layer().pipe(Layer.provideMerge(strangers))))
  })
})
